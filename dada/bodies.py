"""Bodies: bytes → strict JSON → a typed value, or every field's error at once (RFC 8259, RFC 6901).

The type is a msgspec Struct; what it says about its fields is what is checked, and what the OpenAPI document tells.
Members that it does not name are refused: what is silently dropped today would be silently believed tomorrow.

This file knows bytes and types; it does not know HTTP.
"""

import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import UnionType
from typing import Annotated, Any, Final, TypeVar, Union, get_args, get_origin

import msgspec

from dada import jsontext
from dada.errors import Rejected
from dada.problems import FieldError, Invalid

__all__ = ["MAX_DEPTH", "MAX_MEMBERS", "Faults", "NotReadable", "read", "read_query", "validate"]

T = TypeVar("T", bound=msgspec.Struct)
Faults = Callable[[Mapping[str, Any]], Iterable[FieldError]]
"""Says what is wrong with members that have their type, beyond what a type can say."""

MAX_DEPTH: Final = 16
MAX_MEMBERS: Final = 100
_MAX_INTEGER: Final = 1 << 53  # beyond it JavaScript's numbers lose digits (RFC 8259 §6)


class NotReadable(Rejected):
    """The body is no JSON text that we read: reason "malformed-json"."""

    def __init__(self, detail: str, clause: str) -> None:
        super().__init__("malformed-json", clause, detail)


def read(data: bytes, kind: type[T], also: Faults | None = None) -> T:
    """Return the body as a *kind*.  Raise :exc:`NotReadable` for what is no JSON, :exc:`Invalid` for the rest."""
    try:
        value = jsontext.read(data)
    except jsontext.NotJSON as error:
        raise NotReadable(str(error) if error.at else error.reason, error.clause) from None
    escaped = data.find(b"\\") >= 0 and b"\\u0000" in data  # one byte is found ten times faster than six
    if problem := _excess(value, MAX_DEPTH) or (escaped and _nul(value)):
        raise NotReadable(problem, "RFC 8259 §9")
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError:
        return validate(value, kind, also)  # which says all that is wrong


def validate(value: Any, kind: type[T], also: Faults | None = None, *, strict: bool = True) -> T:
    """Return *value*, read from JSON, as a *kind*.  Raise :exc:`Invalid` with the errors of all fields.

    also    asked only where a field is wrong: what else is wrong with the fields that have their type
    strict  whether a number must be one, or may be written as a text
    """
    try:
        return msgspec.convert(value, kind) if strict else msgspec.convert(value, kind, strict=False)
    except msgspec.ValidationError as first:
        if not isinstance(value, dict):
            raise Invalid([FieldError("#", "type", {"expected": "object"})]) from None
        errors = list(_errors(value, kind, "#", strict)) or [_error("#", str(first))]
        wrong = {error.pointer.split("/")[1] for error in errors if "/" in error.pointer}
        good = {name: member for name, member in value.items() if _escaped(name) not in wrong}
        raise Invalid([*errors, *(also(good) if also else ())]) from None


def read_query(members: Mapping[str, str], kind: type[T]) -> T:
    """Return the parameters of a query as a *kind*: whole numbers as we would write them, not 1e1 or 05.

    Raise :exc:`Invalid` with the errors of all parameters.
    """
    found = validate(members, kind, strict=False)
    told = ((field.encode_name, getattr(found, field.name)) for field in msgspec.structs.fields(kind))
    odd = [name for name, value in told if type(value) is int and members.get(name, str(value)) != str(value)]
    if odd:
        raise Invalid([FieldError(f"#/{_escaped(name)}", "type", {"expected": "int"}) for name in odd])
    return found


def _errors(value: Mapping[str, Any], kind: Any, pointer: str, strict: bool) -> Iterator[FieldError]:
    """The library stops at the first error; each field is put to it alone, and each part of a field."""
    fields, config = {field.encode_name: field for field in msgspec.structs.fields(kind)}, kind.__struct_config__
    for name, field in fields.items():
        here = f"{pointer}/{_escaped(name)}"
        if name in value:
            yield from _faults(value[name], field.type, here, strict)
        elif field.required:
            yield FieldError(here, "missing")
    if config.forbid_unknown_fields:
        known = {*fields, config.tag_field}
        yield from (FieldError(f"{pointer}/{_escaped(name)}", "unknown") for name in value if name not in known)


