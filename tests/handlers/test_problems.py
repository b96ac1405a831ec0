"""What the shop's reasons are on the wire."""

import ast
from pathlib import Path

import pytest

from dada import oauth, problems
from dada.phrases import Phrases
from handlers.problems import DETAILS, PROBLEMS

ROOT = Path(__file__).parents[2]
# What is wrong with a value that we write, not with one that was sent.
WRITING = {"no value of JSON", "a name that is no text", "a 7 is no value of JSON"}

# Where the field has agreed on a status, or a standard has.
STATUSES = {
    "username-taken": 409, "activation-invalid": 400, "reset-invalid": 400, "invalid-credentials": 401,
    "session-ended": 401, "refresh-invalid": 401, "refresh-reused": 401, "account-not-activated": 403,
    "account-disabled": 403, "reauth-failed": 403, "oauth-state-invalid": 400, "oauth-return-invalid": 400,
    "oauth-code-rejected": 400, "oauth-denied": 403, "oauth-provider-unapproved": 503,
    "provider-answer": 502, "provider-unavailable": 502, "provider-timeout": 504,
    "ticket-invalid": 400, "identity-taken": 409,
    "already-bound": 409,
    "last-login-method": 409, "too-many-addresses": 409,
    "idempotency-running": 409, "idempotency-mismatch": 422,
}  # fmt: skip


def test_each_reason_has_its_status():
    assert {code: kind.status for code, kind in PROBLEMS.items()} == STATUSES


def sentences():
    """Every detail that stands in the code, as a template: what is raised, and what the checks of a return answer."""
    places = {"HTTPProblem": 1, "Refused": 1, "OAuthError": 2, "NotJSON": 0, "_Refused": 0, "BadKey": 0}
    for package in ("dada", "shop", "handlers"):
        for path in (ROOT / package).glob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in places:
                    yield from _written(node.args[places[node.func.id] : places[node.func.id] + 1])
                checks = (
                    {test.__name__ for *_, test in oauth.RETURN} if path.name == "oauth.py" else {"_excess", "_nul"}
                )
                if isinstance(node, ast.FunctionDef) and node.name in checks:
                    yield from _written([inner.value for inner in ast.walk(node) if isinstance(inner, ast.Return)])


def _written(nodes):
    for node in nodes:
        if isinstance(node, ast.Constant) and node.value:
            yield node.value
        elif isinstance(node, ast.JoinedStr):
            yield "".join(part.value if isinstance(part, ast.Constant) else "7" for part in node.values)
        elif isinstance(node, ast.IfExp):
            yield from _written([node.body, node.orelse])


SENTENCES = sorted(set(sentences()) - WRITING)


def test_there_are_sentences():
    assert len(SENTENCES) > 35


@pytest.mark.parametrize("sentence", SENTENCES)
def test_every_detail_is_said_in_chinese_too(sentence):
    told = Phrases({**problems.DETAILS, **DETAILS}).find(sentence)
    assert told, f"no table has {sentence!r}"
    assert not told.isascii()


def test_no_table_holds_what_nobody_says():
    for english in [*DETAILS, *problems.DETAILS]:
        alone = Phrases({english: "x"})
        assert english == "{}, at {} ({})" or any(alone.find(sentence) for sentence in SENTENCES), english


@pytest.mark.parametrize("kind", PROBLEMS.values(), ids=PROBLEMS)
def test_each_has_a_title_in_two_languages(kind):
    assert kind.en.isascii()
    assert not kind.zh.isascii()
