"""What the look-alike can be told to do wrong, and how it is done to an answer.

Three families, in the order in which they are done:

    delay                 first the caller waits
    instead of an answer  error, answer, html, reset, redirect; `after` does the work first, and loses its answer
    to its value          uid-type, uid-mismatch, foreign-appkey, expire-in, missing-member, surrogate-name, nul-name
    to its text           duplicate-keys, truncated, cut-off, large

Faults of the way back (`return`) are done by weibo_authorize.py; standing ones (PKCE, replay) are looked up by
those whom they concern.

This file knows an answer as a value and as bytes; it does not know what an endpoint does.
"""

import socket
import struct
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from werkzeug import Response

from sandbox.faults import Fault, Kind, Parameter
from sandbox.weibo_answers import TEXT, Answer, Call, refusal, respond, spell
from sandbox.weibo_errors import ROWS, Row

__all__ = ["KINDS", "Reset", "json_refusal", "perform", "quoted"]

CALLS: Final = ("authorize", "access_token", "get_token_info", "users_show", "revokeoauth2", "email")
SPOKEN: Final = CALLS[1:]  # those that answer in JSON
WHO: Final = ("access_token", "get_token_info", "users_show")  # those that say who the user is

_AFTER: Final = Parameter("flag", False)
_STATUS: Final = Parameter("whole", None, least=200, most=599)
_ON: Final = Parameter("text", "any", ("any", "consent", "silent", "denied", "error"))
_TEN_MB: Final = 10 * 1024 * 1024

KINDS: Final[Mapping[str, Kind]] = {
    "delay": Kind(CALLS, "the answer comes late", {"seconds": Parameter("number", 1, most=600)}),
    "error": Kind(
        CALLS, "a row of the error tables, with its own status or another",
        {"row": Parameter("text", "10001", tuple(ROWS)), "status": _STATUS, "code_as_text": Parameter("flag", False),
         "after": _AFTER},
    ),
    "answer": Kind(
        CALLS, "whatever is given",
        {"status": Parameter("whole", 200, least=200, most=599), "body": Parameter("text", ""),
         "content_type": Parameter("text", TEXT), "after": _AFTER},
    ),
    "html": Kind(
        CALLS, "the HTML page of a gateway in trouble",
        {"status": Parameter("whole", 502, least=200, most=599), "after": _AFTER},
    ),
    "reset": Kind(CALLS, "the connection is reset and nothing is answered", {"after": _AFTER}),
    "cut-off": Kind(SPOKEN, "the connection ends in the middle of the body"),
    "redirect": Kind(
        CALLS, "a redirect to elsewhere",
        {"location": Parameter("text", "/elsewhere"), "status": Parameter("whole", 302, (301, 302, 303, 307, 308)),
         "after": _AFTER},
    ),
    "uid-type": Kind(
        WHO, "the uid is of another type: a number where a text was, and the reverse, or what is asked for",
        {"to": Parameter("text", "swapped", ("swapped", "null", "list", "float", "true", "word"))},
    ),
    "uid-mismatch": Kind(WHO, "the uid is somebody else's", {"uid": Parameter("text", "1234567890")}),
    "foreign-appkey": Kind(
        ("get_token_info",), "the token was made for another application", {"appkey": Parameter("text", "1111111111")}
    ),
    "expire-in": Kind(
        ("get_token_info", "access_token"), "expire_in (expires_in, remind_in) is this",
        {"value": Parameter("whole", 0, least=-1e9)},
    ),
    "missing-member": Kind(SPOKEN, "a member is missing", {"member": Parameter("text", "isRealName")}),
    "surrogate-name": Kind(("users_show",), "screen_name holds half of a surrogate pair"),
    "nul-name": Kind(("users_show",), "screen_name holds the character NUL"),
    "duplicate-keys": Kind(WHO, "a name stands twice, with two values", {"member": Parameter("text", None)}),
    "truncated": Kind(SPOKEN, "the JSON stops in its middle"),
    "large": Kind(SPOKEN, "the JSON is as long as this", {"size": Parameter("whole", _TEN_MB, most=1e8)}),
    "state-dropped": Kind(("return",), "state does not come back", {"on": _ON}),
    "state-changed": Kind(("return",), "state comes back changed", {"on": _ON}),
    "state-doubled": Kind(("return",), "state comes back twice", {"on": _ON}),
    "pkce-required": Kind(("authorize",), "PKCE with S256 is demanded, checked and advertised", standing=True),
    "pkce-advertised": Kind(("authorize",), "PKCE is advertised and never checked", standing=True),
    "replay-keeps-tokens": Kind(("access_token",), "a code shown twice does not revoke its token", standing=True),
}  # fmt: skip

Refusal = Callable[[Call, Row, Fault], Response]


class Reset(ConnectionResetError):
    """The connection was reset on purpose; the server has nothing left to answer on."""


def perform(
    call: Call,
    faults: list[Fault],
    work: Callable[[], Answer | Response],
    *,
    refuse: Refusal,
    sleep: Callable[[float], None],
) -> Response:
    """Do *work* and return its answer, with *faults* done to it."""
    for fault in faults:
        if fault.kind == "delay":
            sleep(fault["seconds"])
    for fault in faults:
        if fault.kind == "error" or fault.kind in _INSTEAD:
            if fault["after"]:
                work()
            row = ROWS[fault["row"]] if fault.kind == "error" else None
            return refuse(call, row, fault) if row else _INSTEAD[fault.kind](call, fault)
    answer = work()
    if isinstance(answer, Response):
        return answer
    if answer.status == 200 and isinstance(answer.value, dict):
        value = dict(answer.value)
        for fault in faults:
            if fault.kind in _VALUE:
                _VALUE[fault.kind](call, value, fault)
        answer = Answer(200, value, answer.content_type)
    return _written(answer, faults)


