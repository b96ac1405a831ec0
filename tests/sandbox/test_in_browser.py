"""The pages in a real browser: what only a browser decides about policies, forms, frames and sizes."""

import re
import shutil
import threading
from email.message import EmailMessage
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from playwright.sync_api import expect, sync_playwright
from werkzeug import Response
from werkzeug.serving import WSGIRequestHandler, make_server

from sandbox.world import Address, Secrets, World
from tests.servers import PATIENCE

pytestmark = pytest.mark.xdist_group("chromium")

FLAGS = [
    "--no-sandbox", "--disable-quic", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--no-first-run",
]  # fmt: skip
expect.set_options(timeout=PATIENCE * 1000)
HOSTILE = "<script>document.title='run'</script><img src=x onerror=\"document.title='run'\">"


class _Quiet(WSGIRequestHandler):
    def log(self, *_):
        pass


@pytest.fixture(scope="module")
def browser():
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    assert path, "These tests need Chromium.  On Debian: apt-get install chromium"
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield launched
        launched.close()


@pytest.fixture
def shop():
    """Yield the address of an application's callback page, on an origin of its own."""
    page = Response("<!doctype html><title>the shop</title>back", content_type="text/html")
    server = make_server("127.0.0.1", 0, page, threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield f"http://127.0.0.1:{server.port}/weibo.html"
    server.shutdown()
    thread.join()


@pytest.fixture
def world(shop):
    with World(Address("127.0.0.1", 0), Address("127.0.0.1", 0), Secrets("1", "s", shop, "t")) as running:
        yield running


@pytest.fixture
def visit(browser, world, shop):
    """Return a function that opens a page; whatever a page asks for outside of the two servers is a failure."""
    own = {str(world.http), urlsplit(shop).netloc}
    contexts, strangers, complaints = [], [], []

    def open_page(path, **settings):
        context = browser.new_context(**{"locale": "en-US", **settings})
        context.set_default_timeout(PATIENCE * 1000)
        contexts.append(context)
        page = context.new_page()
        page.on(
            "request",
            lambda request: strangers.append(request.url) if urlsplit(request.url).netloc not in own else None,
        )
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.complaints = complaints
        page.goto(f"http://{world.http}{path}")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert strangers == []


@pytest.fixture
def asking(shop):
    return "/oauth2/authorize?" + urlencode({"client_id": "1", "redirect_uri": shop, "state": "xyz", "scope": "email"})


def letter(subject="hello", text="see http://127.0.0.1:7000/a?t=1.", markup=None):
    message = EmailMessage()
    message["Subject"] = subject
    message.set_content(text)
    if markup:
        message.add_alternative(markup, subtype="html")
    return message.as_bytes()


def came_back(page, shop):
    page.wait_for_url(f"{shop}?*")
    return parse_qs(urlsplit(page.url).query)


def test_a_person_logs_in_allows_and_is_back_at_the_shop(visit, asking, shop):
    page = visit(asking)
    page.get_by_role("button", name="Ada_Lovebags").click()
    expect(page.get_by_text("Step 2 of 2")).to_be_visible()
    page.get_by_role("button", name="Allow").click()
    back = came_back(page, shop)
    assert back["state"] == ["xyz"]
    assert re.fullmatch("[0-9a-f]{32}", back["code"][0])
    assert page.complaints == []


def test_the_keyboard_is_enough(visit, asking, shop):
    page = visit(asking)
    page.get_by_role("button", name="林小满").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("Step 2 of 2")).to_be_visible()
    page.get_by_role("button", name="Allow").focus()
    page.keyboard.press("Enter")
    assert "code" in came_back(page, shop)


