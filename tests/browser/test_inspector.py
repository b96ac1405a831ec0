"""The inspector in a real browser: one registration, from the click to the mailbox, and what can be done with it."""

import json
import re
import subprocess

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import PASSWORD
from tests.servers import PATIENCE, wait_until

pytestmark = pytest.mark.xdist_group("chromium")


def register(visitor, name, mail=""):
    email = f"{mail or name}@mail.example"
    visitor.go("/register")
    visitor.fill("register", username=name, email=email, password=PASSWORD)
    expect(visitor.page.locator("h1")).not_to_have_text(re.compile("Register|注册"))
    visitor.system.links(email, "")
    visitor.settle()


def choose(visitor, text):
    """Open the newest story of this title."""
    visitor.page.locator(".stories button", has_text=text).first.click()
    expect(visitor.page.locator(".arrows .arrow").first).to_be_visible()


def arrow(visitor, kinds, text=""):
    return visitor.page.locator(f".arrow{kinds}", has_text=text).first


@pytest.fixture
def watching(visit):
    """A visitor who has just registered, and looks at that."""
    visitor = visit()
    register(visitor, f"watch{id(visitor) % 10**8}")
    visitor.go("/inspector")
    choose(visitor, "POST /v1/users")
    expect(arrow(visitor, ".of-mail.is-answer")).to_be_visible()
    return visitor


@pytest.mark.parametrize(("language", "width", "scheme"), [("en", 1280, "light"), ("zh", 390, "dark")])
def test_a_registration_is_followed_from_the_click_to_the_mailbox(visit, language, width, scheme):
    visitor = visit(language, width, color_scheme=scheme)
    register(visitor, {"en": "follower", "zh": "林跟随"}[language], f"follower.{language}")
    visitor.go("/inspector")
    choose(visitor, "POST /v1/users")
    for kinds in (
        ".of-preflight.is-ask", ".of-preflight.is-answer", ".of-request.is-ask", ".of-request.is-checks",
        ".of-request.is-sql", ".of-request.is-put", ".of-request.is-answer", ".of-job.is-ask", ".of-mail.is-ask",
        ".of-mail.is-answer", ".of-job.is-answer",
    ):  # fmt: skip
        expect(arrow(visitor, kinds)).to_be_visible()
    assert visitor.page.evaluate("document.documentElement.scrollWidth") <= width
    rows = visitor.page.locator(".arrow").evaluate_all("all => all.map(one => one.className)")
    order = [next(at for at, row in enumerate(rows) if kind in row) for kind in ("of-preflight", "of-job", "of-mail")]
    assert order == sorted(order)


def test_from_the_screen_alone_one_can_tell_why_there_were_two_requests_and_which_line_said_yes(watching):
    page = watching.page
    arrow(watching, ".of-request.is-ask").click()
    expect(page.locator(".detail .lead-in")).to_contain_text("the browser asked first")
    marked = page.locator(".detail .bytes .marked")
    expect(marked.filter(has_text="Origin: ")).to_contain_text("CORS")
    expect(marked.filter(has_text="Content-Type: application/json")).to_contain_text("body")
    arrow(watching, ".of-preflight.is-ask").click()
    expect(page.locator(".detail .lead-in")).to_contain_text("No script sees this request")
    asked = page.locator(".detail .bytes .marked")
    expect(asked.filter(has_text="Access-Control-Request-Headers: content-type")).to_be_visible()
    origin = page.locator(".check", has_text="May pages of this origin read our answers?")
    expect(origin.locator(".clause")).to_have_attribute("href", "https://fetch.spec.whatwg.org/#cors-check")
    origin.get_by_role("button", name="What it demands").click()
    expect(origin.locator(".demands")).to_contain_text(re.compile("MUST|has no rule of its own"))
    origin.locator(".source-at", has_text="dada/cors_policy.py").click()
    expect(origin.locator(".code-line.at")).to_contain_text("def _origin_step(self, origin: str)")
    expect(origin.locator(".source")).to_contain_text("self._let_in.contain(origin)")


def test_the_letter_s_arrow_leads_to_the_letter(watching):
    arrow(watching, ".of-mail.is-answer").click()
    watching.page.locator(".detail a.button").click()
    letter = wait_until(lambda: watching.context.pages[1:] or watching.page.wait_for_timeout(50), "the mailbox")[0]
    expect(letter.locator("body")).to_contain_text("Activate")


def test_what_is_copied_as_curl_runs(watching):
    watching.context.grant_permissions(["clipboard-read", "clipboard-write"])
    arrow(watching, ".of-request.is-ask").click()
    watching.page.locator("#copy-curl").click()
    expect(watching.page.locator(".said-copied")).to_have_text("Copied.")
    command = watching.page.evaluate("navigator.clipboard.readText()")
    said = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=PATIENCE).stdout
    assert said.startswith("HTTP/1.1 202 ")
    assert "\nIdempotency-Replayed: true" in said  # the very same registration, with its key: it does not act again


