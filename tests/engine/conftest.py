"""What several tests of the engine stand on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis

from tests.conftest import Running


@pytest.fixture
def valkey(running: Running) -> Iterator[redis.Redis]:
    """The real doorbell's own server, empty before and after."""
    client = redis.Redis.from_url(running.redis_url)
    client.flushall()
    yield client
    client.flushall()
    client.close()
