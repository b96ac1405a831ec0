"""The API under real gunicorn: it starts, serves, stops, and refuses to start on what is wrong."""

import http.client
import signal
import socket
from contextlib import contextmanager

import pytest
import requests

from tests.conftest import PAGE, environment
from tests.faults.processes import Process
from tests.servers import PATIENCE, free_port, wait_until


@pytest.fixture
def database_url(empty_sqlite, tmp_path):
    import shutil

    shutil.copy(empty_sqlite, tmp_path / "shop.db")
    return f"sqlite:///{tmp_path}/shop.db"


@pytest.fixture
def env(database_url, redis_server, secrets_folder, world):
    return environment(database_url, redis_server.url, secrets_folder, world) | {
        "API_BIND": f"127.0.0.1:{free_port()}", "API_WORKERS": "1",
    }  # fmt: skip


@contextmanager
def started(env, tmp_path):
    with Process("-m", "gunicorn", "-c", "gunicorn.conf.py", "wsgi:app", env=env, log=tmp_path / "api.log") as process:
        process.url = f"http://{env['API_BIND']}"
        wait_until(lambda: answers(process), "the API to answer")
        yield process


@pytest.fixture
def running(env, tmp_path):
    with started(env, tmp_path) as process:
        yield process


def answers(process):
    process._ended_without("Listening")
    try:
        return requests.get(f"{process.url}/healthz", timeout=2).ok
    except requests.RequestException:
        return False


def test_it_serves_and_stops_when_told(running):
    response = requests.get(f"{running.url}/readyz", headers={"Origin": PAGE}, timeout=PATIENCE)
    assert response.json()["status"] == "ok"
    assert response.headers["Access-Control-Allow-Origin"] == PAGE
    running.tell(signal.SIGTERM)
    assert running.wait() == 0


def test_its_log_is_lines_of_json_without_the_query(running):
    requests.get(f"{running.url}/v1/users/weibo/users?code=swordfish&state=swordfish", timeout=PATIENCE)
    running.tell(signal.SIGTERM)
    running.wait()
    assert "swordfish" not in running.output
    assert all(line.startswith("{") for line in running.output.splitlines())


def received(running, data):
    """Send bytes as they are, and return what comes back."""
    host, port = running.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=PATIENCE) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(1 << 16), b""))


def exchange(running, data):
    """Send bytes as they are, and return the statuses of all answers."""
    return [int(line[9:12]) for line in received(running, data).split(b"\r\n") if line.startswith(b"HTTP/1.1 ")]


def raw(line, *headers, body=b""):
    return "\r\n".join([line, "Host: localhost", *headers, "", ""]).encode() + body


REQUESTS = {
    "a chunked body": (
        raw("POST /v1/tokens HTTP/1.1", "Content-Type: application/json", "Transfer-Encoding: chunked",
            "Connection: close", body=b"2\r\n{}\r\n0\r\n\r\n"),
        [422],
    ),
    "no length": (raw("POST /v1/tokens HTTP/1.1", "Content-Type: application/json", "Connection: close"), [411]),
    "too long": (
        raw("POST /v1/tokens HTTP/1.1", "Content-Type: application/json", "Content-Length: 99999", "Connection: close"),
        [413],
    ),
    "a body that ends early": (
        raw("POST /v1/tokens HTTP/1.1", "Content-Type: application/json", "Content-Length: 10", body=b"{"), [400],
    ),
    "an encoded slash": (raw("GET /v1/users/a%2Fb HTTP/1.1", "Connection: close"), [401]),
    "a NUL in the path": (raw("GET /v1/users/%00 HTTP/1.1", "Connection: close"), [404]),
    "an unknown method": (raw("BREW /healthz HTTP/1.1", "Connection: close"), [501]),
    "HEAD": (raw("HEAD /healthz HTTP/1.1", "Connection: close"), [200]),
}  # fmt: skip


@pytest.mark.parametrize(("data", "statuses"), REQUESTS.values(), ids=REQUESTS)
def test_requests_on_the_wire_are_answered(running, data, statuses):
    assert exchange(running, data) == statuses


INSISTS = b"\r\nStrict-Transport-Security: max-age=31536000\r\n"


@pytest.mark.parametrize(("api_url", "insists"), [("https://api.shop.example", 1), ("http://127.0.0.1:8000", 0)])
def test_what_gunicorn_refuses_tells_browsers_to_insist_on_tls_as_the_application_does(env, tmp_path, api_url, insists):
    env["API_URL"] = api_url
    with started(env, tmp_path) as process:
        for line in ("GET", f"GET /{'x' * 9000} HTTP/1.1", "GET /healthz HTTP/1.1"):
            assert received(process, raw(line, "Connection: close")).count(INSISTS) == insists, line


def test_a_connection_is_kept_for_the_next_request(running):
    connection = http.client.HTTPConnection(running.url.removeprefix("http://"), timeout=PATIENCE)
    for _ in range(3):
        connection.request("GET", "/healthz")
        assert connection.getresponse().read() == b'{"status":"ok"}'
    connection.close()


def test_it_does_not_start_on_what_is_wrong_and_says_all_of_it(tmp_path):
    env = {"DADA_ENV": "x", "REDIS_URL": "x", "API_BIND": f"127.0.0.1:{free_port()}"}
    with Process("-m", "gunicorn", "-c", "gunicorn.conf.py", "wsgi:app", env=env, log=tmp_path / "log") as process:
        assert process.wait() != 0
        for name in ("DADA_ENV", "DATABASE_URL", "REDIS_URL", "SECRETS_DIR"):
            assert name in process.output
        assert "swordfish" not in process.output
