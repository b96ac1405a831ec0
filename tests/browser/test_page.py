"""The page in a real browser, with the whole system behind it: what people do, and what must not happen to them."""

import re
from urllib.parse import quote

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import PASSWORD, ROOT
from tests.servers import wait_until

pytestmark = pytest.mark.xdist_group("chromium")

ADDRESS = {"receiver": "林小满", "phone": "+86 138 0013 8000", "region": "北京 海淀区", "detail": "中关村大街 1 号"}
BROKEN = "app.session.adopt({ ...app.session.snapshot(), access: 'e30.e30.e30' });"  # a token that nobody signed
PEOPLE = {"en": "Ada_Lovebags", "zh": "林小满"}
WORDS = {
    "en": {"mailbox": "Look in your mailbox", "account": "My account", "taken": "Some fields are not valid"},
    "zh": {"mailbox": "请查看邮箱", "account": "我的帐号", "taken": "有些字段不合要求"},
}


# --- the main job ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("language", "width", "scheme"), [("en", 1280, "light"), ("zh", 390, "dark")])
def test_the_main_job(visit, system, language, width, scheme):
    visitor = visit(language, width, color_scheme=scheme)
    page, words, name = visitor.page, WORDS[language], {"en": "grace", "zh": "林小满"}[language]
    email = f"main.job.{language}@mail.example"
    visitor.go()
    assert page.evaluate("document.documentElement.lang") == {"en": "en", "zh": "zh-CN"}[language]

    page.locator("nav a[href='/#/register']").click()
    visitor.fill("register", username="a", email="x", password="c")
    expect(page.locator(".summary")).to_contain_text(words["taken"])
    assert page.locator("[aria-invalid]").count() == 3
    visitor.fill("register", username=name, email=email, password=PASSWORD)
    expect(page.locator("h1")).to_have_text(words["mailbox"])
    visitor.settle()

    [link] = system.links(email, {"en": "Activate", "zh": "激活"}[language])
    page.goto(link)
    page.locator("main button.primary").click()
    expect(page.locator(".notice.good")).to_be_visible()
    visitor.log_in(name)
    assert visitor.heading() == words["account"]
    visitor.fill("profile", nickname="N", about="关于 & <b>me</b>")
    expect(page.locator(".message .good")).to_be_visible()

    page.locator(".rooms a[href='/#/addresses']").click()
    for receiver in ("First", "Second"):
        page.locator("a[href='/#/addresses/new']").click()
        visitor.fill("address", **{**ADDRESS, "receiver": receiver})
        expect(page.locator(".tag", has_text=receiver)).to_be_visible()
    second = page.locator(".tag", has_text="Second")
    second.locator("button").first.click()
    expect(second.locator(".badge.strong")).to_be_visible()
    second.locator("a").click()
    visitor.fill("address", receiver="Second, changed")
    expect(page.locator(".tag", has_text="Second, changed")).to_be_visible()
    visitor.assert_the_wire_is_true()
    page.locator(".tag", has_text="First").locator("button").last.click()
    page.locator("dialog button.primary").click()
    expect(page.locator(".tag")).to_have_count(1)

    page.locator(".rooms a[href='/#/sessions']").click()
    expect(page.locator(".device.current")).to_have_count(1)
    page.locator(".rooms a[href='/#/password']").click()
    visitor.fill("password", current_password=PASSWORD, new_password="light blue rucksack")
    expect(page.locator(".message .good")).to_be_visible()
    visitor.assert_the_wire_is_true()
    page.locator("#log-out").click()

    visitor.to_weibo(PEOPLE[language])
    assert PEOPLE[language] in visitor.heading()
    expect(page.locator(".greeting img")).to_have_js_property("complete", value=True)
    visitor.fill("bind", username=name, password="light blue rucksack")
    expect(page.locator("#who")).to_contain_text(name)
    visitor.settle()
    visitor.assert_the_wire_is_true()
    page.locator("#log-out").click()
    expect(page.locator("#login")).to_be_visible()
    page.locator("button.weibo").click()  # Weibo remembers both the person and the consent
    expect(page.locator("#profile")).to_be_visible()
    visitor.assert_the_wire_is_true()

    for path, method, headers in (
        ("/v1/users", "POST", "content-type,idempotency-key"),
        (f"/v1/users/{quote(name)}", "PATCH", "authorization,content-type,if-match"),
        (f"/v1/users/{quote(name)}/password", "PUT", "authorization,content-type"),
    ):
        asked = visitor.calls(method, path)[0].asked
        assert asked["access-control-request-method"] == method
        assert asked["access-control-request-headers"] == headers


