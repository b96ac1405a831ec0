"""What a CORS policy decides (Fetch §3.3, §4.8, §4.10): the rules one by one, then anything at all."""

import dataclasses
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dada.cors_policy import MAX_ASKED, MAX_ELEMENTS, MAX_METHOD, Policy, Request
from dada.cors_rules import PolicyError
from dada.fetch import cors_check, preflight_check
from dada.headers import CORS_RESPONSE_HEADERS, is_token, split_list
from dada.origins import parse_origin

SHOP, EVIL = "https://shop.example", "https://evil.example"
FULL = {
    "origins": [SHOP, "https://*.shop.example"], "methods": ["PUT", "patch"], "max_age": 600,
    "request_headers": ["X-A", "Authorization"], "response_headers": ["ETag", "X-B"],
}  # fmt: skip
ACAO, ACAC, ACEH = "Access-Control-Allow-Origin", "Access-Control-Allow-Credentials", "Access-Control-Expose-Headers"
ACAM, ACAH, ACMA = "Access-Control-Allow-Methods", "Access-Control-Allow-Headers", "Access-Control-Max-Age"
TAO = "Timing-Allow-Origin"
ALL_THREE = ("Origin", "Access-Control-Request-Method", "Access-Control-Request-Headers")


def policy(**settings):
    return Policy(**(FULL | settings))


def ask(method="PUT", headers=None, origin=SHOP):
    return Request("OPTIONS", origin, method, headers)


# --- requests that are no preflights ---------------------------------------------------------------------

