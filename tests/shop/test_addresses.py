"""Addresses: one's own, by version, one of them the default."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from shop import addresses
from shop.errors import Refused
from tests.servers import PATIENCE
from tests.shop.people import join

PARTS = {"receiver": "Ada", "phone": "123", "detail": "1 Main Street", "region": "", "postcode": "", "tag": ""}


@pytest.fixture
def ada(services):
    return join(services).id


@pytest.fixture
def eve(services):
    return join(services, "eve").id


def test_the_first_address_is_the_default(services, ada):
    first, second = addresses.add(services, ada, PARTS), addresses.add(services, ada, PARTS | {"tag": "work"})
    assert (bool(first.is_default), bool(second.is_default), second.tag) == (True, False, "work")
    assert [row.id for row in addresses.list_of(services, ada)] == [first.id, second.id]


def test_there_are_at_most_fifty(services, ada):
    for _ in range(addresses.MOST):
        addresses.add(services, ada, PARTS)
    with pytest.raises(Refused) as caught:
        addresses.add(services, ada, PARTS)
    assert caught.value.reason == "too-many-addresses"


def test_they_are_listed_a_page_at_a_time(services, ada):
    ids = [addresses.add(services, ada, PARTS).id for _ in range(5)]
    assert [row.id for row in addresses.list_of(services, ada, limit=2)] == ids[:2]
    assert [row.id for row in addresses.list_of(services, ada, after=ids[1], limit=9)] == ids[2:]


def test_another_s_address_is_as_if_there_were_none(services, ada, eve):
    mine = addresses.add(services, ada, PARTS)
    for call in (
        lambda: addresses.get(services, eve, mine.id),
        lambda: addresses.make_default(services, eve, mine.id),
        lambda: addresses.get(services, ada, mine.id + 1000),
    ):
        with pytest.raises(Refused) as caught:
            call()
        assert caught.value.reason == "not-found"
    assert addresses.change(services, eve, mine.id, 1, PARTS) is None
    assert not addresses.remove(services, eve, mine.id, 1)
    assert addresses.list_of(services, eve) == []


def test_whoever_is_slower_overwrites_nothing(services, ada):
    row = addresses.add(services, ada, PARTS)
    changed = addresses.change(services, ada, row.id, 1, PARTS | {"receiver": "A"})
    assert (changed.version, changed.receiver) == (2, "A")
    assert addresses.change(services, ada, row.id, 1, PARTS) is None
    assert not addresses.remove(services, ada, row.id, 1)
    assert addresses.remove(services, ada, row.id, 2)
    assert addresses.list_of(services, ada) == []


def test_there_is_one_default_at_most(services, ada):
    first, second = addresses.add(services, ada, PARTS), addresses.add(services, ada, PARTS)
    addresses.make_default(services, ada, second.id)
    addresses.make_default(services, ada, second.id)
    defaults = {row.id: bool(row.is_default) for row in addresses.list_of(services, ada)}
    assert defaults == {first.id: False, second.id: True}
    assert addresses.get(services, ada, first.id).version == 2


def test_two_who_choose_a_default_at_once_leave_one_and_break_nothing(services, ada):
    ids = [addresses.add(services, ada, PARTS).id for _ in range(8)]
    gate = threading.Barrier(4)

    def choose(mine):
        gate.wait(PATIENCE)
        for address_id in mine * 4:
            addresses.make_default(services, ada, address_id)
        return True

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(choose, [ids[:3], ids[2:5], ids[4:7], ids[6:]]))
    assert sum(bool(row.is_default) for row in addresses.list_of(services, ada)) == 1
