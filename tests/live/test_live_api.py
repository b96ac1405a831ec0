"""The API under real gunicorn, called by schemathesis with whatever its own description allows, and forbids."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests

from handlers.documents import operations
from shop import accounts
from tests.conftest import environment, make_services
from tests.faults.processes import ROOT, Process
from tests.servers import PATIENCE, free_port, wait_until
from tests.shop.people import token_for

HERE = Path(__file__).parent
PASSWORD = "a heavy brown satchel"


@pytest.fixture
def env(empty_sqlite, redis_server, secrets_folder, world, tmp_path):
    shutil.copy(empty_sqlite, tmp_path / "shop.db")
    with redis_server.client() as client:
        client.flushall()
    bind = f"127.0.0.1:{free_port()}"
    told = environment(f"sqlite:///{tmp_path}/shop.db", redis_server.url, secrets_folder, world)
    return told | {"API_BIND": bind, "API_WORKERS": "2", "API_URL": f"http://{bind}"}


@pytest.fixture
def live(env, tmp_path):
    """The URL of a running API."""
    url = env["API_URL"]
    with Process("-m", "gunicorn", "-c", "gunicorn.conf.py", "wsgi:app", env=env, log=tmp_path / "api.log") as process:

        def answers():
            process._ended_without("Listening")
            try:
                return requests.get(f"{url}/healthz", timeout=2).ok
            except requests.ConnectionError:
                return False

        wait_until(answers, "the API to answer")
        yield url


def person(url, env, name):
    """Make an active account."""
    new = {"username": name, "password": PASSWORD, "email": f"{name}@mail.example"}
    assert requests.post(f"{url}/v1/users", json=new, timeout=PATIENCE).status_code == 202
    services = make_services(env, time.time)
    token = token_for(services, accounts.by_username(services, name).id)
    services.close()
    assert requests.post(f"{url}/v1/users/activation", json={"token": token}, timeout=PATIENCE).status_code == 204


def test_the_live_api_is_what_it_says_it_is(live, env, tmp_path):
    """Examples, bounds, what must be refused, and what follows from what: every check that the tester knows."""
    person(live, env, "live")
    person(live, env, "eve")
    command = [
        Path(sys.executable).with_name("st"), "--config-file", HERE / "schemathesis.toml",
        "run", f"{live}/openapi.json", "--url", live,
        "--checks", "all", "--max-examples", os.environ.get("LIVE_EXAMPLES", "30"),
        "--continue-on-failure", "--no-shrink",
    ]  # fmt: skip
    told = {**os.environ, **env, "SCHEMATHESIS_HOOKS": "hooks", "PYTHONPATH": f"{HERE}:{ROOT}", "LIVE_USER": "live"}
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=told)
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-3000:]
    assert f"Tested: {len(operations()) - 1}\n" in done.stdout  # all but the one that it read the description from
    assert "unhandled" not in (tmp_path / "api.log").read_text()
