"""axe-core looks at every room of the page, by day and by night, wide and narrow, and finds nothing that matters."""

import json

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.conftest import ROOT

pytestmark = pytest.mark.xdist_group("chromium")

LESSONS = [one["name"] for one in json.loads((ROOT / "web/lessons/index.json").read_text("utf-8"))]
PUBLIC = (
    "/", "/register", "/registered", "/activation/no-token", "/login", "/reset", "/reset/no-token", "/weibo", "/labs",
    "/lessons", "/nowhere",
)  # fmt: skip
OWN = ("/account", "/addresses", "/addresses/new", "/sessions", "/events", "/password")


def grave(visitor, without=None):
    """Return what axe-core finds that keeps somebody out, by rule; not in what the selector *without* names."""
    context = {"exclude": [[without]]} if without else None
    found = Axe().run(visitor.page, context=context).response["violations"]
    return {
        one["id"]: [node["html"][:120] for node in one["nodes"]]
        for one in found
        if one["impact"] in ("moderate", "serious", "critical")
    }


@pytest.fixture(
    params=[("en", "light", 1280), ("en", "dark", 390), ("zh", "dark", 1280)],
    ids=["light, wide", "dark, narrow", "Chinese, dark, wide"],
)
def visitor(request, visit):
    language, scheme, width = request.param
    return visit(language, width, color_scheme=scheme)


@pytest.mark.parametrize("name", LESSONS)
def test_a_lesson(visitor, name):
    visitor.go(f"/lessons/{name}")
    expect(visitor.page.locator(".lesson-body h2").first).to_be_visible()
    assert grave(visitor) == {}


def test_what_is_around_the_reference_of_the_api(visitor):
    """The viewer itself is as its makers publish it, with its faults."""
    visitor.page.goto(f"{visitor.system.page}/docs/")
    expect(visitor.page.locator("#viewer .opblock").first).to_be_visible()
    assert grave(visitor, without="#viewer") == {}


def test_the_way_back_from_weibo_without_a_code(visitor):
    visitor.page.goto(f"{visitor.system.page}/callback/weibo.html")
    visitor.settle()
    assert grave(visitor) == {}


def test_after_a_registration(visitor):
    visitor.go("/register")
    name = f"axe{id(visitor) % 10**8}"
    visitor.fill("register", username=name, email=f"{name}@mail.example", password="heavy brown satchel")
    expect(visitor.page.locator(".envelope")).to_be_visible()
    assert grave(visitor) == {}


def test_the_public_rooms(visitor):
    found = {}
    for path in PUBLIC:
        visitor.go(path)
        found[path] = grave(visitor)
    assert found == {key: {} for key in PUBLIC}


def test_the_rooms_of_an_account_with_the_strip_open(visitor, ada):
    visitor.log_in(ada)
    visitor.page.locator("#wire-toggle").click()
    found = {}
    for path in OWN:
        visitor.go(path)
        found[path] = grave(visitor)
    assert found == {key: {} for key in OWN}


def test_the_inspector(visitor, system):
    system.call("GET", "/v1/looked-at-by-axe")
    visitor.go("/inspector")
    visitor.page.locator(".stories button", has_text="looked-at-by-axe").first.click()
    visitor.page.locator(".arrow.of-request.is-ask").click()
    expect(visitor.page.locator(".detail .bytes")).to_be_visible()
    assert grave(visitor) == {}
    visitor.page.locator("#replay").click()
    expect(visitor.page.locator("dialog")).to_be_visible()
    assert grave(visitor) == {}


@pytest.mark.parametrize(
    ("name", "clicks", "shown"),
    [
        ("token", ["#experiment-expired"], ".verdict .bad"),
        ("cors", ["#cors-play", "#cors-real"], ".real table"),
        ("queue", ["#put-work", "#start-worker"], ".box.worker"),
        ("oauth", ["#experiment-steal", "#oauth-all"], ".aside-step"),
    ],
    ids=["token", "cors", "queue", "oauth"],
)
def test_a_lab(visitor, name, clicks, shown):
    visitor.go(f"/labs/{name}")
    for selector in clicks:
        visitor.page.locator(selector).click()
    expect(visitor.page.locator(shown).first).to_be_visible()
    assert grave(visitor) == {}