def test_a_forgotten_password(visit, system, ada):
    visitor = visit()
    visitor.go("/reset")
    visitor.fill("forgot", email=f"{ada}@mail.example")
    expect(visitor.page.locator(".notice.good")).to_be_visible()
    [link] = system.links(f"{ada}@mail.example", "Choose a new password")
    visitor.page.goto(link)
    visitor.fill("reset", password=PASSWORD)
    expect(visitor.page.locator("#login")).to_be_visible()
    visitor.log_in(ada)


# --- with a keyboard, in two languages -------------------------------------------------------------------


def test_logging_in_takes_no_mouse(visit, ada):
    visitor = visit()
    visitor.go()
    keys, page = visitor.page.keyboard, visitor.page

    def tab_to(selector):
        for _ in range(40):
            keys.press("Tab")
            if page.locator(selector).evaluate("element => element === document.activeElement"):
                return
        raise AssertionError(f"no way to {selector}")

    keys.press("Tab")
    expect(page.locator(".skip").first).to_be_focused()
    keys.press("Enter")
    expect(page.locator("#main")).to_be_focused()
    tab_to("main a[href='/#/login']")
    keys.press("Enter")
    expect(page.locator("h1")).to_have_text("Log in")
    expect(page.locator("h1")).to_be_focused()
    tab_to("#login-username")
    keys.type(ada)
    tab_to("#login-password")
    keys.type(PASSWORD)
    keys.press("Enter")
    expect(page.locator("h1")).to_have_text("My account")
    expect(page.locator("h1")).to_be_focused()
    tab_to("#wire-toggle")
    keys.press("Enter")
    expect(page.locator("#wire-exchange")).to_be_visible()
    keys.press("Escape")
    expect(page.locator("#wire-exchange")).to_be_hidden()
    expect(page.locator("#wire-toggle")).to_be_focused()


def test_another_language_keeps_what_was_typed_and_is_remembered(visit):
    visitor = visit("zh")
    visitor.go("/register")
    visitor.page.locator("#register-username").fill("half a na")
    visitor.page.get_by_role("button", name="English").click()
    expect(visitor.page.locator("h1")).to_have_text("Register")
    expect(visitor.page.locator("#register-username")).to_have_value("half a na")
    expect(visitor.page.get_by_role("button", name="English")).to_be_focused()
    visitor.page.reload()
    assert visitor.heading() == "Register"
    assert visitor.page.evaluate("document.documentElement.lang") == "en"


def test_both_languages_say_the_same(visit):
    visitor = visit()
    visitor.go()
    en, zh = (visitor.page.evaluate(
        f"async () => (await import('/js/language.js')).LANGUAGES[{at}].texts") for at in (0, 1))  # fmt: skip
    assert en.keys() == zh.keys()
    holes = re.compile(r"\{\w+\}")
    assert {key: set(holes.findall(en[key])) for key in en} == {key: set(holes.findall(zh[key])) for key in zh}
    sources = [path.read_text() for path in (ROOT / "web/js").rglob("*.js") if path.parent.name != "texts"]
    used = {key for source in sources for key in re.findall(r"\b(?:t|rich)\(\s*\"([^\"]+)\"", source)}
    assert len(used) > 150
    assert used - en.keys() == set()


# --- errors ----------------------------------------------------------------------------------------------


def test_an_error_stands_beside_its_field_and_the_summary_leads_there(visit):
    visitor = visit()
    visitor.go("/register")
    visitor.fill("register", username="weibo", email="no address", password="short")
    summary = visitor.page.locator(".summary")
    expect(summary).to_be_focused()
    expect(visitor.page.locator("#register-username-wrong")).to_have_text("is reserved")
    expect(visitor.page.locator("#register-email-wrong")).to_have_text("is no mail address")
    expect(visitor.page.locator("#register-password-wrong")).to_have_text("must have at least 8 characters")
    expect(visitor.page.locator("#register-email")).to_have_attribute("aria-describedby", re.compile("email-wrong"))
    expect(summary.locator("code")).to_have_text(re.compile("^[0-9a-f-]{36}$"))
    summary.get_by_role("link", name="Mail address").click()
    expect(visitor.page.locator("#register-email")).to_be_focused()
    assert visitor.page.url.endswith("/#/register")


def test_what_is_left_empty_asks_nobody(visit):
    visitor = visit()
    visitor.go("/login")
    visitor.fill("login", username="somebody")
    expect(visitor.page.locator("#login-password-wrong")).to_have_text("is missing")
    assert visitor.sent == []


def test_silence_is_told_as_silence(visit):
    visitor = visit()
    visitor.go("/login")
    visitor.context.set_offline(offline=True)
    visitor.fill("login", username="somebody", password="something")
    expect(visitor.page.locator(".summary")).to_contain_text("There was no answer")
    assert visitor.inside("return app.wire.exchanges[0].failure") == "unanswered"


