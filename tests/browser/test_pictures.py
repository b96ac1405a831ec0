"""The pictures of the documents: real screenshots, made anew by `make pictures`.

Without that, the same pictures are made and thrown away: what a document shows can still be shown.
"""

import os
from pathlib import Path

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.xdist_group("chromium")

ADDRESS = {"receiver": "林小满", "phone": "+86 138 0013 8000", "region": "北京 海淀区", "detail": "中关村大街 1 号"}


@pytest.fixture
def folder(tmp_path):
    """Where the pictures go."""
    return Path(os.environ.get("DADA_PICTURES") or tmp_path)


def test_the_page_with_the_wire_of_its_last_request(visit, system, folder):
    visitor = visit()
    visitor.log_in(system.account("xiaoman"))
    visitor.go("/addresses/new")
    visitor.fill("address", **ADDRESS)
    expect(visitor.page.locator(".tag")).to_have_count(1)
    visitor.page.locator("#wire-toggle").click()
    visitor.page.locator(".picks button", has_text="POST /v1/users/xiaoman/addresses").click()
    expect(visitor.page.locator(".panel.answers")).to_be_visible()
    visitor.page.set_viewport_size({"width": 1280, "height": 1040})
    visitor.page.evaluate("scrollTo(0, 0)")
    visitor.page.screenshot(path=folder / "page.png")
    assert (folder / "page.png").stat().st_size > 20_000


def test_the_inspector_with_a_registration_from_the_click_to_the_mailbox(visit, system, folder):
    visitor = visit()
    visitor.go("/register")
    visitor.fill("register", username="linmei", email="linmei@mail.example", password="heavy brown satchel")
    system.links("linmei@mail.example", "Activate")
    visitor.go("/inspector")
    visitor.page.locator(".stories button", has_text="POST /v1/users").first.click()
    expect(visitor.page.locator(".arrow.of-mail.is-answer").first).to_be_visible()
    visitor.page.locator(".arrow.of-preflight.is-ask").first.click()
    expect(visitor.page.locator(".detail .bytes")).to_be_visible()
    visitor.page.set_viewport_size({"width": 1280, "height": 1200})
    visitor.page.evaluate("scrollTo(0, 0)")
    visitor.page.screenshot(path=folder / "inspector.png")
    assert (folder / "inspector.png").stat().st_size > 20_000
