"""JSON texts as RFC 8259 defines them, read and written strictly: one text has one meaning.

Python's own reader accepts more than JSON, and lets some of it through as nonsense.  Here

    NaN, Infinity           are refused: they are not JSON (RFC 8259 §6), and NaN never expires
    1e999                   is refused: no number of ours can hold it, it would read as infinity
    a name twice            is refused: two readers would see two values (RFC 8259 §4, RFC 7519 §4)
    UTF-16, UTF-32, a BOM   are refused: bytes are UTF-8 (RFC 8259 §8.1, RFC 8725 §3.7)
    a lone surrogate        is refused: it is no character, and fails later, at the database
    depth > 64              is refused: it would overflow the interpreter's stack
    digits > 640            in one number are refused: reading them costs the square of their count

What is written keeps the same rules: nothing is written here that would not be read here.

This file knows texts and Python values; it does not know who sent them.
"""

import json
import math
import re
from typing import Any, NoReturn

import msgspec

from dada.errors import Malformed

__all__ = ["MAX_DEPTH", "MAX_DIGITS", "NotJSON", "may_hold_long_number", "read", "write"]

MAX_DEPTH = 64
MAX_DIGITS = 640  # the least that CPython lets int() be limited to: right under every setting of it

_SHORT = 2 * MAX_DEPTH  # characters: each bracket that opens is closed again
_WHITE = " \t\n\r"
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')


class NotJSON(Malformed):
    """The text is no JSON text, or one that two readers would read differently."""


def read(data: bytes) -> Any:
    """Return the value of the JSON text that *data* spells in UTF-8.  Raise :exc:`NotJSON`."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise NotJSON("not UTF-8", error.start, "RFC 8259 §8.1") from None
    # Most texts were written by a machine, without blanks.  msgspec reads them several times as quickly, and keeps the
    # rules but one: of a name that stands twice it takes the last.  Then its value, written again, is another text.
    if _is_tame(text):
        try:
            value = _decode(text)
            if _encode(value) == data:
                return value
        except (msgspec.MsgspecError, ValueError, RecursionError):
            pass  # what is wrong is said below
        return _read_carefully(text.strip(_WHITE), _DECODER)
    _limit_depth(text)
    return _read_carefully(text.strip(_WHITE), _DIGIT_COUNTING_DECODER)


def _read_carefully(text: str, decoder: json.JSONDecoder) -> Any:
    """Return the value of *text*, however it was written."""
    try:
        value, end = decoder.raw_decode(text)
    except _Refused as error:
        raise NotJSON(str(error), 0, error.clause) from None
    except (ValueError, RecursionError) as error:
        raise NotJSON("not JSON", getattr(error, "pos", 0), "RFC 8259 §2") from None
    if end != len(text):
        raise NotJSON("text after the value", end, "RFC 8259 §2")
    if "\\" in text and "\\u" in text:  # one character is found ten times faster than two
        _refuse_lone_surrogates(value)
    return value


def write(value: Any) -> bytes:
    """Return the JSON text of *value* in UTF-8, without blanks.

    Raise :exc:`NotJSON` for what :func:`read` would refuse, and for what is no value of JSON: a name that
    is no text, a set, a date …
    """
    try:
        data = _encode(value)
        if _is_tame(data.decode()) and _decode(data) == value:  # msgspec would also write NaN as null, a set as a list
            return data
    except (TypeError, ValueError, msgspec.MsgspecError, RecursionError):
        pass  # what is wrong is said below
    _check(value, MAX_DEPTH)
    try:
        return _WRITER.encode(value).encode()
    except UnicodeEncodeError as error:
        raise NotJSON("half of a surrogate pair", error.start, "RFC 8259 §8.2") from None
    except (TypeError, ValueError):
        raise NotJSON("no value of JSON", 0, "RFC 8259 §3") from None


class _Refused(ValueError):
    """Raised inside the library's reader, to be told as :exc:`NotJSON`."""

    def __init__(self, reason: str, clause: str) -> None:
        super().__init__(reason)
        self.clause = clause


def _object(members: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(members)
    if len(value) != len(members):
        raise _Refused("a name stands twice", "RFC 8259 §4")
    return value


def _constant(name: str) -> NoReturn:
    raise _Refused(f"{name} is not JSON", "RFC 8259 §6")


def _fraction(digits: str) -> float:
    value = float(digits)
    if math.isinf(value):
        raise _Refused("a number beyond every number", "RFC 8259 §6")
    return value


def _integer(digits: str) -> int:
    if len(digits.lstrip("-")) > MAX_DIGITS:
        raise _Refused("too many digits", "RFC 8259 §6")
    return int(digits)


def _is_tame(text: str) -> bool:
    """Whether it is seen at once that *text* is not deep and holds no long number: a short one has no room for them.

    Most texts have no bracket behind the first.
    """
    size = len(text)
    if size <= _SHORT:
        return True
    if (text.find("[", 1) > 0 or text.find("{", 1) > 0) and text.count("[") + text.count("{") > MAX_DEPTH:
        return False
    return size <= MAX_DIGITS or not may_hold_long_number(text)


def may_hold_long_number(text: str) -> bool:
    """Whether *text* may hold more than MAX_DIGITS digits in a row.

    So many would cover five of every 128th characters, one after the other; looking at those alone costs
    nearly nothing, and a false alarm costs only time.
    """
    return _FIVE_DIGITS.search(text[::128]) is not None


_FIVE_DIGITS = re.compile("[0-9]{5}")
_decode, _encode = msgspec.json.Decoder().decode, msgspec.json.Encoder().encode
_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_constant, parse_float=_fraction)
# Most texts hold no long number; they are spared a call per integer.
_DIGIT_COUNTING_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_constant=_constant, parse_float=_fraction, parse_int=_integer
)


def _limit_depth(text: str) -> None:
    """Raise if *text* opens more than MAX_DEPTH brackets at once; those inside strings do not count."""
    depth = 0
    for mark in re.finditer(r"[\[{]|[\]}]", _STRING.sub('""', text)):
        depth += 1 if mark[0] in "[{" else -1
        if depth > MAX_DEPTH:
            raise NotJSON("nested too deeply", 0, "RFC 8259 §9")


def _refuse_lone_surrogates(value: Any) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        raise NotJSON("half of a surrogate pair", 0, "RFC 8259 §8.2") from None


_WRITER = json.JSONEncoder(ensure_ascii=False, check_circular=False, allow_nan=False, separators=(",", ":"))
_HUGE = 10**MAX_DIGITS  # the least number that has more digits


def _check(value: Any, depth: int) -> None:
    """Raise :exc:`NotJSON` where *value*, nested at most *depth* deep, has no spelling that we would read."""
    if isinstance(value, dict):
        if depth == 0:
            raise NotJSON("nested too deeply", 0, "RFC 8259 §9")
        for name, member in value.items():
            if not isinstance(name, str):
                raise NotJSON("a name that is no text", 0, "RFC 8259 §4")
            _check(member, depth - 1)
    elif isinstance(value, (list, tuple)):
        if depth == 0:
            raise NotJSON("nested too deeply", 0, "RFC 8259 §9")
        for member in value:
            _check(member, depth - 1)
    elif isinstance(value, int):
        if not -_HUGE < value < _HUGE:
            raise NotJSON("too many digits", 0, "RFC 8259 §6")
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise NotJSON(f"{value} is not JSON", 0, "RFC 8259 §6")
    elif value is not None and not isinstance(value, str):
        raise NotJSON(f"a {type(value).__name__} is no value of JSON", 0, "RFC 8259 §3")