def keys(visitor, path):
    return [one.headers.get("idempotency-key") for one in visitor.sent if (one.method, one.url) == ("POST", path)]


def test_what_is_sent_again_for_want_of_an_answer_is_made_once(logged_in, system, ada):
    """The API makes the address, and its answer is lost; sent again it has the same key, and the next one another."""
    page, path = logged_in.page, f"{system.api}/v1/users/{ada}/addresses"
    token = logged_in.inside("return app.session.accessToken")
    logged_in.go("/addresses/new")

    def lose(route):
        assert route.fetch().status == 201
        route.abort()

    page.route(path, lambda route: lose(route) if route.request.method == "POST" else route.continue_())
    logged_in.fill("address", receiver="Ada", phone="123", detail="1 Main Street")
    expect(page.locator(".summary")).to_contain_text("There was no answer")
    assert len(system.call("GET", f"/v1/users/{ada}/addresses", token=token)[1]["items"]) == 1
    page.unroute(path)
    for detail in ("1 Main Street", "2 Main Street"):
        logged_in.fill("address", receiver="Ada", phone="123", detail=detail)
        expect(page.locator("h1")).to_have_text("Addresses")
        logged_in.go("/addresses/new")
    told = [item["detail"] for item in system.call("GET", f"/v1/users/{ada}/addresses", token=token)[1]["items"]]
    assert sorted(told) == ["1 Main Street", "2 Main Street"]
    first, again, other = keys(logged_in, path)
    assert first == again != other
    assert re.fullmatch('"[0-9a-f-]{36}"', first)


def test_who_registers_with_other_words_sends_another_key(visit, system):
    visitor = visit()
    visitor.go("/register")
    for name, email, password in (("weibo", "none", "short"), ("weibo", "none", "short"), ("weibo", "none", "shorts")):
        visitor.fill("register", username=name, email=email, password=password)
        expect(visitor.page.locator(".summary")).to_be_focused()
    first, again, other = keys(visitor, f"{system.api}/v1/users")
    assert first == again != other


def test_a_version_that_is_not_the_last_overwrites_nothing(logged_in, system, ada):
    page, path = logged_in.page, f"/v1/users/{ada}"
    token = logged_in.inside("return app.session.accessToken")
    assert system.call("PATCH", path, {"nickname": "Countess"}, token, **{"If-Match": "*"})[0] == 200
    logged_in.fill("profile", nickname="Ada")
    expect(page.locator(".conflict")).to_contain_text("changed in the meantime")
    expect(page.locator(".conflict td", has_text="Countess")).to_be_visible()
    assert system.call("GET", path, token=token)[1]["nickname"] == "Countess"
    page.get_by_role("button", name="Save mine over it").click()
    expect(page.locator(".message .good")).to_be_visible()
    wait_until(lambda: system.call("GET", path, token=token)[1]["nickname"] == "Ada", "what was saved over it")


# --- tokens ----------------------------------------------------------------------------------------------


def test_an_access_token_that_is_over_is_renewed_by_itself(logged_in):
    kept = "JSON.parse(sessionStorage.getItem('dada.session'))"
    logged_in.page.evaluate(f"sessionStorage.setItem('dada.session', JSON.stringify({{ ...{kept}, until: 0 }}))")
    logged_in.forget()
    logged_in.page.reload()
    assert logged_in.heading() == "My account"
    assert [one.url.rpartition("/")[2] for one in logged_in.sent] == ["refresh", "ada"]


def test_calls_at_once_renew_it_once(logged_in):
    logged_in.forget()
    statuses = logged_in.inside(
        BROKEN
        + """
        const calls = [1, 2, 3, 4, 5].map(() => app.api.call("GET", "/v1/tokens"));
        return (await Promise.all(calls)).map(({ status }) => status);
    """
    )
    assert statuses == [200] * 5
    assert len(logged_in.calls("POST", "/v1/tokens/refresh")) == 1
    assert len(logged_in.calls("GET", "/v1/tokens")) == 10


def test_a_copy_of_the_tab_lives_on_with_it(logged_in):
    copy = logged_in.context.new_page()
    kept = logged_in.page.evaluate("sessionStorage.getItem('dada.session')")
    copy.goto(logged_in.system.page)
    copy.evaluate("kept => sessionStorage.setItem('dada.session', kept)", kept)
    copy.goto(f"{logged_in.system.page}/?#/sessions")
    expect(copy.locator(".device.current")).to_be_visible()
    logged_in.inside(BROKEN + "await app.api.call('GET', '/v1/tokens')")
    mine = logged_in.inside("return app.session.refreshToken")
    its = "async () => (await import('/js/main.js')).app.session.refreshToken"
    wait_until(lambda: copy.evaluate(its) == mine, "the copy to hear of the new tokens")
    copy.reload()
    expect(copy.locator(".device.current")).to_be_visible()
    logged_in.page.locator("#log-out").click()
    expect(copy.locator("#login")).to_be_visible()


