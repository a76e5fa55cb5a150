"""The carriers' inquiry pages, served by a process of their own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import httpx
import pytest

from tests.sandbox.world import Running, running


@dataclass(frozen=True)
class Pages:
    """The fake at work."""

    process: Running

    def url(self, carrier: str) -> str:
        return f"{self.process.url}/{carrier}"

    def scanned(self, number: str, *history: tuple[str, datetime]) -> None:
        """What the carrier saw of a parcel, the whole of it."""
        told = {"number": number, "history": [{"word": word, "at": at.isoformat()} for word, at in history]}
        assert httpx.post(f"{self.process.url}/_parcels", json=told).status_code == 202

    def fail(self, **rates: float) -> None:
        assert httpx.post(f"{self.process.url}/_faults", json=rates).status_code == 200

    def asked(self) -> list[list[str]]:
        """The numbers of each call so far."""
        return [one["numbers"] for one in self.process.records("asked")]


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    journal: Path = tmp_path_factory.mktemp("carriers") / "journal"
    with running("carriers", journal) as process:
        yield process


@pytest.fixture
def pages(served: Running) -> Iterator[Pages]:
    """Pages that work, whatever a test before did to them."""
    yield Pages(served)
    Pages(served).fail(down_rate=0, cut_rate=0, changed_rate=0, busy_rate=0)