def json_refusal(call: Call, row: Row, fault: Fault) -> Response:
    """Return *row* as *fault* wants it."""
    answer = refusal(call, row, quoted(call, row), code_as_text=fault["code_as_text"])
    return respond(fault["status"] or row.status, spell(answer.value), answer.content_type)


def quoted(call: Call, row: Row) -> str:
    """Return what the text of *row* quotes of this call."""
    match row.name:
        case "21317-info":
            return (call.value("access_token") or "")[-9:]
        case "10016":
            return "uid"
        case "10024":
            return call.path
    return call.value({"21324-client": "client_id", "21325": "code", "10017": "uid"}.get(row.name, "")) or ""


# --- instead of the answer -------------------------------------------------------------------------------


def _answer(_: Call, fault: Fault) -> Response:
    return respond(fault["status"], fault["body"].encode("utf-8", "surrogatepass"), fault["content_type"])


def _html(_: Call, fault: Fault) -> Response:
    body = (
        b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body><h1>502 Bad Gateway</h1></body>\r\n</html>\r\n"
    )
    return respond(fault["status"], body, "text/html")


def _redirect(call: Call, fault: Fault) -> Response:
    location = fault["location"]
    response = respond(fault["status"], b"", TEXT)
    response.headers["Location"] = f"{call.base}{location}" if location.startswith("/") else location
    return response


def _reset(call: Call, _: Fault) -> Response:
    """Close the connection so that the peer sees RST: lingering for zero seconds throws away what was not sent."""
    connection = call.request.environ.get("werkzeug.socket")
    if isinstance(connection, socket.socket):
        with socket.socket(fileno=connection.detach()) as bare:
            bare.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    raise Reset("reset on purpose")


_INSTEAD: Final[Mapping[str, Callable[[Call, Fault], Response]]] = {
    "answer": _answer,
    "html": _html,
    "redirect": _redirect,
    "reset": _reset,
}


# --- to the answer's value -------------------------------------------------------------------------------

_UID_MEMBERS: Final = {"access_token": ("uid",), "get_token_info": ("uid",), "users_show": ("id", "idstr")}


def _uid_type(call: Call, value: dict[str, Any], fault: Fault) -> None:
    for name in _UID_MEMBERS[call.endpoint]:
        was = value[name]
        kinds: dict[str, Any] = {
            "swapped": int(was) if isinstance(was, str) else str(was),
            "null": None,
            "list": [was],
            "float": float(was),
            "true": True,
            "word": "me",
        }
        value[name] = kinds[fault["to"]]


def _uid_mismatch(call: Call, value: dict[str, Any], fault: Fault) -> None:
    uid = fault["uid"]
    for name in _UID_MEMBERS[call.endpoint]:
        value[name] = int(uid) if isinstance(value[name], int) and uid.isdecimal() else uid


def _foreign_appkey(_: Call, value: dict[str, Any], fault: Fault) -> None:
    value["appkey"] = fault["appkey"]


def _expire_in(_: Call, value: dict[str, Any], fault: Fault) -> None:
    new = {"expire_in": fault["value"], "expires_in": fault["value"], "remind_in": str(fault["value"])}
    value.update({name: new[name] for name in new.keys() & value.keys()})


def _missing_member(_: Call, value: dict[str, Any], fault: Fault) -> None:
    value.pop(fault["member"], None)


def _surrogate_name(_: Call, value: dict[str, Any], __: Fault) -> None:
    value["screen_name"] = value["name"] = f"{value['screen_name']}\ud83d"


def _nul_name(_: Call, value: dict[str, Any], __: Fault) -> None:
    value["screen_name"] = value["name"] = f"{value['screen_name']}\x00"


_VALUE: Final[Mapping[str, Callable[[Call, dict[str, Any], Fault], None]]] = {
    "uid-type": _uid_type,
    "uid-mismatch": _uid_mismatch,
    "foreign-appkey": _foreign_appkey,
    "expire-in": _expire_in,
    "missing-member": _missing_member,
    "surrogate-name": _surrogate_name,
    "nul-name": _nul_name,
}


# --- to the answer's text --------------------------------------------------------------------------------


def _written(answer: Answer, faults: list[Fault]) -> Response:
    """Return *answer* as a response, its text spoiled as *faults* say."""
    body = spell(answer.value)
    kinds = {fault.kind: fault for fault in faults}
    if "duplicate-keys" in kinds and answer.status == 200:
        body = _doubled(answer.value, kinds["duplicate-keys"]["member"])
    if "truncated" in kinds:
        body = body[: len(body) // 2]
    if "cut-off" in kinds:
        response = respond(answer.status, body[: len(body) // 2], answer.content_type)
        response.headers["Content-Length"] = str(len(body))
        return response
    if "large" in kinds:
        return respond(answer.status, _swollen(body, kinds["large"]["size"]), answer.content_type)
    return respond(answer.status, body, answer.content_type)


def _doubled(value: dict[str, Any], member: str | None) -> bytes:
    """Return *value* with *member* a second time at its end, and another value in it."""
    name = member or next(name for name in ("uid", "id") if name in value)
    again = spell({name: "1234567890"})
    return spell(value)[:-1] + b"," + again[1:]


def _swollen(body: bytes, size: int) -> Iterator[bytes]:
    """Yield *body*, an object or a list, with blanks after its first character until it is *size* long."""
    yield body[:1]
    left = max(0, size - len(body))
    while left:
        step = min(left, 65536)
        yield b" " * step
        left -= step
    yield body[1:]
