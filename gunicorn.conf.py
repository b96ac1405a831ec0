"""How gunicorn serves the API; each setting with its reason.

Everything here may be overridden on the command line: gunicorn -b 0.0.0.0:8000 -w 8 wsgi:app
"""

import os

from dada.server import Worker

bind = os.environ.get("API_BIND", "127.0.0.1:8000")

# A process for each core: Python computes on one.  Threads, because a request waits for the database, and because a
# thread that waits for a log-in's hash must not keep the others from being answered.
workers = int(os.environ.get("API_WORKERS", "2"))
worker_class = Worker
threads = 4

# The fast parser where it is installed (gunicorn_h1c), Python's own where it is not.
http_parser = "auto"

# A request line and headers of ours are short; whoever sends more means no good.
limit_request_line = 8190
limit_request_fields = 64
limit_request_field_size = 8190

# Who sends a request has ten seconds for it, all in all; a thread waits for nobody longer.
Worker.arrival_seconds = float(os.environ.get("API_ARRIVAL_SECONDS", "10"))

# A connection may idle for so long; a worker that answers nothing for so long is replaced; one that is told to stop
# may finish what it has in hand for so long.
keepalive = 5
timeout = 30
graceful_timeout = 20

# Only a proxy on this machine may say for whom it speaks.
forwarded_allow_ips = "127.0.0.1"

# Logs are lines of JSON on stderr, like the worker's.  No access log: a line a request costs as much as the request.
accesslog = None
logconfig_dict = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "shop.logs.Formatter", "process": "api"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"level": "INFO", "handlers": ["stderr"]},
    "loggers": {"gunicorn.error": {"level": "INFO", "handlers": [], "propagate": True}},
}

# Signals are enough to control it; a socket in somebody's home folder is one more door.
control_socket_disable = True
