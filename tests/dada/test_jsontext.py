"""RFC 8259, read and written strictly."""

import datetime as dt
import decimal
import json
import math
import uuid
from collections import OrderedDict
from enum import IntEnum, StrEnum
from typing import NamedTuple

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dada import jsontext
from dada.jsontext import NotJSON

READ = {
    "an object": (b'{"a":1}', {"a": 1}),
    "blanks around": (b' \t\r\n{"a" : [ ] } \n', {"a": []}),
    "a bare string": (b'"a"', "a"),
    "a surrogate pair": (rb'"\ud83d\ude00"', "\U0001f600"),
    "a NUL, escaped": (rb'"\u0000"', "\0"),
    "UTF-8": ('"达达"'.encode(), "达达"),
    "a fraction": (b"1.5", 1.5),
    "an exponent": (b"1e3", 1000.0),
    "640 digits": (b"1" * 640, int("1" * 640)),
    "640 digits below zero": (b"-" + b"1" * 640, -int("1" * 640)),
    "64 levels": (b"[" * 64 + b"]" * 64, None),
    "64 levels beside others": (b"[" + b"[" * 63 + b"]" * 63 + b",[]" * 9 + b"]", None),
    "many brackets, none deep": (b"[" + b"[]," * 99 + b"[]]", [[]] * 100),
    "brackets inside a string are text": (b'"' + b"[" * 200 + b'"', "[" * 200),
    "an escaped quotation mark does not end a string": (b'["' + b'\\"[' * 70 + b'"]', ['"[' * 70]),
    "names that differ in case": (b'{"a":1,"A":2}', {"a": 1, "A": 2}),
}

REFUSED = {
    "nothing": b"",
    "NaN": b"NaN",
    "NaN inside": b'{"exp":NaN}',
    "Infinity": b"[Infinity]",
    "minus Infinity": b"[-Infinity]",
    "a number beyond every number": b"1e400",
    "and below": b"-1e400",
    "641 digits": b"1" * 641,
    "641 digits deep inside": b'{"a":["' + b"x" * 10 + b'",' + b"9" * 641 + b"]}",
    "a name twice": b'{"a":1,"a":2}',
    "a name twice, once escaped": rb'{"a":1,"\u0061":2}',
    "a name twice, inside": b'{"x":{"a":1,"a":1}}',
    "65 levels": b"[" * 65 + b"]" * 65,
    "65 levels of objects": b'{"a":' * 65 + b"1" + b"}" * 65,
    "65 levels beside a string of brackets": b'["]]]]]]]]]]]]]]",' + b"[" * 64 + b"]" * 64 + b"]",
    "100,000 levels": b"[" * 100_000,
    "UTF-16": '{"a":1}'.encode("utf-16"),
    "UTF-16 without a mark": '{"a":1}'.encode("utf-16-le"),
    "UTF-32": '{"a":1}'.encode("utf-32-be"),
    "a byte-order mark": b"\xef\xbb\xbf{}",
    "a surrogate in UTF-8": b'"\xed\xa0\x80"',
    "CESU-8": b'"\xed\xa0\xbd\xed\xb8\x80"',
    "Latin-1": b'"\xe9"',
    "an overlong NUL": b'"\xc0\x80"',
    "half of a pair, escaped": rb'"\ud800"',
    "half of a pair as a name": rb'{"\udc00":1}',
    "text after the value": b"{}x",
    "two values": b"{}{}",
    "a comma at the end": b"[1,]",
    "a comment": b"[1/*x*/]",
    "single quotation marks": b"{'a':1}",
    "a leading zero": b"01",
    "a plus": b"+1",
    "a lone point": b"1.",
    "digits of another script": '"١"'.replace('"', "").encode(),
    "a raw newline in a string": b'"\n"',
    "an escape that is none": rb'"\x41"',
    "another kind of blank": "\u00a0{}".encode(),
    "a vertical tab around": b"\x0b{}",
    "True": b"True",
}

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(1 - 10**640, 10**640 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner),
)


@pytest.mark.parametrize(("data", "value"), READ.values(), ids=READ)
def test_json_is_read(data, value):
    read = jsontext.read(data)
    assert value is None or read == value


@pytest.mark.parametrize("data", REFUSED.values(), ids=REFUSED)
def test_what_is_no_json_or_has_two_readings_is_refused(data):
    with pytest.raises(NotJSON) as caught:
        jsontext.read(data)
    assert caught.value.clause.startswith("RFC 8259")


@pytest.mark.parametrize("size", [1000, 5000])
def test_a_long_number_is_refused_wherever_it_stands_in_a_long_text(size):
    for before in range(0, size - 700, 1 if size == 1000 else 13):
        text = b'["' + b"x" * before + b'",' + b"7" * 640 + b',"' + b"y" * (size - before) + b'"]'
        assert jsontext.read(text)[1] == int("7" * 640)
        with pytest.raises(NotJSON, match="too many digits"):
            jsontext.read(text.replace(b"," + b"7" * 640, b"," + b"7" * 641))


def test_many_short_numbers_are_no_long_one():
    assert jsontext.read(b"[" + b"1234567," * 900 + b"1]")[0] == 1234567
    value = {"n": [10**640 - 1, 1 - 10**640, "1" * 5000]}
    assert jsontext.read(jsontext.write(value)) == value


