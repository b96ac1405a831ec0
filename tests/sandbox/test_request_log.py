"""The log of requests: what it remembers, and when it forgets."""

from werkzeug import Request
from werkzeug.test import EnvironBuilder

from sandbox.request_log import RequestLog


def request(**parts):
    made = Request(EnvironBuilder(**{"path": "/oauth2/access_token", "method": "POST", **parts}).get_environ())
    made.get_data()
    return made


def add(log, made, endpoint="access_token"):
    log.add(made, endpoint=endpoint, at=1.5, status=200, faults=["delay"])


def test_a_call_is_kept_as_it_came():
    log = RequestLog()
    add(log, request(query_string="a=1&a=2", data={"code": "c", "client_secret": "秘"}, headers={"X-Test": "1"}))
    (call,) = log.shown()
    assert call["headers"].pop("X-Test") == "1"
    assert call["headers"]["Content-Type"] == "application/x-www-form-urlencoded"
    del call["headers"]
    assert call == {
        "id": 1,
        "at": 1.5,
        "endpoint": "access_token",
        "method": "POST",
        "path": "/oauth2/access_token",
        "query": "a=1&a=2",
        "body": "code=c&client_secret=%E7%A7%98",
        "arguments": {"a": ["1", "2"]},
        "form": {"code": ["c"], "client_secret": ["秘"]},
        "status": 200,
        "faults": ["delay"],
    }


def test_a_body_that_is_no_text_is_shown_as_far_as_it_goes():
    log = RequestLog()
    add(log, request(data=b"\xff{}", content_type="application/json"))
    assert log.shown()[0]["body"] == "\ufffd{}"
    assert log.shown()[0]["form"] == {}


def test_the_oldest_are_forgotten_and_numbers_go_on():
    log = RequestLog(kept=2)
    for _ in range(3):
        add(log, request())
    assert [call["id"] for call in log.shown()] == [2, 3]
    log.clear()
    assert log.shown() == []
    add(log, request())
    assert log.shown()[0]["id"] == 4


def test_an_endpoint_narrows():
    log = RequestLog()
    add(log, request())
    add(log, request(), endpoint="users_show")
    assert [call["endpoint"] for call in log.shown("users_show")] == ["users_show"]
    assert log.shown("smtp") == []
