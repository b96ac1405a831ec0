"""The API's reference in a real browser: every operation is there, and can be tried."""

import hashlib
import json

import pytest
from playwright.sync_api import expect

from handlers.documents import operations
from tests.browser.conftest import PASSWORD, ROOT

pytestmark = pytest.mark.xdist_group("chromium")

VIEWER = ROOT / "web/docs/swagger-ui"
HEALTH = "#operations-health-getHealth"
SESSIONS = "#operations-tokens-getTokens"


def open_docs(visitor):
    """Open the reference, and return its page when all operations are there."""
    visitor.page.goto(f"{visitor.system.page}/docs/")
    expect(visitor.page.locator(".opblock")).to_have_count(len(operations()))
    assert visitor.page.evaluate("document.documentElement.scrollWidth") <= visitor.width
    return visitor.page


def execute(page, name):
    """Open an operation, try it, and return its answer's place."""
    page.locator(f"{name} .opblock-summary-control").click()
    page.locator(f"{name} button.execute").click()
    return page.locator(f"{name} .live-responses-table")


def test_every_operation_is_listed_and_nothing_comes_from_elsewhere(visit):
    visitor = visit()
    hosts = set()
    visitor.page.on("request", lambda request: hosts.add(request.url.split("/")[2]))
    page = open_docs(visitor)
    listed = {
        (block.locator(".opblock-summary-method").inner_text(), block.locator(".opblock-summary-path").inner_text())
        for block in page.locator(".opblock").all()
    }
    plain = {(method, path.replace("\u200b", "")) for method, path in listed}
    assert plain == {
        (one.method, one.path.replace("<int:", "{").replace("<", "{").replace(">", "}")) for one in operations()
    }
    assert hosts == {visitor.system.page.split("/")[2], visitor.system.api.split("/")[2]}


def test_an_operation_is_tried_through_cors(visit):
    visitor = visit()
    page = open_docs(visitor)
    answer = execute(page, HEALTH)
    expect(answer.locator(".response .response-col_status")).to_contain_text("200")
    expect(answer).to_contain_text('"status": "ok"')
    assert visitor.calls("GET", "/healthz")


def test_one_tries_as_somebody_with_a_token(visit, system, ada):
    _, granted = system.call("POST", "/v1/tokens", {"username": ada, "password": PASSWORD})
    visitor = visit()
    page = open_docs(visitor)
    answer = execute(page, SESSIONS)
    expect(answer).to_contain_text('"code": "unauthorized"')
    page.locator(".scheme-container button.authorize").click()
    page.locator(".modal-ux input").fill(granted["access_token"])
    page.locator(".modal-ux button.authorize").click()
    page.locator(".modal-ux button.btn-done").click()
    page.locator(f"{SESSIONS} button.execute").click()
    expect(answer).to_contain_text('"current": true')
    last = visitor.sent[-1]
    assert last.headers["authorization"] == f"Bearer {granted['access_token']}"
    assert last.asked["access-control-request-headers"] == "authorization"


@pytest.mark.parametrize(("language", "width", "scheme"), [("en", 1280, "light"), ("zh", 390, "dark")])
def test_it_fits_and_speaks_the_reader_s_language_and_follows_the_hour(
    visit, language, width, scheme, tmp_path, request
):
    visitor = visit(language, width, color_scheme=scheme)
    page = open_docs(visitor)
    expect(page.locator(".brand small")).to_have_text({"en": "API reference", "zh": "API 参考"}[language])
    assert page.evaluate("document.documentElement.classList.contains('dark-mode')") == (scheme == "dark")
    answer = execute(page, SESSIONS)
    expect(answer).to_contain_text({"en": "Log in first", "zh": "请先登录"}[language])
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.get_by_role("button", name="English").click()
    expect(page.locator(".brand small")).to_have_text("API reference")


def test_the_shop_s_page_leads_there(visit):
    visitor = visit()
    visitor.go()
    visitor.page.get_by_role("link", name="API reference").click()
    expect(visitor.page.locator(".opblock").first).to_be_visible(timeout=30_000)


def test_the_viewer_is_the_one_that_was_recorded():
    told = json.loads((VIEWER / "SOURCE.json").read_text())
    found = {path.name for path in VIEWER.iterdir()} - {"SOURCE.json"}
    assert {"LICENSE", "NOTICE"} <= found == told["files"].keys()
    for name, digest in told["files"].items():
        assert digest == "sha256-" + hashlib.sha256((VIEWER / name).read_bytes()).hexdigest()
    assert told["version"] in told["source"]
    assert sum(path.stat().st_size for path in VIEWER.iterdir()) < 2_000_000