OPEN = {"origins": ["*"], "response_headers": ["ETag"], "timing": True}
READING, ANYBODY = [(ACAO, SHOP), (ACEH, "ETag, X-B")], [(ACAO, "*"), (ACEH, "ETag"), (TAO, "*")]
ACTUAL = {  # policy, request, kind, allowed, exactly the headers, exactly what the answer varies by
    "an allowed page": (policy(), Request("GET", SHOP), "actual", True, READING, ("Origin",)),
    "a subdomain": (
        policy(), Request("GET", "https://a.shop.example"), "actual", True,
        [(ACAO, "https://a.shop.example"), (ACEH, "ETag, X-B")], ("Origin",),
    ),
    "a denied page is told nothing": (policy(), Request("GET", EVIL), "actual", False, [], ("Origin",)),
    "null is told nothing": (policy(), Request("GET", "null"), "actual", False, [], ("Origin",)),
    "an empty Origin": (policy(), Request("GET", ""), "actual", False, [], ("Origin",)),
    "two origins": (policy(), Request("GET", f"{SHOP},{SHOP}"), "actual", False, [], ("Origin",)),
    "no Origin": (policy(), Request("GET"), "not-cors", False, [], ("Origin",)),
    "POST": (policy(), Request("POST", SHOP), "actual", True, READING, ("Origin",)),
    "a method that is not listed is the application's affair": (
        policy(), Request("DELETE", SHOP), "actual", True, READING, ("Origin",),
    ),
    "OPTIONS without a method asked for": (policy(), Request("OPTIONS", SHOP), "actual", True, READING, ALL_THREE),
    "OPTIONS with headers asked for, but no method": (
        policy(), Request("OPTIONS", SHOP, None, "x-a"), "actual", True, READING, ALL_THREE,
    ),
    "OPTIONS without Origin": (policy(), Request("OPTIONS", None, "PUT"), "not-cors", False, [], ALL_THREE),
    "asking by GET means nothing": (policy(), Request("GET", SHOP, "PUT", "x-a"), "actual", True, READING, ("Origin",)),
    "options in lower case is a method like another": (
        policy(), Request("options", SHOP, "PUT"), "actual", True, READING, ("Origin",),
    ),
    "credentials": (
        policy(credentials=True), Request("GET", SHOP), "actual", True,
        [(ACAO, SHOP), (ACAC, "true"), (ACEH, "ETag, X-B")], ("Origin",),
    ),
    "credentials for a denied page": (policy(credentials=True), Request("GET", EVIL), "actual", False, [], ("Origin",)),
    "timing": (
        policy(timing=True, response_headers=[]), Request("GET", SHOP), "actual", True, [(ACAO, SHOP), (TAO, SHOP)],
        ("Origin",),
    ),
    "timing for a denied page": (policy(timing=True), Request("GET", EVIL), "actual", False, [], ("Origin",)),
    "anybody": (Policy(**OPEN), Request("GET", EVIL), "actual", True, ANYBODY, ()),
    "anybody, null": (Policy(**OPEN), Request("GET", "null"), "actual", True, ANYBODY, ()),
    "anybody, without Origin": (Policy(**OPEN), Request("GET"), "not-cors", False, ANYBODY, ()),
    "anybody may read anything": (
        Policy(origins=["*"], response_headers=["*"]), Request("GET", EVIL), "actual", True,
        [(ACAO, "*"), (ACEH, "*")], (),
    ),
    "credentials before any headers": (
        policy(credentials=True, timing=True), Request("HEAD", SHOP), "actual", True,
        [(ACAO, SHOP), (ACAC, "true"), (ACEH, "ETag, X-B"), (TAO, SHOP)], ("Origin",),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("by", "request_", "kind", "allowed", "headers", "vary"), ACTUAL.values(), ids=ACTUAL)
def test_an_actual_request_gets_exactly_these_headers(by, request_, kind, allowed, headers, vary):
    decision = by.decide(request_)
    assert (decision.kind, decision.allowed, decision.status) == (kind, allowed, None)
    assert list(decision.headers) == headers
    assert decision.vary == vary


# --- preflights ------------------------------------------------------------------------------------------

ANY = {"methods": ["*"], "request_headers": ["*"], "max_age": None}
PASSED = {  # policy, request, exactly the headers
    "a method": (policy(), ask("PUT"), [(ACAO, SHOP), (ACAM, "PUT"), (ACMA, "600")]),
    "a method in lower case": (policy(), ask("patch"), [(ACAO, SHOP), (ACAM, "patch"), (ACMA, "600")]),
    "a safelisted method": (policy(), ask("POST"), [(ACAO, SHOP), (ACMA, "600")]),
    "a safelisted method and a header": (policy(), ask("GET", "x-a"), [(ACAO, SHOP), (ACAH, "x-a"), (ACMA, "600")]),
    "headers": (
        policy(), ask("PUT", "authorization,x-a"),
        [(ACAO, SHOP), (ACAM, "PUT"), (ACAH, "authorization, x-a"), (ACMA, "600")],
    ),
    "headers as no browser writes them": (
        policy(), ask("PUT", " X-A ,,x-a\t,AUTHORIZATION"),
        [(ACAO, SHOP), (ACAM, "PUT"), (ACAH, "authorization, x-a"), (ACMA, "600")],
    ),
    "no headers in the list": (policy(), ask("PUT", ""), [(ACAO, SHOP), (ACAM, "PUT"), (ACMA, "600")]),
    "a subdomain": (
        policy(), ask(origin="https://a.shop.example"),
        [(ACAO, "https://a.shop.example"), (ACAM, "PUT"), (ACMA, "600")],
    ),
    "credentials": (policy(credentials=True), ask(), [(ACAO, SHOP), (ACAC, "true"), (ACAM, "PUT"), (ACMA, "600")]),
    "timing is for answers": (policy(timing=True), ask(), [(ACAO, SHOP), (ACAM, "PUT"), (ACMA, "600")]),
    "age 0 is sent": (policy(max_age=0), ask(), [(ACAO, SHOP), (ACAM, "PUT"), (ACMA, "0")]),
    "no age is not sent": (policy(max_age=None), ask(), [(ACAO, SHOP), (ACAM, "PUT")]),
    "nothing listed: an upload with a listener": (Policy(origins=[SHOP]), ask("POST"), [(ACAO, SHOP)]),
    "anybody": (Policy(origins=["*"], methods=["PUT"]), ask(origin=EVIL), [(ACAO, "*"), (ACAM, "PUT")]),
    "any method": (policy(**ANY), ask("CHICKEN"), [(ACAO, SHOP), (ACAM, "*")]),
    "any header": (policy(**ANY | {"methods": []}), ask("GET", "x-z"), [(ACAO, SHOP), (ACAH, "x-z")]),
    "any header, and one named *": (policy(**ANY | {"methods": []}), ask("GET", "*"), [(ACAO, SHOP), (ACAH, "*")]),
    "any, with credentials, is spelled out": (
        policy(**ANY, credentials=True), ask("CHICKEN", "x-z"),
        [(ACAO, SHOP), (ACAC, "true"), (ACAM, "CHICKEN"), (ACAH, "x-z")],
    ),
    "any, with credentials, a safelisted method": (
        policy(**ANY, credentials=True), ask("GET"), [(ACAO, SHOP), (ACAC, "true")],
    ),
    "any header, with credentials, and one named *": (
        policy(**ANY, credentials=True), ask("*", "*"), [(ACAO, SHOP), (ACAC, "true"), (ACAM, "*"), (ACAH, "*")],
    ),
    "any header and Authorization": (
        policy(request_headers=["*", "Authorization"], methods=[]), ask("GET", "authorization"),
        [(ACAO, SHOP), (ACAH, "authorization"), (ACMA, "600")],
    ),
    "full": (
        policy(disclosure="full"), ask("GET"),
        [(ACAO, SHOP), (ACAM, "PUT, patch"), (ACAH, "authorization, x-a"), (ACMA, "600")],
    ),
    "full, any": (policy(**ANY, disclosure="full"), ask("GET", "x-z"), [(ACAO, SHOP), (ACAM, "*"), (ACAH, "*")]),
    "full, any header and Authorization": (
        policy(disclosure="full", methods=[], request_headers=["*", "Authorization"]), ask("GET", "x-z"),
        [(ACAO, SHOP), (ACAH, "*, authorization"), (ACMA, "600")],
    ),
    "full, any, with credentials": (
        policy(disclosure="full", credentials=True, methods=["*"], request_headers=["*", "Authorization"]),
        ask("PURGE", "x-z"),
        [(ACAO, SHOP), (ACAC, "true"), (ACAM, "PURGE"), (ACAH, "authorization, x-z"), (ACMA, "600")],
    ),
    "the longest method that * covers": (policy(**ANY), ask("X" * MAX_METHOD), [(ACAO, SHOP), (ACAM, "*")]),
    "a longer one that is listed": (
        policy(methods=["X" * 99]), ask("X" * 99), [(ACAO, SHOP), (ACAM, "X" * 99), (ACMA, "600")],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("by", "request_", "headers"), PASSED.values(), ids=PASSED)
def test_a_preflight_passes_and_gets_exactly_these_headers(by, request_, headers):
    decision = by.decide(request_)
    assert (decision.kind, decision.allowed, decision.status, decision.vary) == ("preflight", True, 204, ALL_THREE)
    assert list(decision.headers) == headers
    assert all(step.ok for step in decision.steps)


FAILED = {  # policy, request, the step that stops it, words of what it found
    "a denied page": (policy(), ask(origin=EVIL), "origin", "https://evil.example is not let in"),
    "null": (policy(), ask(origin="null"), "origin", "null is not let in"),
    "a page by http": (policy(), ask(origin="http://shop.example"), "origin", "is not let in"),
    "two lines of Origin": (policy(), ask(origin=f"{SHOP},{SHOP}"), "origin", "is not let in"),
    "another method": (policy(), ask("DELETE"), "method", "DELETE is not let in; case counts"),
    "the method in upper case": (policy(), ask("PATCH"), "method", "PATCH is not let in; case counts"),
    "a safelisted method in lower case": (policy(), ask("get"), "method", "get is not let in; case counts"),
    "two methods": (policy(), ask("PUT,GET"), "method", "is no method"),
    "no method at all": (policy(), ask(""), "method", "is no method"),
    "a method with white space": (policy(), ask(" PUT"), "method", "is no method"),
    "TRACE, although any": (policy(**ANY), ask("TRACE"), "method", "TRACE is no method that a page may use"),
    "connect, although any": (policy(**ANY), ask("connect"), "method", "is no method that a page may use"),
    "a star for a method": (policy(), ask("*"), "method", "* is not let in"),
    "a method too long for *": (policy(**ANY), ask("X" * (MAX_METHOD + 1)), "method", "XXX is not let in"),
    "another header": (policy(), ask("PUT", "x-b"), "headers", "x-b is not let in"),
    "the first of the others": (policy(), ask("PUT", "x-d,x-c,x-a"), "headers", "x-c is not let in"),
    "a longer header": (policy(), ask("PUT", "x-ab"), "headers", "x-ab is not let in"),
    "a shorter header": (policy(), ask("PUT", "x"), "headers", "x is not let in"),
    "a star for a header": (policy(), ask("PUT", "*"), "headers", "* is not let in"),
    "Authorization, although any": (
        policy(**ANY), ask("GET", "Authorization"), "headers", "authorization is never covered by *",
    ),
    "Authorization, although any, with credentials": (
        policy(**ANY, credentials=True), ask("GET", "x-a,authorization"), "headers", "authorization is never covered",
    ),
    "a header that is none": (policy(), ask("PUT", "x-a,x b"), "headers", "no list of names"),
    "a header that is none, although any": (policy(**ANY), ask("PUT", "<script>"), "headers", "no list of names"),
    "bytes above ASCII": (policy(**ANY), ask("PUT", "x-\xe4"), "headers", "no list of names"),
    "headers with a line end": (policy(**ANY), ask("PUT", "x-a\r\nSet-Cookie: a"), "headers", "no list of names"),
    "a list too long": (policy(**ANY), ask("PUT", "x" * (MAX_ASKED + 1)), "headers", "no list of names"),
    "a list of too many": (policy(**ANY), ask("PUT", "," * MAX_ELEMENTS), "headers", "no list of names"),
}  # fmt: skip


@pytest.mark.parametrize(("by", "request_", "step", "found"), FAILED.values(), ids=FAILED)
def test_a_preflight_fails_and_discloses_nothing(by, request_, step, found):
    decision = by.decide(request_)
    assert (decision.kind, decision.allowed, decision.status, decision.vary) == ("preflight", False, 403, ALL_THREE)
    assert decision.headers == ()
    assert [taken.ok for taken in decision.steps] == [True] * (len(decision.steps) - 1) + [False]
    assert decision.steps[-1].name == step
    assert found in decision.steps[-1].found


def test_the_bounds_are_these():
    assert (MAX_ASKED, MAX_ELEMENTS, MAX_METHOD) == (4096, 128, 64)


def test_the_longest_list_is_still_read():
    names = ",".join(["x-a"] + [""] * (MAX_ELEMENTS - 1))
    assert policy().decide(ask("PUT", names)).allowed
    assert policy(**ANY).decide(ask("PUT", "x" * MAX_ASKED)).allowed


# --- steps -----------------------------------------------------------------------------------------------


def test_the_steps_tell_the_whole_way():
    assert policy().decide(ask("PUT", "x-a")).explain().splitlines() == [
        "✔ kind                       a preflight: OPTIONS, Origin and Access-Control-Request-Method (Fetch §3.3.2)",
        "✔ origin                     https://shop.example is let in (Fetch §4.10 step 4)",
        "✔ method                     PUT is let in (Fetch §4.8 step 7)",
        "✔ headers                    x-a may be set (Fetch §4.8 step 7)",
        "✔ age                        may be kept for 600 s (Fetch §4.8 step 7)",
    ]


def test_a_step_shows_hostile_text_escaped_and_short():
    found = policy().decide(Request("GET", "https://\r\n\x1b[31m" + "ü" * 1000)).steps[-1].found
    assert found.isascii()
    assert found.isprintable()
    assert len(found) < 110


# --- a policy is a value ---------------------------------------------------------------------------------


def test_a_policy_never_changes():
    origins = [SHOP]
    by = Policy(origins=origins)
    origins.append(EVIL)
    assert not by.decide(Request("GET", EVIL)).allowed
    assert by == Policy(origins=[SHOP])
    assert hash(by) == hash(Policy(origins=[SHOP]))
    with pytest.raises(dataclasses.FrozenInstanceError):
        by.credentials = True  # type: ignore[misc]
    assert repr(by) == (
        "Policy(origins=('https://shop.example',), methods=(), request_headers=(), response_headers=(),"
        " credentials=False, max_age=None, timing=False, disclosure='minimal',"
        " dangerously_allow_insecure_origins=False, dangerously_allow_public_suffixes=False)"
    )
    assert dataclasses.replace(by, max_age=0) == Policy(origins=[SHOP], max_age=0)


def test_a_policy_that_cannot_be_right_is_never_made():
    with pytest.raises(PolicyError) as caught:
        policy(origins=["null"], max_age=-1)
    assert [problem.code for problem in caught.value.problems] == ["origin-null", "max-age"]
    with pytest.raises(PolicyError):
        dataclasses.replace(policy(credentials=True), origins=["*"])


def test_decisions_are_remembered_and_never_too_many():
    by = policy()
    decision = by.decide(ask())
    assert by.decide(ask()) is decision
    for number in range(5000):
        by.decide(Request("GET", f"https://{number}.example"))
    assert 0 < len(by._remembered) <= 1024
    assert by.decide(ask()) == decision


@pytest.mark.parametrize("seen_before", [False, True])
@pytest.mark.parametrize("method", ["GET", "OPTIONS"])
def test_a_request_may_be_given_as_its_four_fields(method, seen_before):
    by, fields = policy(), (method, "https://a.example", "PUT", "x-a")
    if seen_before:
        by.decide(Request(*fields))
    assert by.decide(fields) == policy().decide(Request(*fields))


def test_a_long_request_is_not_remembered():
    by = policy()
    by.decide(Request("GET", "https://" + "a" * 60_000))
    assert not by._remembered


# --- marking an answer -----------------------------------------------------------------------------------

OWN, SET = [("Set-Cookie", "a"), ("X", "1"), ("Set-Cookie", "b")], [("access-control-allow-origin", "*"), (ACMA, "9")]
MARKED = {  # what the application says, what remains of it, Vary
    "nothing": ([], [], "Origin"),
    "what is its own": (OWN, OWN, "Origin"),
    "headers of the protocol": ([*SET, ("X", "1")], [("X", "1")], "Origin"),
    "timing is the application's to say": ([(TAO, "*")], [(TAO, "*")], "Origin"),
    "Vary": ([("Vary", "Accept")], [], "Accept, Origin"),
    "Vary in two lines": ([("vary", "Accept"), ("X", "1"), ("VARY", "Cookie")], [("X", "1")], "Accept, Cookie, Origin"),
    "Vary: Origin": ([("Vary", "Origin")], [], "Origin"),
    "Vary: origin": ([("Vary", "accept ,\torigin")], [], "accept ,\torigin"),
    "Vary: *": ([("Vary", "*")], [], "*"),
    "Vary: Accept, *": ([("Vary", "Accept, *")], [], "Accept, *"),
    "an empty Vary": ([("Vary", "")], [], "Origin"),
    "a Vary that only looks so": ([("Vary", "X-Origin")], [], "X-Origin, Origin"),
}  # fmt: skip


@pytest.mark.parametrize(("said", "kept", "vary"), MARKED.values(), ids=MARKED)
def test_an_answer_is_marked(said, kept, vary):
    by = Policy(origins=[SHOP])
    assert by.decide(Request("GET", SHOP)).mark(said) == [*kept, (ACAO, SHOP), ("Vary", vary)]
    assert by.decide(Request("GET", EVIL)).mark(said) == [*kept, ("Vary", vary)]


def test_an_answer_to_anybody_does_not_vary():
    decision = Policy(origins=["*"]).decide(Request("GET", EVIL))
    assert decision.mark([]) == [(ACAO, "*")]
    assert decision.mark([("Vary", "Accept")]) == [(ACAO, "*"), ("Vary", "Accept")]
    assert decision.mark([("Vary", "")]) == [(ACAO, "*")]


# --- anything at all -------------------------------------------------------------------------------------

ORIGINS = [[SHOP], ["*"], [SHOP, "https://*.shop.example"], ["http://localhost:*", "http://[::1]:3000"]]
SOME_METHODS, SOME_HEADERS = [[], ["PUT", "patch"], ["*"]], [[], ["X-A"], ["*"], ["*", "authorization"]]
POLICIES = [
    Policy(
        origins=origins, methods=methods, request_headers=names, response_headers=["ETag"], credentials=credentials,
        max_age=600, timing=True, disclosure=disclosure,
    )
    for origins, methods, names, credentials, disclosure in product(
        ORIGINS, SOME_METHODS, SOME_HEADERS, [False, True], ["minimal", "full"]
    )
    if not (credentials and "*" in origins)
]  # fmt: skip
TEXTS = (
    st.text()
    | st.text(",/:.*-ax\r\n\0 ")
    | st.sampled_from(["", "*", "null", "true", "x" * 70_000, "," * 70_000, "\ud800"])
)
METHODS = st.sampled_from(["OPTIONS", "OPTIONS", "GET", "PUT", "options", "TRACE", "patch", "QUERY"]) | TEXTS
PAGES = st.sampled_from([SHOP, EVIL, "https://a.shop.example", "http://localhost:3000", "http://[::1]:3000"]) | TEXTS
NAMES = st.sampled_from(["x-a", "X-A,x-b", "authorization", "*", "x-a,,", "<x>"]) | TEXTS
REQUESTS = st.builds(Request, METHODS, st.none() | PAGES, st.none() | METHODS, st.none() | NAMES)
ANY_POLICY = st.sampled_from(POLICIES)


@given(ANY_POLICY, REQUESTS)
def test_any_four_texts_get_a_decision(by, request_):
    decision = by.decide(request_)
    again = dataclasses.replace(by).decide(request_)
    assert decision == again == by.decide(request_)
    assert (decision.status is not None) == (decision.kind == "preflight")
    assert decision.allowed == (all(step.ok for step in decision.steps) and decision.kind != "not-cors")
    assert len({name for name, _ in decision.headers}) == len(decision.headers)
    assert decision.explain().isprintable() or "\n" in decision.explain()


@given(ANY_POLICY, REQUESTS)
def test_only_validated_text_is_ever_sent_and_never_much(by, request_):
    decision = by.decide(request_)
    for name, value in decision.headers:
        assert name.lower() in CORS_RESPONSE_HEADERS or name == TAO
        assert value.isascii()
        assert value.isprintable()
        if name in (ACAO, TAO):
            assert value == "*" or (value == request_.origin and parse_origin(value))
        elif name in (ACAM, ACAH):
            assert all(map(is_token, split_list(value)))
    assert sum(len(name) + len(value) for name, value in decision.headers) < 2 * MAX_ASKED
    assert sum(len(step.found) for step in decision.steps) < 1000


@given(ANY_POLICY, REQUESTS)
def test_the_browser_agrees_with_the_decision(by, request_):
    decision = by.decide(request_)
    mode = "include" if by.credentials else "omit"
    if decision.kind == "actual":
        assert cors_check(request_.origin, mode, decision.headers).ok == decision.allowed
    elif decision.kind == "preflight":
        names = split_list(request_.request_headers or "") or []
        checked = preflight_check(
            request_.request_method, [(name, "x" * 200) for name in names], request_.origin, mode, decision.status,
            decision.headers,
        )  # fmt: skip
        assert checked.ok == decision.allowed


@given(ANY_POLICY, METHODS, st.none() | METHODS, st.none() | NAMES, st.lists(PAGES))
def test_whatever_differs_between_origins_varies_by_origin(by, method, asked, names, pages):
    decisions = [by.decide(Request(method, page, asked, names)) for page in [None, SHOP, EVIL, "null", *pages]]
    if len({decision.headers for decision in decisions}) > 1:
        assert all("Origin" in decision.vary for decision in decisions)


@given(ANY_POLICY, REQUESTS, st.lists(st.tuples(st.sampled_from(["Vary", "vary", "X", ACAO, "Set-Cookie"]), TEXTS)))
def test_a_marked_answer_says_each_thing_once(by, request_, said):
    marked = by.decide(request_).mark(said)
    names = [name.lower() for name, _ in marked]
    for name in (*CORS_RESPONSE_HEADERS, "vary"):
        assert names.count(name) <= 1
    assert [header for header in marked if header[0] in ("X", "Set-Cookie")] == [
        header for header in said if header[0] in ("X", "Set-Cookie")
    ]
    assert by.decide(request_).mark(marked)[-1:] == marked[-1:]
