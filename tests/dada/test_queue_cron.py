"""Schedules: when a slot was last due."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dada.errors import Misuse
from dada.queue_cron import Crontab


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


# schedule, a moment, the last slot before it
CASES = {
    "every minute": ("* * * * *", "2026-11-22 19:26:59", "2026-11-22 19:26"),
    "a slot is due at its first moment": ("30 4 * * *", "2026-11-22 04:30:00", "2026-11-22 04:30"),
    "and not a second before": ("30 4 * * *", "2026-11-22 04:29:59", "2026-11-21 04:30"),
    "every ten minutes": ("*/10 * * * *", "2026-11-22 19:09:00", "2026-11-22 19:00"),
    "a list": ("5,35 * * * *", "2026-11-22 19:34:00", "2026-11-22 19:05"),
    "a range with steps": ("0 8-18/4 * * *", "2026-11-22 19:00:00", "2026-11-22 16:00"),
    "a number with a step goes to the end": ("50/5 * * * *", "2026-11-22 19:54:00", "2026-11-22 19:50"),
    "a weekday": ("0 9 * * 1", "2026-11-22 19:00:00", "2026-11-16 09:00"),
    "Sunday as 0": ("0 9 * * 0", "2026-11-22 19:00:00", "2026-11-22 09:00"),
    "Sunday as 7": ("0 9 * * 7", "2026-11-22 19:00:00", "2026-11-22 09:00"),
    "the first of a month": ("0 0 1 * *", "2026-11-22 19:00:00", "2026-11-01 00:00"),
    "a month over the turn of a year": ("0 0 1 12 *", "2026-11-22 19:00:00", "2025-12-01 00:00"),
    "29 February": ("0 0 29 2 *", "2026-11-22 19:00:00", "2024-02-29 00:00"),
    "29 February over 2100, which has none": ("0 0 29 2 *", "2104-02-28 00:00:00", "2096-02-29 00:00"),
    "a day of the month or a weekday": ("0 0 13 * 5", "2026-11-22 19:00:00", "2026-11-20 00:00"),
    "any day of the month, and a weekday": ("0 0 */1 * 5", "2026-11-22 19:00:00", "2026-11-20 00:00"),
}


@pytest.mark.parametrize(("spec", "now", "slot"), CASES.values(), ids=CASES)
def test_the_last_slot_is_found(spec, now, slot):
    assert Crontab(spec).latest(at(now)) == at(slot)


WRONG = {
    "nothing": "",
    "no text": None,
    "four fields": "* * * *",
    "a minute beyond": "60 * * * *",
    "a day that is none": "* * 0 * *",
    "a range turned around": "5-1 * * * *",
    "a step of none": "*/0 * * * *",
    "a name": "* * * jan *",
    "a field of commas": ", * * * *",
    "a sign": "-1 * * * *",
    "a line end": "* * * * 1\n;",
    "a day that never comes": "0 0 30 2 *",
    "digits of another script": "٣ * * * *",
}


@pytest.mark.parametrize("spec", WRONG.values(), ids=WRONG)
def test_what_is_no_schedule_is_misuse(spec):
    with pytest.raises(Misuse):
        Crontab(spec)


@given(st.sampled_from(["*/7 * * * *", "0 3 * * *", "15 */5 1-10 * 2", "0 0 29 2 *"]), st.integers(0, 4_000_000_000))
def test_a_slot_is_the_last_of_its_own_and_none_lies_between(spec, seconds):
    when = Crontab(spec)
    slot = when.latest(seconds)
    if slot is None:
        assert seconds < at("1970-12-31")
        return
    assert slot <= seconds
    assert slot % 60 == 0
    assert when.latest(slot) == slot
    assert when.latest(slot + 59) == slot
    assert all(when.latest(moment) == slot for moment in (slot, (slot + seconds) // 2, seconds))


@given(st.text(max_size=20))
def test_any_text_is_a_schedule_or_misuse(text):
    try:
        assert Crontab(text).latest(datetime.now(UTC).timestamp()) is not None
    except Misuse:
        pass


def test_every_minute_of_a_day_by_a_slow_count():
    when, day = Crontab("*/15 9-17 * * 1-5"), datetime(2026, 11, 20, tzinfo=UTC)
    for minute in range(0, 1440, 7):
        now = day + timedelta(minutes=minute)
        slot = now
        while not (slot.minute % 15 == 0 and 9 <= slot.hour <= 17 and slot.isoweekday() <= 5):
            slot -= timedelta(minutes=1)
        assert when.latest(now.timestamp()) == slot.timestamp()