def test_a_request_is_sent_again_with_one_thing_changed(watching):
    page = watching.page
    arrow(watching, ".of-request.is-ask").click()
    page.locator("#replay").click()
    key = re.compile("Idempotency-Key: (.+)", re.IGNORECASE)
    before = key.search(page.locator("#replay-headers").input_value())[1]
    page.locator("#replay-body").fill('{"username": "x"}')
    assert key.search(page.locator("#replay-headers").input_value())[1] != before
    page.locator("dialog button.primary").click()
    expect(page.locator("dialog .outcome")).to_contain_text("422")
    page.locator("#replay-headers").fill("no header")
    page.locator("dialog button.primary").click()
    expect(page.locator("dialog .outcome")).to_contain_text("This line is no header: no header")
    page.keyboard.press("Escape")
    expect(page.locator("#replay")).to_be_focused()
    choose(watching, "422POST /v1/users")
    expect(arrow(watching, ".is-checks.bad")).to_contain_text("body #/password is missing")


def test_a_recording_is_saved_and_opened(watching, visit, tmp_path):
    with watching.page.expect_download() as download:
        watching.page.locator("#inspector-save").click()
    path = tmp_path / download.value.suggested_filename
    download.value.save_as(path)
    assert re.fullmatch(r"dada-recording-\d{12}\.json", path.name)
    kept = json.loads(path.read_text())
    assert kept["format"] == "dada-recording-1"
    mine = [record["trace"] for record in kept["records"] if record["title"] == "OPTIONS /v1/users"][-1]
    kept["records"] = [
        record for record in kept["records"] if record["trace"] == mine and record["title"].endswith("/v1/users")
    ]
    path.write_text(json.dumps(kept))

    other = visit()
    other.go("/inspector")
    other.page.locator("#inspector-file").set_input_files(path)
    expect(other.page.locator(".tool-note")).to_contain_text(path.name)
    expect(other.page.locator(".stories button")).to_have_count(1)
    other.page.locator(".tool-note button").click()
    expect(other.page.locator(".tool-note")).to_contain_text("Live")

    (tmp_path / "other.json").write_text('{"format": "another"}')
    other.page.locator("#inspector-file").set_input_files(tmp_path / "other.json")
    expect(other.page.locator(".message .bad")).to_contain_text("other.json is no recording")


def test_paused_nothing_new_is_shown_until_it_goes_on(watching, system):
    page = watching.page
    page.locator("#inspector-pause").click()
    count = page.locator(".stories button").count()
    system.call("GET", "/v1/paused-or-not")
    page.locator("#inspector-filter").select_option("all")
    page.locator("#inspector-filter").select_option("people")
    expect(page.locator(".stories button", has_text="paused-or-not")).to_have_count(0)
    assert page.locator(".stories button").count() == count
    page.locator("#inspector-pause").click()
    expect(page.locator(".stories button", has_text="paused-or-not")).to_have_count(1)


def test_search_and_filter_narrow_what_is_shown(watching, system):
    page = watching.page
    system.call("GET", "/v1/needle-in-a-haystack")
    page.locator("#inspector-search").fill("needle-in-a-haystack")
    expect(page.locator(".stories button")).to_have_count(1)
    page.locator("#inspector-filter").select_option("preflights")
    expect(page.locator(".picture .empty")).to_be_visible()
    page.locator("#inspector-filter").select_option("refused")
    expect(page.locator(".stories button")).to_have_count(1)
    expect(arrow(watching, ".is-checks.bad")).to_contain_text("route")


def test_the_arrows_are_walked_with_the_keyboard(watching):
    page = watching.page
    arrow(watching, "").focus()
    for _ in range(3):
        page.keyboard.press("ArrowDown")
    focused = page.evaluate("[...document.querySelectorAll('.arrow')].indexOf(document.activeElement)")
    assert focused == 3
    page.keyboard.press("Enter")
    expect(page.locator(".arrow[aria-pressed=true]")).to_be_focused()
    page.keyboard.press("ArrowUp")
    assert page.evaluate("[...document.querySelectorAll('.arrow')].indexOf(document.activeElement)") == 2


def test_what_happens_meanwhile_appears_by_itself(visit, system):
    visitor = visit()
    visitor.go("/inspector")
    expect(visitor.page.locator(".tool-note")).to_contain_text("Live")
    system.call("GET", "/v1/appears-by-itself")
    expect(visitor.page.locator(".stories button", has_text="appears-by-itself")).to_be_visible()
    visitor.page.locator("#inspector-clear").click()
    expect(visitor.page.locator(".stories button")).to_have_count(0)
