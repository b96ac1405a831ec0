"""Letters, read: good ones, odd ones, and whatever bytes there are."""

from email.message import EmailMessage
from email.policy import SMTP

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.letters import pieces, read


def letter(text="", html=None, policy=SMTP, **headers):
    message = EmailMessage(policy=policy)
    for name, value in headers.items():
        message[name] = value
    message.set_content(text)
    if html is not None:
        message.add_alternative(html, subtype="html")
    return message.as_bytes()


def test_a_plain_letter():
    got = read(letter("您好：\n\nhttp://127.0.0.1:7000/a?t=1\n", From="达达 <a@b.example>", Subject="激活您的账号" * 9))
    assert (got.sender, got.subject) == ("达达 <a@b.example>", "激活您的账号" * 9)
    assert got.text == "您好：\n\nhttp://127.0.0.1:7000/a?t=1\n"
    assert got.links == ("http://127.0.0.1:7000/a?t=1",)
    assert got.html == ""


def test_headers_are_kept_in_their_order_and_decoded():
    got = read(b"X-B: 2\r\nX-A: 1\r\nX-B: =?utf-8?B?5p6X?=\r\nSubject: long\r\n and folded\r\n\r\n")
    assert got.headers == (("X-B", "2"), ("X-A", "1"), ("X-B", "林"), ("Subject", "long and folded"))


def test_of_two_headers_the_first_counts():
    assert read(b"Subject: one\r\nSUBJECT: two\r\n\r\n").subject == "one"


def test_of_text_and_html_each_is_found_and_links_of_both():
    got = read(letter("see https://a.example/1", html='<a class="x" href="https://a.example/2?a=1&amp;b=2">two</a>'))
    assert got.text == "see https://a.example/1\n"
    assert got.html.startswith("<a class")
    assert got.links == ("https://a.example/1", "https://a.example/2?a=1&b=2")


def test_a_letter_of_html_alone_has_links_and_no_text():
    got = read(
        b"Content-Type: text/html\r\n\r\n<A HREF='http://a.example/'>x</A> <a href=\"javascript:alert(1)\">y</a>"
    )
    assert (got.text, got.links) == ("", ("http://a.example/",))


def test_an_attachment_is_not_the_text():
    message = EmailMessage(policy=SMTP)
    message.set_content("the text")
    message.add_attachment("the attachment", filename="a.txt")
    assert read(message.as_bytes()).text == "the text\n"


ODD = {
    "empty": (b"", "", ""),
    "no headers": (b"just words", "", "just words"),
    "raw UTF-8 in a header": ("Subject: 林\r\n\r\n".encode(), "林", ""),
    "raw bytes in a header": (b"Subject: \xff\r\n\r\n", "\ufffd", ""),
    "a broken encoded word": (b"Subject: =?utf-8?B?5?=\r\n\r\n", "=?utf-8?B?5?=", ""),
    "an unknown charset in a header": (b"Subject: =?x-no?Q?a=FF?=\r\n\r\n", "a\ufffd", ""),
    "raw UTF-8 beside an encoded word": (b"Subject: =?utf-8?B?5p6X?= ok \xe6\x9e\x97\r\n\r\n", "林 ok 林", ""),
    "two words, the space between them not shown": (
        b"Subject: =?utf-8?Q?a?= =?UTF-8*en?q?b_c?= d\r\n\r\n",
        "ab c d",
        "",
    ),
    "an unknown charset": (b"Content-Type: text/plain; charset=x-no\r\n\r\n\xe6\x9e\x97", "", "林"),
    "a charset that is none of text": (b"Content-Type: text/plain; charset=rot13\r\n\r\nabc", "", "abc"),
    "bytes that are no UTF-8": (b"Content-Type: text/plain; charset=utf-8\r\n\r\n\xff", "", "\ufffd"),
    "base64 that is none": (b"Content-Transfer-Encoding: base64\r\n\r\n!!!", "", ""),
    "a part that never ends": (b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\nabc", "", "abc"),
    "NUL": (b"Subject: a\x00b\r\n\r\nc\x00d", "a\x00b", "c\x00d"),
}


@pytest.mark.parametrize(("raw", "subject", "text"), ODD.values(), ids=ODD)
def test_an_odd_letter_is_read_as_far_as_it_goes(raw, subject, text):
    got = read(raw)
    assert (got.subject, got.text) == (subject, text)


def test_too_many_parts_are_not_all_looked_at():
    parts = b"".join(b"--x\r\nContent-Type: image/png\r\n\r\nx\r\n" for _ in range(150))
    raw = b"Content-Type: multipart/mixed; boundary=x\r\n\r\n" + parts + b"--x\r\n\r\nlate\r\n--x--\r\n"
    assert read(raw).text == ""


TEXTS = {
    "alone": ("http://a.example/x", ["http://a.example/x"]),
    "at the end of a sentence": ("go to http://a.example/x.", ["http://a.example/x"]),
    "at the end of a Chinese sentence": ("请点击 http://a.example/x。", ["http://a.example/x"]),
    "within Chinese text": ("请点击http://a.example/x，谢谢", ["http://a.example/x"]),
    "in brackets": ("(http://a.example/x)", ["http://a.example/x"]),
    "in angle brackets": ("<http://a.example/x>", ["http://a.example/x"]),
    "with a query and a fragment": ("http://a.example/?a=1&b=%E6#c", ["http://a.example/?a=1&b=%E6#c"]),
    "with a token that ends in a dash": ("http://a.example/?t=ab-", ["http://a.example/?t=ab-"]),
    "in capitals": ("HTTPS://A.EXAMPLE/", ["HTTPS://A.EXAMPLE/"]),
    "twice": ("http://a.example/ http://a.example/", ["http://a.example/"]),
    "none": ("no address: ftp://a.example/, javascript:alert(1)", []),
    "a scheme alone": ("http:// and https://.", []),
}


@pytest.mark.parametrize(("text", "links"), TEXTS.values(), ids=TEXTS)
def test_addresses_are_found(text, links):
    assert list(read(b"\r\n" + text.encode()).links) == links


@given(st.text())
def test_pieces_are_the_text_and_nothing_else(text):
    assert "".join(piece for piece, _ in pieces(text)) == text


PARTS = [
    b"Subject: ", b"From: ", b"=?utf-8?B?", b"?=", b"=?", b"Content-Type: ", b"multipart/mixed; boundary=",
    b"text/html", b"message/rfc822", b"; charset=", b"Content-Transfer-Encoding: ", b"base64", b"quoted-printable",
    b"x-uuencode", b"--x", b"\r\n", b"\n", b"\r", b" ", b"\x00", b"\xff", b"; filename*=utf-8''%",
    b"Content-Disposition: ", b"http://", b"<a href='",
]  # fmt: skip


@given(st.one_of(st.binary(), st.lists(st.sampled_from(PARTS) | st.binary(max_size=3)).map(b"".join)))
def test_whatever_bytes_come_a_letter_comes_out_that_can_be_written(raw):
    got = read(raw)
    for text in (got.sender, got.subject, got.text, got.html, *got.links, *sum(got.headers, ())):
        text.encode("utf-8")
    assert all(link.lower().startswith(("http://", "https://")) for link in got.links)
