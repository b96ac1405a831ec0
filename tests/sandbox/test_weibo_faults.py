"""Each fault switch of the look-alike, done to a call that would have been good."""

import json

import pytest

from sandbox.weibo_errors import ROWS
from sandbox.weibo_faults import KINDS, Reset

TEN_MB = 10 * 1024 * 1024
JSON_CALLS = ("access_token", "get_token_info", "users_show", "revokeoauth2", "email")


class Run:
    """A service, a code and a token; `to(endpoint)` makes the good call of that endpoint."""

    def __init__(self, service):
        self.service = service
        self.token = service.token(scope="email")["access_token"]
        self.code = service.code(scope="email")
        service.weibo.requests.clear()

    def to(self, endpoint):
        client, query = self.service.client(), {"access_token": self.token}
        match endpoint:
            case "authorize":
                return self.service.visit(client)
            case "access_token":
                return self.service.exchange(self.code)
            case "get_token_info":
                return self.service.info(self.token)
            case "users_show":
                return self.service.show(self.token, uid=9000000001)
            case "revokeoauth2":
                return client.get("/oauth2/revokeoauth2", query_string=query)
            case "email":
                return client.get("/2/account/profile/email.json", query_string=query)

    def spoiled(self, endpoint, fault, **parameters):
        self.service.weibo.faults.put([{"endpoint": endpoint, "fault": fault, **parameters}])
        return self.to(endpoint)


@pytest.fixture
def run(service):
    return Run(service)


@pytest.mark.parametrize("endpoint", JSON_CALLS)
def test_without_a_fault_the_call_is_good(run, endpoint):
    assert run.to(endpoint).status_code == 200


# --- instead of the answer ---


# What a row's text quotes of the call that it refuses, where it quotes anything.
QUOTED = {
    **{(endpoint, "10016"): lambda _: "uid" for endpoint in JSON_CALLS},
    **{(endpoint, "10024"): lambda run: run.service.weibo.requests.shown()[-1]["path"] for endpoint in JSON_CALLS},
    **{(endpoint, "21317-info"): lambda run: run.token[-9:] for endpoint in JSON_CALLS[1:]},
    ("access_token", "21324-client"): lambda run: run.service.app_key,
    ("access_token", "21325"): lambda run: run.code,
    ("users_show", "10017"): lambda _: "9000000001",
}


@pytest.mark.parametrize("endpoint", JSON_CALLS)
@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_every_row_at_every_endpoint(run, read, endpoint, row):
    response = run.spoiled(endpoint, "error", row=row.name)
    path = run.service.weibo.requests.shown()[-1]["path"]
    assert response.status_code == row.status
    assert response.headers["Content-Type"] == (
        "text/plain;charset=UTF-8" if endpoint == "access_token" else "application/json"
    )
    answer = read(response)
    assert (answer["error_code"], answer["request"], list(answer)) == (row.code, path, list(row.order))
    assert answer == row.members(path, QUOTED.get((endpoint, row.name), lambda _: "")(run))


def test_a_row_can_come_with_another_status_and_a_code_that_is_a_text(run, read):
    response = run.spoiled("users_show", "error", row="20502", status=200, code_as_text=True)
    assert response.status_code == 200
    assert read(response) == {"error": "Need you follow uid.", "error_code": "20502", "request": "/2/users/show.json"}


def test_a_refusal_on_purpose_does_not_spend_the_code(run):
    assert run.spoiled("access_token", "error", row="21331", times=1).status_code == 503
    assert run.to("access_token").status_code == 200


LOST = {
    "error": {"row": "10001"},
    "answer": {"body": "?"},
    "html": {},
    "redirect": {},
    "reset": {},
}


@pytest.mark.parametrize(("fault", "parameters"), LOST.items(), ids=LOST)
def test_the_work_can_be_done_and_its_answer_lost(run, fault, parameters):
    try:
        run.spoiled("access_token", fault, after=True, times=1, **parameters)
    except Reset:
        pass
    assert run.to("access_token").status_code == 400  # the code was spent


def test_a_row_at_authorize_is_a_page_where_weibo_shows_one(run):
    for name in ("21322", "21323", "21324"):
        response = run.spoiled("authorize", "error", row=name)
        assert (response.status_code, response.mimetype) == (400, "text/html")
        assert f"error_code:{ROWS[name].code}" in response.get_data(as_text=True)


def test_a_row_at_authorize_is_a_way_back_otherwise(run, came_back):
    back = came_back(run.spoiled("authorize", "error", row="21331"))
    assert back == {
        "state": "xyz",
        "error_uri": "/oauth2/authorize",
        "error": "temporarily_unavailable",
        "error_description": "服务暂时无法访问",
        "error_code": "21331",
    }


