"""The admin paths: the token, the switches, the log."""

import pytest

PATHS = ["/admin/faults", "/admin/faults/known", "/admin/requests", "/admin/nothing"]


@pytest.fixture
def admin(service):
    """Return a function that calls as the admin."""

    def call(method, path, **more):
        headers = {"Authorization": f"Bearer {service.admin}"}
        return service.client().open(path, method=method, headers=headers, **more)

    return call


WITHOUT = {
    "nothing": {},
    "another token": {"Authorization": "Bearer nonsense"},
    "a longer token": {"Authorization": "Bearer the admin tokens"},
    "no token": {"Authorization": "Bearer "},
    "a token that is not ASCII": {"Authorization": "Bearer é"},
    "another scheme": {"Authorization": "Basic dGhlIGFkbWluIHRva2VuOg=="},
}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("headers", WITHOUT.values(), ids=WITHOUT)
def test_without_the_token_nothing_is_told_or_done(service, read, path, headers):
    service.weibo.faults.put([{"fault": "nul-name"}])
    for method in ("GET", "PUT", "DELETE"):
        response = service.client().open(path, method=method, headers=headers, json={"faults": []})
        assert response.status_code == 401
        assert response.headers["WWW-Authenticate"] == 'Bearer realm="sandbox"'
        assert read(response) == {"error": "the admin token is missing, or another"}
    assert len(service.weibo.faults.shown()) == 1


def test_switches_are_set_listed_and_cleared(service, admin, read):
    assert read(admin("GET", "/admin/faults")) == {"faults": []}
    response = admin("PUT", "/admin/faults", json={"faults": [{"fault": "nul-name", "times": 2}]})
    shown = {"faults": [{"endpoint": "users_show", "fault": "nul-name", "times": 2}]}
    assert (response.status_code, response.mimetype, read(response)) == (200, "application/json", shown)
    assert read(admin("GET", "/admin/faults")) == shown
    token = service.token()["access_token"]
    assert "\x00" in read(service.show(token, uid=9000000001))["screen_name"]
    assert admin("DELETE", "/admin/faults").status_code == 204
    assert read(admin("GET", "/admin/faults")) == {"faults": []}


BAD = {
    "no JSON": (b"{", "the body is not JSON", 0),
    "nothing": (b"", "the body is not JSON", 0),
    "a name twice": (b'{"faults":[],"faults":[]}', "the body is not JSON", 0),
    "no object": (b"[]", "nothing was changed", 1),
    "no faults": (b"{}", "nothing was changed", 1),
    "two that are none": (b'{"faults":[{"fault":"x"},{"fault":"reset"}]}', "nothing was changed", 2),
}


@pytest.mark.parametrize(("body", "error", "problems"), BAD.values(), ids=BAD)
def test_what_is_no_list_of_switches_is_refused(service, admin, read, body, error, problems):
    service.weibo.faults.put([{"fault": "nul-name"}])
    response = admin("PUT", "/admin/faults", data=body)
    answer = read(response)
    assert response.status_code == 400
    assert answer["error"].startswith(error)
    assert len(answer["problems"]) == problems
    assert len(service.weibo.faults.shown()) == 1


def test_a_list_beyond_reason_is_not_read(admin):
    assert admin("PUT", "/admin/faults", data=b" " * 70_000).status_code == 413


def test_what_can_be_switched_on_is_told(service, admin, read):
    known = read(admin("GET", "/admin/faults/known"))["known"]
    assert known.keys() == service.weibo.faults.kinds.keys()
    assert known["delay"]["parameters"] == {"seconds": {"type": "number", "default": 1, "allowed": []}}


def test_requests_are_listed_narrowed_and_forgotten(service, admin, read):
    service.token()
    calls = read(admin("GET", "/admin/requests"))["requests"]
    assert [call["endpoint"] for call in calls] == ["authorize", "authorize", "access_token"]
    narrowed = read(admin("GET", "/admin/requests?endpoint=access_token"))["requests"]
    assert narrowed == calls[2:]
    assert admin("DELETE", "/admin/requests").status_code == 204
    assert read(admin("GET", "/admin/requests")) == {"requests": []}


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("POST", "/admin/faults", "GET, PUT, DELETE"),
        ("PUT", "/admin/faults/known", "GET"),
        ("PUT", "/admin/requests", "GET, DELETE"),
    ],
)
def test_another_method_is_told_which_there_are(admin, method, path, allow):
    response = admin(method, path)
    assert (response.status_code, response.headers["Allow"]) == (405, allow)


def test_another_path_is_nothing(admin):
    assert admin("GET", "/admin/nothing").status_code == 404
