"""Which sessions live: the cache in front of the database."""

import pytest

from shop import liveness
from tests.shop.people import join, log_in


def session_of(services):
    from shop import tokens

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
