"""Housekeeping."""

from sqlalchemy import func, select

from shop import house
from shop.tables import one_time_tokens, sessions
from tests.shop.people import join, log_in, token_for

DAY = 86400


def rows(services):
    with services.db.read() as connection:
        return tuple(
            connection.execute(select(func.count()).select_from(table)).scalar()
            for table in (one_time_tokens, sessions)
        )


def test_what_ended_a_day_ago_is_forgotten_and_nothing_else(services, clock):
    account = join(services)
    log_in(services)
    token_for(services, account.id, "reset")
    before = rows(services)
    assert before[1] == 1
    assert house.forget_expired(services) == 0
    clock.advance(1.5 * DAY)  # the letters' tokens ended, but not a day ago
    assert rows(services) == before
    clock.advance(DAY)
    assert house.forget_expired(services) == before[0]
    assert rows(services) == (0, 1)
    clock.advance(400 * DAY)
    assert house.forget_expired(services) == 1
    assert house.forget_expired(services) == 0