def _faults(value: Any, kind: Any, pointer: str, strict: bool) -> Iterator[FieldError]:
    """All that is wrong with *value* as a *kind*: its own length, and its parts; else what the library says."""
    try:
        msgspec.convert(value, kind, strict=strict)
    except msgspec.ValidationError as error:
        message = str(error)
        inside = [fault for one in _kinds(kind) for fault in _parts(value, one, pointer, strict)]
        if not inside or (_BOUND.match(message) and not _PLACE.search(message)):
            yield _error(pointer, message)
        yield from inside


def _parts(value: Any, kind: Any, pointer: str, strict: bool) -> Iterator[FieldError]:
    """What is wrong with the members of *value*, where *kind* is an object or an array; nothing where it is neither."""
    inner, origin = get_args(kind), get_origin(kind)
    if isinstance(value, dict) and _is_struct(kind):
        config = kind.__struct_config__
        if config.tag is None or value.get(config.tag_field) == config.tag:  # of several, the one that is meant
            yield from _errors(value, kind, pointer, strict)
    elif isinstance(value, dict) and origin is dict:
        for name, member in value.items():
            here = f"{pointer}/{_escaped(name)}"
            yield from list(_faults(name, inner[0], here, strict)) or _faults(member, inner[1], here, strict)
    elif isinstance(value, list) and origin in _ARRAYS:
        same = origin is not tuple or inner[-1] is Ellipsis
        each = itertools.repeat(inner[0]) if same else inner
        for at, (member, its) in enumerate(zip(value, each, strict=False)):
            yield from _faults(member, its, f"{pointer}/{at}", strict)


_ARRAYS: Final = (list, tuple, set, frozenset)


def _kinds(kind: Any) -> Iterator[Any]:
    """Return what *kind* may be, one by one, without what is said of it besides."""
    if get_origin(kind) is Annotated:
        yield from _kinds(get_args(kind)[0])
    elif get_origin(kind) in (Union, UnionType):
        yield from itertools.chain.from_iterable(map(_kinds, get_args(kind)))
    else:
        yield kind


def _is_struct(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


_BOUND = re.compile(r"Expected `(?:str|array|object|bytes)` of length (>=|<=) (\d+)")
_NUMBER = re.compile(r"Expected `(?:int|float)` (>=|<=|>|<) (-?[\d.]+)")
_TYPE = re.compile(r"Expected `([^`]+)`, got")
_PLACE = re.compile(r" - at `(?:key in )?\$([^`]*)`$")


def _error(pointer: str, message: str) -> FieldError:
    """Return the library's *message* about the field at *pointer* as data."""
    place = _PLACE.search(message)
    pointer += _pointer(place[1] if place else "")
    if bound := _BOUND.match(message):
        low = bound[1] == ">="
        return FieldError(pointer, "too_short" if low else "too_long", {"min" if low else "max": int(bound[2])})
    if number := _NUMBER.match(message):
        low = number[1].startswith(">")
        return FieldError(pointer, "too_small" if low else "too_large", {"min" if low else "max": _plain(number[2])})
    if kind := _TYPE.match(message):
        return FieldError(pointer, "type", {"expected": kind[1]})
    return FieldError(pointer, "missing" if "missing" in message else "unknown" if "unknown" in message else "invalid")


def _plain(number: str) -> int | float:
    return float(number) if "." in number else int(number)


def _pointer(path: str) -> str:
    """Return the library's ".a[0].b" as a JSON pointer."""
    return "".join(f"/{_escaped(part)}" for part in re.findall(r"[^.\[\]]+", path))


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")  # RFC 6901 §3


def _nul(value: Any) -> str:
    """Return what is wrong with *value* if a text or a name in it holds U+0000, which ends texts elsewhere; else ""."""
    if isinstance(value, dict | list):
        inside = (*value, *value.values()) if isinstance(value, dict) else value
        return next(filter(None, map(_nul, inside)), "")
    return "a NUL character" if isinstance(value, str) and "\0" in value else ""


def _excess(value: Any, depth: int) -> str:
    """Return what makes *value* more than a body of ours may be, or ""."""
    kind = type(value)
    if kind is dict or kind is list:
        if depth == 0:
            return "nested too deeply"
        if len(value) > MAX_MEMBERS:
            return "too many members"
        for member in value.values() if kind is dict else value:
            if type(member) is not str and (problem := _excess(member, depth - 1)):  # most are texts
                return problem
    elif kind is int and abs(value) > _MAX_INTEGER:
        return "an integer beyond 2^53"
    return ""