def test_whatever_is_given_can_be_answered(run):
    response = run.spoiled("users_show", "answer", status=418, body="[1,", content_type="application/xml")
    assert (response.status_code, response.get_data(), response.headers["Content-Type"]) == (
        418,
        b"[1,",
        "application/xml",
    )


@pytest.mark.parametrize("status", [502, 200, 504])
def test_a_gateway_answers_in_html(run, status):
    response = run.spoiled("access_token", "html", status=status)
    assert (response.status_code, response.mimetype) == (status, "text/html")
    assert b"<h1>502 Bad Gateway</h1>" in response.get_data()


@pytest.mark.parametrize("endpoint", ["authorize", *JSON_CALLS])
def test_a_reset_ends_the_call_without_an_answer_and_is_logged(run, endpoint):
    with pytest.raises(Reset):
        run.spoiled(endpoint, "reset")
    (call,) = run.service.weibo.requests.shown()
    assert (call["status"], call["faults"]) == (None, ["reset"])


def test_a_redirect_goes_elsewhere_on_this_machine_unless_told_otherwise(run):
    response = run.spoiled("get_token_info", "redirect")
    assert (response.status_code, response.headers["Location"]) == (302, "http://localhost/elsewhere")
    response = run.spoiled("get_token_info", "redirect", location="http://127.0.0.1:1/x", status=307)
    assert (response.status_code, response.headers["Location"]) == (307, "http://127.0.0.1:1/x")


def test_the_log_shows_who_followed_a_redirect(run):
    assert run.service.client().get("/elsewhere").status_code == 404
    assert [call["endpoint"] for call in run.service.weibo.requests.shown()] == ["elsewhere"]


@pytest.mark.parametrize("endpoint", ["authorize", *JSON_CALLS])
def test_a_delay_lets_the_caller_wait_and_then_answers(run, endpoint):
    assert run.spoiled(endpoint, "delay", seconds=7.5).status_code == 200
    assert run.service.waits == [7.5]


# --- to the answer's value ---


def changed(run, read, endpoint, fault, **parameters):
    """Return the members that differ from the good answer, and what they became; "gone" for none."""
    good = read(run.to(endpoint)) if endpoint != "access_token" else dict(run.service.token(scope="email"))
    bad = read(run.spoiled(endpoint, fault, **parameters))
    same = lambda a, b: type(a) is type(b) and a == b  # noqa: E731 - 1 == True, 1 == 1.0
    return {name: bad.get(name, "gone") for name in good if not same(good[name], bad.get(name, "gone"))}


UID_TYPES = {
    "access_token": {
        "swapped": {"uid": 9000000001}, "null": {"uid": None}, "list": {"uid": ["9000000001"]},
        "float": {"uid": 9000000001.0}, "true": {"uid": True}, "word": {"uid": "me"},
    },
    "get_token_info": {
        "swapped": {"uid": "9000000001"}, "null": {"uid": None}, "list": {"uid": [9000000001]},
        "float": {"uid": 9000000001.0}, "true": {"uid": True}, "word": {"uid": "me"},
    },
    "users_show": {
        "swapped": {"id": "9000000001", "idstr": 9000000001}, "null": {"id": None, "idstr": None},
        "list": {"id": [9000000001], "idstr": ["9000000001"]}, "float": {"id": 9000000001.0, "idstr": 9000000001.0},
        "true": {"id": True, "idstr": True}, "word": {"id": "me", "idstr": "me"},
    },
}  # fmt: skip


@pytest.mark.parametrize(
    ("endpoint", "to", "members"),
    [(endpoint, to, members) for endpoint, types in UID_TYPES.items() for to, members in types.items()],
)
def test_the_uid_is_of_another_type(run, read, endpoint, to, members):
    assert repr(changed(run, read, endpoint, "uid-type", to=to)) == repr(members)


