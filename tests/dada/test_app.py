"""WSGI in, WSGI out: statuses, headers, problems, conditions."""

import io
import json
import logging
import sys
from typing import Annotated

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta, Struct, to_builtins

from dada.answers import HEADERS
from dada.app import MAX_BODY, Answer, App, Request
from dada.cors import Middleware, Policy
from dada.errors import Malformed, Misuse, Rejected
from dada.problems import FieldError, HTTPProblem, Invalid, ProblemType, types
from dada.router import Route
from dada.testing import Client


class Body(Struct, forbid_unknown_fields=True, kw_only=True):
    name: str


class Query(Struct, forbid_unknown_fields=True, kw_only=True):
    q: str | None = None
    how: str = ""
    n: Annotated[int, Meta(ge=1, le=100)] = 20


class Down(Exception):
    pass


def show(request: Request) -> Answer:
    return Answer(200, {"id": request.id, "who": request.identity, **request.params})


def create(request: Request) -> Answer:
    body = request.json(Body)
    return Answer(201, {"name": body.name}, (("Location", "/things/7"),), etag='"1"')


def versioned(request: Request) -> Answer:
    if request.method in ("PUT", "DELETE"):
        request.must_mean('"3"')
        return Answer(204)
    return Answer(200, {"n": 3}, etag='"3"')


def cached(_: Request) -> Answer:
    return Answer(200, {}, (("Cache-Control", "max-age=60"), ("Link", "</>")), etag='"3"')


def fail(request: Request) -> Answer:
    how = request.query(Query).how
    raise {
        "malformed": Malformed("foreign", 3, "RFC 4648 §3.3"),
        "rejected": Rejected("out-of-stock", "shop", "two left"),
        "unknown": Rejected("no such reason", "shop"),
        "invalid": Invalid([FieldError("#/a", "missing")]),
        "down": Down("the password is marlin"),
        "bug": RuntimeError("the password is marlin"),
        "http": HTTPProblem("conflict", "why", headers=[("X-Particular", "1")], members={"more": 2}),
        "busy": HTTPProblem("quota-exceeded", headers=[("Retry-After", "42")]),
        "anonymous": HTTPProblem("unauthorized"),
        "own challenge": HTTPProblem("invalid-token", headers=[("WWW-Authenticate", 'Bearer error="invalid_token"')]),
    }[how]


def private(request: Request) -> None:
    if request.header("Authorization") != "Bearer good":
        raise HTTPProblem("unauthorized")
    request.identity = "ada"


class Echo:
    """A resource that is made with what all are given."""

    def __init__(self, given):
        self.given = given

    def get(self, request: Request) -> Answer:
        return Answer(200, {"given": self.given, "language": request.language, **to_builtins(request.query(Query))})

    def post(self, request: Request) -> Answer:
        return Answer(200, {"size": len(request.body())})


ROUTES = [
    Route("/things", {"GET": show, "POST": create}, "anyone", "things"),
    Route("/things/<int:id>", {"GET": show}, "private", "thing"),
    Route("/versioned", {"GET": versioned, "PUT": versioned, "DELETE": versioned}, "anyone", "versioned"),
    Route("/fail", {"GET": fail, "POST": fail}, "anyone", "fail"),
    Route("/echo", Echo, "anyone"),
    Route("/empty", {"GET": lambda _: Answer(204)}, "anyone", "empty"),
    Route("/cached", {"GET": cached, "PURGE": lambda _: Answer(204)}, "anyone", "cached"),
]


def make(**others):
    settings = {
        "given": "services",
        "guards": {"private": private},
        "problems": types(ProblemType("out-of-stock", 409, "None is left", "已售完")),
        "outages": (Down,),
    }
    return App(ROUTES, **(settings | others))


client = Client(make())


# --- answers ---------------------------------------------------------------------------------------------


