"""The oracle: what `dada/fetch.py` foresees, and what a policy grants, is what a real Chromium does.

ORACLE_CASES   how many cases are drawn, besides those written by hand: 1000, or as many as `make oracle` says
"""

import os

import pytest

from dada.fetch import CHROMIUM, Answer, FetchCall
from dada.fetch_checks import get
from tests.browser import drawn, handmade, oracle
from tests.browser.handmade import HANDMADE, METHODS, NULL, REDIRECTS, STORIES, case
from tests.browser.oracle import Lab, compare, compare_stories, foretell, predict, shrink
from tests.browser.questions import PAGE, SHOP, Case, Service
from tests.dada import grants

pytestmark = pytest.mark.xdist_group("chromium")

COUNT = int(os.environ.get("ORACLE_CASES", "1000"))
STANDARD = frozenset()


@pytest.fixture(scope="module")
def lab():
    with Lab() as lab:
        yield lab


@pytest.fixture(scope="module")
def by_hand(lab):
    """What is seen of all cases written by hand."""
    return {name: list(zip(cases, lab.observe(cases), strict=True)) for name, cases in HANDMADE.items()}


def tell_figures(title, seen):
    """Say how many of the cases the standard alone foresees, and how many it does with the quirks."""
    standard, browser = (sum(predict(case, quirks) == what for case, what in seen) for quirks in (STANDARD, CHROMIUM))
    print(f"\n{title}: {len(seen)} cases; {standard} as the standard says, {browser} with the quirks", end=" ")


# --- one call --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("table", HANDMADE)
def test_a_table_written_by_hand_is_foreseen(lab, by_hand, table):
    apart = [case for case, seen in by_hand[table] if predict(case) != seen]
    assert not apart, "\n".join(compare(lab, apart))


