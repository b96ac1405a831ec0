"""The authorization code grant, the client's side: RFC 6749 §4.1, RFC 7636, RFC 9700."""

import json
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dada import oauth
from dada.errors import Misuse
from dada.oauth import Admission, OAuthError, Pending, Provider, Return

BROWSER = oauth.new_secret(lambda size: b"browser secret".ljust(size, b"!"))
STATE = oauth.new_secret(lambda size: b"state".ljust(size, b"!"))


def provider(**others):
    settings = {
        "name": "weibo",
        "client_id": "1000000721",
        "client_secret": "our secret",
        "authorize_url": "https://api.weibo.example/oauth2/authorize",
        "token_url": "https://api.weibo.example/oauth2/access_token",
        "redirect_uri": "https://shop.example/callback/weibo.html",
    }
    return Provider(**(settings | others))


def remembered(name="weibo", **others):
    return Pending(name, oauth.challenge(BROWSER), "https://shop.example/callback/weibo.html", **others)


# --- PKCE ------------------------------------------------------------------------------------------------


def test_the_challenge_is_the_published_one():  # RFC 7636 appendix B
    assert (
        oauth.challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk") == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    )


def test_secrets_are_256_bits_and_new():
    assert oauth.new_secret() != oauth.new_secret()
    assert len(oauth.new_secret()) == 43


def test_a_state_is_remembered_under_its_hash():
    assert oauth.state_key(STATE) != STATE
    assert oauth.state_key(STATE) == oauth.state_key(STATE)
    assert len(oauth.state_key("\ud800")) == 64


# --- leaving ---------------------------------------------------------------------------------------------


def test_a_browser_leaves_for_the_provider_with_nothing_of_its_own():
    state, pending, url = oauth.begin(provider(), oauth.challenge(BROWSER))
    assert url.startswith("https://api.weibo.example/oauth2/authorize?")
    assert dict(parse_qsl(urlsplit(url).query)) == {
        "response_type": "code",
        "client_id": "1000000721",
        "redirect_uri": "https://shop.example/callback/weibo.html",
        "state": state,
    }
    assert pending == remembered()


def test_scope_and_pkce_are_sent_where_the_provider_takes_them():
    by = provider(scope=("email", "all"), scope_separator=",", pkce=True, authorize_url="https://a.example/x?y=1")
    _, pending, url = oauth.begin(by, oauth.challenge(BROWSER))
    query = dict(parse_qsl(urlsplit(url).query))
    assert (query["y"], query["scope"], query["code_challenge_method"]) == ("1", "email,all", "S256")
    assert query["code_challenge"] == oauth.challenge(pending.verifier)


@pytest.mark.parametrize("challenge", ["", "a" * 42, "a" * 44, "a" * 42 + "=", "a" * 42 + "\n", "ä" * 43, None, 43])
def test_a_challenge_that_is_none_is_refused(challenge):
    with pytest.raises(OAuthError) as caught:
        oauth.begin(provider(), challenge)
    assert caught.value.reason == "verifier"


PROVIDERS = {
    "an endpoint in the clear": {"token_url": "http://api.weibo.example/oauth2/access_token"},
    "an endpoint that is no URL": {"token_url": "weibo"},
    "a redirect to another scheme": {"redirect_uri": "javascript:alert(1)"},
    "a redirect with a fragment": {"redirect_uri": "https://shop.example/#x"},
    "a redirect with an empty fragment": {"redirect_uri": "https://shop.example/#"},
    "a redirect with a blank": {"redirect_uri": "https://shop.example/a b"},
    "a redirect with a line end, which some readers drop": {"redirect_uri": "https://shop.example/\n"},
    "a redirect to where it does not seem to lead": {"redirect_uri": "https://shop.example@evil.example/"},
    "a redirect with a wildcard": {"redirect_uri": "https://*.shop.example/"},
    "a broken address": {"authorize_url": "https://[::1"},
    "no name": {"name": ""},
    "no secret": {"client_secret": ""},
    "no URL at all": {"authorize_url": None},
}


@pytest.mark.parametrize("settings", PROVIDERS.values(), ids=PROVIDERS)
def test_a_provider_that_cannot_be_safe_is_misuse(settings):
    with pytest.raises(Misuse) as caught:
        provider(**settings)
    assert len(caught.value.problems) == 1


def test_loopback_may_be_in_the_clear_and_the_secret_is_not_shown():
    by = provider(token_url="http://127.0.0.1:9000/token", redirect_uri="http://[::1]:7000/callback")
    assert "our secret" not in repr(by)


# --- coming back -----------------------------------------------------------------------------------------


def test_a_return_is_read():
    assert oauth.read_return({"state": STATE, "code": "c6a9d9ba"}) == Return(STATE, "c6a9d9ba")
    assert oauth.read_return({"state": STATE, "error": "access_denied"}) == Return(STATE, error="access_denied")
    assert oauth.read_return({"state": STATE, "error": "<script>"}) == Return(STATE, error="server_error")


RETURNS = {
    "no state": ({"code": "c"}, "state"),
    "an empty state": ({"state": "", "code": "c"}, "state"),
    "a short state": ({"state": "x" * 42, "code": "c"}, "state"),
    "a state with a newline": ({"state": STATE + "\n", "code": "c"}, "state"),
    "two states": ({"state": [STATE, STATE], "code": "c"}, "state"),
    "no code": ({"state": STATE}, "return"),
    "an empty code": ({"state": STATE, "code": ""}, "return"),
    "a long code": ({"state": STATE, "code": "c" * 513}, "return"),
    "a code with a newline": ({"state": STATE, "code": "c\r\nX: y"}, "return"),
    "a code that is a list": ({"state": STATE, "code": ["c"]}, "return"),
    "an error without a state": ({"error": "access_denied"}, "state"),
}


@pytest.mark.parametrize(("params", "reason"), RETURNS.values(), ids=RETURNS)
def test_a_return_that_makes_no_sense_is_refused(params, reason):
    with pytest.raises(OAuthError) as caught:
        oauth.read_return(params)
    assert caught.value.reason == reason


def admission(**others):
    settings = {
        "provider": provider(),
        "returned": Return(STATE, "the-code"),
        "pending": remembered(),
        "verifier": BROWSER,
    }
    return Admission(**(settings | others))


def test_the_token_request_holds_the_secret_in_its_body_only():
    request = oauth.admit(admission())
    assert request.url == "https://api.weibo.example/oauth2/access_token"
    assert request.form == {
        "grant_type": "authorization_code",
        "code": "the-code",
        "redirect_uri": "https://shop.example/callback/weibo.html",
        "client_id": "1000000721",
        "client_secret": "our secret",
    }
    assert all(step.ok for step in oauth.audit(admission()))


def test_the_verifier_towards_the_provider_goes_along():
    pending = remembered(verifier="v")
    assert oauth.admit(admission(pending=pending)).form["code_verifier"] == "v"


def test_the_provider_is_shown_the_redirect_uri_that_the_browser_left_with():
    moved = provider(redirect_uri="https://shop.example/moved")
    form = oauth.admit(admission(provider=moved)).form
    assert form["redirect_uri"] == "https://shop.example/callback/weibo.html"


def test_what_is_left_for_is_remembered():
    _, pending, _ = oauth.begin(provider(), oauth.challenge(BROWSER), "bind 7 sid")
    assert pending == remembered(purpose="bind 7 sid")
    assert oauth.admit(admission(pending=pending, purpose="bind 7 sid"))


REFUSED = {
    "a state that nobody left with": ({"pending": None}, "state"),
    "another browser's secret": ({"verifier": oauth.new_secret()}, "verifier"),
    "no secret": ({"verifier": None}, "verifier"),
    "an empty secret": ({"verifier": ""}, "verifier"),
    "the hash in place of the secret": ({"verifier": oauth.challenge(BROWSER)}, "verifier"),
    "another provider": ({"pending": remembered("other")}, "provider"),
    "a way that was for binding, taken for logging in": ({"pending": remembered(purpose="bind 7 sid")}, "purpose"),
    "a way that was for logging in, taken for binding": ({"purpose": "bind 7 sid"}, "purpose"),
    "a way that was for binding to another": (
        {"pending": remembered(purpose="bind 7 sid"), "purpose": "bind 8 sid"},
        "purpose",
    ),
    "a way that was for binding in another session": (
        {"pending": remembered(purpose="bind 7 sid"), "purpose": "bind 7 other"},
        "purpose",
    ),
    "an error of the provider's": ({"returned": Return(STATE, error="server_error")}, "return"),
    "an application that the provider does not know": (
        {"returned": Return(STATE, error="unauthorized_client")},
        "return",
    ),
    "no consent": ({"returned": Return(STATE, error="access_denied")}, "denied"),
}


@pytest.mark.parametrize(("others", "reason"), REFUSED.values(), ids=REFUSED)
def test_a_return_is_refused_before_the_code_is_spent(others, reason):
    with pytest.raises(OAuthError) as caught:
        oauth.admit(admission(**others))
    assert caught.value.reason == reason
    failed = [step for step in oauth.audit(admission(**others)) if not step.ok]
    assert (failed[0].clause, failed[0].found) == (caught.value.clause, caught.value.detail)


def test_no_refusal_tells_a_secret():
    for others, _ in REFUSED.values():
        with pytest.raises(OAuthError) as caught:
            oauth.admit(admission(**others))
        assert not any(secret in str(caught.value) for secret in (STATE, BROWSER, "the-code", "our secret"))


# --- the provider's answer -------------------------------------------------------------------------------


def body(**members):
    return json.dumps({"access_token": "2.00Xljb", "expires_in": 157679999, "uid": "5712659759"} | members).encode()


def test_an_answer_is_read_whatever_it_calls_itself():
    answer = oauth.read_token(200, body(remind_in="157679999"))
    assert (answer.access_token, answer.expires_in, answer.members["uid"]) == ("2.00Xljb", 157679999, "5712659759")


def test_the_longest_token_has_256_characters():
    assert oauth.read_token(200, body(access_token="a" * 256)).access_token == "a" * 256


@pytest.mark.parametrize(
    ("told", "seconds"),
    [
        (7200, 7200), ("7200", 7200), (1, 1), ("9" * 15, 10**15 - 1), ("9" * 16, 0), ("9" * 99, 0), (0, 0), ("0", 0),
        (-1, 0), ("-1", 0), ("x", 0), (1.5, 0), (True, 0), (None, 0), ("١", 0),
    ],
)  # fmt: skip
def test_a_lifetime_may_be_a_number_or_a_text_of_one(told, seconds):
    assert oauth.read_token(200, body(expires_in=told)).expires_in == seconds


def test_an_answer_of_64_kibibytes_is_read_and_one_byte_more_is_too_long():
    longest = body().ljust(65_536)
    assert oauth.read_token(200, longest).access_token == "2.00Xljb"
    with pytest.raises(OAuthError) as caught:
        oauth.read_token(200, longest + b" ")
    assert caught.value.reason == "answer"


ANSWERS = {
    "a used code": (400, b'{"error":"invalid_grant","error_code":21325}', "code"),
    "an error with status 200": (200, body(error="invalid_grant"), "code"),
    "a number of an error with status 200": (200, body(error_code=21325), "answer"),
    "a wrong secret": (401, b'{"error":"invalid_client"}', "client"),
    "another redirect_uri": (400, b'{"error":"redirect_uri_mismatch"}', "client"),
    "an overloaded provider that says 400": (400, b'{"error":"temporarily_unavailable"}', "unavailable"),
    "an error that is no text": (400, b'{"error":{}}', "client"),
    "an error with status 200 that is no text": (200, b'{"error":{}}', "answer"),
    "a refusal in HTML": (404, b"<html>", "client"),
    "a refusal that is cut off": (400, b'{"error":"invalid_gr', "client"),
    "status 500": (500, b"", "unavailable"),
    "status 503 with HTML": (503, b"<html>", "unavailable"),
    "a redirect": (302, b"{}", "answer"),
    "no token": (200, b'{"uid":"1"}', "answer"),
    "an empty token": (200, body(access_token=""), "answer"),
    "a token that is too long": (200, body(access_token="a" * 257), "answer"),
    "a token that is a number": (200, body(access_token=1), "answer"),
    "a token with a newline": (200, body(access_token="a\nb"), "answer"),
    "HTML": (200, b"<html>", "answer"),
    "truncated": (200, body()[:-3], "answer"),
    "a list": (200, b"[]", "answer"),
    "a member twice": (200, b'{"access_token":"a","access_token":"b"}', "answer"),
    "ten megabytes": (200, b'{"access_token":"a"}' + b" " * 10_000_000, "answer"),
    "UTF-16": (200, body().decode().encode("utf-16"), "answer"),
}


@pytest.mark.parametrize("kind", ["mac", "DPoP", "", "bearer ", None, 1, ["bearer"]])
def test_a_token_of_a_type_that_is_not_known_is_not_used_as_a_bearer_s(kind):
    with pytest.raises(OAuthError) as caught:
        oauth.read_token(200, body(token_type=kind))
    assert (caught.value.reason, caught.value.clause) == ("answer", "RFC 6749 §5.1")


@pytest.mark.parametrize("told", [{}, {"token_type": "bearer"}, {"token_type": "Bearer"}, {"token_type": "BEARER"}])
def test_a_bearer_s_token_is_one_in_any_case_and_where_no_type_is_told(told):
    assert oauth.read_token(200, body(**told)).access_token == "2.00Xljb"


@pytest.mark.parametrize(("status", "data", "reason"), ANSWERS.values(), ids=ANSWERS)
def test_an_answer_is_refused_and_nothing_of_it_is_quoted(status, data, reason):
    with pytest.raises(OAuthError) as caught:
        oauth.read_token(status, data)
    assert caught.value.reason == reason
    assert "2.00Xljb" not in str(caught.value)


@given(
    st.integers(100, 599),
    st.one_of(st.binary(), st.text().map(str.encode), st.builds(body, error=st.none() | st.text())),
)
def test_any_answer_is_read_or_refused(status, data):
    try:
        oauth.read_token(status, data)
    except OAuthError as error:
        assert error.reason in {"code", "client", "answer", "unavailable"}


@given(
    st.dictionaries(
        st.sampled_from(["state", "code", "error"]), st.none() | st.text() | st.lists(st.text()) | st.just(STATE)
    )
)
def test_any_return_is_read_or_refused(params):
    try:
        oauth.read_return(params)
    except OAuthError as error:
        assert error.reason in {"state", "return"}
