"""Two servers in one process, over real sockets: addresses, secrets, letters, resets, and an end."""

import json
import smtplib
import socket

import pytest
import requests

from sandbox.world import Address, CannotStart, Secrets, World, read_secrets
from tests.servers import PATIENCE

SECRETS = Secrets("2000000001", "s", "http://127.0.0.1:7000/weibo.html", "the admin token")
ANY = Address("127.0.0.1", 0)


@pytest.fixture
def world():
    with World(ANY, ANY, SECRETS) as running:
        yield running


@pytest.fixture
def base(world):
    return f"http://{world.http}"


@pytest.fixture
def session():
    with requests.Session() as made:
        yield made


ADDRESSES = {
    "127.0.0.1:9000": ("127.0.0.1", 9000),
    "127.8.8.8:0": ("127.8.8.8", 0),
    "localhost:65535": ("127.0.0.1", 65535),
    "[::1]:9000": ("::1", 9000),
}


@pytest.mark.parametrize(("text", "parts"), ADDRESSES.items(), ids=ADDRESSES)
def test_an_address_of_this_machine(text, parts):
    address = Address.read(text)
    assert (address.host, address.port) == parts
    assert str(address) == text.replace("localhost", "127.0.0.1")


FOREIGN = {
    "0.0.0.0:9000": "only loopback is served",
    "[::]:9000": "only loopback is served",
    "10.0.0.1:9000": "only loopback is served",
    "8.8.8.8:53": "only loopback is served",
    "shop.example:9000": "is no address",
    ":9000": "is no address",
    "": "is no address",
    "9000": "is no address",
    "127.0.0.1": "is no address",
    "127.0.0.1:": "no port",
    "127.0.0.1:x": "no port",
    "127.0.0.1:65536": "no port",
    "127.0.0.1:-1": "no port",
    "127.0.0.1:٣": "no port",
    "127.0.0.1:" + "9" * 5000: "no port",
}


@pytest.mark.parametrize(("text", "why"), FOREIGN.items(), ids=lambda value: value[:24])
def test_any_other_address_is_refused(text, why):
    with pytest.raises(CannotStart, match=why):
        Address.read(text)


GOOD = {
    "weibo_app_key": "1",
    "weibo_app_secret": "2",
    "weibo_redirect_uri": "https://shop.example/weibo.html",
    "admin_token": "3",
}


def test_secrets_are_read_and_not_shown(tmp_path):
    path = tmp_path / "secrets.json"
    path.write_text(json.dumps(GOOD | {"for_others": 1}), "utf-8")
    secrets = read_secrets(path)
    assert (secrets.weibo_app_key, secrets.admin_token) == ("1", "3")
    assert "weibo_app_secret" not in repr(secrets)


BAD = {
    "no JSON": ("{", "is not JSON"),
    "nothing": ("", "is not JSON"),
    "a name twice": ('{"admin_token":"1","admin_token":"2"}', "is not JSON"),
    "no object": ("[]", "holds no object"),
    "an empty object": ("{}", "weibo_app_key, weibo_app_secret, weibo_redirect_uri, admin_token"),
    "one missing": (json.dumps({**GOOD, "admin_token": None}), "has no text for admin_token"),
    "one empty": (json.dumps({**GOOD, "weibo_app_secret": ""}), "has no text for weibo_app_secret"),
    "one a number": (json.dumps({**GOOD, "weibo_app_key": 2000000001}), "has no text for weibo_app_key"),
    "a relative callback": (json.dumps({**GOOD, "weibo_redirect_uri": "/weibo.html"}), "is no absolute URI"),
    "another scheme": (json.dumps({**GOOD, "weibo_redirect_uri": "javascript:x"}), "is no absolute URI"),
    "a fragment": (json.dumps({**GOOD, "weibo_redirect_uri": "http://a.example/#x"}), "is no absolute URI"),
}


@pytest.mark.parametrize(("text", "why"), BAD.values(), ids=BAD)
def test_a_bad_file_is_told_in_one_line_without_its_secrets(tmp_path, text, why):
    path = tmp_path / "secrets.json"
    path.write_text(text, "utf-8")
    with pytest.raises(CannotStart, match=why) as caught:
        read_secrets(path)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(CannotStart, match="No such file"):
        read_secrets(tmp_path / "none.json")


@pytest.mark.parametrize("which", ["http", "smtp"])
def test_a_port_that_somebody_has_is_named_and_the_other_is_let_go(which):
    with socket.create_server(("127.0.0.1", 0)) as taken, socket.create_server(("127.0.0.1", 0)) as probe:
        busy = Address(*taken.getsockname())
        free = Address(*probe.getsockname())
        probe.close()
        pair = (busy, free) if which == "http" else (free, busy)
        with pytest.raises(CannotStart, match=f"cannot listen on {busy}: "):
            World(*pair, SECRETS)
        with socket.create_server((free.host, free.port)):
            pass


