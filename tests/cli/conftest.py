"""The database of commands."""

from __future__ import annotations

import pytest

from tests.world import World


@pytest.fixture
def database(world: World, database_url: str, monkeypatch: pytest.MonkeyPatch) -> World:
    """A world whose database the commands use."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    return world
