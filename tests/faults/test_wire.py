"""HTTP/1.1 on the wire, under gunicorn as we configure it: bytes are sent, and bytes come back (RFC 9112).

With gunicorn's parser in Python, and with its fast one (gunicorn_h1c) where that is installed.
"""

import contextlib
import importlib.util
import json
import re
import secrets as random
import shutil
import signal
import socket
import threading
import time

import pytest
import requests
from werkzeug.datastructures import Headers

from dada.answers import HEADERS
from handlers.documents import ALL
from shop.keyring import new_ring
from tests.conftest import environment
from tests.faults.processes import Process
from tests.servers import PATIENCE, free_port, wait_until

PARSERS = ["python", *(["fast"] if importlib.util.find_spec("gunicorn_h1c") else [])]


class API:
    """A running API, spoken to in bytes."""

    def __init__(self, address, process):
        self.address, self.process = address, process
        self.url = "http://{}:{}".format(*address)

    def connect(self):
        return socket.create_connection(self.address, timeout=PATIENCE)

    def exchange(self, data):
        """Send *data* and no more; return all that comes back until the server closes."""
        with self.connect() as connection:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            return rest(connection)

    def lives(self):
        try:
            return requests.get(f"{self.url}/healthz", timeout=2).ok
        except requests.RequestException:
            return False


@pytest.fixture(scope="module", params=PARSERS)
def api(request, tmp_path_factory, empty_sqlite, redis_server, world):
    folder = tmp_path_factory.mktemp("wire")
    shutil.copy(empty_sqlite, folder / "shop.db")
    secrets = folder / "secrets"
    secrets.mkdir(mode=0o700)
    ring = json.dumps(new_ring("test-1", random.token_bytes(32), sandbox=True))
    lasting = random.token_urlsafe(32)
    for name, text in {"keys.json": ring, "lasting_secret": lasting, "weibo_client_secret": "sandbox-secret"}.items():
        (secrets / name).touch(mode=0o600)
        (secrets / name).write_text(text)
    port = free_port()
    env = environment(f"sqlite:///{folder}/shop.db", redis_server.url, secrets, world)
    env |= {"API_BIND": f"127.0.0.1:{port}", "API_WORKERS": "1", "API_ARRIVAL_SECONDS": "2", "METRICS_BIND": ""}
    command = ("-m", "gunicorn", "-c", "gunicorn.conf.py", "--http-parser", request.param, "wsgi:app")
    with Process(*command, env=env, log=folder / "api.log") as process:
        running = API(("127.0.0.1", port), process)
        wait_until(lambda: process._ended_without("Listening") or running.lives(), "the API to answer")
        yield running


def rest(connection):
    """Return what still comes, until the server closes."""
    received = b""
    try:
        while part := connection.recv(1 << 16):
            received += part
    except ConnectionResetError:
        pass  # it closed while we still sent
    return received


def statuses(received):
    return [int(number) for number in re.findall(rb"HTTP/1\.[01] (\d{3}) ", received)]


def raw(line, *headers, body=b""):
    return "\r\n".join([line, *headers, "", ""]).encode("latin-1") + body


HOST = "Host: 127.0.0.1"
CLOSE = "Connection: close"
JSON = "Content-Type: application/json"
POST = "POST /v1/tokens HTTP/1.1"
CHUNKED = "Transfer-Encoding: chunked"
GET = raw("GET /healthz HTTP/1.1", HOST)
LAST = raw("GET /healthz HTTP/1.1", HOST, CLOSE)


def post(*headers, body=b""):
    return raw(POST, HOST, JSON, *headers, body=body)


