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


KEPT = {
    "who activated": lambda services: join(services, "ada"),
    "who is disabled": lambda services: accounts.disable(services, register(services, "ada").id),
    "the newest, whose number would be given again": lambda services: None,
}


@pytest.mark.parametrize("make", KEPT.values(), ids=KEPT)
def test_an_account_stays(services, clock, make):
    make(services)
    register(services, "bob")
    clock.advance(400 * DAY)
    house.forget_expired(services)
    kept = "ada" if accounts.by_username(services, "ada") else "bob"
    assert accounts.by_username(services, kept) is not None
    assert (kept == "bob") is (make(services) is None and kept == "bob")


def test_who_asked_for_another_letter_this_week_has_another_week(services, clock):
    account = register(services, "ada")
    register(services, "newest")
    clock.advance(6 * DAY)
    token_for(services, account.id)
    clock.advance(6 * DAY)
    house.forget_expired(services)
    # the letter itself is over and forgotten by now; without it the account goes the next time
    assert accounts.by_username(services, "ada") is None
