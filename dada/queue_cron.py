"""Schedules as POSIX crontab writes them: when a slot was last due.

    minute  hour  day-of-month  month  day-of-week          0-59  0-23  1-31  1-12  0-6, Sunday is 0 (7 will do)

Each field is "*", a number, a range "1-5", a list "1,15"; "*/10" and "8-18/2" take steps, as every cron of today does.
If both the day of the month and the day of the week are restricted, a day that fits either will do (POSIX crontab).
Times are UTC: no hour comes twice, none is missing.

This file knows the calendar; it does not know who asks, or what is to be done then.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from dada.errors import Misuse, Problem

__all__ = ["Crontab"]

_FIELDS: Final = (
    ("minute", 0, 59),
    ("hour", 0, 23),
    ("day of month", 1, 31),
    ("month", 1, 12),
    ("day of week", 0, 7),
)
_PART = re.compile(r"(?:\*|([0-9]{1,2})(?:-([0-9]{1,2}))?)(?:/([0-9]{1,2}))?")
_LONGEST: Final = 8 * 366 + 1  # days: from one 29 February to the next, over a century that has none


class Crontab:
    """A schedule.  Raise :exc:`Misuse` for a text that is none, or that names no day there is.

    >>> Crontab("*/15 9-17 * * 1-5").latest(1_700_000_000) - 1_700_000_000  # 22:13 on a Tuesday: 17:45 was the last
    -16100
    """

    def __init__(self, spec: str) -> None:
        fields = spec.split() if isinstance(spec, str) else []
        if len(fields) != len(_FIELDS):
            raise _misuse(ascii(spec), "a schedule has five fields")
        self.spec = spec
        self._minutes, self._hours, self._days, self._months, weekdays = (
            _values(text, *field) for text, field in zip(fields, _FIELDS, strict=True)
        )
        self._weekdays = frozenset(day % 7 for day in weekdays)
        self._either = not fields[2].startswith("*") and not fields[4].startswith("*")
        if self.latest(_A_LEAP_YEAR) is None:
            raise _misuse(spec, "there is no such day")

    def latest(self, seconds: float) -> int | None:
        """Return the last moment of the schedule that is not after *seconds*, both since 1970; None if there is none.

        Only a schedule whose day does not exist has none; the constructor refuses those.
        """
        now = datetime.fromtimestamp(int(seconds), UTC).replace(second=0)
        for back in range(_LONGEST):
            day = now.date() - timedelta(days=back)
            if day.month not in self._months or not self._has_day(day.day, (day.weekday() + 1) % 7):
                continue
            times = ((hour, minute) for hour in sorted(self._hours, reverse=True)
                     for minute in sorted(self._minutes, reverse=True))  # fmt: skip
            for hour, minute in times:
                if back or (hour, minute) <= (now.hour, now.minute):
                    return int(datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC).timestamp())
        return None

    def _has_day(self, day: int, weekday: int) -> bool:
        if self._either:
            return day in self._days or weekday in self._weekdays
        return day in self._days and weekday in self._weekdays


_A_LEAP_YEAR: Final = datetime(2025, 1, 1, tzinfo=UTC).timestamp()  # the year before it had a 29 February


def _values(text: str, what: str, least: int, most: int) -> frozenset[int]:
    values: set[int] = set()
    for part in text.split(","):
        found = _PART.fullmatch(part)
        if not found:
            raise _misuse(part, f"this is no {what}")
        first = int(found[1] or least)
        last = int(found[2] or (most if not found[1] or found[3] else found[1]))
        step = int(found[3] or 1)
        if not least <= first <= last <= most or step == 0:
            raise _misuse(part, f"a {what} is from {least} to {most}")
        values.update(range(first, last + 1, step))
    return frozenset(values)


def _misuse(value: str, why: str) -> Misuse:
    return Misuse([Problem("cron", "schedule", ascii(value)[:60], why, "*/10 * * * *", "POSIX crontab")])
