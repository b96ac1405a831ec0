"""The endpoints: each success and each refusal, to the byte where the byte was recorded."""

import base64
import re

import pytest

from sandbox.weibo import PATHS
from sandbox.weibo_store import Application

TOKEN_TYPE = "text/plain;charset=UTF-8"


def refused(response, status, text, content_type="application/json"):
    assert (response.status_code, response.get_data(as_text=True)) == (status, text)
    assert response.headers["Content-Type"] == content_type


# --- access_token ---


@pytest.mark.parametrize("path", ["/oauth2/access_token", "/2/oauth2/access_token"])
def test_a_code_becomes_a_token(service, path):
    response = service.exchange(service.code(), path=path)
    assert response.status_code == 200
    assert response.headers["Content-Type"] == TOKEN_TYPE
    assert response.headers["Pragma"] == "No-cache"
    assert response.headers["Cache-Control"] == "no-cache"
    assert re.fullmatch(
        r'\{"access_token":"2\.00[A-Za-z0-9]{28}","remind_in":"157679999","expires_in":157679999,'
        r'"uid":"9000000001","isRealName":"true"\}',
        response.get_data(as_text=True),
    )


def test_a_scope_that_was_asked_for_is_told(service):
    assert service.token(scope="follow_app_official_microblog")["scope"] == "follow_app_official_microblog"
    assert "scope" not in service.token()


def test_an_account_without_a_real_name_says_so_in_a_text(service):
    assert service.token(9000000004)["isRealName"] == "false"


def test_the_same_user_gets_the_same_token_with_less_time(service):
    first = service.token()
    service.clock.now += 1000
    second = service.token()
    assert second["access_token"] == first["access_token"]
    assert (second["expires_in"], second["remind_in"]) == (157678999, "157678999")


def credentials(how, service, code):
    fields = {"client_id": service.app_key, "client_secret": service.secret}
    rest = {"grant_type": "authorization_code", "code": code, "redirect_uri": service.callback}
    basic = base64.b64encode(f"{service.app_key}:{service.secret}".encode()).decode()
    return {
        "form": {"data": fields | rest},
        "query": {"query_string": fields | rest},
        "query and form": {"query_string": fields, "data": rest},
        "Basic": {"headers": {"Authorization": f"Basic {basic}"}, "data": rest},
        "a multipart form": {"data": fields | rest, "content_type": "multipart/form-data"},
    }[how]


@pytest.mark.parametrize("how", ["form", "query", "query and form", "Basic", "a multipart form"])
def test_parameters_are_taken_from(service, how):
    request = credentials(how, service, service.code())
    assert service.client().post("/oauth2/access_token", **request).status_code == 200


MISSING_CLIENT = (
    '{"error":"invalid_request","error_code":21323,"request":"/oauth2/access_token",'
    '"error_uri":"/oauth2/access_token","error_description":"miss client id or secret"}'
)
BODY = (
    '{{"error":"{}","error_code":{},"request":"/oauth2/access_token","error_uri":"/oauth2/access_token",'
    '"error_description":"{}"}}'
)
MISMATCH = (
    '{"request":"/oauth2/access_token","error_code":21322,"error":"redirect_uri_mismatch",'
    '"error_uri":"/oauth2/access_token"}'
)
REFUSALS = {
    "no client_id": ({"client_id": None}, 400, MISSING_CLIENT),
    "no client_secret": ({"client_secret": None}, 400, MISSING_CLIENT),
    "an empty client_secret": ({"client_secret": ""}, 400, MISSING_CLIENT),
    "an unknown AppKey": (
        {"client_id": "1"}, 401, BODY.format("invalid_client", 21324, "unknow client id:1"),
    ),
    "a wrong secret": ({"client_secret": "x"}, 401, BODY.format("invalid_client", 21324, "client_secret error.")),
    "a secret that is not ASCII": (
        {"client_secret": "密"}, 401, BODY.format("invalid_client", 21324, "client_secret error."),
    ),
    "another grant type": (
        {"grant_type": "urn:x"}, 400, BODY.format("unsupported_grant_type", 21328, "不支持的 GrantType"),
    ),
    "no grant type": (
        {"grant_type": None}, 400, BODY.format("unsupported_grant_type", 21328, "不支持的 GrantType"),
    ),
    "a password grant": (
        {"grant_type": "password"}, 400,
        BODY.format("unauthorized_client", 21326, "Client id unauthorized to use this grant type"),
    ),
    "no redirect_uri": (
        {"redirect_uri": None}, 400, BODY.format("invalid_request", 21323, "miss redirect uri."),
    ),
    "another redirect_uri": (
        {"redirect_uri": "http://127.0.0.1:7000/weibo.html/"}, 400, MISMATCH,
    ),
    "an invented code": (
        {"code": "c6a9d9ba4a4b3bdfd4e3393a92f5f039"}, 400,
        BODY.format("invalid_grant", 21325, "invalid authorization code:c6a9d9ba4a4b3bdfd4e3393a92f5f039"),
    ),
    "no code": ({"code": None}, 400, BODY.format("invalid_grant", 21325, "invalid authorization code:")),
}  # fmt: skip


