"""`dada cors`: what a lesson and a pipeline see."""

import inspect
import json
import os
import pty
import subprocess
import sys
import threading
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import pytest

from cli.cors import LESSONS
from dada import cors_policy, fetch, fetch_checks
from dada.cors import Middleware, Policy
from tests.dada.test_cors_probe import letting_in
from tests.faults.processes import ROOT
from tests.servers import PATIENCE

SHOP, EVIL = "https://shop.example", "https://evil.example"
GOOD = {"origins": [SHOP], "methods": ["PUT"], "request_headers": ["Content-Type"], "max_age": 600}


class Quiet(WSGIRequestHandler):
    def log_message(self, *_):
        pass


class Threads(ThreadingMixIn, WSGIServer):
    daemon_threads = True


@pytest.fixture
def serve():
    """Serve a WSGI application on a free port; return its address."""
    servers = []

    def start(app):
        server = make_server("127.0.0.1", 0, app, Threads, Quiet)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def file(tmp_path):
    """Write a policy; return the name of its file."""

    def write(policy):
        path = tmp_path / "policy.json"
        path.write_text(policy if isinstance(policy, str) else json.dumps(policy))
        return str(path)

    return write


def application(environ, start_response):
    found = environ["PATH_INFO"] == "/r"
    start_response("200 OK" if found else "404 Not Found", [("Content-Type", "text/plain"), ("ETag", '"1"')])
    return [b"body"]


