"""How answers are written: bytes, labels, headers."""

import json

import pytest
from werkzeug import Request
from werkzeug.test import EnvironBuilder

from sandbox.weibo_answers import JSON, TEXT, Call, refusal, respond, spell
from sandbox.weibo_errors import ROWS


def call(endpoint="users_show", **parts):
    return Call(endpoint, Request(EnvironBuilder(**{"path": "/2/users/show.json", **parts}).get_environ()))


SPELLINGS = {
    "characters as they are": ({"a": "林🎒"}, '{"a":"林🎒"}'.encode()),
    "no blanks": ({"a": [1, None, True]}, b'{"a":[1,null,true]}'),
    "half of a pair, which only an escape can spell": ({"a": "林\ud83d"}, b'{"a":"\\u6797\\ud83d"}'),
    "NUL, which JSON must escape": ({"a": "\x00"}, b'{"a":"\\u0000"}'),
}


@pytest.mark.parametrize(("value", "text"), SPELLINGS.values(), ids=SPELLINGS)
def test_a_value_is_spelled(value, text):
    assert spell(value) == text
    assert json.loads(text) == value


def test_a_response_has_the_recorded_headers_and_tells_no_length():
    response = respond(200, b"{}", TEXT)
    assert dict(response.get_wsgi_headers(EnvironBuilder().get_environ())) == {
        "Content-Type": "text/plain;charset=UTF-8",
        "Pragma": "No-cache",
        "Cache-Control": "no-cache",
        "Expires": "Thu, 01 Jan 1970 00:00:00 GMT",
        "Api-Server-IP": "127.0.0.1",
    }


def test_the_token_endpoint_calls_its_errors_text_too():
    assert refusal(call("access_token"), ROWS["21325"], "x").content_type == TEXT
    assert refusal(call("users_show"), ROWS["21332"]).content_type == JSON


def test_a_refusal_echoes_the_path_that_was_called():
    answer = refusal(call(path="/2/oauth2/access_token"), ROWS["21322"])
    assert (answer.status, answer.value["request"], answer.value["error_uri"]) == (
        400,
        "/2/oauth2/access_token",
        "/2/oauth2/access_token",
    )


PARAMETERS = {
    "in the query": ({"query_string": "uid=1"}, "1"),
    "in a form": ({"method": "POST", "data": {"uid": "2"}}, "2"),
    "in both: the form's": ({"method": "POST", "query_string": "uid=1", "data": {"uid": "2"}}, "2"),
    "in JSON: not seen": ({"method": "POST", "json": {"uid": "3"}}, None),
    "nowhere": ({}, None),
}


@pytest.mark.parametrize(("parts", "value"), PARAMETERS.values(), ids=PARAMETERS)
def test_a_parameter_is_found(parts, value):
    assert call(**parts).value("uid") == value


def test_a_call_knows_where_the_service_is():
    assert call(base_url="http://127.0.0.1:9000").base == "http://127.0.0.1:9000"
