"""HTTP's semantics, held by every operation: bodies, queries, methods, origins, languages (RFC 9110)."""

import pytest

from dada.app import MAX_BODY
from dada.headers import ACCEPTS
from handlers.documents import operations
from tests.conftest import PAGE
from tests.handlers.people import join

EVERY = operations()
WITH_BODY = [one for one in EVERY if one.operation.takes is not None]
WITH_QUERY = [one for one in EVERY if one.operation.query is not None]
CHANGES = [one for one in EVERY if one.method != "GET"]


def name(one):
    return f"{one.method} {one.path}"


def concrete(one):
    path = one.path.replace("<username>", "ada").replace("<int:id>", "1").replace("<provider>", "weibo")
    return path.replace("<token>", "x").replace("<code>", "not-found")


@pytest.fixture
def ada(services, api):
    return join(services, api)


@pytest.fixture
def send(ada, api):
    """Send bytes as Ada."""

    def call(one, raw, **headers):
        named = {key.replace("_", "-"): value for key, value in headers.items()}
        return api(
            one.method,
            concrete(one),
            headers={"Authorization": f"Bearer {ada.access}", "If-Match": "*", **named},
            raw=raw,
        )

    return call


@pytest.mark.parametrize("one", WITH_BODY, ids=name)
def test_a_body_is_json_of_a_length_and_of_a_known_shape(one, send):
    other = send(one, b"{}", Content_Type="text/plain")
    assert (other.status, other.json["code"]) == (415, "unsupported-media-type")
    assert other.header(ACCEPTS.get(one.method, "Accept")) == "application/json"
    packed = send(one, b"{}", Content_Encoding="gzip")
    assert (packed.status, packed.header("Accept-Encoding")) == (415, "identity")
    for raw in (b"", b"{", b"\xff", b'{"a":1,"a":2}'):
        assert (send(one, raw).status, send(one, raw).json["code"]) == (400, "malformed-json"), raw
    assert send(one, b" " * (MAX_BODY + 1)).status == 413
    assert send(one, None, Content_Type="application/json").status == 411
    shape = send(one, b'{"is_admin":true}')
    assert shape.status == 422
    assert {"pointer": "#/is_admin", "code": "unknown", "detail": "is not known here"} in shape.json["errors"]
    assert send(one, b"[]").json["errors"][0]["pointer"] == "#"


@pytest.mark.parametrize("one", WITH_QUERY, ids=name)
def test_a_parameter_of_the_query_stands_there_once_and_is_text(one, ada):
    member = one.operation.query.__struct_fields__[0]
    for query in (f"{member}=1&{member}=1", f"{member}=%ff"):
        response = ada(one.method, f"{concrete(one)}?{query}")
        assert (response.status, response.json["code"]) == (400, "bad-request")
    if one.operation.query.__struct_config__.forbid_unknown_fields:
        assert ada(one.method, f"{concrete(one)}?no-such=1").json["errors"][0]["pointer"] == "#/no-such"


@pytest.mark.parametrize("one", [one for one in EVERY if one.method == "GET"], ids=name)
def test_head_is_get_without_the_body(one, ada):
    get, head = ada("GET", concrete(one)), ada("HEAD", concrete(one))
    ignored = {"X-Request-Id", "Server-Timing", "RateLimit", "Content-Length"}  # what tells the moment, and ids
    assert (head.status, head.body) == (get.status, b"")
    assert [line for line in head.headers if line[0] not in ignored] == [
        line for line in get.headers if line[0] not in ignored
    ]
    assert head.header("Content-Length") is not None


@pytest.mark.parametrize("one", [one for one in EVERY if one.operation.etag and one.method == "GET"], ids=name)
def test_a_get_holds_to_its_conditions_and_caches_hear_the_same_of_304(one, ada):
    ada("POST", "/v1/users/ada/addresses", {"receiver": "Ada", "phone": "123", "detail": "1 Main Street"})
    full = ada("GET", concrete(one))
    short = ada("GET", concrete(one), **{"If-None-Match": full.header("ETag")})
    assert (full.status, short.status) == (200, 304)
    for header in ("Cache-Control", "ETag", "Vary"):
        assert short.header(header) == full.header(header)
    other = ada("GET", concrete(one), **{"If-Match": '"another"'})
    assert (other.status, other.json["code"], other.header("ETag")) == (412, "precondition-failed", full.header("ETag"))


@pytest.mark.parametrize("one", EVERY, ids=name)
def test_other_methods_hear_which_there_are(one, api):
    allowed = {other.method for other in EVERY if other.path == one.path}
    allowed |= {"OPTIONS"} | ({"HEAD"} if "GET" in allowed else set())
    assert set(api("OPTIONS", concrete(one)).header("Allow").split(", ")) == allowed
    for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "TRACE"} - allowed:
        response = api(method, concrete(one), {})
        assert (response.status, set(response.header("Allow").split(", "))) == (405, allowed)


@pytest.mark.parametrize("one", CHANGES, ids=name)
def test_a_page_that_is_not_let_in_changes_nothing(one, ada):
    for origin in ("https://evil.example", "null", f"{PAGE}.evil.example"):
        response = ada(one.method, concrete(one), {}, Origin=origin)
        assert (response.status, response.json["code"]) == (403, "origin-not-allowed")


@pytest.mark.parametrize("one", EVERY, ids=name)
def test_a_problem_is_told_in_chinese_too(one, api):
    response = api(one.method, concrete(one), [] if one.operation.takes else None, {"Accept-Language": "zh-CN"})
    if response.status >= 400 and one.path != "/readyz":
        assert response.header("Content-Language") == "zh-CN"
        assert not response.json["title"].isascii()
        assert not response.json.get("detail", "…").isascii()
