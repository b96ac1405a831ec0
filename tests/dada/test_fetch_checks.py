"""What a browser checks (Fetch §2.2.2, §4.8, §4.10), clause by clause; a real one is asked in tests/browser."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dada.fetch_checks import CHROMIUM, cors_check, is_safelisted, preflight_check, readable_headers, unsafe_names

PAGE, EVIL = "https://page.example", "https://evil.example"
ACAO, ACAC, ACEH = "Access-Control-Allow-Origin", "Access-Control-Allow-Credentials", "Access-Control-Expose-Headers"
ACAM, ACAH, ACMA = "Access-Control-Allow-Methods", "Access-Control-Allow-Headers", "Access-Control-Max-Age"

# --- what goes without asking ----------------------------------------------------------------------------

BYTES = [chr(code) for code in range(256)]
UNSAFE = {*map(chr, range(32)), *'"():<>?@[\\]{}', "\x7f"} - {"\t"}
SPOKEN = {*"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz *,-.;="}


def test_every_byte_is_safe_in_a_value_or_not():
    assert {byte for byte in BYTES if not is_safelisted("Accept", f"a{byte}")} == UNSAFE
    assert {byte for byte in BYTES if is_safelisted("Accept-Language", f"a{byte}")} == SPOKEN
    assert {byte for byte in BYTES if is_safelisted("Content-Language", f"a{byte}")} == SPOKEN
    assert {byte for byte in BYTES if not is_safelisted("Content-Type", f"text/plain;{byte}")} == UNSAFE
    assert {byte for byte in BYTES if is_safelisted("Content-Type", f"text/plain{byte}a")} == {";"}


SAFE = [
    ("Accept", ""), ("ACCEPT", "*/*"), ("accept", "\xe4"), ("Accept-Language", "de-DE,de;q=0.5"),
    ("Content-Language", "*"),
    ("Content-Type", "text/plain"), ("content-type", "TEXT/PLAIN ; charset=utf-8"), ("Content-Type", "\ttext/plain "),
    ("Content-Type", "application/x-www-form-urlencoded"), ("Content-Type", "multipart/form-data; boundary=x"),
    ("Content-Type", "text/plain;charset=x, application/json"), ("Range", "bytes=0-"), ("Range", "bytes=5-5"),
    ("range", "bytes=0-" + "9" * 120), ("Accept", "a" * 128), ("Accept", "\xe4" * 128),
]  # fmt: skip
TO_ASK_FOR = [
    ("Accept", "a" * 129), ("Accept", "a:b"), ("Accept-Language", "de_DE"), ("Accept-Language", "\xe4"),
    ("Content-Type", ""),
    ("Content-Type", "application/json"), ("Content-Type", "text/plainx"),
    ("Content-Type", "text/plain, application/json"),
    ("Content-Type", "text"), ("Content-Type", "text/"), ("Content-Type", "/plain"), ("Content-Type", ";text/plain"),
    ("Content-Type", "text/plain;a=(b)"), ("Content-Type", 'text/plain;a="b"'),
    ("Content-Type", "application/json;text/plain"),
    ("Range", "bytes=-1"), ("Range", "bytes=2-1"), ("Range", "bytes=1"), ("Range", "bytes=1-2,3-4"),
    ("Range", "Bytes=1-"),
    ("Range", " bytes=1-"), ("Range", "bytes=1- 2"), ("Range", "bytes=\u0661-"), ("X-A", ""), ("Authorization", "x"),
    ("", ""),
    ("User-Agent", "x"), ("DPR", "1"), ("Save-Data", "on"), ("Accepts", "a"), ("Content-Encoding", "x"), ("*", "x"),
]  # fmt: skip


@pytest.mark.parametrize(("header", "safe"), [(h, True) for h in SAFE] + [(h, False) for h in TO_ASK_FOR], ids=repr)
def test_a_header_goes_without_asking_or_not(header, safe):
    assert is_safelisted(*header) == safe
    assert unsafe_names([header]) == ([] if safe else [header[0].lower()])


HINTS = {
    "DPR": (["1", "1.5", "00"], ["", "1.", ".5", "-1", "1e3", "1 ", "\u0661"]),
    "Device-Memory": (["8", "0.25"], ["x"]),
    "downlink": (["10"], ["+1"]),
    "Width": (["1"], ["1.5", ""]),
    "Viewport-Width": (["1"], ["a"]),
    "RTT": (["100"], ["1.5"]),
    "ECT": (["slow-2g", "2g", "3g", "4g"], ["5g", "4G", ""]),
    "Save-Data": (["on", "ON"], ["off", "1", ""]),
}


def test_an_intervention_goes_without_asking_in_chromium_only():
    for value, free in (("", True), ("(", True), ("x" * 128, True), ("x" * 129, False)):
        assert is_safelisted("Intervention", value, CHROMIUM) == free
        assert not is_safelisted("Intervention", value)


@pytest.mark.parametrize("name", HINTS)
def test_client_hints_go_without_asking_in_chromium_only(name):
    good, bad = HINTS[name]
    assert all(is_safelisted(name, value, CHROMIUM) for value in good)
    assert not any(is_safelisted(name, value, CHROMIUM) for value in bad)
    assert not any(is_safelisted(name, value) for value in good)


UNSAFE_NAMES = {
    "nothing": ([], [], []),
    "sorted, once, in lower case": (
        [("X-B", "1"), ("x-a", "2"), ("X-b", "3"), ("Authorization", "")], ["authorization", "x-a", "x-b"], None,
    ),
    "safe ones are left out": ([("Accept", "a"), ("X-A", "1"), ("Range", "bytes=1-")], ["x-a"], None),
    "1024 bytes of safe ones": ([("Accept", "a" * 128)] * 8, [], ["accept"]),
    "1025 bytes of safe ones": (
        [("Accept", "a" * 128)] * 8 + [("Accept-Language", "a")], ["accept", "accept-language"], ["accept"],
    ),
    "unsafe ones do not count": ([("Accept", "a" * 128)] * 8 + [("X-A", "a" * 999)], ["x-a"], ["accept", "x-a"]),
    "two halves of a safe value": ([("Accept", "a" * 100), ("accept", "a" * 100)], [], ["accept"]),
    "a safe type, then JSON": (
        [("Content-Type", "text/plain;a"), ("Content-Type", "application/json")], ["content-type"], [],
    ),
    "a safe type twice": ([("Content-Type", "text/plain"), ("Content-Type", "text/plain")], [], ["content-type"]),
    "User-Agent": ([("User-Agent", "x"), ("X-A", "1")], ["user-agent", "x-a"], ["x-a"]),
    "a Range that is too great for Chromium": ([("Range", f"bytes={2**63 - 1}-")], [], ["range"]),
    "a Range up to there": ([("Range", f"bytes=0-{2**63 - 1}")], [], ["range"]),
    "a Range just below": ([("Range", f"bytes={2**63 - 2}-{2**63 - 2}")], [], []),
}  # fmt: skip


@pytest.mark.parametrize(("headers", "standard", "chromium"), UNSAFE_NAMES.values(), ids=UNSAFE_NAMES)
def test_what_a_page_must_ask_for(headers, standard, chromium):
    assert unsafe_names(headers) == standard
    assert unsafe_names(headers, CHROMIUM) == (standard if chromium is None else chromium)


HEADERS = st.lists(
    st.tuples(st.sampled_from(["Accept", "Range", "Content-Type", "X-A", "DPR", *HINTS]) | st.text(), st.text())
)


@given(HEADERS, st.sets(st.sampled_from(sorted(CHROMIUM))))
def test_any_headers_have_names_that_are_theirs_sorted_and_unlike(headers, quirks):
    names = unsafe_names(headers, quirks)
    assert names == sorted(set(names))
    assert set(names) <= {name.lower() for name, _ in headers}


@given(HEADERS)
def test_the_order_of_headers_does_not_matter_to_the_standard(headers):
    assert unsafe_names(headers) == unsafe_names(headers[::-1])


# --- may the page read? ----------------------------------------------------------------------------------

CHECKED = {  # mode, lines of Allow-Origin, lines of Allow-Credentials, the step that decides, its verdict
    "no header": ("omit", [], [], 2, False),
    "no header, with credentials": ("include", [], ["true"], 2, False),
    "anybody": ("omit", ["*"], [], 3, True),
    "anybody, by default": ("same-origin", ["*"], [], 3, True),
    "anybody, with white space": ("omit", [" * "], [], 3, True),
    "anybody, with credentials": ("include", ["*"], ["true"], 4, False),
    "another page": ("omit", [EVIL], [], 4, False),
    "the page in upper case": ("omit", [PAGE.upper()], [], 4, False),
    "the page with a slash": ("omit", [f"{PAGE}/"], [], 4, False),
    "the page twice": ("omit", [PAGE, PAGE], [], 4, False),
    "the page in a list": ("omit", [f"{PAGE}, {EVIL}"], [], 4, False),
    "anybody twice": ("omit", ["*", "*"], [], 4, False),
    "anybody in quotes": ("omit", ['"*"'], [], 4, False),
    "nobody": ("omit", [""], [], 4, False),
    "null": ("omit", ["null"], [], 4, False),
    "the page": ("omit", [PAGE], [], 5, True),
    "the page, with white space": ("omit", [f"\t{PAGE} "], [], 5, True),
    "the page, credentials do not matter": ("same-origin", [PAGE], ["false"], 5, True),
    "the page, with credentials": ("include", [PAGE], ["true"], 7, True),
    "the page, with credentials not let in": ("include", [PAGE], [], 7, False),
    "the page, with credentials in upper case": ("include", [PAGE], ["TRUE"], 7, False),
    "the page, with credentials twice": ("include", [PAGE], ["true", "true"], 7, False),
    "the page, with credentials as a number": ("include", [PAGE], ["1"], 7, False),
}  # fmt: skip


@pytest.mark.parametrize(("mode", "origins", "permits", "number", "ok"), CHECKED.values(), ids=CHECKED)
def test_the_cors_check_ends_at_its_step(mode, origins, permits, number, ok):
    lines = [(ACAO, value) for value in origins] + [(ACAC.lower(), value) for value in permits]
    checked = cors_check(PAGE, mode, lines)
    assert checked.ok == ok
    (step,) = checked.steps
    assert (step.name, step.clause, step.ok) == ("browser: cors check", f"Fetch §4.10 step {number}", ok)
    assert number != 7 or step.found == f"Access-Control-Allow-Credentials is {'true' if ok else 'not true'}"


def test_null_is_an_origin_like_another_to_the_check():
    assert cors_check("null", "include", [(ACAO, "null"), (ACAC, "true")]).ok


# --- may the page send? ----------------------------------------------------------------------------------


def preflight(method="PUT", headers=(), *lines, mode="omit", status=204, **more):
    return preflight_check(method, headers, PAGE, mode, status, [(ACAO, PAGE), (ACAC, "true"), *lines], **more)


X_A, AUTHORIZATION, PUT, STAR = ("X-A", "1"), ("Authorization", "x"), (ACAM, "PUT"), (ACAH, "*")
PREFLIGHTS = {  # the arguments, the mode, the names of the steps that fail
    "a listed method": (("PUT", [], PUT), "omit", []),
    "one of several": (("PUT", [], (ACAM, "GET, PUT ,,")), "omit", []),
    "in the second line": (("PUT", [], (ACAM, "GET"), PUT), "omit", []),
    "a safelisted method": (("POST", []), "omit", []),
    "a method not listed": (("PUT", []), "omit", ["method"]),
    "a method in lower case": (("patch", [], (ACAM, "PATCH")), "omit", ["method"]),
    "any method": (("PUT", [], (ACAM, "*")), "same-origin", []),
    "any method, with credentials": (("PUT", [], (ACAM, "*")), "include", ["method"]),
    "a method named *, with credentials": (("*", [], (ACAM, "*")), "include", []),
    "Allow is not the header": (("PUT", [], ("Allow", "PUT")), "omit", ["method"]),
    "a listed header": (("GET", [X_A], (ACAH, "x-A")), "omit", []),
    "a header not listed": (("GET", [X_A], (ACAH, "x-b")), "omit", ["headers"]),
    "any header": (("GET", [X_A], STAR), "omit", []),
    "any header, with credentials": (("GET", [X_A], STAR), "include", ["headers"]),
    "any header but Authorization": (("GET", [X_A, AUTHORIZATION], STAR), "omit", ["headers"]),
    "any header, and Authorization": (("GET", [X_A, AUTHORIZATION], (ACAH, "*,authorization")), "omit", []),
    "a safe header needs no listing": (("GET", [("Accept", "a")]), "omit", []),
    "a long one does": (("GET", [("Accept", "a" * 129)]), "omit", ["headers"]),
    "neither method nor header": (("PUT", [X_A]), "omit", ["method", "headers"]),
    "a list of methods that is none": (("PUT", [], (ACAM, "PUT;DELETE")), "omit", ["grammar"]),
    "one line that is none": (("PUT", [], PUT, (ACAM, "a b")), "omit", ["grammar"]),
    "a list of headers that is none": (("GET", [X_A], (ACAH, '"x-a"')), "omit", ["grammar"]),
    "credentials not let in": (("PURGE", [X_A], (ACAC, "true")), "include", ["cors check"]),
}  # fmt: skip


@pytest.mark.parametrize(("arguments", "mode", "failing"), PREFLIGHTS.values(), ids=PREFLIGHTS)
def test_the_answer_to_a_preflight_is_checked(arguments, mode, failing):
    checked = preflight(*arguments, mode=mode)
    assert [step.name for step in checked.steps if not step.ok] == [f"browser: {name}" for name in failing]
    assert checked.ok == (not failing)


@pytest.mark.parametrize(
    ("status", "ok"), [(199, False), (200, True), (204, True), (299, True), (300, False), (304, False), (404, False)]
)
def test_only_a_status_of_success_grants(status, ok):
    assert preflight("PUT", [], PUT, status=status).ok == ok


UPLOADS = {
    "nothing listed": ((), True, False),
    "another listed": (((ACAM, "PUT"),), False, False),
    "listed": (((ACAM, "patch"),), True, True),
}


@pytest.mark.parametrize(("lines", "standard", "chromium"), UPLOADS.values(), ids=UPLOADS)
def test_an_upload_that_always_asks_needs_no_list_of_methods(lines, standard, chromium):
    assert preflight("patch", [], *lines, always_asks=True).ok == standard
    assert preflight("patch", [], *lines, always_asks=True, quirks=CHROMIUM).ok == chromium
    assert preflight("patch", [], *lines).ok == (standard and bool(lines))


def test_star_covers_authorization_in_chromium_without_credentials():
    assert preflight("GET", [AUTHORIZATION], STAR, quirks=CHROMIUM).ok
    assert not preflight("GET", [AUTHORIZATION], STAR, quirks=CHROMIUM, mode="include").ok


def test_what_is_granted_is_told_for_the_cache():
    checked = preflight("PUT", [], PUT, (ACAM, "patch"), (ACAH, "X-A, *"), (ACMA, "600"))
    assert (checked.methods, checked.headers, checked.max_age) == (("PUT", "patch"), ("x-a", "*"), 600)


AGES = {  # the standard's seconds, Chromium's
    "600": (600, 600), "0": (0, 0), "00": (0, 0), " 7 ": (7, 7),
    "-1": (5, 0), "-0": (5, 0), "+600": (5, 600), "": (5, 5), "x": (5, 5), "1.5": (5, 5), "600, 600": (5, 5),
    "1e3": (5, 5),
    "8" * 10: (2**31, 2**31), str(2**63 - 1): (2**31, 2**31), str(2**63): (2**31, 5), "9" * 5000: (2**31, 5),
    f"-{2**63}": (5, 0), f"-{2**63 + 1}": (5, 5), "0" * 30 + "7": (7, 7), "\u0661": (5, 5), "-": (5, 5), "--1": (5, 5),
    "6 0": (5, 5),
}  # fmt: skip


@pytest.mark.parametrize("value", AGES)
def test_an_age_that_is_no_number_is_five_seconds(value):
    standard, chromium = AGES[value]
    assert preflight("PUT", [], PUT, (ACMA, value)).max_age == standard
    assert preflight("PUT", [], PUT, (ACMA, value), quirks=CHROMIUM).max_age == chromium


def test_an_age_that_is_absent_is_five_seconds_and_so_is_one_in_two_lines():
    assert preflight("PUT", [], PUT).max_age == 5
    assert preflight("PUT", [], PUT, (ACMA, "600"), (ACMA, "600")).max_age == 5


LINES = st.lists(
    st.tuples(
        st.sampled_from([ACAO, ACAC, ACAM, ACAH, ACMA, ACEH, "ETag", "Set-Cookie"]),
        st.text() | st.sampled_from(["*", PAGE, "true", "PUT", "x-a"]),
    )
)
MODES = st.sampled_from(["omit", "same-origin", "include"])


@given(
    st.text() | st.sampled_from(["GET", "PUT"]), HEADERS, st.text(), MODES, st.integers(0, 999), LINES, st.booleans()
)
def test_any_answer_to_a_preflight_is_judged(method, headers, origin, mode, status, lines, always):
    for quirks in ((), CHROMIUM):
        checked = preflight_check(method, headers, origin, mode, status, lines, always_asks=always, quirks=quirks)
        assert checked.ok == all(step.ok for step in checked.steps)
        assert all(step.found.isprintable() for step in checked.steps)
        assert checked.max_age >= 0


# --- what the page may read ------------------------------------------------------------------------------

THERE = [("X-A", "1"), ("ETag", "2"), ("Content-Type", "x"), ("Set-Cookie", "a"), ("Set-Cookie2", "b"), ("Pragma", "x")]
ALWAYS = {"content-type", "pragma"}
READ = {
    "nothing exposed": ("omit", [], set()),
    "an empty list": ("omit", [""], set()),
    "one": ("omit", ["x-A"], {"x-a"}),
    "two lines": ("omit", ["X-A", "etag"], {"x-a", "etag"}),
    "one that is not there": ("omit", ["X-Z"], set()),
    "any": ("omit", ["*"], {"x-a", "etag", "access-control-expose-headers"}),
    "any and one": ("same-origin", ["ETag, *"], {"x-a", "etag", "access-control-expose-headers"}),
    "any, with credentials": ("include", ["*"], set()),
    "any and one, with credentials": ("include", ["*, etag"], {"etag"}),
    "one bad element": ("omit", ["x-a, e tag"], set()),
    "one bad line": ("omit", ["x-a", '"etag"'], set()),
    "cookies": ("omit", ["Set-Cookie, Set-Cookie2"], set()),
}


@pytest.mark.parametrize(("mode", "exposed", "more"), READ.values(), ids=READ)
def test_a_page_may_read_what_is_safelisted_or_exposed(mode, exposed, more):
    assert readable_headers(mode, [*THERE, *((ACEH, value) for value in exposed)]) == ALWAYS | more


@given(MODES, LINES)
def test_any_answer_can_be_read_in_part_and_cookies_never(mode, lines):
    readable = readable_headers(mode, lines)
    assert readable <= {name.lower() for name, _ in lines}
    assert "set-cookie" not in readable


def test_the_step_of_a_method_says_why_it_passed():
    def found(method, *methods):
        steps = preflight(method, [], *methods).steps
        return next(step.found for step in steps if step.name == "browser: method")

    granted = (ACAM, "PUT, POST")
    assert found("PUT", granted) == "PUT is granted"
    assert found("POST", granted) == found("POST") == "POST needs no permission"
    assert found("DELETE", granted) == "DELETE is not granted"
