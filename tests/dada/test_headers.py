"""Fetch §2.2: the names that both sides of CORS sort, one predicate a definition."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dada.headers import (
    CORS_RESPONSE_HEADERS,
    FORBIDDEN_RESPONSE_HEADERS,
    SAFELISTED_METHODS,
    SAFELISTED_RESPONSE_HEADERS,
    is_forbidden_method,
    is_forbidden_request_header,
    is_token,
    normalize_method,
    shown,
    split_list,
)

TOKEN_CHARACTERS = set(string.ascii_letters + string.digits + "!#$%&'*+-.^_`|~")


# --- tokens ----------------------------------------------------------------------------------------------


def test_every_character_is_one_of_a_token_or_not():
    assert {chr(code) for code in range(0x3000) if is_token(chr(code))} == TOKEN_CHARACTERS


@pytest.mark.parametrize("text", ["", " ", "a b", "a\n", "\na", "a:", "a\0", "ａ", "(a)", "a,b", '"a"', "a\r"])
def test_a_text_is_no_token(text):
    assert not is_token(text)


@given(st.text())
def test_a_token_is_made_of_its_characters_and_not_empty(text):
    assert is_token(text) == (text != "" and set(text) <= TOKEN_CHARACTERS)


# --- methods ---------------------------------------------------------------------------------------------

METHODS = {
    "get": "GET", "Head": "HEAD", "pOST": "POST", "put": "PUT", "delete": "DELETE", "options": "OPTIONS", "GET": "GET",
    "patch": "patch", "Patch": "Patch", "PATCH": "PATCH", "query": "query", "connect": "connect", "": "",
    "po\u017ft": "po\u017ft",  # the long s has S for its upper case
}  # fmt: skip


@pytest.mark.parametrize(("written", "sent"), METHODS.items())
def test_six_methods_are_written_in_upper_case_and_no_other(written, sent):
    assert normalize_method(written) == sent


@given(st.text())
def test_normalizing_twice_is_normalizing_once(method):
    once = normalize_method(method)
    assert normalize_method(once) == once
    assert once in (method, method.upper())


@pytest.mark.parametrize("method", ["CONNECT", "TRACE", "TRACK", "connect", "Trace", "tRACK"])
def test_a_method_is_no_page_s_to_use(method):
    assert is_forbidden_method(method)


@pytest.mark.parametrize("method", ["GET", "PATCH", "OPTIONS", "TRAC", "TRACES", " TRACE", "", "QUERY"])
def test_a_method_may_be_used(method):
    assert not is_forbidden_method(method)


def test_safelisted_methods_are_three():
    assert sorted(SAFELISTED_METHODS) == ["GET", "HEAD", "POST"]


# --- request headers -------------------------------------------------------------------------------------

FORBIDDEN = [
    "Accept-Charset", "Accept-Encoding", "Access-Control-Request-Headers", "Access-Control-Request-Method",
    "Connection", "Content-Length", "Cookie", "Cookie2", "Date", "DNT", "Expect", "Host", "Keep-Alive", "Origin",
    "Referer", "Set-Cookie", "TE", "Trailer", "Transfer-Encoding", "Upgrade", "Via", "Proxy-", "Proxy-Authorization",
    "Sec-", "Sec-Fetch-Site",
]  # fmt: skip


@pytest.mark.parametrize("name", FORBIDDEN)
def test_a_header_is_no_page_s_to_set(name):
    assert all(map(is_forbidden_request_header, (name, name.lower(), name.upper())))


@pytest.mark.parametrize("name", [
    "Accept", "Authorization", "Content-Type", "User-Agent", "Proxy", "Sec", "Set-Cookie2", "X-HTTP-Method", "Cookies",
    "Access-Control-Allow-Origin", "Referer-Policy", "",
])  # fmt: skip
def test_a_header_may_be_set(name):
    assert not is_forbidden_request_header(name)


TO_A_FORBIDDEN_METHOD = [
    "TRACE", "trace", "GET, TRACE", "\tTRACK ", "a,CONNECT,b", ",TRACE", "TRACE,", '"a",TRACE', '"a\\"",TRACE',
]  # fmt: skip
TO_ANOTHER = [
    "GET", "", "TRACES", "TRACE x", "TRACE;q=1", '"TRACE"', '"a,TRACE,b"', 'a"b,TRACE', '"a\\",TRACE,b"', '"\\',
    "TRACE\u00a0",
]  # fmt: skip
OVERRIDES = [*((value, True) for value in TO_A_FORBIDDEN_METHOD), *((value, False) for value in TO_ANOTHER)]


@pytest.mark.parametrize("name", ["X-HTTP-Method", "x-http-method-override", "X-METHOD-OVERRIDE"])
@pytest.mark.parametrize(("value", "forbidden"), OVERRIDES)
def test_a_header_that_overrides_the_method_may_not_name_a_forbidden_one(name, value, forbidden):
    assert is_forbidden_request_header(name, value) == forbidden


def test_other_headers_may_have_the_names_of_methods_for_values():
    assert not is_forbidden_request_header("X-Method", "TRACE")


def divided(value):
    """Return the parts of a header's value, step by step as Fetch §2.2.2 get, decode, and split says it."""
    parts, part, at = [], "", 0
    while True:
        while at < len(value) and value[at] not in '",':
            part += value[at]
            at += 1
        if at < len(value) and value[at] == '"':
            at, start = at + 1, at
            while at < len(value) and value[at] != '"':
                at += 2 if value[at] == "\\" else 1
            at += 1
            part += value[start:at]
            if at < len(value):
                continue
        parts.append(part.strip("\t "))
        if at >= len(value):
            return parts
        part, at = "", at + 1


