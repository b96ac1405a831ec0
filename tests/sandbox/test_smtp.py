"""Real conversations over real sockets: letters kept, and every way of being refused."""

import asyncio
import smtplib
import socket
from email.message import EmailMessage

import pytest

from sandbox.faults import Faults
from sandbox.mailbox import Mailbox
from sandbox.smtp import KINDS, MAX_LETTER, SmtpServer
from tests.servers import PATIENCE

FROM, TO = "no-reply@dada.example", "ada@x.example"


@pytest.fixture
def mailbox():
    return Mailbox()


@pytest.fixture
def faults():
    return Faults(KINDS)


@pytest.fixture
def server(mailbox, faults):
    running = SmtpServer(socket.create_server(("127.0.0.1", 0)), mailbox, faults)
    running.start()
    yield running
    running.stop()


@pytest.fixture
def smtp(server):
    with smtplib.SMTP(*server.address, timeout=PATIENCE) as client:
        yield client


def letter(text="您好\n"):
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = FROM, TO, "激活您的账号"
    message.set_content(text)
    return message


def test_a_letter_is_kept_as_it_was_sent(smtp, mailbox):
    assert smtp.send_message(letter(), FROM, [TO, "bob@x.example"]) == {}
    (mail,) = mailbox.mails()
    assert mail.to == (TO, "bob@x.example")
    assert (mail.letter.subject, mail.letter.text) == ("激活您的账号", "您好\n")


def test_several_letters_in_one_conversation(smtp, mailbox):
    for _ in range(3):
        smtp.send_message(letter())
    assert [mail.id for mail in mailbox.mails()] == [3, 2, 1]


def test_addresses_may_be_international(smtp, mailbox):
    smtp.send_message(letter(), FROM, ["林@例子.example"])  # RFC 6531
    assert mailbox.mails("林@例子.example")


def test_a_line_that_begins_with_a_dot_survives(smtp, mailbox):
    smtp.sendmail(FROM, [TO], b"Subject: x\r\n\r\n.\r\n..\r\nend\r\n")
    assert mailbox.mails()[0].letter.text == ".\n..\nend\n"


def test_a_letter_beyond_reason_is_refused(smtp, mailbox):
    with pytest.raises(smtplib.SMTPResponseException) as caught:
        smtp.sendmail(FROM, [TO], b"x" * 70 + b"\r\n" + (b"y" * 70 + b"\r\n") * (MAX_LETTER // 72))
    assert caught.value.smtp_code == 552
    assert mailbox.mails() == []


@pytest.mark.parametrize("code", [450, 550, 421, 599])
@pytest.mark.parametrize(
    ("at", "error"),
    [("mail", smtplib.SMTPSenderRefused), ("rcpt", smtplib.SMTPRecipientsRefused), ("data", smtplib.SMTPDataError)],
)
def test_a_command_is_refused_once_and_then_taken(server, mailbox, faults, code, at, error):
    faults.put([{"fault": "smtp-refuse", "code": code, "at": at, "times": 1}])
    with smtplib.SMTP(*server.address, timeout=PATIENCE) as first, pytest.raises(error) as caught:
        first.send_message(letter())
    told = caught.value.recipients[TO][0] if at == "rcpt" else caught.value.smtp_code
    assert told == code
    assert mailbox.mails() == []
    with smtplib.SMTP(*server.address, timeout=PATIENCE) as second:
        second.send_message(letter())
    assert len(mailbox.mails()) == 1


def test_one_recipient_of_two_is_refused(smtp, mailbox, faults):
    faults.put([{"fault": "smtp-refuse", "code": 550, "times": 1}])
    assert smtp.send_message(letter(), FROM, [TO, "bob@x.example"]).keys() == {TO}
    assert mailbox.mails()[0].to == ("bob@x.example",)


@pytest.mark.parametrize("at", ["mail", "rcpt", "data"])
def test_the_connection_is_closed_without_an_answer(server, mailbox, faults, at):
    faults.put([{"fault": "smtp-close", "at": at, "times": 1}])
    client = smtplib.SMTP(*server.address, timeout=PATIENCE)
    with pytest.raises(smtplib.SMTPServerDisconnected):
        client.send_message(letter())
    assert mailbox.mails() == []
    with smtplib.SMTP(*server.address, timeout=PATIENCE) as again:
        again.send_message(letter())
    assert len(mailbox.mails()) == 1


def test_the_letter_is_kept_and_the_sender_cannot_know(server, mailbox, faults):
    faults.put([{"fault": "smtp-close", "after": True, "times": 1}])
    client = smtplib.SMTP(*server.address, timeout=PATIENCE)
    with pytest.raises(smtplib.SMTPServerDisconnected):
        client.send_message(letter())
    assert len(mailbox.mails()) == 1


def test_the_answer_comes_late(server, smtp, mailbox, faults, monkeypatch):
    waits = []

    async def wait(seconds):
        waits.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", wait)
    faults.put([{"fault": "smtp-delay", "seconds": 5, "at": "rcpt"}])
    smtp.send_message(letter())
    assert 5 in waits
    assert len(mailbox.mails()) == 1


def test_nothing_but_letters_is_talked_about(smtp):
    assert smtp.ehlo()[0] == 250
    assert not smtp.has_extn("auth")
    assert not smtp.has_extn("starttls")
    assert smtp.verify("root")[0] == 252


def test_stopping_ends_conversations_that_are_open(mailbox, faults):
    running = SmtpServer(socket.create_server(("127.0.0.1", 0)), mailbox, faults)
    running.start()
    client = smtplib.SMTP(*running.address, timeout=PATIENCE)
    running.stop()
    with pytest.raises(smtplib.SMTPServerDisconnected):
        client.noop()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(running.address)
