"""The client and the clock of the tests."""

from dada.cors import Middleware, Policy
from dada.testing import Client, Clock, audit_cors


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


def test_an_application_is_audited_path_by_path():
    def application(environ, start_response):
        start_response("404 No" if environ["PATH_INFO"] == "/none" else "200 OK", [])
        return []

    apart = {"/good/*": Policy(origins=["https://a.example"], max_age=600), "/open/*": Policy(origins=["*"], max_age=9)}
    found = audit_cors(Middleware(application, apart), ["/good/x", "/open/x"], ["https://a.example"], "/good/none")
    assert [(path, [finding.code for finding in findings]) for path, findings in found.items()] == [
        ("/good/x", []), ("/open/x", ["any-origin"]),
    ]  # fmt: skip


def test_an_exception_counts_as_the_bare_500_that_a_server_makes_of_it():
    def application(environ, start_response):
        if environ["PATH_INFO"] != "/":
            raise ZeroDivisionError
        start_response("200 OK", [("Access-Control-Allow-Origin", "*"), ("Access-Control-Max-Age", "600")])
        return []

    assert [finding.code for finding in audit_cors(application, ["/"], ["*"])["/"]] == [
        "unreadable", "options-taken-for-preflight",
    ]  # fmt: skip
