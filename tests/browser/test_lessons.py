"""The lessons in the page: read in both languages, on any screen, with and without a mouse."""

import json

import pytest
from playwright.sync_api import expect

from dada.jws import ENVELOPE
from dada.jwt import Verifier
from dada.oauth import RETURN
from specs import read_specs
from tests.browser.conftest import ROOT

pytestmark = pytest.mark.xdist_group("chromium")

KNOWN = json.loads((ROOT / "web" / "lessons" / "index.json").read_text())


@pytest.mark.parametrize(("language", "width", "scheme"), [("en", 1280, "light"), ("zh", 390, "dark")])
def test_all_lessons_are_read_one_after_the_other(visit, language, width, scheme):
    visitor = visit(language, width, color_scheme=scheme)
    page = visitor.page
    visitor.go()
    page.locator("nav a[href='/#/lessons']").click()
    visitor.settle()
    titles = [lesson[language]["title"] for lesson in KNOWN]
    expect(page.locator(".lesson-card h2")).to_have_text(titles)
    page.locator(".lesson-card a").first.click()
    for title in titles:
        expect(page.locator("h1")).to_have_text(title)
        visitor.settle()
        assert page.locator("pre.code").count() > 8
        chapters = page.locator(".lesson-body").locator("h2, summary").all_inner_texts()
        assert page.locator(".chapters button").all_inner_texts() == chapters
        assert page.locator(".sequence").count() == len(page.locator("figure").all())
        if title != titles[-1]:
            page.locator(".neighbours .after a").click()
    expect(page.locator(".neighbours .after")).to_have_count(0)


def test_a_clause_opens_its_rule_and_escape_closes_it_without_a_mouse(visit):
    visitor = visit()
    visitor.go("/lessons/tokens")
    clause = visitor.page.get_by_role("button", name="RFC 4648 §3.5")
    rule = visitor.page.locator("#rule-RFC-4648-3-5")
    expect(rule).to_be_hidden()
    clause.focus()
    visitor.page.keyboard.press("Enter")
    expect(rule).to_be_visible()
    expect(rule).to_contain_text("Bits that belong to no byte are zero")
    expect(rule.locator("a")).to_have_attribute("href", "https://www.rfc-editor.org/rfc/rfc4648.html#section-3.5")
    visitor.page.keyboard.press("Escape")
    expect(rule).to_be_hidden()
    expect(clause).to_be_focused()


def test_every_clause_opens_a_rule_of_its_own(visit):
    visitor = visit()
    for lesson in KNOWN:
        visitor.go(f"/lessons/{lesson['name']}")
        expect(visitor.page.locator("h1")).to_have_text(lesson["en"]["title"])
        wanted = visitor.page.locator("button.clause").evaluate_all(
            "all => all.map(one => one.popoverTargetElement?.id)"
        )
        ids = visitor.page.locator("[popover]").evaluate_all("all => all.map(one => one.id)")
        assert None not in wanted
        assert set(wanted) == set(ids)
        assert len(ids) == len(set(ids))


def test_a_chapter_is_reached_and_the_answers_are_folded_until_they_are_wanted(visit):
    visitor = visit()
    visitor.go("/lessons/cors")
    page = visitor.page
    page.locator(".chapters button", has_text="What CORS does not do").focus()
    page.keyboard.press("Enter")
    expect(page.locator("h2", has_text="What CORS does not do")).to_be_focused()
    expect(page.locator("h2", has_text="What CORS does not do")).to_be_in_viewport()
    answers = page.locator("details")
    expect(answers).not_to_have_attribute("open", "")
    page.locator(".chapters button", has_text="Answers").click()
    expect(answers).to_have_attribute("open", "")
    expect(answers.locator("summary")).to_be_focused()


def test_another_language_shows_the_same_lesson_in_it(visit):
    visitor = visit()
    visitor.go("/lessons/queue")
    queue = next(lesson for lesson in KNOWN if lesson["name"] == "queue")
    expect(visitor.page.locator("h1")).to_have_text(queue["en"]["title"])
    visitor.page.locator("#language-zh-CN").click()
    expect(visitor.page.locator("h1")).to_have_text(queue["zh"]["title"])
    expect(visitor.page.locator(".lesson-body")).to_contain_text("永远只在一个列表里")


def test_a_lesson_that_there_is_not_is_nothing_here(visit):
    visitor = visit()
    visitor.go("/lessons/cookies")
    assert visitor.heading() == "Nothing here"


def test_the_page_finds_the_same_rules_for_a_clause_as_a_program(visit):
    visitor = visit()
    visitor.go("/lessons")
    clauses = [
        *(check.clause for check in (*ENVELOPE, *Verifier.header_checks, *Verifier.payload_checks)),
        *(clause for _, clause, _, _ in RETURN),
        "Fetch §3.3.2", "Fetch §4.8 step 7", "Fetch §4.10 step 4", "RFC 9700 §2", "RFC 9112 §6", "RFC 7515 §" + "77",
    ]  # fmt: skip
    script = "async (all) => { const { rulesOf } = await import('/js/clauses.js');"
    script += " return Promise.all(all.map(async (one) => (await rulesOf(one)).map(({ id }) => id))); }"
    found = visitor.page.evaluate(script, clauses)
    assert found == [[rule.id for rule in read_specs().find(clause)] for clause in clauses]
