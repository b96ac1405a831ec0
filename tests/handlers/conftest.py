"""The web edge is tested on SQLite; what differs between databases is tested below it."""

import shutil
from pathlib import Path

import pytest


@pytest.fixture
def database_url(empty_sqlite: Path, tmp_path: Path) -> str:
    """An empty SQLite database."""
    shutil.copy(empty_sqlite, tmp_path / "shop.db")
    return f"sqlite:///{tmp_path}/shop.db"
