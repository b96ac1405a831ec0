"""How an answer is written: the status with its phrase, headers, bytes."""

import json

import pytest

from dada.answers import HEADERS, Answer, plain, problem_headers, written
from dada.problems import TYPES, document

LENGTH_AND_TYPE = [("Content-Length", "2"), ("Content-Type", "application/json")]
CASES = {
    "a body is JSON": (Answer(200, {}), "200 OK", LENGTH_AND_TYPE, b"{}"),
    "null is a body as well where it is written so": (Answer(200, [None]), "200 OK", [
        ("Content-Length", "6"), ("Content-Type", "application/json"),
    ], b"[null]"),
    "without a body there is a length and no type": (Answer(202), "202 Accepted", [("Content-Length", "0")], b""),
    "204 has no length": (Answer(204), "204 No Content", [], b""),
    "304 has no length, and its tag": (Answer(304, etag='"3"'), "304 Not Modified", [("ETag", '"3"')], b""),
    "a type of its own": (Answer(404, {}, problem_headers("en")), "404 Not Found", [
        ("Content-Type", "application/problem+json"), ("Content-Language", "en"), ("Content-Length", "2"),
    ], b"{}"),
    "413 has RFC 9110's name": (Answer(413), "413 Content Too Large", [("Content-Length", "0")], b""),
    "414 has RFC 9110's name": (Answer(414), "414 URI Too Long", [("Content-Length", "0")], b""),
    "422 has RFC 9110's name": (Answer(422), "422 Unprocessable Content", [("Content-Length", "0")], b""),
}  # fmt: skip


@pytest.mark.parametrize(("answer", "status", "headers", "payload"), CASES.values(), ids=CASES)
def test_an_answer_is_written(answer, status, headers, payload):
    assert written(answer) == (status, [*HEADERS, *headers], payload)


def test_an_answer_s_own_headers_replace_the_common_ones():
    own = (("Cache-Control", "public"), ("X-Besides", "mine"))
    _, headers, _ = written(Answer(204, headers=own), [*HEADERS, ("X-Besides", "1"), ("X-Other", "2")])
    assert headers == [*HEADERS[1:], ("X-Other", "2"), *own]


def test_the_common_headers_are_never_changed_by_an_answer():
    before = tuple(HEADERS)
    written(Answer(200, {"a": 1}, (("Vary", "Cookie"),)), [("X", "1")])
    assert before == HEADERS
    assert json.loads(written(Answer(200, {"a": "é"}))[2]) == {"a": "é"}


@pytest.mark.parametrize("language", ["en", "zh-CN"])
@pytest.mark.parametrize("code", TYPES)
def test_a_problem_that_is_written_ahead_is_the_same_document(code, language):
    for instance in ("00000000-0000-8000-8000-000000000000", "11111111-0000-8000-8000-000000000001"):
        told = json.loads(bytes(plain(TYPES[code], language, instance)))
        assert told == document(TYPES[code], language, instance)
