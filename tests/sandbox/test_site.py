"""The envelope of every page: language, headers, files, and who sent a form."""

import re

import pytest
from werkzeug import Request
from werkzeug.test import EnvironBuilder

from sandbox import site


def request(path="/x", **parts):
    return Request(EnvironBuilder(path=path, **parts).get_environ())


def asked(language=None, accept=None):
    headers = {} if accept is None else {"Accept-Language": accept}
    return request(query_string={} if language is None else {"language": language}, headers=headers)


LANGUAGES = {
    "nothing said": (None, None, "zh-CN"),
    "en": ("en", None, "en"),
    "EN-us": ("EN-us", None, "en"),
    "zh-CN": ("zh-CN", "en", "zh-CN"),
    "an empty word": ("", "en", "zh-CN"),
    "a language that nobody speaks here": ("fr", "en", "zh-CN"),
    "a browser in English": (None, "en-US,en;q=0.9", "en"),
    "a browser in Chinese": (None, "zh-TW,zh;q=0.9,en;q=0.8", "zh-CN"),
    "a browser that would rather have English": (None, "zh;q=0.5,en;q=0.9", "en"),
    "a browser in French": (None, "fr", "zh-CN"),
    "a broken browser": (None, ";;q=x,,", "zh-CN"),
}


@pytest.mark.parametrize(("language", "accept", "chosen"), LANGUAGES.values(), ids=LANGUAGES)
def test_the_language_is(language, accept, chosen):
    assert site.language(asked(language, accept)) == chosen


def test_a_page_has_its_headers():
    response = site.not_found(asked("en"))
    assert response.status_code == 404
    policy = [
        "default-src 'none'", "style-src 'self'", "img-src 'self'", "base-uri 'none'", "frame-ancestors 'none'",
        "form-action 'self'",
    ]  # fmt: skip
    assert dict(response.headers) == {
        "Content-Type": "text/html; charset=utf-8",
        "Content-Length": response.headers["Content-Length"],
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
        "Cache-Control": "no-store",
        "Vary": "Accept-Language",
        "Content-Language": "en",
        "Content-Security-Policy": "; ".join(policy),
    }


def test_a_page_refers_to_nothing_outside():
    text = site.not_found(asked("en")).get_data(as_text=True)
    assert re.findall(r'(?:src|href)="(?:https?:)?//[^"]*', text) == []


def test_the_language_of_a_page_can_be_switched_in_place():
    text = site.not_found(request(query_string="a=1&a=2&language=zh")).get_data(as_text=True)
    assert re.findall(r'<a href="([^"]*)" lang="en"', text) == ["/x?a=1&amp;a=2&amp;language=en"]
    assert 'lang="zh-CN" hreflang="zh-CN" aria-current="true"' in text


FILES = {"style.css": "text/css", "mailbox.js": "text/javascript", "icon.svg": "image/svg+xml"}


@pytest.mark.parametrize(("name", "kind"), FILES.items(), ids=FILES)
def test_a_file_is_given(name, kind):
    response = site.file(name)
    assert response.mimetype == kind
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.get_data()


@pytest.mark.parametrize("name", ["", "base.html", "../site.py", "style.css/", "/etc/passwd"])
def test_nothing_else_is(name):
    assert site.file(name) is None


def test_files_fetch_nothing_from_outside():
    for name in FILES:
        text = site.file(name).get_data(as_text=True).replace("http://www.w3.org/2000/svg", "")
        assert "//" not in re.sub(r"//[^\n]*|/\*.*?\*/", "", text, flags=re.DOTALL)
        assert "url(" not in text


ORIGINS = {
    "our own": ("http://localhost", True),
    "none, as programs send it": (None, True),
    "another site": ("https://evil.example", False),
    "another port": ("http://localhost:7000", False),
    "another scheme": ("https://localhost", False),
    "null": ("null", False),
    "an empty one": ("", False),
}


@pytest.mark.parametrize(("origin", "own"), ORIGINS.values(), ids=ORIGINS)
def test_a_form_comes_from(origin, own):
    assert site.same_origin(request(headers={} if origin is None else {"Origin": origin})) is own


def test_a_picture_shows_a_letter_and_nothing_else():
    response = site.avatar(1, "<script>")
    assert "&lt;</text>" in response.get_data(as_text=True)
    assert response.headers["Content-Security-Policy"] == "default-src 'none'"
