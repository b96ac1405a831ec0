"""/v1/users/<username>/events."""

import pytest

from tests.handlers.people import PASSWORD, join, log_in


def test_one_reads_what_happened_to_one_s_account(api, services):
    ada = join(services, api)
    api("POST", "/v1/tokens", {"username": "ada", "password": "wrong"}, {"User-Agent": "somebody else's"})
    items = ada("GET", "/v1/users/ada/events").json["items"]
    assert [(item["kind"], item["outcome"], item["by_me"]) for item in items] == [
        ("login", "invalid-credentials", False), ("login", "ok", True), ("activation", "ok", False),
        ("register", "ok", False),
    ]  # fmt: skip
    assert items[0].keys() == {"id", "at", "kind", "outcome", "by_me", "network", "agent", "request_id"}
    assert items[0]["network"] == "127.0.0.0/24"
    assert items[0]["agent"] != items[1]["agent"]


def test_the_request_s_id_leads_from_the_answer_to_the_event(api, services):
    ada = join(services, api)
    refused = api("POST", "/v1/tokens", {"username": "ada", "password": "wrong"})
    (newest,) = ada("GET", "/v1/users/ada/events?limit=1").json["items"]
    assert newest["request_id"] == refused.header("X-Request-Id") == refused.json["request_id"]


def test_a_page_leads_to_the_next(api, services):
    ada = join(services, api)
    for _ in range(3):
        log_in(api)
    first = ada("GET", "/v1/users/ada/events?limit=4")
    assert len(first.json["items"]) == 4
    assert first.header("Link") == f'</v1/users/ada/events?limit=4&cursor={first.json["next"]}>; rel="next"'
    second = ada("GET", f"/v1/users/ada/events?limit=4&cursor={first.json['next']}")
    assert [item["kind"] for item in second.json["items"]] == ["activation", "register"]
    assert (second.json["next"], second.header("Link")) == (None, None)


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "cursor=-1"])
def test_a_page_that_makes_no_sense_is_422(api, services, query):
    assert join(services, api)("GET", f"/v1/users/ada/events?{query}").status == 422


def test_looking_at_another_s_leaves_an_event_of_its_own(api, services):
    join(services, api)
    eve = join(services, api, "eve")
    assert eve("GET", "/v1/users/ada/events").status == 404
    from shop import events
    from shop.accounts import by_username

    with services.db.read() as connection:
        row = connection.execute(events.events.select().order_by(events.events.c.id.desc())).first()
    assert (row.kind, row.outcome, row.actor_id) == ("access", "not-found", by_username(services, "eve").id)


PARTS = {"receiver": "Ada", "phone": "123", "detail": "1 Main Street"}
DENIED = {
    "looking at an address": ("GET", "/v1/users/eve/addresses/{address}", None),
    "changing an address": ("PUT", "/v1/users/eve/addresses/{address}", PARTS),
    "deleting an address": ("DELETE", "/v1/users/eve/addresses/{address}", None),
    "choosing an address": ("PUT", "/v1/users/eve/addresses/default", {"id": "{address}"}),
    "ending a session": ("DELETE", "/v1/tokens/{session}", None),
}


@pytest.mark.parametrize(("method", "path", "body"), DENIED.values(), ids=DENIED)
def test_whoever_tries_the_numbers_of_another_s_things_is_seen_by_both(api, services, method, path, body):
    ada, eve = join(services, api), join(services, api, "eve")
    hers = {
        "address": ada("POST", "/v1/users/ada/addresses", PARTS).json["id"],
        "session": ada("GET", "/v1/tokens").json["items"][0]["id"],
    }
    answers = []
    for known in (hers, {"address": "999999", "session": "0" * 32}):
        told = {name: value.format(**known) for name, value in body.items()} if body else None
        answers.append(eve(method, path.format(**known), told, If_Match="*"))
    assert [answer.status for answer in answers] == [404, 404]
    first, second = ({**answer.json, "instance": "", "request_id": ""} for answer in answers)
    assert first == second
    seen = ada("GET", "/v1/users/ada/events").json["items"][0]
    assert (seen["kind"], seen["outcome"], seen["by_me"]) == ("access", "not-found", False)
    assert ada("GET", "/v1/users/ada/addresses").json["items"][0]["is_default"]
    with services.db.read() as connection:
        from shop.tables import events

        rows = connection.execute(events.select().order_by(events.c.id.desc()).limit(2)).all()
    assert [(row.kind, row.user_id is None) for row in rows] == [("access", True), ("access", False)]


def test_what_was_typed_is_in_no_event(api, services):
    join(services, api)
    api("POST", "/v1/tokens", {"username": "swordfish", "password": PASSWORD})
    with services.db.read() as connection:
        from shop.tables import events

        assert not any("swordfish" in str(row) for row in connection.execute(events.select()).all())
