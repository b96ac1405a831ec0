"""HTTP under servers: wrk asks, and the processor's time of the server's processes is counted.

WSGI applications run under gunicorn as gunicorn.conf.py sets it up, with two workers; FastAPI under uvicorn with two.
wrk has sixteen connections and runs on the same machine, so that requests a second are those of a machine that is busy
with asking, too.  What an application costs is the processor's time of a request over that of an empty application
that is asked the same: reading a request is the server's expense.  Of the processor's time the least of all rounds
counts: whatever else a machine does only adds to it, and adds much.  Of the rest, medians.
"""

import random
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from bench import http_apps

__all__ = ["run"]

ROOT = Path(__file__).parents[1]
SERVED = {
    "empty": "an empty application",
    "dada": "**dada**",
    "falcon": "Falcon + PyJWT",
    "bottle": "Bottle + PyJWT",
    "flask": "Flask + flask-cors + PyJWT",
    "django": "Django + DRF + SimpleJWT",
    "fastapi": "FastAPI + PyJWT, uvicorn",
}
_TICKS = 100  # of /proc/*/stat a second, on every Linux of today


class Load(NamedTuple):
    """What came of one run: CPU µs a request, requests a second, and two latencies in ms."""

    cpu: float
    rate: float
    p50: float
    p99: float


class Server:
    """An application under its server, on a free port."""

    def __init__(self, name: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        at = f"127.0.0.1:{self.port}"
        if name == "fastapi":
            command = ["uvicorn", "--factory", "bench.http_wrk:fastapi", "--port", str(self.port), "--workers", "2"]
            command += ["--no-access-log", "--log-level", "warning"]
        else:
            command = ["gunicorn", "-c", "gunicorn.conf.py", "-b", at, "-w", "2", f"bench.http_apps:make('{name}')"]
        self.process = subprocess.Popen(
            [sys.executable, "-m", *command], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def wait(self) -> None:
        """Return when it answers."""
        until = time.monotonic() + 30
        while time.monotonic() < until:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/", timeout=2)
            except urllib.error.HTTPError:
                return
            except OSError:
                time.sleep(0.05)
            else:
                return
        raise AssertionError("it does not answer")

    def cpu(self) -> float:
        """Return the seconds that its processes have computed, those that were replaced among them."""
        family = [self.process.pid]
        for pid in family:
            family += [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
        ticks = 0
        for pid in family:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += sum(int(field) for field in fields[11:15])  # its own, and of its children that have ended
        return ticks / _TICKS

    def close(self) -> None:
        """Stop it."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)


def fastapi() -> Any:
    """Return the application, for uvicorn."""
    return http_apps.make("fastapi")


def _script(case: Any) -> str:
    """Return what wrk is told to ask, in its Lua."""
    lines = [f'wrk.method = "{case.method}"']
    headers = {"Host": http_apps.HOST, **case.headers}  # one that ours knows, whatever the port
    lines += [f'wrk.headers["{name}"] = "{value}"' for name, value in headers.items()]
    if case.body:
        lines.append(f"wrk.body = [==[{case.body.decode()}]==]")
    return "\n".join(lines)


def load(server: Server, case: Any, seconds: int, *, fails: bool) -> Load:
    """Ask *server* for so long; whether each answer has to be an error, or none."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(_script(case))
        script.flush()
        before = server.cpu()
        told = subprocess.run(
            ["wrk", "-t1", "-c16", f"-d{seconds}s", "--latency", "-s", script.name,
             f"http://127.0.0.1:{server.port}{case.path}"],
            capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip
        spent = server.cpu() - before
    count = int(re.search(r"(\d+) requests in", told)[1])  # type: ignore[index]
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", told)
    assert (int(refused[1]) if refused else 0) == (count if fails else 0), told
    assert "Socket errors" not in told, told
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", told)[1])  # type: ignore[index]
    return Load(spent / count * 1e6, rate, _milliseconds(told, "50%"), _milliseconds(told, "99%"))


def _milliseconds(told: str, share: str) -> float:
    found = re.search(rf"{share}\s+([\d.]+)(us|ms|s)", told)
    assert found, told
    return float(found[1]) * {"us": 0.001, "ms": 1.0, "s": 1000.0}[found[2]]


def run(cases: Sequence[Any], rounds: int = 6, seconds: int = 2) -> str:
    """Return the tables; one line that says why not where wrk is not installed."""
    if not shutil.which("wrk"):
        return "wrk is not installed: nothing was measured under a server.\n"
    servers = {name: Server(name) for name in SERVED}
    loads: dict[tuple[str, str], list[Load]] = {}
    try:
        for server in servers.values():
            server.wait()
        for number in range(rounds + 1):
            for case in cases:
                for name, server in random.sample(list(servers.items()), len(servers)):
                    fails = name != "empty" and case.status[0] >= 400
                    done = load(server, case, seconds if number else 1, fails=fails)
                    if number:  # the first round warms up
                        loads.setdefault((case.title, name), []).append(done)
    finally:
        for server in servers.values():
            server.close()
    return "\n".join(_table(case.title, loads) for case in cases)


def _table(title: str, loads: dict[tuple[str, str], list[Load]]) -> str:
    lines = [
        f"### {title}, under a server", "",
        "| | CPU µs a request | over the empty one | requests/s | p50 ms | p99 ms |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]  # fmt: skip
    floor = min(one.cpu for one in loads[title, "empty"])
    for name, label in SERVED.items():
        cpu = min(one.cpu for one in loads[title, name])
        _, rate, p50, p99 = (statistics.median(values) for values in zip(*loads[title, name], strict=True))
        # uvicorn is another server: what an empty application costs under gunicorn says nothing about it
        over = "" if name in ("empty", "fastapi") else f"**{cpu - floor:,.0f}**"
        lines.append(f"| {label} | {cpu:,.0f} | {over} | {rate:,.0f} | {p50:.1f} | {p99:.1f} |")
    return "\n".join(lines) + "\n"
