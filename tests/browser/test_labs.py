"""The four labs in a real browser: every experiment, in both languages, at both widths, and with a keyboard."""

import re

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.xdist_group("chromium")

LABS = ("token", "cors", "queue", "oauth")


def choose(visitor, name):
    visitor.page.locator(f"#experiment-{name}").click()
    expect(visitor.page.locator(f"#experiment-{name}")).to_have_attribute("aria-pressed", "true")


@pytest.mark.parametrize(("language", "width", "scheme"), [("en", 1280, "light"), ("zh", 390, "dark")])
def test_every_lab_fits_and_is_in_the_reader_s_language(visit, language, width, scheme):
    visitor = visit(language, width, color_scheme=scheme)
    visitor.go("/labs")
    expect(visitor.page.locator(".lab-card")).to_have_count(4)
    for name in LABS:
        visitor.go(f"/labs/{name}")
        expect(visitor.page.locator(".experiments button").first).to_be_visible()
        text = visitor.page.locator("main").inner_text()
        assert not re.search(r"\blab\.\w+\.|\bcheck\.\w+\.", text), "a key without a text"
        assert bool(re.search("[一-鿿]", text)) == (language == "zh")


# --- token -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "clause"),
    [
        ("edited", "RFC 7515 §5.2 step 8"), ("forged", "RFC 7515 §5.2 step 8"), ("none", "RFC 7515 §5.2 step 8"),
        ("liar", "RFC 8725 §3.1"), ("respelled", "RFC 7515 §5.2 step 8"), ("expired", "RFC 7519 §4.1.4"),
        ("elsewhere", "RFC 7519 §4.1.3"), ("twice", "RFC 7519 §7.2 step 10"),
    ],
)  # fmt: skip
def test_a_broken_token_is_refused_by_clause(visit, name, clause):
    visitor = visit()
    visitor.go("/labs/token")
    expect(visitor.page.locator(".verdict .good")).to_be_visible()
    choose(visitor, name)
    expect(visitor.page.locator(".verdict .bad")).to_contain_text(f"({clause})")
    visitor.page.locator(".lesson summary").click()
    expect(visitor.page.locator(".lesson p")).to_be_visible()


def test_any_part_can_be_edited_and_signed_again(visit):
    visitor = visit()
    page = visitor.page
    visitor.go("/labs/token")
    expect(page.locator(".verdict .good")).to_be_visible()
    claims = page.locator("#lab-claims").input_value()
    page.locator("#lab-claims").fill(claims.replace("customer", "owner"))
    expect(page.locator(".verdict .bad")).to_contain_text("RFC 7515 §5.2 step 8")
    page.locator("#lab-sign").click()
    expect(page.locator(".verdict .good")).to_be_visible()
    page.locator("#lab-token").fill("a.b")
    expect(page.locator(".verdict .bad")).to_contain_text("RFC 7515 §5.2 step 1")


# --- CORS ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "outcome", "sent"),
    [
        ("works", "good", ["yes", "yes"]), ("header", "bad", ["yes", "no"]), ("origin", "bad", ["yes", "no"]),
        ("star", "bad", ["yes", "no"]), ("simple", "bad", ["no", "yes"]),
    ],
)  # fmt: skip
def test_the_browser_does_what_the_model_says(visit, name, outcome, sent):
    visitor = visit()
    page = visitor.page
    visitor.go("/labs/cors")
    choose(visitor, name)
    page.locator("#cors-play").click()
    expect(page.locator(f".cors-outcome .notice.{outcome}").first).to_be_visible()
    page.locator("#cors-real").click()
    expect(page.locator(".real .notice")).to_have_text("Your browser did what the model said.")
    rows = page.locator(".real tbody tr")
    assert [rows.nth(at).locator("td").nth(1).inner_text() for at in (1, 2)] == sent
    # The browser notes on its console what CORS refused: that is what these experiments are for.
    visitor.complaints[:] = [text for text in visitor.complaints if "blocked by CORS policy" not in text]


