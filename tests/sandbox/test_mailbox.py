"""The mailbox over HTTP: JSON for tests, a page for people, and strangers' words that stay words."""

import html
import re
from email.message import EmailMessage

import pytest
from werkzeug.test import Client

from sandbox.mailbox import Mailbox


def letter(subject="激活您的账号", text="请点击 http://127.0.0.1:7000/a?t=1。\n", markup=None, **headers):
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "达达 <no-reply@dada.example>", "ada@x.example", subject
    for name, value in headers.items():
        message[name] = value
    message.set_content(text)
    if markup is not None:
        message.add_alternative(markup, subtype="html")
    return message.as_bytes()


@pytest.fixture
def mailbox(clock):
    return Mailbox(clock=clock)


@pytest.fixture
def client(mailbox):
    return Client(mailbox)


def test_an_empty_mailbox(client):
    response = client.get("/mailbox/messages")
    assert (response.status_code, response.mimetype, response.get_data()) == (200, "application/json", b"[]")


def test_a_letter_is_listed_and_read(mailbox, client):
    mailbox.receive(["ada@x.example", "bob@x.example"], letter())
    summary = {
        "id": 1,
        "from": "达达 <no-reply@dada.example>",
        "to": ["ada@x.example", "bob@x.example"],
        "subject": "激活您的账号",
        "date": "2025-11-24T16:00:00Z",
    }
    assert client.get("/mailbox/messages").get_json() == [summary]
    full = client.get("/mailbox/messages/1").get_json()
    raw = full.pop("raw")
    assert full == summary | {
        "text": "请点击 http://127.0.0.1:7000/a?t=1。\n",
        "links": ["http://127.0.0.1:7000/a?t=1"],
    }
    assert raw == letter().decode()


def test_the_newest_is_first_and_numbers_go_on(mailbox, client):
    for number in range(3):
        mailbox.receive(["a@x.example"], letter(subject=str(number)))
    assert [mail["subject"] for mail in client.get("/mailbox/messages").get_json()] == ["2", "1", "0"]
    assert client.delete("/mailbox/messages").status_code == 204
    assert client.get("/mailbox/messages").get_json() == []
    assert mailbox.receive([], letter()).id == 4


def test_the_last_five_hundred_are_kept(mailbox, client):
    for _ in range(502):
        mailbox.receive(["a@x.example"], b"")
    numbers = [mail["id"] for mail in client.get("/mailbox/messages").get_json()]
    assert numbers == list(range(502, 2, -1))
    assert client.get("/mailbox/messages/2").status_code == 404


@pytest.mark.parametrize(
    ("to", "numbers"),
    [("ada@x.example", [3, 1]), ("ADA@X.example", [3, 1]), ("bob@x.example", [2]), ("ada", []), ("", [])],
)
def test_a_recipient_narrows(mailbox, client, to, numbers):
    for recipients in (["Ada@x.example"], ["bob@x.example"], ["c@x.example", "ada@x.example"]):
        mailbox.receive(recipients, letter())
    got = client.get("/mailbox/messages", query_string={"to": to}).get_json()
    assert [mail["id"] for mail in got] == numbers


@pytest.mark.parametrize("number", ["1", "0", "x", "-1", "1.0", "²", "9" * 30])
def test_a_letter_that_is_not_there(client, number):
    response = client.get(f"/mailbox/messages/{number}")
    assert (response.status_code, response.get_json()) == (404, {"error": "no such letter"})


def test_asking_again_costs_little(mailbox, client):
    mailbox.receive(["a@x.example"], letter())
    tag = client.get("/mailbox/messages").headers["ETag"]
    again = client.get("/mailbox/messages", headers={"If-None-Match": tag})
    assert (again.status_code, again.get_data()) == (304, b"")
    mailbox.receive(["a@x.example"], letter())
    assert client.get("/mailbox/messages", headers={"If-None-Match": tag}).status_code == 200


METHODS = {
    "/mailbox": "GET, HEAD",
    "/mailbox/messages": "GET, HEAD, DELETE",
    "/mailbox/messages/1": "GET, HEAD",
    "/mailbox/messages/1/html": "GET, HEAD",
}


@pytest.mark.parametrize(("path", "allow"), METHODS.items(), ids=METHODS)
def test_another_method_is_told_which_there_are(mailbox, client, path, allow):
    mailbox.receive([], letter(markup="<p>x</p>"))
    response = client.post(path)
    assert (response.status_code, response.headers["Allow"]) == (405, allow)
    assert client.get(path).status_code == 200
    assert client.head(path).status_code == 200


@pytest.mark.parametrize("path", ["/mailbox/x", "/mailbox/messages/1/x", "/mailbox/messages/1/html/x", "/x"])
def test_there_is_nothing_elsewhere(client, path):
    assert client.get(path).status_code == 404


def test_a_letter_whose_text_cannot_be_utf8_is_json_all_the_same(mailbox, client):
    mailbox.receive(["\udcff@x.example"], b"Subject: \xff\x00\r\n\r\n\xff\x00\xed\xa0\x80")
    assert client.get("/mailbox/messages").get_json()[0]["subject"] == "\ufffd\x00"
    assert client.get("/mailbox/messages/1").get_json()["raw"].startswith("Subject: \ufffd\x00")
    assert client.get("/mailbox").status_code == 200


