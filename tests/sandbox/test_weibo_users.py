"""The made-up users: every profile has the members, types and spellings that were recorded."""

import json
from datetime import datetime

import pytest

from sandbox.weibo_users import USERS, User, profile

# open.weibo.com/wiki/2/users/show, and a recorded answer.
TYPES = {
    "id": int, "idstr": str, "class": int, "screen_name": str, "name": str, "province": str, "city": str,
    "location": str, "description": str, "url": str, "profile_image_url": str, "profile_url": str, "domain": str,
    "weihao": str, "gender": str, "followers_count": int, "friends_count": int, "pagefriends_count": int,
    "statuses_count": int, "favourites_count": int, "created_at": str, "following": bool, "allow_all_act_msg": bool,
    "geo_enabled": bool, "verified": bool, "verified_type": int, "remark": str, "ptype": int,
    "allow_all_comment": bool, "avatar_large": str, "avatar_hd": str, "verified_reason": str, "verified_trade": str,
    "verified_reason_url": str, "verified_source": str, "verified_source_url": str, "follow_me": bool,
    "online_status": int, "bi_followers_count": int, "lang": str, "star": int, "mbtype": int, "mbrank": int,
    "block_word": int, "block_app": int, "credit_score": int, "user_ability": int, "urank": int,
}  # fmt: skip

everyone = pytest.mark.parametrize("user", USERS, ids=lambda user: str(user.uid))


@everyone
def test_a_profile_has_every_member_of_its_type_and_order(user):
    body = profile(user, "http://127.0.0.1:9000", authorised=True)
    status = body.pop("status", None)
    assert {name: type(value) for name, value in body.items()} == TYPES
    assert list(body) == list(TYPES)
    assert (status is not None) == bool(user.status)


@everyone
def test_a_profile_says_who_it_is(user):
    body = profile(user, "http://127.0.0.1:9000", authorised=True)
    assert (body["id"], body["idstr"], body["profile_url"]) == (user.uid, str(user.uid), f"u/{user.uid}")
    assert body["screen_name"] == body["name"] == user.screen_name
    assert body["description"] == user.description
    assert body["avatar_large"] == f"http://127.0.0.1:9000/avatar/{user.uid}.svg"


@everyone
def test_without_a_grant_a_profile_has_no_words(user):
    body = profile(user, "", authorised=False)
    assert body["description"] == ""
    assert "status" not in body


@everyone
def test_a_user_obeys_weibo_s_own_rules(user):
    assert 2 <= len(user.screen_name) <= 30
    assert user.gender in ("m", "f", "n")
    assert user.uid < 2**63
    moment = datetime.strptime(user.created_at, "%a %b %d %H:%M:%S %z %Y")
    assert moment.strftime("%a %b %d %H:%M:%S %z %Y") == user.created_at


def test_users_are_told_apart_by_number_name_and_address():
    for part in ("uid", "screen_name", "email"):
        assert len({getattr(user, part) for user in USERS}) == len(USERS)


def test_one_number_is_beyond_what_a_double_can_tell():
    big = next(user for user in USERS if user.uid > 2**53)
    assert int(float(json.dumps(big.uid))) != big.uid  # what JavaScript makes of `id`; `idstr` is right


def test_one_name_looks_like_html_and_one_account_has_no_real_name():
    assert any("<" in user.screen_name and "&" in user.screen_name for user in USERS)
    assert [user.real_name for user in USERS].count(False) == 1


def test_a_user_needs_no_more_than_a_number_a_name_and_an_address():
    body = profile(User(1, "x", "x@weibo.example"), "", authorised=True)
    assert body["gender"] == "n"
    assert "status" not in body
