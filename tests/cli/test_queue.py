"""`dada queue`, on a real Redis, as a shell would call it."""

import json
import re
import subprocess
import sys
import threading

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from dada.queue import Queue
from tests.faults.processes import ROOT
from tests.servers import PATIENCE, free_port, wait_until


@pytest.fixture
def client(redis_server):
    with redis.Redis(port=redis_server.port, retry=Retry(NoBackoff(), 0)) as connection:
        connection.flushall()
        yield connection


@pytest.fixture
def queue(client):
    return Queue(client, "mail")


@pytest.fixture
def ask(dada, redis_server):
    return lambda *arguments, **env: dada("queue", *arguments, REDIS_URL=redis_server.url, **env)


def bury(queue, task="t", error="no such address", **args):
    job_id = queue.put(task, **args)
    (job,) = queue.claim("w1")
    queue.bury("w1", job, error)
    return job_id


@pytest.mark.parametrize("asked", [("status",), ("check",)])
def test_a_key_of_another_kind_is_told_in_one_line(ask, client, asked):
    client.set("{mail}:ready", "x")
    status, out, err = ask(*asked)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("dada: Redis refuses: WRONGTYPE")


@pytest.mark.parametrize("asked", [("status", "--watch", "--every", "nan"), ("drain", "--timeout", "nan")])
def test_seconds_that_are_no_number_are_refused(ask, queue, asked):
    status, out, err = ask(*asked)
    assert (status, out) == (2, "")
    assert "is no number" in err


def test_a_redis_url_with_an_option_that_there_is_none_of_is_told_in_one_line(ask, redis_server):
    status, out, err = ask("--redis", f"{redis_server.url}?patience=1", "status")
    assert (status, out, err) == (2, "", "dada: --redis: it has an option that no connection has\n")


def test_an_id_that_is_no_text_is_the_id_of_no_job(ask, queue):
    for command in ("cancel", "revive"):
        status, out, err = ask(command, "\udcff")
        assert (status, out.count("\n"), err) == (1, 1, "")


def test_status_shows_what_is_where_and_who_works(ask, queue):
    bury(queue, to="ada")
    queue.put_many("t", [{}] * 3)
    queue.put("t", delay=60)
    queue.claim("w1")
    queue.tally({"t:done": 2, "t:again": 1, "t:milliseconds": 90})
    status, out, err = ask("status")
    assert (status, err) == (0, "")
    lines = out.splitlines()
    assert [line.split()[:2] for line in lines[1:7]] == [
        ["put", "5"], ["ready", "2"], ["held", "1"], ["later", "1"], ["dead", "1"], ["done", "0"],
    ]  # fmt: skip
    assert lines[7] == "workers 1"
    assert lines[8].startswith("  w1  heard ")
    assert lines[8].endswith("holds 1")
    assert lines[9] == "  t: 1 again, 2 done; 30 ms each"
    assert "none: whatever Redis holds is gone when it stops" in lines[10]


def test_status_for_machines(ask, queue):
    queue.put("t")
    status, out, _ = ask("status", "--json")
    told = json.loads(out)
    assert status == 0
    assert (told["queue"], told["put"], told["ready"], told["workers"], told["tasks"]) == ("mail", 1, 1, [], {})
    assert told["redis"][0]["persistence"].startswith("none")


