"""JSON of partners that is odd and no mistake of theirs: it stands in fields that nobody reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

ODD: Final[Mapping[str, str]] = {
    "beyond 64 bits": "18446744073709551615",
    "longer than any number": "9" * 5000,
    "infinite": "1e400",
    "U+0000": '"\\u0000"',
    "half a pair": '"\\ud800"',
    "40 levels": "[" * 40 + "]" * 40,
}
