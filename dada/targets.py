"""Targets: which resource of which host a request line means (RFC 9112 §3.2).

This file knows the forms of a target and what a host looks like; which paths and hosts there are, it does not know.
"""

import functools
import re
from typing import Any, Final

__all__ = ["is_host", "unfold"]

_HOST: Final = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,;=%-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{0,5})?")
_ABSOLUTE: Final = re.compile(r"https?://([^/?#]*)([^?#]*)(.*)", re.IGNORECASE | re.DOTALL)


@functools.lru_cache(maxsize=256)
def is_host(written: str) -> bool:
    """Whether a Host header is a name or an address, and perhaps a port (RFC 9110 §7.2)."""
    return _HOST.fullmatch(written) is not None


def unfold(environ: dict[str, Any]) -> None:
    """Make the absolute form, as for a proxy, the origin form: what follows need not know of it (RFC 9112 §3.2.2).

    The host is then the target's, and not what Host says; but a Host that is missing, or none, stays so, and is refused
    (§3.2).  Any other form of target stays as it is.
    """
    found = _ABSOLUTE.fullmatch(environ.get("RAW_URI") or environ.get("REQUEST_URI") or "")
    if found is None:
        return
    authority, path, query = found.groups()
    host = environ.get("HTTP_HOST")
    if is_host(host) if host else environ.get("SERVER_PROTOCOL") != "HTTP/1.1":
        environ["HTTP_HOST"] = authority
    whole = environ["REQUEST_METHOD"] == "OPTIONS" and not query  # without a path, of the server itself (§3.2.4)
    environ["RAW_URI"] = (path or ("*" if whole else "/")) + query
