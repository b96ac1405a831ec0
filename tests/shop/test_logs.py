"""Logs: a JSON object a line, without secrets."""

import json
import logging

import pytest

from dada.jwt import Issuer, Key
from dada.oauth import new_secret
from shop.logs import Formatter, configure, redacted
from tests.conftest import NEVER_LOGGED
from tests.shop.people import PASSWORD


def record(message, *args, **extra):
    made = logging.LogRecord("shop.x", logging.WARNING, __file__, 1, message, args, None)
    made.__dict__.update(extra)
    return made


def test_a_record_is_one_line_of_json():
    line = Formatter("api").format(record("a %s", "b\nc", request="r-1", job="j-1", password="x"))
    told = json.loads(line)
    assert "\n" not in line
    assert told.pop("at").endswith("+00:00")
    assert told == {
        "level": "warning", "process": "api", "logger": "shop.x", "message": "a b\nc", "request": "r-1", "job": "j-1",
    }  # fmt: skip


@pytest.mark.parametrize("end", ["\n", "\r", "\x0b", "\x0c", "\x1c", "\x1e", "\x85", "\x9b", "\u2028", "\u2029"])
def test_nobody_writes_a_line_of_his_own_into_a_log(end):
    line = Formatter("api").format(record("a %s", f'b{end}{{"level":"info"}}', path=f"/x{end}y"))
    assert line.splitlines() == [line]
    assert line.isprintable()
    assert (json.loads(line)["message"], json.loads(line)["path"]) == (f'a b{end}{{"level":"info"}}', f"/x{end}y")


def test_a_traceback_is_told_without_what_looks_like_a_secret():
    secret = new_secret()
    try:
        raise RuntimeError(f"token {secret}")
    except RuntimeError as error:
        made = record("x")
        made.exc_info = (type(error), error, error.__traceback__)
    told = json.loads(Formatter("api").format(made))
    assert "RuntimeError" in told["traceback"]
    assert secret not in told["traceback"]


SECRETS = {
    "an access token": Issuer(Key(bytes(32)), issuer="x", lifetime=9).sign({"sub": "7"}),
    "a state": new_secret(),
    "a token, spelled otherwise": "PUT /v1/password-resets/" + "".join(f"%{ord(char):02x}" for char in new_secret()),
    "a token, one letter of it spelled otherwise": "xxxx%41swordfish_-%5f%2D" + "x" * 26,
    "a password in a URL": "redis://:swordfish@127.0.0.1",
    "a password of Sentinels": "redis+sentinel://h/name?sentinels=:swordfish",
    "a query": "GET /callback?code=swordfish&state=swordfish",
    "a header": "Authorization: Bearer swordfish",
    "a value that the database has twice": "(1062, \"Duplicate entry 'swordfish@example.org' for key 'uq_users'\")",
    "a body that the server took for a request": (
        'Invalid request from ip=::1: Invalid HTTP request line: \'{"password":"it\\\'s swordfish"}\'\nswordfish'
    ),
    "a form": "client_secret=swordfish&access_token=swordfish",
}


@pytest.mark.parametrize("text", SECRETS.values(), ids=SECRETS)
def test_what_looks_like_a_secret_is_taken_out(text):
    told = redacted(f"before {text} after")
    assert "swordfish" not in told
    assert "[redacted]" in told
    assert told.startswith("before ")


def test_what_people_look_for_stays():
    text = (
        "request 0b342ee0-0da6-8ae2-8600-00f43d2e6514 job uMyIZtsMwHPIAuEoY5UBjrh4A-05_XA4 took 12 ms at /v1/users/ada"
    )
    assert redacted(text) == text
    text = "Invalid request from ip=127.0.0.1: Request Line is too large (9000 > 8190)"
    assert redacted(text) == text


def test_every_logger_of_a_process_writes_so(capsys):
    root = logging.getLogger()
    before = root.handlers[:], root.level
    try:
        configure("worker")
        logging.getLogger("anything").info("hello")
        assert json.loads(capsys.readouterr().err)["process"] == "worker"
    finally:
        root.handlers[:], root.level = before


@pytest.mark.parametrize("line", [
    f"x {PASSWORD} x", "eyJhbGciOiJI.eyJzdWIiOiI3In0.c2lnbmF0dXJlc2lnbmF0dXJlc2lnbmF0dXJlc2lnbmF0", "#/activation/x",
    "sandbox-secret",
])  # fmt: skip
def test_what_the_tests_look_for_in_every_line_is_found(line):
    assert NEVER_LOGGED.search(line)
    assert not NEVER_LOGGED.search(redacted("a line like any other: /v1/users 202"))
