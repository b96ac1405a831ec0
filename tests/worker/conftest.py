"""The worker is tested on SQLite here; its processes in tests/faults, on both."""

import shutil
from pathlib import Path

import pytest


@pytest.fixture
def database_url(empty_sqlite: Path, tmp_path: Path) -> str:
    """An empty SQLite database."""
    shutil.copy(empty_sqlite, tmp_path / "shop.db")
    return f"sqlite:///{tmp_path}/shop.db"
