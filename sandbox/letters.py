"""A received letter, read: headers, text, links.  Whatever bytes come, a letter comes out and nothing is raised.

RFC 5322 and MIME are read by the standard library's oldest and most patient reader; what it cannot decode is
shown with U+FFFD, never refused, because a sandbox that swallows a broken letter hides the bug that made it.

A link is what a person would click: an http or https address in the text, or in an `href` of the HTML part.

This file knows a letter's bytes; it does not know where they came from or who reads them.
"""

import binascii
import email
import email.message
import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

__all__ = ["Letter", "pieces", "read"]

# An address ends before white space, quotes, angle brackets, and the signs that Chinese text sets around it.
_ADDRESS: Final = re.compile(r"https?://[^\s<>\"'`{}|\\^，。；：！？、（）《》“”‘’【】]+", re.IGNORECASE)
_TAIL: Final = ".,;:!?)]*_"  # a sentence's end, not the address's
_HREF: Final = re.compile(r"<a\b[^>]*?\bhref\s*=\s*(?:\"([^\"]*)\"|'([^']*)')", re.IGNORECASE)
# RFC 2047 §2; RFC 2231 §5 lets a language follow the charset.  White space between two words is not shown (§6.2).
_WORD: Final = re.compile(r"=\?([^?*\s]+)(?:\*[^?\s]*)?\?([bBqQ])\?([^?\s]*)\?=")
_BETWEEN: Final = re.compile(r"(?<=\?=)[ \t]+(?==\?)")
_FOLD: Final = re.compile(r"\r?\n[ \t]+|[\r\n]+")

_MAX_PARTS: Final = 100
_MAX_LINKS: Final = 100


@dataclass(frozen=True, slots=True)
class Letter:
    """What a letter says.

    sender   its From header, for people
    text     its first text/plain part
    html     its first text/html part, as it came
    links    addresses to click, in their order, each once
    headers  every header, in its order, decoded
    """

    sender: str
    subject: str
    text: str
    html: str
    links: tuple[str, ...]
    headers: tuple[tuple[str, str], ...]


def read(raw: bytes) -> Letter:
    """Return the letter that *raw* spells.  Raise nothing."""
    message = email.message_from_bytes(raw)
    headers = tuple((_clean(name), _header(value)) for name, value in message.raw_items())
    first = {name.lower(): value for name, value in reversed(headers)}
    text, markup = _part(message, "text/plain"), _part(message, "text/html")
    links = [link for _, link in pieces(text) if link]
    links += [html.unescape(double or single) for double, single in _HREF.findall(markup)]
    clickable = [link for link in links if _ADDRESS.match(link)]
    return Letter(
        first.get("from", ""),
        first.get("subject", ""),
        text,
        markup,
        tuple(dict.fromkeys(clickable))[:_MAX_LINKS],
        headers,
    )


def pieces(text: str) -> Iterator[tuple[str, str]]:
    """Yield *text* in pieces, each with the address that it is, or ""."""
    end = 0
    for found in _ADDRESS.finditer(text):
        address = found[0].rstrip(_TAIL)
        if address.endswith("//"):
            continue
        yield text[end : found.start()], ""
        yield address, address
        end = found.start() + len(address)
    yield text[end:], ""


def _header(value: object) -> str:
    """Return a header's value for people: unfolded, encoded words (RFC 2047) decoded, raw UTF-8 (RFC 6532) too."""
    text = _FOLD.sub(" ", _clean(str(value))).strip()
    return _WORD.sub(_word, _BETWEEN.sub("", text))


def _word(found: re.Match[str]) -> str:
    """Return what an encoded word says; one that is broken stays as it is (RFC 2047 §6.3)."""
    charset, encoding, data = found[1], found[2], found[3].encode("utf-8")
    try:
        spelled = binascii.a2b_base64(data) if encoding in "bB" else binascii.a2b_qp(data, header=True)
    except binascii.Error:
        return found[0]
    return _decode(spelled, charset)


def _part(message: email.message.Message, wanted: str) -> str:
    """Return the text of the first part of that media type which is no attachment, or ""."""
    for number, part in enumerate(message.walk()):
        if number == _MAX_PARTS:
            break
        if part.get_content_type() != wanted or part.get_content_disposition() == "attachment":
            continue
        payload = part.get_payload(decode=True)
        if isinstance(payload, bytes):
            return _decode(payload, part.get_content_charset("utf-8")).replace("\r\n", "\n")
    return ""


def _decode(data: bytes, charset: str) -> str:
    try:
        text = data.decode(charset, "replace")
    except (LookupError, ValueError):  # a charset that nobody knows, or one that is no charset of text
        text = data.decode("utf-8", "replace")
    return _clean(text)


def _clean(text: str) -> str:
    """Return *text* without halves of surrogate pairs: the library's reader hides raw bytes in them."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace") if not _sound(text) else text


def _sound(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)
