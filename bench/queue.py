"""The queue: putting, running and acknowledging jobs, against redis-py alone and six peers.

One Redis without persistence, private, on loopback; the cases of a round in random order, each as a ratio to the floor
of its round, medians.  A job that did not run, or ran twice, ends the bench.

    put        one by one in this process; in bulk of 100 where the library can; and what such a bulk consists of
    take       take and acknowledge jobs in this process, round by round: what the worker's runs say with less noise
    run        a worker process with a backlog: the time between the first and the last job that ran
    latency    a worker that waits, one job: from before it is put until it runs
    backlog    the same work while a million jobs wait
    commands   what Redis executed for a job that is run, scripts' inner commands too; bytes in and out of Redis
"""

import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from bench.queue_peers import BODY, MARK, PEERS, client
from bench.timing import compare, table
from dada.queue import Job, Queue
from dada.queue_jobs import write_many
from dada.queue_scripts import keys, put_commands
from tests.servers import Redis, wait_until

PROSE = """\
Putting one job costs less than redis-py's LPUSH: it goes out on a line of its own, past the pool.  Taking one at a time
costs one round trip where BLMOVE and LREM cost two, if the job is acknowledged with the next claim; acknowledged at
once, it costs a packet more, whose reply nobody waits for.

A bulk put goes out as one transaction: a script would have each body copied twice before it is pushed.  So pushing,
counting and ringing cost less than redis-py's variadic LPUSH of the same bytes, which looks at each argument twice;
that pays for most of what the floor, whose bodies were written before, does not do: writing a hundred JSON texts, each
checked.  With json.dumps for each, that alone takes four times the floor.
"""
FLOOR = next(iter(PEERS))
JOBS = 2000
WARM = 100  # the first jobs are not counted
SAMPLES = 20


class Run(NamedTuple):
    """One worker's run: jobs a second; for each job, commands, reads of a socket and bytes; latencies in seconds."""

    rate: float
    commands: float
    reads: float
    size: float
    latencies: list[float]


def _read(marks: Path) -> list[tuple[int, float]]:
    return list(MARK.iter_unpack(marks.read_bytes())) if marks.exists() else []


def _stats(bare: Any) -> tuple[float, float, float]:
    commands = sum(told["calls"] for told in bare.info("commandstats").values())
    told = bare.info("stats")
    return commands, told["total_reads_processed"], told["total_net_input_bytes"] + told["total_net_output_bytes"]


def _run(server: Redis, name: str, folder: Path) -> Run:
    """Put a backlog, let a worker run it, then put jobs one by one while it waits."""
    marks = folder / "marks"
    marks.unlink(missing_ok=True)
    with client(server.url) as bare:
        bare.flushall()
        put, _ = PEERS[name].connect(server.url)
        for number in range(JOBS):
            put(number)
        bare.config_resetstat()
        command = [sys.executable, "-W", "ignore", "-m", "bench.queue_peers", name]
        env = os.environ | {"BENCH_REDIS": server.url, "BENCH_MARKS": str(marks)}
        with (folder / "log").open("wb") as log:
            worker = subprocess.Popen(command, env=env, stdout=log, stderr=log, start_new_session=True)
        try:
            size = JOBS * MARK.size
            wait_until(lambda: marks.exists() and marks.stat().st_size >= size, f"{name} to run {JOBS} jobs", 120)
            commands, reads, moved = _stats(bare)
            ran = _read(marks)
            assert sorted(number for number, _ in ran) == list(range(JOBS)), name
            times = [when for _, when in ran[WARM:]]
            rate = (len(times) - 1) / (times[-1] - times[0])
            latencies = []
            for number in range(JOBS, JOBS + SAMPLES):
                time.sleep(random.uniform(0.01, 0.04))
                began = time.perf_counter()
                put(number)
                goal = (number + 1) * MARK.size
                wait_until(lambda goal=goal: marks.stat().st_size >= goal, f"{name} to run one job", 30)
                latencies.append(_read(marks)[-1][1] - began)
        finally:
            os.killpg(worker.pid, signal.SIGKILL)
            worker.wait()
    return Run(rate, commands / JOBS, reads / JOBS, moved / JOBS, latencies)


