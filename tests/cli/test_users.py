"""`dada users`."""

import shutil

import pytest

from shop import accounts, tokens
from shop.errors import Refused
from tests.conftest import environment
from tests.shop.people import join, log_in


@pytest.fixture
def database_url(empty_sqlite, tmp_path):
    shutil.copy(empty_sqlite, tmp_path / "shop.db")
    return f"sqlite:///{tmp_path}/shop.db"


@pytest.fixture
def where(database_url, redis_server, secrets_folder, world):
    return environment(database_url, redis_server.url, secrets_folder, world)


def test_a_disabled_account_is_out_on_its_next_call_and_may_come_back(dada, where, services):
    join(services)
    grant = log_in(services)
    assert dada("users", "disable", "ADA", **where) == (0, "ada: disabled\n", "")
    with pytest.raises(Refused, match="session-ended"):
        tokens.identify(services, grant.access_token)
    with pytest.raises(Refused, match="account-disabled"):
        log_in(services)
    assert dada("users", "enable", "ada", **where) == (0, "ada: enabled\n", "")
    assert log_in(services)
    with pytest.raises(Refused, match="session-ended"):
        tokens.identify(services, grant.access_token)


def test_who_never_proved_an_address_is_pending_again(dada, where, services):
    from tests.shop.people import register

    register(services)
    dada("users", "disable", "ada", **where)
    dada("users", "enable", "ada", **where)
    assert accounts.by_username(services, "ada").state == "pending"


MISTAKES = {
    "an unknown name": (["users", "disable", "nobody"], {}, "dada: nobody: there is no such account"),
    "no name": (["users", "disable"], {}, "dada: Missing argument 'NAME'"),
    "no database": (["users", "disable", "ada"], {"DATABASE_URL": ""}, "dada: DATABASE_URL: it is not set"),
}


@pytest.mark.parametrize(("arguments", "changed", "said"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_told_with_exit_status_2(dada, where, arguments, changed, said):
    status, out, err = dada(*arguments, **where | changed)
    assert (status, out, err.startswith(said)) == (2, "", True), err