def test_an_answer_is_json_with_its_length_and_the_headers_that_all_answers_carry():
    response = client("GET", "/things")
    assert response.status == 200
    assert dict(response.headers) == {
        **dict(HEADERS),
        "X-Request-Id": response.json["id"],
        "Content-Type": "application/json",
        "Content-Length": str(len(response.body)),
    }
    assert len(response.headers) == len(dict(response.headers))


def test_what_every_answer_carries_may_be_chosen():
    app = Client(make(headers=(*HEADERS, ("Strict-Transport-Security", "max-age=1"))))
    for path, status in (("/empty", 204), ("/nowhere", 404), ("/cached", 200)):
        response = app("GET", path)
        assert (response.status, response.header("Strict-Transport-Security")) == (status, "max-age=1")


def test_a_header_of_the_answer_replaces_the_common_one():
    assert client("GET", "/cached").header("Cache-Control") == "max-age=60"


def test_what_was_made_says_where_it_is():
    response = client("POST", "/things", {"name": "bag"})
    assert (response.status, response.header("Location"), response.header("ETag")) == (201, "/things/7", '"1"')


def test_no_content_has_neither_type_nor_length():
    response = client("GET", "/empty")
    assert (response.status, response.body) == (204, b"")
    assert response.header("Content-Type") is response.header("Content-Length") is None


def test_head_is_get_without_the_body():
    get, head = client("GET", "/versioned"), client("HEAD", "/versioned")
    assert (head.status, head.body, head.header("Content-Length")) == (200, b"", get.header("Content-Length"))


def test_a_class_is_made_with_what_all_are_given():
    assert client("GET", "/echo").json["given"] == "services"


def test_each_request_has_an_id_of_its_own():
    ids = [client("GET", "/things").header("X-Request-Id") for _ in range(3)]
    assert len(set(ids)) == 3
    assert make() is not make()
    assert Client(make())("GET", "/things").header("X-Request-Id") not in ids


def test_a_request_may_begin_at_every_step_of_another():
    """As it does where threads take turns: each call and return of the first is interrupted by a whole other one."""
    policy = Policy(origins=["https://shop.example"], request_headers=["If-Match"])
    shared = Client(Middleware(make(), policy), {"Origin": "https://shop.example"})
    among = []

    def interrupt(*_):
        sys.setprofile(None)
        among.append(shared("GET", "/empty"))
        sys.setprofile(interrupt)

    shared("GET", "/empty")
    sys.setprofile(interrupt)
    try:
        answer = shared("GET", "/things")
    finally:
        sys.setprofile(None)
    assert answer.status == 200
    assert {other.status for other in among} == {204}
    assert len({other.header("X-Request-Id") for other in [answer, *among]}) == 1 + len(among) > 50


# --- methods and paths -----------------------------------------------------------------------------------


def test_options_says_what_a_resource_answers():
    response = client("OPTIONS", "/things")
    assert (response.status, response.header("Allow"), response.body) == (204, "GET, HEAD, OPTIONS, POST", b"")


def test_a_method_of_the_table_is_known():
    assert client("PURGE", "/cached").status == 204
    assert client("PURGE", "/things").status == 405


def test_another_method_is_405_with_allow():
    response = client("DELETE", "/things")
    assert (response.status, response.header("Allow"), response.json["code"]) == (
        405, "GET, HEAD, OPTIONS, POST", "method-not-allowed",
    )  # fmt: skip


@pytest.mark.parametrize("method", ["CONNECT", "BREW", "get", "PROPFIND"])
def test_a_method_that_the_server_does_not_know_is_501(method):
    assert client(method, "/things").status == 501
    assert client(method, "/nowhere").status == 501
    assert client(method, "/things").header("Allow") is None  # that is for methods of this resource, which are others


def test_another_path_is_404():
    assert client("GET", "/nowhere").json["code"] == "not-found"


