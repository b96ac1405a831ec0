"""What the inspector and the labs say in the reader's language: what a check found, what a header does."""

import re

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.xdist_group("chromium")

CHINESE = re.compile("[一-鿿]")


def found(visitor):
    return visitor.page.locator(".check .found").all_inner_texts()


def in_chinese(texts):
    assert texts
    assert [text for text in texts if not CHINESE.search(text)] == []


def test_every_experiment_of_the_token_lab_says_in_chinese_what_was_found(visit):
    visitor = visit("zh", 390)
    visitor.go("/labs/token")
    expect(visitor.page.locator(".check").first).to_be_visible()
    for button in visitor.page.locator(".experiments button").all():
        visitor.page.locator(".check").first.evaluate("one => one.remove()")
        button.click()
        expect(visitor.page.locator(".check").first).to_be_visible()
        in_chinese(found(visitor))


def test_both_sides_of_cors_say_in_chinese_what_they_found_and_what_is_risky(visit):
    visitor = visit("zh")
    visitor.go("/labs/cors")
    for name in ("works", "header", "origin", "star", "simple"):
        visitor.page.locator(f"#experiment-{name}").click()
        visitor.page.locator("#cors-play").click()
        expect(visitor.page.locator(".check").first).to_be_visible()
        in_chinese(found(visitor) + visitor.page.locator(".cors-outcome .notice").all_inner_texts())
    visitor.page.locator("#cors-origins").fill("HTTPS://shop.example/")
    visitor.page.locator("#cors-play").click()
    expect(visitor.page.locator(".cors-outcome .notice li")).to_contain_text("浏览器用小写发送协议和主机 → 用小写")


def test_the_oauth_lab_says_in_chinese_what_was_found(visit):
    visitor = visit("zh", 390)
    visitor.go("/labs/oauth")
    for name in ("steal", "drop", "deny"):
        visitor.page.locator(f"#experiment-{name}").click()
        visitor.page.locator("#oauth-all").click()
        expect(visitor.page.locator(".check.bad").first).to_be_visible()
        in_chinese(found(visitor))


def test_what_a_lab_refuses_is_told_in_chinese(visit):
    visitor = visit("zh")
    visitor.go("/labs/queue")
    start = visitor.page.locator("#start-worker")
    for count in range(1, 5):
        start.click()
        expect(visitor.page.locator(".box.worker")).to_have_count(count)
    start.click()
    expect(visitor.page.locator(".notice.bad")).to_have_text("最多 4 个工作进程")


@pytest.mark.parametrize(
    ("language", "refused", "does"),
    [("en", "no route has this path", "which page asks"), ("zh", "没有路由是这个路径", "哪个页面在请求")],
)
def test_a_refusal_is_told_on_its_arrow_and_each_marked_header_says_what_it_does(
    visit, system, language, refused, does
):
    visitor = visit(language)
    system.call("GET", "/v1/says-what-it-does", Origin=system.page)
    visitor.go("/inspector")
    visitor.page.locator(".stories button", has_text="says-what-it-does").first.click()
    expect(visitor.page.locator(".arrow.is-checks.bad")).to_contain_text(refused)
    visitor.page.locator(".arrow.is-ask").click()
    expect(visitor.page.locator(".does dt", has_text="Origin")).to_be_visible()
    expect(visitor.page.locator(".does")).to_contain_text(does)
    visitor.page.locator(".arrow.is-answer").click()
    marked = visitor.page.locator(".bytes .marked .name").all_inner_texts()
    assert "Access-Control-Allow-Origin" in marked
    assert visitor.page.locator(".does dt").all_inner_texts() == list(dict.fromkeys(marked))
    assert not [text for text in visitor.page.locator(".does dd").all_inner_texts() if text.startswith("does.")]


def test_a_lesson_and_a_lab_mark_the_way_they_are_reached_by(visit):
    visitor = visit()
    for path, name, current in (
        ("/lessons", "Lessons", "page"), ("/lessons/cors", "Lessons", "true"), ("/labs/token", "Labs", "true"),
        ("/register", "Register", "page"),
    ):  # fmt: skip
        visitor.go(path)
        marked = visitor.page.locator("header nav a[aria-current]")
        expect(marked).to_have_text([name])
        expect(marked).to_have_attribute("aria-current", current)


def test_whoever_registered_finds_the_way_to_the_inspector_on_the_screen(visit):
    visitor = visit()
    visitor.go("/register")
    visitor.fill("register", username="newcomer", email="newcomer@mail.example", password="heavy brown satchel")
    visitor.page.locator("main a[href='/#/inspector']").click()
    visitor.settle()
    expect(visitor.page.locator(".stories button[aria-current]")).to_contain_text("POST /v1/users")
    expect(visitor.page.locator(".detail")).to_contain_text("Two requests: the browser asked first")
