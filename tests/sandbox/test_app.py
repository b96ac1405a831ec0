"""The front door: who answers what, and to which name."""

import pytest
from werkzeug.test import Client

from sandbox.app import Sandbox
from sandbox.mailbox import Mailbox


@pytest.fixture
def client(service):
    return Client(Sandbox(service.weibo, Mailbox()))


PATHS = {
    "/": (200, "text/html"),
    "/static/style.css": (200, "text/css"),
    "/static/mailbox.js": (200, "text/javascript"),
    "/static/base.html": (404, "text/html"),
    "/mailbox": (200, "text/html"),
    "/mailbox/messages": (200, "application/json"),
    "/mailboxes": (404, "text/html"),
    "/oauth2/authorize": (400, "text/html"),
    "/2/users/show.json": (403, "application/json"),
    "/admin/faults": (401, "application/json"),
    "/avatar/9000000001.svg": (200, "image/svg+xml"),
    "/nothing": (404, "text/html"),
}


@pytest.mark.parametrize(("path", "answer"), PATHS.items(), ids=PATHS)
def test_a_path_is_answered(client, path, answer):
    response = client.get(path)
    assert (response.status_code, response.mimetype) == answer


def test_pages_are_not_posted_to(client):
    assert client.post("/").status_code == 404
    assert client.post("/static/style.css").status_code == 404


def test_the_first_page_leads_on(client, words):
    response = client.get("/?language=en")
    assert 'href="/mailbox?language=en"' in response.get_data(as_text=True)
    assert "林小满" in words(response)
    assert "/oauth2/access_token" in words(response)
    assert "This is not Weibo" in words(response)
    assert "这不是微博" in words(client.get("/"))
    assert "<i>Tom" not in response.get_data(as_text=True)


HOSTS = {
    "127.0.0.1": True, "127.0.0.1:9000": True, "localhost:9000": True, "LOCALHOST": True, "weibo.localhost:9000": True,
    "[::1]:9000": True, "127.0.0.2": True,
    "evil.example": False, "evil.example:9000": False, "localhost.evil.example": False, "127.0.0.1.evil.example": False,
    "10.0.0.1": False, "127.0.0.1:": False, "": False, "evillocalhost": False, "localhost\n": False,
}  # fmt: skip


@pytest.mark.parametrize(("host", "known"), HOSTS.items(), ids=map(ascii, HOSTS))
@pytest.mark.parametrize("path", ["/", "/mailbox/messages", "/static/style.css", "/oauth2/get_token_info"])
def test_only_names_of_this_machine_are_answered(client, host, known, path):
    response = client.get(path, environ_overrides={"HTTP_HOST": host})
    assert (response.status_code != 421) is known
