"""`python -m sandbox` as a process of its own: its one line, its end, and what keeps it from starting."""

import contextlib
import json
import os
import re
import signal
import smtplib
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import requests

import sandbox
from tests.servers import PATIENCE, wait_until

ROOT = Path(sandbox.__file__).parents[1]
SECRETS = {
    "weibo_app_key": "2000000001",
    "weibo_app_secret": "the secret of the application",
    "weibo_redirect_uri": "http://127.0.0.1:7000/weibo.html",
    "admin_token": "the admin token",
}
LINE = r"sandbox: Weibo look-alike and mailbox at (http://127\.0\.0\.1:\d+), SMTP at (127\.0\.0\.1):(\d+)\n"


@pytest.fixture
def secrets(tmp_path):
    path = tmp_path / "secrets.json"
    path.write_text(json.dumps(SECRETS), "utf-8")
    return path


def command(*arguments):
    return [sys.executable, "-m", "sandbox", *map(str, arguments)]


def run(*arguments):
    """Return the outcome of a process that ends by itself."""
    return subprocess.run(command(*arguments), cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE)


def refused(outcome):
    """Return the one line that a process left."""
    assert (outcome.returncode, outcome.stdout) == (2, "")
    assert outcome.stderr.count("\n") == 1
    return outcome.stderr


@pytest.fixture
def process(secrets):
    arguments = ("--http", "127.0.0.1:0", "--smtp", "127.0.0.1:0", "--secrets", secrets)
    with subprocess.Popen(
        command(*arguments), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        yield running
        running.kill()


def started(process):
    """Return the addresses, once both servers listen."""
    found = re.fullmatch(LINE, process.stdout.readline())
    assert found
    return found[1], (found[2], int(found[3]))


def test_both_servers_answer_when_the_line_is_out(process):
    base, smtp = started(process)
    assert requests.get(f"{base}/", timeout=PATIENCE).status_code == 200
    with smtplib.SMTP(*smtp, timeout=PATIENCE) as client:
        client.sendmail("a@x.example", ["b@x.example"], b"Subject: hello\r\n\r\n")
    (mail,) = requests.get(f"{base}/mailbox/messages", timeout=PATIENCE).json()
    assert mail["subject"] == "hello"


def test_the_secrets_are_those_of_the_file(process):
    base, _ = started(process)
    headers = {"Authorization": f"Bearer {SECRETS['admin_token']}"}
    assert requests.get(f"{base}/admin/faults", headers=headers, timeout=PATIENCE).json() == {"faults": []}
    asked = {"client_id": SECRETS["weibo_app_key"], "redirect_uri": SECRETS["weibo_redirect_uri"]}
    assert requests.get(f"{base}/oauth2/authorize", params=asked, timeout=PATIENCE).status_code == 200


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("busy", [False, True], ids=["idle", "in the middle of conversations"])
def test_a_signal_ends_it_cleanly_though_others_hold_on(process, end, busy):
    base, smtp = started(process)
    host, port = base.removeprefix("http://").split(":")
    idle = [socket.create_connection(smtp), socket.create_connection((host, int(port)))] if busy else []
    if busy:
        idle[0].recv(100)  # the greeting: the conversation has begun
    process.send_signal(end)
    out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out, err) == (0, "", "")
    for connection in idle:
        connection.close()


def test_the_workers_of_the_queue_lab_end_with_it(secrets, redis_server, tmp_path):
    page = "http://127.0.0.1:7000"
    arguments = ("--http", "127.0.0.1:0", "--smtp", "127.0.0.1:0", "--secrets", secrets, "--page", page)
    with (
        redis_server.client() as client,
        subprocess.Popen(
            command(*arguments), cwd=ROOT, stdout=subprocess.PIPE, text=True,
            env={**os.environ, "REDIS_URL": redis_server.url},
        ) as running,
    ):  # fmt: skip
        base, _ = started(running)
        queue = requests.post(f"{base}/labs/queue", json={}, headers={"Origin": page}, timeout=PATIENCE).json()
        path = f"{base}/labs/queue/{queue['id']}"
        requests.post(f"{path}/jobs", json={"task": "work", "count": 9}, headers={"Origin": page}, timeout=PATIENCE)
        for _ in range(2):
            requests.post(f"{path}/workers", json={}, headers={"Origin": page}, timeout=PATIENCE)
        wait_until(lambda: len(workers_of(queue["queue"])) == 2, "two workers")
        running.send_signal(signal.SIGTERM)
        assert running.wait(PATIENCE) == 0
        assert workers_of(queue["queue"]) == []
        assert client.keys(f"*{queue['queue']}*") == []


def workers_of(queue):
    """Return the processes that work for a queue of the lab."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if queue.encode() in path.read_bytes():
                found.append(path.parent.name)
    return found


@pytest.mark.parametrize("option", ["--http", "--smtp"])
def test_a_port_that_is_taken(secrets, option):
    other = {"--http": "--smtp", "--smtp": "--http"}[option]
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        line = refused(run(option, address, other, "127.0.0.1:0", "--secrets", secrets))
    assert line == f"sandbox: cannot listen on {address}: Address already in use\n"


@pytest.mark.parametrize("option", ["--http", "--smtp"])
@pytest.mark.parametrize("address", ["0.0.0.0:0", "[::]:0", "192.0.2.1:0"])
def test_an_address_that_others_can_reach(secrets, option, address):
    line = refused(run(option, address, "--secrets", secrets))
    assert line == f"sandbox: {address} is not of this machine alone; only loopback is served\n"


FILES = {
    "no JSON": ("{", "is not JSON"),
    "no object": ("[]", "holds no object"),
    "nothing in it": ("{}", "has no text for weibo_app_key, weibo_app_secret, weibo_redirect_uri, admin_token"),
}


@pytest.mark.parametrize(("text", "why"), FILES.values(), ids=FILES)
def test_a_malformed_file(tmp_path, text, why):
    path = tmp_path / "secrets.json"
    path.write_text(text, "utf-8")
    assert why in refused(run("--secrets", path))


def test_a_missing_file(tmp_path):
    path = tmp_path / "none.json"
    assert refused(run("--secrets", path)) == f"sandbox: secrets file {path}: No such file or directory\n"


def test_no_file_and_no_such_option(secrets):
    assert "--secrets" in refused(run())
    assert "--nonsense" in refused(run("--secrets", secrets, "--nonsense"))


def test_help_is_help():
    outcome = run("--help")
    assert outcome.returncode == 0
    assert "--secrets" in outcome.stdout
