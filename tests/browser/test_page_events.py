"""What happened to one's account, on the page."""

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.xdist_group("chromium")


@pytest.mark.parametrize(("language", "refused", "made"), [
    ("en", "refused", "The account was made"), ("zh", "被拒绝", "注册了帐号"),
])  # fmt: skip
def test_one_sees_what_happened_the_newest_first(visit, system, language, refused, made):
    name = system.account(f"witness.{language}")
    assert system.call("POST", "/v1/tokens", {"username": name, "password": "wrong"})[0] == 401
    visitor = visit(language, 390)
    visitor.log_in(name)
    visitor.page.locator(".rooms a[href='/#/events']").click()
    visitor.settle()
    items = visitor.page.locator(".events .device")
    expect(items).to_have_count(4)
    expect(items.nth(1).locator(".badge")).to_have_text(refused)
    expect(items.nth(3)).to_contain_text(made)
    assert "events.kind" not in visitor.page.locator("main").inner_text()


def test_older_ones_are_shown_on_demand(visit, system):
    name = system.account("historian")
    for _ in range(3):
        tokens = system.call("POST", "/v1/tokens", {"username": name, "password": "heavy brown satchel"})[1]
        for _ in range(7):
            tokens = system.call("POST", "/v1/tokens/refresh", {"refresh_token": tokens["refresh_token"]})[1]
    visitor = visit()
    visitor.log_in(name)
    visitor.go("/events")
    items = visitor.page.locator(".events .device")
    expect(items).to_have_count(20)
    visitor.page.get_by_role("button", name="Show older ones").click()
    expect(items).to_have_count(27)
    expect(visitor.page.get_by_role("button", name="Show older ones")).to_have_count(0)