def test_status_is_live_when_watched(redis_server, queue):
    command = [sys.executable, "-m", "cli", "queue", "--redis", redis_server.url, "status", "--watch", "--json"]
    with subprocess.Popen([*command, "--every", "0.05"], cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        lines = []
        reader = threading.Thread(target=lambda: lines.extend(iter(process.stdout.readline, "")))
        reader.start()
        wait_until(lambda: lines, "a first line")
        queue.put("t")
        wait_until(lambda: json.loads(lines[-1])["ready"] == 1, "the job to be seen")
        process.kill()
        reader.join(PATIENCE)
    assert json.loads(lines[0])["ready"] == 0


def test_a_redis_that_may_evict_is_said(ask, client):
    client.config_set("maxmemory", 100 << 20)
    client.config_set("maxmemory-policy", "allkeys-lru")
    try:
        status, out, _ = ask("status")
        assert status == 0
        assert "throw jobs away" in out
    finally:
        client.config_set("maxmemory", 0)
        client.config_set("maxmemory-policy", "noeviction")


def test_dead_jobs_are_shown_with_their_reasons(ask, queue):
    assert ask("dead") == (0, "nothing was given up\n", "")
    first, second = bury(queue, to="達"), bury(queue, error="x\x1b[2J\nforged line")
    status, out, _ = ask("dead")
    assert status == 0
    assert len(out.splitlines()) == 4
    assert {out.splitlines()[0].split()[0], out.splitlines()[2].split()[0]} == {first, second}
    assert "x\\x1b[2J\\nforged line" in out
    assert '{"to": "達"}' in out
    told = json.loads(ask("dead", "--json", "--limit", "9")[1])
    assert (first, "no such address") in [(job["id"], job["error"]) for job in told]
    assert len(json.loads(ask("dead", "--json", "--limit", "1")[1])) == 1


def test_a_dead_job_is_revived_once(ask, queue):
    job_id = bury(queue)
    assert ask("revive", job_id) == (0, f"{job_id}: waiting\n", "")
    assert ask("revive", job_id) == (1, f"{job_id}: not dead\n", "")
    assert json.loads(ask("revive", "--json", "nobody")[1]) == {"nobody": "not dead"}
    assert queue.check().ready == 1


def test_all_that_is_dead_is_revived_but_what_another_job_has_the_key_of(ask, queue):
    bury(queue)
    queue.put("t", id="one", key="k")
    queue.bury("w1", queue.claim("w1")[0], "x")
    other = queue.put("t", key="k")
    status, out, _ = ask("revive", "--all", "--json")
    assert status == 1
    assert json.loads(out)["one"] == f"job {other} has its key by now"
    assert queue.check() == (3, 2, 0, 0, 1, 0)


def test_jobs_are_cancelled(ask, queue):
    waiting, running = queue.put("t"), queue.put("t")
    queue.claim("w1")
    assert ask("cancel", waiting, running)[0] == 0
    assert queue.told_to_stop("w1") == {waiting}
    assert (queue.state(waiting), queue.state(running)) == ("held", "dead")
    assert ask("cancel", "nobody") == (1, "nobody: no such job\n", "")


def test_the_law_is_checked(ask, queue, client):
    bury(queue)
    queue.put("t", id="one")
    assert ask("check") == (0, "put 2 = ready 1 + held 0 + later 0 + dead 1 + done 0\nthe law holds\n", "")
    client.lpush("{mail}:ready", client.lindex("{mail}:ready", 0))
    status, out, _ = ask("check")
    assert (status, out.splitlines()[0]) == (1, "put 2 ≠ ready 2 + held 0 + later 0 + dead 1 + done 0")
    assert out.splitlines()[1:] == ["in two places: one", "the law is broken"]
    status, out, _ = ask("check", "--json")
    assert (status, json.loads(out)["holds"], json.loads(out)["twice"]) == (1, False, ["one"])


def test_drain_waits_until_everything_is_done_and_throws_nothing_away(ask, queue):
    queue.put("t", delay=60)
    queue.put("t")
    assert ask("drain", "--timeout", "0.2") == (1, "1 left\n", "")

    def work():
        queue.done("w1", queue.claim("w1", 1)[0])

    worker = threading.Thread(target=work)
    worker.start()
    assert ask("drain") == (0, "everything is done\n", "")
    worker.join(PATIENCE)
    assert json.loads(ask("drain", "--later", "--timeout", "0", "--json")[1]) == {"left": 1}
    assert queue.check() == (2, 0, 0, 1, 0, 1)


def test_another_queue_is_named(ask, client):
    Queue(client, "house").put("t")
    assert json.loads(ask("--queue", "house", "status", "--json")[1])["ready"] == 1


MISTAKES = {
    "no such command": ["fly"],
    "nothing to cancel": ["cancel"],
    "nothing to revive": ["revive"],
    "all and some": ["revive", "--all", "x"],
    "a name that is none": ["--queue", "a b", "status"],
    "another protocol": ["--redis", "http://127.0.0.1", "status"],
    "a limit of none": ["dead", "--limit", "0"],
}


@pytest.mark.parametrize("arguments", MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_one_line_and_exit_status_2(ask, arguments):
    status, out, err = ask(*arguments)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("dada: ")


def test_without_a_redis_it_says_so(dada):
    status, out, err = dada("queue", "status")
    assert (status, out, err) == (2, "", "dada: say which Redis: --redis URL, or REDIS_URL\n")


def test_a_redis_that_does_not_answer_is_one_line_without_its_password(dada):
    status, out, err = dada("queue", "--redis", f"redis://:swordfish@127.0.0.1:{free_port()}/0", "check")
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("dada: Redis does not answer")
    assert "swordfish" not in err


def test_help_teaches(ask):
    out = ask("--help")[1]
    assert "dada queue revive ID" in out
    for command in ("status", "dead", "revive", "cancel", "check", "drain"):
        assert command in out


SHOWN = re.findall(r"^    dada queue ([a-z]+)((?: \S+)*?)  ", (ROOT / "docs/operations.md").read_text(), re.MULTILINE)


def test_what_the_handbook_shows_can_be_asked(ask, queue):
    job_id = bury(queue)
    assert [command for command, _ in SHOWN] == ["status", "dead", "revive", "cancel", "check", "drain"]
    for command, rest in SHOWN:
        arguments = [job_id if word == "ID" else word for word in rest.split() if word != "--watch"]
        assert ask(command, *arguments)[0] == 0, command
    assert "a job is always in exactly one place" in ask("--help")[1]
