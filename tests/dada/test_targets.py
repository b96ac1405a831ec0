"""Forms of a request's target."""

import pytest

from dada.targets import is_host, unfold

FORMS = {
    "the absolute form": ("GET", "http://a.example/b?c#d", "a.example", "/b?c#d"),
    "without a path": ("GET", "http://a.example", "a.example", "/"),
    "without a path, with a query": ("OPTIONS", "http://a.example?c", "a.example", "/?c"),
    "of the server itself": ("OPTIONS", "http://a.example:80", "a.example:80", "*"),
    "a query that looks like a path": ("GET", "http://a.example?b=/c", "a.example", "/?b=/c"),
    "the origin form": ("GET", "/b?http://c", "host.example", "/b?http://c"),
    "two slashes at the front": ("GET", "//b/c", "host.example", "//b/c"),
    "the asterisk": ("OPTIONS", "*", "host.example", "*"),
    "another scheme": ("GET", "ftp://a.example/b", "host.example", "ftp://a.example/b"),
    "nothing": ("GET", "", "host.example", ""),
}


@pytest.mark.parametrize(("method", "target", "host", "origin_form"), FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("name", ["RAW_URI", "REQUEST_URI"])
def test_a_whole_url_becomes_a_path_and_a_host(method, target, host, origin_form, name):
    environ = {"REQUEST_METHOD": method, name: target, "HTTP_HOST": "host.example", "SERVER_PROTOCOL": "HTTP/1.1"}
    unfold(environ)
    assert (environ["HTTP_HOST"], environ.get("RAW_URI") or environ[name]) == (host, origin_form)


@pytest.mark.parametrize(
    ("protocol", "given", "host"),
    [("HTTP/1.1", None, None), ("HTTP/1.0", None, "a.example"), ("HTTP/1.1", "b c", "b c"), ("HTTP/1.1", "", "")],
)
def test_a_host_that_is_missing_or_none_stays_so(protocol, given, host):
    environ = {"REQUEST_METHOD": "GET", "RAW_URI": "http://a.example/", "SERVER_PROTOCOL": protocol}
    environ |= {} if given is None else {"HTTP_HOST": given}
    unfold(environ)
    assert environ.get("HTTP_HOST") == host


def test_a_host_is_a_name_or_an_address_and_perhaps_a_port():
    assert all(map(is_host, ["a.example", "a.example:80", "127.0.0.1:", "[::1]:8000"]))
    assert not any(map(is_host, ["", "a b", "a/b", "u@a", "a:b", "[::1", "a:80:80", "a\n"]))
