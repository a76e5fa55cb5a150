"""How many examples a property is tried on: a part of them in ``make test``, all of them in ``make test-long``."""

from __future__ import annotations

import os
from typing import Final

ALL: Final = "SHUKKA_ALL_EXAMPLES"
_PART: Final = 5


def examples(count: int) -> int:
    """``count`` where all are asked for, else a part."""
    return count if os.environ.get(ALL) else max(1, count // _PART)