# --- the page ---


def page(client, query="", **headers):
    response = client.get(f"/mailbox{query}", headers={"Accept-Language": "en", **headers})
    return response, response.get_data(as_text=True)


def test_the_page_says_that_nothing_has_come(client):
    response, text = page(client)
    assert response.status_code == 200
    assert "No letter has come yet" in text
    assert 'id="delete" class="quiet" hidden' in text
    assert 'data-newest="0" data-count="0"' in text


def test_the_page_lists_letters_newest_first_and_shows_the_newest(mailbox, client):
    for number in range(3):
        mailbox.receive(["ada@x.example"], letter(subject=f"letter {number}"))
    _, text = page(client)
    assert re.findall(r'class="subject"><bdi>(letter \d)', text) == ["letter 2", "letter 1", "letter 0"]
    assert "<h2><bdi>letter 2</bdi></h2>" in text
    assert 'data-newest="3" data-count="3"' in text
    assert 'class="wide"' in text


def test_the_page_shows_the_chosen_letter_whole(mailbox, client):
    mailbox.receive(["ada@x.example"], letter(Date="Sat, 22 Nov 2025 10:00:00 +0000"))
    mailbox.receive(["ada@x.example"], letter(subject="newer"))
    response, text = page(client, "?id=1")
    assert response.status_code == 200
    assert "<h2><bdi>激活您的账号</bdi></h2>" in text
    link = '<a href="http://127.0.0.1:7000/a?t=1" rel="noreferrer">http://127.0.0.1:7000/a?t=1</a>'
    assert f"请点击 {link}。" in text
    assert f"<li>{link}</li>" in text
    assert "Sat, 22 Nov 2025 10:00:00 +0000" in text
    assert "2025-11-24 16:00:00 UTC" in text
    assert "<summary>Raw source</summary><pre" in text
    assert html.escape(letter(Date="Sat, 22 Nov 2025 10:00:00 +0000").decode()).splitlines()[-1] in text
    assert 'class="wide reading"' in text


@pytest.mark.parametrize("query", ["?id=7", "?id=x", "?id="])
def test_the_page_says_that_a_letter_is_gone(mailbox, client, query):
    mailbox.receive([], letter())
    response, text = page(client, query)
    assert response.status_code == 404
    assert "no longer kept" in text
    assert "All letters" in text


@pytest.mark.parametrize(("language", "word"), [("en", "Letters"), ("zh", "信件")])
def test_the_page_speaks_both_languages_and_keeps_the_choice(mailbox, client, language, word):
    mailbox.receive([], letter())
    _, text = page(client, f"?language={language}", **{"Accept-Language": "fr"})
    assert f'<h1 id="letters">{word}</h1>' in text
    assert f'href="?id=1&amp;language={language}"' in text


MARKUP = "<script>alert(1)</script><img src=x onerror=alert(1)>{{ 7*7 }}"


def test_a_letter_s_words_stay_words(mailbox, client):
    source = letter(subject=MARKUP, text=f'{MARKUP} http://a.example/"><script>alert(2)</script>', **{"X-A": MARKUP})
    mailbox.receive([f"{MARKUP}@x.example"], source)
    _, text = page(client, "?id=1")
    for mark in ("<script>alert", "<img src=x", 'example/"><'):
        assert mark not in text
    assert text.count(html.escape(MARKUP).replace("&quot;", "&#34;")) >= 4


def test_only_http_links_can_be_clicked(mailbox, client):
    mailbox.receive(
        [], letter(text="javascript:alert(1) data:text/html,x http://a.example/", markup="<a href='data:,x'>")
    )
    _, text = page(client, "?id=1")
    assert not re.search(r"href=\"(?:javascript|data):", text)


def test_the_page_runs_our_script_only(client):
    response, text = page(client)
    policy = response.headers["Content-Security-Policy"].split("; ")
    assert {"default-src 'none'", "script-src 'self'", "connect-src 'self'", "frame-ancestors 'none'"} <= set(policy)
    assert re.findall(r"<script[^>]*>", text) == ['<script src="/static/mailbox.js" defer>']
    assert not re.search(r"\son[a-z]+=|style=", text)


def test_an_html_part_is_in_a_box_of_its_own(mailbox, client):
    mailbox.receive([], letter(markup="<h1>x</h1><script>alert(1)</script>"))
    _, text = page(client, "?id=1")
    assert '<iframe sandbox src="/mailbox/messages/1/html"' in text
    assert "<h1>x" not in text
    box = client.get("/mailbox/messages/1/html")
    assert box.mimetype == "text/html"
    assert "<h1>x</h1>" in box.get_data(as_text=True)
    policy = box.headers["Content-Security-Policy"].split("; ")
    assert {"sandbox", "default-src 'none'", "frame-ancestors 'self'"} <= set(policy)
    assert not any(part.startswith("script-src") for part in policy)


def test_a_letter_without_html_has_no_box(mailbox, client):
    mailbox.receive([], letter())
    assert "<iframe" not in page(client, "?id=1")[1]
    assert client.get("/mailbox/messages/1/html").status_code == 404
    assert client.get("/mailbox/messages/2/html").status_code == 404
