"""What a CORS policy may not say (Fetch §3.3), each with its code and all at once, and what it had better not."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dada.cors import Policy, PolicyError
from dada.errors import Misuse

GOOD = {"origins": ["https://shop.example"]}


def problems(**settings):
    """Return (code, field) of everything wrong with a policy, and see to it that each is told in full."""
    try:
        Policy(**(GOOD | settings))
    except PolicyError as error:
        for problem in error.problems:
            assert problem.why
            assert problem.fix
            assert problem.field in Policy.__dataclass_fields__
            assert str(problem) in str(error)
            assert "\n" not in str(problem)
            assert len(problem.value) <= 80
        return [(problem.code, problem.field) for problem in error.problems]
    return []


# --- one problem -----------------------------------------------------------------------------------------

ONE = {
    # lists
    "a text for the origins": ({"origins": "https://shop.example"}, "not-a-list", "origins"),
    "bytes for the origins": ({"origins": b"https://shop.example"}, "not-a-list", "origins"),
    "None for the origins": ({"origins": None}, "not-a-list", "origins"),
    "a text for the origins, with credentials": ({"origins": "*", "credentials": True}, "not-a-list", "origins"),
    "a text for the methods": ({"methods": "PUT"}, "not-a-list", "methods"),
    "a star for the methods": ({"methods": "*"}, "not-a-list", "methods"),
    "True for the methods": ({"methods": True}, "not-a-list", "methods"),
    "a text for the response headers, with credentials": (
        {"response_headers": "*", "credentials": True}, "not-a-list", "response_headers",
    ),
    "a long text for the methods": ({"methods": "PUT, " * 99}, "not-a-list", "methods"),
    "a text for the request headers": ({"request_headers": "X-A"}, "not-a-list", "request_headers"),
    "a text for the response headers": ({"response_headers": "X-A"}, "not-a-list", "response_headers"),
    # origins
    "nobody": ({"origins": []}, "origins-empty", "origins"),
    "anybody and more": ({"origins": ["*", "https://shop.example"]}, "origins-any-and-more", "origins"),
    "null": ({"origins": ["null"]}, "origin-null", "origins"),
    "null with credentials": ({"origins": ["null"], "credentials": True}, "origin-null", "origins"),
    "a file": ({"origins": ["file:///x"]}, "origin-file", "origins"),
    "no scheme": ({"origins": ["shop.example"]}, "origin-scheme", "origins"),
    "a slash at the end": ({"origins": ["https://shop.example/"]}, "origin-path", "origins"),
    "a path": ({"origins": ["https://shop.example/api"]}, "origin-path", "origins"),
    "a query": ({"origins": ["https://shop.example?x"]}, "origin-query", "origins"),
    "a fragment": ({"origins": ["https://shop.example#x"]}, "origin-fragment", "origins"),
    "a user name": ({"origins": ["https://me@shop.example"]}, "origin-userinfo", "origins"),
    "two origins in one text": ({"origins": ["https://a.example,https://b.example"]}, "origin-list", "origins"),
    "a blank": ({"origins": ["https://shop.example "]}, "origin-blank", "origins"),
    "upper case": ({"origins": ["https://Shop.example"]}, "origin-upper-case", "origins"),
    "a scheme in upper case": ({"origins": ["HTTPS://shop.example"]}, "origin-upper-case", "origins"),
    "Unicode": ({"origins": ["https://bücher.example"]}, "origin-unicode", "origins"),
    "punycode of nothing": ({"origins": ["https://xn--a.example"]}, "origin-punycode", "origins"),
    "a default port": ({"origins": ["https://shop.example:443"]}, "origin-default-port", "origins"),
    "port 0": ({"origins": ["https://shop.example:0"]}, "origin-port", "origins"),
    "port 65536": ({"origins": ["https://shop.example:65536"]}, "origin-port", "origins"),
    "a port with a zero before it": ({"origins": ["https://shop.example:0443"]}, "origin-port", "origins"),
    "an IPv4 address cut short": ({"origins": ["http://127.1"]}, "origin-ipv4", "origins"),
    "an IPv6 address at full length": ({"origins": ["http://[0:0:0:0:0:0:0:1]"]}, "origin-ipv6", "origins"),
    "an IPv4 address as IPv6": ({"origins": ["http://[::ffff:1.2.3.4]"]}, "origin-ipv6", "origins"),
    "an IPv6 address with a zone": ({"origins": ["http://[fe80::1%eth0]"]}, "origin-ipv6", "origins"),
    "an IPv6 address without brackets": ({"origins": ["http://::1"]}, "origin-host", "origins"),
    "too long": ({"origins": ["https://" + "a." * 150]}, "origin-length", "origins"),
    "a star without a dot": ({"origins": ["https://*shop.example"]}, "origin-wildcard", "origins"),
    "a star within": ({"origins": ["https://a.*.example"]}, "origin-wildcard", "origins"),
    "a star for the host": ({"origins": ["https://*"]}, "origin-wildcard", "origins"),
    "subdomains of an address": ({"origins": ["http://*.127.0.0.1"]}, "origin-wildcard", "origins"),
    "subdomains of an address with a port": ({"origins": ["http://*.[::1]:80"]}, "origin-wildcard", "origins"),
    "a regular expression": ({"origins": [r"https://.*\.shop\.example"]}, "origin-wildcard", "origins"),
    "a number for an origin": ({"origins": [1]}, "origin-no-text", "origins"),
    # methods
    "a method of many words": ({"methods": ["PU T" * 99]}, "not-a-token", "methods"),
    "a method of two words": ({"methods": ["PU T"]}, "not-a-token", "methods"),
    "methods in one text": ({"methods": ["PUT, DELETE"]}, "not-a-token", "methods"),
    "an empty method": ({"methods": [""]}, "not-a-token", "methods"),
    "a method with a line end": ({"methods": ["PUT\r\nX: y"]}, "not-a-token", "methods"),
    "a number for a method": ({"methods": [1]}, "not-a-token", "methods"),
    "TRACE": ({"methods": ["TRACE"]}, "forbidden-method", "methods"),
    "connect": ({"methods": ["connect"]}, "forbidden-method", "methods"),
    "Track": ({"methods": ["Track"]}, "forbidden-method", "methods"),
    "put": ({"methods": ["put"]}, "method-case", "methods"),
    "Get": ({"methods": ["Get"]}, "method-case", "methods"),
    "any method and more": ({"methods": ["*", "PUT"]}, "any-and-more", "methods"),
    # request headers
    "a header with a colon": ({"request_headers": ["X-A:"]}, "not-a-token", "request_headers"),
    "headers in one text": ({"request_headers": ["X-A,X-B"]}, "not-a-token", "request_headers"),
    "a header that is not ASCII": ({"request_headers": ["X-Ä"]}, "not-a-token", "request_headers"),
    "a long header": ({"request_headers": ["Sec-" + "x" * 99]}, "forbidden-header", "request_headers"),
    "Cookie": ({"request_headers": ["Cookie"]}, "forbidden-header", "request_headers"),
    "Host": ({"request_headers": ["host"]}, "forbidden-header", "request_headers"),
    "Origin to be set": ({"request_headers": ["Origin"]}, "forbidden-header", "request_headers"),
    "Sec-Fetch-Site": ({"request_headers": ["Sec-Fetch-Site"]}, "forbidden-header", "request_headers"),
    "Proxy-Authorization": ({"request_headers": ["proxy-authorization"]}, "forbidden-header", "request_headers"),
    "a header of answers": ({"request_headers": ["Access-Control-Allow-Origin"]}, "response-header", "request_headers"),
    "any header and more": ({"request_headers": ["*", "X-A"]}, "any-and-more", "request_headers"),
    # response headers
    "a response header of two words": ({"response_headers": ["X A"]}, "not-a-token", "response_headers"),
    "Set-Cookie": ({"response_headers": ["Set-Cookie"]}, "forbidden-header", "response_headers"),
    "set-cookie2": ({"response_headers": ["set-cookie2"]}, "forbidden-header", "response_headers"),
    "Origin to be read": ({"response_headers": ["Origin"]}, "request-header", "response_headers"),
    "Access-Control-Request-Method": (
        {"response_headers": ["Access-Control-Request-Method"]}, "request-header", "response_headers",
    ),
    "a header of the protocol": (
        {"response_headers": ["Access-Control-Max-Age"]}, "protocol-header", "response_headers",
    ),
    "any response header and Authorization": (
        {"response_headers": ["*", "Authorization"]}, "any-and-more", "response_headers",
    ),
    # credentials
    "anybody with credentials": ({"origins": ["*"], "credentials": True}, "any-origin-with-credentials", "origins"),
    "any response header with credentials": (
        {"response_headers": ["*"], "credentials": True}, "any-exposed-with-credentials", "response_headers",
    ),
    "http with credentials": ({"origins": ["http://shop.example"], "credentials": True}, "insecure-origin", "origins"),
    "http subdomains with credentials": (
        {"origins": ["http://*.shop.example"], "credentials": True}, "insecure-origin", "origins",
    ),
    "an address in the house with credentials": (
        {"origins": ["http://10.0.0.1"], "credentials": True}, "insecure-origin", "origins",
    ),
    "a public suffix with credentials": (
        {"origins": ["https://*.co.uk"], "credentials": True}, "public-suffix", "origins",
    ),
    "a hosting service with credentials": (
        {"origins": ["https://*.github.io:*"], "credentials": True}, "public-suffix", "origins",
    ),
    "a top-level domain with credentials": (
        {"origins": ["https://*.com"], "credentials": True}, "public-suffix", "origins",
    ),
    # the rest
    "credentials that are a text": ({"credentials": "yes"}, "not-a-bool", "credentials"),
    "credentials that are 1": ({"credentials": 1}, "not-a-bool", "credentials"),
    "timing that is None": ({"timing": None}, "not-a-bool", "timing"),
    "a switch that is a text": (
        {"dangerously_allow_insecure_origins": "no"}, "not-a-bool", "dangerously_allow_insecure_origins",
    ),
    "another switch that is a number": (
        {"dangerously_allow_public_suffixes": 0}, "not-a-bool", "dangerously_allow_public_suffixes",
    ),
    "a third disclosure": ({"disclosure": "some"}, "disclosure", "disclosure"),
    "a disclosure that is a list": ({"disclosure": ["full"]}, "disclosure", "disclosure"),
    "a negative age": ({"max_age": -1}, "max-age", "max_age"),
    "a fraction of an age": ({"max_age": 1.5}, "max-age", "max_age"),
    "an age that is a text": ({"max_age": "600"}, "max-age", "max_age"),
    "an age that is a boolean": ({"max_age": True}, "max-age", "max_age"),
    "an age of a year": ({"max_age": 31_536_000}, "max-age", "max_age"),
    "a day and a second": ({"max_age": 86_401}, "max-age", "max_age"),
}  # fmt: skip


@pytest.mark.parametrize(("settings", "code", "field"), ONE.values(), ids=ONE)
def test_what_can_never_work_or_cannot_be_safe_is_refused(settings, code, field):
    assert problems(**settings) == [(code, field)]


def test_all_problems_are_told_at_once():
    wrong = {
        "origins": ["null", "https://a.example/", "http://b.example"], "methods": ["TRACE", "put"], "credentials": True,
        "request_headers": "X-A", "response_headers": ["Set-Cookie", "*"], "max_age": -1, "disclosure": None,
        "timing": 1,
    }  # fmt: skip
    assert sorted(problems(**wrong)) == [
        ("any-and-more", "response_headers"),
        ("any-exposed-with-credentials", "response_headers"),
        ("disclosure", "disclosure"),
        ("forbidden-header", "response_headers"),
        ("forbidden-method", "methods"),
        ("insecure-origin", "origins"),
        ("max-age", "max_age"),
        ("method-case", "methods"),
        ("not-a-bool", "timing"),
        ("not-a-list", "request_headers"),
        ("origin-null", "origins"),
        ("origin-path", "origins"),
    ]


@pytest.mark.parametrize(
    "origin", ["http://a.example", "http://*.a.example:8080", "http://a.example:*", "http://1.2.3.4"]
)
def test_an_origin_is_told_as_it_was_written(origin):
    with pytest.raises(PolicyError) as caught:
        Policy(origins=[origin], credentials=True)
    assert [problem.value for problem in caught.value.problems] == [origin]


def test_the_error_is_of_the_tree():
    with pytest.raises(Misuse, match=r"origins=\*: any page could act as the user"):
        Policy(origins=["*"], credentials=True)


# --- what may be said ------------------------------------------------------------------------------------

RIGHT = {
    "one origin": {},
    "anybody": {"origins": ["*"]},
    "a tuple": {"origins": ("https://shop.example",)},
    "a generator": {"origins": (f"https://{name}.example" for name in "ab")},
    "everything, without credentials": {
        "origins": ["*"], "methods": ["*"], "request_headers": ["*"], "response_headers": ["*"],
    },
    "any method and header, with credentials": {"methods": ["*"], "request_headers": ["*"], "credentials": True},
    "any header, and Authorization": {"request_headers": ["*", "Authorization"]},
    "any header, and authorization": {"request_headers": ["authorization", "*"]},
    "safelisted methods, which need no listing": {"methods": ["GET", "HEAD", "POST", "PUT"]},
    "methods that nobody knows": {"methods": ["QUERY", "patch", "CHICKEN", "OPTIONS"]},
    "safelisted headers": {"request_headers": ["Accept", "Content-Type", "range"], "response_headers": ["Expires"]},
    "no age kept": {"max_age": 0},
    "an age of a day": {"max_age": 86_400},
    "this machine by http, with credentials": {
        "origins": [
            "http://localhost:3000", "http://127.0.0.1:*", "http://[::1]:3000", "http://*.localhost:*",
            "http://a.localhost",
        ],
        "credentials": True,
    },
    "app shells, with credentials": {"origins": ["capacitor://localhost"], "credentials": True},
    "http, without credentials": {"origins": ["http://shop.example", "http://*.shop.example"]},
    "a public suffix, without credentials": {"origins": ["https://*.co.uk"]},
    "a public suffix itself, with credentials": {"origins": ["https://github.io"], "credentials": True},
    "full disclosure": {"disclosure": "full"},
    "timing": {"timing": True},
}  # fmt: skip


@pytest.mark.parametrize("settings", RIGHT.values(), ids=RIGHT)
def test_a_policy_may_say_so(settings):
    assert problems(**settings) == []


def test_the_dangerous_switches_let_through_what_they_are_named_after_and_nothing_else():
    insecure, suffix = {"origins": ["http://shop.example"]}, {"origins": ["https://*.co.uk"]}
    both = {"origins": ["http://*.co.uk"], "credentials": True}
    assert problems(**insecure, credentials=True, dangerously_allow_insecure_origins=True) == []
    assert problems(**suffix, credentials=True, dangerously_allow_public_suffixes=True) == []
    assert problems(**insecure, credentials=True, dangerously_allow_public_suffixes=True) == [
        ("insecure-origin", "origins")
    ]
    assert problems(**suffix, credentials=True, dangerously_allow_insecure_origins=True) == [
        ("public-suffix", "origins")
    ]
    assert [code for code, _ in problems(**both)] == ["insecure-origin", "public-suffix"]
    switches = {"dangerously_allow_insecure_origins": True, "dangerously_allow_public_suffixes": True}
    assert problems(**both, **switches) == []
    for never in ({"origins": ["*"]}, {"origins": ["null"]}, {"response_headers": ["*"]}):
        assert problems(**never, credentials=True, **switches)


def test_only_names_may_be_given():
    with pytest.raises(TypeError):
        Policy(["https://shop.example"])  # type: ignore[misc]
    with pytest.raises(TypeError):
        Policy(origins=["https://shop.example"], private_network=True)  # type: ignore[call-arg]


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.just(object()),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner),
    max_leaves=6,
)
WORDS = st.lists(
    st.sampled_from(["*", "null", "https://a.example", "PUT", "put", "X-A", "Authorization", "", "a b"]), max_size=3
)
FIELDS = [name for name in Policy.__dataclass_fields__ if not name.startswith("_")]


@given(st.fixed_dictionaries({"origins": ANYTHING | WORDS}, optional=dict.fromkeys(FIELDS[1:], ANYTHING | WORDS)))
def test_anything_makes_a_policy_or_a_policy_error(settings):
    try:
        policy = Policy(**settings)
    except PolicyError as error:
        assert error.problems
    else:
        assert policy.credentials is not True or "*" not in policy.origins
        names = [*policy.methods, *policy.request_headers, *policy.response_headers]
        assert all(set(name) <= set(string.printable) for name in names)


# --- what had better not be said -------------------------------------------------------------------------


def audit(**settings):
    findings = Policy(**(GOOD | {"max_age": 600} | settings)).audit()
    for finding in findings:
        assert all((finding.why, finding.fix, finding.clause))
        assert str(finding).startswith(f"{finding.severity}: {finding.value}: ")
    return [(finding.code, finding.severity) for finding in findings]


CLEAN = {
    "one origin": {},
    "with credentials": {"credentials": True},
    "any port of this machine": {"origins": ["http://localhost:*"]},
    "a name without a dot": {"origins": ["https://intranet"]},
    "lists": {"methods": ["PUT"], "request_headers": ["X-A", "Authorization"], "response_headers": ["ETag"]},
}


@pytest.mark.parametrize("settings", CLEAN.values(), ids=CLEAN)
def test_nothing_is_found(settings):
    assert audit(**settings) == []


RISKY = {
    "http": ({"origins": ["http://shop.example"]}, [("insecure-origin", "medium")]),
    "http with credentials": (
        {"origins": ["http://shop.example"], "credentials": True, "dangerously_allow_insecure_origins": True},
        [("insecure-origin", "high")],
    ),
    "subdomains": ({"origins": ["https://*.shop.example"]}, [("any-subdomain", "medium")]),
    "subdomains of everybody": ({"origins": ["https://*.co.uk"]}, [("any-subdomain", "high")]),
    "any port": ({"origins": ["https://shop.example:*"]}, [("any-port", "low")]),
    "any port of any subdomain": (
        {"origins": ["https://*.shop.example:*"]}, [("any-subdomain", "medium"), ("any-port", "low")],
    ),
    "a host of everybody's pages": ({"origins": ["https://codepen.io"]}, [("shared-host", "high")]),
    "a hosting service": ({"origins": ["https://github.io"]}, [("shared-host", "high")]),
    "anybody": ({"origins": ["*"]}, [("any-origin", "note")]),
    "anybody with a token": (
        {"origins": ["*"], "request_headers": ["authorization"]},
        [("any-origin", "note"), ("any-origin-authorization", "medium")],
    ),
    "any method": ({"methods": ["*"]}, [("any-name", "low")]),
    "any header, read and set": (
        {"request_headers": ["*"], "response_headers": ["*"]}, [("any-name", "low"), ("any-name", "low")],
    ),
    "patch": ({"methods": ["patch"]}, [("method-patch", "low")]),
    "no age": ({"max_age": None}, [("max-age-absent", "note")]),
    "an age over one cap": ({"max_age": 601}, [("max-age-capped", "note")]),
    "an age over two caps": ({"max_age": 7201}, [("max-age-capped", "note"), ("max-age-capped", "note")]),
}  # fmt: skip


@pytest.mark.parametrize(("settings", "found"), RISKY.values(), ids=RISKY)
def test_what_is_legal_and_risky_is_found(settings, found):
    assert audit(**settings) == found
