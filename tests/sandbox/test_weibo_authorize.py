"""Log-in, consent, and every way back."""

import re
from urllib.parse import parse_qsl, urlsplit

import pytest

from sandbox.weibo_store import Application
from sandbox.weibo_users import USERS, User

PATHS = ["/oauth2/authorize", "/2/oauth2/authorize"]


def query(response):
    """Return the raw query of the way back."""
    assert response.status_code == 302
    return urlsplit(response.headers["Location"]).query


def test_two_steps_and_the_way_back(service, words, came_back):
    page = service.visit()
    assert (page.status_code, page.mimetype) == (200, "text/html")
    assert "第 1 步" in words(page)
    after = service.act("login", uid=9000000001)
    assert after.status_code == 303
    page = service.browser.get(after.headers["Location"])
    assert "第 2 步" in words(page)
    assert "林小满" in words(page)
    back = came_back(service.act("allow"))
    assert re.fullmatch("[0-9a-f]{32}", back["code"])
    assert list(back) == ["state", "code"]  # the order was recorded


@pytest.mark.parametrize("path", PATHS)
def test_both_paths_answer_and_stay_where_they_are(service, path):
    page = service.browser.get(path, query_string=service.asked())
    assert f'action="{path}?client_id=' in page.get_data(as_text=True)
    after = service.browser.post(path, query_string=service.asked(), data={"action": "login", "uid": 9000000001})
    assert after.headers["Location"].startswith(path)


def test_the_parameters_may_be_posted(service, words):
    page = service.browser.post("/oauth2/authorize", data=service.asked())
    assert page.status_code == 200
    assert "第 1 步" in words(page)


def test_the_log_in_page_has_everyone_on_a_button(service):
    text = service.visit().get_data(as_text=True)
    assert re.findall(r'name="uid" value="(\d+)"', text) == [str(user.uid) for user in USERS]


def test_the_cookie_is_of_the_log_in_only_and_out_of_reach_of_scripts(service):
    assert "Set-Cookie" not in service.visit().headers
    cookie = service.act("login", uid=9000000001).headers["Set-Cookie"]
    assert re.fullmatch("SUB=[0-9a-f]{32}; HttpOnly; Path=/; SameSite=Lax", cookie)


def test_whoever_has_granted_is_sent_back_silently(service, came_back):
    service.act("login", uid=9000000001)
    first = came_back(service.act("allow"))
    second = came_back(service.visit(state="other"))
    assert second["state"] == "other"
    assert second["code"] != first["code"]


def test_a_grant_is_not_asked_for_again_after_the_next_log_in(service, came_back):
    service.consent()
    after = service.act("login", uid=9000000001)
    assert "code" in came_back(service.browser.get(after.headers["Location"]))


def test_a_forced_log_in_shows_the_first_step_even_to_whoever_has_granted(service, words, came_back):
    service.act("login", uid=9000000001)
    service.act("allow")
    assert "第 1 步" in words(service.visit(forcelogin="true"))
    after = service.act("login", asked={"forcelogin": "true"}, uid=9000000001)
    assert "forcelogin" not in after.headers["Location"]
    assert "code" in came_back(service.browser.get(after.headers["Location"]))


def test_another_account_begins_again(service, words):
    service.act("login", uid=9000000001)
    after = service.act("another")
    assert after.status_code == 303
    assert "第 1 步" in words(service.browser.get(after.headers["Location"]))


def test_a_new_log_in_ends_the_old_session(service, words):
    service.act("login", uid=9000000001)
    old = service.browser.get_cookie("SUB").value
    service.act("login", uid=9000000002)
    service.browser.set_cookie("SUB", old)
    assert "第 1 步" in words(service.visit())


DENIED = (
    "error_uri=%2Foauth2%2Fauthorize&error=access_denied"
    "&error_description=user%20denied%20your%20request.&error_code=21330"
)


@pytest.mark.parametrize("logged_in", [False, True], ids=["at the first step", "at the second step"])
def test_cancel_goes_back_with_the_recorded_words(service, logged_in):
    if logged_in:
        service.act("login", uid=9000000001)
    assert query(service.act("cancel")) == f"state=xyz&{DENIED}"
    assert query(service.act("cancel", asked={"state": None})) == DENIED


def test_a_state_comes_back_unchanged_whatever_it_is(service, came_back):
    state = "a b&c=d#/+%41 汉字\n\"<>'"
    assert service.consent(state=state)["state"] == state
    assert came_back(service.act("cancel", asked={"state": state}))["state"] == state
    assert service.consent(state="")["state"] == ""


def test_without_state_there_is_none(service):
    assert list(service.consent(state=None)) == ["code"]


def test_a_callback_with_a_query_keeps_it(make_service):
    other = Application("2222222222", "s", "http://127.0.0.1:7000/auth?authclient=weibo", "other")
    service = make_service([other])
    denied = service.act("cancel", asked={"client_id": other.app_key, "redirect_uri": other.redirect_uri})
    assert denied.headers["Location"] == f"{other.redirect_uri}&state=xyz&{DENIED}"