def test_the_first_stop_of_the_keyboard_skips_to_the_content(visit):
    page = visit("/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_in_viewport()


def test_whoever_granted_is_not_asked_again_until_the_log_in_is_forced(visit, asking, shop, world):
    page = visit(asking)
    page.get_by_role("button", name="林小满").click()
    page.get_by_role("button", name="Allow").click()
    first = came_back(page, shop)
    page.goto(f"http://{world.http}{asking}")
    assert came_back(page, shop)["code"] != first["code"]
    page.goto(f"http://{world.http}{asking}&forcelogin=true")
    page.get_by_role("button", name="林小满").click()
    assert "code" in came_back(page, shop)


def test_another_account_and_cancel(visit, asking, shop):
    page = visit(asking)
    page.get_by_role("button", name="林小满").click()
    page.get_by_role("button", name="Use another account").click()
    expect(page.get_by_text("Step 1 of 2")).to_be_visible()
    page.get_by_role("button", name="Cancel").click()
    assert came_back(page, shop)["error"] == ["access_denied"]


def test_the_languages_are_switched_in_the_middle(visit, asking):
    page = visit(asking)
    page.get_by_role("button", name="林小满").click()
    page.get_by_role("link", name="中文").click()
    expect(page.get_by_text("第 2 步，共 2 步")).to_be_visible()
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    page.get_by_role("button", name="换个账号").click()
    expect(page.get_by_text("第 1 步，共 2 步")).to_be_visible()


def test_a_name_that_looks_like_html_is_a_name(visit, asking):
    page = visit(asking)
    page.get_by_role("button", name='<i>Tom</i> & "Jerry"').click()
    expect(page.locator(".person bdi")).to_have_text('<i>Tom</i> & "Jerry"')


def test_a_letter_appears_by_itself(visit, world):
    page = visit("/mailbox")
    expect(page.get_by_text("No letter has come yet")).to_be_visible()
    world.mailbox.receive(["ada@x.example"], letter("first"))
    expect(page.locator(".letters .subject")).to_have_text("first")
    expect(page.locator("article h2")).to_have_text("first")  # nothing was chosen: the newest is shown
    world.mailbox.receive(["ada@x.example"], letter("second"))
    expect(page.locator(".letters .subject")).to_have_text(["second", "first"])
    expect(page.locator("article h2")).to_have_text("second")
    assert page.complaints == []


def test_a_chosen_letter_stays_when_others_come(visit, world):
    world.mailbox.receive(["ada@x.example"], letter("first"))
    page = visit("/mailbox?id=1")
    page.get_by_text("Raw source").click()
    world.mailbox.receive(["ada@x.example"], letter("second"))
    expect(page.locator(".letters .subject")).to_have_text(["second", "first"])
    expect(page.locator("article h2")).to_have_text("first")
    expect(page.locator("pre")).to_be_visible()


def test_letters_are_deleted(visit, world):
    world.mailbox.receive(["ada@x.example"], letter())
    page = visit("/mailbox")
    page.get_by_role("button", name="Delete all").click()
    expect(page.get_by_text("No letter has come yet")).to_be_visible()
    assert world.mailbox.mails() == []


def test_a_hostile_letter_runs_nothing(visit, world):
    world.mailbox.receive([f"{HOSTILE}@x.example"], letter("a letter", HOSTILE, f"<p>shown</p>{HOSTILE}"))
    page = visit("/mailbox?id=1")
    page.get_by_text("HTML part").click()
    expect(page.frame_locator("iframe").get_by_text("shown")).to_be_visible()
    expect(page.locator(".text")).to_contain_text("<script>")
    assert page.title() == "a letter · Dada"
    assert page.frames[1].title() != "run"


SIZES = {"a telephone": {"width": 390, "height": 844}, "a desk": {"width": 1280, "height": 800}}


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
def test_nothing_is_wider_than_the_screen_and_colours_follow_the_scheme(visit, world, asking, size, scheme, locale):
    world.mailbox.receive(["ada@x.example"], letter("x" * 200, "http://a.example/" + "y" * 300))
    page = visit("/", viewport=size, color_scheme=scheme, locale=locale)
    for path in ("/", asking, "/oauth2/authorize", "/mailbox", "/mailbox?id=1"):
        page.goto(f"http://{world.http}{path}")
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
        ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
        brightness = sum(map(int, re.findall(r"\d+", ground)[:3])) / 3
        assert (brightness > 128) is (scheme == "light")


def test_a_telephone_shows_the_list_or_the_letter(visit, world):
    world.mailbox.receive(["ada@x.example"], letter("first"))
    page = visit("/mailbox", viewport=SIZES["a telephone"])
    expect(page.locator("article")).to_be_hidden()
    page.get_by_role("link", name="first").click()
    expect(page.locator("article")).to_be_visible()
    expect(page.locator(".list")).to_be_hidden()
    page.get_by_role("link", name="All letters").click()
    expect(page.locator(".list")).to_be_visible()
