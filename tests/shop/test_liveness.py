"""Which sessions live: the cache in front of the database."""

from contextlib import contextmanager

import pytest

from shop import accounts, liveness, tokens
from shop.database import OUTAGES
from shop.errors import Refused
from tests.shop.people import PASSWORD, join, log_in


def session_of(services):
    return tokens.identify(services, log_in(services).access_token).session


def test_a_live_session_is_found_once_in_the_database_and_then_in_the_cache(services):
    ada = join(services)
    session = session_of(services)
    liveness.forget(services, ada.id, session)
    assert liveness.find(services, str(ada.id), session) == (ada.id, 0, "ada", "ada")
    services.db.close()
    services.db.read = None  # type: ignore[method-assign]
    assert liveness.find(services, str(ada.id), session) is not None


@pytest.mark.parametrize("user", ["0", "999999", "x", ""])
def test_a_session_is_found_for_its_own_user_only(services, user):
    join(services)
    assert liveness.find(services, user, session_of(services)) is None


def test_a_session_that_ended_stays_ended(services):
    ada = join(services)
    session = session_of(services)
    liveness.mark_ended(services, ada.id, [session])
    assert liveness.find(services, str(ada.id), session) is None
    liveness.forget(services, ada.id, session)  # a change of it that was on its way
    assert liveness.find(services, str(ada.id), session) is None


def test_a_session_that_is_asked_for_while_it_is_renewed_goes_on(services):
    ada = join(services)
    session = session_of(services)
    liveness.forget(services, ada.id, session)
    renewed = accounts.change_password(services, ada.id, PASSWORD, "another long one", session)
    late = liveness.find(services, str(ada.id), session)
    grant = tokens.renew(services, session, renewed)
    assert late is None
    assert tokens.identify(services, grant.access_token).session == session


def test_who_asked_for_a_session_just_before_it_was_renewed_does_not_end_it(services, monkeypatch):
    ada = join(services)
    session, read = session_of(services), liveness._read
    liveness.forget(services, ada.id, session)
    grants = []

    def read_and_be_slow(*arguments):
        text = read(*arguments)
        grants.append(tokens.renew(services, session, renewed))
        return text

    renewed = accounts.change_password(services, ada.id, PASSWORD, "another long one", session)
    with monkeypatch.context() as patch:
        patch.setattr(liveness, "_read", read_and_be_slow)
        assert liveness.find(services, str(ada.id), session) is None
    assert tokens.identify(services, grants[0].access_token).session == session


def test_counting_up_ends_what_went_before_and_is_undone_by_a_failure(services):
    ada = join(services)
    session = session_of(services)
    with pytest.raises(ZeroDivisionError), liveness.counting_up(services, ada.id, 1):
        assert liveness.find(services, str(ada.id), session) is None
        1 / 0  # noqa: B018
    assert liveness.find(services, str(ada.id), session) is not None
    with liveness.counting_up(services, ada.id, 1):
        pass
    assert liveness.find(services, str(ada.id), session) is None


def test_a_change_whose_commit_was_not_heard_of_ends_what_it_should_end(services, monkeypatch):
    ada = join(services)
    grant, write = log_in(services), services.db.write
    assert tokens.identify(services, grant.access_token)

    @contextmanager
    def write_and_hear_nothing():
        with write() as tx:
            yield tx
        raise OUTAGES[0]("COMMIT", {}, Exception())

    monkeypatch.setattr(services.db, "write", write_and_hear_nothing)
    with pytest.raises(OUTAGES):
        accounts.count_up(services, ada.id, "logout-all")
    monkeypatch.undo()
    for _ in range(2):
        with pytest.raises(Refused):
            tokens.identify(services, grant.access_token)
    assert tokens.identify(services, log_in(services).access_token)