DRAWS = {
    "exchanges at random": lambda: drawn.at_random(1, COUNT * 2 // 5),
    "mutants of exchanges that succeed": lambda: drawn.mutants(2, COUNT * 2 // 5),
    "services under a policy": lambda: drawn.services(3, COUNT // 5),
    "calls of a sandboxed frame": lambda: NULL,
}


@pytest.mark.parametrize("title", DRAWS)
def test_what_is_drawn_is_foreseen(lab, title):
    cases = list(DRAWS[title]())
    seen = list(zip(cases, lab.observe(cases), strict=True))
    tell_figures(title, seen)
    apart = [case for case, what in seen if predict(case) != what]
    assert not apart, "\n".join(compare(lab, apart))


def test_a_page_gets_exactly_what_the_policy_grants(lab):
    """End to end, without the model: a policy, a real service, a real page."""
    pairs = list(grants.pairs(5, COUNT // 3))
    seen = lab.observe([Service(settings, call, grants.answer()) for settings, call in pairs])
    own = {name.lower() for name, _ in grants.TOLD}
    for (settings, call), what in zip(pairs, seen, strict=True):
        expected = grants.granted(settings, call)
        assert what.shared == (expected is not None), (settings, call)
        assert what.readable & own == (expected or set()), (settings, call)


def test_the_figures_of_the_tables(by_hand):
    tell_figures("by hand", [pair for pairs in by_hand.values() for pair in pairs])
    shared = [seen.shared for pairs in by_hand.values() for _, seen in pairs]
    assert 0.3 < sum(shared) / len(shared) < 0.7  # they let through, and they stop


# --- several calls to one address ------------------------------------------------------------------------


@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES)
def test_what_is_remembered_of_a_permission_is_foreseen(lab, story):
    assert not (apart := compare_stories(lab, [story])), apart[0]


def test_stories_at_random_are_foreseen(lab):
    assert not (apart := compare_stories(lab, drawn.stories(4, COUNT // 20))), "\n\n\n".join(apart)


CACHE_MODES = {"default": False, "force-cache": False, "no-cache": True, "no-store": True, "reload": True}


@pytest.mark.parametrize("mode", CACHE_MODES)
def test_a_page_that_will_have_no_cache_asks_again(lab, mode):
    _, second = lab.tell(STORIES["the same twice"], mode)
    assert (second.preflight is not None) == CACHE_MODES[mode]
    assert second.shared


# --- the quirks ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("quirk", sorted(CHROMIUM))
def test_a_quirk_still_makes_a_difference(lab, by_hand, quirk):
    others = CHROMIUM - {quirk}
    cases = (predict(case, others) != seen for pairs in by_hand.values() for case, seen in pairs)
    stories = (foretell(story, others) != lab.tell(story) for story in STORIES.values())
    assert any(cases) or any(stories), f"Chromium follows the standard now: {quirk} can go"


# --- what the model leaves out ---------------------------------------------------------------------------


@pytest.mark.parametrize(("written", "shared", "arrives"), REDIRECTS.values(), ids=REDIRECTS)
def test_a_redirect_is_checked_and_its_target_is_asked_anew(lab, written, shared, arrives):
    found = handmade.redirected(*written)
    requests = lab.requests(found)
    second = [(method, headers) for method, path, headers in requests if path == "/b"]
    assert [
        (method, get(headers, "origin"), get(headers, "access-control-request-headers")) for method, headers in second
    ] == [(method, lab.real(origin), names) for method, origin, names in arrives]
    abroad = any(origin == "null" for _, origin, _ in arrives)
    assert not (abroad and any(get(headers, "authorization") for _, headers in second))
    assert lab.observe([found])[0].shared == shared


def test_cookies_go_along_with_credentials_only_and_never_with_a_preflight(lab):
    def who_carries_it(mode):
        requests = lab.requests(case("PUT", mode=mode, asked=[(METHODS, "PUT")]))
        return [method for method, _, headers in requests if "told=1" in (get(headers, "cookie") or "")]

    lab.observe([case(mode="include", told=[("Set-Cookie", "told=1; Path=/")])])
    assert who_carries_it("include") == ["PUT"]
    assert who_carries_it("same-origin") == who_carries_it("omit") == []


def test_a_preflight_asks_two_things_and_nothing_about_networks(lab):
    ((method, _, headers),) = lab.requests(case("PUT", [("X-A", "1")]))
    assert method == "OPTIONS"
    assert {name for name, _ in headers if name.lower().startswith("access-control-")} == {
        "Access-Control-Request-Method", "Access-Control-Request-Headers",
    }  # fmt: skip


# --- the machinery itself --------------------------------------------------------------------------------


def test_a_disagreement_is_made_as_small_as_it_can_be(lab):
    headers = [("X-A", "1"), ("Authorization", "secret"), ("Accept", "text/plain")]
    asked = [("Access-Control-Allow-Headers", "x-b, *"), (METHODS, "PUT, DELETE"), ("Vary", "Origin")]
    big = case("PUT", headers, mode="same-origin", body="x", asked=asked, told=[("ETag", "1")], status=404)
    small = Case(
        FetchCall("GET", SHOP, PAGE, (("Authorization", ""),)),
        Answer(204, (("Access-Control-Allow-Origin", PAGE), ("Access-Control-Allow-Headers", "*"))),
        Answer(200, ()),
    )
    assert shrink(lab, big, CHROMIUM - {"star-covers-authorization"}) == small


def test_a_disagreement_is_told(lab):
    (told,) = compare(lab, [case(headers=[("DPR", "1")])], STANDARD)
    assert told.splitlines()[:2] == [f"GET {SHOP} from {PAGE} (omit), body None", "    DPR: '1'"]
    assert [line.split(":")[0] for line in told.splitlines()[-2:]] == ["  browser", "  model"]


def test_a_story_is_made_as_short_as_it_can_be(lab):
    story = [handmade.chapter("GET"), handmade.chapter(age="-1"), handmade.chapter("POST"), *[handmade.chapter()] * 2]
    (told,) = compare_stories(lab, [story, story[:3]], CHROMIUM - {"max-age-is-int64"})
    assert told.count("browser: Seen") == 2
    assert told.count("'-1'") == 1


def test_more_disagreements_than_a_few_are_told_as_they_are(lab):
    assert len(compare(lab, [case(headers=[("DPR", "1")])] * 5, STANDARD, most=1)) == 5


def test_a_failure_of_a_server_is_a_failure_of_the_test(lab):
    class Broken(Case):
        def server(self, real):
            return lambda *request: 1 / 0

    with pytest.raises(ZeroDivisionError):
        lab.observe([Broken(case().call, Answer(204, ()), Answer(200, ()))])


def test_a_missing_browser_is_told_in_one_sentence(monkeypatch):
    monkeypatch.setattr(oracle.shutil, "which", lambda name: None)
    with pytest.raises(FileNotFoundError, match="apt-get install chromium"):
        oracle.chromium()
