"""The worker as a process: killed, stopped, started again, and nothing is lost."""

import signal
from contextlib import contextmanager

import pytest

from tests.conftest import environment
from tests.faults.processes import Process
from tests.servers import wait_until
from tests.shop.people import jobs, kept_digests, register
from tests.shop.weibo_browser import faults, forget_requests


@pytest.fixture(autouse=True)
def _fresh(world, services):
    forget_requests(world)
    world.mailbox.clear()
    yield
    forget_requests(world)


@pytest.fixture
def env(database_url, redis_server, secrets_folder, world):
    return environment(database_url, redis_server.url, secrets_folder, world)


@contextmanager
def worker(env, tmp_path, name="worker"):
    with Process("-m", "worker", env=env, log=tmp_path / f"{name}.log") as process:
        process.says('"message": "ready"')
        yield process


def begun(services):
    """Whether the worker made a letter's token: it is writing, and did more than take the job."""
    return kept_digests(services)


def grow_silent(services):
    """Let whoever is registered have been silent for longer than the grace."""
    for name in services.redis.zrange("{mail}:workers", 0, -1):
        services.redis.zadd("{mail}:workers", {name: 1})


def test_a_worker_that_is_killed_in_the_middle_of_a_letter_loses_nothing(services, env, tmp_path, world):
    faults(world, {"endpoint": "smtp", "fault": "smtp-delay", "at": "data", "seconds": 600, "times": 1})
    with worker(env, tmp_path) as process:
        register(services)
        wait_until(lambda: begun(services), "the letter to be begun")
        process.tell(signal.SIGKILL)
        process.wait()
    assert services.queue.check().held == 1
    assert len(jobs(services)) == 1
    grow_silent(services)
    forget_requests(world)
    with worker(env, tmp_path, "second"):
        (mail,) = wait_until(lambda: world.mailbox.mails("ada@example.org"), "the letter")
        assert mail.full()["links"]
        wait_until(lambda: services.queue.counts().done == 1, "the job to be done")
    assert services.queue.check() == (1, 0, 0, 0, 0, 1)
    assert jobs(services) == []


def test_a_worker_that_is_told_to_stop_finishes_what_it_has_in_hand(services, env, tmp_path, world):
    faults(world, {"endpoint": "smtp", "fault": "smtp-delay", "at": "data", "seconds": 1, "times": 1})
    with worker(env, tmp_path) as process:
        register(services)
        wait_until(lambda: begun(services), "the letter to be begun")
        process.tell(signal.SIGTERM)
        assert process.wait() == 0
        assert '"message": "stopped"' in process.output
    assert services.queue.check() == (1, 0, 0, 0, 0, 1)
    assert len(world.mailbox.mails("ada@example.org")) == 1


def test_told_twice_it_stops_at_once_and_the_job_comes_back(services, env, tmp_path, world):
    faults(world, {"endpoint": "smtp", "fault": "smtp-delay", "at": "data", "seconds": 600, "times": 1})
    with worker(env, tmp_path) as process:
        register(services)
        wait_until(lambda: begun(services), "the letter to be begun")
        process.tell(signal.SIGTERM)
        process.tell(signal.SIGINT)
        assert process.wait() == 1
    assert services.queue.check().held == 1


def test_a_worker_outlives_a_restart_of_redis_and_letters_go_out_again(services, env, tmp_path, world, redis_server):
    with worker(env, tmp_path) as process:
        redis_server.stop()
        process.says("waiting for ConnectionError")
        redis_server.start()
        register(services)
        wait_until(lambda: world.mailbox.mails("ada@example.org"), "the letter")


@pytest.mark.xdist_group("mariadb")
@pytest.mark.parametrize("database_url", ["mariadb"], indirect=True)
def test_a_worker_outlives_a_restart_of_mariadb_and_letters_go_out_again(
    services, env, tmp_path, world, mariadb_server
):
    with worker(env, tmp_path) as process:
        mariadb_server.stop()
        services.queue.put("mail.reset", user=0)  # it cannot be done now
        process.says('"message": "again"')
        mariadb_server.start()
        register(services)
        wait_until(lambda: world.mailbox.mails("ada@example.org"), "the letter")


