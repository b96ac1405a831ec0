"""Limits: how often something may be tried, counted by a real Redis."""

import dataclasses
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from shop import accounts, limits
from shop.errors import Refused
from shop.limits import Place, TooMany
from shop.tables import events
from tests.shop.people import PASSWORD, join, log_in, token_for

HERE = Place("192.0.2.1/32", "192.0.2.0/24")
NEXT_DOOR = Place("192.0.2.2/32", "192.0.2.0/24")


@pytest.fixture
def database_url(empty_sqlite, tmp_path):
    import shutil

    shutil.copy(empty_sqlite, tmp_path / "shop.db")
    return f"sqlite:///{tmp_path}/shop.db"


@pytest.fixture
def counted(services):
    """The services of a process that counts addresses."""
    return dataclasses.replace(services, settings=dataclasses.replace(services.settings, address_limits=True))


def use_up(services, what, place=HERE, account=""):
    """Take until there is no more; return how many there were, and what was said then."""
    for number in range(1000):
        try:
            limits.take(services, what, place, account)
        except TooMany as error:
            return number, error.standing
    raise AssertionError("there is no end")


def kinds(services):
    with services.db.read() as connection:
        return [(row.kind, row.outcome) for row in connection.execute(select(events).order_by(events.c.id)).all()]


@pytest.mark.parametrize(
    ("what", "most"), [("login", 20), ("register", 5), ("names", 10), ("tokens", 20), ("oauth", 20)]
)
def test_an_address_has_so_many(counted, what, most):
    number, standing = use_up(counted, what)
    assert (number, standing.left, standing.quota) == (most, 0, most)
    assert 0 < standing.seconds <= standing.window


def test_an_account_has_five_letters_of_activation_a_day(services):
    for _ in range(5):
        limits.take(services, "resend", HERE, "ada")
        for key in services.redis.scan_iter("{limits}:resend:*"):
            services.redis.delete(key)  # a minute went by
    with pytest.raises(TooMany) as caught:
        limits.take(services, "resend", HERE, "ada")
    assert caught.value.standing.name == "resend-day"
    limits.take(services, "resend", HERE, "eve")


class TestOpenFlows:
    """Flows that began and did not come back are so many at a time, or Redis fills with them."""

    def open(self, services, place=HERE):
        for number in range(1000):
            try:
                limits.open_one(services, "oauth-open", f"{place.address} {number}", place)
            except TooMany as error:
                return number, error.standing
        raise AssertionError("there is no end")

    def test_an_address_has_so_many_and_its_neighbours_have_theirs(self, counted):
        number, standing = self.open(counted)
        assert (number, standing.name, standing.quota) == (20, "oauth-open", 20)
        assert 0 < standing.seconds <= 600
        assert self.open(counted, NEXT_DOOR)[0] == 20

    def test_a_network_has_so_many(self, counted):
        opened = [self.open(counted, Place(f"192.0.2.{host}/32", HERE.network)) for host in range(12)]
        assert sum(number for number, _ in opened) == 200
        assert opened[-1][1].name == "oauth-open-network"

    def test_one_that_came_back_makes_room_for_one(self, counted):
        self.open(counted)
        limits.close(counted, "oauth-open", f"{HERE.address} 7", HERE)
        limits.open_one(counted, "oauth-open", "another", HERE)
        with pytest.raises(TooMany):
            limits.open_one(counted, "oauth-open", "one more", HERE)

    def test_one_that_is_over_makes_room_for_one(self, counted):
        self.open(counted)
        for key in counted.redis.scan_iter("{limits}:oauth-open*/[0-9][0-9]"):
            counted.redis.zadd(key, {f"{HERE.address} 7": 1}, xx=True)  # it was over long ago
        limits.open_one(counted, "oauth-open", "another", HERE)

    def test_where_no_address_is_counted_all_are_counted_together(self, services):
        for number in range(30):
            limits.open_one(services, "oauth-open", str(number), HERE)
        assert list(services.redis.scan_iter("{limits}:oauth-open*")) == [b"{limits}:oauth-open-all:"]


@pytest.mark.parametrize("what", ["resend", "reset"])
def test_an_account_has_one_letter_a_minute_whether_it_exists_or_not(services, what):
    for account in ("ada", "nobody"):
        assert use_up(services, what, account=account)[0] == 1


def test_what_is_left_and_when_it_is_full_again_is_told(counted):
    standing = limits.take(counted, "register", HERE)
    assert (standing.name, standing.quota, standing.window, standing.left) == ("register", 5, 3600, 4)
    assert 3500 < standing.seconds <= 3600


