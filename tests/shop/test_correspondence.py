"""Which letter a user is due, when it is written."""

import pytest

from shop import accounts, correspondence
from tests.shop.people import join, kept_digests, register

TOLD = ("new_device", "identity_bound", "identity_unbound")


@pytest.mark.parametrize("kind", TOLD)
def test_what_is_to_be_told_is_told_to_an_address_that_was_proved(services, kind):
    account = join(services)
    addressed = correspondence.write(services, kind, account.id)
    assert addressed.to == "ada@example.org"
    assert "ada" in addressed.letter.text
    assert correspondence.write(services, kind, register(services, "eve").id) is None


def test_who_has_to_prove_his_address_gets_a_link(services):
    account = register(services)
    addressed = correspondence.write(services, "activation", account.id)
    assert addressed.to == "ada@example.org"
    assert "/#/activation/" in addressed.letter.text
    assert len(kept_digests(services)) == 1


@pytest.mark.parametrize("kind", ["activation", "reset", "password_changed", "token_reused", *TOLD])
def test_nobody_gets_no_letter(services, kind):
    assert correspondence.write(services, kind, 0) is None
    account = join(services)
    accounts.disable(services, account.id)
    assert correspondence.write(services, kind, account.id) is None


def test_who_proved_his_address_needs_no_activation_and_who_did_not_gets_no_reset(services):
    assert correspondence.write(services, "activation", join(services).id) is None
    assert correspondence.write(services, "reset", register(services, "eve").id) is None


def test_an_address_that_another_proved_gets_no_link(services):
    join(services)
    second = register(services, "second", "ada@example.org")
    before = kept_digests(services)
    addressed = correspondence.write(services, "activation", second.id)
    assert addressed.letter.subject == "You have an account at Dada already"
    assert kept_digests(services) == before


@pytest.mark.parametrize(("proved", "typed"), [
    ("Ada@example.org", "ada@example.org"), ("strasse@example.org", "straße@example.org"),
    ("kate@example.org", "\u212aate@example.org"),
])  # fmt: skip
def test_who_spells_another_s_address_otherwise_is_not_told_that_it_has_an_account_and_its_owner_is(
    services, proved, typed
):
    join(services, "owner", proved)
    second = register(services, "second", typed)
    assert correspondence.write(services, "activation", second.id).to == proved
