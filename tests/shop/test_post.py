"""Letters by SMTP, over a real socket."""

import logging

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shop.letters import Letter
from shop.post import Post, Undeliverable
from shop.usernames import Email, email
from tests.servers import free_port
from tests.shop.weibo_browser import faults, forget_requests

LETTER = Letter("激活", "您好：\n\nhttp://127.0.0.1:7000/#/activation/x\n")


@pytest.fixture
def post(world):
    forget_requests(world)
    world.mailbox.clear()
    return Post(f"smtp://{world.smtp}", "达达商城 <no-reply@dada.example>")


def test_a_letter_arrives_as_it_was_written(post, world):
    post.send("ada@example.org", LETTER)
    (mail,) = world.mailbox.mails("ada@example.org")
    full = mail.full()
    assert (full["subject"], full["text"].replace("\r\n", "\n")) == ("激活", LETTER.text)
    assert full["links"] == ["http://127.0.0.1:7000/#/activation/x"]
    assert "Auto-Submitted: auto-generated" in full["raw"]


def test_a_letter_goes_to_the_address_itself_and_not_to_what_its_encoded_words_say(post, caplog):
    with caplog.at_level(logging.INFO, "mail.log"):  # what the server was told: it decodes them too
        post.send("=?utf-8?q?eve?=@example.org", LETTER)
    assert "rcpt TO:<=?utf-8?q?eve?=@example.org>" in caplog.text


@given(st.text("abc.=?!#$%&'*+-/^_`{|}~0,<@(é中\u0301\u200b\ufe0f\uff20", min_size=1, max_size=30))
@example("=?x?q?eve?=")
def test_every_address_that_is_taken_is_read_in_the_header_as_it_was_written(local):
    found = email(f"{local}@example.org")
    if isinstance(found, Email):
        (read,) = Post("smtp://x:1", "a@example.org")._message(found.written, LETTER)["To"].addresses
        assert f"{read.username}@{read.domain}" == found.written


REFUSALS = {
    "not now": ({"fault": "smtp-refuse", "code": 450}, False),
    "never": ({"fault": "smtp-refuse", "code": 550}, True),
    "not now, after the letter": ({"fault": "smtp-refuse", "code": 451, "at": "data"}, False),
    "never, after the letter": ({"fault": "smtp-refuse", "code": 554, "at": "data"}, True),
    "no such sender": ({"fault": "smtp-refuse", "code": 553, "at": "mail"}, True),
    "a closed connection": ({"fault": "smtp-close"}, False),
}


@pytest.mark.parametrize(("fault", "forever"), REFUSALS.values(), ids=REFUSALS)
def test_a_letter_that_is_not_taken_says_whether_to_try_again(post, world, fault, forever):
    faults(world, {"endpoint": "smtp", **fault})
    with pytest.raises(Undeliverable) as caught:
        post.send("ada@example.org", LETTER)
    assert caught.value.forever == forever
    assert "ada@example.org" not in str(caught.value)
    forget_requests(world)
    post.send("ada@example.org", LETTER)


def test_a_server_that_is_not_there_may_be_there_later():
    with pytest.raises(Undeliverable) as caught:
        Post(f"smtp://127.0.0.1:{free_port()}", "a@example.org").send("ada@example.org", LETTER)
    assert not caught.value.forever


def test_an_address_in_another_script_is_no_reason_to_crash(post, world):
    try:
        post.send("张三@xn--fsqu00a.xn--fiqs8s", LETTER)
    except Undeliverable as error:
        assert str(error)
    else:
        assert world.mailbox.mails()


def test_a_line_end_in_an_address_writes_no_header(post, world):
    with pytest.raises(Undeliverable):
        post.send("ada@example.org\nBcc: eve@example.org", LETTER)
    assert world.mailbox.mails() == []
