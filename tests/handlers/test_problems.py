"""What the shop's reasons are on the wire."""

import pytest

from handlers.problems import PROBLEMS

# Where the field has agreed on a status, or a standard has.
STATUSES = {
    "username-taken": 409, "activation-invalid": 400, "reset-invalid": 400, "invalid-credentials": 401,
    "session-ended": 401, "refresh-invalid": 401, "refresh-reused": 401, "account-not-activated": 403,
    "account-disabled": 403, "reauth-failed": 403, "oauth-state-invalid": 400, "oauth-return-invalid": 400,
    "oauth-code-rejected": 400, "oauth-denied": 403, "oauth-misconfigured": 503, "provider-answer": 502,
    "provider-unavailable": 504, "ticket-invalid": 400, "identity-taken": 409, "already-bound": 409,
    "last-login-method": 409, "too-many-addresses": 409,
}  # fmt: skip


def test_each_reason_has_its_status():
    assert {code: kind.status for code, kind in PROBLEMS.items()} == STATUSES


@pytest.mark.parametrize("kind", PROBLEMS.values(), ids=PROBLEMS)
def test_each_has_a_title_in_two_languages(kind):
    assert kind.en.isascii()
    assert not kind.zh.isascii()