CASES = {
    # targets (RFC 9112 §3.2)
    "origin form": (LAST, [200]),
    "absolute form": (raw("GET http://127.0.0.1/healthz?x=1 HTTP/1.1", HOST, CLOSE), [200]),
    "absolute form of a path that is none": (raw("GET http://127.0.0.1 HTTP/1.1", HOST, CLOSE), [404]),
    "absolute form of another host": (raw("GET http://evil.example/openapi.json HTTP/1.1", HOST, CLOSE), [421]),
    "absolute form, and Host of another": (
        raw("GET http://127.0.0.1/openapi.json HTTP/1.1", "Host: evil.example", CLOSE), [200],
    ),
    "absolute form without a host besides": (raw("GET http://127.0.0.1/healthz HTTP/1.1", CLOSE), [400]),
    "absolute form, its path in the query": (raw("GET http://127.0.0.1?x=/healthz HTTP/1.1", HOST, CLOSE), [404]),
    "asterisk form": (raw("OPTIONS * HTTP/1.1", HOST, CLOSE), [204]),
    "authority form": (raw("CONNECT 127.0.0.1:80 HTTP/1.1", HOST, CLOSE), [501]),
    "no slash": (raw("GET healthz HTTP/1.1", HOST, CLOSE), [400]),
    "a fragment": (raw("GET /healthz#x HTTP/1.1", HOST, CLOSE), [404]),
    "a blank in the target": (raw("GET /health z HTTP/1.1", HOST, CLOSE), [400]),
    "an encoded slash": (raw("GET /v1/users/a%2Fb HTTP/1.1", HOST, CLOSE), [401]),
    "a NUL, encoded": (raw("GET /v1/users/%00 HTTP/1.1", HOST, CLOSE), [404]),
    "dots": (raw("GET /v1/../healthz HTTP/1.1", HOST, CLOSE), [404]),
    # versions and methods
    "HTTP/1.0, which closes": (raw("GET /healthz HTTP/1.0", HOST), [200]),
    "HTTP/1.0 without a host": (raw("GET /healthz HTTP/1.0"), [200]),
    "HTTP/0.9": (b"GET /healthz\r\n", [400]),
    "HTTP/3.7": (raw("GET /healthz HTTP/3.7", HOST), [400]),
    "an unknown method": (raw("BREW /healthz HTTP/1.1", HOST, CLOSE), [501]),
    "a method in small letters": (raw("get /healthz HTTP/1.1", HOST, CLOSE), [400, 501]),
    "HEAD": (raw("HEAD /healthz HTTP/1.1", HOST, CLOSE), [200]),
    # Host (RFC 9112 §3.2)
    "no host": (raw("GET /healthz HTTP/1.1", CLOSE), [400]),
    "two hosts": (raw("GET /healthz HTTP/1.1", HOST, "Host: evil.example", CLOSE), [400]),
    "a host that is none": (raw("GET /healthz HTTP/1.1", "Host: a b/c", CLOSE), [400]),
    # lengths and chunks (RFC 9112 §6, §7)
    "a length": (post("Content-Length: 2", CLOSE, body=b"{}"), [422]),
    "no length": (post(CLOSE), [411]),
    "chunks": (post(CHUNKED, CLOSE, body=b"1\r\n{\r\n1;x=y\r\n}\r\n0\r\n\r\n"), [422]),
    "chunks with trailers": (post(CHUNKED, CLOSE, body=b"2\r\n{}\r\n0\r\nX-Sum: 1\r\n\r\n"), [422]),
    "a chunk whose size is no number": (post(CHUNKED, CLOSE, body=b"zz\r\n{}\r\n0\r\n\r\n"), [400]),
    "a chunk of negative size": (post(CHUNKED, CLOSE, body=b"-2\r\n{}\r\n0\r\n\r\n"), [400]),
    "a chunk longer than its size": (post(CHUNKED, CLOSE, body=b"1\r\n{}\r\n0\r\n\r\n"), [400]),
    "a chunk that ends early": (post(CHUNKED, CLOSE, body=b"9\r\n{}"), [400]),
    "chunks, too many": (post(CHUNKED, CLOSE, body=b"8000\r\n" + b"x" * 0x8000 + b"\r\n" + b"10000\r\n"
                              + b"x" * 0x10000 + b"\r\n0\r\n\r\n"), [413]),
    "too long": (post("Content-Length: 99999", CLOSE), [413]),
    "a body that ends early": (post("Content-Length: 10", CLOSE, body=b"{"), [400]),
    # what a proxy and a server might read differently (RFC 9112 §11.2)
    "a length and chunks": (post("Content-Length: 2", CHUNKED, body=b"0\r\n\r\n" + GET), [400]),
    "two lengths": (post("Content-Length: 2", "Content-Length: 3", body=b"{}" + GET), [400]),
    "two lengths in a line": (post("Content-Length: 2, 3", body=b"{}" + GET), [400]),
    "a length with a sign": (post("Content-Length: +2", body=b"{}" + GET), [400]),
    "a blank before the colon": (post("Content-Length : 2", body=b"{}" + GET), [400]),
    "a folded line: refused, or read as one (RFC 9112 §5.2)": (
        post("Content-Length: 2", "X: a", " b", CLOSE, body=b"{}"), [400, 422],
    ),
    "chunked twice": (post(CHUNKED, CHUNKED, body=b"0\r\n\r\n" + GET), [400]),
    "an unknown coding": (post("Transfer-Encoding: xchunked", body=b"0\r\n\r\n" + GET), [400, 501]),
    "a coding before chunked": (post("Transfer-Encoding: gzip, chunked", CLOSE, body=b"2\r\n{}\r\n0\r\n\r\n"), [501]),
    "a coding after chunked": (post("Transfer-Encoding: chunked, identity", body=b"0\r\n\r\n" + GET), [400]),
    "chunks of HTTP/1.0": (raw("POST /v1/tokens HTTP/1.0", HOST, JSON, CHUNKED, body=b"0\r\n\r\n" + GET), [400]),
    "a control character in a header": (raw("GET /healthz HTTP/1.1", HOST, "X: a\x00b"), [400]),
    "a header that could pass for another": (raw("GET /healthz HTTP/1.1", HOST, "X_Request_Id: x", CLOSE), [200, 400]),
    "a header that says where the application is mounted": (
        raw("GET /healthz HTTP/1.1", HOST, "SCRIPT_NAME: /nowhere", CLOSE), [200, 400],
    ),
    # limits (RFC 9110 §15.5.15, RFC 6585 §5)
    "a line too long": (raw(f"GET /{'x' * 9000} HTTP/1.1", HOST, CLOSE), [414]),
    "a header too long": (raw("GET /healthz HTTP/1.1", HOST, f"X: {'x' * 9000}", CLOSE), [431]),
    "too many headers": (raw("GET /healthz HTTP/1.1", HOST, *(f"X-{n}: 1" for n in range(99)), CLOSE), [431]),
    # expectations (RFC 9110 §10.1.1)
    "an expectation that nobody can meet": (post("Expect: tea", "Content-Length: 2", CLOSE, body=b"{}"), [417]),
}  # fmt: skip


