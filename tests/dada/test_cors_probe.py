"""The scanners' probes: every finding is produced by a service that is bad in that way, and by no good one."""

import re
from itertools import cycle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dada.cors import Middleware, Policy, PolicyError, PolicyMap
from dada.cors_probe import CODES, probe
from dada.cors_rules import SEVERITIES
from dada.cors_strangers import STRANGER
from dada.fetch import Answer
from dada.testing import audit_cors

SHOP = "https://shop.example"
FIXED = (("Access-Control-Allow-Methods", "GET"), ("Access-Control-Max-Age", "600"))


def plain(environ, start_response):
    found = environ["PATH_INFO"] == "/r"
    start_response("200 OK" if found else "404 Not Found", [("Content-Type", "text/plain")])
    return [b"body"]


def letting_in(
    matches, *, credentials=None, asked=FIXED, always=(), vary="Origin", value=lambda origin: origin,
    preflights="204 No Content", missing="404 Not Found", marks_missing=True, options=(), grants=(), raises=False,
    refused=(), denied=(), nobody=(),
):  # fmt: skip
    """Return an application with CORS by hand, right but for what the arguments say."""

    def application(environ, start_response):
        origin, wants = environ.get("HTTP_ORIGIN"), environ.get("HTTP_ACCESS_CONTROL_REQUEST_METHOD")
        found = environ["PATH_INFO"] == "/r"
        headers = [("Vary", vary)] if vary else []
        headers += always
        good = origin is not None and matches(origin)
        if good and (found or marks_missing):
            headers += [("Access-Control-Allow-Origin", value(origin)), *grants]
            headers += [("Access-Control-Allow-Credentials", credentials)] if credentials else []
        if environ["REQUEST_METHOD"] == "OPTIONS" and wants and origin is not None:
            names = environ.get("HTTP_ACCESS_CONTROL_REQUEST_HEADERS")
            made = asked(names) if callable(asked) else asked
            start_response(preflights, [*headers, *(made if good else refused)])
            return []
        if environ["REQUEST_METHOD"] == "OPTIONS":
            headers += options
        elif not found and raises:
            raise RuntimeError
        else:
            headers += nobody if origin is None else () if good else denied
        start_response("200 OK" if found else missing, headers)
        return [b"body"]

    return application


def only(*origins):
    return lambda origin: origin in origins


def echoing(names):
    return [*FIXED, ("Access-Control-Allow-Headers", names or "x-a")]


def every(name, value):
    return letting_in(only(SHOP), asked=[*FIXED, (name, value)])