def test_a_network_has_its_own_quota_whoever_in_it_asks(counted):
    for number in range(100):
        limits.take(counted, "login", Place(f"192.0.2.{number}/32", "192.0.2.0/24"))
    with pytest.raises(TooMany) as caught:
        limits.take(counted, "login", Place("192.0.2.200/32", "192.0.2.0/24"))
    assert caught.value.standing.name == "login-network"
    limits.take(counted, "login", Place("198.51.100.1/32", "198.51.100.0/24"))


class TestARoute:
    """What comes from many addresses at once is stopped by the route's own quota."""

    def test_has_so_many_whoever_asks(self, counted):
        for number in range(1200):
            limits.take(counted, "login", Place(f"{number}", f"net {number}", "/v1/tokens"))
        with pytest.raises(TooMany) as caught:
            limits.take(counted, "login", Place("another", "net", "/v1/tokens"))
        standing = caught.value.standing
        assert (standing.name, standing.quota, standing.window, standing.left) == ("login-route", 1200, 60, 0)
        assert 0 < standing.seconds <= 60
        assert limits.take(counted, "login", Place("another", "net", "/v1/users/<username>/password"))

    def test_is_counted_in_the_same_step_as_who_asks_or_not_at_all(self, counted):
        here = HERE._replace(route="/v1/tokens")
        use_up(counted, "login", here)
        with pytest.raises(TooMany):
            limits.take(counted, "login", here)
        assert counted.redis.get("{limits}:login-route:/v1/tokens") == b"20"

    def test_at_the_same_moment_has_not_more(self, counted):
        counted.redis.set("{limits}:login-route:/v1/tokens", 1190, px=60_000)

        def one(number):
            try:
                return limits.take(counted, "login", Place(str(number), f"net {number}", "/v1/tokens")) is not None
            except TooMany:
                return False

        with ThreadPoolExecutor(8) as pool:
            assert sum(pool.map(one, range(40))) == 10

    def test_gets_back_what_came_to_nothing(self, counted):
        here = HERE._replace(route="/v1/users")
        limits.take(counted, "register", here)
        limits.give_back(counted, "register", here)
        assert counted.redis.get("{limits}:register-route:/v1/users") == b"0"

    def test_is_not_counted_in_the_sandbox(self, services):
        assert limits.take(services, "login", HERE._replace(route="/v1/tokens")) is None
        assert services.redis.keys("{limits}*") == []


def test_who_is_refused_by_one_quota_is_counted_by_none(counted):
    use_up(counted, "login")
    before = {key: counted.redis.get(key) for key in counted.redis.keys("{limits}:login*") if b":told" not in key}
    with pytest.raises(TooMany):
        limits.take(counted, "login", HERE)
    assert {key: counted.redis.get(key) for key in before} == before
    limits.take(counted, "login", NEXT_DOOR)


def test_a_window_ends_by_itself(counted):
    use_up(counted, "register")
    (key,) = [key for key in counted.redis.keys("{limits}:register:*") if b":told" not in key]
    assert 0 < counted.redis.pttl(key) <= 3_600_000
    counted.redis.delete(key)  # as its end does
    assert limits.take(counted, "register", HERE).left == 4


def test_what_came_to_nothing_is_given_back(counted):
    limits.take(counted, "register", HERE)
    limits.give_back(counted, "register", HERE)
    assert limits.take(counted, "register", HERE).left == 4
    limits.give_back(counted, "register", NEXT_DOOR)  # where nothing was counted nothing is made
    assert limits.take(counted, "register", NEXT_DOOR).left == 4


def test_at_the_same_moment_there_are_not_more(counted):
    def one(_):
        try:
            return limits.take(counted, "login", HERE) is not None
        except TooMany:
            return False

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(one, range(60))) == 20


def test_a_flood_leaves_one_event(counted):
    use_up(counted, "login")
    for _ in range(5):
        with pytest.raises(TooMany):
            limits.take(counted, "login", HERE)
    assert kinds(counted) == [("limit", "login-address")]


def test_in_the_sandbox_addresses_are_not_counted(services):
    assert limits.take(services, "login", HERE) is None
    limits.give_back(services, "login", HERE)
    assert services.redis.keys("{limits}*") == []


def test_redis_holds_no_names(services):
    limits.take(services, "resend", HERE, "ada")
    with pytest.raises(Refused):
        accounts.authenticate(services, "ada", PASSWORD)
    assert services.redis.keys("*ada*") == []
    assert len(services.redis.keys("{limits}*")) == 3  # a minute's and a day's letters, and a wrong password


