"""Every rule of specs/ is accounted for: code and a test, or a reason; and every clause that is cited is there."""

import ast
import json
from pathlib import Path

import pytest

from cli.clauses import accounts, unresolved
from dada import jws, oauth
from dada.jwt import Issuer, Key, Verifier
from specs import read_specs
from specs.sources import places

ROOT = Path(__file__).parents[2]
SPECS, PLACES = read_specs(), places()
ACCOUNTS = accounts(SPECS, PLACES)


def test_every_citation_in_code_tests_and_documents_leads_to_a_rule():
    lost = unresolved(SPECS, PLACES)
    assert [f"{place.file}:{place.line}: specs/ knows no {place.citation}" for place in lost] == []


def test_every_rule_has_code_and_a_test_or_a_reason():
    assert [f"{one.rule.id}: {one.lacks}" for one in ACCOUNTS if one.status == "unmet"] == []


@pytest.mark.parametrize(
    "what",
    ["RFC 7515", "RFC 7517", "RFC 7518", "RFC 7519", "RFC 8725", "RFC 9068", "RFC 4648", "RFC 8259", "RFC 2104",
     "RFC 7797", "Fetch §3.3", "RFC 6454", "RFC 6749", "RFC 7636", "RFC 9700",
     "RFC 7009", "RFC 6750", "RFC 9457", "RFC 9110", "RFC 9112", "RFC 3986", "RFC 6585", "RFC 8288"],
)  # fmt: skip
def test_of_the_standards_that_this_project_is_about_there_are_rules(what):
    ids = {rule.id for rule in SPECS.find(what)}
    assert len(ids) > 1
    assert {one.status for one in ACCOUNTS if one.rule.id in ids} <= {"met", "not ours", "deviates"}


def test_code_is_not_named_in_a_table_where_its_own_lines_name_the_clause():
    written_twice = [
        f"{one.rule.id}: {name}"
        for one in ACCOUNTS
        for name in one.rule.code
        if name in {place.name for place in one.lines}
    ]
    assert written_twice == []


def _checks():
    """Yield the clause of every check that a table of the protocol core holds."""
    for check in (*jws.ENVELOPE, *Verifier.header_checks, *Verifier.payload_checks):
        yield check.name, check.clause
    for name, clause, *_ in oauth.RETURN:
        yield name, clause


@pytest.mark.parametrize(("name", "clause"), list(_checks()))
def test_every_check_of_the_core_names_a_rule(name, clause):
    assert SPECS.find(clause), f"{name}: {clause}"


def test_the_page_s_copy_of_the_rules_is_what_the_tables_say():
    told = json.loads((ROOT / "web" / "specs.json").read_text())
    assert told == SPECS.as_json(), "make lessons writes it anew"


def test_macs_are_compared_in_constant_time(monkeypatch):
    compared = []

    def compare(one, other):
        compared.append((one, other))
        return one == other

    monkeypatch.setattr(jws, "compare_digest", compare)
    key = Key(bytes(32))
    token = Issuer(key, issuer=None, lifetime=60).sign({})
    Verifier(key, issuer=None, audience=None).verify(token)
    assert compared == [(token.rpartition(".")[2],) * 2]  # whole texts, and no other comparison before it
    names = {
        node.id for node in ast.walk(ast.parse((ROOT / "dada/oauth.py").read_text())) if isinstance(node, ast.Name)
    }
    assert "compare_digest" in names
