"""Bodies: strict JSON, then a type, then every field's error at once."""

import json
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta, Struct

from dada import bodies
from dada.bodies import NotReadable
from dada.problems import FieldError, Invalid


class Inner(Struct, forbid_unknown_fields=True, kw_only=True):
    n: int


class Order(Struct, forbid_unknown_fields=True, kw_only=True):
    name: Annotated[str, Meta(min_length=2, max_length=5)]
    count: Annotated[int, Meta(ge=1, le=9)]
    tags: list[str] = []
    inner: Inner | None = None
    renamed: str = ""


def test_a_body_becomes_a_value():
    assert bodies.read(b'{"name":"ada","count":3,"tags":["x"]}', Order) == Order(name="ada", count=3, tags=["x"])


ERRORS = {
    "two fields missing": ({}, [FieldError("#/name", "missing"), FieldError("#/count", "missing")]),
    "too short": ({"name": "a", "count": 1}, [FieldError("#/name", "too_short", {"min": 2})]),
    "too long": ({"name": "abcdef", "count": 1}, [FieldError("#/name", "too_long", {"max": 5})]),
    "too small": ({"name": "ada", "count": 0}, [FieldError("#/count", "too_small", {"min": 1})]),
    "too large": ({"name": "ada", "count": 10}, [FieldError("#/count", "too_large", {"max": 9})]),
    "of another type": ({"name": 7, "count": "1"}, [
        FieldError("#/name", "type", {"expected": "str"}), FieldError("#/count", "type", {"expected": "int"}),
    ]),
    "true is no number": ({"name": "ada", "count": True}, [FieldError("#/count", "type", {"expected": "int"})]),
    "a fraction is none": ({"name": "ada", "count": 1.5}, [FieldError("#/count", "type", {"expected": "int"})]),
    "null is no text": ({"name": None, "count": 1}, [FieldError("#/name", "type", {"expected": "str"})]),
    "two unknown members": ({"name": "ada", "count": 1, "is_admin": True, "a/b~": 1}, [
        FieldError("#/is_admin", "unknown"), FieldError("#/a~1b~0", "unknown"),
    ]),
    "an element of a list": ({"name": "ada", "count": 1, "tags": ["x", 7]}, [
        FieldError("#/tags/1", "type", {"expected": "str"}),
    ]),
    "a member of a member": ({"name": "ada", "count": 1, "inner": {"n": "x"}}, [
        FieldError("#/inner/n", "type", {"expected": "int"}),
    ]),
    "a member missing inside": ({"name": "ada", "count": 1, "inner": {}}, [FieldError("#/inner/n", "missing")]),
    "all members of a member": ({"name": "ada", "count": 1, "inner": {"n": "x", "m": 1}}, [
        FieldError("#/inner/n", "type", {"expected": "int"}), FieldError("#/inner/m", "unknown"),
    ]),
    "a list": ([], [FieldError("#", "type", {"expected": "object"})]),
    "a text": ("x", [FieldError("#", "type", {"expected": "object"})]),
    "everything at once": ({"name": "a", "tags": 1, "x": 1}, [
        FieldError("#/name", "too_short", {"min": 2}), FieldError("#/count", "missing"),
        FieldError("#/tags", "type", {"expected": "array"}), FieldError("#/x", "unknown"),
    ]),
}  # fmt: skip


@pytest.mark.parametrize(("value", "errors"), ERRORS.values(), ids=ERRORS)
def test_every_field_s_error_is_told_at_once(value, errors):
    with pytest.raises(Invalid) as caught:
        bodies.read(json.dumps(value).encode(), Order)
    assert list(caught.value.errors) == errors


def test_what_else_is_wrong_with_the_members_that_have_their_type_is_told_with_the_rest():
    def also(members):
        return [FieldError("#/name", "taken")] if members.get("name") == "bob" else []

    with pytest.raises(Invalid) as caught:
        bodies.validate({"name": "bob", "count": "x"}, Order, also)
    assert list(caught.value.errors) == [
        FieldError("#/count", "type", {"expected": "int"}), FieldError("#/name", "taken"),
    ]  # fmt: skip
    assert bodies.validate({"name": "bob", "count": 1}, Order, also).name == "bob"


def test_in_a_query_numbers_are_written_in_digits():
    assert bodies.validate({"name": "bob", "count": "7"}, Order, strict=False).count == 7
    with pytest.raises(Invalid):
        bodies.validate({"name": "bob", "count": "７"}, Order, strict=False)


class Asked(Struct, forbid_unknown_fields=True, kw_only=True):
    n: int = 0
    m: int = 0
    yes: bool = False
    share: Annotated[float, Meta(ge=0.5)] = 1.0
    word: str = ""