@pytest.mark.parametrize("path", ["/things/", "//things", "/things/%37%00", "/things/x", "/./things"])
def test_a_path_is_not_repaired(path):
    assert client("GET", path, headers={"Authorization": "Bearer good"}).status == 404


def test_the_path_is_decoded_once_from_the_request_line():
    assert client("GET", "/thin%67s").status == 200
    app, seen = make(), []
    for environ in (
        {"RAW_URI": "http://127.0.0.1:8000/echo?q=1", "QUERY_STRING": "q=1"},
        {"PATH_INFO": "/echo", "QUERY_STRING": "q=1"},
        {"REQUEST_URI": "/echo?q=1", "QUERY_STRING": "q=1"},
    ):
        environ |= {"REQUEST_METHOD": "GET", "wsgi.url_scheme": "http"}
        seen += [json.loads(part)["q"] for part in app(environ, lambda *_: None)]
    assert seen == ["1", "1", "1"]


def test_the_asterisk_asks_for_what_is_answered_at_all():
    for target in ("*", "http://api.shop.example"):
        response = client("OPTIONS", target)
        assert (response.status, response.header("Allow")) == (204, "DELETE, GET, HEAD, OPTIONS, POST, PURGE, PUT")
    assert client("GET", "*").status == 404


TARGETS = {
    "the host that the target names": ("http://api.shop.example/things", "other.example", 200),
    "whatever Host says": ("http://other.example/things", "api.shop.example", 421),
    "in any case": ("HTTP://API.shop.example/things", "api.shop.example", 200),
    "over TLS": ("https://api.shop.example/things", "api.shop.example", 200),
    "no path": ("http://api.shop.example", "api.shop.example", 404),
    "no path, and a query with one": ("http://api.shop.example?/things", "api.shop.example", 404),
    "another scheme": ("ftp://api.shop.example/things", "api.shop.example", 404),
    "a user": ("http://u:p@api.shop.example/things", "api.shop.example", 400),
    "no host": ("http:///things", "api.shop.example", 400),
    "a Host that is none all the same": ("http://api.shop.example/things", "a b", 400),
    "a Host that is missing all the same": ("http://api.shop.example/things", "", 400),
}


@pytest.mark.parametrize(("target", "host", "status"), TARGETS.values(), ids=TARGETS)
def test_a_whole_url_in_the_request_line_says_which_host_is_meant(target, host, status):
    assert (
        Client(make(hosts=["api.shop.example", "API.shop.example"]))("GET", target, headers={"Host": host}).status
        == status
    )


def test_a_parameter_of_the_query_stands_there_once():
    assert client("GET", "/echo?q=a%20b").json["q"] == "a b"
    assert client("GET", "/echo?q=").json["q"] == ""
    assert client("GET", "/echo").json["q"] is None
    assert client("GET", "/echo?q=1&q=2").json["code"] == "bad-request"


QUERIES = {
    "a number": ("n=100", 200, None),
    "no number": ("n=x", 422, ("#/n", "type")),
    "a number in other digits": ("n=１", 422, ("#/n", "type")),
    "too small": ("n=0", 422, ("#/n", "too_small")),
    "too large": ("n=101", 422, ("#/n", "too_large")),
    "empty": ("n=", 422, ("#/n", "type")),
    "unknown": ("m=1", 422, ("#/m", "unknown")),
    "no UTF-8": ("q=%ff", 400, None),
    "too many": ("&".join(f"a{n}=1" for n in range(101)), 400, None),
}


@pytest.mark.parametrize(("query", "status", "error"), QUERIES.values(), ids=QUERIES)
def test_the_query_is_read_as_a_type_like_a_body(query, status, error):
    response = client("GET", f"/echo?{query}")
    assert response.status == status
    if error:
        assert [(wrong["pointer"], wrong["code"]) for wrong in response.json["errors"]] == [error]


# --- who may call ----------------------------------------------------------------------------------------