def _running(server: Redis, rounds: int, folder: Path) -> str:
    runs: dict[str, list[Run]] = {name: [] for name, peer in PEERS.items() if peer.work}
    for number in range(rounds):
        order = list(runs)
        random.shuffle(order)
        for name in order:
            print(f"  round {number + 1} of {rounds}: {name}", file=sys.stderr, flush=True)
            runs[name].append(_run(server, name, folder))
    lines = [
        f"### Running {JOBS:,} jobs that do nothing, one worker process", "",
        "| | jobs/s | × floor | min–max | commands a job | reads a job | bytes a job | put to start, ms |",
        "| --- | ---: | ---: | --- | ---: | ---: | ---: | ---: |",
    ]  # fmt: skip
    for name, mine in runs.items():
        ratios = sorted(run.rate / floor.rate for run, floor in zip(mine, runs[FLOOR], strict=True))
        waits = [wait for run in mine for wait in run.latencies]

        def median(what: str, mine: list[Run] = mine) -> float:
            return statistics.median(getattr(run, what) for run in mine)

        cells = [
            name, f"{median('rate'):,.0f}", f"**{statistics.median(ratios):.2f}**", f"{ratios[0]:.2f}–{ratios[-1]:.2f}",
            f"{median('commands'):.1f}", f"{median('reads'):.2f}", f"{median('size'):,.0f}",
            f"{statistics.median(waits) * 1000:.2f}",
        ]  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _putting(server: Redis, rounds: int) -> str:
    names = [name for name in PEERS if "at once" not in name]  # put alike
    connected = {name: PEERS[name].connect(server.url) for name in names}
    one = {name: (lambda put=put: put(7)) for name, (put, _) in connected.items()}
    many = {name: (lambda put=put: put(range(100))) for name, (_, put) in connected.items() if put}
    with client(server.url) as bare:

        def pipelined() -> None:
            trip = bare.pipeline(transaction=False)
            for number in range(100):
                trip.lpush("q", BODY % number)
            trip.execute()

        many["redis-py: 100 LPUSH in a pipeline"] = pipelined
        bare.flushall()
        singles = compare(one, FLOOR, rounds=rounds, calls=20, warm=0)
        bare.flushall()
        bulks = compare(many, FLOOR, rounds=rounds, calls=2, warm=0)
        bare.flushall()
    return "\n".join([table("Putting one job", singles, "µs"), table("Putting 100 jobs in one call", bulks, "µs")])


def _parts(server: Redis, rounds: int) -> str:
    """Return what putting 100 jobs in one call consists of."""
    with client(server.url) as bare:
        bare.flushall()
        queue, stem = Queue(bare, "parts"), "0" * 32
        line = queue._lines.line()  # noqa: SLF001
        args = [{"number": number} for number in range(100)]
        _, bodies = write_many(stem, "bench.mark", args)
        bare_push = bare.script_load("redis.call('LPUSH', KEYS[1], unpack(ARGV))")
        floor = "floor: redis-py LPUSH of the same bodies, written before"
        cases = {
            floor: lambda: bare.lpush("{parts}:floor", *bodies),
            "a script that pushes them and does nothing else": lambda: line.command(
                "EVALSHA", bare_push, 1, "{parts}:script", *bodies
            ),
            "the queue's script, which counts and rings, too": lambda: line.run("put", *bodies),
            "the queue's transaction, which does the same": lambda: line.transaction(
                put_commands(keys("parts")[0], bodies)
            ),
            "writing the bodies": lambda: write_many(stem, "bench.mark", args),
            "the same with json.dumps for each": lambda: [
                json.dumps(
                    {"id": f"{stem}-{at}", "task": "bench.mark", "args": each, "tries": 0}, separators=(",", ":")
                )
                for at, each in enumerate(args)
            ],
            "**dada.queue**: put_many": lambda: queue.put_many("bench.mark", args),
        }
        rows = compare(cases, floor, rounds=rounds, calls=2, warm=0)
        bare.flushall()
    return table("What putting 100 jobs in one call consists of", rows, "µs")


