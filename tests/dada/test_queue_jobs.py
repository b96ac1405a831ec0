"""A job's one spelling."""

import json
from collections import UserDict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dada import queue_jobs
from dada.errors import Malformed, Misuse
from dada.queue_jobs import Broken, Counts, Job, read, successor, text, write, write_many

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=9)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=10,
)  # fmt: skip


@given(
    st.dictionaries(texts, json_values, max_size=4),
    st.integers(0, 99),
)
def test_what_is_written_is_read(args, tries):
    body = write("a:1", "mail.send", args, tries, 'k"\\達')
    assert read(body) == read(body.encode()) == Job("a:1", "mail.send", args, tries, 'k"\\達', body)
    assert list(json.loads(body)) == ["id", "task", "args", "tries", "key"]


@given(st.lists(st.dictionaries(texts, json_values, max_size=3), max_size=5))
def test_many_bodies_are_those_that_are_written_one_by_one(all_args):
    ids, bodies = write_many("a", "mail.send", iter(all_args))
    assert ids == [f"a-{number}" for number in range(len(all_args))]
    assert bodies == [write(job_id, "mail.send", args) for job_id, args in zip(ids, all_args, strict=True)]


@given(
    st.lists(
        st.dictionaries(st.text(max_size=5), st.none() | st.booleans() | st.integers() | st.text(max_size=5)),
        max_size=5,
    )
)
def test_plain_arguments_are_spelled_together_as_they_are_alone(all_args):
    ids, bodies = write_many("a", "mail.send", all_args)
    assert bodies == [write(job_id, "mail.send", args) for job_id, args in zip(ids, all_args, strict=True)]


@pytest.mark.parametrize(
    ("all_args", "plain"),
    [
        ([{}], True),
        ([{}, {}], True),
        ([{"a": 1}, {"b": "},{\n\\"}, {"c": None, "d": True}], True),
        ([{"a": 10**639}], False),
        ([{"a": "达\u2028\x7f"}] * 3, True),
        ([{"a": "9" * 1000}], False),
        ([{"a": "x" * 4000}] * 300, False),
        ([{"a": {}}], False),
        ([{"a": []}], False),
        ([{"a": 1.5}], False),
        ([UserDict(a=1), {"a": 1}], False),
    ],
    ids=["one", "empty ones", "flat ones", "a long number", "all characters", "too many digits", "too much text",
         "an object inside", "a list inside", "a fraction", "no dict"],
)  # fmt: skip
def test_what_is_plain_is_written_at_once_and_the_rest_one_by_one(all_args, plain, monkeypatch):
    ids = [f"a-{number}" for number in range(len(all_args))]
    told = [write(job_id, "t", args) for job_id, args in zip(ids, all_args, strict=True)]
    alone = []
    monkeypatch.setattr(queue_jobs, "write", lambda *parts: alone.append(parts) or write(*parts))
    assert write_many("a", "t", all_args) == (ids, told)
    assert not alone if plain else len(alone) == len(all_args)


@pytest.mark.parametrize(
    ("stem", "task", "args"),
    [("a b", "t", {}), ("a", "a task", {}), ("a", None, {}), ("a" * 127, "t", {}), ("a", "t", {1: 2}),
     ("a", "t", {"x": "x" * queue_jobs.MAX_BODY}), ("a", "t", {"x": "é" * (queue_jobs.MAX_BODY // 2)}),
     ("a", "t", 5), ("a", "t", None), ("a", "t", "ab"), ("a", "t", b"x"), ("a", "t", [1]),
     ("a", "t", {"x": set()}), ("a", "t", {"x": float("nan")}), ("a", "t", {"x": "\ud800"})],
    ids=["a stem", "a task", "no task", "an id that is too long", "a name", "a size", "a size in bytes",
         "a number", "nothing", "a text", "bytes", "a list", "a set", "no number",
         "half a character"],
)  # fmt: skip
def test_many_jobs_are_refused_for_what_one_is_refused_for(stem, task, args):
    with pytest.raises(Misuse):
        write_many(stem, task, [{}] * 9 + [args])


@pytest.mark.parametrize("jobs", [None, 5, object()])
def test_what_cannot_be_gone_through_is_misuse(jobs):
    with pytest.raises(Misuse, match="one after the other"):
        write_many("a", "t", jobs)


@pytest.mark.parametrize(
    ("job_id", "task", "tries"),
    [("é", "t", 0), ("", "t", 0), ("a b", "t", 0), ("a" * 129, "t", 0), ("a", "t t", 0), ("a", "", 0), ("a", "t", -1),
     ("a", "t", 10**9), ("a", "t", 10**600)],
)  # fmt: skip
def test_a_job_that_could_not_be_written_again_is_malformed(job_id, task, tries):
    body = json.dumps({"id": job_id, "task": task, "args": {}, "tries": tries}, separators=(",", ":"))
    with pytest.raises(Malformed, match="no job"):
        read(body)


def test_a_body_is_one_line():
    spelled = write("a", "t", {"x": 1})
    for other in (spelled.replace(",", ",\n"), spelled.replace("}", "\n}"), spelled + "\n", "\n" + spelled):
        assert json.loads(other) == json.loads(spelled)
        with pytest.raises(Malformed):
            read(other)


@pytest.mark.parametrize(
    "body",
    [
        '{"id":"a","task":"t","args":{},"tries":01}',
        '{"id":"a","task":"t","args":{},"args":{},"tries":0}',
        '{"id":"a","task":"t","args":{"x":1,"x":2},"tries":0}',
        '{"id":"a","task":"t","args":{"x":NaN},"tries":0}',
        '{"id":"a","task":"t","args":{}}","tries":0}',
        '{"id":"a","task":"t","args":{},"tries":-}',
    ],
)
def test_what_looks_like_a_job_and_is_no_json_is_malformed(body):
    with pytest.raises(Malformed):
        read(body)


def test_a_job_that_failed_keeps_its_id_arguments_and_key():
    job = read(write("a", "t", {"x": 1}, 0, "k"))
    assert read(successor(job, 3)) == job._replace(tries=3, body=successor(job, 3))


def test_a_fresh_job_without_a_key_can_be_told_by_its_last_ten_characters():
    assert write("a", "t", {"x": {"tries": 3}}).endswith('"tries":0}')
    assert not write("a", "t", {"x": {"tries": 0}}, 1).endswith('"tries":0}')
    assert not write("a", "t", {}, 0, '"tries":0}').endswith('"tries":0}')


def nested(depth):
    value = 1
    for _ in range(depth):
        value = [value]
    return {"x": value}


@pytest.mark.parametrize("depth", [61, 62, 63, 64, 65, 500, 100_000])
def test_whatever_is_written_can_be_read_or_is_refused(depth):
    try:
        body = write("a", "t", nested(depth))
    except Misuse:
        assert depth > 62
    else:
        assert read(body).args == nested(depth)
        assert depth <= 62


@given(st.binary(max_size=80) | json_values.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_a_job_or_malformed(data):
    try:
        assert isinstance(read(data), Job)
    except Malformed:
        pass


def test_a_reply_is_text_whether_it_was_decoded_or_not():
    assert (text(b"a\xff"), text("a"), text(7)) == ("a\ufffd", "a", "7")


def test_a_broken_law_says_its_figures():
    assert "put=1" in str(Broken(Counts(1, 0, 0, 0, 0, 0), ["x"]))
    assert str(Broken(Counts(1, 0, 0, 0, 0, 0), ["x"])).endswith("twice: x")
