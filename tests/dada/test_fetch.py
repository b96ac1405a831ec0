"""Fetch, the browser's side: whole dialogues, and what is remembered of them; tests/browser asks a real one."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dada.cors import Middleware, Policy
from dada.fetch import CHROMIUM, Answer, FetchCall, PreflightCache, origin_of, play, simulate
from dada.fetch_checks import combined
from tests.dada import grants

PAGE, SHOP, EVIL = "https://page.example", "https://shop.example", "https://evil.example"
POLICY = Policy(
    origins=[PAGE], methods=["PUT"], request_headers=["X-A", "Content-Type"], response_headers=["ETag"], max_age=600
)
ACAO = ("Access-Control-Allow-Origin", PAGE)


def call(method="GET", *headers, **more):
    return FetchCall(**({"method": method, "url": f"{SHOP}/x", "origin": PAGE, "headers": headers} | more))


def names(steps):
    return [(step.name, step.ok) for step in steps]


# --- whole dialogues -------------------------------------------------------------------------------------


def test_a_simple_call_is_sent_at_once():
    dialogue = simulate(
        POLICY, call("GET", ("Accept", "a")), answer=[("ETag", "1"), ("X-B", "2"), ("Content-Type", "x")]
    )
    assert dialogue.preflight is None
    assert dialogue.actual == (
        "GET",
        (("Origin", PAGE), ("Accept", "a")),
        200,
        (
            ("ETag", "1"),
            ("X-B", "2"),
            ("Content-Type", "x"),
            ACAO,
            ("Access-Control-Expose-Headers", "ETag"),
            ("Vary", "Origin"),
        ),
    )
    assert dialogue.outcome == "shared"
    assert dialogue.readable_headers == {"etag", "content-type"}
    assert names(dialogue.steps) == [
        ("browser: origins", True), ("browser: asks first", True), ("server: kind", True), ("server: origin", True),
        ("browser: cors check", True),
    ]  # fmt: skip


def test_another_call_is_asked_for():
    dialogue = simulate(POLICY, call("put", ("x-a", "1"), body="{}"))
    assert dialogue.preflight == (
        "OPTIONS",
        (("Origin", PAGE), ("Access-Control-Request-Method", "PUT"), ("Access-Control-Request-Headers", "x-a")),
        204,
        (
            ACAO, ("Access-Control-Allow-Methods", "PUT"), ("Access-Control-Allow-Headers", "x-a"),
            ("Access-Control-Max-Age", "600"),
            ("Vary", "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"),
        ),
    )  # fmt: skip
    assert dialogue.actual.method == "PUT"
    assert dialogue.actual.request_headers == (
        ("Origin", PAGE), ("x-a", "1"), ("Content-Type", "text/plain;charset=UTF-8"),
    )  # fmt: skip
    assert dialogue.outcome == "shared"


def test_a_type_that_the_page_gives_is_the_only_one():
    dialogue = simulate(POLICY, call("POST", ("content-type", "application/json"), body="{}"))
    assert dialogue.actual.request_headers == (("Origin", PAGE), ("content-type", "application/json"))


def test_a_call_without_a_body_has_no_type():
    assert simulate(POLICY, call("POST")).actual.request_headers == (("Origin", PAGE),)


def test_the_steps_tell_both_sides_in_order():
    may_read = f"✔ browser: cors check        Access-Control-Allow-Origin is {PAGE}, the page's (Fetch §4.10 step 5)"
    assert simulate(POLICY, call("PUT")).explain().splitlines() == [
        "✔ browser: origins           https://page.example is not the URL's origin: a CORS request (Fetch §4.1)",
        "✔ browser: asks first        because of PUT (Fetch §4.1 step 12)",
        "✔ server: kind               a preflight: OPTIONS, Origin and Access-Control-Request-Method (Fetch §3.3.2)",
        "✔ server: origin             https://page.example is let in (Fetch §4.10 step 4)",
        "✔ server: method             PUT is let in (Fetch §4.8 step 7)",
        "✔ server: headers            none is asked for (Fetch §4.8 step 7)",
        "✔ server: age                may be kept for 600 s (Fetch §4.8 step 7)",
        may_read,
        "✔ browser: status            status 204 (Fetch §4.8 step 7)",
        "✔ browser: method            PUT is granted (Fetch §4.8 step 7.5)",
        "✔ browser: headers           all are granted (Fetch §4.8 step 7.7)",
        "✔ server: kind               an actual request: it carries Origin and is no preflight (Fetch §3.3.2)",
        "✔ server: origin             https://page.example is let in (Fetch §4.10 step 4)",
        may_read,
    ]


OUTCOMES = {  # policy, call, the step that stops it or None, whether it was asked, whether it was sent
    "a simple call": (POLICY, call(), None, False, True),
    "a simple call of another page": (POLICY, call(origin=EVIL), "browser: cors check", False, True),
    "a simple call with credentials": (POLICY, call(credentials="include"), "browser: cors check", False, True),
    "a method": (POLICY, call("PUT"), None, True, True),
    "a method not let in": (POLICY, call("DELETE"), "server: method", True, False),
    "a method in the wrong case": (
        Policy(origins=[PAGE], methods=["PATCH"]), call("patch"), "server: method", True, False,
    ),
    "a header": (POLICY, call("GET", ("X-A", "1")), None, True, True),
    "a header not let in": (POLICY, call("GET", ("X-B", "1")), "server: headers", True, False),
    "a method of another page": (POLICY, call("PUT", origin=EVIL), "server: origin", True, False),
    "JSON": (POLICY, call("POST", ("Content-Type", "application/json"), body="{}"), None, True, True),
    "a text": (POLICY, call("POST", body="x"), None, False, True),
    "a method with credentials that are not let in": (
        POLICY, call("PUT", credentials="include"), "browser: cors check", True, False,
    ),
    "a method with credentials": (
        Policy(origins=[PAGE], methods=["PUT"], credentials=True), call("PUT", credentials="include"), None, True, True,
    ),
    "anything, with credentials": (
        Policy(origins=[PAGE], methods=["*"], request_headers=["*"], credentials=True),
        call("CHICKEN", ("X-A", "1"), ("*", "2"), credentials="include"), None, True, True,
    ),
    "a public service, by anybody": (Policy(origins=["*"]), call(origin="null"), None, False, True),
    "a public service, with credentials": (
        Policy(origins=["*"]), call(credentials="include"), "browser: cors check", False, True,
    ),
    "Authorization under *": (
        Policy(origins=[PAGE], request_headers=["*"]), call("GET", ("Authorization", "x")), "server: headers", True,
        False,
    ),
    "a sandboxed frame": (POLICY, call(origin="null"), "browser: cors check", False, True),
    "an upload that is listened to": (
        Policy(origins=[PAGE]), call("POST", body="x", upload_listener=True), None, True, True,
    ),
    "a header that no page may set": (POLICY, call("GET", ("Cookie", "a"), ("X-A", "1")), None, True, True),
    "TRACE": (POLICY, call("TRACE"), "browser: method", False, False),
    "a method that is none": (POLICY, call("A B"), "browser: method", False, False),
    "a body with GET": (POLICY, call("GET", body=""), "browser: body", False, False),
    "a header name that is none": (POLICY, call("GET", ("a b", "1")), "browser: header", False, False),
    "a header value with a line end": (POLICY, call("GET", ("X-A", "a\nb")), "browser: header", False, False),
    "a header value beyond bytes": (POLICY, call("GET", ("X-A", "\u0100")), "browser: header", False, False),
    "an address with a user name": (POLICY, call(url="https://me@shop.example/"), "browser: url", False, False),
    "an address without a host": (POLICY, call(url="https:///x"), "browser: url", False, False),
    "a part of an address": (POLICY, call(url="/x"), "browser: url", False, False),
    "another scheme": (POLICY, call(url="ftp://shop.example/"), "browser: url", False, False),
}  # fmt: skip


@pytest.mark.parametrize(("policy", "made", "stopped", "asked", "sent"), OUTCOMES.values(), ids=OUTCOMES)
def test_a_call_comes_to_its_outcome(policy, made, stopped, asked, sent):
    dialogue = simulate(policy, made)
    failed = [step.name for step in dialogue.steps if not step.ok]
    assert stopped in failed or (stopped is None and not failed)
    assert (dialogue.outcome == "shared") == (stopped is None)
    assert (dialogue.preflight is not None, dialogue.actual is not None) == (asked, sent)
    assert dialogue.readable_headers == ({"content-type"} if stopped is None else frozenset())


@pytest.mark.parametrize("status", [200, 204, 302, 304, 401, 404, 500])
def test_every_status_is_shared(status):
    dialogue = simulate(POLICY, call(), status=status)
    assert (dialogue.actual.status, dialogue.outcome) == (status, "shared")


def test_what_the_application_says_of_the_protocol_is_dropped_as_the_middleware_drops_it():
    answer = [
        ("Access-Control-Allow-Origin", "*"),
        ("Access-Control-Expose-Headers", "*"),
        ("X", "1"),
        ("Vary", "Accept"),
    ]
    dialogue = simulate(POLICY, call(), answer=answer)
    assert dialogue.actual.response_headers == (
        ("X", "1"), ACAO, ("Access-Control-Expose-Headers", "ETag"), ("Vary", "Accept, Origin"),
    )  # fmt: skip


def test_vary_can_be_exposed():
    policy = Policy(origins=[PAGE], response_headers=["Vary"])
    assert simulate(policy, call()).readable_headers == {"content-type", "vary"}


# --- the page's own origin -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "sent"), [("GET", ()), ("HEAD", ()), ("POST", (("Origin", SHOP),)), ("DELETE", (("Origin", SHOP),))]
)
def test_at_home_nothing_is_asked_and_all_but_cookies_is_read(method, sent):
    dialogue = simulate(POLICY, call(method, origin=SHOP), answer=[("X", "1"), ("Set-Cookie", "a")])
    assert dialogue.preflight is None
    assert dialogue.actual.request_headers == sent
    assert dialogue.outcome == "shared"
    assert dialogue.readable_headers == {"x", "vary"}
    assert dialogue.steps[0].ok


ADDRESSES = {
    "https://shop.example": SHOP, "https://shop.example/x?y#z": SHOP, "https://shop.example:443/": SHOP,
    "HTTPS://Shop.Example": SHOP,
    "https://shop.example:8443": "https://shop.example:8443", "http://shop.example:80": "http://shop.example",
    "http://shop.example:443": "http://shop.example:443", "http://shop.example:8080": "http://shop.example:8080",
    "http://[::1]:80/": "http://[::1]", "http://[::1]:8000/": "http://[::1]:8000",
    "http://127.0.0.1:8000": "http://127.0.0.1:8000",
    "": None, "x": None, "//shop.example": None, "https://": None, "https://me:x@shop.example": None,
    "https://shop.example:x": None,
    "https://shop.example:99999": None, "http://[::1": None, "file:///x": None, "data:,x": None,
    "ws://shop.example": None,
}  # fmt: skip


@pytest.mark.parametrize(("url", "origin"), ADDRESSES.items())
def test_an_address_leads_to_its_origin(url, origin):
    assert origin_of(url) == origin


# --- Chromium --------------------------------------------------------------------------------------------


def test_user_agent_asks_for_nothing_in_chromium_and_stays_at_home():
    made = call("GET", ("User-Agent", "x"))
    assert simulate(POLICY, made).preflight is not None
    dialogue = simulate(POLICY, made, quirks=CHROMIUM)
    assert dialogue.preflight is None
    assert dialogue.actual.request_headers == (("Origin", PAGE),)


def test_a_dictionary_that_a_page_says_it_has_ends_the_call_in_chromium():
    made = call("GET", ("available-Dictionary", "x"))
    assert simulate(POLICY, made).preflight is not None
    dialogue = simulate(POLICY, made, quirks=CHROMIUM)
    assert (dialogue.preflight, dialogue.actual, dialogue.outcome) == (None, None, "blocked")
    assert "available-Dictionary is the browser's own to set" in dialogue.explain()


def test_a_listener_without_a_body_asks_for_nothing_in_chromium():
    made = call("POST", upload_listener=True)
    assert simulate(POLICY, made).preflight is not None
    assert simulate(POLICY, made, quirks=CHROMIUM).preflight is None


@pytest.mark.parametrize("quirks", [frozenset(), CHROMIUM])
def test_an_xmlhttprequest_leaves_the_body_of_get_out_and_joins_headers(quirks):
    made = call("GET", ("Accept", "a" * 100), ("accept", "b" * 100), body="x", upload_listener=True)
    dialogue = simulate(Policy(origins=[PAGE], request_headers=["accept"]), made, quirks=quirks)
    assert dialogue.preflight.request_headers[-1] == ("Access-Control-Request-Headers", "accept")
    assert dialogue.actual.request_headers == (("Origin", PAGE), ("accept", "a" * 100 + ", " + "b" * 100))


# --- what is remembered ----------------------------------------------------------------------------------


def asked(*chapters, quirks=()):
    """Return for each call of a story whether it was asked for: call, what the preflight says, time."""
    cache, told = PreflightCache(quirks), []
    for made, lines, now in chapters:

        def server(method, headers, lines=lines):
            readable = lines is not None
            return Answer(204, [ACAO, ("Access-Control-Allow-Credentials", "true"), *lines] if readable else [])

        told.append(play(made, server, quirks=quirks, cache=cache, now=now).preflight is not None)
    return told


PUT, X_A, X_B = call("PUT"), call("GET", ("X-A", "1")), call("GET", ("X-B", "1"))
UPLOAD, INCLUDE = call("POST", body="x", upload_listener=True), call("PUT", credentials="include")


def grant(methods="PUT", headers="x-a", age="600"):
    return [
        ("Access-Control-Allow-Methods", methods), ("Access-Control-Allow-Headers", headers),
        ("Access-Control-Max-Age", age),
    ]  # fmt: skip


STORIES = {  # calls, what their preflights say, when; whether each was asked for: by the standard, in Chromium
    "until its end": ([(PUT, grant(), 0), (PUT, grant(), 599.9), (PUT, grant(), 600)], [1, 0, 1], None),
    "five seconds": ([(PUT, grant(age="x"), 0), (PUT, grant(), 4.9), (PUT, grant(), 5)], [1, 0, 1], None),
    "not at all": ([(PUT, grant(age="0"), 0), (PUT, grant(), 0)], [1, 1], None),
    "an age below 0": ([(PUT, grant(age="-1"), 0), (PUT, grant(), 1)], [1, 0], [1, 1]),
    "each URL by itself": ([(PUT, grant(), 0), (call("PUT", url=f"{SHOP}/y"), grant(), 0)], [1, 1], None),
    "each page by itself": ([(PUT, grant(), 0), (call("PUT", origin=EVIL), grant(), 0)], [1, 1], None),
    "methods and headers alike": (
        [(PUT, grant("PUT"), 0), (X_A, grant(), 0), (call("PUT", ("x-a", "")), grant(), 0)], [1, 0, 0], None,
    ),
    "added to": ([(PUT, grant("PUT", ""), 0), (X_A, grant("", "x-a"), 0), (PUT, grant(), 0)], [1, 1, 0], [1, 1, 1]),
    "renewed": (
        [(PUT, grant(), 0), (X_A, grant(), 590), (X_B, grant("PUT", "x-b"), 590), (PUT, grant(), 1000)], [1, 0, 1, 0],
        None,
    ),
    "shortened": (
        [(PUT, grant(), 0), (X_B, grant("PUT", "x-b", "1"), 0), (PUT, grant(), 10)], [1, 1, 1], None,
    ),
    "a method is no header": ([(PUT, grant("PUT,x-a", ""), 0), (X_A, grant(), 0)], [1, 1], None),
    "with credentials, for calls with": ([(INCLUDE, grant(), 0), (INCLUDE, grant(), 0)], [1, 0], None),
    "a simple answer that may not be read forgets nothing": (
        [(PUT, grant(), 0), (call(), None, 0), (PUT, grant(), 0)], [1, 0, 0], None,
    ),
    "any": ([(PUT, grant("*", "*"), 0), (call("PURGE", ("X-Z", "")), grant(), 0)], [1, 0], None),
    "any but Authorization": (
        [(PUT, grant("*", "*"), 0), (call("GET", ("Authorization", "")), grant("", "authorization"), 0)], [1, 1], None,
    ),
    "with credentials, for calls without": ([(INCLUDE, grant(), 0), (PUT, grant(), 0)], [1, 0], None),
    "without credentials, not for calls with": ([(PUT, grant(), 0), (INCLUDE, grant(), 0)], [1, 1], None),
    "any, with credentials": ([(INCLUDE, grant("PUT,*"), 0), (call("PURGE"), grant("*"), 0)], [1, 0], [1, 1]),
    "forgotten when the answer may not be read": (
        [(PUT, grant(), 0), (PUT, None, 0), (PUT, grant(), 0)], [1, 0, 1], [1, 0, 0],
    ),
    "forgotten when it is refused": (
        [(PUT, grant(), 0), (call("PURGE"), grant(), 0), (PUT, grant(), 0)], [1, 1, 1], None,
    ),
    "an upload must be listed": (
        [(UPLOAD, grant(), 0), (UPLOAD, grant("POST"), 0), (UPLOAD, grant(), 0)], [1, 1, 0], [1, 0, 0],
    ),
    "simple calls never ask": ([(call(), None, 0), (call(), None, 0)], [0, 0], None),
}  # fmt: skip


@pytest.mark.parametrize(("story", "standard", "chromium"), STORIES.values(), ids=STORIES)
def test_a_permission_is_remembered(story, standard, chromium):
    assert asked(*story) == list(map(bool, standard))
    assert asked(*story, quirks=CHROMIUM) == list(map(bool, standard if chromium is None else chromium))


def test_a_browser_without_a_memory_always_asks():
    for _ in range(2):
        assert simulate(POLICY, PUT).preflight is not None


def test_a_granted_call_may_still_not_be_read():
    def server(method, headers):
        return Answer(204, [ACAO, *grant()] if method == "OPTIONS" else [])

    for cache in (None, PreflightCache()):
        dialogue = play(PUT, server, cache=cache)
        assert (dialogue.actual.method, dialogue.outcome) == ("PUT", "blocked")


def test_the_step_says_that_it_was_granted_before():
    cache = PreflightCache()
    for _ in range(2):
        dialogue = play(PUT, lambda method, headers: Answer(204, [ACAO, *grant()]), cache=cache)
    assert dialogue.steps[1].found == "no: it was granted before, and is remembered"
    assert dialogue.steps[1].clause == "Fetch §4.9"
    assert all(step.ok for step in dialogue.steps)


# --- anything at all -------------------------------------------------------------------------------------

WORDS = st.sampled_from(
    ["GET", "POST", "put", "PUT", "PATCH", "TRACE", "x-a", "Content-Type", "Accept", "*", "Cookie", PAGE, SHOP, "null"]
)
HEADERS = st.lists(st.tuples(WORDS | st.text(), WORDS | st.text()), max_size=4)
CALLS = st.builds(
    FetchCall, WORDS | st.text(), st.sampled_from([SHOP, f"{SHOP}/x", PAGE]) | st.text(), WORDS | st.text(), HEADERS,
    st.sampled_from(["omit", "same-origin", "include"]), st.none() | st.text(), st.booleans(),
)  # fmt: skip
POLICIES = st.sampled_from([
    POLICY,
    Policy(origins=["*"], methods=["*"], request_headers=["*"], response_headers=["*"], timing=True),
    Policy(origins=["https://*.example"], methods=["PUT"], request_headers=["*"], disclosure="full"),
    Policy(origins=[PAGE], methods=["*"], request_headers=["*", "Authorization"], credentials=True),
])  # fmt: skip
QUIRKS = st.sets(st.sampled_from(sorted(CHROMIUM)))


@given(POLICIES, CALLS, QUIRKS, HEADERS)
def test_any_call_comes_to_an_outcome(policy, made, quirks, answer):
    dialogue = simulate(policy, made, quirks=quirks, answer=answer)
    assert dialogue == simulate(policy, made, quirks=quirks, answer=answer)
    assert dialogue.explain().replace("\n", "").isprintable()
    if dialogue.outcome == "shared":
        assert dialogue.actual is not None
        assert dialogue.readable_headers <= {name.lower() for name, _ in dialogue.actual.response_headers}
    else:
        assert dialogue.readable_headers == frozenset()
        assert not all(step.ok for step in dialogue.steps)
    if dialogue.preflight is not None and dialogue.actual is not None:
        assert dialogue.preflight.status == 204


@given(POLICIES, CALLS, HEADERS)
def test_the_policy_of_a_dialogue_and_the_middleware_say_the_same(policy, made, answer):
    dialogue = simulate(policy, made, answer=answer)

    def application(environ, start_response):
        start_response("200 OK", list(answer))
        return []

    for exchange in filter(None, (dialogue.preflight, dialogue.actual)):
        environ = {"REQUEST_METHOD": exchange.method, "PATH_INFO": "/x", "wsgi.errors": io.StringIO()}
        for name, value in combined(exchange.request_headers):
            environ["HTTP_" + name.upper().replace("-", "_")] = value
        started = []
        assert Middleware(application, policy)(environ, lambda *said: started.append(said)) == []  # noqa: B023
        ((status, headers),) = started
        sent = [header for header in headers if header[0] != "Content-Length" or exchange is dialogue.actual]
        assert (int(status[:3]), sent) == (exchange.status, list(exchange.response_headers))


# --- what a policy grants is what the page gets ----------------------------------------------------------


@pytest.mark.parametrize("quirks", [frozenset(), CHROMIUM], ids=["the standard", "Chromium"])
def test_a_page_gets_exactly_what_the_policy_grants(quirks):
    outcomes = []
    for settings, made in grants.pairs(1, 5000):
        told = grants.answer()
        dialogue = simulate(Policy(**settings), made, answer=told.headers, quirks=quirks)
        expected = grants.granted(settings, made)
        assert (dialogue.outcome == "shared") == (expected is not None), (settings, made)
        own = {name.lower() for name, _ in told.headers}
        assert dialogue.readable_headers & own == (expected or set()), (settings, made)
        outcomes.append(dialogue.outcome)
    assert 0.15 < outcomes.count("shared") / len(outcomes) < 0.85
