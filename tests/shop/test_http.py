"""Calls to other services: bounded, never redirected, never repeated."""

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import ClassVar

import pytest

from shop import http
from shop.errors import Refused
from shop.http import HTTP
from tests.servers import free_port


class Handler(BaseHTTPRequestHandler):
    seen: ClassVar[list] = []
    answer = (200, {}, b"{}")

    def do_GET(self):
        length = int(self.headers.get("Content-Length") or 0)
        Handler.seen.append((self.command, self.path, self.rfile.read(length), dict(self.headers)))
        status, headers, body = Handler.answer
        if body is None:
            self.close_connection = True
            self.connection.close()
            return
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET  # noqa: N815 the library's name

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    Handler.seen, Handler.answer = [], (200, {}, b"{}")
    running = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=running.serve_forever, args=(0.05,))
    thread.start()
    yield f"http://127.0.0.1:{running.server_port}"
    running.shutdown()
    thread.join()
    running.server_close()


@pytest.fixture
def caller():
    made = HTTP()
    yield made
    made.close()


def test_a_secret_travels_in_the_body_and_not_in_the_url(server, caller):
    assert caller.post(f"{server}/token", {"secret": "a b"}) == (200, b"{}")
    method, path, body, headers = Handler.seen[0]
    assert (method, path, body) == ("POST", "/token", b"secret=a+b")
    assert "Cookie" not in headers


def test_a_query_is_encoded(server, caller):
    caller.get(f"{server}/show", {"uid": "7&x=1"})
    assert Handler.seen[0][1] == "/show?uid=7%26x%3D1"


def test_a_redirect_is_an_answer_and_is_not_followed(server, caller):
    Handler.answer = (302, {"Location": "http://127.0.0.1:1/"}, b"")
    assert caller.get(server, {}).status == 302
    assert len(Handler.seen) == 1


def test_no_more_is_read_than_is_wanted(server, caller):
    Handler.answer = (200, {}, b"x" * (http.MAX_BYTES * 3))
    assert len(caller.get(server, {}).body) == http.MAX_BYTES + 1


FAILURES = {
    "a closed connection": (200, {}, None),
    "a broken compression": (200, {"Content-Encoding": "gzip"}, b"no gzip"),
    "less than was said": (200, {"Content-Length": "100"}, b"short"),
}


@pytest.mark.parametrize("answer", FAILURES.values(), ids=FAILURES)
def test_a_failure_is_told_without_the_url_and_is_not_repeated(server, caller, answer):
    Handler.answer = answer
    try:
        reply = caller.get(server, {"access_token": "swordfish"})
    except Refused as error:
        assert error.reason == "provider-unavailable"
        assert "swordfish" not in str(error)
    else:
        assert reply.body == b"short"  # some servers' early ends cannot be told from the end
    assert len(Handler.seen) == 1


def test_a_service_that_is_not_there_is_unavailable(caller):
    with pytest.raises(Refused) as caught:
        caller.get(f"http://127.0.0.1:{free_port()}/", {})
    assert caught.value.reason == "provider-unavailable"


def test_a_proxy_of_the_environment_is_not_asked(server, caller, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    assert caller.get(server, {}).status == 200