QUERIES = {
    "nothing": ({}, Asked()),
    "digits": ({"n": "7", "m": "0"}, Asked(n=7, m=0)),
    "less than nothing": ({"n": "-7"}, Asked(n=-7)),
    "a truth": ({"yes": "true"}, Asked(yes=True)),
    "a fraction, as its writer likes it": ({"share": "1.50"}, Asked(share=1.5)),
    "a text that looks like a number": ({"word": "05"}, Asked(word="05")),
}


@pytest.mark.parametrize(("members", "value"), QUERIES.values(), ids=QUERIES)
def test_a_query_becomes_a_value(members, value):
    assert bodies.read_query(members, Asked) == value


@pytest.mark.parametrize("written", ["05", "1e1", "+5", "-0", "5.0", " 5", "٧", ""])
def test_a_whole_number_in_a_query_is_written_as_we_would(written):
    with pytest.raises(Invalid) as caught:
        bodies.read_query({"n": written, "m": written, "word": written}, Asked)
    assert list(caught.value.errors) == [FieldError(f"#/{name}", "type", {"expected": "int"}) for name in ("n", "m")]


def test_a_bound_that_is_a_fraction_is_told_as_one():
    with pytest.raises(Invalid) as caught:
        bodies.validate({"share": 0.25}, Asked)
    assert list(caught.value.errors) == [FieldError("#/share", "too_small", {"min": 0.5})]


class Span(Struct):
    low: int
    high: int

    def __post_init__(self):
        if self.low > self.high:
            raise ValueError("low is above high")


def test_what_is_wrong_with_the_whole_is_told_of_the_whole_and_each_member_is_looked_at_besides():
    with pytest.raises(Invalid) as caught:
        bodies.validate({"low": 2, "high": 1}, Span, lambda good: [FieldError(f"#/{name}", "taken") for name in good])
    assert [(error.pointer, error.code) for error in caught.value.errors] == [
        ("#", "invalid"), ("#/low", "taken"), ("#/high", "taken"),
    ]  # fmt: skip


class Whatever(Struct):
    a: Any = None


AT_THE_LIMIT = {
    "2^53": 9007199254740992,
    "-2^53": -9007199254740992,
    "a hundred elements": [1] * 100,
    "a hundred members": {str(number): number for number in range(100)},
    "sixteen levels": json.loads("[" * 15 + "]" * 15),
}


@pytest.mark.parametrize("value", AT_THE_LIMIT.values(), ids=AT_THE_LIMIT)
def test_a_limit_itself_is_within_it(value):
    assert bodies.read(json.dumps({"a": value}).encode(), Whatever).a == value


UNREADABLE = {
    "nothing": b"",
    "no JSON": b"{",
    "UTF-16": '{"name":"ada","count":1}'.encode("utf-16"),
    "a byte-order mark": b'\xef\xbb\xbf{"name":"ada","count":1}',
    "a member twice": b'{"name":"ada","name":"bob","count":1}',
    "NaN": b'{"name":"ada","count":NaN}',
    "half of a surrogate pair": rb'{"name":"\ud800","count":1}',
    "5,000 digits": b'{"name":"ada","count":' + b"1" * 5000 + b"}",
    "an integer beyond 2^53": b'{"name":"ada","count":9007199254740993}',
    "a thousand levels": b'{"name":"ada","count":' + b"[" * 1000 + b"]" * 1000 + b"}",
    "an integer beyond -2^53": b'{"name":"ada","count":-9007199254740993}',
    "17 levels": b'{"name":"ada","count":' + b"[" * 16 + b"]" * 16 + b"}",
    "101 members": b'{"tags":[' + b"1," * 100 + b"1]}",
}


@pytest.mark.parametrize("data", UNREADABLE.values(), ids=UNREADABLE)
def test_what_is_no_body_of_ours_is_refused_before_its_fields_are_looked_at(data):
    with pytest.raises(NotReadable) as caught:
        bodies.read(data, Order)
    assert caught.value.reason == "malformed-json"


PLACES = {
    "where it stops being JSON": (b'{"name": ada}', "not JSON, at 9 (RFC 8259 §2)"),
    "where it stops being UTF-8": (b'{"name":"\xff"}', "not UTF-8, at 9 (RFC 8259 §8.1)"),
    "nowhere, of what is no place's fault": (b'{"name":"a","name":"b"}', "a name stands twice"),
}


@pytest.mark.parametrize(("data", "detail"), PLACES.values(), ids=PLACES)
def test_whoever_wrote_it_is_told_the_place(data, detail):
    with pytest.raises(NotReadable) as caught:
        bodies.read(data, Order)
    assert caught.value.detail == detail


