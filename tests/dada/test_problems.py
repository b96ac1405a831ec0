"""Problem documents: RFC 9457, in two languages."""

import pytest

from dada.problems import TYPES, FieldError, HTTPProblem, Invalid, ProblemType, document, types

ID = "00000000-0000-8000-8000-000000000000"


def test_a_document_says_what_kind_of_problem_it_is_and_which_request_met_it():
    assert document(TYPES["not-found"], "en", ID) == {
        "type": "/problems/not-found",
        "title": "There is no such thing here",
        "status": 404,
        "code": "not-found",
        "detail": "There is no such thing here",
        "instance": f"urn:uuid:{ID}",
        "request_id": ID,
    }


def test_there_is_always_a_detail_in_the_reader_s_language():
    for language in ("en", "zh-CN"):
        told = document(TYPES["not-found"], language, ID)
        assert told["detail"] == told["title"]
        assert document(TYPES["not-found"], language, ID, detail="not JSON")["detail"] != told["title"]


def test_the_title_is_in_the_reader_s_language():
    assert document(TYPES["not-found"], "zh-CN", ID)["title"] == "这里没有您要找的东西"


def test_a_type_that_is_registered_elsewhere_keeps_its_uri():
    assert document(TYPES["quota-exceeded"], "en", ID)["type"].startswith("https://iana.org/")


def test_every_field_s_error_has_a_pointer_a_code_and_words():
    errors = [
        FieldError("#/password", "too_short", {"min": 8}),
        FieldError("#/email", "email_invalid"),
        FieldError("#/x", "a code that nobody has words for", {"n": 1}),
    ]
    told = document(
        TYPES["validation"], "en", ID, errors=errors, words={"email_invalid": ("is no address", "不是地址")}
    )
    assert told["detail"] == "3 fields not valid"
    assert told["errors"] == [
        {
            "pointer": "#/password",
            "code": "too_short",
            "detail": "must have at least 8 characters",
            "params": {"min": 8},
        },
        {"pointer": "#/email", "code": "email_invalid", "detail": "is no address"},
        {"pointer": "#/x", "code": "a code that nobody has words for", "detail": "is not valid", "params": {"n": 1}},
    ]
    chinese = document(TYPES["validation"], "zh-CN", ID, errors=errors[:1])
    assert (chinese["detail"], chinese["errors"][0]["detail"]) == ("1 个字段有误", "至少 8 个字符")


def test_words_with_numbers_that_are_not_there_are_told_all_the_same():
    told = document(TYPES["validation"], "en", ID, errors=[FieldError("#/a", "too_short")])
    assert told["errors"][0]["detail"] == "must have at least min characters"


def test_detail_and_further_members_ride_along():
    told = document(TYPES["conflict"], "en", ID, detail="why", members={"reason": "x"})
    assert (told["detail"], told["reason"]) == ("why", "x")


@pytest.mark.parametrize("kind", TYPES.values(), ids=TYPES)
def test_every_type_has_a_status_of_an_error_and_two_titles(kind):
    assert 400 <= kind.status <= 599
    assert kind.en
    assert any(ord(char) > 0x4E00 for char in kind.zh)


def test_a_table_is_by_code():
    row = ProblemType("a", 400, "A", "甲")
    assert types(row) == {"a": row}


def test_an_http_problem_carries_its_particulars():
    problem = HTTPProblem("conflict", "why", headers=[("X", "y")], members={"a": 1})
    assert (problem.reason, problem.detail, problem.headers, problem.members) == (
        "conflict",
        "why",
        (("X", "y"),),
        {"a": 1},
    )


def test_invalid_carries_every_field_s_error():
    assert Invalid([FieldError("#/a", "missing")]).errors == (FieldError("#/a", "missing"),)
