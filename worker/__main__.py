"""The worker process, put together: `python -m worker`.

settings → services → the loop over JOBS.
"""

import os
import signal
import sys

from dada.errors import Misuse
from shop import logs
from shop.schema import must_be_current
from shop.services import connect
from shop.settings import Settings
from worker import JOBS
from worker.loop import Loop


def main() -> int:
    """Run a worker until it is told to stop, and return its exit status."""
    logs.configure("worker")
    try:
        services = connect(Settings.read(os.environ))
        must_be_current(services.db)
        if services.settings.sandbox:  # each job leaves a record there; nowhere else is this file ever read
            from sandbox.traces import watch

            services, _ = watch(services, "worker")
        loop = Loop(services, JOBS)
    except Misuse as error:
        print(f"The worker cannot start:\n{error}", file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, loop.stop)
    signal.signal(signal.SIGINT, loop.stop)
    loop.run()
    services.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
