"""The page in a real browser: the whole system, Chromium, and people who use it."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.servers import PATIENCE, free_port, wait_until

ROOT = Path(__file__).parents[2]
FLAGS = [
    "--no-sandbox", "--disable-quic", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--no-first-run",
]  # fmt: skip
LOCALES = {"en": "en-US", "zh": "zh-CN"}
PASSWORD = "heavy brown satchel"
expect.set_options(timeout=PATIENCE * 1000)


@dataclass(frozen=True)
class System:
    """A running `dada up`, and what a test asks of it without a browser."""

    page: str
    api: str
    world: str

    def call(self, method: str, path: str, body: Any = None, token: str = "", **headers: str) -> tuple[int, Any]:
        """Call the API like a program that is no browser; return status and body."""
        told = {"Content-Type": "application/json", **headers} | ({"Authorization": f"Bearer {token}"} if token else {})
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.api + path, data, told, method=method)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                text, status = answer.read(), answer.status
        except urllib.error.HTTPError as error:
            with error:
                text, status = error.read(), error.code
        return status, json.loads(text) if text else None

    def links(self, to: str, subject: str) -> list[str]:
        """Return the links of the newest letter to an address whose subject holds *subject*, as soon as it is there."""

        def newest() -> Any:
            letters = self._read(f"/mailbox/messages?to={to}")
            return next((letter for letter in letters if subject in letter["subject"]), None)

        letter = wait_until(newest, f"a letter to {to} about {subject!r}")
        return self._read(f"/mailbox/messages/{letter['id']}")["links"]

    def _read(self, path: str) -> Any:
        with urllib.request.urlopen(self.world + path, timeout=PATIENCE) as answer:
            return json.load(answer)

    def account(self, username: str) -> str:
        """Make an active account with PASSWORD, without a browser; return its name."""
        new = {"username": username, "email": f"{username}@mail.example", "password": PASSWORD}
        assert self.call("POST", "/v1/users", new)[0] == 202
        [link] = self.links(new["email"], "Activate")
        assert self.call("POST", "/v1/users/activation", {"token": link.rpartition("/")[2]})[0] == 204
        return username


@pytest.fixture(scope="session")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """The whole system on free ports, with an empty folder."""
    with running(tmp_path_factory.mktemp("system")) as system:
        yield system


@contextmanager
def running(folder: Path) -> Iterator[System]:
    """Give a system of its own on free ports; its data is in a folder of this folder."""
    ports = {name: free_port() for name in ("page", "api", "world", "smtp", "metrics")}
    options = [text for name, port in ports.items() for text in (f"--{name}-port", str(port))]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "cli", "up", "--data", str(folder / "data"), *options],
            stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=ROOT, env={**os.environ, "COLUMNS": "200"},
        )  # fmt: skip

    def is_up() -> bool:
        assert process.poll() is None, (folder / "log").read_text()[-2000:]
        return "Open http" in (folder / "log").read_text()

    try:
        wait_until(is_up, "dada up")
        yield System(*(f"http://127.0.0.1:{ports[name]}" for name in ("page", "api", "world")))
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(PATIENCE)


@pytest.fixture(scope="module")  # Playwright's own loop is one for a process: who is done with it makes room
def browser() -> Iterator[Browser]:
    """A Chromium."""
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    assert path, "These tests need Chromium.  On Debian: apt-get install chromium"
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield launched
        launched.close()


class Sent(NamedTuple):
    """A request of the browser's own network log; the names of its headers in lower case.

    asked  the headers of the preflight that was sent for it; None if there was none
    """

    method: str
    url: str
    headers: dict[str, str]
    asked: dict[str, str] | None


class Visitor:
    """A person with a browser of his own, and what that browser logged: requests, headers of answers, complaints."""

    def __init__(self, system: System, browser: Browser, language: str = "en", width: int = 1280, **settings: Any):
        self.system, self.language, self.width = system, language, width
        height = {390: 844}.get(width, 900)
        settings = {"locale": LOCALES[language], "viewport": {"width": width, "height": height}, **settings}
        self.context = browser.new_context(reduced_motion="reduce", **settings)
        self.context.set_default_timeout(PATIENCE * 1000)
        self.page = self.context.new_page()
        self.answered: dict[str, set[str]] = {}
        self.complaints: list[str] = []
        self._requests: dict[str, Any] = {}
        self._asked: dict[str, dict[str, str]] = {}
        network = self.context.new_cdp_session(self.page)
        network.on("Network.requestWillBeSent", self._on_request)
        network.on("Network.responseReceivedExtraInfo", self._on_answer)
        network.send("Network.enable")
        self.page.on("console", self._on_console)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _on_request(self, event: dict[str, Any]) -> None:
        initiator, request = event["initiator"], event["request"]
        if initiator["type"] == "preflight":  # it names the request that it is sent for, and may be logged before it
            self._asked[initiator["requestId"]] = _lower(request["headers"])
        elif request["url"].startswith(self.system.api):
            self._requests[event["requestId"]] = request

    def _on_answer(self, event: dict[str, Any]) -> None:
        if request := self._requests.get(event["requestId"]):
            self.answered.setdefault(request["url"], set()).update(_lower(event["headers"]))

    def _on_console(self, message: Any) -> None:
        # A status from 400 on is what some of these tests are about; the browser notes each.
        if message.type in ("error", "warning") and "Failed to load resource" not in message.text:
            self.complaints.append(message.text)

    # --- doing ---

    def go(self, path: str = "/") -> None:
        """Open a path of the page."""
        self.page.goto(f"{self.system.page}/#{path}")
        self.settle()

    def settle(self) -> None:
        """Return when the view is there; it fits the window's width."""
        expect(self.page.locator("main:not([aria-busy]) h1")).to_be_visible()
        assert self.page.evaluate("document.documentElement.scrollWidth") <= self.width, self.page.url

    def fill(self, form: str, **values: str) -> None:
        """Fill a form's fields, and send it."""
        for name, value in values.items():
            self.page.locator(f"#{form}-{name}").fill(value)
        self.page.locator(f"#{form} button.primary").last.click()

    def log_in(self, username: str, password: str = PASSWORD) -> None:
        """Log in with a password."""
        self.go("/login")
        self.fill("login", username=username, password=password)
        expect(self.page.locator("#who")).to_have_text(re.compile(username))
        self.settle()

    def heading(self) -> str:
        """Return what the view is called."""
        self.settle()
        return self.page.locator("h1").inner_text()

    def to_weibo(self, person: str) -> None:
        """Click the button, log in over there, and consent if that is asked for."""
        self.page.locator("button.weibo").first.click()
        self.page.get_by_role("button", name=re.compile(re.escape(person))).click()
        consent = self.page.locator("button[value=allow]")
        expect(consent.or_(self.page.locator("#wire"))).to_be_visible()
        if consent.is_visible():
            consent.click()
        self.page.wait_for_url(re.compile("/#/(weibo|account)$"))
        self.settle()

    # --- looking ---

    def inside(self, script: str) -> Any:
        """Run a script that sees `app`, the running page's own."""
        entry = "callback" if "/callback/" in self.page.url else "main"
        return self.page.evaluate(f"async () => {{ const {{ app }} = await import('/js/{entry}.js'); {script} }}")

    @property
    def sent(self) -> list[Sent]:
        """The requests to the API, as the browser logged them."""
        return [
            Sent(request["method"], request["url"], _lower(request["headers"]), self._asked.get(number))
            for number, request in self._requests.items()
        ]

    def forget(self) -> None:
        """Begin the log anew."""
        self._requests.clear()

    def calls(self, method: str, path: str) -> list[Sent]:
        """Return the requests with this method to this path."""
        return [one for one in self.sent if (one.method, one.url) == (method, self.system.api + path)]

    def assert_the_wire_is_true(self) -> None:
        """What the strip tells of the last requests is what the browser logged, preflights among them."""
        told = self.inside("""
            return app.wire.exchanges.toReversed().map(({ preflight, method, url }) =>
                [method, url, preflight?.kind === "sent" ? Object.fromEntries(preflight.headers) : null]);
        """)
        questions = [one.asked and {name.title(): text for name, text in one.asked.items() if "-request-" in name}
                     for one in self.sent]  # fmt: skip
        seen = [[one.method, one.url, question] for one, question in zip(self.sent, questions, strict=True)]
        assert told == seen[-len(told) :]


def _lower(headers: dict[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


@pytest.fixture
def visit(system: System, browser: Browser) -> Iterator[Any]:
    """Return a function that makes a visitor; none of their browsers may complain."""
    visitors: list[Visitor] = []

    def make(language: str = "en", width: int = 1280, **settings: Any) -> Visitor:
        visitors.append(Visitor(system, browser, language, width, **settings))
        return visitors[-1]

    yield make
    for visitor in visitors:
        visitor.context.close()
        assert visitor.complaints == []


@pytest.fixture(scope="session")
def ada(system: System) -> str:
    """An account that several tests use, one after the other."""
    return system.account("ada")


@pytest.fixture
def logged_in(visit: Any, ada: str) -> Visitor:
    """A visitor who is logged in as Ada."""
    visitor: Visitor = visit()
    visitor.log_in(ada)
    return visitor