# --- what is refused on a page, and never by a redirect ---

PAGES = {
    "no client_id": ({"client_id": None}, "invalid_request", 21323),
    "an unknown client_id": ({"client_id": "1"}, "invalid_client", 21324),
    "no redirect_uri": ({"redirect_uri": None}, "invalid_request", 21323),
    "another redirect_uri": ({"redirect_uri": "https://evil.example/"}, "redirect_uri_mismatch", 21322),
    "a longer redirect_uri": (
        {"redirect_uri": "http://127.0.0.1:7000/weibo.html?x=1"}, "redirect_uri_mismatch", 21322,
    ),
    "a redirect_uri in other letters": (
        {"redirect_uri": "http://127.0.0.1:7000/Weibo.html"}, "redirect_uri_mismatch", 21322,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("more", "error", "code"), PAGES.values(), ids=PAGES)
@pytest.mark.parametrize("button", [None, "login", "allow", "cancel", "another"])
def test_a_request_that_cannot_be_trusted_gets_a_page(service, words, more, error, code, button):
    response = service.visit(**more) if button is None else service.act(button, asked=more)
    assert (response.status_code, response.mimetype) == (400, "text/html")
    assert "Location" not in response.headers
    text = words(response)
    assert "访问出错了!" in text
    assert f"error:{error}" in text
    assert f"error_code:{code}" in text


@pytest.mark.parametrize("name", ["client_id", "redirect_uri", "state", "response_type"])
def test_a_parameter_that_stands_twice_gets_a_page(service, words, name):
    pairs = [*service.asked(response_type="code").items(), (name, "x")]
    response = service.browser.get("/oauth2/authorize", query_string=pairs)
    assert response.status_code == 400
    assert "error_code:21323" in words(response)


def test_a_parameter_in_query_and_form_stands_twice(service):
    response = service.browser.post("/oauth2/authorize", query_string=service.asked(), data={"state": "x"})
    assert response.status_code == 400


def test_another_response_type_goes_back(service):
    assert query(service.visit(response_type="token")) == (
        "state=xyz&error_uri=%2Foauth2%2Fauthorize&error=unsupported_response_type"
        "&error_description=%E4%B8%8D%E6%94%AF%E6%8C%81%E7%9A%84%20ResponseType.&error_code=21329"
    )


def test_the_usual_response_type_may_be_named(service):
    assert service.visit(response_type="code").status_code == 200


CHALLENGE = {"code_challenge": "x" * 43, "code_challenge_method": "S256"}
UNCHALLENGED = {
    "no challenge": {},
    "no method, which means plain": {"code_challenge": "x" * 43},
    "plain": {"code_challenge": "x" * 43, "code_challenge_method": "plain"},
}


@pytest.mark.parametrize("challenge", UNCHALLENGED.values(), ids=UNCHALLENGED)
def test_where_pkce_is_required_a_request_without_s256_goes_back(service, came_back, challenge):
    assert service.visit(**challenge).status_code == 200
    service.weibo.faults.put([{"fault": "pkce-required"}])
    back = came_back(service.visit(**challenge))
    assert (back["state"], back["error"], back["error_code"]) == ("xyz", "invalid_request", "21323")
    assert service.visit(**CHALLENGE).status_code == 200


# --- hostile hands ---


@pytest.mark.parametrize("uid", ["", "1", "x", "-1", "9" * 30, "9000000001 ", "９000000001"])
def test_a_log_in_as_nobody_is_the_first_step_again(service, words, uid):
    after = service.act("login", uid=uid)
    assert after.status_code == 303
    assert "Set-Cookie" not in after.headers
    assert "第 1 步" in words(service.browser.get(after.headers["Location"]))


@pytest.mark.parametrize("button", ["allow", "dance", ""])
def test_whoever_is_not_logged_in_cannot_allow(service, words, button):
    after = service.act(button)
    assert after.status_code == 303
    assert "第 1 步" in words(service.browser.get(after.headers["Location"]))


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost:7000"])
@pytest.mark.parametrize("button", ["login", "allow", "cancel", "another"])
def test_a_form_from_another_site_does_nothing(service, words, origin, button):
    service.act("login", uid=9000000001)
    response = service.act(button, headers={"Origin": origin}, uid=9000000002)
    assert response.status_code == 403
    assert "第 2 步" in words(service.visit())
    assert "林小满" in words(service.visit())


def test_a_form_from_our_own_page_is_taken(service):
    assert service.act("login", headers={"Origin": "http://localhost"}, uid=9000000001).status_code == 303


HOSTILE = ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{ 7*7 }}", "\u202egnp.exe", "a\x00b"]


@pytest.mark.parametrize("name", HOSTILE, ids=ascii)
def test_a_hostile_name_is_shown_and_never_run(make_service, name):
    service = make_service(users=[User(9000000001, name, "x@weibo.example", location=name)])
    service.act("login", uid=9000000001)
    consent = service.visit().get_data(as_text=True)
    for text in (service.visit(forcelogin="true").get_data(as_text=True), consent):
        for mark in ("<script>alert", "<img src=x", "49"):
            assert mark not in text
        assert name.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&#34;") in text