# What a service gets wrong → exactly the codes of what is found.
BAD = {
    "it echoes": (letting_in(lambda origin: True), {"any-origin-reflected"}),
    "null is let in": (letting_in(only(SHOP, "null")), {"null"}),
    "it compares beginnings": (
        letting_in(lambda origin: origin.startswith(SHOP)),
        {"prefix", "special-characters", "any-port", "loose-comparison"},
    ),
    "it compares ends": (
        letting_in(lambda origin: re.fullmatch(r"https://[a-z.-]*shop\.example", origin)), {"suffix", "any-subdomain"},
    ),
    "a dot of its regular expression is bare": (
        letting_in(lambda origin: re.fullmatch("https://shop.example", origin)), {"unescaped-dot"},
    ),
    "it was given a text for a list": (
        letting_in(lambda origin: len(origin) > 9 and origin in SHOP), {"substring", "loose-comparison"},
    ),
    "it reads a host up to a mark": (
        letting_in(lambda origin: re.split("[`_]", origin)[0] == SHOP), {"special-characters"},
    ),
    "subdomains are let in": (
        letting_in(lambda origin: re.fullmatch(r"https://([a-z.]+\.)?shop\.example", origin)), {"any-subdomain"},
    ),
    "http is as good as https": (letting_in(only(SHOP, "http://shop.example")), {"http-downgrade"}),
    "any port will do": (
        letting_in(lambda origin: re.fullmatch(r"https://shop\.example(:[1-9]\d{1,3})?", origin)),
        {"any-port", "loose-comparison"},
    ),
    "the developer's machine is let in": (letting_in(only(SHOP, "http://localhost:3000")), {"loopback"}),
    "a page of everybody's is let in": (letting_in(only(SHOP, "https://codepen.io")), {"third-party"}),
    "case does not count": (letting_in(lambda origin: origin.lower() == SHOP), {"loose-comparison"}),
    "Vary is forgotten": (letting_in(only(SHOP), vary=None), {"vary-missing"}),
    "anybody, by a star": (
        letting_in(lambda origin: True, value=lambda _: "*"), {"any-origin"},
    ),
    "a star with credentials": (
        letting_in(lambda origin: True, value=lambda _: "*", credentials="true"),
        {"any-origin", "any-origin-with-credentials"},
    ),
    "two lines of origins": (
        letting_in(only(SHOP), grants=[("Access-Control-Allow-Origin", SHOP)]), {"several-origins", "trusted-denied"},
    ),
    "false is told to strangers": (
        letting_in(lambda origin: True, value=lambda origin: origin if origin == SHOP else "false"), {"no-origin"},
    ),
    "credentials are True": (letting_in(only(SHOP), credentials="True"), {"credentials-not-true"}),
    "strangers are granted credentials": (
        letting_in(only(SHOP), always=[("Access-Control-Allow-Credentials", "true")]), {"granted-to-denied"},
    ),
    "strangers are told what is exposed": (
        letting_in(only(SHOP), always=[("Access-Control-Expose-Headers", "X-A")]), {"granted-to-denied"},
    ),
    "strangers are told what may be asked": (letting_in(only(SHOP), refused=FIXED), {"disclosed-to-denied"}),
    "a list with semicolons": (
        every("Access-Control-Allow-Headers", "x-a; x-b"), {"void-list", "preflight-fails"},
    ),
    "TRACE is listed": (every("Access-Control-Allow-Methods", "TRACE"), {"forbidden-method"}),
    "a star for headers, with credentials": (
        letting_in(only(SHOP), credentials="true", grants=[("Access-Control-Expose-Headers", "*")]),
        {"any-name-with-credentials"},
    ),
    "a star for Authorization": (every("Access-Control-Allow-Headers", "*"), {"authorization-not-covered"}),
    "what is asked comes back, token or not": (
        letting_in(only(SHOP), asked=lambda names: echoing(names if len(names or "") < 99 else "x-a")),
        {"asked-echoed-raw"},
    ),
    "what is asked comes back, however long": (
        letting_in(only(SHOP), asked=lambda names: echoing("x-a" if "<" in (names or "") else names)),
        {"asked-echoed-unbounded"},
    ),
    "an age in words": (
        letting_in(only(SHOP), asked=[("Access-Control-Max-Age", "10m")]), {"max-age-malformed"},
    ),
    "an age twice": (every("Access-Control-Max-Age", "600"), {"max-age-malformed"}),
    "no age": (letting_in(only(SHOP), asked=()), {"max-age-absent"}),
    "an age of a day": (letting_in(only(SHOP), asked=[("Access-Control-Max-Age", "86400")]), {"max-age-capped"}),
    "the private network is opened": (
        every("Access-Control-Allow-Private-Network", "true"), {"private-network"},
    ),
    "every OPTIONS is a preflight": (letting_in(only(SHOP), options=FIXED), {"options-taken-for-preflight"}),
    "preflights are redirected": (letting_in(only(SHOP), preflights="301 Moved"), {"preflight-fails"}),
    "preflights must log in": (letting_in(only(SHOP), preflights="401 Who"), {"preflight-fails"}),
    "preflights are not known": (letting_in(only(SHOP), preflights="404 What"), {"preflight-fails"}),
    "errors are not marked": (letting_in(only(SHOP), marks_missing=False), {"unreadable"}),
    "exceptions leave it": (letting_in(only(SHOP), raises=True), {"unreadable"}),
    "who is trusted is not let in": (letting_in(only()), {"trusted-denied"}),
}  # fmt: skip


def codes(app, trusted=(SHOP,)):
    (findings,) = audit_cors(app, ["/r"], trusted).values()
    assert len({finding.code for finding in findings}) == len(findings)
    for finding in findings:
        assert all((finding.value, finding.why, finding.fix, finding.clause))
        assert finding.value.isascii()
        assert finding.value.isprintable()
    return {finding.code: finding.severity for finding in findings}


@pytest.mark.parametrize(("app", "found"), BAD.values(), ids=BAD)
def test_a_bad_service_is_found_out_and_nothing_else_is_said_of_it(app, found):
    assert codes(app).keys() == found


def test_every_finding_has_a_service_that_is_bad_in_that_way():
    assert set().union(*(found for _, found in BAD.values())) == CODES


def test_the_good_service_of_this_file_is_good():
    assert codes(letting_in(only(SHOP))) == {}