@given(st.one_of(st.binary(), st.text().map(lambda text: text.encode("utf-8", "surrogatepass"))))
def test_any_bytes_are_read_or_refused(data):
    try:
        jsontext.read(data)
    except NotJSON as error:
        assert error.reason


@given(JSON)
def test_what_is_written_is_read_back_as_it_was(value):
    assert jsontext.read(jsontext.write(value)) == value


@given(JSON)
def test_another_writer_s_texts_are_read_alike(value):
    assert jsontext.read(json.dumps(value, indent=1).encode()) == value


def _told(data):
    """What comes of *data*: its value with the types in it, or what is wrong with it."""
    try:
        return repr(jsontext.read(data))
    except NotJSON as error:
        return error.reason, error.clause


NUMBERS = st.from_regex(r"-?(0|[1-9][0-9]{0,40})(\.[0-9]{1,40})?([eE][+-]?[0-9]{1,3})?", fullmatch=True)
NEARLY_JSON = st.one_of(
    JSON.map(jsontext.write),
    NUMBERS.map(str.encode),
    st.text('{}[]",:\\u0d8Aa1-.e \n', max_size=30).map(str.encode),
    st.lists(st.tuples(st.sampled_from("ab"), JSON.map(jsontext.write))).map(
        lambda members: b"{%s}" % b",".join(b'"%s":%s' % (name.encode(), text) for name, text in members)
    ),
)


@given(NEARLY_JSON)
def test_a_text_without_blanks_is_read_as_the_same_text_behind_one(data):
    # A text with a blank is never read the quick way.
    assert _told(data) == _told(b" " + data)


def test_the_quick_way_lets_nothing_through_that_the_careful_one_refuses():
    differ = {name for name, data in REFUSED.items() if _told(data) != _told(b"\n" + data)}
    assert not differ - {"UTF-16", "UTF-16 without a mark", "UTF-32"}  # where a byte before is half a character


class _Structure(msgspec.Struct):
    a: int


UNWRITABLE = {
    "NaN": (math.nan, "nan is not JSON"),
    "infinity, inside": ({"a": [math.inf]}, "inf is not JSON"),
    "a name that is a number": ({1: 2}, "a name that is no text"),
    "a name that is a number, inside": ({"a": {None: 2}}, "a name that is no text"),
    "half of a surrogate pair": ("\ud800", "half of a surrogate pair"),
    "half of a pair as a name": ({"\udfff": 1}, "half of a surrogate pair"),
    "a set": ({"a": set()}, "a set is no value of JSON"),
    "bytes": (b"a", "a bytes is no value of JSON"),
    "a date, inside": ([dt.date(2026, 1, 1)], "a date is no value of JSON"),
    "a decimal": ({"a": decimal.Decimal(1)}, "a Decimal is no value of JSON"),
    "a UUID": (uuid.UUID(int=1), "a UUID is no value of JSON"),
    "a structure": (_Structure(1), "a _Structure is no value of JSON"),
    "a set that is empty": (frozenset(), "a frozenset is no value of JSON"),
    "an object": (object(), "a object is no value of JSON"),
    "the least number that is too long": (10**640, "too many digits"),
    "and the greatest below zero": (-(10**640), "too many digits"),
    "more digits than Python itself writes": (1 << 20000, "too many digits"),
    "too many digits, inside": ([-(1 << 2200)], "too many digits"),
    "65 levels": (eval("[" * 65 + "]" * 65), "nested too deeply"),
    "65 levels of objects": (eval("{'a':" * 65 + "1" + "}" * 65), "nested too deeply"),
}


@pytest.mark.parametrize(("value", "why"), UNWRITABLE.values(), ids=UNWRITABLE)
def test_what_would_not_be_read_is_not_written(value, why):
    with pytest.raises(NotJSON, match=why):
        jsontext.write(value)


def test_a_structure_that_holds_itself_is_refused():
    circle: list = []
    circle.append(circle)
    with pytest.raises(NotJSON, match="nested too deeply"):
        jsontext.write(circle)


class Pair(NamedTuple):
    left: int
    right: str


class Word(StrEnum):
    YES = "yes"


class Number(IntEnum):
    TWO = 2


SPELLED = {
    "a tuple": ((1, "a"), b'[1,"a"]'),
    "a tuple with names": ({"p": Pair(1, "a")}, b'{"p":[1,"a"]}'),
    "a word of an enumeration": ({Word.YES: Word.YES}, b'{"yes":"yes"}'),
    "a number of an enumeration": ([Number.TWO], b"[2]"),
    "a dictionary of another kind": (OrderedDict(a=[True, None]), b'{"a":[true,null]}'),
    "640 digits": (10**640 - 1, b"9" * 640),
    "a long text of many brackets": ({"a": "[" * 700}, b'{"a":"' + b"[" * 700 + b'"}'),
    "characters beyond ASCII": ({"达": "\U0001f600\x7f"}, '{"达":"\U0001f600\x7f"}'.encode()),
    "what must be escaped": ('"\\\n\0', rb'"\"\\\n\u0000"'),
    "a whole fraction": (1.0, b"1.0"),
}


@pytest.mark.parametrize(("value", "text"), SPELLED.values(), ids=SPELLED)
def test_a_value_is_spelled_so(value, text):
    assert jsontext.write(value) == text