@pytest.mark.parametrize(("data", "expected"), CASES.values(), ids=CASES)
def test_a_request_is_answered_once_with(api, data, expected):
    received = api.exchange(data)
    (status,) = statuses(received)
    assert status in expected
    if status >= 400:
        assert_problem(received, status)


def assert_problem(received, status):
    """Whoever refuses, the application or the server by itself: it is told in one way, and the connection says so."""
    head, _, body = received.partition(b"\r\n\r\n")
    line, *lines = head.decode("latin-1").split("\r\n")
    headers = Headers([line.split(": ", 1) for line in lines])
    assert line.startswith(f"HTTP/1.1 {status} ")
    assert headers["Content-Type"] == "application/problem+json"
    assert headers["Content-Length"] == str(len(body))
    assert headers["Date"]
    assert [headers.getlist(name) for name, _ in HEADERS if name != "Vary"] == [
        [value] for name, value in HEADERS if name != "Vary"
    ]
    assert {"Origin", "Authorization"} <= set(headers["Vary"].split(", "))
    told = json.loads(body)
    assert told["detail"]
    assert told["status"] == status == ALL[told["code"]].status
    assert told["title"] == ALL[told["code"]].en
    assert headers["X-Request-Id"] == told["request_id"]


def test_no_case_was_an_accident_of_ours(api):
    for data, _ in CASES.values():
        api.exchange(data)
    assert "Traceback" not in api.process.output
    assert api.lives()


SECRET = b'{"username":"ada","password":"swordfish"}\r\n\r\n'
QUOTED = {
    "a body without a length": post(body=SECRET),
    "a body that is longer than its length": post("Content-Length: 2", body=b"{}" + SECRET),
    "a body among the headers": post("swordfish"),
    "a password for a coding": post("Transfer-Encoding: swordfish"),
    "a password for a version": raw("GET /healthz HTTP/1.1 swordfish", HOST),
}


@pytest.mark.parametrize("data", QUOTED.values(), ids=QUOTED)
def test_what_the_server_cannot_read_of_a_request_is_in_no_log(api, data):
    before = len(api.process.output)
    assert statuses(api.exchange(data))[-1] >= 400
    assert "swordfish" not in api.process.output[before:]


# --- several requests on one connection (RFC 9112 §9.3) ---------------------------------------------------


@pytest.mark.parametrize("count", [2, 3, 200])
def test_requests_sent_at_once_are_all_answered_in_order(api, count):
    with api.connect() as connection:
        connection.sendall(GET * (count - 1) + LAST)
        received = rest(connection)
    assert statuses(received) == [200] * count


def test_the_second_request_is_answered_when_it_came_with_the_end_of_the_first_body(api):
    bodies = [b"{}", b"[" * 40, b"2"]
    data = b"".join(post(f"Content-Length: {len(body)}", body=body) for body in bodies)
    assert statuses(api.exchange(data + LAST)) == [422, 400, 422, 200]


def test_a_request_that_nobody_read_to_its_end_does_not_become_the_next_one(api):
    smuggled = raw("GET /v1/users/ada HTTP/1.1", HOST)
    nowhere = raw("POST /nowhere HTTP/1.1", HOST, f"Content-Length: {len(smuggled)}", body=smuggled)
    assert statuses(api.exchange(nowhere + LAST)) == [404, 200]


