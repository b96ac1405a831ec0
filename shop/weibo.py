"""Weibo as a provider: its endpoints, its numbers, and how it says whose a token is.

What Weibo says in the token's answer is a convenience and proves nothing: the token is shown to Weibo again, which says
whose it is and for which application it was made, and both must be ours (Weibo's documentation of get_token_info; RFC
9700 §2.3).

This file knows Weibo's answers; the flow is in `federation.py`.
"""

import logging
from dataclasses import dataclass
from typing import Any, Final

from dada import oauth
from shop.errors import Refused
from shop.http import HTTP
from shop.providers import Greeting, greeting

__all__ = ["Weibo"]

_log = logging.getLogger("shop.weibo")

_UNAPPROVED: Final = frozenset({"21321", "21337"})


@dataclass(frozen=True)
class Weibo:
    """Weibo at *url*, which knows us by *client*."""

    url: str
    client: oauth.Provider

    @classmethod
    def at(cls, url: str, client_id: str, client_secret: str, page_origin: str) -> "Weibo":
        """Return Weibo as these settings tell it."""
        client = oauth.Provider(
            name="weibo",
            client_id=client_id,
            client_secret=client_secret,
            authorize_url=f"{url}/oauth2/authorize",
            token_url=f"{url}/oauth2/access_token",
            redirect_uri=f"{page_origin}/callback/weibo.html",
            scope_separator=",",
        )
        return cls(url, client)

    def token(self, status: int, body: bytes) -> oauth.TokenAnswer:
        """Return it as the standard has it, unless Weibo says in a number of its own that it does not want us."""
        _must_approve(status, body)
        return oauth.read_token(status, body)

    def whose(self, http: HTTP, answer: oauth.TokenAnswer) -> str:
        """Return the uid that the token is of, after Weibo said so and that it was made for us."""
        reply = http.post(f"{self.url}/oauth2/get_token_info", {"access_token": answer.access_token})
        info = _members(reply.status, reply.body)
        uid = _digits(info.get("uid"))
        if type(info.get("appkey")) not in (int, str) or str(info["appkey"]) != self.client.client_id:
            raise Refused("oauth-code-rejected", "the token was made for another application")
        if type(info.get("expire_in")) is not int or info["expire_in"] <= 0:
            raise Refused("oauth-code-rejected", "the token is over")
        if uid != _digits(answer.members.get("uid")):
            raise Refused("provider-answer", "two answers tell of two accounts")
        return uid

    def greet(self, http: HTTP, answer: oauth.TokenAnswer, subject: str) -> Greeting:
        """Return the screen name and the larger picture."""
        reply = http.get(f"{self.url}/2/users/show.json", {"access_token": answer.access_token, "uid": subject})
        members = _members(reply.status, reply.body)
        if _digits(members.get("idstr", members.get("id"))) != subject:
            raise Refused("provider-answer", "two answers tell of two accounts")
        return greeting(members.get("screen_name"), members.get("avatar_large"))


def _members(status: int, body: bytes) -> dict[str, Any]:
    """Return an answer's members.  Raise :exc:`Refused`, :exc:`OAuthError` for an error."""
    _must_approve(status, body)
    return oauth.read_success(status, body)


def _must_approve(status: int, body: bytes) -> None:
    """Raise :exc:`Refused` if Weibo has not approved this application, which whoever is on call has to hear.

    Older answers number an error in a text.
    """
    try:
        code = str(oauth.read_members(body).get("error_code")) if status < 500 else ""
    except oauth.OAuthError:
        return  # it says something else
    if code in _UNAPPROVED:
        _log.error("the provider has not approved this application: error %s", code)
        raise Refused("oauth-provider-unapproved")


def _digits(uid: Any) -> str:
    """Return a uid, which is a number in one answer and a text in another, as its digits."""
    text = str(uid) if type(uid) in (int, str) else ""
    if not (text.isascii() and text.isdigit() and len(text) <= 20) or text.startswith("0"):
        raise Refused("provider-answer", "there is no uid in the answer")
    return text
