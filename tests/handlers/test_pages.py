"""Collections, a page at a time."""

from itertools import chain

import pytest

from tests.handlers.people import join, log_in


@pytest.fixture
def ada(services, api, clock):
    person = join(services, api)
    for _ in range(4):
        clock.advance(60)
        log_in(api)
    return person


def turn(ada, target):
    """Return the ids of all pages, from *target* on, as the Link headers lead."""
    pages = []
    while target:
        response = ada("GET", target)
        assert response.status == 200
        pages.append([item["id"] for item in response.json["items"]])
        link = response.header("Link")
        assert (link is None) == (response.json["next"] is None)
        target = link and link.removesuffix('>; rel="next"').removeprefix("<")
    return pages


def test_the_pages_together_are_the_collection_in_its_order(ada):
    [everything] = turn(ada, "/v1/tokens")
    assert len(everything) == 5
    for limit in (1, 2, 3, 4, 5, 100):
        pages = turn(ada, f"/v1/tokens?limit={limit}")
        assert list(chain(*pages)) == everything
        assert {len(page) for page in pages[:-1]} <= {limit}


def test_what_is_used_or_made_while_pages_are_turned_moves_nothing(api, ada, clock):
    first = ada("GET", "/v1/tokens?limit=2")
    [everything] = turn(ada, "/v1/tokens")
    clock.advance(60)
    assert api("POST", "/v1/tokens/refresh", {"refresh_token": ada.refresh}).status == 200
    log_in(api)
    rest = turn(ada, f"/v1/tokens?limit=2&cursor={first.json['next']}")
    assert list(chain(*rest)) == everything[2:]


def test_sessions_of_one_moment_have_an_order_too(services, api):
    ada = join(services, api)
    for _ in range(4):
        log_in(api)
    [everything] = turn(ada, "/v1/tokens")
    assert list(chain(*turn(ada, "/v1/tokens?limit=1"))) == everything


@pytest.mark.parametrize(
    ("query", "pointer", "code"),
    [
        ("limit=0", "#/limit", "too_small"),
        ("limit=101", "#/limit", "too_large"),
        ("limit=ten", "#/limit", "type"),
        ("limit=1e1", "#/limit", "type"),
        ("limit=1.0", "#/limit", "type"),
        ("limit=05", "#/limit", "type"),
        ("limit=%2B5", "#/limit", "type"),
        ("limit=%205", "#/limit", "type"),
        ("cursor=", "#/cursor", "invalid"),
        ("cursor=QUJD", "#/cursor", "cursor"),
        ("cursor=" + "A" * 301, "#/cursor", "too_long"),
        ("page=2", "#/page", "unknown"),
    ],
)
def test_a_page_that_makes_no_sense_is_told(ada, query, pointer, code):
    response = ada("GET", f"/v1/tokens?{query}")
    assert response.status == 422
    assert [(error["pointer"], error["code"]) for error in response.json["errors"]] == [(pointer, code)]
    assert ada("GET", "/v1/tokens?limit=0&cursor=QUJD&x=1").json["errors"][1]["pointer"] == "#/x"
