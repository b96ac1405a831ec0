"""The lives of accounts, sessions, links and tickets: a model of all, and people who do things in any order.

The model is what a reader of the rules expects, said a second time and more simply.  Each step compares what the API
answers with what the model says; after each, every token that was ever given out is tried, and the tables are looked
through.
"""

import base64
import json
import os
from collections import Counter
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
from sqlalchemy import select

from handlers.callers import FRESH_SECONDS
from shop import accounts, correspondence, events, house
from shop.tables import event_head, identities, metadata, outbox, users
from shop.tables import events as written_events
from tests.shop.weibo_browser import Browser

NAMES, WRITTEN = ("ada", "bob"), {"ada": "Ada"}
ADDRESSES = ("one@mail.example", "two@mail.example", "One@Mail.Example")
PASSWORDS = ("correct horse battery", "a brand new one here")
PEOPLE = ("9000000001", "9000000002")  # at Weibo
DAY = 86_400
EXAMPLES = int(os.environ.get("LIVES", "40"))
PHASES = [Phase.generate] if os.environ.get("LIVES") else [Phase.generate, Phase.shrink]
MOMENTS = (1, 9, 10, 59, 299, 301)
AGES = (599, 600, 601, 1799, 1800, DAY - 1, DAY, 7 * DAY, 14 * DAY, 30 * DAY)


@dataclass
class Account:
    """Somebody here: *begun* in seconds, *ties* the number that he has at Weibo, *effects* what was done to him."""

    name: str
    address: str
    password: str | None
    state: str
    begun: float
    proved: bool = False
    elsewhere: bool = False
    tie: str | None = None
    sessions: list["Session"] = field(default_factory=list)
    links: list["Link"] = field(default_factory=list)
    effects: Counter = field(default_factory=Counter)
    letters: Counter = field(default_factory=Counter)

    @property
    def key(self):
        return self.address.casefold()

    def end_all(self, but=None):
        for session in self.sessions:
            session.alive &= session is but

    def forget_links(self, but=None):
        for link in self.links:
            link.dead |= link is not but


@dataclass
class Session:
    """A log-in: pairs of tokens with the moment they were made, the newest last, and who proved himself when."""

    owner: Account
    begun: float
    proved: float
    alive: bool = True
    pairs: list["Pair"] = field(default_factory=list)
    gone_by: int = 0  # pairs before this one are of an epoch that is over
    renewed: bool = False  # the newest pair came of a proof, not of the pair before it

    @property
    def id(self):
        claims = self.pairs[0].access.split(".")[1]
        return json.loads(base64.urlsafe_b64decode(claims + "=="))["sid"]

    def lasts(self, now):
        return self.alive and now < self.begun + 30 * DAY and now < self.pairs[-1].made + 14 * DAY

    def is_good(self, number, now):
        """Whether an access token lets in."""
        return self.alive and number >= self.gone_by and now < self.pairs[number].made + 600


@dataclass
class Pair:
    access: str
    refresh: str
    made: float


@dataclass
class Link:
    """What a letter holds."""

    owner: Account
    purpose: str
    token: str
    made: float
    used: float | None = None
    dead: bool = False

    def lasts(self, now):
        lasts = {"activation": DAY, "reset": 1800}[self.purpose]
        return not self.dead and self.used is None and now < self.made + lasts and self.owner.state != "disabled"


@dataclass
class Ticket:
    person: str
    token: str
    verifier: str
    made: float
    tries: int = 5

    def lasts(self, now):
        return self.tries > 0 and now < self.made + 600


def any_of(what):
    """Draw one of the machine's, more often one that is still good for something; None where there is none."""

    def draw(lives):
        every = getattr(lives, what)
        return st.sampled_from([one for one in every if one.lasts(lives.now)] * 3 + every or [None])

    return st.runner().flatmap(draw)


SESSION, LINK, TICKET = any_of("sessions"), any_of("links"), any_of("tickets")
BEGUN = {"session": "sessions", "link": "links", "ticket": "tickets"}


