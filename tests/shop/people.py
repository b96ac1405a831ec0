"""People for the tests of the shop: registered, activated, logged in."""

from sqlalchemy import select

from shop import accounts, tokens
from shop.services import Services
from shop.tables import one_time_tokens, outbox
from shop.tokens import Device

PASSWORD = "correct horse battery"

__all__ = ["PASSWORD", "jobs", "join", "log_in", "register", "token_for", "user_row"]


def register(services: Services, name: str = "ada", email: str | None = None, **others):
    """Register somebody."""
    email = email or f"{name}@example.org"
    return accounts.register(services, username=name, password=PASSWORD, email=email, language="en", **others)


def token_for(services: Services, user_id: int, purpose: str = "activation") -> str:
    """Return a letter's token for a user."""
    with services.db.write() as tx:
        return accounts.mint(tx, services, accounts.lock(tx, user_id), purpose)


def join(services: Services, name: str = "ada", email: str | None = None):
    """Register and activate somebody."""
    account = register(services, name, email)
    return accounts.activate(services, token_for(services, account.id))


def log_in(services: Services, name: str = "ada", password: str = PASSWORD, agent: str = "a browser"):
    """Log somebody in, and return his tokens."""
    return tokens.log_in(services, accounts.authenticate(services, name, password), Device(agent, "127.0.0.0/24"))


def user_row(services: Services, user_id: int):
    """Return a user's row."""
    return accounts.profile(services, user_id)


def jobs(services: Services) -> list[tuple[str, str]]:
    """Return task and arguments of every row of the outbox, in order."""
    with services.db.read() as connection:
        rows = connection.execute(select(outbox).order_by(outbox.c.created_at, outbox.c.id)).all()
    return [(row.task, row.args) for row in rows]


def kept_digests(services: Services) -> list[bytes]:
    """Return the digests of all one-time tokens."""
    with services.db.read() as connection:
        return list(connection.execute(select(one_time_tokens.c.digest)).scalars())
