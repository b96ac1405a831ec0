"""/v1/users."""

import pytest

from tests.handlers.people import PASSWORD, join

NEW = {"username": "ada", "password": PASSWORD, "email": "ada@example.org"}


def test_registering_is_answered_with_pending_and_no_token(api, services):
    response = api("POST", "/v1/users", NEW | {"nickname": "A", "phone": "1", "language": "zh-CN"})
    assert (response.status, response.json) == (202, {"status": "activation_pending"})
    assert services.queue.counts().put == 1


def test_an_address_that_has_an_account_is_answered_byte_for_byte_alike(api, services):
    join(services, api)
    before = services.queue.counts().put
    known = api("POST", "/v1/users", NEW | {"username": "second"})
    unknown = api("POST", "/v1/users", NEW | {"username": "third", "email": "third@example.org"})
    assert (known.status, known.body) == (unknown.status, unknown.body)
    assert [line for line in known.headers if line[0] not in ("X-Request-Id", "Server-Timing")] == [
        line for line in unknown.headers if line[0] not in ("X-Request-Id", "Server-Timing")
    ]
    assert services.queue.counts().put == before + 2


def test_a_taken_name_is_said_to_be_taken(api):
    api("POST", "/v1/users", NEW)
    response = api("POST", "/v1/users", NEW | {"username": "ADA", "email": "other@example.org"})
    assert (response.status, response.json["code"]) == (409, "username-taken")


def errors(response):
    assert (response.status, response.json["code"]) == (422, "validation")
    return {error["pointer"]: error["code"] for error in response.json["errors"]}


def test_every_field_s_error_is_told_at_once_with_its_pointer(api):
    assert errors(api("POST", "/v1/users", {"username": "a", "password": "password1", "email": "x"})) == {
        "#/username": "username_invalid", "#/password": "common", "#/email": "email_invalid",
    }  # fmt: skip
    assert errors(api("POST", "/v1/users", {"is_admin": True, "username": 7})) == {
        "#/username": "type", "#/password": "missing", "#/email": "missing", "#/is_admin": "unknown",
    }  # fmt: skip


def test_people_read_it_in_their_language(api):
    response = api("POST", "/v1/users", {}, {"Accept-Language": "zh-CN"})
    assert (response.header("Content-Language"), response.json["title"]) == ("zh-CN", "有些字段不合要求")
    assert response.json["errors"][0]["detail"] == "缺少此项"


def test_one_reads_one_s_own_profile(api, services):
    ada = join(services, api)
    response = ada("GET", "/v1/users/ada")
    assert response.status == 200
    assert response.json == {
        "username": "ada",
        "nickname": "",
        "email": "ada@example.org",
        "email_verified": True,
        "phone": "",
        "about": "",
        "language": "en",
        "has_password": True,
        "created_at": "2027-01-15T08:00:00Z",
    }
    assert ada("GET", "/v1/users/ADA").status == 200
    assert ada("GET", "/v1/users/ada", If_None_Match=response.header("ETag")).status == 304


def test_just_the_members_that_are_named_are_told(api, services):
    ada = join(services, api)
    assert ada("GET", "/v1/users/ada?nickname=1").json == {"nickname": ""}
    assert ada("GET", "/v1/users/ada?nickname=1&email=1").json == {"nickname": "", "email": "ada@example.org"}
    assert len(ada("GET", "/v1/users/ada?nickname=0").json) == 9
    assert ada("GET", "/v1/users/ada?password_hash=1").status == ada("GET", "/v1/users/ada?phone=2").status == 422


def test_a_profile_is_changed_in_parts_by_whoever_saw_it(api, services):
    ada = join(services, api)
    etag = ada("GET", "/v1/users/ada").header("ETag")
    assert ada("PATCH", "/v1/users/ada", {"nickname": "A"}).status == 428
    changed = ada("PATCH", "/v1/users/ada", {"nickname": "A", "about": "达"}, If_Match=etag)
    assert (changed.status, changed.json["nickname"], changed.json["about"]) == (200, "A", "达")
    assert ada("PATCH", "/v1/users/ada", {"nickname": "B"}, If_Match=etag).status == 412
    assert ada("PATCH", "/v1/users/ada", {"phone": "1"}, If_Match=changed.header("ETag")).json["nickname"] == "A"


@pytest.mark.parametrize("member", ["username", "email", "password_hash", "state", "id", "token_epoch"])
def test_what_is_not_one_s_to_change_is_refused(api, services, member):
    ada = join(services, api)
    etag = ada("GET", "/v1/users/ada").header("ETag")
    assert errors(ada("PATCH", "/v1/users/ada", {member: "x"}, If_Match=etag)) == {f"#/{member}": "unknown"}


def test_what_the_shop_would_refuse_is_told_with_what_has_no_type(api):
    response = api("POST", "/v1/users", {"username": "x!", "password": "password1", "email": 7, "phone": "1" * 33})
    assert {error["pointer"]: error["code"] for error in response.json["errors"]} == {
        "#/username": "username_invalid", "#/password": "common", "#/email": "type", "#/phone": "too_long",
    }  # fmt: skip


def test_a_detail_is_in_the_reader_s_language(api):
    headers = {"Accept-Language": "zh-CN", "Content-Type": "application/json"}
    for raw, detail in (
        (b"{", "不是 JSON，位于第 1 个字符（RFC 8259 §2）"),
        (b'{"a":1,"a":2}', "有重复的名称"),
        (b"[" * 30 + b"]" * 30, "嵌套过深"),
    ):
        response = api("POST", "/v1/users", headers=headers, raw=raw)
        assert (response.status, response.json["detail"]) == (400, detail)
    response = api("POST", "/v1/users", headers=headers, raw=b'{"username":7}')
    assert {error["detail"] for error in response.json["errors"]} == {"类型应为文字", "缺少此项"}
