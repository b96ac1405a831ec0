"""gunicorn's worker, with an end to patience; what that looks like on the wire is in tests/faults/test_wire.py."""

import datetime as dt
import json
import logging
import runpy
import socket
from concurrent.futures import Future
from pathlib import Path
from types import SimpleNamespace

import pytest
from gunicorn import glogging
from gunicorn.config import Config
from gunicorn.http import errors
from gunicorn.workers.gthread import _DEFER, ThreadWorker

from dada.problems import TYPES
from dada.server import Logger, Worker

ROOT = Path(__file__).parents[2]


@pytest.fixture
def pair():
    ours, theirs = socket.socketpair()
    yield ours, theirs
    ours.close()
    theirs.close()


@pytest.fixture
def worker(monkeypatch):
    """A worker whose threads and signs of life are left out."""
    made = Worker.__new__(Worker)
    made._arriving, made.alive = {}, True
    monkeypatch.setattr(ThreadWorker, "enqueue_req", lambda *_: None)
    monkeypatch.setattr(ThreadWorker, "notify", lambda *_: None)
    monkeypatch.setattr(ThreadWorker, "handle", lambda *_: "answered")
    return made


class Connection(SimpleNamespace):
    __hash__ = object.__hash__

    def wait_for_data(self, seconds):
        self.waited = seconds
        return self.came


def connection(sock, **known):
    return Connection(sock=sock, **{"initialized": False, "data_ready": False, "came": True, **known})


@pytest.mark.parametrize(("seconds", "hung_up"), [(-1.0, True), (1000.0, False)])
def test_who_is_late_finds_the_end_and_can_still_be_answered(worker, pair, monkeypatch, seconds, hung_up):
    monkeypatch.setattr(Worker, "arrival_seconds", seconds)
    ours, theirs = pair
    worker.enqueue_req(connection(ours))
    worker.notify()
    ours.settimeout(0)
    if hung_up:
        assert ours.recv(1) == b""
    else:
        with pytest.raises(BlockingIOError):
            ours.recv(1)
    ours.sendall(b"400")
    assert theirs.recv(3) == b"400"


@pytest.mark.parametrize(
    ("alive", "came", "waited", "outcome"),
    [(True, True, 0, "answered"), (True, False, 0, _DEFER), (False, True, 2, "answered"), (False, False, 2, False)],
    ids=["spoke", "silent", "spoke to one that stops", "silent before one that stops"],
)
def test_who_has_not_spoken_yet_holds_no_thread_but_of_a_worker_that_stops(worker, pair, alive, came, waited, outcome):
    """Elsewhere there is nowhere to wait any more, and a reload would lose the request."""
    worker.alive, told = alive, connection(pair[0], came=came)
    assert worker.handle(told) is outcome
    assert told.waited == waited


@pytest.mark.parametrize(
    ("alive", "result", "again"),
    [(True, _DEFER, False), (False, _DEFER, True), (False, True, False), (False, ValueError(), False)],
    ids=["it may wait", "told to stop meanwhile", "answered", "failed"],
)
def test_who_was_to_wait_when_the_worker_was_told_to_stop_is_given_to_a_thread(
    worker, pair, monkeypatch, alive, result, again
):
    given, finished = [], []
    monkeypatch.setattr(ThreadWorker, "enqueue_req", lambda _, conn: given.append(conn))
    monkeypatch.setattr(ThreadWorker, "finish_request", lambda _, conn, fs: finished.append(conn))
    done = Future()
    done.set_exception(result) if isinstance(result, Exception) else done.set_result(result)
    worker.alive, conn = alive, connection(pair[0])
    worker.finish_request(conn, done)
    assert (given, finished) == (([conn], []) if again else ([], [conn]))


def test_what_arrived_before_is_still_read(worker, pair, monkeypatch):
    monkeypatch.setattr(Worker, "arrival_seconds", -1.0)
    ours, theirs = pair
    theirs.sendall(b"GET")
    worker.enqueue_req(connection(ours))
    worker.notify()
    assert ours.recv(9) == b"GET"


def test_a_request_that_is_answered_is_not_late_any_more(worker, pair, monkeypatch):
    monkeypatch.setattr(Worker, "arrival_seconds", -1.0)
    late = connection(pair[0])
    worker.enqueue_req(late)
    assert worker.handle(late) == "answered"
    worker.notify()
    pair[0].settimeout(0)
    with pytest.raises(BlockingIOError):
        pair[0].recv(1)