def test_ipv6_is_served_too(session):
    with World(Address("::1", 0), Address("::1", 0), SECRETS) as world:
        assert session.get(f"http://{world.http}/").status_code == 200


def test_a_letter_sent_is_a_letter_read(world, base, session):
    with smtplib.SMTP(world.smtp.host, world.smtp.port, timeout=PATIENCE) as smtp:
        smtp.sendmail("a@x.example", ["b@x.example"], b"Subject: hello\r\n\r\nhttp://a.example/\r\n")
    (mail,) = session.get(f"{base}/mailbox/messages?to=b@x.example").json()
    assert session.get(f"{base}/mailbox/messages/{mail['id']}").json()["links"] == ["http://a.example/"]


def log_in(session, base):
    """Return the code of a whole log-in, made as a browser would."""
    asked = {"client_id": SECRETS.weibo_app_key, "redirect_uri": SECRETS.weibo_redirect_uri, "state": "s"}
    page = f"{base}/oauth2/authorize"
    session.post(page, params=asked, data={"action": "login", "uid": "9000000001"})
    back = session.post(page, params=asked, data={"action": "allow"}, allow_redirects=False)
    return back.headers["Location"].partition("code=")[2]


def exchange(session, base, code):
    form = {
        "client_id": SECRETS.weibo_app_key,
        "client_secret": SECRETS.weibo_app_secret,
        "grant_type": "authorization_code",
        "redirect_uri": SECRETS.weibo_redirect_uri,
        "code": code,
    }
    return session.post(f"{base}/oauth2/access_token", data=form, timeout=PATIENCE, allow_redirects=False)


def switch(session, base, *faults):
    headers = {"Authorization": f"Bearer {SECRETS.admin_token}"}
    response = session.put(f"{base}/admin/faults", json={"faults": list(faults)}, headers=headers)
    assert response.status_code == 200


def test_the_whole_way_over_the_wire(world, base, session):
    response = exchange(session, base, log_in(session, base))
    assert response.headers["Content-Type"] == "text/plain;charset=UTF-8"
    assert response.headers["Transfer-Encoding"] == "chunked"
    assert response.headers["Server"] == "nginx"
    answer = json.loads(response.content)
    info = session.post(f"{base}/oauth2/get_token_info", data={"access_token": answer["access_token"]}).json()
    assert (info["appkey"], str(info["uid"])) == (SECRETS.weibo_app_key, answer["uid"])
    query = {"access_token": answer["access_token"], "uid": answer["uid"]}
    assert session.get(f"{base}/2/users/show.json", params=query).json()["screen_name"] == "林小满"


def test_a_reset_is_a_reset_on_the_wire_and_the_next_call_is_good(world, base, session, capfd):
    code = log_in(session, base)
    switch(session, base, {"fault": "reset", "endpoint": "access_token", "times": 1})
    with pytest.raises(requests.ConnectionError) as caught:
        exchange(session, base, code)
    assert "Connection reset by peer" in str(caught.value)
    assert exchange(session, base, code).status_code == 200
    assert capfd.readouterr().err == ""


def test_a_body_that_is_cut_off_is_shorter_than_told(world, base, session):
    code = log_in(session, base)
    switch(session, base, {"fault": "cut-off", "endpoint": "access_token"})
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        exchange(session, base, code)


def test_ten_megabytes_come_over_the_wire(world, base, session):
    code = log_in(session, base)
    switch(session, base, {"fault": "large", "endpoint": "access_token"})
    assert len(exchange(session, base, code).content) == 10 * 1024 * 1024


def test_a_delay_outlasts_a_client_without_patience(world, base, session):
    switch(session, base, {"fault": "delay", "endpoint": "users_show", "seconds": 3})
    with pytest.raises(requests.ReadTimeout):
        session.get(f"{base}/2/users/show.json", timeout=0.2)


def test_smtp_is_switched_over_http(world, base, session):
    switch(session, base, {"fault": "smtp-refuse", "code": 550})
    smtp = smtplib.SMTP(world.smtp.host, world.smtp.port, timeout=PATIENCE)
    with smtp, pytest.raises(smtplib.SMTPRecipientsRefused):
        smtp.sendmail("a@x.example", ["b@x.example"], b"Subject: x\r\n\r\n")
    assert world.mailbox.mails() == []


def test_no_request_is_logged_on_standard_error(world, base, session, capfd):
    session.get(f"{base}/mailbox")
    session.get(f"{base}/nothing")
    assert capfd.readouterr() == ("", "")


def test_afterwards_the_ports_are_free():
    with World(ANY, ANY, SECRETS) as world:
        pass
    for address in (world.http, world.smtp):
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((address.host, address.port))
        with socket.create_server((address.host, address.port)):
            pass
