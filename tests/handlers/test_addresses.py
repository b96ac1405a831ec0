"""/v1/users/<username>/addresses."""

import pytest

from tests.handlers.people import join

PARTS = {"receiver": "Ada", "phone": "123", "detail": "1 Main Street"}
HERE = "/v1/users/ada/addresses"


@pytest.fixture
def ada(services, api):
    return join(services, api)


def test_an_address_is_made_and_says_where_it_is(ada):
    made = ada("POST", HERE, PARTS | {"tag": "home"})
    assert (made.status, made.header("ETag")) == (201, '"1"')
    assert made.header("Location") == f"{HERE}/{made.json['id']}"
    assert made.json == PARTS | {
        "id": made.json["id"], "tag": "home", "region": "", "postcode": "", "is_default": True,
        "created_at": "2027-01-15T08:00:00Z",
    }  # fmt: skip
    assert isinstance(made.json["id"], str)
    assert ada("GET", made.header("Location")).json == made.json
    assert ada("GET", HERE).json == {"items": [made.json], "next": None}


def test_a_change_names_the_version_that_it_means(ada):
    path = ada("POST", HERE, PARTS).header("Location")
    assert ada("PUT", path, PARTS).status == 428
    changed = ada("PUT", path, PARTS | {"receiver": "A"}, If_Match='"1"')
    assert (changed.status, changed.json["receiver"], changed.header("ETag")) == (200, "A", '"2"')
    assert ada("PUT", path, PARTS, If_Match='"1"').status == 412
    assert ada("DELETE", path).status == 428
    assert ada("DELETE", path, If_Match='"1"').status == 412
    assert ada("DELETE", path, If_Match='"2"').status == 204
    assert ada("DELETE", path, If_Match='"2"').status == 404
    assert ada("GET", path).status == 404


def test_who_has_the_version_is_not_sent_it_again(ada):
    path = ada("POST", HERE, PARTS).header("Location")
    assert ada("GET", path, If_None_Match='"1"').status == 304


def test_what_is_missing_too_long_or_unknown_is_told_with_its_pointer(ada):
    response = ada("POST", HERE, {"receiver": "", "phone": "1" * 33, "user_id": 7})
    assert {error["pointer"]: error["code"] for error in response.json["errors"]} == {
        "#/receiver": "too_short", "#/phone": "too_long", "#/detail": "missing", "#/user_id": "unknown",
    }  # fmt: skip


def test_they_are_listed_a_page_at_a_time_with_a_link_to_the_next(ada):
    ids = [ada("POST", HERE, PARTS).json["id"] for _ in range(5)]
    first = ada("GET", f"{HERE}?limit=2")
    assert [item["id"] for item in first.json["items"]] == ids[:2]
    link = first.header("Link")
    assert link.endswith('; rel="next"')
    second = ada("GET", link[1 : link.index(">")])
    assert [item["id"] for item in second.json["items"]] == ids[2:4]
    last = ada("GET", f"{HERE}?limit=2&cursor={second.json['next']}")
    assert ([item["id"] for item in last.json["items"]], last.json["next"], last.header("Link")) == (
        ids[4:],
        None,
        None,
    )


def test_a_cursor_is_of_one_collection_of_one_person(services, api, ada):
    for _ in range(2):
        ada("POST", HERE, PARTS)
    cursor = ada("GET", f"{HERE}?limit=1").json["next"]
    assert not cursor.isdigit()
    assert ada("GET", f"{HERE}?cursor={cursor}").status == 200
    assert ada("GET", f"/v1/tokens?cursor={cursor}").json["errors"][0]["code"] == "cursor"
    eve = join(services, api, "eve")
    assert eve("GET", f"/v1/users/eve/addresses?cursor={cursor}").status == 422


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "limit=-1", "limit=", "cursor=x", "limit=1.5"])
def test_a_page_that_makes_no_sense_is_422(ada, query):
    assert ada("GET", f"{HERE}?{query}").status == 422


def test_one_of_them_is_the_default(ada):
    first, second = (ada("POST", HERE, PARTS).json["id"] for _ in range(2))
    assert ada("PUT", f"{HERE}/default", {"id": second}).status == 204
    assert {item["id"]: item["is_default"] for item in ada("GET", HERE).json["items"]} == {first: False, second: True}
    assert ada("PUT", f"{HERE}/default", {"id": "999999"}).status == 404
    for wrong in ("x", "", "-1", "１", "1" * 19):
        assert ada("PUT", f"{HERE}/default", {"id": wrong}).status == 422


def test_another_s_address_is_not_to_be_had_by_its_number(services, api, ada):
    mine = ada("POST", HERE, PARTS).json["id"]
    eve = join(services, api, "eve")
    for method, body in (("GET", None), ("PUT", PARTS), ("DELETE", None)):
        there = eve(method, f"/v1/users/eve/addresses/{mine}", body, If_Match="*")
        nowhere = eve(method, "/v1/users/eve/addresses/999999", body, If_Match="*")
        assert (there.status, there.json["code"]) == (nowhere.status, nowhere.json["code"]) == (404, "not-found")
    assert eve("PUT", "/v1/users/eve/addresses/default", {"id": mine}).status == 404