def test_a_session_that_was_ended_leads_to_the_log_in_and_back(logged_in, system, ada):
    system.call("DELETE", "/v1/tokens", token=logged_in.inside("return app.session.accessToken"))
    logged_in.page.locator(".rooms a[href='/#/addresses']").click()
    expect(logged_in.page.locator(".message")).to_contain_text("Your session has ended")
    logged_in.fill("login", username=ada, password=PASSWORD)
    expect(logged_in.page.locator("h1")).to_have_text("Addresses")


def test_logging_out_works_with_a_token_that_is_over(logged_in, system):
    refresh = logged_in.inside(BROKEN + "return app.session.refreshToken")
    logged_in.page.locator("#log-out").click()
    expect(logged_in.page.locator(".message")).to_contain_text("logged out")
    ended = {"refresh_token": refresh}
    wait_until(lambda: system.call("POST", "/v1/tokens/refresh", ended)[0] == 401, "the session to end")
    assert logged_in.page.evaluate("sessionStorage.getItem('dada.session')") is None


def test_tokens_are_in_this_tab_and_nowhere_else(logged_in):
    tokens = logged_in.inside("return [app.session.accessToken, app.session.refreshToken]")
    assert logged_in.context.cookies() == []
    logged_in.page.get_by_role("button", name="English").click()
    assert logged_in.page.evaluate("Object.entries(localStorage)") == [["dada.language", "en"]]
    wire = logged_in.page.evaluate("sessionStorage.getItem('dada.wire')")
    assert not any(secret in wire for secret in (*tokens, tokens[0].rpartition(".")[2], PASSWORD))
    stranger = logged_in.context.new_page()
    stranger.goto(f"{logged_in.system.page}/#/account")
    expect(stranger.locator("#login")).to_be_visible()


# --- the wire --------------------------------------------------------------------------------------------


def test_the_wire_shows_preflight_request_answer_and_token(visit, ada):
    visitor = visit()
    visitor.log_in(ada)
    visitor.page.locator("#wire-toggle").click()
    visitor.page.locator(".picks button", has_text="POST /v1/tokens").click()
    panels = {kind: visitor.page.locator(f".panel.{kind}") for kind in ("asks", "sends", "answers", "token")}
    expect(panels["asks"]).to_contain_text("Sent by the browser; scripts cannot see it")
    expect(panels["asks"]).to_contain_text("Access-Control-Request-Headers: content-type")
    expect(panels["sends"]).to_contain_text('"password": "•••"')
    expect(panels["answers"]).to_contain_text("X-Request-Id: ")
    assert len(panels["token"].locator(".raw").inner_text()) < 60
    for claim, words in {"exp": "over", "iat": "issued", "sub": "about whom", "alg": "how it is signed"}.items():
        expect(panels["token"].locator("dt", has_text=re.compile(f"^{claim}$")).locator("..")).to_contain_text(words)
    visitor.page.locator(".picks button", has_text="GET /v1/users/ada").click()
    expect(panels["token"]).to_contain_text("went out in the Authorization header")
    visitor.page.reload()
    expect(visitor.page.locator(".picks button", has_text="POST /v1/tokens")).to_be_visible()


def test_a_letter_is_sent_again_by_a_request_that_nobody_is_asked_for(visit, system):
    new = {"username": "pending", "email": "pending@mail.example", "password": PASSWORD}
    assert system.call("POST", "/v1/users", new)[0] == 202
    visitor = visit()
    visitor.go("/login")
    visitor.fill("login", username="pending", password=PASSWORD)
    expect(visitor.page.locator(".summary")).to_contain_text("not activated yet")
    visitor.page.get_by_role("button", name="Send another letter").click()
    expect(visitor.page.locator(".summary .good")).to_be_visible()
    assert visitor.calls("POST", "/v1/users/pending/activation")[0].asked is None
    visitor.page.locator("#wire-toggle").click()
    expect(visitor.page.locator(".panel.asks")).to_contain_text("None. The method and the headers")


def test_the_headers_that_are_not_exposed_are_those_that_it_names(logged_in):
    url = f"{logged_in.system.api}/v1/users/ada"
    answer = "app.wire.exchanges.find(({ url }) => url.endsWith('/v1/users/ada')).answer"
    told = {name.lower() for name in logged_in.inside(f"return {answer}.unreadable")}
    readable = {name.lower() for name in logged_in.inside(f"return {answer}.headers.map(([name]) => name)")}
    preflight_only = {f"access-control-{name}" for name in ("allow-headers", "allow-methods", "max-age")}
    assert told == logged_in.answered[url] - readable - preflight_only
