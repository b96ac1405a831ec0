"""`dada up`: the whole system, started for real on free ports."""

import os
import re
import signal
import socket
import stat
from pathlib import Path

import pytest
import requests

from tests.faults.processes import Process
from tests.servers import PATIENCE, free_port, wait_until


class Up(Process):
    """`dada up` with ports and a folder of its own."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.ports = {name: free_port() for name in ("api", "page", "world", "smtp", "metrics")}
        self.api, self.page, self.world = (f"http://127.0.0.1:{self.ports[n]}" for n in ("api", "page", "world"))
        given = [part for name, port in self.ports.items() for part in (f"--{name}-port", str(port))]
        folder.mkdir(exist_ok=True)
        super().__init__(
            "-m", "cli", "up", "--data", str(folder / "data"), *given, *options, env={"COLUMNS": "200"},
            log=folder / "up.log",
        )  # fmt: skip

    def ready(self) -> "Up":
        self.says("Open http://")
        return self

    def children(self) -> dict[str, int]:
        """Return the process numbers that its table shows."""
        rows = re.findall(r"^(valkey|world|api|worker|metrics|page) .* (\d+) +ok", self.output, re.MULTILINE)
        return {name: int(pid) for name, pid in rows}


def is_alive(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False


@pytest.fixture(scope="module")
def up(tmp_path_factory):
    with Up(tmp_path_factory.mktemp("up")) as process:
        yield process.ready()
        process.tell(signal.SIGINT)
        process.wait()


def test_everything_is_there_and_says_so(up):
    assert up.children().keys() == {"valkey", "world", "api", "worker", "metrics", "page"}
    assert requests.get(f"{up.api}/readyz", timeout=PATIENCE).json()["status"] == "ok"
    assert requests.get(f"{up.page}/config.json", timeout=PATIENCE).json() == {
        "api": up.api, "mailbox": f"{up.world}/mailbox", "weibo": up.world,
    }  # fmt: skip


def test_a_registration_arrives_in_the_mailbox(up):
    new = {"username": "newcomer", "password": "correct horse battery", "email": "new@example.org"}
    assert requests.post(f"{up.api}/v1/users", json=new, timeout=PATIENCE).status_code == 202
    messages = f"{up.world}/mailbox/messages"
    wait_until(lambda: requests.get(messages, params={"to": "new@example.org"}, timeout=PATIENCE).json(), "the letter")
    up.says("mail.activation")


def test_the_figures_of_all_processes_are_served(up):
    figures = f"http://127.0.0.1:{up.ports['metrics']}/metrics"
    requests.get(f"{up.api}/nowhere", timeout=PATIENCE)
    told = requests.get(figures, timeout=PATIENCE).text
    assert re.search(r'^dada_requests_total\{method="GET",route="none",status="404"\} [1-9]', told, re.MULTILINE)
    assert "dada_queue_jobs{" in told


def test_secrets_are_made_on_the_first_run_for_their_owner_only(up, tmp_path):
    folder = Path(up._log).parent / "data" / "secrets"
    assert {path.name for path in folder.iterdir()} == {
        "keys.json",
        "lasting_secret",
        "weibo_client_secret",
        "world.json",
        "valkey",
    }
    for path in (folder, *folder.iterdir()):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0
    assert "sandbox-" in (folder / "weibo_client_secret").read_text()


def test_everything_listens_on_loopback_only(up):
    ports = set(up.ports.values())
    addresses = {
        line.split()[1]
        for table in ("/proc/net/tcp", "/proc/net/tcp6")
        for line in Path(table).read_text().splitlines()[1:]
        if line.split()[3] == "0A" and int(line.split()[1].rpartition(":")[2], 16) in ports
    }
    assert len(addresses) == len(ports)
    assert all(address.startswith("0100007F:") for address in addresses)


def test_a_child_that_is_killed_is_started_again(up):
    os.kill(up.children()["worker"], signal.SIGKILL)
    up.says("worker was killed by signal 9; starting it again")
    new = {"username": "another", "password": "correct horse battery", "email": "another@example.org"}
    requests.post(f"{up.api}/v1/users", json=new, timeout=PATIENCE)
    messages = f"{up.world}/mailbox/messages"
    wait_until(
        lambda: requests.get(messages, params={"to": "another@example.org"}, timeout=PATIENCE).json(), "the letter"
    )


def test_nothing_secret_is_in_what_it_shows(up):
    folder = Path(up._log).parent / "data" / "secrets"
    for path in folder.iterdir():
        for secret in re.findall(r"[A-Za-z0-9_-]{24,}", path.read_text()):
            assert secret not in up.output


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_stops_everything_and_leaves_no_process_behind(tmp_path, number):
    with Up(tmp_path) as up:
        children = up.ready().children()
        up.tell(number)
        assert up.wait() == 0
        assert not any(is_alive(pid) for pid in children.values())
        assert "Traceback" not in up.output


def test_killed_itself_it_takes_everything_with_it(tmp_path):
    with Up(tmp_path) as up:
        children = up.ready().children()
        os.kill(up.pid, signal.SIGKILL)
        up.wait()
        wait_until(lambda: not any(is_alive(pid) for pid in children.values()), "the children to go")


def test_a_second_run_keeps_what_the_first_one_made(tmp_path):
    new = {"username": "keeper", "password": "correct horse battery", "email": "keeper@example.org"}
    with Up(tmp_path) as up:
        up.ready()
        assert requests.post(f"{up.api}/v1/users", json=new, timeout=PATIENCE).status_code == 202
        up.tell(signal.SIGINT)
        up.wait()
    with Up(tmp_path) as up:
        up.ready()
        assert requests.post(f"{up.api}/v1/users", json=new, timeout=PATIENCE).status_code == 409
        up.tell(signal.SIGINT)
        up.wait()


def test_servers_of_one_s_own_are_used(tmp_path, redis_server):
    with Up(tmp_path, "--redis", redis_server.url, "--database", f"sqlite:///{tmp_path}/own.db") as up:
        assert "valkey" not in up.ready().children()
        assert (tmp_path / "own.db").exists()
        assert not (tmp_path / "data" / "shop.db").exists()
        up.tell(signal.SIGINT)
        up.wait()


class TestWhatKeepsItFromStarting:
    def refusal(self, tmp_path, *options):
        with Up(tmp_path, *options) as up:
            assert up.wait() == 2
            lines = [line for line in up.output.splitlines() if line.startswith("dada")]
            assert "Traceback" not in up.output
            return lines[-1]

    def test_ports_in_use_are_told_together(self, tmp_path):
        with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
            ports = [listener.getsockname()[1] for listener in (one, two)]
            line = self.refusal(tmp_path, "--api-port", str(ports[0]), "--page-port", str(ports[1]))
        assert f"{ports[0]} (--api-port)" in line
        assert f"{ports[1]} (--page-port)" in line

    def test_a_port_that_is_none(self, tmp_path):
        assert "99999 (--api-port)" in self.refusal(tmp_path, "--api-port", "99999")

    def test_a_database_that_is_not_there(self, tmp_path):
        line = self.refusal(tmp_path, "--database", f"mysql+pymysql://x:swordfish@127.0.0.1:{free_port()}/x")
        assert "the database cannot be used" in line
        assert "swordfish" not in line

    def test_a_database_that_is_none(self, tmp_path):
        assert "the database cannot be used" in self.refusal(tmp_path, "--database", "nonsense")

    def test_a_redis_that_is_not_there(self, tmp_path):
        for url in (f"redis://:swordfish@127.0.0.1:{free_port()}/0", "nonsense"):
            assert self.refusal(tmp_path, "--redis", url) == "dada up: no Redis answers at the URL of --redis"
