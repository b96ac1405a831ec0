"""How gunicorn serves the API; each setting with its reason.

Everything here may be overridden on the command line: gunicorn -b 0.0.0.0:8000 -w 8 wsgi:app
"""

import os

from dada.server import Logger, Worker
from handlers.policy import common_headers

bind = os.environ.get("API_BIND", "127.0.0.1:8000")

# A process for each core: Python computes on one.  Threads, because a request waits for the database, and because a
# thread that waits for a log-in's hash must not keep the others from being answered.  Not more of them: they compete
# for the interpreter (8 answer a third fewer requests than one).  Not the sync worker, which is a little cheaper: it
# keeps no connections, and one sender who is slow holds a whole process.  Not gevent: the drivers of the databases are
# not made for it, and its slowest answers are ten times slower.
workers = int(os.environ.get("API_WORKERS", "2"))  # and the settings share the hashes among them
worker_class = Worker
threads = 4

# The fast parser where it can be built (requirements-fast.lock: it may need a C compiler, and is nobody's requirement);
# where not, the one in Python.  Both are tested.
http_parser = "auto"

# A request line and headers of ours are short; whoever sends more means no good.
limit_request_line = 8190
limit_request_fields = 64
limit_request_field_size = 8190

# Who sends a request has ten seconds for it, all in all; a thread waits for nobody longer.
Worker.arrival_seconds = float(os.environ.get("API_ARRIVAL_SECONDS", "10"))

# What gunicorn refuses by itself carries what every answer of ours does; whether browsers shall insist on TLS, too.
Worker.headers = common_headers(os.environ.get("API_URL", ""))

# A connection may idle for so long: a proxy in front closes its idle ones sooner.  It costs no thread, but a place of
# so many; those who find none wait in the queue of the system, and when that is full, elsewhere: whoever would wait
# longer than people do had better be told at once.
keepalive = 5
worker_connections = 1000
backlog = 512

# A worker that gives no sign of life for so long is replaced; one that is told to stop may finish what it has in hand
# for so long.  The signs are times of a file, which shall not wait for a disk.
timeout = 30
graceful_timeout = 20
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: PTH112, S108 not our own file

# A worker is replaced after so many requests, each at another time: what leaks a little never becomes much.
max_requests = 100_000
max_requests_jitter = 20_000

# Only a proxy on this machine may say for whom it speaks.  Where the application is mounted, nobody may: a client's own
# header may have come through the proxy, and one that does not fit the path would be a fault of ours.
forwarded_allow_ips = "127.0.0.1"
forwarder_headers = ""

# Logs are lines of JSON on stderr, like the worker's.  The line a request is ours (handlers/observation.py): gunicorn's
# would hold the query, and has no id; nor is it prepared for nothing (a seventh of what a request cost the server).
accesslog = None
logger_class = Logger
logconfig_dict = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "shop.logs.Formatter", "process": "api"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"level": "INFO", "handlers": ["stderr"]},
    "loggers": {
        "gunicorn.error": {"level": "INFO", "handlers": [], "propagate": True},
        "alembic": {"level": "WARNING"},  # it tells of each plugin it sets up
    },
}

# Signals are enough to control it; a socket in somebody's home folder is one more door.
control_socket_disable = True
