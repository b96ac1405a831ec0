"""Why the shop refuses: a closed set of reasons, each a word that the edges know.

This file knows reasons; which status a reason has on the wire is the web edge's to say.
"""

from typing import Final

from dada.errors import Rejected

__all__ = ["REASONS", "Refused"]

REASONS: Final = frozenset({
    "account-disabled", "account-not-activated", "activation-invalid", "already-bound", "idempotency-mismatch",
    "idempotency-running", "identity-taken", "invalid-credentials", "invalid-token", "last-login-method",
    "not-found", "oauth-code-rejected", "oauth-denied", "oauth-provider-unapproved",
    "oauth-return-invalid", "oauth-state-invalid", "provider-answer", "provider-timeout", "provider-unavailable",
    "reauth-failed", "refresh-invalid", "refresh-reused", "reset-invalid", "session-ended", "ticket-invalid",
    "too-many-addresses", "unauthorized", "unavailable", "username-taken",
})  # fmt: skip


class Refused(Rejected):
    """The shop refuses, for one of REASONS; *detail* is for people and holds nothing secret."""

    def __init__(self, reason: str, detail: str = "") -> None:
        if reason not in REASONS:
            raise ValueError(reason)
        super().__init__(reason, "shop", detail)
