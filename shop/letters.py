"""Letters as values: what a mail says, in the language of its reader.

Links lead to the page, with the token behind the "#": browsers keep that part to themselves, so that no server's log
and no Referer ever holds it.

This file knows words; it does not know how a letter travels.
"""

import unicodedata
from typing import Final, NamedTuple
from urllib.parse import quote

__all__ = [
    "Letter", "activation", "already_registered", "identity_bound", "identity_unbound", "new_device",
    "password_changed", "password_reset", "token_reused",
]  # fmt: skip


class Letter(NamedTuple):
    """A subject and a plain text."""

    subject: str
    text: str


def activation(language: str, page: str, *, username: str, token: str, hours: int) -> Letter:
    """The letter that proves an address."""
    return _write("activation", language, username=username, hours=hours, link=f"{page}/#/activation/{quote(token)}")


def already_registered(language: str, page: str) -> Letter:
    """The letter to somebody whose address was registered again."""
    return _write("already_registered", language, link=f"{page}/#/login")


def password_reset(language: str, page: str, *, username: str, token: str, minutes: int) -> Letter:
    """The letter that lets its reader choose a new password."""
    return _write("password_reset", language, username=username, minutes=minutes, link=f"{page}/#/reset/{quote(token)}")


def password_changed(language: str, page: str, *, username: str) -> Letter:
    """The letter that tells of a new password."""
    return _write("password_changed", language, username=username, link=f"{page}/#/reset")


def new_device(language: str, page: str, *, username: str) -> Letter:
    """The letter that tells of a log-in from a browser that was not seen before."""
    return _write("new_device", language, username=username, link=f"{page}/#/sessions")


def identity_bound(language: str, page: str, *, username: str) -> Letter:
    """The letter that tells of an account elsewhere that one may log in with from now on."""
    return _write("identity_bound", language, username=username, link=f"{page}/#/account")


def identity_unbound(language: str, page: str, *, username: str) -> Letter:
    """The letter that tells of one that one may not log in with any more."""
    return _write("identity_unbound", language, username=username, link=f"{page}/#/account")


def token_reused(language: str, page: str, *, username: str) -> Letter:
    """The letter that tells of a refresh token that came twice: somebody may have stolen it."""
    return _write("token_reused", language, username=username, link=f"{page}/#/sessions")


def _write(name: str, language: str, **words: object) -> Letter:
    subject, text = _WORDS[name][language.startswith("zh")]
    if "username" in words:
        words["username"] = _unlinked(str(words["username"]))
    return Letter(subject, text.strip().format_map(words) + "\n")


def _unlinked(username: str) -> str:
    """Return a name so that no mail program makes a link of it: "win.prizes.example" is one, and we write to anybody.

    A word joiner behind a dot is not seen, and no host's name holds one.  Who reads names of hosts reads a wide dot as
    one, and whatever else folds into one.
    """
    return "".join(f"{char}\u2060" if "." in unicodedata.normalize("NFKC", char) else char for char in username)


# For each letter: English, Chinese.
_WORDS: Final[dict[str, tuple[tuple[str, str], tuple[str, str]]]] = {
    "activation": (
        ("Activate your account at Dada", """
Hello {username},

please follow this link to activate your account at Dada.  It is good for {hours} hours, once:

{link}

If it was not you who registered: do not follow it, and do nothing.
"""),
        ("激活您的达达商城帐号", """
{username}，您好：

请点击下面的链接，激活您在达达商城的帐号（{hours} 小时内有效，只能用一次）：

{link}

如果不是您注册的，请不要点击，也无须做任何事。
"""),
    ),
    "already_registered": (
        ("You have an account at Dada already", """
Hello,

somebody registered at Dada with your address, and you have an account already.
If it was you, log in or choose a new password:

{link}

If it was not you: nothing has changed, and nothing is to be done.
"""),
        ("您已经有达达商城的帐号", """
您好：

有人用您的邮箱注册达达商城，但您已经有帐号了。如果是您本人，请直接登录，或者重设密码：

{link}

如果不是您，无须做任何事：没有任何改变。
"""),
    ),
    "password_reset": (
        ("Choose a new password at Dada", """
Hello {username},

follow this link to choose a new password.  It is good for {minutes} minutes, once:

{link}

If it was not you who asked: do nothing, the old one stays.
"""),
        ("重设您的达达商城密码", """
{username}，您好：

请点击下面的链接，重设您的密码（{minutes} 分钟内有效，只能用一次）：

{link}

如果不是您要求的，无须做任何事：旧密码仍然有效。
"""),
    ),
    "password_changed": (
        ("Your password at Dada was changed", """
Hello {username},

your password was just changed, and all other devices were logged out.
If it was not you, choose a new one at once:

{link}
"""),
        ("您的达达商城密码已修改", """
{username}，您好：

您的密码刚刚被修改，其他设备已全部退出。如果不是您，请立即重设密码：

{link}
"""),
    ),
    "token_reused": (
        ("A log-in at Dada was ended", """
Hello {username},

a log-in of yours was used twice, as if it had been stolen; it was ended.
Please look through the others:

{link}
"""),
        ("达达商城：一次登录已被终止", """
{username}，您好：

您的一个登录凭证被使用了两次，可能已被盗用，该设备已退出。请检查您的其他登录：

{link}
"""),
    ),
    "new_device": (
        ("A log-in at Dada from another browser", """
Hello {username},

somebody just logged in to your account, from a browser that we have not seen with you before.
If it was you, nothing is to be done.  If not, log it out here, and choose a new password:

{link}
"""),
        ("达达商城：您的帐号在新的浏览器上登录", """
{username}，您好：

刚刚有人在一个您没有用过的浏览器上登录了您的帐号。如果是您本人，无须做任何事；
如果不是，请在这里让它退出，并重设密码：

{link}
"""),
    ),
    "identity_bound": (
        ("One more way to log in at Dada", """
Hello {username},

an account elsewhere was just bound to yours: whoever has it can log in as you from now on.
If it was not you, take it away again, and choose a new password:

{link}
"""),
        ("达达商城：您的帐号绑定了第三方登录", """
{username}，您好：

您的帐号刚刚绑定了一个第三方帐号，以后用它也可以登录。如果不是您本人，请解除绑定，并重设密码：

{link}
"""),
    ),
    "identity_unbound": (
        ("One way less to log in at Dada", """
Hello {username},

an account elsewhere was taken from yours: nobody can log in with it any more.
If it was not you, choose a new password:

{link}
"""),
        ("达达商城：第三方登录已解除绑定", """
{username}，您好：

您的帐号刚刚解除了一个第三方帐号的绑定，以后不能再用它登录。如果不是您本人，请重设密码：

{link}
"""),
    ),
}  # fmt: skip
