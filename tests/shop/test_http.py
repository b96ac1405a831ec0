"""Calls to other services: bounded, never redirected, never repeated."""

import socket
import ssl
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from ipaddress import ip_address
from typing import ClassVar

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from shop import http
from shop.errors import Refused
from shop.http import HTTP
from tests.servers import PATIENCE, free_port


class Handler(BaseHTTPRequestHandler):
    seen: ClassVar[list] = []
    answer = (200, {}, b"{}")

    def do_GET(self):
        length = int(self.headers.get("Content-Length") or 0)
        Handler.seen.append((self.command, self.path, self.rfile.read(length), dict(self.headers)))
        status, headers, body = Handler.answer
        if body is None:
            self.close_connection = True
            self.connection.close()
            return
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET  # noqa: N815 the library's name

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    Handler.seen, Handler.answer = [], (200, {}, b"{}")
    running = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=running.serve_forever, args=(0.05,))
    thread.start()
    yield f"http://127.0.0.1:{running.server_port}"
    running.shutdown()
    thread.join()
    running.server_close()


@pytest.fixture
def caller():
    made = HTTP()
    yield made
    made.close()


def test_a_secret_travels_in_the_body_and_not_in_the_url(server, caller):
    assert caller.post(f"{server}/token", {"secret": "a b"}) == (200, b"{}")
    method, path, body, headers = Handler.seen[0]
    assert (method, path, body) == ("POST", "/token", b"secret=a+b")
    assert "Cookie" not in headers


def test_a_query_is_encoded(server, caller):
    caller.get(f"{server}/show", {"uid": "7&x=1"})
    assert Handler.seen[0][1] == "/show?uid=7%26x%3D1"


def test_a_redirect_is_an_answer_and_is_not_followed(server, caller):
    Handler.answer = (302, {"Location": "http://127.0.0.1:1/"}, b"")
    assert caller.get(server, {}).status == 302
    assert len(Handler.seen) == 1


def test_no_more_is_read_than_is_wanted(server, caller):
    Handler.answer = (200, {}, b"x" * (http.MAX_BYTES * 3))
    assert len(caller.get(server, {}).body) == http.MAX_BYTES + 1


@pytest.mark.parametrize("elsewhere", ["http://127.0.0.1:1/", "/", "http://[", "\u00ff"])
def test_a_redirect_s_body_is_read_no_further_than_another_s_wherever_it_leads(server, caller, elsewhere):
    """Who is sent a redirect without an end, or one that unfolds to gigabytes, has no memory left for others."""
    Handler.answer = (302, {"Location": elsewhere}, b"x" * (http.MAX_BYTES * 3))
    reply = caller.get(server, {})
    assert (reply.status, len(reply.body)) == (302, http.MAX_BYTES + 1)


def test_a_head_that_cannot_be_read_is_not_told_to_the_log(server, caller, caplog):
    """It may echo a code, as Weibo's errors do, and stands in the log beside the URL, which holds the token."""
    Handler.answer = (200, {"invalid authorization code": "0123456789abcdef"}, b"{}")
    caller.get(server, {"access_token": "swordfish"})
    assert (len(Handler.seen), caplog.text) == (1, "")


@pytest.mark.parametrize("cookie", ["who=ada; Path=/", "who=ada; Max-Age"])
def test_a_cookie_is_neither_kept_for_the_next_call_nor_read(server, caller, recwarn, cookie):
    """One user's would go out with another's code; over some the library writes ten lines of its own beside the log."""
    Handler.answer = (200, {"Set-Cookie": cookie}, b"{}")
    assert (caller.get(server, {}).status, caller.get(server, {}).status) == (200, 200)
    assert "Cookie" not in Handler.seen[1][3]
    assert [str(warning.message) for warning in recwarn if "cookie" in str(warning.message)] == []


FAILURES = {
    "a closed connection": (200, {}, None),
    "a broken compression": (200, {"Content-Encoding": "gzip"}, b"no gzip"),
    "less than was said": (200, {"Content-Length": "100"}, b"short"),
}