def test_a_guard_lets_through_and_says_who_calls():
    response = client("GET", "/things/7", headers={"Authorization": "Bearer good"})
    assert (response.status, response.json["who"], response.json["id"]) == (200, "ada", 7)


def test_without_credentials_it_is_401_with_a_challenge_before_anything_else():
    response = client("GET", "/things/7")
    assert (response.status, response.header("WWW-Authenticate")) == (401, 'Bearer realm="dada"')


def test_a_word_without_a_guard_is_misuse():
    with pytest.raises(Misuse, match="no guard stands for this word"):
        make(guards={})


# --- bodies ----------------------------------------------------------------------------------------------

TYPES = {
    "JSON": ("application/json", 201),
    "JSON with a charset": ("application/json; charset=UTF-8", 201),
    "in another case": ("Application/JSON", 201),
    "JSON by suffix": ("application/merge-patch+json", 201),
    "text": ("text/plain", 415),
    "a form": ("application/x-www-form-urlencoded", 415),
    "JSON that is mentioned only": ("text/plain; charset=application/json", 415),
    "two types, as Chromium joins them": ("text/plain;charset=x, application/json", 415),
    "another charset": ("application/json; charset=utf-16", 415),
    "something like it": ("application/jsonp", 415),
    "a suffix of another kind": ("text/x+json", 415),
    "nothing": ("", 415),
}


@pytest.mark.parametrize(("kind", "status"), TYPES.values(), ids=TYPES)
def test_a_body_says_that_it_is_json(kind, status):
    response = client("POST", "/things", {"name": "bag"}, {"Content-Type": kind})
    assert response.status == status
    assert (response.header("Accept-Post") == "application/json") == (status == 415)


ENCODINGS = {"none": ("identity", 201), "gzip": ("gzip", 415), "two": ("identity, gzip", 415), "nothing": ("", 415)}


@pytest.mark.parametrize(("encoding", "status"), ENCODINGS.values(), ids=ENCODINGS)
def test_a_body_is_not_compressed(encoding, status):
    response = client("POST", "/things", {"name": "bag"}, {"Content-Encoding": encoding})
    assert (response.status, response.header("Accept-Encoding")) == (status, "identity" if status == 415 else None)


def post(environ, data=b""):
    seen = []
    environ = {
        "REQUEST_METHOD": "POST", "RAW_URI": "/echo", "wsgi.url_scheme": "http", "wsgi.input": io.BytesIO(data),
        **environ,
    }  # fmt: skip
    body = b"".join(make()(environ, lambda status, _: seen.append(int(status[:3]))))
    return seen[0], json.loads(body)


def test_a_body_without_a_length_is_411():
    assert post({})[0] == 411
    assert post({"CONTENT_LENGTH": ""})[0] == 411
    assert post({"HTTP_TRANSFER_ENCODING": "chunked"})[0] == 411  # a server that does not say where it ends


