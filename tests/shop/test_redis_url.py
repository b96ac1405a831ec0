"""Where Redis is, as REDIS_URL says it."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shop.redis_url import Place, read, wrong

RIGHT = {
    "one": ("redis://127.0.0.1:6379/0", Place("one")),
    "one with a password and options": ("rediss://:s%40@h/3?ssl_cert_reqs=required", Place("one")),
    "a socket": ("unix:///run/redis.sock?db=1", Place("one")),
    "Sentinels": (
        "redis+sentinel://a:1,b:2,[::1]:3/dada/4",
        Place("sentinel", (("a", 1), ("b", 2), ("::1", 3)), "dada", 4),
    ),
    "Sentinels at their usual port": ("redis+sentinel://a/dada", Place("sentinel", (("a", 26379),), "dada")),
    "a user with TLS": (
        "rediss+sentinel://u%3A:p%40@a/dada/",
        Place("sentinel", (("a", 26379),), "dada", 0, {"username": "u:", "password": "p@", "ssl": True}, {"ssl": True}),
    ),
    "Sentinels with a password of their own": (
        "redis+sentinel://:p@a/dada?sentinels=:q%26",
        Place("sentinel", (("a", 26379),), "dada", 0, {"password": "p"}, {"password": "q&"}),
    ),
    "Sentinels with a user of their own": (
        "redis+sentinel://a/dada/?sentinels=u:q",
        Place("sentinel", (("a", 26379),), "dada", 0, {}, {"username": "u", "password": "q"}),
    ),
    "a cluster": ("redis+cluster://a:1,b/", Place("cluster", (("a", 1), ("b", 6379)))),
    "a cluster with a password": ("redis+cluster://:p@a/0", Place("cluster", (("a", 6379),), "", 0, {"password": "p"})),
}  # fmt: skip
HOST, PORT, NAME, DB = (
    "a host is missing",
    "a port is no number up to 65535",
    "the master's name is missing, or none",
    "the database is no number",
)
MORE = "nothing but ?sentinels=user:password may follow, for Sentinels"  # fmt: skip
WRONG = {
    "another protocol": ("http://a", "this is no redis, rediss, unix, redis+sentinel"),
    "no protocol": ("a:1", "this is no redis"),
    "no URL": ("redis://[a", "this is no URL"),
    "no host": ("redis:///0", "the host is missing"),
    "a port that is no number": ("redis://a:x", PORT),
    "no name": ("redis+sentinel://a", NAME),
    "a name with blanks": ("redis+sentinel://a/da da/0", NAME),
    "a database that is none": ("redis+sentinel://a/dada/x", DB),
    "a host too few": ("redis+cluster://a,,b", HOST),
    "no host at all": ("redis+cluster://", HOST),
    "a port beyond all": ("redis+cluster://a:65536", PORT),
    "port 0": ("redis+cluster://a:0", PORT),
    "a bracket that does not close": ("redis+cluster://a,[::1", "this is no URL"),
    "a cluster's second database": ("redis+cluster://a/1", "a cluster has one database, 0"),
    "what no such URL has": ("redis+cluster://a?db=1", MORE),
    "Sentinels of a cluster": ("redis+cluster://a?sentinels=u:swordfish", MORE),
    "another option": ("redis+sentinel://a/dada?password=swordfish", MORE),
    "all of it": ("redis+sentinel://u:swordfish@,a:x//y#z", f"{HOST}; {PORT}; {NAME}; {DB}; {MORE}"),
}


@pytest.mark.parametrize(("url", "place"), RIGHT.values(), ids=RIGHT)
def test_a_url_names_a_place(url, place):
    assert wrong(url) == ""
    assert read(url) == place


@pytest.mark.parametrize(("url", "told"), WRONG.values(), ids=WRONG)
def test_all_that_is_wrong_is_told_and_nothing_quoted(url, told):
    assert wrong(url).startswith(told)
    assert "swordfish" not in wrong(url)
    with pytest.raises(ValueError, match=re.escape(told)):
        read(url)


@given(st.text(max_size=30) | st.text(max_size=30).map("redis+sentinel://{}".format))
def test_any_text_is_a_place_or_wrong(url):
    told = wrong(url)
    assert told or isinstance(read(url), Place)