def test_a_request_in_pieces_is_a_request(api):
    with api.connect() as connection:
        for piece in (GET[:9], GET[9:30], GET[30:] + LAST[:20], LAST[20:]):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.sendall(piece)
        assert statuses(rest(connection)) == [200, 200]


def test_a_connection_is_kept_for_the_next_request(api):
    with requests.Session() as session:
        for _ in range(3):
            assert session.get(f"{api.url}/healthz", timeout=PATIENCE).json() == {"status": "ok"}
        assert len(session.get_adapter(api.url).poolmanager.pools) == 1


# --- expectations (RFC 9110 §10.1.1) ----------------------------------------------------------------------


def test_a_client_that_waits_is_told_to_go_on_and_then_answered(api):
    with api.connect() as connection:
        connection.sendall(post("Expect: 100-continue", "Content-Length: 2", CLOSE))
        assert connection.recv(1 << 16) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"{}")
        assert statuses(rest(connection)) == [422]


# --- those who leave, and those who never finish ---------------------------------------------------------


def test_who_leaves_in_the_middle_disturbs_nobody(api):
    for data in (GET[:10], GET, post("Content-Length: 10", body=b"{"), post(CHUNKED, body=b"5\r\n{")):
        with api.connect() as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # leave with a reset
            connection.sendall(data)
    assert statuses(api.exchange(LAST)) == [200]
    assert "Traceback" not in api.process.output


def test_whoever_never_finishes_is_hung_up_on_and_the_others_are_served_meanwhile(api):
    unfinished = {
        "nothing": b"",
        "half a head": GET[:20],
        "no body": post("Content-Length: 10", CLOSE),
        "half a body": post("Content-Length: 10", CLOSE, body=b"{"),
        "half a chunk": post(CHUNKED, CLOSE, body=b"5\r\n{"),
    }
    ends = {name: set() for name in unfinished}
    with contextlib.ExitStack() as stack:
        late = [(name, stack.enter_context(api.connect())) for name in unfinished for _ in range(8)]
        for name, connection in late:
            connection.sendall(unfinished[name])
        wait_until(api.lives, "an answer between so many who wait")  # they are more than there are threads
        for name, connection in late:
            ends[name].update(statuses(rest(connection)) or ["silence"])
    assert ends == {
        "nothing": {"silence"}, "half a head": {"silence"},
        "no body": {400}, "half a body": {400}, "half a chunk": {400},
    }  # fmt: skip


def test_a_body_that_trickles_is_no_way_around_that(api):
    """A byte now and then would keep a time limit on each read from ever passing."""
    stop = threading.Event()
    with api.connect() as connection:
        connection.sendall(post("Content-Length: 60000", CLOSE))

        def trickle():
            try:
                while not stop.wait(0.05):
                    connection.sendall(b" ")
            except OSError:
                return

        sender = threading.Thread(target=trickle)
        sender.start()
        began = time.monotonic()
        assert statuses(rest(connection)) == [400]
        stop.set()
        sender.join()
    assert time.monotonic() - began < 60000 * 0.05 / 10, "the body was read to its end"


# --- another version, under load --------------------------------------------------------------------------


class Callers:
    """Threads that ask without a pause, half of them over kept connections, and remember whatever went wrong."""

    def __init__(self, url, count=4):
        self.url, self.wrong, self.answered, self._stop = url, [], 0, threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(number % 2 == 0,)) for number in range(count)]

    def _ask(self, keep):
        with requests.Session() as session:
            session.headers["Connection"] = "keep-alive" if keep else "close"
            while not self._stop.is_set():
                try:
                    response = session.post(f"{self.url}/v1/tokens", json={}, timeout=PATIENCE)
                    if response.status_code != 422:
                        self.wrong.append(response.text)
                except requests.RequestException as error:
                    self.wrong.append(repr(error))
                self.answered += 1

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join()


def workers(api, word):
    return set(re.findall(rf"{word}[^\"]*pid: (\d+)", api.process.output))


def test_a_new_version_takes_over_under_load_and_no_request_is_lost(api):
    before = workers(api, "Booting worker")
    with Callers(api.url) as callers:
        wait_until(lambda: callers.answered > 50, "load")
        api.process.tell(signal.SIGHUP)
        wait_until(lambda: workers(api, "Booting worker") > before, "a new worker")
        wait_until(lambda: workers(api, "Worker exiting") >= before, "the old worker to have gone")
        seen = callers.answered
        wait_until(lambda: callers.answered > seen + 50, "the new worker to answer")
    assert callers.wrong == []
