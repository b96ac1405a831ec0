"""Traces: every request, job, letter and call leaves its record in the sandbox, and nothing does in production."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import wsgi
from dada import jws, jwt, oauth
from dada.cors_policy import Policy, Request
from dada.testing import Client
from sandbox.trace_gates import watch_gates, watched
from sandbox.trace_record import Recorder, hide
from sandbox.trace_stream import TraceStream
from sandbox.traces import Recording, watch
from shop import services as shop_services
from tests.conftest import PAGE, environment
from tests.servers import PATIENCE
from worker import JOBS
from worker.loop import Loop

ROOT = Path(__file__).parents[2]
PASSWORD = "correct horse battery"
NEW = {"username": "ada", "password": PASSWORD, "email": "ada@example.org"}
JSON = {"Content-Type": "application/json"}


class Traced:
    """The API in process, watched, with a worker that runs what it put."""

    def __init__(self, services, world):
        self.services, self.recorder = watch(services, "api")
        self.client = Client(Recording(wsgi.make_app(self.services), self.recorder), {"Origin": PAGE})
        self.runner = Loop(self.services, JOBS)._runners[0]
        self.world = world

    def work(self):
        for job in self.services.queue.claim(self.runner.name, 10):
            self.runner._one(self.services.queue, job)

    def records(self):
        rows = self.recorder.stream.read("0")
        return list({record["id"]: record for _, text in rows for record in [json.loads(text)]}.values())

    def last(self, kind="request"):
        return [record for record in self.records() if record["kind"] == kind][-1]

    def preflight(self, method, path, headers):
        asked = {"Access-Control-Request-Method": method, "Access-Control-Request-Headers": headers}
        return self.client("OPTIONS", path, headers=asked)

    def letter_token(self):
        return self.world.mailbox.mails()[0].letter.links[0].rpartition("/")[2]

    def log_in(self):
        self.client("POST", "/v1/users", NEW)
        self.work()
        self.client("POST", "/v1/users/activation", {"token": self.letter_token()})
        return self.client("POST", "/v1/tokens", {"username": "ada", "password": PASSWORD}).json["access_token"]


@pytest.fixture
def traced(services, world):
    leave = watch_gates()  # what takes the wrappers off again: other tests look at what is not watched
    yield Traced(services, world)
    leave()
    assert not list(watched())


def checks(record, group=None):
    return [e for e in record["events"] if e["kind"] == "check" and group in (None, e["group"])]


def kinds(record, kind):
    return [event for event in record["events"] if event["kind"] == kind]


# --- one registration, from the click to the mailbox -----------------------------------------------------


def test_a_registration_is_one_trace_from_the_preflight_to_the_letter_and_back(traced):
    traced.preflight("POST", "/v1/users", "content-type")
    assert traced.client("POST", "/v1/users", NEW).status == 202
    traced.work()
    traced.client("POST", "/v1/users/activation", {"token": traced.letter_token()})
    told = {record["title"]: record for record in traced.records()}
    asked, sent = told["OPTIONS /v1/users"], told["POST /v1/users"]
    job, letter = told["mail.activation"], next(r for r in told.values() if r["kind"] == "mail")
    clicked = told["POST /v1/users/activation"]
    assert [sent["cause"], job["cause"], letter["cause"], clicked["cause"]] == [
        asked["id"], sent["id"], job["id"], letter["id"]
    ]  # fmt: skip
    assert len({record["trace"] for record in told.values()}) == 1
    assert [(r["from"], r["to"]) for r in (asked, sent, job, letter)] == [
        ("browser", "api"), ("browser", "api"), ("redis", "worker"), ("worker", "mail")
    ]  # fmt: skip
    assert (sent["status"], job["status"], letter["status"], clicked["status"]) == ("202", "done", "250", "204")


def test_a_record_has_the_bytes_of_both_messages(traced):
    traced.client("POST", "/v1/users", NEW)
    record = traced.last()
    assert record["request"]["line"] == "POST /v1/users HTTP/1.1"
    assert ["Origin", PAGE] in record["request"]["headers"]
    assert json.loads(record["request"]["body"]) == NEW
    assert record["answer"]["line"] == "HTTP/1.1 202 Accepted"
    assert ["Access-Control-Allow-Origin", PAGE] in record["answer"]["headers"]
    assert record["request_id"] == dict(record["answer"]["headers"])["X-Request-Id"]


def test_sql_redis_and_jobs_are_told_with_their_times(traced):
    traced.client("POST", "/v1/users", NEW)
    record = traced.last()
    assert any(event["text"].startswith("INSERT INTO users") and event["rows"] == 1 for event in kinds(record, "sql"))
    assert kinds(record, "sql")[-1]["text"] == "COMMIT"
    assert any(event["text"].startswith("EVALSHA queue.put") for event in kinds(record, "redis"))
    [put] = kinds(record, "put")
    assert put["task"] == "mail.activation"
    assert all(0 <= event["at"] <= record["took"] and event["took"] >= 0 for event in record["events"])


def test_a_letter_s_conversation_is_told_line_by_line(traced):
    traced.client("POST", "/v1/users", NEW)
    traced.work()
    letter = traced.last("mail")
    said = [text for who, text in letter["talk"] if who == ">"]
    assert said[0].startswith("ehlo")
    assert any(text.startswith("rcpt TO:<ada@example.org>") for text in said)
    assert letter["letter"] == traced.world.mailbox.mails()[0].id


def test_a_job_that_fails_says_why_and_what_became_of_it(traced):
    traced.services.queue.put("no.such.task")
    traced.work()
    job = traced.last("job")
    assert (job["status"], job["verdict"]) == ("buried", "bad")
    assert "no such task" in job["job"]["why"]


# --- preflights ------------------------------------------------------------------------------------------


def test_a_request_says_whether_the_browser_asked_for_it(traced):
    traced.preflight("POST", "/v1/users", "content-type")
    traced.client("POST", "/v1/users", {})
    assert traced.last()["asked"] == "asked"
    traced.client("POST", "/v1/users", {})
    assert traced.last()["asked"] == "remembered"
    traced.client("GET", "/healthz")
    assert traced.last()["asked"] == "simple"


def test_a_preflight_that_was_for_something_else_led_to_nothing(traced):
    traced.preflight("DELETE", "/v1/users", "content-type")
    traced.client("POST", "/v1/users", {})
    assert traced.last()["cause"] is None


# --- the checks, from the code that decides --------------------------------------------------------------


def test_the_checks_of_a_token_are_those_that_decided(traced):
    token = traced.log_in()
    assert traced.client("GET", "/v1/users/ada", headers={"Authorization": f"Bearer {token}"}).status == 200
    told = checks(traced.last(), "token")
    opener = jws.Opener(jws.Key(b"k" * 32))
    assert [step["name"] for step in told][: len(jws.ENVELOPE)] == [check.name for check in jws.ENVELOPE]
    assert len(told) > len(jws.ENVELOPE) + len(opener.header_checks)
    assert {step["verdict"] for step in told} == {"passed"}
    assert all(step["source"].startswith(("dada/jws.py:", "dada/jwt.py:", "shop/tokens.py:")) for step in told)
    assert checks(traced.last(), "session")[0]["verdict"] == "passed"


def test_a_forged_token_names_the_check_that_stopped_it(traced):
    token = traced.log_in()
    answer = traced.client("GET", "/v1/users/ada", headers={"Authorization": f"Bearer {token[:-3]}AAA"})
    assert answer.status == 401
    failed = [step for step in checks(traced.last(), "token") if step["verdict"] == "failed"]
    assert [(step["name"], step["clause"]) for step in failed] == [("signature", "RFC 7515 §5.2 step 8")]
    assert traced.last()["verdict"] == "odd"


@pytest.mark.parametrize(
    ("method", "path", "more", "group", "name"),
    [
        ("GET", "/nowhere", {}, "route", "path"),
        ("DELETE", "/v1/users", {}, "route", "method"),
        ("POST", "/v1/users", {"raw": b"{", "headers": JSON}, "body", "json"),
        ("POST", "/v1/users", {"raw": b"{}", "headers": JSON}, "body", "fields"),
        ("POST", "/v1/tokens", {"body": {"username": "x", "password": "wrong horse"}}, "password", "hash"),
        ("GET", "/healthz", {"headers": {"Origin": "http://evil.example"}}, "cors", "origin"),
    ],
    ids=["no path", "no method", "no JSON", "no fields", "no password", "no origin"],
)
def test_what_is_refused_says_by_which_check(traced, method, path, more, group, name):
    traced.client(method, path, **more)
    failed = [(step["group"], step["name"]) for step in checks(traced.last()) if step["verdict"] == "failed"]
    assert set(failed) == {(group, name)}


def test_each_field_that_is_wrong_is_a_step_in_plain_words(traced):
    traced.client("POST", "/v1/users", {"username": "a", "email": 7, "nickname": "x" * 51})
    told = [step["found"] for step in checks(traced.last(), "body")]
    assert told == [
        "#/password is missing", "#/email must be a text", "#/nickname must have at most 50 characters",
        "#/username is not valid: username_invalid",
    ]  # fmt: skip


def last_step(traced, group, name):
    [*_, step] = [step for step in checks(traced.last(), group) if step["name"] == name]
    return step["verdict"], step["clause"], step["found"]


def test_what_is_another_s_is_refused_by_a_step_that_names_the_guard(traced):
    auth = {"Authorization": f"Bearer {traced.log_in()}"}
    assert traced.client("GET", "/v1/users/ada", headers=auth).status == 200
    assert last_step(traced, "caller", "owner") == ("passed", "RFC 9110 §15.5.5", "ada calls, and this is his")
    assert traced.client("GET", "/v1/users/grace", headers=auth).status == 404
    verdict, clause, found = last_step(traced, "caller", "owner")
    assert (verdict, clause) == ("failed", "RFC 9110 §15.5.5")
    assert found == "ada calls, and this is not his: answered as if it were not there"
    assert [step["name"] for step in checks(traced.last()) if step["verdict"] == "failed"] == ["owner"]
    assert checks(traced.last(), "caller")[0]["source"].startswith("handlers/callers.py:")
    assert last_step(traced, "event", "written")[2] == "the record of events has one more: access, not-found"


def test_who_is_not_logged_in_is_refused_by_a_step(traced):
    assert traced.client("GET", "/v1/users/ada").status == 401
    assert last_step(traced, "caller", "signed in")[:2] == ("failed", "RFC 6750 §3")


def test_too_many_wrong_passwords_are_told_by_their_lock(traced):
    traced.log_in()
    wrong = {"username": "ada", "password": "no horse of mine"}
    left = []
    while traced.client("POST", "/v1/tokens", wrong).status != 429:
        left.append(last_step(traced, "limit", "lock")[2])
        assert last_step(traced, "password", "hash")[:2] == ("failed", "RFC 9106 §4")
    assert left[0] == "login: 4 more may be wrong before there is a pause"
    assert len(left) == 5
    verdict, clause, found = last_step(traced, "limit", "lock")
    assert (verdict, clause) == ("failed", "RFC 6585 §4")
    assert re.fullmatch(r"login: too many were wrong; the pause lasts \d+ s more", found)


def test_a_quota_that_is_used_up_is_told_with_its_numbers(traced):
    traced.log_in()
    again = {"email": "ada@example.org"}
    traced.client("POST", "/v1/password-resets", again)
    assert last_step(traced, "limit", "quota") == ("passed", "RFC 6585 §4", "reset: 0 of 1 are left within 60 s")
    assert traced.client("POST", "/v1/password-resets", again).status == 429
    verdict, _, found = last_step(traced, "limit", "quota")
    assert verdict == "failed"
    assert re.fullmatch(r"reset: all 1 of 60 s are used up; again in \d+ s", found)
    assert checks(traced.last(), "limit")[0]["source"].startswith("shop/limits.py:")


def test_the_same_key_twice_is_told_as_the_first_and_as_its_repetition(traced):
    headers = {"Authorization": f"Bearer {traced.log_in()}", "Idempotency-Key": '"once"'}
    new = {"receiver": "Ada", "phone": "123", "detail": "1 Main Street"}
    told = []
    for body in (new, new, {**new, "phone": "124"}):
        traced.client("POST", "/v1/users/ada/addresses", body, headers=headers)
        told.append(last_step(traced, "repeat", "first"))
    assert told == [
        ("passed", "RFC 9110 §9.2.2", "the key is new: this acts"),
        ("passed", "RFC 9110 §9.2.2", "it came before: it gets the first one's answer"),
        ("failed", "RFC 9110 §9.2.2", "the key came before, with another body"),
    ]
    assert last_step(traced, "repeat", "key") == ("passed", "RFC 9651 §3.3.3", "a key of 4 characters")
    traced.client("POST", "/v1/users/ada/addresses", new, headers={**headers, "Idempotency-Key": '"open'})
    assert last_step(traced, "repeat", "key")[0] == "failed"


def test_a_version_that_is_not_meant(traced):
    auth = {"Authorization": f"Bearer {traced.log_in()}"}
    new = {"receiver": "Ada", "phone": "123", "detail": "1 Main Street"}
    path = traced.client("POST", "/v1/users/ada/addresses", new, headers=auth).header("Location")
    path = path.removeprefix(traced.services.settings.api_url)
    for etag, verdict in (('"9"', "failed"), ('"1"', "passed")):
        traced.client("PUT", path, new, headers={**auth, "If-Match": etag})
        assert [step["verdict"] for step in checks(traced.last(), "precondition")] == [verdict]
    traced.client("PUT", path, new, headers={**auth, "If-Match": "*", "If-None-Match": '"2"'})
    [step] = checks(traced.last(), "precondition")
    assert (step["verdict"], step["clause"]) == ("failed", "RFC 9110 §13.1.2")
    assert step["found"] == 'If-None-Match is "2", and the version is "2"'


def test_a_return_from_weibo_tells_its_checks_and_the_calls_it_led_to(traced, world):
    verifier = oauth.new_secret()
    begun = traced.client("GET", f"/v1/users/weibo/authorization?code_challenge={oauth.challenge(verifier)}").json
    left = traced.last()
    world.weibo.store.grant("1000000721", 9000000001)
    code = world.weibo.store.new_code("1000000721", f"{PAGE}/callback/weibo.html", 9000000001)
    back = {"code": code, "state": begun["state"], "verifier": verifier}
    assert traced.client("POST", "/v1/users/weibo/users", back).status == 200
    record = traced.last()
    assert [step["name"] for step in checks(record, "oauth")] == [row[0] for row in oauth.RETURN]
    assert record["cause"] == left["id"]
    calls = [one for one in traced.records() if one["kind"] == "call"]
    assert [one["title"] for one in calls][:2] == ["POST /oauth2/access_token", "POST /oauth2/get_token_info"]
    assert {one["cause"] for one in calls} == {record["id"]}
    assert "client_secret=" in calls[0]["request"]["body"]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_check_is_told_in_plain_words(language):
    verifier = jwt.Verifier
    names = [f"token.{one.name}" for one in (*jws.ENVELOPE, *verifier.header_checks, *verifier.payload_checks)]
    names += [f"oauth.{row[0]}" for row in oauth.RETURN]
    for gate in (ROOT / "sandbox" / "trace_gates.py").read_text().split("\ndef _"):  # each has one group
        steps, groups = re.findall(r'Step\("([a-z ]+)"', gate), re.findall(r'"([a-z]+)", (?:place|where)', gate)
        names += [f"{groups[0]}.{step}" for step in steps]
    assert {"caller.owner", "limit.quota", "route.method", "body.json"} <= set(names)
    text = (ROOT / "web" / "js" / "texts" / f"checks_{language}.js").read_text()
    assert [name for name in names if f'"check.{name}":' not in text] == []


# --- what watches changes nothing ------------------------------------------------------------------------


def test_watched_gates_answer_as_before_and_are_put_back():
    before = Policy.decide, jws.Opener.open, oauth.admit
    leave = watch_gates()
    assert len(list(watched())) == 15
    watch_gates()
    assert len(list(watched())) == 15  # twice is once
    policy = Policy(origins=["https://shop.example"])
    with pytest.raises(jws.TokenError):
        jws.Opener(jws.Key(b"k" * 32)).open("no token")
    assert policy.decide(Request("GET", "https://shop.example")).allowed
    leave()
    assert (Policy.decide, jws.Opener.open, oauth.admit) == before


def test_without_a_span_nothing_is_told(traced):
    traced.services.redis.ping()
    traced.services.db.ping()
    assert traced.records() == []


# --- secrets ---------------------------------------------------------------------------------------------


def test_secrets_that_are_not_the_sandbox_s_are_hidden(traced, redis_server):
    recorder = Recorder(TraceStream(shop_services.redis_client(redis_server.url)), "api", shown=False)
    app = Recording(wsgi.make_app(traced.services), recorder)
    traced.recorder.shown = False
    client = Client(app, {"Origin": PAGE})
    client(
        "POST",
        "/v1/tokens",
        {"username": "ada", "password": "swordfish swordfish"},
        headers={"Authorization": "Bearer abc.def.ghi"},
    )
    client("PUT", "/v1/password-resets/0123456789abcdef-secret", {"password": "swordfish swordfish"})
    text = json.dumps(traced.records())
    for secret in ("swordfish", "abc.def.ghi", "0123456789abcdef"):
        assert secret not in text


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ('{"password": "x y"}', '{"password": "•••"}'),
        ('{"access_token":"a.b.c","n":1}', '{"access_token":"•••","n":1}'),
        ('{"flow_secret": "x"}', '{"flow_secret": "•••"}'),
        ("code=abc&state=def&x=1", "code=•••&state=•••&x=1"),
        ("/v1/users/weibo/users?code=abc", "/v1/users/weibo/users?code=•••"),
        ("http://127.0.0.1:7000/#/reset/abc", "http://127.0.0.1:7000/#/reset/•••"),
        ("nothing here", "nothing here"),
    ],
)
def test_what_is_hidden(text, hidden):
    assert hide(text) == hidden


# --- production ------------------------------------------------------------------------------------------

ASK = """
import sys, wsgi
{make}
from dada import jws, jwt, oauth, cors_policy, queue
told = [name for name in sys.modules if name.startswith("sandbox.trace") or name == "sandbox.sources"]
wrapped = [f for f in (jws.Opener.open, oauth.admit, cors_policy.Policy.decide) if hasattr(f, "__wrapped__")]
print(told, wrapped, type(wsgi.app).__module__)
"""


@pytest.mark.parametrize(("env", "watches"), [("production", False), ("sandbox", True)])
def test_a_process_of_production_has_read_nothing_of_it(
    env, watches, empty_sqlite, redis_server, secrets_folder, world
):
    if env == "production":
        (secrets_folder / "keys.json").write_text((secrets_folder / "keys.json").read_text().replace("true", "false"))
        (secrets_folder / "weibo_client_secret").write_text("a-real-one")
    told = environment(f"sqlite:///{empty_sqlite}", redis_server.url, secrets_folder, world) | {"DADA_ENV": env}
    told |= {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    code = ASK.format(make="wsgi.app")
    said = subprocess.run(
        [sys.executable, "-c", code], env=told, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE
    )
    assert said.returncode == 0, said.stderr
    assert ("sandbox.trace" in said.stdout) == watches
    assert ("<function" in said.stdout) == watches
    assert said.stdout.strip().endswith("sandbox.traces" if watches else "dada.cors")


def test_the_worker_of_production_reads_nothing_of_it_either():
    text = (ROOT / "worker" / "__main__.py").read_text()
    head, _, tail = text.partition("if services.settings.sandbox:")
    assert "sandbox.traces" not in head
    assert "from sandbox.traces import watch" in tail
