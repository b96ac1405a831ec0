"""Addresses: where a user's parcels go; one of them is the default.

Every look-up names the user as well as the address, so that nobody reads another's by its number.  A change names the
version that was seen (RFC 9110 §13.1.1): whoever was slower hears of it and overwrites nothing.

This file knows addresses; whose turn it is to ask is for the edge.
"""

from typing import Any, Final

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from shop.errors import Refused
from shop.services import Services
from shop.tables import addresses, users

__all__ = ["MOST", "add", "change", "get", "list_of", "make_default", "owner_of", "remove"]

MOST: Final = 50


def list_of(services: Services, user_id: int, *, after: int = 0, limit: int = 20) -> list[Row[Any]]:
    """Return up to *limit* of the user's addresses, those behind the number *after*, in the order of their numbers."""
    query = select(addresses).where(addresses.c.user_id == user_id, addresses.c.id > after)
    with services.db.read() as connection:
        return list(connection.execute(query.order_by(addresses.c.id).limit(limit)).all())


def get(services: Services, user_id: int, address_id: int) -> Row[Any]:
    """Return one address.  Raise :exc:`Refused`: not-found, for another user's as for none."""
    with services.db.read() as connection:
        row = connection.execute(select(addresses).where(_mine(user_id, address_id))).first()
    if row is None:
        raise Refused("not-found")
    return row


def owner_of(services: Services, address_id: int) -> int | None:
    """Return whose address this is, for the record of who asked for another's; None for no address."""
    with services.db.read() as connection:
        return connection.execute(select(addresses.c.user_id).where(addresses.c.id == address_id)).scalar()


def add(services: Services, user_id: int, parts: dict[str, str]) -> Row[Any]:
    """Write a new address; the first one is the default.  Raise :exc:`Refused`: too-many-addresses."""
    with services.db.write() as tx:
        _one_at_a_time(tx, user_id)  # for the count
        count = tx.execute(select(func.count()).where(addresses.c.user_id == user_id)).scalar_one()
        if count >= MOST:
            raise Refused("too-many-addresses", f"at most {MOST}")
        values = {**parts, "user_id": user_id, "is_default": None if count else True, "created_at": services.now_ms}
        address_id = tx.execute(insert(addresses).values(values)).inserted_primary_key[0]  # type: ignore[index]
        return tx.execute(select(addresses).where(addresses.c.id == address_id)).one()


def change(services: Services, user_id: int, address_id: int, version: int, parts: dict[str, str]) -> Row[Any] | None:
    """Change an address, and return its row; None if it is not at *version* any more."""
    same = _mine(user_id, address_id) & (addresses.c.version == version)
    with services.db.write() as tx:
        if tx.execute(update(addresses).where(same).values(version=version + 1, **parts)).rowcount != 1:
            return None
        return tx.execute(select(addresses).where(addresses.c.id == address_id)).one()


def remove(services: Services, user_id: int, address_id: int, version: int) -> bool:
    """Delete an address; False if it is not at *version* any more."""
    same = _mine(user_id, address_id) & (addresses.c.version == version)
    with services.db.write() as tx:
        return tx.execute(delete(addresses).where(same)).rowcount == 1


def make_default(services: Services, user_id: int, address_id: int) -> None:
    """Make one address the default, and the one before it no more.  Raise :exc:`Refused`: not-found."""
    mine = addresses.c.user_id == user_id
    with services.db.write() as tx:
        _one_at_a_time(tx, user_id)  # or two of them would each find the same one to be the default no more
        there = tx.execute(select(addresses.c.id).where(_mine(user_id, address_id)).with_for_update()).first()
        if there is None:
            raise Refused("not-found")
        for which, value in ((mine & addresses.c.is_default.is_(True), None), (_mine(user_id, address_id), True)):
            tx.execute(update(addresses).where(which).values(is_default=value, version=addresses.c.version + 1))


def _one_at_a_time(tx: Connection, user_id: int) -> None:
    """Let nobody else who calls this for the same user go on until *tx* ends."""
    tx.execute(select(users.c.id).where(users.c.id == user_id).with_for_update())


def _mine(user_id: int, address_id: int) -> Any:
    return (addresses.c.id == address_id) & (addresses.c.user_id == user_id)