CHANGES = {
    "the token answer names another user": ("access_token", "uid-mismatch", {}, {"uid": "1234567890"}),
    "the token info does": ("get_token_info", "uid-mismatch", {"uid": "7"}, {"uid": 7}),
    "the profile does": ("users_show", "uid-mismatch", {"uid": "7"}, {"id": 7, "idstr": "7"}),
    "a uid that is no number": ("users_show", "uid-mismatch", {"uid": "x"}, {"id": "x", "idstr": "x"}),
    "another application's token": ("get_token_info", "foreign-appkey", {}, {"appkey": "1111111111"}),
    "a chosen application's": ("get_token_info", "foreign-appkey", {"appkey": "2"}, {"appkey": "2"}),
    "it expired just now": ("get_token_info", "expire-in", {}, {"expire_in": 0}),
    "it expired long ago": ("get_token_info", "expire-in", {"value": -60}, {"expire_in": -60}),
    "a token that is born dead": (
        "access_token", "expire-in", {"value": 0}, {"expires_in": 0, "remind_in": "0"},
    ),
    "no isRealName": ("access_token", "missing-member", {}, {"isRealName": "gone"}),
    "no uid": ("access_token", "missing-member", {"member": "uid"}, {"uid": "gone"}),
    "no idstr": ("users_show", "missing-member", {"member": "idstr"}, {"idstr": "gone"}),
    "no member that was never there": ("users_show", "missing-member", {"member": "x"}, {}),
    "half of a surrogate pair": (
        "users_show", "surrogate-name", {}, {"screen_name": "林小满\ud83d", "name": "林小满\ud83d"},
    ),
    "the character NUL": ("users_show", "nul-name", {}, {"screen_name": "林小满\x00", "name": "林小满\x00"}),
}  # fmt: skip


@pytest.mark.parametrize(("endpoint", "fault", "parameters", "members"), CHANGES.values(), ids=CHANGES)
def test_a_member_is_changed_and_nothing_else(run, read, endpoint, fault, parameters, members):
    assert changed(run, read, endpoint, fault, **parameters) == members


def test_half_of_a_pair_is_spelled_as_an_escape(run):
    assert rb'"screen_name":"\u6797\u5c0f\u6ee1\ud83d"' in run.spoiled("users_show", "surrogate-name").get_data()
    assert rb"\u0000" in run.spoiled("users_show", "nul-name").get_data()


def test_several_faults_are_done_to_one_answer(run, read):
    run.service.weibo.faults.put(
        [
            {"endpoint": "get_token_info", "fault": "uid-mismatch", "uid": "7"},
            {"endpoint": "get_token_info", "fault": "expire-in"},
            {"endpoint": "get_token_info", "fault": "delay", "seconds": 1},
        ]
    )
    answer = read(run.to("get_token_info"))
    assert (answer["uid"], answer["expire_in"], run.service.waits) == (7, 0, [1])


def test_an_answer_that_is_a_refusal_already_is_left_alone(run, read):
    run.service.weibo.faults.put([{"endpoint": "users_show", "fault": "uid-type"}])
    assert read(run.service.show("2.00unknown"))["error_code"] == 21332


# --- to the answer's text ---


@pytest.mark.parametrize("endpoint", JSON_CALLS)
def test_the_json_stops_in_its_middle(run, endpoint):
    response = run.spoiled(endpoint, "truncated")
    assert response.status_code == 200
    with pytest.raises(json.JSONDecodeError):
        json.loads(response.get_data().decode("utf-8", "replace"))


@pytest.mark.parametrize("endpoint", JSON_CALLS)
def test_the_connection_ends_in_the_middle_of_the_body(run, endpoint):
    response = run.spoiled(endpoint, "cut-off")
    assert 2 * len(response.get_data()) <= int(response.headers["Content-Length"])


@pytest.mark.parametrize("endpoint", JSON_CALLS)
def test_the_json_is_good_and_ten_megabytes_long(run, read, endpoint):
    response = run.spoiled(endpoint, "large")
    assert len(response.get_data()) == TEN_MB
    assert read(response)


def test_the_size_can_be_chosen_and_is_never_less_than_the_answer(run, read):
    assert len(run.spoiled("users_show", "large", size=70_000).get_data()) == 70_000
    assert len(run.spoiled("users_show", "large", size=1).get_data()) > 1000


DOUBLED = {
    "uid of the token": ("access_token", None, "uid"),
    "uid of the token info": ("get_token_info", None, "uid"),
    "id of the profile": ("users_show", None, "id"),
    "another member": ("get_token_info", "appkey", "appkey"),
}


@pytest.mark.parametrize(("endpoint", "member", "name"), DOUBLED.values(), ids=DOUBLED)
def test_a_name_stands_twice_with_two_values(run, endpoint, member, name):
    body = run.spoiled(endpoint, "duplicate-keys", member=member).get_data()
    values = [value for key, value in json.loads(body, object_pairs_hook=list) if key == name]
    assert len(values) == 2
    assert values[0] != values[1] == "1234567890"


# --- the table ---


@pytest.mark.parametrize(
    ("fault", "endpoint"), [(name, endpoint) for name, kind in KINDS.items() for endpoint in kind.endpoints]
)
def test_every_switch_can_be_set_without_parameters_wherever_it_is_said_to_be(service, fault, endpoint):
    assert service.weibo.faults.put([{"fault": fault, "endpoint": endpoint}])[0]["endpoint"] == endpoint


def test_every_switch_says_what_it_does():
    assert all(kind.says for kind in KINDS.values())
