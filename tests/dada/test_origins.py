"""RFC 6454 §4, §6.2: the grammar of origins, patterns by whole labels, and what a browser would never write."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dada.origins import MAX_ORIGIN, Origin, Origins, is_loopback, is_public_suffix, parse_origin

# --- one origin ------------------------------------------------------------------------------------------

LABEL = "a" * 63
LONGEST = ".".join([LABEL, LABEL, LABEL, "a" * 61])  # a host of 253 characters
GOOD = {
    "https://shop.example": ("https", "shop.example", ""),
    "http://localhost": ("http", "localhost", ""),
    "http://localhost:3000": ("http", "localhost", "3000"),
    "https://a.b-c.example:65535": ("https", "a.b-c.example", "65535"),
    "https://under_score.example": ("https", "under_score.example", ""),
    "https://xn--bcher-kva.example": ("https", "xn--bcher-kva.example", ""),
    "https://xn--fiqs8s": ("https", "xn--fiqs8s", ""),
    "https://xn--i-7iq.example": ("https", "xn--i-7iq.example", ""),
    "https://xn--a-qfa4a.example": ("https", "xn--a-qfa4a.example", ""),
    "https://1.example": ("https", "1.example", ""),
    "https://0xg.example": ("https", "0xg.example", ""),
    "http://127.0.0.1:8000": ("http", "127.0.0.1", "8000"),
    "http://[::1]": ("http", "[::1]", ""),
    "http://[::1]:3000": ("http", "[::1]", "3000"),
    "http://[2001:db8::1]": ("http", "[2001:db8::1]", ""),
    "capacitor://localhost": ("capacitor", "localhost", ""),
    "chrome-extension://abcdefgh": ("chrome-extension", "abcdefgh", ""),
    "http://a:443": ("http", "a", "443"),
    "https://a:80": ("https", "a", "80"),
    "https://a:1": ("https", "a", "1"),
    f"https://{LONGEST}:65535": ("https", LONGEST, "65535"),
    f"{'x' * (MAX_ORIGIN - 10)}://a.bcdef": ("x" * (MAX_ORIGIN - 10), "a.bcdef", ""),
}


@pytest.mark.parametrize(("text", "parts"), GOOD.items())
def test_an_origin_is_taken_apart(text, parts):
    assert parse_origin(text) == Origin(*parts)
    assert Origins([text]).problems == []
    assert Origins([text]).contain(text)


BAD = {
    "null": "null",
    "": "length",
    "https://" + "a" * MAX_ORIGIN: "length",
    "bücher.example": "unicode",
    "https://bücher.example": "unicode",
    "https://shop。example": "unicode",
    "shop.example": "scheme",
    "//shop.example": "scheme",
    "https:shop.example": "scheme",
    "https:/shop.example": "scheme",
    " https://shop.example": "scheme",
    "1http://shop.example": "scheme",
    "://shop.example": "scheme",
    "HTTPS://shop.example": "upper-case",
    "https://Shop.example": "upper-case",
    "https://SHOP.EXAMPLE:8443": "upper-case",
    "file:///etc/passwd": "file",
    "file://": "file",
    "https://a.example,https://b.example": "list",
    "https://a.example https://b.example": "blank",
    "https://shop.example ": "blank",
    "https://me@shop.example": "userinfo",
    "https://shop.example@evil.example": "userinfo",
    "https://shop.example?x": "query",
    "https://shop.example#x": "fragment",
    "https://shop.example/": "path",
    "https://shop.example/api": "path",
    "https://shop.example:443/": "path",
    "https://shop.example:": "port",
    "https://shop.example:0": "port",
    "https://shop.example:65536": "port",
    "https://shop.example:080": "port",
    "https://shop.example:8o": "port",
    "https://shop.example:-1": "port",
    "https://shop.example:+1": "port",
    "https://shop.example:443": "default-port",
    "http://shop.example:80": "default-port",
    "wss://shop.example:443": "default-port",
    "https://": "host",
    "https://:8443": "host",
    "https://.": "host",
    "https://shop..example": "host",
    "https://.shop.example": "host",
    "https://shop.example.": "host",
    "https://shop.example\n": "host",
    "https://shop.example\t": "host",
    "https://shop.example\0": "host",
    "https://shop.example\\evil.example": "host",
    "https://shop.example!.evil.example": "host",
    "https://shop.example`.evil.example": "host",
    "https://shop.example%60.evil.example": "host",
    "https://{}": "host",
    "https://a:b:80": "host",
    "https://::1": "host",
    f"https://{LABEL}a.example": "host",
    f"https://{LONGEST}a": "host",
    f"{'x' * (MAX_ORIGIN - 9)}://a.bcdef": "length",
    "https://SHOP!.example": "host",
    "https://[::1": "ipv6",
    "https://::1]": "ipv6",
    "https://[::1%eth0]": "ipv6",
    "https://[0:0:0:0:0:0:0:1]": "ipv6",
    "https://[::FFFF]": "ipv6",
    "https://[::ffff:127.0.0.1]": "ipv6",
    "https://[::ffff:7f00:1]": "ipv6",
    "https://[127.0.0.1]": "ipv6",
    "https://[]": "ipv6",
    "https://127.1": "ipv4",
    "https://127.0.0.01": "ipv4",
    "https://256.0.0.1": "ipv4",
    "https://2130706433": "ipv4",
    "https://0x7f000001": "ipv4",
    "https://a.0x": "ipv4",
    "https://1.2.3.4.5": "ipv4",
    "https://shop.1": "ipv4",
    "https://xn--a.example": "punycode",  # U+0080
    "https://xn--bcher-2pa.example": "punycode",  # an upper-case letter
    "https://xn--.example": "punycode",
    "https://xn--abc-.example": "punycode",
    "https://xn---4ca.example": "punycode",
    "https://xn--99999999999.example": "punycode",
}


@pytest.mark.parametrize(("text", "code"), BAD.items(), ids=ascii)
def test_a_text_is_no_origin_and_the_first_reason_is_told(text, code):
    assert parse_origin(text) is None
    (problem,) = Origins([text]).problems
    assert problem.code == f"origin-{code}"
    assert problem.field == "origins"
    assert problem.value.isascii()
    assert len(problem.value) <= 80
    assert problem.fix


@pytest.mark.parametrize("thing", [None, 1, b"https://shop.example", ["https://shop.example"], object()])
def test_what_is_no_text_is_no_origin(thing):
    assert [problem.code for problem in Origins([thing]).problems] == ["origin-no-text"]


# --- patterns --------------------------------------------------------------------------------------------

PATTERNS = {
    "https://*.shop.example": (
        [
            "https://a.shop.example", "https://a.b.shop.example", "https://x-y.shop.example",
            "https://xn--bcher-kva.shop.example",
        ],
        [
            "https://shop.example", "https://evilshop.example", "https://.shop.example",
            "https://a.shop.example.evil.example",
            "http://a.shop.example", "https://a.shop.example:8443", "https://a.shop.example:443",
            "https://a.shop.example.",
            "https://*.shop.example", "https://a..shop.example", "https://a.SHOP.example", "https://A.shop.example",
            "https://evil.example/.shop.example", "https://evil.example?.shop.example",
            "https://evil.example#.shop.example",
            "https://evil.example\\.shop.example", "https://evil.example@a.shop.example", "https://a:b@a.shop.example",
            "https://evil.example:80.shop.example", "https://a_.shop.example\n", "https://a%2eshop.example", "null", "",
            "https://a.shopxexample", "https://xn--a.shop.example", f"https://{'a.' * 130}shop.example",
        ],
    ),
    "https://*.shop.example:8443": (
        ["https://a.shop.example:8443"],
        [
            "https://a.shop.example", "https://a.shop.example:8444", "https://a.shop.example:84430",
            "https://shop.example:8443",
        ],
    ),
    "http://localhost:*": (
        ["http://localhost", "http://localhost:1", "http://localhost:3000", "http://localhost:65535"],
        [
            "https://localhost:3000", "http://localhost:", "http://localhost:0", "http://localhost:65536",
            "http://localhost:80",
            "http://localhost:03000", "http://localhost:3000/", "http://localhost:*", "http://localhost:a",
            "http://localhost.:1",
            "http://localhost:3000@evil.example", "http://evil.example:3000", "http://a.localhost:3000",
            "http://localhostx:3000",
        ],
    ),
    "https://*.shop.example:*": (
        ["https://a.shop.example", "https://a.shop.example:1"],
        ["https://shop.example:1", "http://a.shop.example", "https://a.shop.example:x"],
    ),
    "http://[::1]:*": (["http://[::1]", "http://[::1]:9"], ["http://[::2]:9", "http://[::1]:", "http://::1:9"]),
    "http://127.0.0.1:*": (["http://127.0.0.1:9"], ["http://127.0.0.2:9", "http://127.1:9", "http://x.127.0.0.1:9"]),
}  # fmt: skip


@pytest.mark.parametrize(("pattern", "origin"), [(p, o) for p, (good, _) in PATTERNS.items() for o in good])
def test_a_pattern_matches(pattern, origin):
    origins = Origins([pattern])
    assert not origins.problems
    assert origins.contain(origin)


@pytest.mark.parametrize(("pattern", "origin"), [(p, o) for p, (_, bad) in PATTERNS.items() for o in bad], ids=ascii)
def test_a_pattern_matches_no_other(pattern, origin):
    assert not Origins([pattern]).contain(origin)


NO_PATTERNS = {
    "https://*shop.example": "wildcard",
    "https://shop.*": "wildcard",
    "https://shop.*.example": "wildcard",
    "https://a*.shop.example": "wildcard",
    "https://*.*.example": "wildcard",
    "https://*": "wildcard",
    "https://*:443": "wildcard",
    "https://**.shop.example": "wildcard",
    "*://shop.example": "wildcard",
    "*.shop.example": "wildcard",
    "http*://shop.example": "wildcard",
    "https://shop.example:8*": "wildcard",
    "https://shop.example:*/": "wildcard",
    "https://shop.example*": "wildcard",
    "https://shop.example/*": "wildcard",
    "* ": "wildcard",
    "https://*.127.0.0.1": "wildcard",
    "https://*.1": "wildcard",
    "https://*.[::1]": "wildcard",
    "https://*.[::1]:8443": "wildcard",
    "https://*.[::1]:*": "wildcard",
    "capacitor://*.shop.example": "wildcard",
    "https://*.": "host",
    "https://*.Shop.example": "upper-case",
    "https://*.shop.example:443": "default-port",
    "https://*.shop.example/": "path",
    "https://*.bücher.example": "unicode",
    f"https://*.{LONGEST}": "length",
    f"https://*.{LONGEST[1:]}": "length",
    f"https://{'a' * 90}*": "wildcard",
    f"capacitor://*.{'a' * 90}": "wildcard",
    f"https://*.{'a' * 280}": "length",
    "file://*.shop.example": "wildcard",
}


@pytest.mark.parametrize(("text", "code"), NO_PATTERNS.items(), ids=ascii)
def test_a_text_is_no_pattern(text, code):
    (problem,) = Origins([text]).problems
    assert problem.code == f"origin-{code}"
    assert len(problem.value) <= 80


def test_the_longest_pattern_still_matches_something():
    host = LONGEST[2:]  # two characters fewer: "a." fits before it
    origins = Origins([f"https://*.{host}"])
    assert not origins.problems
    assert origins.contain(f"https://a.{host}")


# --- lists -----------------------------------------------------------------------------------------------


def test_the_whole_list_may_be_any_origin():
    origins = Origins(["*"])
    assert origins.any
    assert not origins.problems
    assert origins.contain("https://anybody.example")


def test_nobody_at_all_is_a_problem():
    assert [problem.code for problem in Origins([]).problems] == ["origins-empty"]


def test_any_origin_and_more_is_a_problem():
    assert [problem.code for problem in Origins(["*", "https://shop.example"]).problems] == ["origins-any-and-more"]


def test_every_element_has_its_own_problem():
    problems = Origins(["null", "https://shop.example", "https://shop.example/", "https://*", "x"]).problems
    assert [problem.code for problem in problems] == ["origin-null", "origin-path", "origin-wildcard", "origin-scheme"]


def test_null_is_never_matched():
    assert not Origins(["https://*.shop.example", "http://localhost:*", "https://a.example"]).contain("null")


# --- against a naive oracle ------------------------------------------------------------------------------


def naively(written, text):
    """Whether *text* is let in: by membership, or label by label."""
    if text in written and "*" not in text:
        return True
    if parse_origin(text) is None:
        return False
    scheme, rest = text.split("://")
    host, port = (rest, "") if rest.endswith("]") or ":" not in rest else rest.rsplit(":", 1)
    for pattern in written:
        wanted_scheme, wanted = pattern.split("://")
        wanted_host, wanted_port = (wanted, "") if ":" not in wanted else wanted.rsplit(":", 1)
        labels, wanted_labels = host.split("."), wanted_host.split(".")
        tail = wanted_labels[1:] if wanted_labels[0] == "*" else None
        hosts = len(labels) > len(tail) and labels[-len(tail) :] == tail if tail else labels == wanted_labels
        if scheme == wanted_scheme and wanted_port in ("*", port) and hosts:
            return True
    return False


SCHEMES, PORTS = ["https", "http"], ["", ":1", ":8443", ":*", ":443", ":"]
HOSTS = ["a", "b.a", "c.b.a", "cb.a", "*.a", "*.b.a", "*.c.b.a", "b.a.c", ".a", "b..a", "ba"]


def test_all_small_patterns_and_origins_agree_with_the_naive_oracle():
    texts = [f"{scheme}://{host}{port}" for scheme, host, port in product(SCHEMES, HOSTS, PORTS)]
    patterns = [text for text in texts if not Origins([text]).problems]
    assert len(patterns) > 50
    for pattern, text in product(patterns, texts):
        assert Origins([pattern]).contain(text) == naively([pattern], text), (pattern, text)


HOST = st.lists(
    st.sampled_from(["a", "b", "ab", "foo", "bar", "barfoo", "*", "", "com", "xn--a", "1"]), min_size=1, max_size=4
)
TEXT = st.builds(
    "{}://{}{}".format,
    st.sampled_from(["https", "http", "HTTPS", "file", "x"]),
    HOST.map(".".join),
    st.sampled_from(["", ":1", ":80", ":*", ":", "/", "@b.a", "?.com", "\n", "#", "\\.com"]),
)


@given(st.lists(TEXT, max_size=6), st.lists(TEXT | st.text(), max_size=10))
def test_origins_are_let_in_as_the_naive_oracle_says(written, texts):
    written = [text for text in written if not Origins([text]).problems]
    origins = Origins(written)
    for text in [*texts, *written]:
        assert origins.contain(text) == naively(written, text)


def test_two_origins_let_in_nobody_made_of_both():
    origins = Origins(["https://foo.com", "https://bar.com"])  # GHSA-vhxv-fg4m-p2w8
    assert not origins.contain("https://barfoo.com")


@given(st.text() | TEXT)
def test_any_text_is_an_origin_or_none_and_never_an_exception(text):
    origin = parse_origin(text)
    if origin is not None:
        host = f"{origin.scheme}://{origin.host}"
        assert text == (f"{host}:{origin.port}" if origin.port else host)
        assert text.isascii()
        assert text.isprintable()
        assert text == text.lower()


@given(st.lists(st.text() | TEXT | st.none() | st.integers() | st.binary()))
def test_any_list_has_problems_or_lets_in_what_it_names(things):
    origins = Origins(things)
    if not origins.problems:
        assert all(origins.contain(text) for text in things if "*" not in text)


# --- suffixes and loopback -------------------------------------------------------------------------------

SUFFIXES = {
    "com": True, "co.uk": True, "github.io": True, "example": True, "example.com": False, "shop.example": False,
    "a.github.io": False, "uk": True, "ck": True, "foo.ck": True, "www.ck": False, "kawasaki.jp": True,
    "x.kawasaki.jp": True, "city.kawasaki.jp": False, "compute.amazonaws.com": True, "eu.compute.amazonaws.com": True,
    "amazonaws.com": False, "localhost": False, "a.localhost": False, "unheard-of-tld": True,
}  # fmt: skip


@pytest.mark.parametrize(("host", "public"), SUFFIXES.items())
def test_anybody_may_register_names_below_it_or_not(host, public):
    assert is_public_suffix(host) == public


LOOPBACK = {
    "localhost": True, "a.localhost": True, "127.0.0.1": True, "127.9.9.9": True, "[::1]": True,
    "localhost.example": False, "notlocalhost": False, "128.0.0.1": False, "[::2]": False, "10.0.0.1": False, "": False,
}  # fmt: skip


@pytest.mark.parametrize(("host", "stays"), LOOPBACK.items())
def test_a_host_is_this_machine_or_not(host, stays):
    assert is_loopback(host) == stays
