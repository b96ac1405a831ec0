"""`dada metrics`: the figures of real processes, on an address of their own."""

import re
import signal

import pytest
import requests
from click.testing import CliRunner

from cli.__main__ import main
from cli.metrics import metrics
from tests.conftest import environment
from tests.faults.processes import Process
from tests.faults.test_wire import API
from tests.servers import PATIENCE, free_port, wait_until
from tests.shop.people import register


@pytest.fixture
def env(empty_sqlite, tmp_path, redis_server, secrets_folder, world):
    import shutil

    shutil.copy(empty_sqlite, tmp_path / "shop.db")
    env = environment(f"sqlite:///{tmp_path}/shop.db", redis_server.url, secrets_folder, world)
    return env | {"METRICS_DIR": str(tmp_path / "metrics")}


@pytest.fixture
def database_url(env):
    return env["DATABASE_URL"]


def figure(text, line):
    found = re.search(rf"^{re.escape(line)} (\S+)$", text, re.MULTILINE)
    return float(found[1]) if found else None


def test_what_all_processes_did_is_added_up(env, tmp_path, services, world):
    port = free_port()
    env |= {"API_BIND": f"127.0.0.1:{port}", "API_WORKERS": "2"}
    api = API(("127.0.0.1", port), None)
    with (
        Process("-m", "gunicorn", "-c", "gunicorn.conf.py", "wsgi:app", env=env, log=tmp_path / "api.log"),
        Process("-m", "worker", env=env, log=tmp_path / "worker.log") as worker,
        Process("-m", "cli", "metrics", "--bind", "127.0.0.1:0", env=env, log=tmp_path / "metrics.log") as told,
    ):
        wait_until(api.lives, "the API to answer")
        told.says("/metrics")
        worker.says('"message": "ready"')
        url = told.output.strip()
        for _ in range(20):
            requests.get(f"{api.url}/v1/users/ada", headers={"Connection": "close"}, timeout=PATIENCE)
        requests.get(f"{api.url}/nowhere/secret", timeout=PATIENCE)
        requests.put(f"{api.url}/v1/password-resets/secret", json={"password": "secret"}, timeout=PATIENCE)
        asked = {"Origin": env["PAGE_ORIGIN"], "Access-Control-Request-Method": "PUT"}
        requests.options(f"{api.url}/v1/users/ada", headers=asked, timeout=PATIENCE)
        register(services)
        job = 'dada_jobs_total{fate="done",task="mail.activation"}'
        text = wait_until(
            lambda: t if figure(t := requests.get(url, timeout=PATIENCE).text, job) == 1 else None,
            "the letter to be counted",
        )
        assert figure(text, 'dada_requests_total{method="GET",route="/v1/users/<username>",status="401"}') == 20
        assert figure(text, 'dada_request_seconds_count{route="/v1/users/<username>"}') == 20
        assert figure(text, 'dada_requests_total{method="GET",route="none",status="404"}') == 1
        assert 'route="/v1/password-resets/<token>"' in text
        assert figure(text, 'dada_preflights_total{allowed="yes"}') == 1
        for resting in (
            "dada_requests_running",
            "dada_database_connections",
        ):  # the worker looks into the outbox at times
            wait_until(lambda r=resting: figure(requests.get(url, timeout=PATIENCE).text, r) == 0, resting)
        assert figure(text, 'dada_queue_jobs{queue="mail",state="ready"}') == 0
        assert figure(text, "dada_outbox_rows") == 0
        assert figure(text, 'dada_part_up{part="redis"}') == 1
        assert "secret" not in text
        assert requests.get(url.replace("/metrics", "/"), timeout=PATIENCE).status_code == 404
        assert requests.post(url, timeout=PATIENCE).status_code == 405
        told.tell(signal.SIGTERM)


def test_what_is_down_is_told_and_the_rest_is_still_there(env, monkeypatch, redis_server):
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    redis_server.stop()
    try:
        done = CliRunner().invoke(metrics, ["--once"])
    finally:
        redis_server.start()
    assert done.exit_code == 0, done.output
    assert figure(done.output, 'dada_part_up{part="redis"}') == 0
    assert figure(done.output, 'dada_part_up{part="database"}') == 1
    assert figure(done.output, "dada_outbox_rows") == 0
    assert "dada_queue_jobs{" not in done.output


@pytest.mark.parametrize(
    ("arguments", "settings", "told"),
    [
        ([], {"METRICS_DIR": ""}, "METRICS_DIR is not set"),
        ([], {"METRICS_DIR": "relative"}, "begins with a slash"),
        (["--bind", "127.0.0.1:x"], {}, "--bind 127.0.0.1:x"),
        (["--bind", "127.0.0.1:99999"], {}, "--bind 127.0.0.1:99999"),
    ],
)
def test_a_mistake_is_told_in_a_line(env, monkeypatch, capsys, arguments, settings, told):
    for name, value in (env | settings).items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as ended:
        main(["metrics", *arguments])
    assert ended.value.code == 2
    assert told in capsys.readouterr().err
