"""Data directories that the engines' user can reach: empty ones, and ones whose first start is behind them."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from workers.process.embedded import EmbeddedEngines


@contextmanager
def directory_in_tmp() -> Iterator[Path]:
    """Not tmp_path: its parents are closed (0700) to the user nobody, whom the engines run as for root."""
    path = Path(tempfile.mkdtemp(prefix="shukka-test-", dir="/tmp"))
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def empty() -> Iterator[Path]:
    """An empty directory, closed to others as mkdtemp makes it."""
    with directory_in_tmp() as path:
        yield path


@pytest.fixture(scope="session")
def data() -> Iterator[Path]:
    """A data directory whose first start is behind it; the tests share it one after the other and leave it usable."""
    with directory_in_tmp() as path:
        with EmbeddedEngines(path):
            pass
        yield path


@pytest.fixture
def copy(empty: Path, data: Path) -> Path:
    """A copy of such a directory, to be spoiled."""
    subprocess.run(["cp", "-a", f"{data}/.", empty], check=True)
    return empty