def test_authorization_that_is_listed_when_it_is_asked_for_is_covered():
    def asked(names):
        return [*FIXED, ("Access-Control-Allow-Headers", "authorization" if names == "authorization" else "*")]

    assert codes(letting_in(only(SHOP), asked=asked)) == {}


def test_strangers_alone_may_be_the_ones_that_are_granted_too_much():
    told = [("Access-Control-Allow-Credentials", "true")]
    assert codes(letting_in(only(SHOP), denied=told)) == {"granted-to-denied": "low"}
    assert codes(letting_in(only(SHOP), nobody=told)) == {}


def test_every_error_counts_and_what_is_no_error_does_not():
    for status, found in (("400 Bad", {"unreadable": "medium"}), ("500 Oh", {"unreadable": "medium"}), ("200 OK", {})):
        assert codes(letting_in(only(SHOP), missing=status, marks_missing=False)) == found


TOLD = {
    "by both": ({"matches": only(SHOP, "null")}, "null, by GET and preflight"),
    "with credentials": (
        {"matches": only(SHOP, "null"), "credentials": "true"}, "null, by GET and preflight, with credentials",
    ),
    "by preflight": (
        {"matches": only(SHOP), "refused": [*FIXED, ("Access-Control-Allow-Origin", "null")]}, "null, by preflight",
    ),
    "by GET": ({"matches": only(SHOP), "denied": [("Access-Control-Allow-Origin", "null")]}, "null, by GET"),
    "by several": (
        {"matches": only(SHOP, "https://codepen.io", "https://jsbin.com", "https://repl.it")},
        "https://codepen.io and 2 more, by GET and preflight",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("arguments", "value"), TOLD.values(), ids=TOLD)
def test_who_is_let_in_is_told_and_by_what(arguments, value):
    (findings,) = audit_cors(letting_in(**arguments), ["/r"], [SHOP]).values()
    assert findings[0].value == value


GOOD = {
    "one origin": ({}, [SHOP]),
    "with credentials": ({"credentials": True}, [SHOP]),
    "several origins": ({"origins": [SHOP, "https://admin.example"]}, [SHOP, "https://admin.example"]),
    "subdomains that are meant": ({"origins": ["https://*.shop.example"]}, ["https://*.shop.example"]),
    "ports that are meant": ({"origins": ["http://localhost:*"]}, ["http://localhost:*"]),
    "everybody, as is meant": ({"origins": ["*"], "timing": True}, ["*"]),
    "any method and header": ({"methods": ["*"], "request_headers": ["*"]}, [SHOP]),
    "any header, with credentials": ({"methods": ["*"], "request_headers": ["*"], "credentials": True}, [SHOP]),
    "everything listed and disclosed": (
        {"methods": ["PUT"], "request_headers": ["Authorization"], "response_headers": ["ETag"], "disclosure": "full"},
        [SHOP],
    ),
    "a page by http": ({"origins": ["http://shop.example:8080"]}, ["http://shop.example:8080"]),
    "an address": ({"origins": ["http://[::1]:3000"]}, ["http://[::1]:3000"]),
    "nobody is expected": ({}, []),
}


@pytest.mark.parametrize(("written", "trusted"), GOOD.values(), ids=GOOD)
def test_of_a_good_service_nothing_is_said(written, trusted):
    policy = Policy(**({"origins": [SHOP], "max_age": 600} | written))
    assert codes(Middleware(plain, policy), trusted) == {}
    assert codes(Middleware(plain, PolicyMap({"/*": policy})), trusted) == {}


def test_a_static_origin_on_every_answer_is_as_good():
    fixed = [("Access-Control-Allow-Origin", SHOP), ("Access-Control-Expose-Headers", "ETag")]
    static = letting_in(lambda _: False, always=fixed, vary=None, asked=(), refused=FIXED)
    assert codes(static) == {}


CROOKED = {
    "any-origin-reflected": lambda origin: True,
    "null": only(SHOP, "null"),
    "http-downgrade": only(SHOP, "http://shop.example"),
    "third-party": only(SHOP, "https://codepen.io"),
}


@pytest.mark.parametrize("code", CROOKED)
def test_a_stranger_with_credentials_is_worse(code):
    assert codes(letting_in(CROOKED[code])) == {code: "medium"}
    assert codes(letting_in(CROOKED[code], credentials="true")) == {code: "high"}


def test_what_no_browser_sends_is_not_as_bad():
    assert codes(letting_in(lambda origin: origin.lower() == SHOP, credentials="true")) == {"loose-comparison": "low"}


def test_where_everybody_is_meant_only_credentials_are_amiss():
    assert codes(letting_in(lambda origin: True), ["*"]) == {}
    assert codes(letting_in(lambda origin: True, credentials="true"), ["*"]) == {"any-origin-reflected": "high"}


def test_what_only_the_owner_of_the_name_can_register_is_a_subdomain_and_no_suffix():
    subdomains = Middleware(plain, Policy(origins=["https://*.shop.example"], max_age=600))
    assert codes(subdomains, ["https://www.shop.example"]) == {"any-subdomain": "medium"}


def asking(answers):
    """Return a server that keeps what it was asked."""
    asked = []

    def ask(method, headers):
        asked.append((method, dict(headers)))
        return answers

    return ask, asked


def test_the_neighbours_of_an_origin_are_tried_though_nothing_is_expected_of_itself():
    reckless = letting_in(lambda origin: origin.endswith("shop.example"))

    def ask(method, headers):
        environ = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers}
        started = []
        reckless(environ | {"REQUEST_METHOD": method, "PATH_INFO": "/r"}, lambda *said: started.append(said))
        return Answer(200, started[0][1])

    assert {"suffix", "any-subdomain"} <= {finding.code for finding in probe(ask, [], near=[SHOP])}
    assert probe(ask, []) == []


