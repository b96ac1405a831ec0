"""gunicorn's worker, with an end to patience; what that looks like on the wire is in tests/faults/test_wire.py."""

import socket
from types import SimpleNamespace

import pytest
from gunicorn.workers.gthread import _DEFER, ThreadWorker

from dada.server import Worker


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
    made._arriving = {}
    monkeypatch.setattr(ThreadWorker, "enqueue_req", lambda *_: None)
    monkeypatch.setattr(ThreadWorker, "notify", lambda *_: None)
    monkeypatch.setattr(ThreadWorker, "handle", lambda *_: "answered")
    return made


class Connection(SimpleNamespace):
    __hash__ = object.__hash__

    def wait_for_data(self, seconds):
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


def test_who_says_nothing_yet_does_not_hold_a_thread(worker, pair):
    assert worker.handle(connection(pair[0], came=False)) is _DEFER
    assert worker.handle(connection(pair[0], came=False, initialized=True)) == "answered"


def test_who_is_gone_already_is_no_error(worker, pair, monkeypatch):
    monkeypatch.setattr(Worker, "arrival_seconds", -1.0)
    pair[0].close()
    worker.enqueue_req(connection(pair[0]))
    worker.notify()
    assert worker._arriving == {}
