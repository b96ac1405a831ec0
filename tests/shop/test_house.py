"""Housekeeping."""

import pytest
from sqlalchemy import func, select

from shop import accounts, correspondence, house
from shop.errors import Refused
from shop.tables import one_time_tokens, sessions
from tests.shop.people import join, log_in, register, token_for

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


def test_a_name_that_nobody_activated_is_free_after_a_week_and_its_letter_activates_nobody(services, clock):
    squatter = register(services, "ada")
    register(services, "newest")
    token = token_for(services, squatter.id)
    clock.advance(6 * DAY)
    house.forget_expired(services)
    assert accounts.by_username(services, "ada") is not None
    clock.advance(2 * DAY)
    assert house.forget_expired(services) >= 1
    assert accounts.by_username(services, "ada") is None
    with pytest.raises(Refused, match="activation-invalid"):
        accounts.activate(services, token)
    owner = register(services, "ada", "owner@example.org")
    assert owner.id != squatter.id
    accounts.activate(services, token_for(services, owner.id))


def test_a_look_is_free_with_its_name(services, clock):
    register(services, "modern")
    register(services, "newest")
    clock.advance(8 * DAY)
    house.forget_expired(services)
    assert register(services, "modem")


def test_who_activated_and_who_is_disabled_stay(services, clock):
    join(services, "ada")
    accounts.disable(services, register(services, "eve").id)
    register(services, "newest")
    clock.advance(400 * DAY)
    house.forget_expired(services)
    assert accounts.by_username(services, "ada").state == "active"
    assert accounts.by_username(services, "eve").state == "disabled"


def test_the_newest_account_stays_or_its_number_and_its_events_would_be_the_next_one_s(services, clock):
    abandoned = register(services, "ada")
    clock.advance(8 * DAY)
    house.forget_expired(services)
    following = register(services, "bob")
    assert following.id > abandoned.id
    house.forget_expired(services)
    assert accounts.by_username(services, "ada") is None


def test_who_asks_for_a_letter_every_day_does_not_keep_a_name_that_he_never_activates(services, clock):
    squatter = register(services, "ada")
    register(services, "newest")
    letters = []
    for _ in range(10):
        letters.append(correspondence.write(services, "activation", squatter.id))
        house.forget_expired(services)
        clock.advance(0.9 * DAY)
    assert [letter is not None for letter in letters] == [True] * 8 + [False] * 2
    assert accounts.by_username(services, "ada") is None


def test_who_has_a_letter_that_is_good_still_is_waited_for(services, clock):
    account = register(services, "ada")
    register(services, "newest")
    clock.advance(6.5 * DAY)
    token = token_for(services, account.id)
    clock.advance(0.9 * DAY)
    house.forget_expired(services)
    assert accounts.activate(services, token).state == "active"
    clock.advance(30 * DAY)
    house.forget_expired(services)
    assert accounts.by_username(services, "ada") is not None