@given(
    st.one_of(
        st.binary(),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
            lambda inner: (
                st.lists(inner) | st.dictionaries(st.sampled_from(["name", "count", "tags", "inner", "n", "x"]), inner)
            ),
        ).map(lambda value: json.dumps(value).encode()),
    )
)
def test_any_bytes_are_a_value_or_a_named_error(data):
    try:
        assert isinstance(bodies.read(data, Order), Order)
    except Invalid as error:
        assert error.errors
        assert all(field.pointer.startswith("#") for field in error.errors)
    except NotReadable as error:
        assert error.detail


class Anything(Struct):
    """A body with a text."""

    a: str = ""


@pytest.mark.parametrize(
    "text", [r'{"a":"x\u0000"}', r'{"b":[{"c":"\u0000"}]}', r'{"a\u0000":1}', r'{"b":{"\u0000":[]}}']
)
def test_a_nul_is_in_no_text_of_ours(text):
    with pytest.raises(NotReadable, match="NUL"):
        bodies.read(text.encode(), Anything)


def test_what_only_looks_like_a_nul_is_read():
    assert bodies.read(rb'{"a":"\\u0000"}', Anything).a == r"\u0000"


class Line(Struct, forbid_unknown_fields=True, kw_only=True):
    n: Annotated[int, Meta(ge=1)]


class Card(Struct, forbid_unknown_fields=True, tag="card"):
    number: int
    name: str


class Cash(Struct, forbid_unknown_fields=True, tag="cash"):
    notes: list[int]


class Basket(Struct, forbid_unknown_fields=True, kw_only=True):
    lines: Annotated[list[Line], Meta(max_length=2)] = []
    prices: dict[str, Line] = {}
    paid: Card | Cash | None = None
    size: tuple[int, str] = (0, "")
    grid: list[list[int]] = []
    colour: Literal["red", "blue"] = "red"


INT = {"expected": "int"}
DEEP = {
    "each element of a list": ({"lines": [{"n": 0}, {"m": 1}]}, [
        FieldError("#/lines/0/n", "too_small", {"min": 1}), FieldError("#/lines/1/n", "missing"),
        FieldError("#/lines/1/m", "unknown"),
    ]),
    "a list that is too long, and its elements": ({"lines": [{"n": 1}, {"n": 0}, {"n": 2}]}, [
        FieldError("#/lines", "too_long", {"max": 2}), FieldError("#/lines/1/n", "too_small", {"min": 1}),
    ]),
    "members whose names nobody knew": ({"prices": {"a/b~": {"n": "1"}, "c.d[0]": {}}}, [
        FieldError("#/prices/a~1b~0/n", "type", INT), FieldError("#/prices/c.d[0]/n", "missing"),
    ]),
    "the one of several that is meant": ({"paid": {"type": "card", "number": "1", "x": 1}}, [
        FieldError("#/paid/number", "type", INT), FieldError("#/paid/name", "missing"),
        FieldError("#/paid/x", "unknown"),
    ]),
    "none of several": ({"paid": {"type": "debt"}}, [FieldError("#/paid/type", "invalid")]),
    "each place of a pair": ({"size": ["1", 2]}, [
        FieldError("#/size/0", "type", INT), FieldError("#/size/1", "type", {"expected": "str"}),
    ]),
    "lists of lists": ({"grid": [[1, "a"], 7, ["b"]]}, [
        FieldError("#/grid/0/1", "type", INT), FieldError("#/grid/1", "type", {"expected": "array"}),
        FieldError("#/grid/2/0", "type", INT),
    ]),
    "a word that is none of those": ({"colour": "green"}, [FieldError("#/colour", "invalid")]),
}  # fmt: skip


@pytest.mark.parametrize(("value", "errors"), DEEP.values(), ids=DEEP)
def test_all_faults_are_told_however_deep(value, errors):
    with pytest.raises(Invalid) as caught:
        bodies.read(json.dumps(value).encode(), Basket)
    assert list(caught.value.errors) == errors


@given(st.dictionaries(st.text(st.characters(exclude_characters="\0", codec="utf-8")), st.integers(-2, 2), min_size=1))
def test_the_pointers_are_those_of_the_wrong_members_and_of_no_others(numbers):
    told = {f"#/prices/{name.replace('~', '~0').replace('/', '~1')}/n" for name, n in numbers.items() if n < 1}
    value = {"prices": {name: {"n": n} for name, n in numbers.items()}}
    try:
        bodies.validate(value, Basket)
        found = []
    except Invalid as error:
        found = [fault.pointer for fault in error.errors]
    assert sorted(found) == sorted(told)