class TestExplaining:
    def test_a_call_that_the_policy_lets_through(self, dada, file):
        status, out, err = dada(
            "cors",
            "explain",
            file(GOOD),
            "--origin",
            SHOP,
            "--method",
            "put",
            "--header",
            "Content-Type: application/json",
        )
        assert (status, err) == (0, "")
        for promised in (
            "put https://api.example/, called by a page of https://shop.example",
            "because of PUT, content-type  Fetch §4.1 step 12",
            "  → Access-Control-Request-Method: PUT",
            "  ← Access-Control-Allow-Methods: PUT",
            "✔ server: origin        https://shop.example is let in  Fetch §4.10 step 4",
            "✔ browser: headers      all are granted  Fetch §4.8 step 7.7",
            "Shared: the page reads status 200, the body, and these headers: content-type.",
            "Hidden from it: access-control-allow-origin, vary.",
        ):
            assert promised in out
        assert out.index("The preflight") < out.index("✔ server: method") < out.index("The request itself")
        assert "\x1b" not in out
        assert "✘" not in out

    def test_a_page_that_is_not_let_in(self, dada, file):
        status, out, _ = dada("cors", "explain", file(GOOD), "--origin", EVIL)
        assert status == 1
        assert LESSONS["server: origin"] in out
        assert (
            "Blocked at “browser: cors check” (Fetch §4.10 step 2): there is no Access-Control-Allow-Origin, since"
            in out
        )
        assert "since https://evil.example is not let in (Fetch §4.10 step 4)" in out
        assert "the server did its work; the page sees a TypeError" in out

    def test_a_preflight_that_fails(self, dada, file):
        status, out, _ = dada("cors", "explain", file(GOOD), "--origin", SHOP, "--method", "DELETE")
        assert status == 1
        assert LESSONS["server: method"] in out
        assert "The request itself was not sent" in out

    def test_credentials_count(self, dada, file):
        arguments = ["cors", "explain", file(GOOD), "--origin", SHOP]
        assert dada(*arguments)[0] == 0
        status, out, _ = dada(*arguments, "--credentials")
        assert status == 1
        assert "Access-Control-Allow-Credentials is not true" in out

    def test_chromium_differs_from_the_standard(self, dada, file):
        any_header = file(GOOD | {"request_headers": ["*"], "disclosure": "full"})
        call = ["cors", "explain", any_header, "--origin", SHOP, "--header", "DPR: 2"]
        assert "because of dpr" in dada(*call)[1]
        assert "no: method and headers are safelisted" in dada(*call, "--chromium")[1]

    def test_policies_by_path(self, dada, file):
        by_path = file({"/v1/*": GOOD, "/v1/a b": None})
        asked = ["cors", "explain", by_path, "--origin", SHOP]
        assert dada(*asked, "--url", "https://api.example/v1/x?y")[0] == 0
        for url in ("https://api.example/v1/a%20b", "https://api.example/v2", "https://api.example"):
            status, out, _ = dada(*asked, "--url", url)
            assert status == 1
            assert LESSONS["server: policy"] in out

    def test_a_policy_from_standard_input(self, dada):
        assert dada("cors", "explain", "-", "--origin", SHOP, text=json.dumps(GOOD))[0] == 0

    def test_the_page_s_own_origin(self, dada, file):
        status, out, _ = dada("cors", "explain", file(GOOD), "--origin", "https://api.example", "--method", "DELETE")
        assert status == 0
        assert "the page's own origin: CORS does not apply" in out
        assert "The preflight" not in out

    @pytest.mark.parametrize(
        ("more", "step"),
        [
            (["--method", "TRACE"], "browser: method"),
            (["--header", "a b: c"], "browser: header"),
            (["--header", "x-a: \x1b[31m達"], "browser: header"),
            (["--url", "ftp://api.example/"], "browser: url"),
        ],
    )
    def test_what_no_page_may_ask_for(self, dada, file, more, step):
        status, out, _ = dada("cors", "explain", file(GOOD), "--origin", "null", *more)
        assert status == 1
        assert LESSONS[step] in out
        assert f"Blocked at “{step}”" in out
        assert "The preflight" not in out
        assert "\x1b" not in out

    def test_for_machines(self, dada, file):
        status, out, _ = dada("cors", "explain", file(GOOD), "--origin", SHOP, "--method", "PUT", "--json")
        told = json.loads(out)
        assert status == 0
        assert (told["outcome"], told["readable_headers"]) == ("shared", ["content-type"])
        assert told["preflight"]["method"] == "OPTIONS"
        assert told["preflight"]["request_headers"] == [["Origin", SHOP], ["Access-Control-Request-Method", "PUT"]]
        assert told["actual"]["status"] == 200
        assert {
            "name": "browser: status",
            "clause": "Fetch §4.8 step 7",
            "verdict": "passed",
            "found": "status 204",
        } in (told["steps"])
        status, out, _ = dada("cors", "explain", file(GOOD), "--origin", EVIL, "--method", "PUT", "--json")
        assert (status, json.loads(out)["actual"]) == (1, None)

    def test_a_running_service_is_asked(self, dada, serve):
        address = serve(Middleware(application, Policy(**GOOD, response_headers=["ETag"]))) + "/r?a=達 b"
        status, out, _ = dada(
            "cors", "explain", address, "--origin", SHOP, "--method", "PUT", "--header", "Content-Type: a/b"
        )
        assert status == 0
        assert "  ← Access-Control-Allow-Methods: PUT" in out
        assert (
            "Shared: the page reads status 200, the body, and these headers: content-length, content-type, etag." in out
        )
        assert "server: " not in out
        assert dada("cors", "explain", address, "--origin", EVIL)[0] == 1

    def test_a_running_service_that_sends_preflights_elsewhere(self, dada, serve):
        status, out, _ = dada(
            "cors",
            "explain",
            serve(letting_in(lambda _: True, preflights="301 Moved")),
            "--origin",
            SHOP,
            "--method",
            "PUT",
        )
        assert status == 1
        assert LESSONS["browser: status"] in out

    def test_every_step_that_can_fail_has_a_lesson(self):
        text = inspect.getsource(fetch) + inspect.getsource(fetch_checks)
        names = {
            f"browser: {name}"
            for name in ("cors check", "status", "grammar", "method", "headers", "url", "body", "header")
        }
        assert all(f'step("{name.removeprefix("browser: ")}"' in text for name in names)
        decided = {f"server: {name}" for name in ("origin", "method", "headers")}
        assert all(f'_step("{name.removeprefix("server: ")}"' in inspect.getsource(cors_policy) for name in decided)
        assert LESSONS.keys() == names | decided | {"server: policy"}