def _taking(server: Redis, rounds: int) -> str:
    """Return how fast jobs are taken and acknowledged in one process, as ratios of rates."""
    each = 100  # jobs of one call
    total = each * (rounds + 1)
    floor = "floor: redis-py BLMOVE + LREM, json.loads"
    ran: dict[str, list[int]] = {}

    def queued(name: str, batch: int, *, together: bool) -> Callable[[], None]:
        queue, mine = Queue(bare, f"take-{len(ran)}"), ran.setdefault(name, [])
        queue.put_many("bench.mark", ({"number": number} for number in range(total)))
        done: list[Job] = []

        def take() -> None:
            nonlocal done
            for _ in range(each // batch):
                jobs = queue.claim("w", batch, done=done)
                for job in jobs:
                    mine.append(job.args["number"])
                    if not together:
                        queue.acknowledge("w", job)
                done = jobs if together else []

        return take

    def bare_take() -> None:
        for _ in range(each):
            body: Any = bare.blmove("take", "work", 1)
            ran[floor].append(json.loads(body)["args"]["number"])
            bare.lrem("work", -1, body)

    with client(server.url) as bare:
        bare.flushall()
        ran[floor] = []
        bare.lpush("take", *[BODY % number for number in range(total)])
        cases = {floor: bare_take} | {
            name: queued(name, batch, together=together)
            for name, batch, together in (
                ("**dada.queue**, acknowledged at once", 1, False),
                ("**dada.queue**, acknowledged with the next claim", 1, True),
                ("**dada.queue**, 20 at once, each acknowledged at once", 20, False),
                ("**dada.queue**, 20 at once, done together", 20, True),
                ("**dada.queue**, 50 at once, done together", 50, True),
            )
        }
        rows = compare(cases, floor, rounds=rounds, calls=1, warm=0)
        bare.flushall()
    for name, numbers in ran.items():
        assert sorted(numbers) == list(range(total)), name
    lines = ["### Taking and acknowledging a job, in one process", ""]
    lines += ["| | best µs a job | × floor's rate | quartiles |", "| --- | ---: | ---: | --- |"]
    for row in rows:
        best = row.nanoseconds / 1000 / each
        lines.append(f"| {row.name} | {best:,.1f} | **{1 / row.ratio:.2f}** | {1 / row.high:.2f}–{1 / row.low:.2f} |")
    return "\n".join(lines) + "\n"


def _backlogs(server: Redis, rounds: int) -> str:
    """Return what taking and acknowledging one job costs while so many wait."""
    with client(server.url) as bare:
        bare.flushall()
        cases = {}
        for backlog in (5_000, 100_000, 1_000_000):
            queue = Queue(bare, f"backlog-{backlog}")
            queue.put_many("bench.mark", ({"number": number} for number in range(backlog)))

            def take(queue: Queue = queue) -> None:
                (job,) = queue.claim("w")
                queue.acknowledge("w", job)

            cases[f"{backlog:,} jobs wait"] = take
        rows = compare(cases, "5,000 jobs wait", rounds=rounds, calls=20, warm=0)
        bare.flushall()
    return table("dada.queue: taking and acknowledging one job", rows, "µs")


def run(rounds: int = 5) -> str:
    """Return the tables."""
    with tempfile.TemporaryDirectory() as folder, Redis(Path(folder) / "redis") as server:
        putting = _putting(server, rounds * 12) + "\n" + _parts(server, rounds * 40)
        taking = _taking(server, rounds * 30)
        running = _running(server, rounds, Path(folder))
        backlogs = _backlogs(server, rounds * 12)
    return "\n".join([PROSE, putting, taking, running, backlogs])