def test_half_of_a_surrogate_pair_in_a_name_breaks_no_page(make_service):
    service = make_service(users=[User(9000000001, "a\ud83d", "x@weibo.example")])
    assert service.visit().status_code == 200


def test_a_scope_is_shown_and_never_run(service):
    service.act("login", uid=9000000001)
    text = service.visit(scope="email,<b>all</b>,").get_data(as_text=True)
    assert "&lt;b&gt;all&lt;/b&gt;" in text
    assert "<b>all" not in text


# --- languages and headers ---

LANGUAGES = {
    "Weibo's own": ({}, {}, "zh-CN", "您是哪一位？"),
    "by parameter": ({"language": "en"}, {}, "en", "Who are you?"),
    "an empty parameter": ({"language": ""}, {"Accept-Language": "en"}, "zh-CN", "您是哪一位？"),
    "by the browser": ({}, {"Accept-Language": "en-GB,en;q=0.9"}, "en", "Who are you?"),
    "the parameter over the browser": ({"language": "zh"}, {"Accept-Language": "en"}, "zh-CN", "您是哪一位？"),
}


@pytest.mark.parametrize(("more", "headers", "language", "title"), LANGUAGES.values(), ids=LANGUAGES)
def test_a_page_speaks(service, words, more, headers, language, title):
    page = service.browser.get("/oauth2/authorize", query_string=service.asked(**more), headers=headers)
    assert page.headers["Content-Language"] == language
    assert f'<html lang="{language}">' in page.get_data(as_text=True)
    assert title in words(page)


def test_the_switch_of_languages_keeps_what_was_asked(service):
    text = service.visit(scope="email").get_data(as_text=True)
    (href,) = re.findall(r'<a href="([^"]*)" lang="en"', text)
    address = urlsplit(href.replace("&amp;", "&"))
    assert address.path == "/oauth2/authorize"
    assert dict(parse_qsl(address.query)) == service.asked(scope="email", language="en")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_page_says_that_it_is_not_weibo(service, words, language):
    sign = {"en": "This is not Weibo", "zh": "这不是微博"}[language]
    service.act("login", uid=9000000001)
    for more in ({}, {"forcelogin": "true"}, {"client_id": "1"}):
        assert sign in words(service.visit(language=language, **more))


def test_a_page_runs_nothing_and_its_forms_end_here_or_at_the_application(service):
    policy = service.visit().headers["Content-Security-Policy"].split("; ")
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "form-action 'self' http://127.0.0.1:7000" in policy
    assert not any(part.startswith("script-src") for part in policy)


def test_the_way_back_leaves_no_trace(service):
    response = service.act("cancel")
    assert (response.headers["Cache-Control"], response.headers["Referrer-Policy"]) == ("no-store", "no-referrer")


# --- faults of the way back ---


def ways_back(service):
    """Return the raw queries of all four ways back, by name."""
    ways = {"denied": query(service.act("cancel")), "error": query(service.visit(response_type="x"))}
    service.act("login", uid=9000000001)
    ways["consent"] = query(service.act("allow"))
    ways["silent"] = query(service.visit())
    return {name: [value for key, value in parse_qsl(way) if key == "state"] for name, way in ways.items()}


SPOILED = {"state-dropped": [], "state-changed": ["xyzx"], "state-doubled": ["xyz", "xyz"]}


@pytest.mark.parametrize(("fault", "states"), SPOILED.items(), ids=SPOILED)
@pytest.mark.parametrize("on", ["any", "consent", "silent", "denied", "error"])
def test_state_is_spoiled_where_it_is_told_to_be(service, fault, states, on):
    service.weibo.faults.put([{"fault": fault, "on": on}])
    expected = {name: states if on in ("any", name) else ["xyz"] for name in ("denied", "error", "consent", "silent")}
    assert ways_back(service) == expected


def test_a_fault_of_the_way_back_is_counted_there_and_not_at_the_pages_before(service, came_back):
    service.weibo.faults.put([{"fault": "state-dropped", "times": 1}])
    assert list(service.consent()) == ["code"]
    assert list(service.consent()) == ["state", "code"]


def test_a_state_that_was_never_sent_can_come_back(service, came_back):
    service.weibo.faults.put([{"fault": "state-changed"}])
    assert service.consent(state=None)["state"] == "x"


def test_a_row_keeps_the_status_that_the_switch_wants(service):
    service.weibo.faults.put([{"fault": "error", "endpoint": "authorize", "row": "21324", "status": 500}])
    assert service.visit().status_code == 500


def test_a_row_that_would_go_back_is_a_page_where_the_request_cannot_be_trusted(service):
    service.weibo.faults.put([{"fault": "error", "endpoint": "authorize", "row": "21331"}])
    assert "Location" not in service.visit(redirect_uri="https://evil.example/").headers
