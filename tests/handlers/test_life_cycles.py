"""The life of an account in any order of events: a small model says what each old link, token and password is worth."""

import itertools
from dataclasses import dataclass, field

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from dada import oauth
from shop import accounts, correspondence, events, federation, house
from shop.federation import Identity
from shop.providers import Greeting

PASSWORDS = ("correct horse battery", "a brand new one 1", "a brand new one 2")
MINUTE, DAY = 60, 86_400
VERIFIER = oauth.new_secret()
_numbers = itertools.count(1)
passwords = st.sampled_from(PASSWORDS)
which = st.integers(0, 3)  # of the latest ones


@dataclass
class Letter:
    """A link that was sent: what for, to which account, and what it is worth."""

    token: str
    purpose: str
    account: int
    until: float
    good: bool = True
    used_at: float | None = None


@dataclass
class Session:
    """A log-in: its refresh tokens, the oldest first, and its access tokens with the moment at which each is over."""

    account: int
    began: float
    proved: float
    turned: float
    alive: bool = True
    refresh: list[str] = field(default_factory=list)
    access: dict[str, float] = field(default_factory=dict)
    forgiving: bool = False  # whether the token before the tip is one of this epoch


class Life(RuleBasedStateMachine):
    """One name, whoever has it; all letters, sessions and passwords that ever were."""

    services, api, clock = None, None, None

    def __init__(self):
        super().__init__()
        self.name = f"person{next(_numbers)}"
        self.state, self.id, self.password = None, 0, None
        self.proved = self.bound = self.was_bound = False
        self.born = 0.0
        self.letters, self.sessions = [], []

    # --- what the model knows ---

    def call(self, method, path, body=None, access=""):
        with self.services.redis.client() as redis:  # no rule is about how often it is tried
            for key in redis.keys("{limits}:*"):
                redis.delete(key)
        return self.api(method, path, body, {"Authorization": f"Bearer {access}"} if access else {})

    def chosen(self, things, number):
        return things[-1 - number % len(things)] if things else None

    def end_sessions(self, but=None):
        for session in self.sessions:
            if session is not but and session.account == self.id:
                session.alive = False

    def end_letters(self):
        for letter in self.letters:
            letter.good = letter.good and letter.account != self.id

    def lives(self, session):
        now = self.clock()
        return session.alive and now < session.began + 30 * DAY and now < session.turned + 14 * DAY

    def admits(self, session, access):
        """Whether the access token passes; a session whose refresh tokens idled too long has no young one."""
        return session.alive and self.clock() < session.access.get(access, 0)

    def begin(self, granted):
        now = self.clock()
        session = Session(self.id, now, now, now)
        self.sessions.append(session)
        self.go_on(session, granted)

    def go_on(self, session, granted):
        session.turned = self.clock()
        session.refresh.append(granted["refresh_token"])
        session.access[granted["access_token"]] = self.clock() + 600

    def present(self, number):
        """Return a session and its latest access token, if it is still good."""
        session = self.chosen([one for one in self.sessions if one.account == self.id], number)
        if session is None:
            return None, ""
        access = list(session.access)[-1]
        return (session, access) if self.admits(session, access) else (None, access)

    # --- what may happen ---

    @initialize(password=passwords, begun=st.sampled_from(["", "here", "elsewhere", "proved", "proved elsewhere"]))
    def start(self, password, begun):
        if begun:
            self.register(password, begun.endswith("elsewhere"))
            self.send("activation")
        if begun.startswith("proved"):
            self.activate(0, 0, True)
            self.log_in(password, False, False)

    @precondition(lambda self: self.state is None)
    @rule(password=passwords, elsewhere=st.booleans())
    def register_a_free_name(self, password, elsewhere):
        self.register(password, elsewhere)

    @precondition(lambda self: self.state)
    @rule(elsewhere=st.booleans())
    def register_a_taken_name(self, elsewhere):
        self.register(PASSWORDS[0], elsewhere)

    def register(self, password, elsewhere):
        new = {"username": self.name, "password": password, "email": f"{self.name}@example.org"}
        if elsewhere:
            told = {"ticket": self.ticket(), "verifier": VERIFIER, "register": new}
            answer = self.call("POST", "/v1/users/weibo/bindings", told)
        else:
            answer = self.call("POST", "/v1/users", new)
        if self.state is not None:
            assert answer.status == 409
            return
        assert answer.status == (200 if elsewhere else 202)
        self.id = accounts.by_username(self.services, self.name).id
        self.state, self.password, self.born = ("active" if elsewhere else "pending"), password, self.clock()
        self.proved, self.bound, self.was_bound = False, elsewhere, elsewhere
        if elsewhere:
            self.begin(answer.json)

    def ticket(self):
        told = {"challenge": oauth.challenge(VERIFIER), "purpose": oauth.LOGIN, "flow": ""}
        whose = Identity("weibo", f"{self.name}-{next(_numbers)}")
        return federation._ticket(self.services, whose, Greeting("Somebody", ""), told).token

    @precondition(lambda self: self.state)
    @rule(purpose=st.sampled_from(["activation", "reset"]))
    def send(self, purpose):
        addressed = correspondence.write(self.services, purpose, self.id)
        due = self.state != "disabled" and (
            self.proved if purpose == "reset"
            else not self.proved and not (self.state == "pending" and self.clock() > self.born + 7 * DAY)
        )  # fmt: skip
        assert (addressed is not None) == due
        if not due:
            return
        for letter in self.letters:
            if letter.account == self.id and letter.purpose == purpose and letter.used_at is None:
                letter.good = False
        link = next(word for word in addressed.letter.text.split() if f"/{purpose}/" in word)
        until = self.clock() + {"activation": DAY, "reset": 30 * MINUTE}[purpose]
        self.letters.append(Letter(link.rpartition("/")[2], purpose, self.id, until))

    def is_worth(self, letter, purpose):
        return letter.good and letter.purpose == purpose and self.state != "disabled" and letter.account == self.id

    def sent(self, purpose):
        return [letter for letter in self.letters if letter.purpose == purpose]

    @precondition(lambda self: self.sent("activation"))
    @rule(number=which, by=which, logged_in=st.booleans())
    def activate(self, number, by, logged_in):
        letter = self.chosen(self.sent("activation"), number)
        if letter is None:
            return
        session, access = self.present(by) if logged_in else (None, "")
        answer = self.call("POST", "/v1/users/activation", {"token": letter.token}, access)
        worth = self.is_worth(letter, "activation")
        if worth and letter.used_at is not None:
            assert answer.status == (204 if self.clock() <= letter.used_at + 10 * MINUTE else 400)
            return
        if not worth or self.clock() >= letter.until:
            assert answer.status == 400
            return
        assert answer.status == 204
        expelled = self.state == "active" and session is None
        self.state, self.proved, letter.used_at = "active", True, self.clock()
        if expelled:
            self.password, self.bound = None, False
            self.end_sessions()
            self.end_letters()
            letter.good = True

    @precondition(lambda self: self.letters)
    @rule(number=which, password=passwords, any_letter=st.booleans())
    def reset(self, number, password, any_letter):
        letter = self.chosen(self.letters if any_letter else self.sent("reset"), number)
        if letter is None:
            return
        answer = self.call("PUT", f"/v1/password-resets/{letter.token}", {"password": password})
        if not self.is_worth(letter, "reset") or self.clock() >= letter.until:
            assert answer.status == 400
            return
        assert answer.status == 204
        self.password = password
        self.end_sessions()
        self.end_letters()

    @rule(password=passwords, by_address=st.booleans(), bind=st.booleans())
    def log_in_with_any(self, password, by_address, bind):
        self.log_in(password, by_address, bind)

    @precondition(lambda self: self.password)
    @rule(by_address=st.booleans(), bind=st.booleans())
    def log_in_with_the_right_one(self, by_address, bind):
        self.log_in(self.password, by_address, bind)

    def log_in(self, password, by_address, bind):
        name = f"{self.name}@example.org" if by_address else self.name
        told = {"username": name, "password": password}
        if bind:
            answer = self.call(
                "POST", "/v1/users/weibo/bindings", {"ticket": self.ticket(), "verifier": VERIFIER, **told}
            )
        else:
            answer = self.call("POST", "/v1/tokens", told)
        known = self.state is not None and (self.proved or not by_address)
        if not known or password != self.password:
            assert answer.status == 401
        elif self.state != "active":
            assert answer.status == 403
        elif bind and self.bound:
            assert answer.status == 409
        else:
            assert answer.status == 200
            self.bound, self.was_bound = self.bound or bind, self.was_bound or bind
            self.begin(answer.json)

    @precondition(lambda self: self.sessions)
    @rule(number=which, age=st.integers(0, 3))
    def refresh(self, number, age):
        session = self.chosen(self.sessions, number)
        if session is None or age >= len(session.refresh):
            return
        answer = self.call("POST", "/v1/tokens/refresh", {"refresh_token": session.refresh[-1 - age]})
        if not self.lives(session):
            assert answer.status == 401
        elif age == 0:
            assert answer.status == 200
            self.go_on(session, answer.json)
            session.forgiving = True
        elif age == 1 and session.forgiving and self.clock() < session.turned + 10:
            assert answer.status == 200
            assert answer.json["refresh_token"] == session.refresh[-1]
        else:
            assert answer.status == 401
            session.alive = False

    @precondition(lambda self: self.sessions)
    @rule(number=which, everywhere=st.sampled_from(["here", "all", "others"]))
    def log_out(self, number, everywhere):
        session, access = self.present(number)
        if session is None:
            return
        path = "/v1/tokens/current" if everywhere == "here" else f"/v1/tokens?scope={everywhere}"
        assert self.call("DELETE", path, access=access).status == 204
        if everywhere == "here":
            session.alive = False
        else:
            self.end_sessions(session if everywhere == "others" else None)

    @precondition(lambda self: self.sessions)
    @rule(number=which, guessed=st.booleans(), new=passwords)
    def change_password(self, number, guessed, new):
        current = PASSWORDS[0] if guessed or self.password is None else self.password
        session, access = self.present(number)
        body = {"current_password": current, "new_password": new}
        answer = self.call("PUT", f"/v1/users/{self.name}/password", body, access)
        if session is None:
            assert answer.status == 401
        elif current != self.password:
            assert answer.status == 403
        elif current == new:
            assert answer.status == 422
        else:
            assert answer.status == 200
            self.password = new
            self.end_sessions(session)
            self.end_letters()
            session.access.clear()
            self.go_on(session, answer.json)
            session.proved, session.forgiving = self.clock(), False

    @precondition(lambda self: self.sessions)
    @rule(number=which)
    def unbind(self, number):
        session, access = self.present(number)
        answer = self.call("DELETE", f"/v1/users/{self.name}/identities/weibo", access=access)
        if session is None:
            assert answer.status == 401
        elif self.clock() > session.proved + 5 * MINUTE:
            assert answer.status == 403
        else:
            assert answer.status == (204 if self.bound else 404)
            self.bound = False

    @precondition(lambda self: self.state)
    @rule()
    def disable(self):
        accounts.disable(self.services, self.id)
        self.state = "disabled"
        self.end_sessions()

    @precondition(lambda self: self.state == "disabled")
    @rule()
    def enable(self):
        accounts.enable(self.services, self.id)
        self.state = "active" if self.proved or self.was_bound else "pending"

    @rule(seconds=st.sampled_from([11, 6 * MINUTE, 31 * MINUTE, 25 * 3600, 8 * DAY]))
    def wait(self, seconds):
        self.clock.advance(seconds)

    @precondition(lambda self: self.state == "pending")
    @rule()
    def clean(self):
        other = f"later{next(_numbers)}"
        new = {"username": other, "password": PASSWORDS[0], "email": f"{other}@example.org"}
        assert self.call("POST", "/v1/users", new).status == 202  # the newest account is never forgotten
        house.forget_expired(self.services)
        sent = any(one.account == self.id and self.clock() < one.until and one.good for one in self.letters)
        if self.state == "pending" and self.clock() > self.born + 7 * DAY and not sent:
            assert accounts.by_username(self.services, self.name) is None
            self.state, self.id, self.password = None, 0, None

    # --- what always holds ---

    @invariant()
    def every_access_token_is_worth_what_the_model_says(self):
        for session in self.sessions:
            for access in list(session.access)[-3:]:
                status = self.call("GET", f"/v1/users/{self.name}", access=access).status
                assert status == (200 if self.admits(session, access) else 401)

    @invariant()
    def the_account_is_what_the_model_says(self):
        found = accounts.by_username(self.services, self.name)
        assert (found.state if found else None) == self.state
        if found:
            row = accounts.profile(self.services, found.id)
            assert (row.verified_email_key is not None, row.password_hash is not None) == (
                self.proved, self.password is not None,
            )  # fmt: skip
            assert len(federation.identities_of(self.services, found.id)) == self.bound

    def teardown(self):
        assert list(events.broken(self.services.db, self.services.settings.lasting_secret)) == []


def test_in_any_order_of_events_a_link_a_token_and_a_password_are_worth_what_the_model_says(services, api, clock):
    parts = {"services": services, "api": api, "clock": clock}
    few = settings(
        max_examples=150,
        stateful_step_count=25,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.generate,),  # twenty-five steps can be read: making them fewer would take minutes
    )
    run_state_machine_as_test(type("Life", (Life,), parts), settings=few)