class TestTheLock:
    def fail(self, services, times, name="ada"):
        for _ in range(times):
            with pytest.raises(Refused):
                accounts.authenticate(services, name, "wrong")

    def locked(self, services, name="ada", password=PASSWORD):
        with pytest.raises(TooMany) as caught:
            accounts.authenticate(services, name, password)
        return caught.value.standing.seconds

    def over(self, services):
        """Let the pause be over, as time does."""
        (key,) = services.redis.keys("{limits}:login:*")
        services.redis.hset(key, "ends", 1)

    def test_five_failures_are_free_and_then_there_is_a_pause_even_for_the_right_password(self, services):
        join(services)
        self.fail(services, 5)
        assert 20 < self.locked(services) <= 30

    def test_an_unknown_name_is_locked_alike(self, services):
        self.fail(services, 5, "nobody")
        assert 20 < self.locked(services, "nobody") <= 30

    def test_the_pause_doubles_up_to_a_quarter_of_an_hour(self, services):
        join(services)
        self.fail(services, 5)
        pauses = []
        for _ in range(7):
            pauses.append(self.locked(services))
            self.over(services)
            self.fail(services, 1)
        assert all(
            0.6 * whole < pause <= whole for pause, whole in zip(pauses, [30, 60, 120, 240, 480, 900, 900], strict=True)
        )

    def test_what_was_right_is_no_failure_and_wipes_none(self, services):
        join(services)
        self.fail(services, 4)
        for _ in range(10):
            log_in(services)
        self.fail(services, 1)
        self.locked(services)

    def test_it_ends_by_itself(self, services):
        join(services)
        self.fail(services, 5)
        (key,) = services.redis.keys("{limits}:login:*")
        assert 0 < services.redis.pttl(key) <= 930_000

    def test_a_session_goes_on(self, services):
        from shop import tokens

        join(services)
        grant = log_in(services)
        self.fail(services, 5)
        assert tokens.refresh(services, grant.refresh_token).username == "ada"
        assert tokens.identify(services, grant.access_token).username == "ada"

    def test_spellings_of_a_name_share_it_and_an_address_does_not(self, services):
        join(services)
        self.fail(services, 3, "ADA")
        self.fail(services, 2, "ａｄａ")
        self.locked(services, "ada")
        with pytest.raises(Refused):  # or the lock would tell that the address is ada's
            accounts.authenticate(services, "ada@example.org", "wrong")

    def test_guessing_the_present_password_counts_and_strangers_guesses_do_not(self, services):
        account = join(services)
        self.fail(services, 5)
        for _ in range(5):
            with pytest.raises(Refused):
                accounts.change_password(services, account.id, "wrong", "a brand new one")
        assert kinds(services)[-2:] == [("password-change", "reauth-failed"), ("lock", "password")]
        with pytest.raises(TooMany):
            accounts.change_password(services, account.id, PASSWORD, "a brand new one")

    def test_who_chose_a_password_by_mail_is_let_in_whatever_others_guessed(self, services):
        account = join(services)
        self.fail(services, 5)
        self.fail(services, 5, "ada@example.org")
        accounts.reset_password(services, token_for(services, account.id, "reset"), "a brand new one")
        for name in ("ada", "ada@example.org"):
            assert accounts.authenticate(services, name, "a brand new one").username == "ada"

    def test_too_busy_to_look_is_no_guess(self, services, monkeypatch):
        join(services)

        def busy(*_):
            raise Refused("unavailable")

        with monkeypatch.context() as patch:
            patch.setattr(type(services.hasher), "verify", busy)
            for _ in range(9):
                with pytest.raises(Refused, match="unavailable"):
                    accounts.authenticate(services, "ada", PASSWORD)
        assert log_in(services)

    def test_what_was_right_meanwhile_ends_no_pause_that_others_earned(self, services):
        join(services)
        begun = limits.begin(services, "login", "ada")
        self.fail(services, 4)
        limits.end_well(services, "login", "ada", begun)
        self.locked(services)

    def test_a_hundred_guesses_at_the_same_moment_are_five(self, services):
        join(services)

        def guess(_):
            try:
                accounts.authenticate(services, "ada", "wrong")
            except Refused:
                return 1
            except TooMany:
                return 0

        with ThreadPoolExecutor(8) as pool:
            assert sum(pool.map(guess, range(50))) == 5

    def test_it_leaves_an_event(self, services):
        join(services)
        self.fail(services, 5)
        self.locked(services)
        assert kinds(services)[-2:] == [("login", "invalid-credentials"), ("lock", "login")]


def test_a_family_of_refresh_tokens_has_thirty_a_minute(services):
    from shop import tokens

    join(services)
    token = log_in(services).refresh_token
    for _ in range(30):
        token = tokens.refresh(services, token).refresh_token
    with pytest.raises(TooMany):
        tokens.refresh(services, token)