@pytest.mark.parametrize(("more", "status", "text"), REFUSALS.values(), ids=REFUSALS)
def test_a_token_request_is_refused(service, more, status, text):
    code = service.code()
    refused(service.exchange(**{"code": code, **more}), status, text, TOKEN_TYPE)
    assert service.exchange(code).status_code == 200  # and the code is not spent


def test_a_json_body_is_not_seen(service):
    body = {"client_id": service.app_key, "client_secret": service.secret, "code": service.code()}
    refused(service.client().post("/oauth2/access_token", json=body), 400, MISSING_CLIENT, TOKEN_TYPE)


def test_a_get_is_answered_as_if_it_had_no_parameters(service):
    query = credentials("query", service, service.code())
    refused(service.client().get("/oauth2/access_token", **query), 400, MISSING_CLIENT, TOKEN_TYPE)


def test_an_error_echoes_the_path_that_was_called(service, read):
    answer = read(service.exchange("x", path="/2/oauth2/access_token"))
    assert (answer["request"], answer["error_uri"]) == ("/2/oauth2/access_token", "/2/oauth2/access_token")


def test_a_code_is_refused_after_its_minute(service, read):
    code = service.code()
    service.clock.now += 60
    assert read(service.exchange(code))["error_description"] == f"invalid authorization code:{code}"


def test_a_code_used_twice_is_refused_and_takes_its_token_along(service, read):
    code = service.code()
    token = read(service.exchange(code))["access_token"]
    assert read(service.exchange(code))["error_code"] == 21325
    assert read(service.show(token, uid=9000000001))["error_code"] == 21332


def test_or_leaves_its_token_alone_since_nobody_knows_what_weibo_does(service, read):
    service.weibo.faults.put([{"fault": "replay-keeps-tokens"}])
    code = service.code()
    token = read(service.exchange(code))["access_token"]
    assert read(service.exchange(code))["error_code"] == 21325
    assert service.show(token, uid=9000000001).status_code == 200


def test_a_code_of_one_application_is_nothing_to_another(make_service, read):
    other = Application("2222222222", "other", "http://127.0.0.1:7000/weibo.html", "other")
    service = make_service([other])
    code = service.code()
    assert read(service.exchange(code, client_id="2222222222", client_secret="other"))["error_code"] == 21325
    assert service.exchange(code).status_code == 200


# --- get_token_info ---


@pytest.mark.parametrize("path", ["/oauth2/get_token_info", "/2/oauth2/get_token_info"])
@pytest.mark.parametrize("where", ["data", "query_string"])
def test_a_token_tells_whose_it_is(service, path, where):
    token = service.token()["access_token"]
    service.clock.now += 55.5
    response = service.client().post(path, **{where: {"access_token": token}})
    assert (response.status_code, response.headers["Content-Type"]) == (200, "application/json")
    assert response.get_data(as_text=True) == (
        '{"uid":9000000001,"appkey":"2000000001","scope":null,"create_at":1764000000,"expire_in":157679944}'
    )


def test_a_token_tells_its_scope_and_that_it_expired(service, read):
    token = service.token(scope="email")["access_token"]
    service.clock.now += 157_680_009
    info = read(service.info(token))
    assert (info["scope"], info["expire_in"]) == ("email", -10)