class TestChecking:
    def test_a_policy_without_fault(self, dada, file):
        assert dada("cors", "check", file(GOOD)) == (0, "All is well.\n", "")

    def test_all_problems_at_once(self, dada, file):
        bad = {"origins": ["https://shop.example/", "null"], "methods": ["put"], "credentials": "yes", "private": True}
        status, out, _ = dada("cors", "check", file(bad))
        assert status == 1
        lines = out.splitlines()
        assert [line.split()[:2] for line in lines[::2]] == [
            ["problem", code] for code in ("unknown-field", "origin-path", "origin-null", "not-a-bool", "method-case")
        ]
        assert lines[2] == "problem origin-path                 origins 'https://shop.example/'  RFC 6454 §6.2"
        assert lines[3].startswith(
            "        an origin ends after host and port, without a slash or a path → scheme://host"
        )

    def test_problems_of_paths(self, dada, file):
        status, out, _ = dada("cors", "check", file({"/a/*": {}, "/b*": GOOD, "/c": 1, "/d": None}), "--json")
        assert status == 1
        assert [(row["code"], row["path"]) for row in json.loads(out)["findings"]] == [
            ("missing", "/a/*"), ("not-an-object", "/c"), ("map-path", "'/b*'"),
        ]  # fmt: skip

    def test_findings_of_one_path_are_told_beside_problems_of_another(self, dada, file):
        status, out, _ = dada(
            "cors",
            "check",
            file({"/a/*": {"origin": [SHOP], "origins": [SHOP]}, "/b/*": {"origins": ["*"], "max_age": 9}}),
        )
        assert status == 1
        assert out.splitlines() == [
            "problem unknown-field               /a/* origin",
            "        a policy has no such field → origins",
            "note    any-origin                  /b/* origins=*  Fetch §3.3.5",
            "        every page may read these answers: right for public data only → name the origins",
        ]

    def test_findings_fail_from_a_severity_on(self, dada, file):
        risky = file(GOOD | {"origins": ["https://*.shop.example"], "max_age": None})
        status, out, _ = dada("cors", "check", risky)
        assert status == 0
        assert out.startswith("medium  any-subdomain               https://*.shop.example  RFC 6454 §8.2\n")
        assert "note    max-age-absent" in out
        assert [dada("cors", "check", risky, "--fail-on", one)[0] for one in ("note", "low", "medium", "high")] == [
            1,
            1,
            1,
            0,
        ]

    def test_for_machines(self, dada, file):
        status, out, _ = dada("cors", "check", file(GOOD | {"origins": ["*"]}), "--json")
        assert status == 0
        assert json.loads(out) == {"findings": [{
            "severity": "note", "code": "any-origin", "value": "origins=*",
            "why": "every page may read these answers: right for public data only", "fix": "name the origins",
            "clause": "Fetch §3.3.5",
        }]}  # fmt: skip

    def test_hostile_names_do_no_harm(self, dada, file):
        status, out, _ = dada("cors", "check", file({"\x1b[31m": 1, "origins": ["\x1b[2J\u202e"], "methods": ["a\nb"]}))
        assert status == 1
        assert "\x1b" not in out
        assert "\u202e" not in out


class TestProbing:
    def test_a_good_service(self, dada, serve):
        address = serve(Middleware(application, Policy(**GOOD)))
        status, out, err = dada("cors", "probe", f"{address}/r", "--trusted", SHOP)
        assert (status, err) == (0, "")
        assert out.endswith(" questions, and nothing found.\n")

    def test_a_bad_service(self, dada, serve):
        address = serve(letting_in(lambda _: True, credentials="true", vary=None))
        status, out, _ = dada("cors", "probe", f"{address}/r", "--trusted", SHOP)
        assert status == 1
        assert out.splitlines()[0] == (
            "high    any-origin-reflected        https://stranger.invalid and 2 more, by GET and preflight,"
            " with credentials  Fetch §3.3.5"
        )
        assert "medium  vary-missing" in out

    def test_its_own_neighbours_are_tried_when_nobody_is_trusted(self, dada, serve):
        address = serve(letting_in(lambda origin: origin.startswith("http://127.0.0.1")))
        status, out, _ = dada("cors", "probe", f"{address}/r")
        assert status == 1
        assert "prefix" in out
        assert "trusted-denied" not in out

    def test_the_status_follows_the_severity(self, dada, serve):
        low = serve(letting_in(lambda origin: origin == SHOP, refused=[("Access-Control-Max-Age", "600")])) + "/r"
        run = ["cors", "probe", low, "--trusted", SHOP, "--fail-on"]
        assert [dada(*run, one)[0] for one in ("note", "low", "medium", "high")] == [1, 1, 0, 0]

    def test_for_machines(self, dada, serve):
        address = serve(letting_in(lambda origin: origin == SHOP, marks_missing=False)) + "/r"
        status, out, _ = dada("cors", "probe", address, "--trusted", SHOP, "--json")
        told = json.loads(out)
        assert status == 1
        assert told["url"] == address
        assert told["asked"] > 100
        assert [(row["severity"], row["code"], row["value"]) for row in told["findings"]] == [
            ("medium", "unreadable", f"{SHOP}: status 404"),
        ]
        status, _, _ = dada("cors", "probe", address, "--trusted", SHOP, "--missing", address)
        assert status == 0

    def test_a_terminal_sees_how_far_it_is(self, serve):
        address = serve(Middleware(application, Policy(**GOOD))) + "/r"
        ours, theirs = pty.openpty()
        command = [sys.executable, "-m", "cli", "cors", "probe", address, "--trusted", SHOP]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=theirs, text=True, cwd=ROOT, timeout=PATIENCE)
        os.close(theirs)
        seen = os.read(ours, 100_000).decode()
        os.close(ours)
        asked = int(done.stdout.split()[0])
        assert done.stdout == f"{asked} questions, and nothing found.\n"
        assert f"\r  {asked // 10 * 10} questions …" in seen
        assert seen.endswith("\r" + " " * 30 + "\r")

    def test_what_a_service_says_does_no_harm(self, dada, serve):
        def hostile(environ, start_response):
            start_response(
                "200 OK", [("Access-Control-Allow-Origin", "\x9b31m\xff"), ("Access-Control-Max-Age", "\x1b[2J")]
            )
            return []

        _, out, _ = dada("cors", "probe", serve(hostile))
        assert "no-origin" in out
        assert not {"\x1b", "\x9b"} & set(out)

    def test_another_s_service_is_not_tried(self, dada):
        status, out, err = dada("cors", "probe", "https://shop.example/")
        assert (status, out) == (2, "")
        assert err == "dada: https://shop.example/ is not on this machine; if it is yours, say --mine\n"
        help_ = " ".join(dada("cors", "probe", "--help")[1].split())
        assert "Only services on this machine, or your own" in help_


