"""Switches: what the outside world was told to do wrong, where, and how often.

A switch is an object such as

    {"endpoint": "access_token", "fault": "error", "row": "21325", "times": 1}

`times` counts the calls that it still meets; null means every one.  What faults there are is said by a table of
`Kind`, given by those who perform them.

This file knows names, counts and the types of parameters; it does not know HTTP, SMTP, or how a fault is done.
"""

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from dada.errors import DadaError

__all__ = ["BadFaults", "Fault", "Faults", "Kind", "Parameter"]

MAX_FAULTS: Final = 100

_TYPES: Final[Mapping[str, tuple[type, ...]]] = {
    "text": (str,),
    "whole": (int,),
    "number": (int, float),
    "flag": (bool,),
}


class BadFaults(DadaError):
    """The list holds what is no switch: every problem, a sentence each."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__(self.problems)

    def __str__(self) -> str:
        return "; ".join(self.problems)


@dataclass(frozen=True, slots=True)
class Parameter:
    """What may stand beside a fault's name.

    type     "text", "whole" (a number), "number", "flag"
    default  what holds where it is not given
    allowed  the only values there are; empty where any of the type will do
    least, most  the limits of a number
    """

    type: str
    default: Any = None
    allowed: tuple[Any, ...] = ()
    least: float = 0
    most: float = 1e9

    def wrong(self, value: Any) -> str:
        """Return what is wrong with *value*, or ""."""
        if value is None and self.default is None:
            return ""
        if not isinstance(value, _TYPES[self.type]) or (isinstance(value, bool) and self.type != "flag"):
            return f"is no {self.type}"
        if self.allowed and value not in self.allowed:
            return f"is none of {', '.join(map(str, self.allowed))}"
        if isinstance(value, (int, float)) and self.type != "flag" and not self.least <= value <= self.most:
            return f"is not within {self.least:g} and {self.most:g}"
        return ""


@dataclass(frozen=True, slots=True)
class Kind:
    """A fault that can be performed.

    endpoints   where it can happen
    says        one sentence: what happens
    parameters  by name
    standing    it is a state of the service and no event of a call: it is not counted
    """

    endpoints: tuple[str, ...]
    says: str
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    standing: bool = False


@dataclass(frozen=True, slots=True)
class Fault:
    """A switch that is on; `fault["seconds"]` reads a parameter."""

    kind: str
    endpoint: str
    parameters: Mapping[str, Any]
    times: int | None = None

    def __getitem__(self, name: str) -> Any:
        return self.parameters[name]

    def shown(self) -> dict[str, Any]:
        """Return the switch as it was set."""
        return {"endpoint": self.endpoint, "fault": self.kind, "times": self.times, **self.parameters}


class Faults:
    """The switches that are on, in their order.  Safe to use from several threads."""

    def __init__(self, kinds: Mapping[str, Kind]) -> None:
        self.kinds = dict(kinds)
        self._lock = threading.Lock()
        self._set: list[Fault] = []

    def put(self, switches: Any) -> list[dict[str, Any]]:
        """Turn on exactly *switches*, a list of objects, and return what is on.  Raise :exc:`BadFaults`."""
        if not isinstance(switches, list):
            raise BadFaults(["the switches are no list"])
        if len(switches) > MAX_FAULTS:
            raise BadFaults([f"more than {MAX_FAULTS} switches"])
        problems: list[str] = []
        faults = [self._read(number, switch, problems) for number, switch in enumerate(switches)]
        if problems:
            raise BadFaults(problems)
        with self._lock:
            self._set = [fault for fault in faults if fault is not None]
        return self.shown()

    def clear(self) -> None:
        """Turn everything off."""
        with self._lock:
            self._set = []

    def shown(self) -> list[dict[str, Any]]:
        """Return the switches that are on, each with the `times` it has left."""
        with self._lock:
            return [fault.shown() for fault in self._set]

    def known(self) -> dict[str, Any]:
        """Return what can be switched on."""
        return {
            name: {
                "says": kind.says,
                "endpoints": list(kind.endpoints),
                "parameters": {
                    key: {"type": parameter.type, "default": parameter.default, "allowed": list(parameter.allowed)}
                    for key, parameter in kind.parameters.items()
                },
            }
            for name, kind in self.kinds.items()
        }

    def take(self, endpoint: str, **where: Any) -> list[Fault]:
        """Return the faults that meet this call of *endpoint*, and count them.

        *where* narrows: a parameter of that name must hold that value, or "any"; others are left alone.
        """
        taken: list[Fault] = []
        left: list[Fault] = []
        with self._lock:
            for fault in self._set:
                if fault.endpoint != endpoint or self.kinds[fault.kind].standing or not _meets(fault, where):
                    left.append(fault)
                    continue
                taken.append(fault)
                if fault.times is None:
                    left.append(fault)
                elif fault.times > 1:
                    left.append(Fault(fault.kind, fault.endpoint, fault.parameters, fault.times - 1))
            self._set = left
        return taken

    def standing(self, kind: str) -> bool:
        """Return whether the standing fault *kind* is on."""
        with self._lock:
            return any(fault.kind == kind for fault in self._set)

    def _read(self, number: int, switch: Any, problems: list[str]) -> Fault | None:
        """Return the fault that *switch* means; add to *problems* what is wrong with it."""
        found: list[str] = []
        fault = self._make(switch, found)
        problems += [f"switch {number}: {problem}" for problem in found]
        return fault

    def _make(self, switch: Any, found: list[str]) -> Fault | None:
        if not isinstance(switch, dict):
            found.append("is no object")
            return None
        name = switch.get("fault")
        kind = self.kinds.get(name) if isinstance(name, str) else None
        if kind is None or not isinstance(name, str):
            found.append("fault is none that is known")
            return None
        endpoint = switch.get("endpoint", kind.endpoints[0] if len(kind.endpoints) == 1 else None)
        if endpoint not in kind.endpoints:
            found.append(f"endpoint is none of {', '.join(kind.endpoints)}")
        times = switch.get("times")
        if times is not None and (type(times) is not int or times < 1 or kind.standing):
            found.append("times is null" if kind.standing else "times is no whole number above 0, and not null")
        foreign = switch.keys() - {"fault", "endpoint", "times"} - kind.parameters.keys()
        found += [f"{key} is no parameter of {name}" for key in sorted(foreign)]
        values = {key: switch.get(key, parameter.default) for key, parameter in kind.parameters.items()}
        for key, parameter in kind.parameters.items():
            if wrong := parameter.wrong(values[key]):
                found.append(f"{key} {wrong}")
        return Fault(name, str(endpoint), values, times)


def _meets(fault: Fault, where: Mapping[str, Any]) -> bool:
    return all(fault.parameters.get(name, "any") in ("any", value) for name, value in where.items())
