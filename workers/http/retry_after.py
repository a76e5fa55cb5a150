"""What a partner's ``Retry-After`` asks for (RFC 9110, 10.2.3)."""

from __future__ import annotations

import time
from datetime import UTC
from email.utils import parsedate_to_datetime


def seconds_of(word: str) -> float | None:
    """How long to leave a partner alone: it names seconds, or a moment to come, by real time as the partner's is. None for anything
    else."""
    if word.isascii() and word.isdecimal():
        return float(word)
    try:
        at = parsedate_to_datetime(word)
        left = (at if at.tzinfo is not None else at.replace(tzinfo=UTC)).timestamp() - time.time()
    except (ValueError, OverflowError):
        return None
    return left if left > 0 else None