@pytest.mark.parametrize(("token", "echo"), [("2.00abc195395370", "195395370"), ("short", "short"), ("", "")])
def test_an_unknown_token_is_rejected_and_partly_echoed(service, token, echo):
    text = '{"request":"/oauth2/get_token_info","error_code":21317,"error":"Oauth Error: token_rejected:: token =%s"}'
    refused(service.info(token), 401, text % echo)


# --- users/show ---


def test_a_profile_is_shown_by_number_and_by_name(service, read):
    token = service.token()["access_token"]
    by_number = service.show(token, uid="9000000001")
    assert by_number.headers["Content-Type"] == "application/json"
    assert "林小满".encode() in by_number.get_data()  # raw UTF-8, no escapes
    body = read(by_number)
    assert (body["id"], body["idstr"], body["avatar_hd"]) == (
        9000000001, "9000000001", "http://localhost/avatar/9000000001.svg",
    )  # fmt: skip
    assert body["status"]["text"]
    assert read(service.show(token, screen_name="林小满")) == body


def test_whoever_did_not_authorise_the_application_has_no_words(service, read):
    token = service.token()["access_token"]
    body = read(service.show(token, uid=9000000002))
    assert body["description"] == ""
    assert "status" not in body
    service.consent(9000000002)
    assert read(service.show(token, uid=9000000002))["status"]


def test_a_number_beyond_doubles_is_told_twice(service, read):
    token = service.token(9007199254740993)
    assert token["uid"] == "9007199254740993"
    response = service.show(token["access_token"], uid=token["uid"])
    assert b'"id":9007199254740993,"idstr":"9007199254740993"' in response.get_data()


def test_a_token_may_come_in_the_header(service):
    token = service.token()["access_token"]
    for scheme in ("OAuth2", "oauth2"):
        headers = {"Authorization": f"{scheme} {token}"}
        assert service.client().get("/2/users/show.json?uid=9000000001", headers=headers).status_code == 200


API = '{{"error":"{}","error_code":{},"request":"/2/users/show.json"}}'
SHOW = {
    "no token": ({"access_token": None}, 403, API.format("source paramter(appkey) is missing", 10006)),
    "an empty token": ({"access_token": ""}, 401, API.format("empty accessToken", 21301)),
    "an unknown token": ({"access_token": "2.00x"}, 401, API.format("invalid_access_token", 21332)),
    "nobody": ({"uid": None}, 400, API.format("miss required parameter (uid), see doc for more info.", 10016)),
    "an empty uid": ({"uid": ""}, 400, API.format("miss required parameter (uid), see doc for more info.", 10016)),
    "both": ({"screen_name": "林小满"}, 400, API.format("param error, see doc for more info.", 10008)),
    "a uid that is a word": (
        {"uid": "me"}, 400,
        API.format("parameter (uid)'s value invalid,expect (long), but get (me), see doc for more info.", 10017),
    ),
    "a uid beyond 64 bits": (
        {"uid": str(2**63)}, 400,
        API.format(
            "parameter (uid)'s value invalid,expect (long), but get (9223372036854775808), see doc for more info.",
            10017,
        ),
    ),
    "a uid of nobody": ({"uid": "1"}, 400, API.format("User does not exists!", 20003)),
    "a name of nobody": ({"uid": None, "screen_name": "x"}, 400, API.format("User does not exists!", 20003)),
}  # fmt: skip


@pytest.mark.parametrize(("more", "status", "text"), SHOW.values(), ids=SHOW)
def test_a_profile_is_refused(service, more, status, text):
    asked = {"access_token": service.token()["access_token"], "uid": "9000000001", **more}
    query = {name: value for name, value in asked.items() if value is not None}
    refused(service.client().get("/2/users/show.json", query_string=query), status, text)


def test_another_scheme_of_the_header_is_no_token(service, read):
    response = service.client().get("/2/users/show.json?uid=1", headers={"Authorization": "Bearer 2.00x"})
    assert read(response)["error_code"] == 10006


def test_an_expired_token_is_refused(service):
    token = service.token()["access_token"]
    service.clock.now += 157_679_999
    refused(service.show(token, uid=1), 401, API.format("expired_token", 21327))


