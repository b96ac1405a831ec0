"""`dada clauses`: counted up, listed, one by one, and as a report."""

import json

import pytest

from cli.clauses import accounts, unresolved
from specs import Citation, Rule, Specs, Standard
from specs.sources import Place


def rule(clause, **others):
    fields = {"code": (), "tests": (), "not_ours": "", "deviates": ""} | others
    return Rule("Ours", clause, "", "MUST", "It is.", "是。", f"https://t.example/{clause}", **fields)


def place(clause, kind, file, symbol):
    return Place(Citation("Ours", clause, 0), kind, file, 1, symbol, "a line")


REAL_CODE, REAL_TEST = "dada/jws.py:ENVELOPE", "tests/cli/test_clauses.py:test_a_rule_comes_to_this"

STATUSES = {
    "code and a test": (rule("§1", code=(REAL_CODE,), tests=(REAL_TEST,)), [], "met", ""),
    "code that names the clause": (rule("§1", tests=(REAL_TEST,)), [place("§1", "code", "a.py", "f")], "met", ""),
    "a test that names the clause": (rule("§1", code=(REAL_CODE,)), [place("§1", "test", "t.py", "test_x")], "met", ""),
    "a reason": (rule("§1", not_ours="not here"), [], "not ours", ""),
    "another way": (rule("§1", deviates="on purpose"), [], "deviates", ""),
    "nothing": (rule("§1"), [], "unmet", "no code"),
    "code without a test": (rule("§1", code=(REAL_CODE,)), [], "unmet", "no test"),
    "the head of a file alone": (rule("§1", tests=(REAL_TEST,)), [place("§1", "code", "a.py", "")], "unmet", "no code"),
    "the sandbox alone": (rule("§1", tests=(REAL_TEST,)), [place("§1", "beside", "a.py", "f")], "unmet", "no code"),
    "a section around it": (rule("§1.2", tests=(REAL_TEST,)), [place("§1", "code", "a.py", "f")], "unmet", "no code"),
    "a helper of tests": (rule("§1", code=(REAL_CODE,)), [place("§1", "test", "t.py", "helper")], "unmet", "no test"),
    "a test that is not there": (rule("§1", code=(REAL_CODE,), tests=("tests/x.py:test_y",)), [], "unmet",
                                 "tests/x.py:test_y is not there"),
    "code that is not there": (rule("§1", code=("dada/jws.py:_gone",), tests=(REAL_TEST,)), [], "unmet",
                               "dada/jws.py:_gone is not there"),
    "code that moved": (rule("§1", code=("dada/jwt.py:ENVELOPE",), tests=(REAL_TEST,)), [], "unmet",
                        "dada/jwt.py:ENVELOPE is not there; dada/jws.py:ENVELOPE is"),
    "a reason, and a test that is not there": (rule("§1", not_ours="x", tests=("tests/x.py:y",)), [], "unmet",
                                               "tests/x.py:y is not there"),
}  # fmt: skip


@pytest.mark.parametrize(("written", "found", "status", "lacks"), STATUSES.values(), ids=STATUSES)
def test_a_rule_comes_to_this(written, found, status, lacks):
    (account,) = accounts(Specs({"Ours": Standard("Ours", "One", "https://t.example/", (written,))}), found)
    assert (account.status, account.lacks) == (status, lacks)


def test_a_citation_that_leads_nowhere_is_told():
    specs = Specs({"Ours": Standard("Ours", "One", "https://t.example/", (rule("§1"),))})
    good, bad = place("§1", "code", "a.py", "f"), place("§2", "code", "a.py", "f")
    assert unresolved(specs, [good, bad]) == [bad]


def test_all_standards_are_counted_up(dada):
    status, out, _ = dada("clauses")
    assert "RFC 7515  JSON Web Signature (JWS)" in out
    assert (status, "unmet" in out) == (0, False)


def test_a_standard_is_listed(dada):
    status, out, _ = dada("clauses", "RFC 7519")
    assert status == 0
    assert "✔ RFC 7519 §4.1.4" in out
    assert "≠ RFC 7519 §8" in out
    assert "– RFC 7519 §6" in out
    assert "RFC 7515" not in out.replace("as RFC 7515 says", "")


def test_one_rule_is_shown_with_its_lines_and_tests(dada):
    _, out, _ = dada("clauses", "RFC 7515 §5.2 step 8")
    assert out.startswith("✔ RFC 7515 §5.2 step 8   MUST   met\n")
    assert "https://www.rfc-editor.org/rfc/rfc7515.html#section-5.2" in out
    assert '"signature", "RFC 7515 §5.2 step 8", "signature", _signature,' in out
    assert "tested by tests/dada/test_jws.py:test_every_change_of_one_character_is_refused" in out


def test_a_reason_is_shown(dada):
    assert "otherwise: HS256 is here. none is not" in dada("clauses", "RFC 7519 §8")[1]


def test_a_file_answers_for_its_rules(dada):
    status, out, _ = dada("clauses", "--file", "dada/base64url.py")
    assert status == 0
    assert "RFC 4648 §3.5" in out
    assert "RFC 9110" not in out


def test_nothing_is_unmet(dada):
    assert dada("clauses", "--unmet") == (0, "", "")


def test_machines_read_json(dada):
    (told,) = json.loads(dada("clauses", "RFC 6750 §2.1", "--json")[1])
    assert (told["id"], told["level"], told["status"]) == ("RFC 6750 §2.1", "MUST", "met")
    assert "handlers/callers.py:bearer" in told["code"]
    assert any(line.startswith("handlers/callers.py:") for line in told["lines"])
    assert told["zh"].endswith("。")


def test_the_report_is_a_document_and_a_page(dada):
    text = dada("clauses", "RFC 9457", "--markdown")[1]
    assert "## [RFC 9457](https://www.rfc-editor.org/rfc/rfc9457.html) Problem Details for HTTP APIs" in text
    rows = [line for line in text.splitlines() if line.startswith("| ✔")]
    assert len(rows) == 10
    assert all(row.count(" | ") == 5 for row in rows)
    page = dada("clauses", "--html")[1]
    assert page.startswith("<!doctype html>")
    assert page.count("<tr>") > 300
    assert "<script" not in page


MISTAKES = {
    "no clause": ["chapter one"],
    "a clause that is not known": ["RFC 7515 §" + "77"],
    "a file that names none": ["--file", "setup.cfg"],
    "two forms at once": ["--json", "--html"],
}


@pytest.mark.parametrize("arguments", MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_told_in_words_and_exit_status_2(dada, arguments):
    status, out, err = dada("clauses", *arguments)
    assert (status, out) == (2, "")
    assert err.startswith("dada: ")
