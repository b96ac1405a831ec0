"""Families of origins that look trusted: none of them is, and each is what its name says."""

import pytest

from dada.cors_strangers import STRANGER, STRANGERS
from dada.origins import Origins, parse_origin

FAMILIES = {family.code: family for family in STRANGERS}
BASES = [
    "https://shop.example", "https://app.shop.example:8443", "http://127.0.0.1:7000", "http://localhost",
    "http://[::1]:3000", "https://intranet", "capacitor://localhost",
]  # fmt: skip
EXAMPLES = {  # of https://shop.example
    "any-origin-reflected": [STRANGER, "https://x"],
    "null": ["null"],
    "prefix": ["https://shop.example.stranger.invalid", "https://shop.examplestranger.invalid"],
    "suffix": ["https://evilshop.example", "https://evil-shop.example"],
    "unescaped-dot": ["https://shopxexample", "https://shop-example"],
    "substring": ["https://shop.exampl", "ttps://shop.example", "shop.example"],
    "special-characters": [
        "https://shop.example_.stranger.invalid", "https://shop.example%60.stranger.invalid",
        "https://stranger.invalid#shop.example",
    ],
    "any-subdomain": ["https://www.shop.example", "https://a.b.shop.example"],
    "http-downgrade": ["http://shop.example"],
    "any-port": ["https://shop.example:8443"],
    "loopback": ["http://localhost:3000", "http://127.0.0.1:8080"],
    "third-party": ["https://codepen.io", "https://stranger.github.io"],
    "loose-comparison": [
        "HTTPS://SHOP.EXAMPLE", "https://shop.example/", "https://shop.example,https://stranger.invalid",
        "https://shop.example:443", "//shop.example", "",
    ],
}  # fmt: skip


@pytest.mark.parametrize("code", FAMILIES)
def test_a_family_holds_what_its_name_says(code):
    assert set(EXAMPLES[code]) <= set(FAMILIES[code].origins("https://shop.example"))


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("code", FAMILIES)
def test_a_policy_of_the_one_origin_lets_no_other_of_the_family_in(code, base):
    policy = Origins([base])
    assert policy.problems == []
    assert not [origin for origin in FAMILIES[code].origins(base) if policy.contain(origin) and origin != base]


def test_a_suffix_is_what_a_stranger_can_register():
    suffixes, subdomains = (
        set(FAMILIES[code].origins("https://a.b.shop.co.uk")) for code in ("suffix", "any-subdomain")
    )
    assert suffixes == {"https://evilshop.co.uk", "https://evil-shop.co.uk"}
    assert {"https://evila.b.shop.co.uk", "https://evil.shop.co.uk", "https://www.a.b.shop.co.uk"} <= subdomains


@pytest.mark.parametrize("base", BASES)
def test_every_origin_can_travel_in_a_header(base):
    for family in STRANGERS:
        for origin in family.origins(base):
            assert origin.isascii()
            assert origin == "" or origin.isprintable()


def test_families_of_an_address_or_of_this_machine_leave_out_what_makes_no_sense():
    assert not list(FAMILIES["any-subdomain"].origins("http://127.0.0.1:7000"))
    assert not list(FAMILIES["any-subdomain"].origins("http://[::1]"))
    assert not list(FAMILIES["loopback"].origins("http://localhost:3000"))
    assert not list(FAMILIES["http-downgrade"].origins("http://shop.example"))


def test_what_somebody_could_register_is_an_origin_that_browsers_send():
    for code in ("any-origin-reflected", "suffix", "any-subdomain", "http-downgrade", "loopback", "third-party"):
        assert all(map(parse_origin, FAMILIES[code].origins("https://shop.example"))), code
    for code in ("prefix", "unescaped-dot", "substring"):
        assert any(map(parse_origin, FAMILIES[code].origins("https://shop.example"))), code
