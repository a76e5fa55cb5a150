"""How work grows with the text: a ratio of two processor times on one machine, so that no machine is too slow for it."""

from __future__ import annotations

import time
from collections.abc import Callable

_ROUNDS = 5


def growth(work: Callable[[str], object], small: str, large: str, repeat: int = 1) -> float:
    """How many times the processor time of ``small`` the text ``large`` takes, each the least of some rounds."""
    return _least(work, large, repeat) / max(_least(work, small, repeat), 1e-7)


def _least(work: Callable[[str], object], text: str, repeat: int) -> float:
    def one_round() -> float:
        start = time.process_time()
        for _ in range(repeat):
            work(text)
        return time.process_time() - start

    return min(one_round() for _ in range(_ROUNDS))
