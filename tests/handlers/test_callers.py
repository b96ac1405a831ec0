"""Who may call: the Authorization header, and where a log-in comes from."""

import pytest

from dada.app import Request
from dada.problems import HTTPProblem
from handlers.callers import bearer, caller_of, device_of, guards, maybe_caller
from tests.handlers.people import join


def request(**environ):
    return Request({"REQUEST_METHOD": "GET", **environ}, "id")


@pytest.mark.parametrize(
    ("written", "token"),
    [
        ("Bearer a.b.c", "a.b.c"),
        ("bearer x", "x"),
        ("BEARER  x", "x"),
        ("Bearer a-._~+/==", "a-._~+/=="),
        (None, None),
        ("Basic YTpi", None),
        ("Digest username=bearer, realm=x", None),
        ("Negotiate", None),
    ],
)
def test_a_bearer_token_is_read(written, token):
    assert bearer(request(**({} if written is None else {"HTTP_AUTHORIZATION": written}))) == token


@pytest.mark.parametrize(
    "written", ["", "Bearer", "Bearer a b", "Bearer a,b", "Bearer ä", "Bearer a\tb", "Basic YTpi, Bearer a.b.c"]
)
def test_credentials_that_make_no_sense_are_told_so(written):
    with pytest.raises(HTTPProblem) as caught:
        bearer(request(HTTP_AUTHORIZATION=written))
    assert caught.value.reason == "invalid-request"
    assert dict(caught.value.headers)["WWW-Authenticate"].startswith("Bearer ")


def test_credentials_that_are_no_good_are_none_where_none_are_needed(services):
    for written in ("Bearer", "Bearer a.b.c", "Basic YTpi"):
        assert maybe_caller(services, request(HTTP_AUTHORIZATION=written)) is None


def test_a_good_token_says_who_calls_and_a_guard_leaves_it_with_the_request(services, api):
    ada = join(services, api)
    asked = request(HTTP_AUTHORIZATION=f"Bearer {ada.access}")
    assert caller_of(services, asked).username == "ada"
    guards(services)["signed-in"](asked)
    assert asked.identity.key == "ada"


def test_the_owner_s_name_may_be_written_in_any_way(services, api):
    ada = join(services, api)
    for name in ("ada", "ADA", "ａｄａ"):
        asked = request(HTTP_AUTHORIZATION=f"Bearer {ada.access}")
        asked.params = {"username": name}
        guards(services)["owner"](asked)
    for name in ("eve", "", "\0", "a" * 500):
        asked.params = {"username": name}
        with pytest.raises(HTTPProblem):
            guards(services)["owner"](asked)


NETWORKS = {
    "an IPv4 address": ("203.0.113.77", "203.0.113.0/24"),
    "an IPv6 address": ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
    "no address": ("", ""),
    "a socket's name": ("unix", ""),
}


@pytest.mark.parametrize(("address", "network"), NETWORKS.values(), ids=NETWORKS)
def test_a_network_is_kept_and_not_an_address(services, address, network):
    assert device_of(services, request(REMOTE_ADDR=address)).network == network


def test_what_a_browser_says_of_itself_is_cut_and_cleaned(services):
    assert device_of(services, request(HTTP_USER_AGENT="a\n\x1b[31mb" + "c" * 500)).user_agent == "a[31mb" + "c" * 194
