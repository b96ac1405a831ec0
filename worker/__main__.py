"""The worker process, put together: `python -m worker`.

settings → services → the loop over JOBS; or, with WORKER_PROCESSES above 1, a supervisor over so many of these.
"""

import os
import signal
import sys

from dada.errors import Misuse
from shop import logs
from shop.schema import must_be_current
from shop.services import connect
from shop.settings import Settings
from worker import JOBS, QUEUES, SCHEDULES
from worker.loop import Loop
from worker.supervisor import Supervisor


def main() -> int:
    """Run a worker until it is told to stop, and return its exit status."""
    logs.configure("worker")
    try:
        settings = Settings.read(os.environ)
        if settings.worker_processes > 1:
            command = [sys.executable, "-m", "worker"]
            return Supervisor(command, settings.worker_processes, {**os.environ, "WORKER_PROCESSES": "1"}).run()
        services = connect(settings)
        must_be_current(services.db)
        if services.settings.sandbox:  # each job leaves a record there; nowhere else is this file ever read
            from sandbox.traces import watch

            services, _ = watch(services, "worker")
        threads, stop_seconds = settings.worker_threads, settings.worker_stop_seconds
        loop = Loop(services, JOBS, QUEUES, SCHEDULES, threads=threads, stop_seconds=stop_seconds)
        signal.signal(signal.SIGTERM, loop.stop)
        signal.signal(signal.SIGINT, loop.stop)
        loop.run()
    except Misuse as error:
        print(f"The worker cannot start:\n{error}", file=sys.stderr)
        return 2
    services.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