def test_only_harmless_questions_are_asked():
    ask, asked = asking(Answer(200, ()))
    probe(ask, [SHOP])
    assert {method for method, _ in asked} == {"GET", "OPTIONS"}
    assert {name for _, headers in asked for name in headers} == {
        "Origin", "Access-Control-Request-Method", "Access-Control-Request-Headers",
        "Access-Control-Request-Private-Network",
    }  # fmt: skip
    assert ("GET", {"Origin": STRANGER}) in asked
    assert ("GET", {}) in asked


@pytest.mark.parametrize("trusted", [["https://shop.example/"], ["null"], ["*", SHOP], [SHOP, "shop.example"]])
def test_a_trusted_origin_that_is_none_is_refused(trusted):
    for arguments in ({"trusted": trusted}, {"trusted": [SHOP], "near": trusted}):
        with pytest.raises(PolicyError) as caught:
            probe(asking(Answer(200, ()))[0], **arguments)
        assert [problem.field for problem in caught.value.problems] == ["origins"]


@pytest.mark.parametrize("hostile", ["\xff\x1b[31m", "a" * 100_000, "*,*", '"', "<script>", ",", ""])
def test_whatever_a_service_answers_is_told_in_plain_characters(hostile):
    names = [name for name, _ in FIXED] + [
        "Vary", "Access-Control-Allow-Origin", "Access-Control-Allow-Credentials", "Access-Control-Allow-Headers",
        "Access-Control-Expose-Headers", "Access-Control-Allow-Private-Network",
    ]  # fmt: skip
    for status in (200, 99, 999):
        for finding in probe(asking(Answer(status, [(name, hostile) for name in names]))[0], [SHOP]):
            assert str(finding).isascii() or "→" in str(finding)
            assert finding.value.isprintable()
            assert len(finding.value) < 300


NAMES = [name for name, _ in FIXED] + [
    "Vary", "vary", "Access-Control-Allow-Origin", "access-control-allow-origin", "Access-Control-Allow-Credentials",
    "Access-Control-Allow-Headers", "Access-Control-Expose-Headers", "Access-Control-Allow-Private-Network", "X",
]  # fmt: skip
VALUES = st.sampled_from(["*", "true", SHOP, STRANGER, "null", "GET, *", "600", "9" * 5000]) | st.text(
    st.characters(max_codepoint=255)
)
ANSWERS = st.lists(
    st.builds(Answer, st.integers(0, 999), st.lists(st.tuples(st.sampled_from(NAMES), VALUES))), min_size=1
)


@settings(max_examples=60)
@given(ANSWERS, st.sampled_from([[], [SHOP], ["*"], ["https://*.shop.example", "http://localhost:*"]]))
def test_whatever_a_service_answers_there_are_findings_or_none(answers, trusted):
    said = cycle(answers)
    found = probe(lambda *_: next(said), trusted, lambda *_: next(said), near=[SHOP])
    assert {finding.code for finding in found} <= CODES
    assert [SEVERITIES.index(finding.severity) for finding in found] == sorted(
        (SEVERITIES.index(finding.severity) for finding in found), reverse=True
    )