def test_an_unaudited_application_serves_its_testers_only(make_service, read):
    tested = Application("2222222222", "t", "http://127.0.0.1:7000/t.html", "t", testers=frozenset({9000000001}))
    service = make_service([tested])
    for uid, status in ((9000000001, 200), (9000000002, 403)):
        code = service.weibo.store.new_code(tested.app_key, tested.redirect_uri, uid)
        token = service.weibo.store.redeem(code, tested.app_key, tested.redirect_uri)
        response = service.show(token.text, uid=uid)
        assert response.status_code == status
    refused(response, 403, API.format("applications over the unaudited use restrictions!", 21321))


# --- revokeoauth2, email ---


@pytest.mark.parametrize("path", ["/oauth2/revokeoauth2", "/2/oauth2/revokeoauth2"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_token_is_revoked_and_consent_is_asked_again(service, read, path, method):
    token = service.token()["access_token"]
    query = {"access_token": token}
    response = service.client().open(path, method=method, query_string=query)
    assert (response.status_code, response.get_data()) == (200, b'{"result":"true"}')
    assert read(service.show(token, uid=1))["error_code"] == 21332
    assert read(service.client().open(path, method=method, query_string=query)) == {
        "error": "invalid_access_token", "error_code": 21332, "request": path,
    }  # fmt: skip
    service.act("login", uid=9000000001)
    assert service.visit().status_code == 200  # the consent page


def test_an_address_is_shown_with_the_advanced_scope_only(make_service, read):
    plain = Application("2222222222", "t", "http://127.0.0.1:7000/t.html", "t")
    service = make_service([plain])
    store = service.weibo.store
    code = store.new_code(plain.app_key, plain.redirect_uri, 9000000001, "email")
    unapproved = store.redeem(code, plain.app_key, plain.redirect_uri).text

    def email(token):
        return service.client().get("/2/account/profile/email.json", query_string={"access_token": token})

    assert read(email(service.token(scope="email")["access_token"])) == [{"email": "xiaoman@weibo.example"}]
    assert read(email(service.token(scope="all,x")["access_token"])) == [{"email": "xiaoman@weibo.example"}]
    text = '{"error":"access_denied","error_code":21330,"request":"/2/account/profile/email.json"}'
    for token in (service.token()["access_token"], unapproved):
        refused(email(token), 403, text)


# --- methods, paths, the log ---

METHODS = [
    (path, method)
    for path, (endpoint, methods) in PATHS.items()
    for method in ("GET", "POST", "PUT", "DELETE", "HEAD")
    if method not in methods and endpoint != "access_token"
]


@pytest.mark.parametrize(("path", "method"), METHODS)
def test_another_method_is_refused(service, read, path, method):
    response = service.client().open(path, method=method)
    assert response.status_code == 405
    if method != "HEAD":
        assert read(response) == {
            "error": "HTTP method is not suported for this request", "error_code": 10021, "request": path,
        }  # fmt: skip


@pytest.mark.parametrize("path", ["/", "/oauth2", "/oauth2/authorize/", "/2/users/show", "/avatar/1.svg", "/avatar/x"])
def test_there_is_nothing_elsewhere(service, path):
    assert service.client().get(path).status_code == 404


def test_everyone_has_a_picture(service):
    response = service.client().get("/avatar/9000000001.svg")
    assert (response.status_code, response.mimetype) == (200, "image/svg+xml")
    assert "林" in response.get_data(as_text=True)


def test_a_body_beyond_reason_is_not_read(service):
    response = service.client().post("/oauth2/access_token", data=b"x" * 70_000, content_type="text/plain")
    assert (response.status_code, response.mimetype) == (413, "text/plain")


def test_the_log_tells_what_was_sent_and_how_it_was_answered(service):
    code = service.code()
    service.weibo.requests.clear()
    service.exchange(code)
    service.exchange(code)
    calls = service.weibo.requests.shown("access_token")
    assert [call["status"] for call in calls] == [200, 400]
    assert calls[0]["form"]["client_secret"] == [service.secret]
    assert calls[0]["form"]["code"] == [code]
    assert calls[0]["query"] == ""
    assert f"code={code}" in calls[0]["body"]
    assert calls[0]["at"] == service.clock.now
