"""The page and Weibo: the way there and back, binding, and taking it away again."""

import json

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import PASSWORD, Visitor, running
from tests.shop.other_provider import OtherProvider

pytestmark = pytest.mark.xdist_group("chromium")


@pytest.mark.parametrize(("query", "began", "words"), [
    ("code=c&state=s", True, "This return belongs to another log-in"),
    ("code=c", True, "The return brings no state"),
    ("code=c&state=s&state=t", True, "The return says something twice"),
    ("code=c&state=s", False, "This tab did not begin a log-in"),
    ("", False, "There is nothing here to come back from"),
    ("error=access_denied", True, "Weibo told us nothing about you"),
])  # fmt: skip
def test_a_return_that_is_not_ours_goes_no_further(visit, query, began, words):
    visitor = visit()
    if began:
        visitor.go("/login")
        visitor.page.locator("button.weibo").click()
        visitor.page.wait_for_url(f"{visitor.system.world}/**")
    visitor.forget()
    visitor.page.goto(f"{visitor.system.page}/callback/weibo.html{query and '?' + query}")
    expect(visitor.page.locator("main .notice")).to_contain_text(words)
    assert visitor.page.url == f"{visitor.system.page}/callback/weibo.html"
    assert visitor.sent == []
    visitor.page.get_by_role("link", name="Back to the log-in").click()
    assert visitor.heading() == "Log in"


def test_who_does_not_consent_is_not_logged_in_and_may_begin_again(visit):
    visitor = visit("zh", 390)
    visitor.go("/login")
    visitor.page.locator("button.weibo").click()
    visitor.page.locator("button[value=cancel]").click()
    expect(visitor.page.locator("main .notice")).to_contain_text("微博没有告诉我们任何关于您的信息")
    assert len(visitor.calls("POST", "/v1/users/weibo/users")) == 1
    expect(visitor.page.get_by_role("button", name="重新用微博登录")).to_be_visible()


def test_somebody_new_registers_by_way_of_weibo(visit):
    visitor = visit()
    visitor.go("/login")
    visitor.to_weibo("Tom")
    expect(visitor.page.locator("h1")).to_have_text('Hello, <i>Tom</i> & "Jerry"')
    visitor.page.reload()
    visitor.fill("join", username="tom", email="tom@mail.example", password="short")
    expect(visitor.page.locator("#join-password-wrong")).to_be_visible()
    visitor.fill("join", password=PASSWORD)
    expect(visitor.page.locator("#who")).to_contain_text("tom")
    expect(visitor.page.locator("main .notice")).to_contain_text("not followed the link")


def test_somebody_who_is_logged_in_binds_with_a_click(logged_in):
    logged_in.go("/login")
    logged_in.to_weibo("阿达爱背包Dada")
    logged_in.page.get_by_role("button", name="Bind to ada").click()
    expect(logged_in.page.locator(".message .good")).to_contain_text("belong together")
    assert logged_in.heading() == "My account"
    logged_in.go("/password")
    card = logged_in.page.locator("section", has=logged_in.page.locator("#identities-title"))
    expect(card.locator(".device")).to_contain_text("阿达爱背包Dada")
    card.get_by_role("button", name="Take it away").click()
    logged_in.page.locator("dialog").get_by_role("button", name="Take it away").click()
    expect(logged_in.page.locator(".message .good")).to_contain_text("Weibo is taken away")
    expect(card).to_contain_text("Only your password.")


def test_who_leaves_to_bind_from_his_account_comes_back_to_it_and_only_he_can_bind(logged_in):
    page = logged_in.page
    logged_in.go("/password")
    card = page.locator("section", has=page.locator("#identities-title"))
    logged_in.to_weibo("阿达爱背包Dada")
    expect(page.get_by_role("button", name="Bind to ada")).to_be_visible()
    expect(page.locator("form#join, form#bind")).to_have_count(0)
    page.get_by_role("button", name="Bind to ada").click()
    expect(page.locator(".message .good")).to_contain_text("belong together")
    expect(card.locator(".device")).to_contain_text("阿达爱背包Dada")
    expect(card.get_by_role("button", name="Bind an account at Weibo")).to_have_count(0)
    card.get_by_role("button", name="Take it away").click()
    page.locator("dialog").get_by_role("button", name="Take it away").click()
    expect(card.get_by_role("button", name="Bind an account at Weibo")).to_be_visible()


def test_who_had_to_log_in_first_is_led_back_by_way_of_weibo_too(visit):
    visitor = visit()
    visitor.go("/login")
    visitor.to_weibo("老王")
    visitor.fill("join", username="laowang", email="laowang@mail.example", password=PASSWORD)
    expect(visitor.page.locator("#who")).to_contain_text("laowang")
    visitor.page.get_by_role("button", name="Log out").click()
    visitor.go("/addresses")
    visitor.page.locator("button.weibo").click()
    expect(visitor.page.locator("#who")).to_contain_text("laowang")
    assert visitor.page.url.endswith("/#/addresses")


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory):
    """A system where one may log in with another provider, too, and that provider."""
    folder, octopus = tmp_path_factory.mktemp("elsewhere"), OtherProvider()
    secrets = folder / "data" / "secrets"
    secrets.mkdir(parents=True, mode=0o700)
    (secrets / "providers.json").write_text(json.dumps([octopus.description(avatar="")]))
    (secrets / "providers.json").chmod(0o600)
    try:
        with running(folder) as system:
            yield system, octopus
    finally:
        octopus.close()


def test_a_provider_that_is_only_described_is_gone_to_and_come_back_from(elsewhere, browser):
    system, octopus = elsewhere
    visitor = Visitor(system, browser)
    page = visitor.page
    try:
        visitor.go("/login")
        assert page.locator("button.provider").all_inner_texts() == ["Log in with Weibo", "Log in with Octopus"]
        page.get_by_role("button", name="Log in with Octopus").click()
        page.get_by_role("link", name="Allow").click()
        expect(page.locator("h1")).to_have_text("Hello, octo")
        visitor.fill("join", username="tentacle", email="tentacle@mail.example", password=PASSWORD)
        expect(page.locator("#who")).to_contain_text("tentacle")
        assert len(visitor.calls("POST", "/v1/users/oauth/octopus/users")) == 1
        visitor.go("/password")
        expect(page.locator("section", has=page.locator("#identities-title"))).to_contain_text("Octopus")
        assert octopus.seen.count("/token") == 1
        # Another provider's return is not Octopus's: each has a page of its own, and the flow knows whose it is.
        visitor.go("/login")
        page.get_by_role("button", name="Log in with Octopus").click()
        page.get_by_role("link", name="Allow").wait_for()
        visitor.forget()
        page.goto(f"{system.page}/callback/weibo.html?code=c&state=s")
        expect(page.locator("main .notice")).to_contain_text("This return belongs to another log-in")
        assert visitor.sent == []
        assert visitor.complaints == []
    finally:
        visitor.context.close()
