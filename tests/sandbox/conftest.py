"""What the sandbox's tests share: a service with a clock that is set, dice that are known, and a browser of sorts."""

import hashlib
import json
import re
from urllib.parse import parse_qsl, urlsplit

import pytest
from werkzeug.test import Client

from sandbox.weibo import Weibo
from sandbox.weibo_store import Application
from sandbox.weibo_users import USERS

APP_KEY, SECRET, CALLBACK = "2000000001", "secret-of-the-application", "http://127.0.0.1:7000/weibo.html"
ADMIN = "the admin token"


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self, now=1_764_000_000.0):
        self.now = now

    def __call__(self):
        return self.now


class Dice:
    """Bytes that look random and are the same in every run."""

    def __init__(self):
        self.rolls = 0

    def __call__(self, count):
        self.rolls += 1
        return hashlib.shake_128(str(self.rolls).encode()).digest(count)


class Service:
    """The look-alike, and short words for what tests do with it."""

    app_key, secret, callback, admin = APP_KEY, SECRET, CALLBACK, ADMIN

    def __init__(self, applications=(), users=USERS):
        self.clock, self.waits = Clock(), []
        own = Application(APP_KEY, SECRET, CALLBACK, "达达商城", email=True)
        self.weibo = Weibo(
            [own, *applications],
            users,
            admin_token=ADMIN,
            clock=self.clock,
            randomness=Dice(),
            sleep=self.waits.append,
        )
        self.browser = self.client()

    def client(self):
        return Client(self.weibo)

    def asked(self, **more):
        asked = {"client_id": APP_KEY, "redirect_uri": CALLBACK, "state": "xyz", **more}
        return {name: value for name, value in asked.items() if value is not None}

    def visit(self, browser=None, **more):
        """Return the answer to the authorize URL."""
        return (browser or self.browser).get("/oauth2/authorize", query_string=self.asked(**more))

    def act(self, action, browser=None, asked=None, headers=None, **fields):
        """Return the answer to a button of a page."""
        return (browser or self.browser).post(
            "/oauth2/authorize",
            query_string=self.asked(**(asked or {})),
            data={"action": action, **fields},
            headers=headers,
        )

    def consent(self, uid=9000000001, **more):
        """Return the way back after a log-in and consent, as a dict of its query."""
        browser = self.client()
        assert self.act("login", browser, asked=more, uid=uid).status_code == 303
        return came_back(self.act("allow", browser, asked=more))

    def code(self, uid=9000000001, **more):
        return self.consent(uid, **more)["code"]

    def exchange(self, code, *, path="/oauth2/access_token", **more):
        """Return the answer to a token request; a parameter that is None is left out."""
        fields = {
            "client_id": APP_KEY,
            "client_secret": SECRET,
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": CALLBACK,
            **more,
        }
        return self.client().post(path, data={name: value for name, value in fields.items() if value is not None})

    def token(self, uid=9000000001, **more):
        """Return a good token answer, read."""
        return read(self.exchange(self.code(uid, **more)))

    def info(self, token):
        return self.client().post("/oauth2/get_token_info", data={"access_token": token})

    def show(self, token, **more):
        return self.client().get("/2/users/show.json", query_string={"access_token": token, **more})


def came_back(response, callback=CALLBACK):
    """Return what came back to the application, checked to be there once."""
    assert response.status_code == 302
    location = response.headers["Location"]
    assert location.startswith(callback)
    pairs = parse_qsl(urlsplit(location).query, keep_blank_values=True, strict_parsing=True)
    assert len(dict(pairs)) == len(pairs)
    return dict(pairs)


def read(response):
    return json.loads(response.get_data())


def words(response):
    """Return the text of a page, without its marks."""
    return re.sub(r"<[^>]*>", " ", response.get_data(as_text=True))


@pytest.fixture
def service():
    return Service()


@pytest.fixture(name="came_back")
def _came_back():
    return came_back


@pytest.fixture(name="read")
def _read():
    return read


@pytest.fixture(name="words")
def _words():
    return words


@pytest.fixture
def make_service():
    return Service


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def dice():
    return Dice()
