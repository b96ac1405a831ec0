"""CORS on the wire: parts of a site, any WSGI application (PEP 3333), and the probes of the scanners."""

import io
import sys
from itertools import product
from wsgiref.handlers import SimpleHandler
from wsgiref.util import FileWrapper, setup_testing_defaults
from wsgiref.validate import validator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dada.cors import Middleware, Policy, PolicyError, PolicyMap, Request
from dada.cors_strangers import STRANGERS

SHOP, EVIL = "https://shop.example", "https://evil.example"
POLICY = Policy(origins=[SHOP], methods=["PUT"], response_headers=["ETag"], max_age=600)
GRANTED = [("Access-Control-Allow-Origin", SHOP), ("Access-Control-Expose-Headers", "ETag")]
VARY, VARY_OF_OPTIONS = ("Vary", "Origin"), "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"
TEXT = ("Content-Type", "text/plain")
FAILED = [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", "22")]

# --- parts of a site -------------------------------------------------------------------------------------

ROOT, API, PRIVATE, EXACT, SPACE, PLUS, WIDE = (
    Policy(origins=[f"https://{name}.example"]) for name in ("root", "api", "private", "exact", "space", "plus", "wide")
)
MAP = PolicyMap({
    "/*": ROOT, "/api/*": API, "/api/private/*": PRIVATE, "/api/private/open/*": None, "/api/exact": EXACT,
    "/api/a b": SPACE, "/api/a+b": PLUS, "/达/*": WIDE, "/none": None,
})  # fmt: skip
PATHS = {
    "/": ROOT, "/x": ROOT, "/apiary": ROOT, "/api": ROOT, "/API/x": ROOT, "/Api/x": ROOT, "/none": None,
    "/none/x": ROOT, "/api/": API, "/api/x": API, "/api/x/y/z": API, "/api/privateer": API, "/api/private": API,
    "/api/PRIVATE/x": API, "/api/private/": PRIVATE, "/api/private/x": PRIVATE, "/api/private/open": PRIVATE,
    "/api/private/open/x": None, "/api/exact": EXACT, "/api/exact/": API, "/api/exact/x": API, "/api/exactly": API,
    "/api/Exact": API, "/api/a b": SPACE, "/api/a+b": PLUS, "/api/a%20b": API, "/达/x": WIDE, "/达": ROOT, "": None,
    "x": None, "*": None,
}  # fmt: skip


@pytest.mark.parametrize(("path", "policy"), PATHS.items(), ids=ascii)
def test_the_most_specific_path_wins_by_whole_segments(path, policy):
    assert MAP.find(path) is policy


def test_a_map_may_leave_parts_without_a_policy():
    assert PolicyMap({"/v1/*": API}).find("/v2/x") is None
    assert PolicyMap({}).find("/") is None


def test_a_path_is_looked_at_no_deeper_than_the_deepest_that_is_known():
    assert MAP.find("/" * 65_000) is ROOT
    assert MAP.find("/api/private" + "/x" * 30_000) is PRIVATE
    deep = PolicyMap({"/a/b/c/d/*": API, "/a/*": ROOT})
    found = {"/a": None, "/a/b": ROOT, "/a/b/c/d": ROOT, "/a/b/c/d/": API, "/a/b/c/d/e/f": API, "/b/c": None}
    assert {path: deep.find(path) for path in found} == found


@given(st.text("/*apix.% ", max_size=20) | st.text())
def test_any_path_finds_a_policy_or_none(path):
    found = MAP.find(path)
    assert found is None or isinstance(found, Policy)
    assert (found in (API, PRIVATE, EXACT, SPACE, PLUS)) <= path.startswith("/api/")


NO_MAPS = {
    "no slash before it": ({"api/*": API}, ["map-path"]),
    "an empty path": ({"": API}, ["map-path"]),
    "a star alone": ({"*": API}, ["map-path"]),
    "a star in a segment": ({"/api*": API}, ["map-path"]),
    "a star that is not the last": ({"/api/*/x": API}, ["map-path"]),
    "two stars": ({"/*/*": API}, ["map-path"]),
    "a path in its encoded form": ({"/a%20b": API}, ["map-path"]),
    "a query": ({"/a?b": API}, ["map-path"]),
    "a fragment": ({"/a#b": API}, ["map-path"]),
    "a dot for a segment": ({"/a/./b": API}, ["map-path"]),
    "two dots at the end": ({"/a/..": API}, ["map-path"]),
    "a path that is no text": ({1: API}, ["map-path"]),
    "a policy that is none": ({"/a": {"origins": [SHOP]}}, ["map-policy"]),
    "an origin for a policy": ({"/a/*": SHOP}, ["map-policy"]),
    "all at once": ({"a": API, "/b": 1, "/c*": None}, ["map-path", "map-policy", "map-path"]),
    "None": (None, ["not-a-map"]),
    "a list": ([("/*", API)], ["not-a-map"]),
    "an origin": (SHOP, ["not-a-map"]),
}


@pytest.mark.parametrize(("written", "codes"), NO_MAPS.values(), ids=NO_MAPS)
def test_a_map_that_cannot_be_right_is_refused(written, codes):
    for make in (PolicyMap, lambda policies: Middleware(None, policies)):
        with pytest.raises(PolicyError) as caught:
            make(written)
        assert [problem.code for problem in caught.value.problems] == codes
        assert all(problem.why and problem.fix for problem in caught.value.problems)


# --- one exchange ----------------------------------------------------------------------------------------


class Answer:
    """What a server makes of an application: it sends the headers with the first part that is not empty."""

    def __init__(self, app, by="GET", origin=SHOP, path="/", **asked):
        self.environ = {"REQUEST_METHOD": by, "PATH_INFO": path, "wsgi.errors": io.StringIO(), "SCRIPT_NAME": ""}
        self.environ |= {"HTTP_ORIGIN": origin} if origin is not None else {}
        self.environ |= {"HTTP_ACCESS_CONTROL_REQUEST_" + name.upper(): value for name, value in asked.items()}
        setup_testing_defaults(self.environ)
        self.started, self.written, self.sent = [], [], None
        self.parts = app(self.environ, self.start)
        self.error = None
        try:
            for part in self.parts:
                self.write(part)
            self.sent = self.sent or self.started[-1]
        except ZeroDivisionError as error:
            self.error = error
        finally:
            if hasattr(self.parts, "close"):
                self.parts.close()

    def start(self, status, headers, exc_info=None):
        if exc_info and self.sent:
            raise exc_info[1]
        assert exc_info or not self.started
        self.started.append((status, headers))
        return self.write

    def write(self, part):
        if part:
            self.sent = self.sent or self.started[-1]
            self.written.append(part)

    @property
    def told(self):
        return self.environ["wsgi.errors"].getvalue()


def plain(environ, start_response):
    start_response("200 OK", [TEXT])
    return [b"body"]


def saying(*headers, status="200 OK"):
    def application(environ, start_response):
        start_response(status, list(headers))
        return [b"body"]

    return application


def never(environ, start_response):
    raise AssertionError("this is no request for the application")


def test_an_actual_request_is_answered_by_the_application_and_marked():
    answer = Answer(Middleware(plain, POLICY))
    assert answer.sent == ("200 OK", [TEXT, *GRANTED, VARY])
    assert answer.written == [b"body"]


def test_a_denied_page_s_request_is_served_as_ever_and_not_marked():
    answer = Answer(Middleware(plain, POLICY), "POST", EVIL)
    assert answer.sent == ("200 OK", [TEXT, VARY])
    assert answer.written == [b"body"]


def test_a_request_without_origin_is_no_cors_request_and_varies():
    assert Answer(Middleware(plain, POLICY), origin=None).sent == ("200 OK", [TEXT, VARY])


def test_a_preflight_never_reaches_the_application():
    answer = Answer(Middleware(never, POLICY), "OPTIONS", method="PUT")
    assert answer.sent == (
        "204 No Content",
        [
            ("Access-Control-Allow-Origin", SHOP), ("Access-Control-Allow-Methods", "PUT"),
            ("Access-Control-Max-Age", "600"), ("Vary", VARY_OF_OPTIONS),
        ],
    )  # fmt: skip
    assert answer.written == []


def test_a_failed_preflight_never_reaches_the_application_either():
    answer = Answer(Middleware(never, POLICY), "OPTIONS", EVIL, method="PUT")
    assert answer.sent == ("403 Forbidden", [("Content-Length", "0"), ("Vary", VARY_OF_OPTIONS)])
    assert answer.written == []


@pytest.mark.parametrize(("origin", "asked"), [(SHOP, {}), (None, {"method": "PUT"}), (SHOP, {"headers": "x"})])
def test_other_requests_by_options_do_reach_it(origin, asked):
    answer = Answer(Middleware(plain, POLICY), "OPTIONS", origin, **asked)
    assert answer.sent == ("200 OK", [TEXT, *(GRANTED if origin else []), ("Vary", VARY_OF_OPTIONS)])


def test_asking_by_another_method_means_nothing():
    answer = Answer(Middleware(plain, POLICY), "POST", method="PUT", headers="x-a")
    assert answer.sent == ("200 OK", [TEXT, *GRANTED, VARY])


def test_head_is_marked_as_get_is():
    answer = Answer(Middleware(plain, POLICY), "HEAD")
    assert answer.sent == ("200 OK", [TEXT, *GRANTED, VARY])


@pytest.mark.parametrize(
    "status", ["204 No Content", "302 Found", "304 Not Modified", "401 No", "404 No", "418 No", "500 No"]
)
def test_every_status_is_marked(status):
    assert Answer(Middleware(saying(TEXT, status=status), POLICY)).sent == (status, [TEXT, *GRANTED, VARY])


def test_the_policy_is_found_by_the_decoded_path():
    by_path = Middleware(plain, {"/api/*": POLICY, "/达/*": Policy(origins=["*"])})
    assert Answer(by_path, path="/api/x").sent == ("200 OK", [TEXT, *GRANTED, VARY])
    wide = "/达/x".encode().decode("latin-1")  # as PEP 3333 wants it
    assert Answer(by_path, path=wide).sent == ("200 OK", [TEXT, ("Access-Control-Allow-Origin", "*")])
    assert Answer(by_path, path="/\xff/x").sent == ("200 OK", [TEXT])


def test_an_empty_path_is_the_root():
    answer = Answer(Middleware(plain, {"/*": POLICY}), path="")
    assert answer.sent == ("200 OK", [TEXT, *GRANTED, VARY])


def test_where_there_is_no_policy_the_application_is_left_alone():
    own = ("Access-Control-Allow-Origin", "https://own.example")
    heard = []
    app = Middleware(saying(own, ("Vary", "Accept")), {"/api/*": POLICY, "/api/own/*": None}, on_decision=heard.append)
    for path in ("/", "/api/own/x"):
        assert Answer(app, path=path).sent == ("200 OK", [own, ("Vary", "Accept")])
        assert Answer(app, "OPTIONS", path=path, method="PUT").sent == ("200 OK", [own, ("Vary", "Accept")])
    assert heard == []


def test_what_is_the_application_s_is_left_alone():
    cookies = [("Set-Cookie", "a=1"), ("X-A", "1"), ("Set-Cookie", "b=2"), ("set-cookie", "c=3")]
    assert Answer(Middleware(saying(*cookies), POLICY)).sent == ("200 OK", [*cookies, *GRANTED, VARY])


def test_the_application_s_list_of_headers_is_not_changed():
    mine = [TEXT]

    def application(environ, start_response):
        start_response("200 OK", mine)
        return [b""]

    Answer(Middleware(application, POLICY))
    assert mine == [TEXT]


def test_vary_is_merged_into_one_line():
    said = [("Vary", "Accept-Encoding"), TEXT, ("vary", "origin, Cookie")]
    assert Answer(Middleware(saying(*said), POLICY), origin=EVIL).sent == (
        "200 OK", [TEXT, ("Vary", "Accept-Encoding, origin, Cookie")],
    )  # fmt: skip


def test_vary_of_the_request_is_not_looked_at():
    app = Middleware(plain, POLICY)
    assert Answer(app, vary="X-Evil").sent == Answer(app).sent


def test_the_application_finds_the_decision_beside_its_request():
    found = []

    def application(environ, start_response):
        found.append(environ.get("dada.cors"))
        return plain(environ, start_response)

    app = Middleware(application, {"/api/*": POLICY})
    for origin in (SHOP, EVIL, None):
        Answer(app, "POST", origin, "/api/x")
    Answer(app, "POST", EVIL, "/")
    assert found == [*(POLICY.decide(Request("POST", origin)) for origin in (SHOP, EVIL, None)), None]


# --- who hears of it -------------------------------------------------------------------------------------


def hearing(app, **request):
    heard = []
    answer = Answer(Middleware(app, POLICY, on_decision=heard.append), **request)
    (decision,) = heard
    return answer, decision


def test_each_decision_is_heard_of_once():
    for by, origin in [("GET", SHOP), ("POST", EVIL), ("GET", None), ("OPTIONS", SHOP)]:
        _, decision = hearing(plain, by=by, origin=origin)
        assert decision == POLICY.decide(Request(by, origin))
    app = Middleware(never, POLICY, on_decision=(heard := []).append)
    Answer(app, "OPTIONS", method="PUT")
    assert [(decision.kind, decision.allowed) for decision in heard] == [("preflight", True)]


def test_the_application_s_own_headers_of_the_protocol_are_dropped_and_reported():
    own = [
        ("Access-Control-Allow-Origin", "*"),
        ("ACCESS-CONTROL-MAX-AGE", "9"),
        ("Access-Control-Allow-Private-Network", "true"),
    ]
    for origin, granted in ((SHOP, GRANTED), (EVIL, [])):
        answer, decision = hearing(saying(*own, TEXT), origin=origin)
        assert answer.sent == ("200 OK", [TEXT, *granted, VARY])
        conflict = decision.steps[-1]
        assert (conflict.name, conflict.verdict, conflict.clause) == ("conflict", "failed", "Fetch §3.3.4")
        assert conflict.found == f"the application set {', '.join(name for name, _ in own)} itself: dropped"
        assert decision.allowed == (origin == SHOP)


def test_a_second_start_is_not_heard_of_again():
    def application(environ, start_response):
        start_response("200 OK", [TEXT])
        raise ZeroDivisionError

    answer, decision = hearing(application)
    assert answer.sent[0] == "500 Internal Server Error"
    assert decision == POLICY.decide(Request("GET", SHOP))


# --- answers in parts, and what goes wrong ---------------------------------------------------------------


class Parts:
    """An iterable that counts how often it is closed."""

    def __init__(self, *parts):
        self.parts, self.closed = parts, 0

    def __iter__(self):
        for part in self.parts:
            yield part() if callable(part) else part

    def close(self):
        self.closed += 1


def fail():
    raise ZeroDivisionError("boom")


def returning(parts):
    def application(environ, start_response):
        start_response("200 OK", [TEXT])
        return parts

    return application


MARKED_500 = ("500 Internal Server Error", [*FAILED, *GRANTED, VARY])
SORRY = [b"Internal Server Error\n"]


def test_parts_are_passed_on_one_by_one_and_closed():
    parts = Parts(b"a", b"", b"b")
    answer = Answer(Middleware(returning(parts), POLICY))
    assert answer.sent == ("200 OK", [TEXT, *GRANTED, VARY])
    assert answer.written == [b"a", b"b"]
    assert parts.closed == 1


def test_no_part_is_asked_for_before_the_server_asks():
    asked = []
    parts = Parts(lambda: asked.append(1) or b"a", lambda: asked.append(2) or b"b")
    passed = iter(Middleware(returning(parts), POLICY)({"REQUEST_METHOD": "GET"}, lambda *_: None))
    assert asked == []
    assert (next(passed), asked) == (b"a", [1])
    assert (next(passed), asked) == (b"b", [1, 2])


def test_an_answer_that_nobody_asks_for_is_closed_all_the_same():
    parts = Parts(b"a")
    Middleware(returning(parts), POLICY)({"REQUEST_METHOD": "GET"}, lambda *_: None).close()
    assert parts.closed == 1


@pytest.mark.parametrize("whole", [[b"a", b"b"], (b"a",), []])
def test_lists_are_passed_on_as_they_are(whole):
    assert Middleware(returning(whole), POLICY)({"REQUEST_METHOD": "GET"}, lambda *_: None) is whole


def test_a_file_of_the_server_s_is_passed_on_as_it_is():
    wrapped = FileWrapper(io.BytesIO(b"file"))
    environ = {"REQUEST_METHOD": "GET", "wsgi.file_wrapper": FileWrapper}
    assert Middleware(returning(wrapped), POLICY)(environ, lambda *_: None) is wrapped


def test_an_answer_without_close_is_no_trouble():
    assert Answer(Middleware(returning(iter([b"a"])), POLICY)).written == [b"a"]


def test_a_generator_that_names_its_headers_late_is_marked():
    def application(environ, start_response):
        start_response("201 Created", [TEXT])
        yield b"a"
        yield b"b"

    answer = Answer(Middleware(application, POLICY))
    assert answer.sent == ("201 Created", [TEXT, *GRANTED, VARY])
    assert answer.written == [b"a", b"b"]


def test_an_answer_that_is_written_is_marked():
    def application(environ, start_response):
        start_response("200 OK", [TEXT])(b"a")
        return [b"b"]

    answer = Answer(Middleware(application, POLICY))
    assert answer.sent == ("200 OK", [TEXT, *GRANTED, VARY])
    assert answer.written == [b"a", b"b"]


def failing_at_once(environ, start_response):
    fail()


def failing_after_its_headers(environ, start_response):
    start_response("200 OK", [TEXT, ("Access-Control-Allow-Origin", "*")])
    fail()


def a_generator_failing_at_once(environ, start_response):
    fail()
    yield b"never"


def a_generator_failing_after_its_headers(environ, start_response):
    start_response("200 OK", [TEXT])
    yield b""
    fail()


FAILING = {
    "at once": failing_at_once,
    "after its headers": failing_after_its_headers,
    "a generator, at once": a_generator_failing_at_once,
    "a generator, after its headers": a_generator_failing_after_its_headers,
    "in the first part": returning(Parts(fail)),
    "behind empty parts": returning(Parts(b"", b"", fail)),
}


@pytest.mark.parametrize("application", FAILING.values(), ids=FAILING)
def test_what_fails_before_a_part_has_left_is_a_500_that_pages_can_read(application):
    answer = Answer(Middleware(application, POLICY))
    assert answer.sent == MARKED_500
    assert answer.written == SORRY
    assert answer.told.endswith("ZeroDivisionError: boom\n")
    assert "boom" not in repr(answer.sent) + repr(answer.written)


@pytest.mark.parametrize("application", FAILING.values(), ids=FAILING)
def test_a_500_for_a_denied_page_or_none_is_not_marked(application):
    for origin in (EVIL, None):
        answer = Answer(Middleware(application, POLICY), origin=origin)
        assert answer.sent == ("500 Internal Server Error", [*FAILED, VARY])


@pytest.mark.parametrize("application", FAILING.values(), ids=FAILING)
def test_a_500_to_head_has_no_body(application):
    answer = Answer(Middleware(application, POLICY), "HEAD")
    assert answer.sent == MARKED_500
    assert answer.written == []


def test_what_fails_after_a_part_has_left_is_the_server_s_to_end():
    parts = Parts(b"a", fail)
    answer = Answer(Middleware(returning(parts), POLICY))
    assert answer.sent == ("200 OK", [TEXT, *GRANTED, VARY])
    assert answer.written == [b"a"]
    assert isinstance(answer.error, ZeroDivisionError)
    assert parts.closed == 1


def test_what_fails_after_something_was_written_is_the_server_s_to_end():
    def application(environ, start_response):
        start_response("200 OK", [TEXT])(b"a")
        fail()

    with pytest.raises(ZeroDivisionError):
        Answer(Middleware(application, POLICY))


def test_a_failing_answer_is_closed():
    parts = Parts(fail)
    Answer(Middleware(returning(parts), POLICY))
    assert parts.closed == 1


def test_the_application_s_own_500_is_marked_and_its_exc_info_passed_on():
    def application(environ, start_response):
        start_response("200 OK", [TEXT])
        try:
            fail()
        except ZeroDivisionError:
            start_response("500 Oh", [TEXT, ("Access-Control-Allow-Origin", "*")], sys.exc_info())
        return [b"sorry"]

    answer = Answer(Middleware(application, POLICY))
    assert answer.started == [("200 OK", [TEXT, *GRANTED, VARY]), ("500 Oh", [TEXT, *GRANTED, VARY])]
    assert answer.written == [b"sorry"]


@pytest.mark.parametrize("leaving", [SystemExit, KeyboardInterrupt, GeneratorExit])
def test_what_is_no_failure_is_left_alone(leaving):
    def application(environ, start_response):
        raise leaving

    with pytest.raises(leaving):
        Answer(Middleware(application, POLICY))


APPLICATIONS = {"plain": plain, "in parts": returning(Parts(b"a", b"")), **FAILING}


@pytest.mark.parametrize("application", APPLICATIONS.values(), ids=APPLICATIONS)
@pytest.mark.parametrize("method", ["GET", "OPTIONS"])
def test_server_and_application_both_find_a_peer_that_keeps_to_pep_3333(application, method):
    environ = {"REQUEST_METHOD": method, "HTTP_ORIGIN": SHOP, "HTTP_ACCESS_CONTROL_REQUEST_METHOD": "PUT"}
    setup_testing_defaults(environ := environ | {"QUERY_STRING": ""})
    out, errors = io.BytesIO(), io.StringIO()
    SimpleHandler(io.BytesIO(), out, errors, environ).run(validator(Middleware(validator(application), POLICY)))
    assert out.getvalue().startswith(b"HTTP/1.0 204" if method == "OPTIONS" else (b"HTTP/1.0 200", b"HTTP/1.0 500"))
    assert b"\r\nAccess-Control-Allow-Origin: https://shop.example\r\n" in out.getvalue()
    assert "AssertionError" not in errors.getvalue()


# --- the probes of the scanners --------------------------------------------------------------------------

PROBES = {family.code: set(family.origins(SHOP)) - {SHOP} for family in STRANGERS} | {
    # What no HTTP client could send, or would write otherwise.
    "control characters": {f"{SHOP}{mark}.evil.example" for mark in " \t\n\r\0\x7f"},
    "every encoded character": {f"{SHOP}%{code:02x}.evil.example" for code in range(256)},
    "null in a list": {"NULL", "null,null", f"null, {SHOP}"},
    "blanks": {f" {SHOP}", f"{SHOP} ", f"{SHOP}: 443"},
    "other schemes": {"//shop.example", "ws://shop.example", "HTTP://shop.example"},
}
TRUSTING = {
    "one origin": ({"origins": [SHOP]}, set()),
    "one origin, with credentials": ({"origins": [SHOP], "credentials": True}, set()),
    "several origins": ({"origins": [SHOP, "https://admin.example"], "timing": True, "disclosure": "full"}, set()),
    "subdomains": (
        {"origins": ["https://*.shop.example"], "credentials": True},
        {"https://www.shop.example", "https://evil.shop.example", "https://a.b.shop.example"},
    ),
    "ports": ({"origins": ["https://shop.example:*"]}, {f"{SHOP}:3000", f"{SHOP}:8443", f"{SHOP}:65535"}),
}


def own(environ, start_response):
    """Answer as an application that speaks the protocol itself, and badly."""
    origin = environ.get("HTTP_ORIGIN", "*")
    start_response(
        "200 OK", [TEXT, ("Access-Control-Allow-Origin", origin), ("Access-Control-Allow-Credentials", "true")]
    )
    return [b"secret"]


@pytest.mark.parametrize("probe", PROBES)
@pytest.mark.parametrize("settings", TRUSTING)
def test_a_probe_of_the_scanners_gets_nothing(settings, probe):
    written, trusted = TRUSTING[settings]
    app = Middleware(own, Policy(methods=["PUT"], **written))
    for origin, asked in product(PROBES[probe] - trusted, [{}, {"method": "PUT", "headers": "x-a"}]):
        _, headers = Answer(app, "OPTIONS" if asked else "GET", origin, **asked).sent
        assert not {name for name, _ in headers if name.startswith(("Access-Control-", "Timing-"))}, origin
        assert "Origin" in dict(headers)["Vary"]


def test_the_probes_would_find_what_they_look_for():
    anybody = Middleware(plain, Policy(origins=["*"]))
    assert all(
        ("Access-Control-Allow-Origin", "*") in Answer(anybody, origin=origin).sent[1] for origin in PROBES["prefix"]
    )
    ports = Middleware(plain, Policy(origins=[f"{SHOP}:*"]))
    assert ("Access-Control-Allow-Origin", f"{SHOP}:8443") in Answer(ports, origin=f"{SHOP}:8443").sent[1]


VARIED = [Policy(**settings) for settings, _ in TRUSTING.values()] + [
    Policy(origins=["*"], timing=True, response_headers=["*"]),
    Policy(origins=["http://localhost:*", SHOP], methods=["*"], request_headers=["*"]),
]


@pytest.mark.parametrize("policy", VARIED)
@pytest.mark.parametrize(
    "application", [plain, own, saying(("Vary", "Accept")), saying(("Vary", "*")), failing_at_once]
)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "OPTIONS"])
def test_whatever_differs_between_origins_says_so_to_caches(policy, application, method):
    app = Middleware(application, {"/a/*": policy, "/a/none/*": None})
    for path, asked in product(
        ["/a/x", "/a/y/z"], [{}, {"method": "PUT"}, {"method": "POST", "headers": "x-a,authorization"}]
    ):
        answers = [
            Answer(app, method, page, path, **asked).sent[1] for page in (None, SHOP, EVIL, "null", "\xff,;", "")
        ]
        protocol = {tuple(h for h in headers if h[0].startswith(("Access-Control-", "Timing-"))) for headers in answers}
        if len(protocol) > 1:
            assert all(
                {"origin", "*"} & {name.strip().lower() for name in dict(headers)["Vary"].split(",")}
                for headers in answers
            )
