"""Fixtures of tests that deliver mails."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from tests.mail.line import LINES, Line


@pytest.fixture(params=LINES)
def line(request: pytest.FixtureRequest) -> Iterator[Line]:
    """What becomes of a mail is the same on each (RFC 5321, 2920, 3030)."""
    loop, offers = LINES[request.param]
    with asyncio.Runner(loop_factory=loop) as runner:
        yield Line(runner, offers)
