"""The made-up people who have an account at the look-alike.

Five, because five cases must be shown: a Chinese name, a mixed one, an English one, an account without a real
name and with an emoji, and one whose screen name and number break careless programs: the name looks like HTML,
and the number is 2⁵³ + 1, which JavaScript reads as 2⁵³; only `idstr` is right.

The members of a profile, their names, types and order are those of a recorded answer of users/show
(open.weibo.com/wiki/2/users/show); the people, their words and their numbers are invented.

This file knows people; it does not know who may ask for them.
"""

from dataclasses import dataclass
from typing import Any, Final

__all__ = ["USERS", "User", "profile"]


@dataclass(frozen=True, slots=True)
class User:
    """A person at the look-alike; *created_at* is spelled as Weibo spells times."""

    uid: int
    screen_name: str
    email: str
    gender: str = "n"
    province: str = "100"
    city: str = "1000"
    location: str = "其他"
    description: str = ""
    created_at: str = "Thu Mar 12 20:57:07 +0800 2015"
    followers: int = 0
    friends: int = 0
    status: str = ""
    real_name: bool = True
    lang: str = "zh-cn"


USERS: Final = (
    User(
        9000000001, "林小满", "xiaoman@weibo.example", "f", "11", "8", "北京 海淀区",
        "写字，走路，背很重的书。", "Tue May 03 09:12:44 +0800 2016", 328, 214, "今天的包里只有一本书和一个苹果。",
    ),
    User(
        9000000002, "阿达爱背包Dada", "dada@weibo.example", "m", "31", "1", "上海 黄浦区",
        "收集帆布包的人。", "Wed Aug 28 18:30:05 +0800 2013", 5120, 97, "第三十七个帆布包到了。",
    ),
    User(
        9000000003, "Ada_Lovebags", "ada@weibo.example", "f", "400", "2", "海外 英国",
        "Notes on engines, and on bags.", "Sat Dec 10 10:15:00 +0800 2011", 1815, 1852, "", lang="en",
    ),
    User(
        9000000004, "老王🎒在路上", "laowang@weibo.example", "m", "44", "1", "广东 广州",
        created_at="Mon Jan 01 00:00:00 +0800 2018", followers=12, friends=40, real_name=False,
    ),
    User(
        9007199254740993, "<i>Tom</i> & \"Jerry\"", "tom@weibo.example", "n",
        description="</p><script>alert('not escaped')</script>", created_at="Fri Feb 29 12:00:00 +0800 2008",
        followers=1, friends=1,
    ),
)  # fmt: skip


# What these people have in common with most: nothing is verified, nobody is blocked, nobody is a star.
_ORDINARY: Final[dict[str, Any]] = {
    "ptype": 0,
    "allow_all_comment": True,
    "avatar_large": "",
    "avatar_hd": "",
    "verified_reason": "",
    "verified_trade": "",
    "verified_reason_url": "",
    "verified_source": "",
    "verified_source_url": "",
    "follow_me": False,
    "online_status": 0,
    "bi_followers_count": 0,
    "lang": "",
    "star": 0,
    "mbtype": 0,
    "mbrank": 0,
    "block_word": 0,
    "block_app": 0,
    "credit_score": 80,
    "user_ability": 0,
    "urank": 4,
}


def profile(user: User, base: str, *, authorised: bool) -> dict[str, Any]:
    """Return the body of users/show for *user*; pictures lie under *base*.

    Since 2014-11 whoever has not *authorised* the asking application is shown without words of their own: no
    description, no status (open.weibo.com/wiki/2/users/show).
    """
    picture = f"{base}/avatar/{user.uid}.svg"
    body: dict[str, Any] = {
        "id": user.uid,
        "idstr": str(user.uid),
        "class": 1,
        "screen_name": user.screen_name,
        "name": user.screen_name,
        "province": user.province,
        "city": user.city,
        "location": user.location,
        "description": user.description if authorised else "",
        "url": "",
        "profile_image_url": picture,
        "profile_url": f"u/{user.uid}",
        "domain": "",
        "weihao": "",
        "gender": user.gender,
        "followers_count": user.followers,
        "friends_count": user.friends,
        "pagefriends_count": 0,
        "statuses_count": int(bool(user.status)),
        "favourites_count": 0,
        "created_at": user.created_at,
        "following": False,
        "allow_all_act_msg": False,
        "geo_enabled": True,
        "verified": False,
        "verified_type": -1,
        "remark": "",
    }
    if user.status and authorised:
        body["status"] = _status(user)
    return body | _ORDINARY | {"avatar_large": picture, "avatar_hd": picture, "lang": user.lang}


def _status(user: User) -> dict[str, Any]:
    number = 3623190092000000 + user.uid % 1000
    return {
        "created_at": user.created_at,
        "id": number,
        "mid": str(number),
        "idstr": str(number),
        "text": user.status,
        "source_allowclick": 0,
        "source_type": 1,
        "source": "",
        "favorited": False,
        "truncated": False,
        "in_reply_to_status_id": "",
        "in_reply_to_user_id": "",
        "in_reply_to_screen_name": "",
        "pic_urls": [],
        "geo": None,
        "reposts_count": 0,
        "comments_count": 0,
        "attitudes_count": 0,
        "isLongText": False,
        "visible": {"type": 0, "list_id": 0},
    }
