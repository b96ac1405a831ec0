"""The client and the clock of the tests."""

from dada.testing import Client, Clock


def echo(environ, start_response):
    start_response("201 Created", [("X-A", "1"), ("x-a", "2")])
    yield environ["REQUEST_METHOD"].encode()
    yield environ["wsgi.input"].read()


def test_a_client_sends_json_and_joins_what_comes_back():
    response = Client(echo)("POST", "/a?b=c", {"d": 1})
    assert (response.status, response.body, response.header("X-A"), response.header("nothing")) == (
        201, b'POST{"d": 1}', "1, 2", None,
    )  # fmt: skip
    assert "201" in repr(response)


def test_headers_of_a_client_go_along_and_can_be_replaced():
    def seen(environ, start_response):
        start_response("200 OK", [])
        return [f"{environ['HTTP_X_A']}{environ['CONTENT_TYPE']}".encode()]

    assert Client(seen, {"X-A": "1"})("POST", "/", {}, {"X-A": "2"}).body == b"2application/json"


def test_no_body_is_no_json():
    assert Client(lambda _, start: start("204 No Content", []) or [])("GET", "/").json is None


def test_a_clock_stands_still_until_it_is_moved():
    clock = Clock(100)
    assert clock() == clock() == 100
    clock.advance(1.5)
    assert clock() == 101.5