def test_who_spoke_before_is_not_waited_for(worker, pair):
    assert worker.handle(connection(pair[0], came=False, initialized=True)) == "answered"


def test_who_is_gone_already_is_no_error(worker, pair, monkeypatch):
    monkeypatch.setattr(Worker, "arrival_seconds", -1.0)
    pair[0].close()
    worker.enqueue_req(connection(pair[0]))
    worker.notify()
    assert worker._arriving == {}


REFUSED = {
    "a request line that is none": (errors.InvalidRequestLine("GET"), 400, "bad-request"),
    "a request line too long": (errors.LimitRequestLine(9000, 8190), 414, "uri-too-long"),
    "headers too large": (errors.LimitRequestHeaders("limit"), 431, "headers-too-large"),
    "an expectation": (errors.ExpectationFailed("tea"), 417, "expectation-failed"),
    "a transfer coding": (errors.UnsupportedTransferCoding("tea"), 501, "not-implemented"),
    "a proxy that is not ours": (errors.ForbiddenProxyRequest("10.0.0.1"), 403, "forbidden"),
    "what nobody foresaw": (RuntimeError("the password is marlin"), 500, "internal"),
}


@pytest.fixture
def log(worker):
    lines = []
    heard = {name: lambda text, *args, **extra: lines.append((text, args, extra)) for name in ("warning", "exception")}
    worker.log = SimpleNamespace(**heard)
    return lines


@pytest.mark.parametrize(("error", "status", "code"), REFUSED.values(), ids=REFUSED)
def test_what_gunicorn_refuses_is_told_as_every_other_error(worker, log, pair, error, status, code):
    ours, theirs = pair
    worker.handle_error(None, ours, ("127.0.0.1", 9), error)
    ours.close()
    head, _, body = theirs.makefile("rb").read().partition(b"\r\n\r\n")
    told = json.loads(body)
    assert head.startswith(f"HTTP/1.1 {status} ".encode())
    assert b"\r\nConnection: close\r\n" in head
    assert b"\r\nContent-Type: application/problem+json\r\n" in head
    assert (told["status"], told["code"], told["title"]) == (status, code, TYPES[code].en)
    assert b"marlin" not in body
    assert [extra["extra"]["request"] for _, _, extra in log if extra] == [told["request_id"]]


def test_who_left_before_he_was_refused_is_no_error(worker, log, pair):
    ours, theirs = pair
    theirs.close()
    worker.handle_error(None, ours, ("127.0.0.1", 9), errors.InvalidRequestLine("GET"))
    worker.handle_error(None, ours, ("127.0.0.1", 9), errors.InvalidRequestLine("GET"))
    assert len(log) == 4


class Untouchable:
    """A request that nobody may look at."""

    def __getattribute__(self, name):
        raise AssertionError(f"somebody looked at {name}")


@pytest.fixture
def configured(monkeypatch):
    """Returns a logger as gunicorn.conf.py sets it up, with some settings besides; the logging of this test stays."""
    monkeypatch.setattr(glogging, "dictConfig", lambda _: None)
    known = runpy.run_path(str(ROOT / "gunicorn.conf.py"))

    def made(**besides):
        config = Config()
        for name in ("accesslog", "logconfig_dict", "logger_class"):
            config.set(name, {**known, **besides}[name])
        return config.logger_class(config)

    access = logging.getLogger("gunicorn.access")
    yield made
    for handler in [*access.handlers]:
        access.removeHandler(handler)
        handler.close()


def test_no_line_is_prepared_that_nobody_asked_for(configured):
    log = configured()
    assert isinstance(log, Logger)
    log.access(Untouchable(), Untouchable(), Untouchable(), Untouchable())


def test_whoever_asks_for_an_access_log_has_one(configured, tmp_path):
    log = configured(accesslog=str(tmp_path / "access"))
    environ = {"REQUEST_METHOD": "GET", "RAW_URI": "/healthz", "SERVER_PROTOCOL": "HTTP/1.1"}
    answer = SimpleNamespace(status="204 No Content", headers=[], sent=0)
    log.access(answer, SimpleNamespace(headers=[]), environ, dt.timedelta(0))
    assert '"GET /healthz HTTP/1.1" 204 0' in (tmp_path / "access").read_text()
