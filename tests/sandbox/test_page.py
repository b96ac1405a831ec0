"""The page's own origin: files, headers, and where the API is."""

import pytest

from dada.testing import Client
from sandbox.page import Page, main
from tests.servers import free_port

CONFIG = {"api": "http://127.0.0.1:8000", "mailbox": "http://127.0.0.1:9000/mailbox", "weibo": "http://127.0.0.1:9000"}


@pytest.fixture
def page(tmp_path):
    (tmp_path / "index.html").write_text("<!doctype html>")
    (tmp_path / "js").mkdir()
    (tmp_path / "js" / "main.js").write_text("export {};")
    return Client(Page(CONFIG, tmp_path))


def test_the_root_is_the_index(page):
    assert page("GET", "/").body == page("GET", "/index.html").body == b"<!doctype html>"


def test_modules_have_their_type(page):
    assert page("GET", "/js/main.js").header("Content-Type").startswith("text/javascript")


def test_the_page_is_told_where_the_api_is(page):
    assert page("GET", "/config.json").json == CONFIG


def test_each_provider_comes_back_to_a_page_of_its_own(tmp_path):
    (tmp_path / "callback").mkdir()
    (tmp_path / "callback" / "weibo.html").write_text("<!doctype html>back")
    page = Client(Page({**CONFIG, "providers": ["octopus"]}, tmp_path))
    for name, status in (("weibo", 200), ("octopus", 200), ("squid", 404)):
        assert page("GET", f"/callback/{name}.html?code=c").status == status, name
    assert page("GET", "/callback/octopus.html").body == b"<!doctype html>back"


@pytest.mark.parametrize("path", ["/nothing", "/../setup.cfg", "/%2e%2e/setup.cfg", "/js/"])
def test_what_is_not_there_is_404(page, path):
    assert page("GET", path).status == 404


@pytest.mark.parametrize("path", ["/", "/js/main.js", "/config.json", "/nothing"])
def test_every_answer_keeps_the_page_to_itself(page, path):
    response = page("GET", path)
    policy = response.header("Content-Security-Policy")
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "connect-src 'self' http://127.0.0.1:8000 http://127.0.0.1:9000;" in policy
    assert "unsafe" not in policy
    assert response.header("Referrer-Policy") == "no-referrer"
    assert response.header("X-Content-Type-Options") == "nosniff"
    assert response.header("Set-Cookie") is None


def test_a_port_in_use_is_one_line_and_exit_status_2(capsys):
    import socket

    with socket.create_server(("127.0.0.1", free_port())) as taken:
        assert main(["--port", str(taken.getsockname()[1])]) == 2
    assert "in use" in capsys.readouterr().err