def test_a_policy_that_is_none_says_why(visit):
    visitor = visit()
    visitor.go("/labs/cors")
    visitor.page.locator("#cors-origins").fill("*")
    visitor.page.locator("#cors-credentials").check()
    visitor.page.locator("#cors-play").click()
    expect(visitor.page.locator(".cors-outcome .bad li").first).to_be_visible()


# --- queue -----------------------------------------------------------------------------------------------


def test_a_killed_worker_loses_no_job(visit):
    visitor = visit()
    visitor.go("/labs/queue")
    choose(visitor, "killed")
    log = visitor.page.locator(".queue-log")
    expect(log).to_contain_text("is taken back from")
    expect(visitor.page.locator(".box.done")).to_contain_text("4")
    expect(visitor.page.locator(".law")).to_contain_text("✔")


def test_an_experiment_whose_work_was_done_before_the_blow_begins_anew(visit):
    visitor = visit()
    struck = []

    def strike(route):
        struck.append(route.request.url)
        if len(struck) == 1:
            route.fulfill(json={"held": 0}, headers={"Access-Control-Allow-Origin": visitor.system.page})
        else:
            route.continue_()

    visitor.page.route(re.compile(r"/labs/queue/\w+/workers/\w+$"), strike)
    visitor.go("/labs/queue")
    choose(visitor, "killed")
    expect(visitor.page.locator(".queue-log")).to_contain_text("is taken back from")
    first, second = (url.split("/")[-3] for url in struck)
    assert first != second


@pytest.mark.parametrize(("name", "why"), [("buried", "failed 3 times"), ("poison", "its worker died 2 times")])
def test_what_cannot_be_done_is_buried(visit, name, why):
    visitor = visit()
    visitor.go("/labs/queue")
    choose(visitor, name)
    expect(visitor.page.locator(".box.dead .why")).to_have_text(why)
    visitor.page.locator(".box.dead button").click()
    expect(visitor.page.locator(".queue-log")).to_contain_text("is put in line again")


def test_one_that_fails_twice_is_tried_again(visit):
    visitor = visit()
    visitor.go("/labs/queue")
    choose(visitor, "retry")
    log = visitor.page.locator(".queue-log")
    expect(log).to_contain_text("flaky-1 waits for its next try: it failed on purpose")
    expect(log).to_contain_text("flaky-1 is done")


# --- OAuth -----------------------------------------------------------------------------------------------


def test_the_honest_flow_is_walked_step_by_step_with_the_keyboard(visit):
    visitor = visit()
    page = visitor.page
    visitor.go("/labs/oauth")
    page.locator("#experiment-honest").focus()
    page.keyboard.press("Enter")
    for count in range(1, 8):
        expect(page.locator(".flow-step")).to_have_count(count)
        page.locator("#oauth-next").press("Enter")
    expect(page.locator(".flow-step")).to_have_count(8)
    expect(page.locator(".flow-step").last).to_contain_text("logged in")
    expect(page.locator(".check.bad")).to_have_count(0)


@pytest.mark.parametrize(
    ("name", "check"),
    [
        ("steal", "Is it the same browser that left?"), ("swap", "Is it the same browser that left?"),
        ("drop", "Did somebody leave with this state"), ("replay", "Did somebody leave with this state"),
        ("deny", "Did the user consent?"),
    ],
)  # fmt: skip
def test_an_attack_is_stopped_by_its_check(visit, name, check):
    visitor = visit()
    visitor.go("/labs/oauth")
    choose(visitor, name)
    visitor.page.locator("#oauth-all").click()
    expect(visitor.page.locator(".check.bad").first).to_contain_text(check)
    expect(visitor.page.locator(".flow-step.bad").last).to_be_visible()


def test_a_change_of_language_loses_nothing(visit):
    visitor = visit()
    visitor.go("/labs/oauth")
    choose(visitor, "steal")
    visitor.page.locator("#oauth-next").click()
    expect(visitor.page.locator(".flow-step")).to_have_count(2)
    visitor.page.locator("#language-zh-CN").click()
    expect(visitor.page.locator(".flow-step")).to_have_count(2)
    expect(visitor.page.locator(".flow-step").last).to_contain_text("API 生成 state")
