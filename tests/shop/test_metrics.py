"""Figures: what several processes counted is one sum, and what lies in lists and tables is looked up."""

import re
import subprocess
import sys

import pytest

from shop import metrics, outbox

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def figures(folder, services):
    text = metrics.read(folder, services).decode()
    return {name: float(value) for name, value in re.findall(r"^(dada_\S+?(?:\{.*\})?) (\S+)$", text, re.MULTILINE)}


def in_a_process(folder, code):
    """Run *code* with the figures of a process of its own, which tells when it is done and waits to be ended."""
    program = (
        "import sys; from pathlib import Path; from shop.metrics import Metrics;"
        f"m = Metrics(Path({str(folder)!r})); {code}; print('done', flush=True); sys.stdin.read()"
    )
    process = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"done\n"
    return process


def end(process):
    process.kill()
    process.stdin.close()
    process.stdout.close()
    process.wait()


def test_several_processes_are_added_up_and_the_dead_have_nothing_in_hand(tmp_path, services):
    answered = "m.begin(); m.end('GET', '/x', 200, 0.02); m.begin(); m.connections(2)"
    both = [in_a_process(tmp_path / "m", answered) for _ in range(2)]
    told = figures(tmp_path / "m", services)
    assert told['dada_requests_total{method="GET",route="/x",status="200"}'] == 2
    assert told['dada_request_seconds_bucket{le="0.025",route="/x"}'] == 2
    assert told['dada_request_seconds_bucket{le="0.01",route="/x"}'] == 0
    assert (told["dada_requests_running"], told["dada_database_connections"]) == (2, 4)
    for process in both:
        end(process)
    told = figures(tmp_path / "m", services)
    assert told['dada_requests_total{method="GET",route="/x",status="200"}'] == 2
    assert "dada_requests_running" not in told


def test_jobs_and_preflights_are_counted(tmp_path, services):
    process = in_a_process(
        tmp_path / "m", "m.job('mail.x', 'done', 2); m.job('mail.x', 'bury', 2); m.preflight(True); m.preflight(False)"
    )
    told = figures(tmp_path / "m", services)
    end(process)
    assert told['dada_jobs_total{fate="done",task="mail.x"}'] == told['dada_jobs_total{fate="bury",task="mail.x"}'] == 1
    assert told['dada_job_seconds_sum{task="mail.x"}'] == 4
    assert told['dada_preflights_total{allowed="yes"}'] == told['dada_preflights_total{allowed="no"}'] == 1


def test_jobs_are_told_by_where_they_are_and_rows_by_their_age(tmp_path, services, clock):
    for number, delay in enumerate((0, 0, 0, 60)):
        services.queue.put("mail.x", id=f"job-{number}", delay=delay)
    held, dead = services.queue.claim("worker", 2)
    services.queue.bury("worker", dead, "no")
    with services.db.write() as tx:
        outbox.put(tx, services, "mail.x")
    clock.advance(90)
    told = figures(tmp_path / "m", services)
    states = {state: told[f'dada_queue_jobs{{queue="mail",state="{state}"}}'] for state in ("ready", "held", "later")}
    assert (states, held.task) == ({"ready": 2, "held": 1, "later": 1}, "mail.x")
    assert told['dada_queue_jobs{queue="mail",state="dead"}'] == 1
    assert (told["dada_outbox_rows"], told["dada_outbox_oldest_seconds"]) == (1, 90)
    assert told['dada_part_up{part="database"}'] == told['dada_part_up{part="redis"}'] == 1


def test_the_folder_is_for_nobody_else(tmp_path, services):
    figures(tmp_path / "m", services)
    assert (tmp_path / "m").stat().st_mode & 0o777 == 0o700