@pytest.mark.parametrize("answer", FAILURES.values(), ids=FAILURES)
def test_a_failure_is_told_without_the_url_and_is_not_repeated(server, caller, answer):
    Handler.answer = answer
    try:
        reply = caller.get(server, {"access_token": "swordfish"})
    except Refused as error:
        assert error.reason == "provider-unavailable"
        assert "swordfish" not in str(error)
    else:
        assert reply.body == b"short"  # some servers' early ends cannot be told from the end
    assert len(Handler.seen) == 1


def test_a_service_that_is_not_there_is_unavailable(caller):
    with pytest.raises(Refused) as caught:
        caller.get(f"http://127.0.0.1:{free_port()}/", {})
    assert caught.value.reason == "provider-unavailable"


def test_a_service_whose_certificate_nobody_signed_is_sent_nothing(server, caller, tmp_path):
    """Somebody between us and the provider would get the code and the client's secret."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(1))
    place = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    certificate = made.add_extension(place, critical=False).sign(key, hashes.SHA256())
    pem = tmp_path / "certificate.pem"
    pem.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + certificate.public_bytes(Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    with (
        socket.create_server(("127.0.0.1", 0)) as listening,
        context.wrap_socket(listening, server_side=True) as secure,
    ):
        failed = []
        thread = threading.Thread(target=lambda: failed.append(_refuses(secure)))
        thread.start()
        with pytest.raises(Refused) as caught:
            caller.post(f"https://127.0.0.1:{secure.getsockname()[1]}/token", {"secret": "swordfish"})
        thread.join(PATIENCE)
    assert (caught.value.reason, failed) == ("provider-unavailable", [True])


def _refuses(listening):
    try:
        listening.accept()
    except ssl.SSLError:
        return True  # the caller hung up in the handshake
    return False


def test_a_proxy_of_the_environment_is_not_asked(server, caller, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    assert caller.get(server, {}).status == 200


class Dripping:
    """A service that sends a byte at a time: each in time, and never all of them."""

    def __init__(self, before: bytes = b"", tls: bool = False) -> None:
        self._before, self._stop = before, threading.Event()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self._listening.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        connection, _ = self._listening.accept()
        with connection:
            try:
                connection.sendall(self._before)
                while not self._stop.wait(0.02):
                    connection.sendall(b"\x16" if self.url.startswith("https") else b"x")
            except OSError:
                return  # it was cut

    def close(self) -> None:
        self._stop.set()
        self._thread.join()
        self._listening.close()


HEAD = b"HTTP/1.1 200 OK\r\n"
DRIPS = {
    "the first line": (b"", False),
    "a header": (HEAD + b"X-Slow: ", False),
    "a body with a length": (HEAD + b"Content-Length: 65000\r\n\r\n", False),
    "a body that ends with the connection": (HEAD + b"\r\n", False),
    "the handshake of TLS": (b"\x16\x03\x03\x40\x00", True),
}


@pytest.mark.parametrize(("before", "tls"), DRIPS.values(), ids=DRIPS)
def test_a_provider_that_sends_a_byte_at_a_time_holds_nobody_beyond_the_deadline(caller, monkeypatch, before, tls):
    monkeypatch.setattr(http, "WHOLE_SECONDS", 0.3)  # and each wait may take five
    service = Dripping(before, tls)
    try:
        with pytest.raises(Refused) as caught:
            caller.get(service.url, {})
    finally:
        service.close()
    assert (caught.value.reason, caught.value.detail) == ("provider-timeout", "the provider did not answer in time")


def test_the_end_of_one_call_s_time_does_not_cut_the_next_call(server, caller, monkeypatch):
    monkeypatch.setattr(http, "WHOLE_SECONDS", 0.2)
    cuts = []
    cut = http._Deadline._cut
    monkeypatch.setattr(http._Deadline, "_cut", lambda deadline: (cut(deadline), cuts.append(deadline)))
    assert caller.get(server, {}).status == 200
    with http._Deadline(0.01) as late:
        late._timer.join()
    assert cuts == [late]
    assert caller.get(server, {}).status == 200