def done_with(**drawn):
    """Make a rule that waits until there is one of what it is done with."""
    needed = [BEGUN[name] for name in drawn if name in BEGUN]

    def wrap(does):
        return precondition(lambda lives: all(getattr(lives, name) for name in needed))(rule(**drawn)(does))

    return wrap


class Lives(RuleBasedStateMachine):
    """What people, an operator and the clock do; *api*, *services* and *clock* are set by who runs it."""

    api = services = clock = None

    def __init__(self):
        super().__init__()
        with self.services.db.write() as tx:
            for table in reversed(metadata.sorted_tables):
                if table is not event_head:
                    tx.execute(table.delete())
            tx.execute(event_head.update().values(last=0, mac=bytes(32), seal=bytes(32)))
        self.services.redis.flushall()
        self.accounts = {}  # in the order in which they began
        self.sessions, self.links, self.tickets = [], [], []

    # --- what is done in many ways ---

    @property
    def now(self):
        return self.clock()

    def call(self, expected, method, path, body=None, token=None):
        """Call the API, and compare the code of a problem, or the status; return the body."""
        for key in self.services.redis.scan_iter("{limits}:*"):  # how often is not asked here
            self.services.redis.delete(key)
        answer = self.api(method, path, body, {"Authorization": f"Bearer {token}"} if token else {})
        found = answer.json["code"] if answer.status >= 400 else answer.status
        assert found == expected, (found, expected, answer)
        return answer.json

    def refused_token(self, session, number):
        """Return with what a token is refused; None for a good one."""
        if self.now >= session.pairs[number].made + 600:
            return "invalid-token"
        return None if session.is_good(number, self.now) else "session-ended"

    def begin(self, owner, told):
        session = Session(
            owner, self.now, self.now, pairs=[Pair(told["access_token"], told["refresh_token"], self.now)]
        )
        owner.sessions.append(session)
        self.sessions.append(session)
        owner.effects["login"] += 1

    def go_on(self, session, told):
        session.pairs.append(Pair(told["access_token"], told["refresh_token"], self.now))

    def may_log_in(self, owner):
        """Return with what a log-in is refused, whose password is right; None for none."""
        return {"pending": "account-not-activated", "disabled": "account-disabled"}.get(owner.state)

    def known(self, name, password):
        """Return whose name and password these are."""
        by_address = (one for one in self.accounts.values() if one.proved and one.key == name.casefold())
        owner = next(by_address, None) if "@" in name else self.accounts.get(name.casefold())
        return owner if owner and owner.password == password else None

    def look_at(self, owner):
        return accounts.by_username(self.services, owner.name)

    @initialize(lives=st.booleans())
    def somebody_may_be_here_already(self, lives):
        if lives:
            self.register("ada", ADDRESSES[0], PASSWORDS[0])
            self.a_letter_is_written("ada", "activation")
            self.activate(self.links[0], None)
            self.log_in("ada", PASSWORDS[0])

    # --- registering ---

    @rule(name=st.sampled_from(NAMES), address=st.sampled_from(ADDRESSES), password=st.sampled_from(PASSWORDS))
    def register(self, name, address, password):
        new = {"username": WRITTEN.get(name, name), "email": address, "password": password}
        taken = name in self.accounts
        self.call("username-taken" if taken else 202, "POST", "/v1/users", new)
        if not taken:
            self.add(name, address, password, "pending").letters["mail.activation"] += 1

    def add(self, name, address, password, state):
        local, _, domain = address.partition("@")
        written = f"{local}@{domain.lower()}"  # hosts have no capitals; before the @ they may
        self.accounts[name] = owner = Account(name, written, password, state, self.now)
        owner.effects["register"] += 1
        return owner

    @rule(name=st.sampled_from(NAMES), purpose=st.sampled_from(["activation", "reset"]))
    def a_letter_is_written(self, name, purpose):
        """A worker comes to it; what asked for it was counted when it asked."""
        owner = self.accounts.get(name)
        if owner is None:
            return
        written = correspondence.write(self.services, purpose, self.look_at(owner).id)
        others = [one for one in self.accounts.values() if one.proved and one.key == owner.key and one is not owner]
        abandoned = owner.state == "pending" and self.now > owner.begun + 7 * DAY
        if owner.state == "disabled" or (owner.proved or abandoned if purpose == "activation" else not owner.proved):
            assert written is None
            return
        if purpose == "activation" and others:
            assert written.to == others[0].address
            assert "/#/login" in written.letter.text
            return
        assert written.to == owner.address
        for link in owner.links:
            link.dead |= link.purpose == purpose and link.used is None
        path = {"activation": "activation", "reset": "reset"}[purpose]
        token = written.letter.text.partition(f"/#/{path}/")[2].split()[0]
        owner.links.append(Link(owner, purpose, token, self.now))
        self.links.append(owner.links[-1])

    @rule(name=st.sampled_from(NAMES))
    def ask_for_another_letter(self, name):
        self.call(202, "POST", f"/v1/users/{name}/activation")
        if owner := self.accounts.get(name):
            owner.effects["resend"] += 1
            owner.letters["mail.activation"] += 1

    @done_with(link=LINK, caller=st.none() | SESSION)
    def activate(self, link, caller):
        owner = link.owner
        others = [one for one in self.accounts.values() if one.proved and one.key == owner.key and one is not owner]
        again = link.used is not None and not link.dead and self.now <= link.used + 600 and owner.state != "disabled"
        good = link.purpose == "activation" and (again or (link.lasts(self.now) and not others))
        token = caller.pairs[-1].access if caller else None
        self.call(204 if good else "activation-invalid", "POST", "/v1/users/activation", {"token": link.token}, token)
        if good and link.used is None:
            himself = caller and caller.owner is owner and caller.is_good(len(caller.pairs) - 1, self.now)
            if owner.state == "active" and not himself:
                owner.password, owner.tie = None, None
                owner.end_all()
                owner.forget_links(but=link)
                owner.effects["expel"] += 1
            owner.state, owner.proved, link.used = "active", True, self.now
            owner.effects["activation"] += 1

    @done_with(link=LINK)
    def look_whether_a_link_would_activate(self, link):
        owner = link.owner
        others = [one for one in self.accounts.values() if one.proved and one.key == owner.key and one is not owner]
        good = link.purpose == "activation" and link.lasts(self.now) and not others
        self.call(200 if good else "activation-invalid", "GET", f"/v1/users/activation?code={link.token}")

    # --- logging in and out ---

    @rule(name=st.sampled_from([*NAMES, *ADDRESSES]), password=st.sampled_from(PASSWORDS))
    def log_in(self, name, password):
        owner = self.known(name, password)
        expected = "invalid-credentials" if owner is None else self.may_log_in(owner) or 200
        told = self.call(expected, "POST", "/v1/tokens", {"username": name, "password": password})
        if expected == 200:
            self.begin(owner, told)

    @done_with(session=SESSION, back=st.integers(0, 3))
    def refresh(self, session, back):
        number = max(0, len(session.pairs) - 1 - back)
        back, pair = len(session.pairs) - 1 - number, session.pairs[number]
        forgiven = back == 1 and not session.renewed and self.now < session.pairs[-1].made + 10
        if not session.lasts(self.now):
            expected = "refresh-invalid"
        else:
            expected = 200 if back == 0 or forgiven else "refresh-reused"
        told = self.call(expected, "POST", "/v1/tokens/refresh", {"refresh_token": pair.refresh})
        if expected == "refresh-reused":
            session.alive = False
            session.owner.letters["mail.token_reused"] += 1
        elif expected == 200 and back:
            newest = session.pairs[-1]
            assert (told["access_token"], told["refresh_token"]) == (newest.access, newest.refresh)
        elif expected == 200:
            self.go_on(session, told)
            session.renewed = False
            session.owner.effects["refresh"] += 1

    @done_with(session=SESSION, seconds=st.sampled_from(MOMENTS))
    def refresh_and_soon_again_with_the_token_before(self, session, seconds):
        self.refresh(session, 0)
        self.wait(seconds)
        self.refresh(session, 1)

    @done_with(session=SESSION, number=st.integers(0, 9), by_refresh=st.booleans())
    def log_out(self, session, number, by_refresh):
        """Any token of it does, even one that is used or over."""
        pair = session.pairs[number % len(session.pairs)]
        self.call(204, "DELETE", "/v1/tokens/current", token=pair.refresh if by_refresh else pair.access)
        if by_refresh or self.now < pair.made + 600 + 30 * DAY:
            session.owner.effects["logout"] += session.alive
            session.alive = False

    @done_with(session=SESSION, others=st.booleans())
    def log_out_everywhere(self, session, others):
        number = len(session.pairs) - 1
        path = "/v1/tokens?scope=others" if others else "/v1/tokens"
        refused = self.refused_token(session, number)
        self.call(refused or 204, "DELETE", path, token=session.pairs[-1].access)
        if not refused:
            session.owner.end_all(but=session if others else None)
            session.owner.effects["logout-all"] += 1

    @done_with(session=SESSION, other=SESSION)
    def end_one_of_many(self, session, other):
        refused = self.refused_token(session, len(session.pairs) - 1)
        mine = other.owner is session.owner and other.alive
        expected = refused or (204 if mine else "not-found")
        self.call(expected, "DELETE", f"/v1/tokens/{other.id}", token=session.pairs[-1].access)
        if expected == 204:
            other.alive = False
            other.owner.effects["logout"] += 1

    # --- passwords ---

    @done_with(session=SESSION, present=st.sampled_from(PASSWORDS), new=st.sampled_from(PASSWORDS))
    def change_the_password(self, session, present, new):
        owner, change = session.owner, {"current_password": present, "new_password": new}
        refused = self.refused_token(session, len(session.pairs) - 1)
        wrong = "reauth-failed" if owner.password != present else "validation" if present == new else None
        expected = refused or wrong or 200
        told = self.call(expected, "PUT", f"/v1/users/{owner.name}/password", change, session.pairs[-1].access)
        if expected == 200:
            owner.password = new
            owner.end_all(but=session)
            owner.forget_links()
            session.gone_by, session.renewed, session.proved = len(session.pairs), True, self.now
            self.go_on(session, told)
            owner.effects["password-change"] += 1
            owner.letters["mail.password_changed"] += 1

    @rule(address=st.sampled_from(ADDRESSES))
    def forget_the_password(self, address):
        self.call(202, "POST", "/v1/password-resets", {"email": address})
        for owner in self.accounts.values():
            if owner.proved and owner.key == address.casefold():
                owner.effects["reset-asked"] += 1
                owner.letters["mail.reset"] += 1

    @done_with(link=LINK, new=st.sampled_from(PASSWORDS))
    def choose_another_by_the_link(self, link, new):
        owner, good = link.owner, link.purpose == "reset" and link.lasts(self.now)
        self.call(204 if good else "reset-invalid", "PUT", f"/v1/password-resets/{link.token}", {"password": new})
        if good:
            owner.password = new
            owner.end_all()
            owner.forget_links()
            owner.effects["password-reset"] += 1
            owner.letters["mail.password_changed"] += 1

    # --- with an account elsewhere ---

    def come(self, person):
        """Leave for Weibo and come back; return what that is worth, and the browser's secret."""
        browser = Browser()
        left = self.call(200, "GET", f"/v1/users/weibo/authorization?code_challenge={browser.challenge}")
        back = browser.consent(left["authorization_url"], person)
        owner = next((one for one in self.accounts.values() if one.tie == person), None)
        expected = (owner and self.may_log_in(owner)) or 200
        told = self.call(expected, "POST", "/v1/users/weibo/users", {**back, "verifier": browser.verifier})
        if expected == 200:
            assert told["status"] == ("logged_in" if owner else "unbound")
        return owner, told, browser.verifier

    @rule(person=st.sampled_from(PEOPLE))
    def come_from_weibo_to_log_in(self, person):
        if not any(one.tie == person for one in self.accounts.values()):
            return
        owner, told, _ = self.come(person)
        if "access_token" in told:
            self.begin(owner, told)

    @rule(person=st.sampled_from(PEOPLE))
    def come_from_weibo_for_the_first_time(self, person):
        if any(one.tie == person for one in self.accounts.values()):
            return
        _, told, verifier = self.come(person)
        self.tickets.append(Ticket(person, told["ticket"], verifier, self.now))

    def bind(self, ticket, owner, refused, how, token=None):
        """Bind by *how*; *refused* is what speaks against *owner* himself.  Return the answer, None for a refusal."""
        if not ticket.lasts(self.now):
            expected = "ticket-invalid"
        elif refused:
            expected = refused
        elif owner is not None and owner.tie:
            expected = "already-bound"
        else:
            taken = any(one.tie == ticket.person for one in self.accounts.values())
            expected = "identity-taken" if taken else 200
        body = {"ticket": ticket.token, "verifier": ticket.verifier, **how}
        told = self.call(expected, "POST", "/v1/users/weibo/bindings", body, token)
        ticket.tries = 0 if expected == 200 else ticket.tries - 1
        return told if expected == 200 else None

    def tie(self, owner, ticket, letter):
        owner.tie, owner.elsewhere = ticket.person, True
        owner.effects["bind"] += 1
        owner.letters[letter] += 1

    @done_with(ticket=TICKET, name=st.sampled_from([*NAMES, *ADDRESSES]), password=st.sampled_from(PASSWORDS))
    def bind_by_password(self, ticket, name, password):
        owner = self.known(name, password)
        refused = self.may_log_in(owner) if owner else "invalid-credentials"
        told = self.bind(ticket, owner, refused, {"username": name, "password": password})
        if told:
            self.tie(owner, ticket, "mail.identity_bound")
            self.begin(owner, told)

    def refused_who_must_be_fresh(self, session):
        stale = "reauth-failed" if self.now > session.proved + FRESH_SECONDS else None
        return self.refused_token(session, len(session.pairs) - 1) or stale

    @done_with(ticket=TICKET, session=SESSION)
    def bind_while_logged_in(self, ticket, session):
        token = session.pairs[-1].access
        if refused := self.refused_who_must_be_fresh(session):  # the ticket is not looked at
            body = {"ticket": ticket.token, "verifier": ticket.verifier}
            self.call(refused, "POST", "/v1/users/weibo/bindings", body, token)
        elif told := self.bind(ticket, session.owner, None, {}, token):
            self.tie(session.owner, ticket, "mail.identity_bound")
            session.renewed = True
            self.go_on(session, told)

    @done_with(session=SESSION, person=st.sampled_from(PEOPLE), seconds=st.sampled_from(MOMENTS))
    def leave_to_bind_and_refresh_with_the_token_before(self, session, person, seconds):
        before = len(self.tickets)
        self.come_from_weibo_for_the_first_time(person)
        if len(self.tickets) > before:
            self.wait(seconds)
            self.bind_while_logged_in(self.tickets[-1], session)
            self.refresh(session, 1)

    @done_with(
        ticket=TICKET, name=st.sampled_from(NAMES), address=st.sampled_from(ADDRESSES),
        password=st.sampled_from(PASSWORDS),
    )  # fmt: skip
    def bind_by_registering(self, ticket, name, address, password):
        new = {"username": WRITTEN.get(name, name), "password": password, "email": address}
        refused = "username-taken" if name in self.accounts else None
        told = self.bind(ticket, None, refused, {"register": new})
        if told:
            owner = self.add(name, address, password, "active")
            self.tie(owner, ticket, "mail.activation")
            self.begin(owner, told)

    @done_with(session=SESSION)
    def unbind(self, session):
        owner, refused = session.owner, self.refused_who_must_be_fresh(session)
        wrong = "not-found" if owner.tie is None else "last-login-method" if owner.password is None else None
        expected = refused or wrong or 204
        path = f"/v1/users/{owner.name}/identities/weibo"
        self.call(expected, "DELETE", path, token=session.pairs[-1].access)
        if expected == 204:
            owner.tie = None
            owner.effects["unbind"] += 1
            owner.letters["mail.identity_unbound"] += 1

    # --- the operator, the house, the clock ---

    @rule(name=st.sampled_from(NAMES))
    def disable(self, name):
        if owner := self.accounts.get(name):
            accounts.disable(self.services, self.look_at(owner).id)
            owner.state = "disabled"
            owner.end_all()
            owner.effects["disable"] += 1

    @rule(name=st.sampled_from(NAMES))
    def enable(self, name):
        if owner := self.accounts.get(name):
            accounts.enable(self.services, self.look_at(owner).id)
            if owner.state == "disabled":
                owner.state = "active" if owner.proved or owner.elsewhere else "pending"
                owner.effects["enable"] += 1

    @rule()
    def clean_up(self):
        house.forget_expired(self.services)
        for owner in [*self.accounts.values()][:-1]:  # the newest stays
            waits = any(not link.dead and self.now < link.made + DAY for link in owner.links)
            if owner.state == "pending" and self.now > owner.begun + 7 * DAY and not waits:
                owner.forget_links()
                del self.accounts[owner.name]
        for owner in self.accounts.values():
            for session in owner.sessions:
                session.alive &= self.now <= session.begun + 31 * DAY

    @rule(seconds=st.sampled_from(MOMENTS) | st.sampled_from(AGES))
    def wait(self, seconds):
        self.clock.advance(seconds)

    # --- what is always so ---

    @invariant()
    def a_token_is_good_as_long_as_its_session_lives(self):
        for owner in self.accounts.values():
            for session in owner.sessions:
                for number, pair in enumerate(session.pairs):
                    expected = self.refused_token(session, number) or 200
                    self.call(expected, "GET", f"/v1/users/{owner.name}", token=pair.access)
                    for other in self.accounts.values():
                        if other is not owner and expected == 200:
                            self.call("not-found", "GET", f"/v1/users/{other.name}", token=pair.access)

    @invariant()
    def the_list_shows_the_sessions_that_last(self):
        for owner in self.accounts.values():
            for session in owner.sessions:
                if session.is_good(len(session.pairs) - 1, self.now):
                    told = self.call(200, "GET", "/v1/tokens", token=session.pairs[-1].access)
                    lasting = {one.id for one in owner.sessions if one.lasts(self.now)}
                    assert {one["id"] for one in told["items"]} == lasting
                    assert [one["id"] for one in told["items"] if one["current"]] == [session.id]
                    break

    @invariant()
    def the_tables_hold_what_was_done(self):
        with self.services.db.read() as connection:
            rows = {row.username_key: row for row in connection.execute(select(users))}
            bound = {row.user_id: row.subject for row in connection.execute(select(identities))}
            told = connection.execute(select(written_events)).all()
            jobs = connection.execute(select(outbox)).all()
        assert rows.keys() == self.accounts.keys()
        for name, owner in self.accounts.items():
            row = rows[name]
            assert (row.state, row.password_hash is None) == (owner.state, owner.password is None)
            assert row.verified_email_key == (owner.key if owner.proved else None)
            assert bound.get(row.id) == owner.tie
            done = Counter(event.kind for event in told if event.user_id == row.id and event.outcome == "ok")
            assert done == +owner.effects
            letters = Counter(job.task for job in jobs if json.loads(job.args) == {"user": row.id})
            assert letters == +owner.letters

    def teardown(self):
        assert [*events.broken(self.services.db, self.services.settings.lasting_secret)] == []


def test_whatever_people_do_in_whatever_order_the_model_says_what_comes_of_it(api, services, clock):
    Lives.api, Lives.services, Lives.clock = api, services, clock
    run_state_machine_as_test(
        Lives,
        settings=settings(
            max_examples=EXAMPLES, stateful_step_count=60, deadline=None, database=None,
            suppress_health_check=list(HealthCheck), phases=PHASES,
        ),
    )  # fmt: skip