def test_a_chunked_body_is_read_to_its_end():
    environ = {"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True}
    assert post(environ, b"x" * MAX_BODY) == (200, {"size": MAX_BODY})
    assert post(environ, b"x" * (MAX_BODY + 1))[0] == 413


def test_a_chunked_body_that_is_packed_besides_is_501():
    for coding, status in {"Chunked": 200, "gzip, chunked": 501, "gzip": 501}.items():
        assert post({"HTTP_TRANSFER_ENCODING": coding, "wsgi.input_terminated": True}, b"x")[0] == status


def test_a_body_that_is_too_long_is_413_and_not_read():
    assert post({"CONTENT_LENGTH": str(MAX_BODY)}, b"x" * MAX_BODY) == (200, {"size": MAX_BODY})
    assert post({"CONTENT_LENGTH": str(MAX_BODY + 1), "wsgi.input": None})[0] == 413
    assert post({"CONTENT_LENGTH": "9" * 5000, "wsgi.input": None})[0] == 413


@pytest.mark.parametrize("length", ["x", "-1", "1.5", "١", "0x10", " 7"])
def test_a_length_that_is_no_number_is_400(length):
    assert post({"CONTENT_LENGTH": length}, b"1234567")[0] == 400


def test_zeros_before_a_length_are_not_all_of_it():
    assert client("POST", "/things", {"name": "bag"}, {"Content-Length": "0" * 30 + "15"}).status == 201


def test_a_body_that_ends_early_is_400():
    assert post({"CONTENT_LENGTH": "10"}, b"short")[0] == 400


# --- conditions (RFC 9110 §13) ---------------------------------------------------------------------------

IF_NONE_MATCH = {
    "the same": ('"3"', 304),
    "one of several": ('"1", "3"', 304),
    "a weak one": ('W/"3"', 304),
    "any": ("*", 304),
    "another": ('"4"', 200),
    "unquoted": ("3", 304),
    "nothing": ("", 200),
}


@pytest.mark.parametrize(("written", "status"), IF_NONE_MATCH.values(), ids=IF_NONE_MATCH)
def test_who_has_the_version_is_answered_304(written, status):
    response = client("GET", "/versioned", headers={"If-None-Match": written})
    assert (response.status, response.header("ETag")) == (status, '"3"')
    assert (response.body == b"") == (status == 304)


def test_a_304_says_what_caches_are_told_with_200_and_no_more():
    full = client("GET", "/cached")
    short = client("GET", "/cached", headers={"If-None-Match": '"3"'})
    assert short.status == 304
    for name in ("Cache-Control", "Vary", "ETag"):
        assert short.header(name) == full.header(name)
    assert (full.header("Link"), short.header("Link")) == ("</>", None)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_get_that_means_another_version_is_412(method):
    for written, status in {'"3"': 200, "*": 200, '"4"': 412, 'W/"3"': 412}.items():
        assert client(method, "/versioned", headers={"If-Match": written}).status == status
    both = {"If-Match": '"4"', "If-None-Match": '"3"'}
    assert client(method, "/versioned", headers=both).status == 412


NEITHER = {"any": ("*", 412), "the present one": ('"3"', 412), "it weakly": ('W/"3"', 412), "another": ('"4"', 204)}


@pytest.mark.parametrize(("written", "status"), NEITHER.values(), ids=NEITHER)
def test_a_change_that_must_not_meet_a_version_does_not(written, status):
    for method in ("PUT", "DELETE"):
        response = client(method, "/versioned", headers={"If-Match": "*", "If-None-Match": written})
        assert response.status == status


IF_MATCH = {
    "the same": ('"3"', 204),
    "one of several": ('"1", "3"', 204),
    "any": ("*", 204),
    "a weak one compares as none": ('W/"3"', 412),
    "another": ('"4"', 412),
    "nothing": ("", 412),
    "absent": (None, 428),
}


@pytest.mark.parametrize(("written", "status"), IF_MATCH.values(), ids=IF_MATCH)
def test_a_change_says_which_version_it_means(written, status):
    response = client("PUT", "/versioned", headers={} if written is None else {"If-Match": written})
    assert response.status == status
    assert (response.header("ETag") == '"3"') == (status == 412)
    if status == 412:
        assert response.json["detail"] == 'If-Match does not name the present version, "3"'


# --- problems --------------------------------------------------------------------------------------------

PROBLEMS = {
    "malformed": (400, "bad-request"),
    "rejected": (409, "out-of-stock"),
    "unknown": (500, "internal"),
    "invalid": (422, "validation"),
    "down": (503, "unavailable"),
    "bug": (500, "internal"),
    "http": (409, "conflict"),
    "busy": (429, "quota-exceeded"),
    "anonymous": (401, "unauthorized"),
}


@pytest.mark.parametrize(("how", "expected"), PROBLEMS.items(), ids=PROBLEMS)
def test_whatever_is_raised_becomes_a_problem_document(how, expected):
    response = client("GET", f"/fail?how={how}")
    status, code = expected
    assert (response.status, response.json["status"], response.json["code"]) == (status, status, code)
    assert response.header("Content-Type") == "application/problem+json"
    assert response.json["instance"] == f"urn:uuid:{response.header('X-Request-Id')}"
    assert b"marlin" not in response.body
    assert (response.header("WWW-Authenticate") is not None) == (status == 401)
    assert (response.header("Retry-After") is not None) == (status in (429, 503))


def test_a_problem_s_own_headers_and_members_are_kept():
    response = client("GET", "/fail?how=http")
    assert (response.header("X-Particular"), response.json["more"], response.json["detail"]) == ("1", 2, "why")
    assert client("GET", "/fail?how=busy").header("Retry-After") == "42"
    assert client("GET", "/fail?how=own%20challenge").header("WWW-Authenticate") == 'Bearer error="invalid_token"'


def test_a_bug_is_logged_with_the_request_s_id(caplog):
    with caplog.at_level(logging.ERROR):
        response = client("GET", "/fail?how=bug")
    assert [record.request for record in caplog.records] == [response.header("X-Request-Id")]
    assert caplog.records[0].exc_info


LANGUAGES = {
    "nothing": (None, "en"),
    "Chinese": ("zh-CN", "zh-CN"),
    "Chinese, any": ("zh", "zh-CN"),
    "Chinese first": ("zh-CN,zh;q=0.9,en;q=0.8", "zh-CN"),
    "English first": ("en-GB,en;q=0.9,zh;q=0.8", "en"),
    "neither": ("fr", "en"),
    "anything": ("*", "en"),
    "nonsense": (";;q=x,,", "en"),
    "very long": ("zh," * 10_000, "zh-CN"),
    "a Chinese that is not ours, before English": ("zh-HK,en;q=0.5", "zh-CN"),
    "an English that is not ours, before Chinese": ("en-GB,zh;q=0.5", "en"),
    "both alike: what stands first": ("zh,en", "zh-CN"),
    "both alike, the other way round": ("en,zh", "en"),
    "anything but English": ("en;q=0,*", "zh-CN"),
    "no Chinese": ("zh;q=0", "en"),
    "neither of ours": ("zh;q=0,en;q=0", "en"),
    "Chinese rather than anything": ("*;q=0.1,zh;q=0.2", "zh-CN"),
    "a quality that is none": ("zh;q=abc,en;q=0.5", "en"),
}


@pytest.mark.parametrize(("written", "language"), LANGUAGES.values(), ids=LANGUAGES)
def test_people_are_told_in_their_language(written, language):
    response = client("GET", "/nowhere", headers={} if written is None else {"Accept-Language": written})
    assert response.header("Content-Language") == language
    assert ("没有" in response.json["title"]) == (language == "zh-CN")


# --- the edge of the edge --------------------------------------------------------------------------------


def test_another_host_is_421():
    app = Client(make(hosts=["api.shop.example"]))
    assert app("GET", "/things").status == 421
    assert app("GET", "/things", headers={"Host": "api.shop.example"}).status == 200


def test_a_probe_is_answered_whatever_the_service_is_called_but_not_without_a_host():
    app = Client(make(hosts=["api.shop.example"], probes=["/things"]))
    assert app("GET", "/things").status == 200
    assert app("GET", "/things?x=1", headers={"Host": "10.0.0.1:8000"}).status == 200
    assert app("GET", "/things", headers={"Host": "a b"}).status == 400
    assert app("GET", "/things/7").status == 421


HOSTS = {
    "a name": ("api.shop.example", 200),
    "with a port": ("127.0.0.1:8000", 200),
    "an address of IPv6": ("[::1]:8000", 200),
    "a blank": ("a b", 400),
    "a path": ("a/b", 400),
    "two": ("a.example,b.example:80:80", 400),
    "a user": ("user@a.example", 400),
    "nothing": ("", 400),
}


@pytest.mark.parametrize(("host", "status"), HOSTS.values(), ids=HOSTS)
def test_a_host_that_names_none_is_400(host, status):
    assert client("GET", "/things", headers={"Host": host}).status == status


def test_a_host_may_be_missing_before_http_1_1_only():
    statuses = []
    for version in ("HTTP/1.0", "HTTP/1.1"):
        environ = {
            "REQUEST_METHOD": "GET", "RAW_URI": "/empty", "wsgi.url_scheme": "http", "SERVER_PROTOCOL": version,
        }  # fmt: skip
        make()(environ, lambda status, _: statuses.append(int(status[:3])))
    assert statuses == [204, 400]


def test_a_body_that_the_server_cannot_read_is_400():
    class Broken:
        def read(self, size):
            raise OSError("a chunk makes no sense")

    assert post({"CONTENT_LENGTH": "7", "wsgi.input": Broken()})[0] == 400


class TestForeignOrigins:
    app = Client(Middleware(make(), Policy(origins=["http://127.0.0.1:7000"])))

    @pytest.mark.parametrize(
        ("method", "origin", "status"),
        [
            ("POST", "http://127.0.0.1:7000", 201),
            ("POST", None, 201),
            ("POST", "http://127.0.0.1:8000", 201),  # the API's own
            ("POST", "https://evil.example", 403),
            ("POST", "null", 403),
            ("GET", "https://evil.example", 200),
        ],
    )
    def test_a_page_that_is_not_let_in_changes_nothing(self, method, origin, status):
        response = self.app(method, "/things", {"name": "bag"}, {} if origin is None else {"Origin": origin})
        assert response.status == status


def test_whoever_listens_hears_of_every_answer():
    heard = []
    app = Client(make(on_answer=lambda request, status: heard.append((request.method, status))))
    app("GET", "/things")
    app("GET", "/nowhere")
    assert heard == [("GET", 200), ("GET", 404)]


@given(
    st.sampled_from(["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "X"]),
    st.text(st.characters(max_codepoint=255)),
    st.dictionaries(
        st.sampled_from([
            "HTTP_AUTHORIZATION", "HTTP_IF_MATCH", "HTTP_IF_NONE_MATCH", "HTTP_ACCEPT_LANGUAGE", "HTTP_ORIGIN",
            "CONTENT_TYPE", "CONTENT_LENGTH", "QUERY_STRING", "HTTP_TRANSFER_ENCODING", "HTTP_HOST",
        ]),
        st.text(st.characters(max_codepoint=255)) | st.sampled_from(["application/json", "7", '"3"', "how=bug"]),
    ),
    st.binary(),
)  # fmt: skip
def test_any_request_has_an_answer_and_only_bugs_are_500(method, path, headers, data):
    environ = {
        "REQUEST_METHOD": method, "PATH_INFO": path, "RAW_URI": "/" + path, "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(data), **headers,
    }  # fmt: skip
    started = []
    body = b"".join(make()(environ, lambda status, lines: started.append((int(status[:3]), lines))))
    ((status, lines),) = started
    assert status < 500 or status == 501 or "fail" in path
    assert all("\n" not in value and "\r" not in value for _, value in lines)
    assert body == b"" or json.loads(body) is not None


@pytest.mark.parametrize("environ", [{}, {"PATH_INFO": ""}, {"PATH_INFO": "", "SCRIPT_NAME": "/mounted"}])
def test_an_empty_path_is_the_root(environ):
    """PEP 3333 lets PATH_INFO be empty, or missing, where the URL means the root of the application."""
    app, said = App([Route("/", show, "anyone")]), []
    app(
        {"REQUEST_METHOD": "GET", "wsgi.url_scheme": "http", "HTTP_HOST": "x", **environ},
        lambda *told: said.append(told),
    )
    assert said[0][0] == "200 OK"