MISTAKES = {
    "no such command": ["fly"],
    "no origin": ["explain", "-"],
    "an origin with a slash": ["explain", "-", "--origin", "https://shop.example/"],
    "many origins": ["explain", "-", "--origin", "https://*.shop.example"],
    "any origin": ["explain", "-", "--origin", "*"],
    "a header without a colon": ["explain", "-", "--origin", SHOP, "--header", "x"],
    "no such file": ["explain", "/nowhere.json", "--origin", SHOP],
    "a folder": ["check", "/"],
    "no JSON": ["check", "-"],
    "an address and an address": ["explain", "http://127.0.0.1:1/", "--origin", SHOP, "--url", "http://a.example/"],
    "no address": ["explain", "-", "--origin", SHOP, "--url", "http://[/"],
    "nobody there": ["explain", "http://127.0.0.1:1/", "--origin", SHOP],
    "nobody to probe": ["probe", "http://127.0.0.1:1/"],
    "no address to probe": ["probe", "policy.json"],
    "half an address to probe": ["probe", "http://[/"],
    "a host that is none": ["probe", "http://a..b/", "--mine"],
    "a trusted origin that is none": ["probe", "http://127.0.0.1:1/", "--trusted", "null"],
    "what is missing is elsewhere": ["probe", "http://127.0.0.1:1/", "--missing", "http://127.0.0.1:2/"],
    "no such severity": ["check", "-", "--fail-on", "grave"],
}


@pytest.mark.parametrize("arguments", MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_one_line_and_exit_status_2(dada, arguments):
    status, out, err = dada(
        "cors", *arguments, text='{"origins": ["https://shop.example"]}' if "--url" in arguments else "x"
    )
    assert (status, out) == (2, "")
    assert err.startswith("dada: ")
    assert err.count("\n") == 1


@pytest.mark.parametrize("written", ['"x"', "[]", "1", "{", '{"origins": [], "origins": []}', "\ud800"])
def test_what_is_no_policy_at_all_is_a_mistake(dada, file, written):
    path = file(json.dumps(written) if written == "\ud800" else written)
    status, out, err = dada("cors", "check", path)
    assert (status, out, err.count("\n")) == (2, "", 1)


def test_a_policy_that_cannot_be_is_a_mistake_in_an_explanation(dada, file):
    status, out, err = dada("cors", "explain", file({"origins": ["null"], "max_age": -1}), "--origin", SHOP)
    assert (status, out) == (2, "")
    assert err.startswith("dada: origins='null': null is what every sandboxed frame")
    assert "max_age=-1" in err


def test_help_teaches(dada):
    status, out, _ = dada("cors", "--help")
    assert status == 0
    for promised in ("dada cors explain policy.json", "dada cors check", "dada cors probe", "Exit status"):
        assert promised in out
    assert "What becomes of a page's call, and why." in out
