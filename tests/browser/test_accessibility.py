"""axe-core looks at every room of the page, by day and by night, and finds nothing serious."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

pytestmark = pytest.mark.xdist_group("chromium")

PUBLIC = ("/", "/register", "/login", "/reset", "/weibo", "/labs", "/nowhere")
OWN = ("/account", "/addresses", "/addresses/new", "/sessions", "/password")


def serious(visitor):
    """Return what axe-core finds that keeps somebody out, by rule."""
    found = Axe().run(visitor.page).response["violations"]
    return {
        one["id"]: [node["html"][:120] for node in one["nodes"]]
        for one in found
        if one["impact"] in ("serious", "critical")
    }


@pytest.fixture(params=["light", "dark"])
def visitor(request, visit):
    return visit(color_scheme=request.param)


def test_the_public_rooms(visitor):
    found = {}
    for path in PUBLIC:
        visitor.go(path)
        found[path] = serious(visitor)
    assert found == {key: {} for key in PUBLIC}


def test_the_rooms_of_an_account_with_the_strip_open(visitor, ada):
    visitor.log_in(ada)
    visitor.page.locator("#wire-toggle").click()
    found = {}
    for path in OWN:
        visitor.go(path)
        found[path] = serious(visitor)
    assert found == {key: {} for key in OWN}


def test_the_inspector(visitor, system):
    system.call("GET", "/v1/looked-at-by-axe")
    visitor.go("/inspector")
    visitor.page.locator(".stories button", has_text="looked-at-by-axe").first.click()
    visitor.page.locator(".arrow.of-request.is-ask").click()
    expect(visitor.page.locator(".detail .bytes")).to_be_visible()
    assert serious(visitor) == {}
    visitor.page.locator("#replay").click()
    expect(visitor.page.locator("dialog")).to_be_visible()
    assert serious(visitor) == {}


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
    assert serious(visitor) == {}