def test_a_job_that_does_not_end_in_time_after_the_signal_is_left_to_others(services, env, tmp_path, world):
    faults(world, {"endpoint": "smtp", "fault": "smtp-delay", "at": "data", "seconds": 600, "times": 1})
    with worker(env | {"WORKER_STOP_SECONDS": "1"}, tmp_path) as process:
        register(services)
        wait_until(lambda: begun(services), "the letter to be begun")
        process.tell(signal.SIGTERM)
        assert process.wait() == 1
        assert "it comes back" in process.output
    assert services.queue.check().held == 1


def test_processes_and_threads_are_settings_and_all_stop_together(services, env, tmp_path, world):
    many = env | {"WORKER_PROCESSES": "2", "WORKER_THREADS": "3"}
    with Process("-m", "worker", env=many, log=tmp_path / "log") as process:
        wait_until(lambda: len(services.queue.workers()) == 6, "six runners")
        for number in range(12):
            register(services, f"ada{number}")
        wait_until(lambda: services.queue.counts().done == 12, "the letters")
        process.tell(signal.SIGTERM)
        assert process.wait() == 0
    assert services.queue.check() == (12, 0, 0, 0, 0, 12)
    assert services.queue.workers() == []
    assert len(world.mailbox.mails()) == 12


def test_a_worker_whose_supervisor_was_killed_finishes_and_ends(services, env, tmp_path):
    with Process("-m", "worker", env=env | {"WORKER_PROCESSES": "2"}, log=tmp_path / "log") as process:
        wait_until(lambda: len(services.queue.workers()) == 2, "both to work")
        process.tell(signal.SIGKILL)
        process.wait()
        wait_until(lambda: services.queue.workers() == [], "both to have left")


def test_a_redis_that_may_evict_is_refused_with_one_line_and_status_2(services, env, tmp_path, redis_server):
    with redis_server.client() as client:
        client.config_set("maxmemory", 100 << 20)
        client.config_set("maxmemory-policy", "allkeys-lru")
        try:
            with Process("-m", "worker", env=env, log=tmp_path / "log") as process:
                assert process.wait() == 2
                assert "throw jobs away" in process.output
                assert "Traceback" not in process.output
        finally:
            client.config_set("maxmemory", 0)
            client.config_set("maxmemory-policy", "noeviction")


def test_a_letter_that_is_refused_for_now_goes_out_later(services, env, tmp_path, world):
    faults(world, {"endpoint": "smtp", "fault": "smtp-refuse", "code": 450, "times": 1})
    with worker(env, tmp_path) as process:
        register(services)
        process.says('"message": "again"')
        wait_until(lambda: world.mailbox.mails("ada@example.org"), "the letter")


def test_a_letter_that_is_refused_for_ever_is_a_dead_job_with_its_reason(services, env, tmp_path, world):
    faults(world, {"endpoint": "smtp", "fault": "smtp-refuse", "code": 550})
    with worker(env, tmp_path):
        register(services)
        (dead,) = wait_until(services.queue.dead, "the job to be given up")
    assert "550" in dead.error


def test_a_worker_that_cannot_start_says_everything_that_is_wrong_and_ends_with_2(tmp_path):
    with Process("-m", "worker", env={"DADA_ENV": "x", "REDIS_URL": "x"}, log=tmp_path / "log") as process:
        assert process.wait() == 2
        for name in ("DADA_ENV", "DATABASE_URL", "REDIS_URL", "SECRETS_DIR", "SMTP_URL", "WEIBO_CLIENT_ID"):
            assert name in process.output
        assert "Traceback" not in process.output


def test_a_worker_does_not_start_on_another_schema(env, tmp_path):
    other = env | {"DATABASE_URL": f"sqlite:///{tmp_path}/other.db"}
    with Process("-m", "worker", env=other, log=tmp_path / "log") as process:
        assert process.wait() == 2
        assert "dada migrate" in process.output


def test_outside_the_sandbox_no_process_starts_on_its_secrets(env, tmp_path):
    with Process("-m", "worker", env=env | {"DADA_ENV": "production"}, log=tmp_path / "log") as process:
        assert process.wait() == 2
        assert "made for the sandbox" in process.output