@given(st.text('",\\ \tTRACEx', max_size=30) | st.lists(st.sampled_from(["TRACE", '"', ",", "\\", " "])).map("".join))
def test_a_comma_within_quotes_divides_nothing(value):
    expected = any(map(is_forbidden_method, divided(value)))
    assert is_forbidden_request_header("X-HTTP-Method", value) == expected


# --- lists -----------------------------------------------------------------------------------------------

LISTS = {
    "": [], ",": [], " , ,\t": [], "a": ["a"], "a,b": ["a", "b"], " a ,\tb ": ["a", "b"], ",a,,b,": ["a", "b"],
    "A,a": ["A", "a"], "*": ["*"], "a b": None, "a,b c": None, '"a"': None, "a;b": None, "a,ä": None, "a\n": None,
    "a,\x0b": None, "a\u00a0": None,
}  # fmt: skip


@pytest.mark.parametrize(("value", "names"), LISTS.items(), ids=repr)
def test_a_list_is_read_and_one_bad_element_voids_it(value, names):
    assert split_list(value) == names


def test_a_list_is_bounded_with_its_empty_elements():
    assert split_list("a,,b", limit=3) == ["a", "b"]
    assert split_list("a,,b", limit=2) is None
    assert split_list("," * 60_000, limit=128) is None


@given(st.lists(st.text(sorted(TOKEN_CHARACTERS), min_size=1)), st.sampled_from([",", ", ", "\t,", ",,", " , ,"]))
def test_what_is_joined_is_read_again(names, comma):
    assert split_list(comma.join(names)) == names


@given(st.text())
def test_what_is_read_is_tokens(value):
    assert all(map(is_token, split_list(value) or []))


# --- logs ------------------------------------------------------------------------------------------------

SHOWN = {
    "": "", "PUT": "PUT", "a\r\nb": "a\\r\\nb", "\x1b[31m": "\\x1b[31m", "达": "\\u8fbe", "\ud800": "\\ud800", "'": "'",
    "a" * 80: "a" * 80, "a" * 81: "a" * 77 + "...", "a" * 99_999: "a" * 77 + "...", "\0" * 20: "\\x00" * 20,
    "\0" * 21: "\\x00" * 19 + "\\...",
}  # fmt: skip


@pytest.mark.parametrize(("text", "told"), SHOWN.items(), ids=lambda text: ascii(text[:9]))
def test_a_text_is_shown_on_one_line_and_shortened(text, told):
    assert shown(text) == told


# --- response headers ------------------------------------------------------------------------------------


def test_the_sets_of_response_headers_are_in_lower_case_and_apart():
    sets = [CORS_RESPONSE_HEADERS, FORBIDDEN_RESPONSE_HEADERS, SAFELISTED_RESPONSE_HEADERS]
    assert all(name == name.lower() and is_token(name) for names in sets for name in names)
    assert len(frozenset.union(*sets)) == sum(map(len, sets))
    assert len(SAFELISTED_RESPONSE_HEADERS) == 7
