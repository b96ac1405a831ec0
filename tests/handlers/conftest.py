"""The web edge is tested on SQLite; what differs between databases is tested below it."""

import shutil
from pathlib import Path

import pytest

from dada.testing import Client
from shop.services import Services
from tests.conftest import PAGE
from tests.handlers.description import CheckedClient
from wsgi import make_app


@pytest.fixture
def database_url(empty_sqlite: Path, tmp_path: Path) -> str:
    """An empty SQLite database."""
    shutil.copy(empty_sqlite, tmp_path / "shop.db")
    return f"sqlite:///{tmp_path}/shop.db"


@pytest.fixture
def api(services: Services) -> Client:
    """The API in process, called by a page of the right origin; each answer is held against what is declared of it."""
    return CheckedClient(make_app(services), {"Origin": PAGE})
