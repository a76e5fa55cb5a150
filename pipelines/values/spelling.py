"""What spellings of one thing differ in without a difference: characters that nobody sees, and the many hyphens."""

from __future__ import annotations

import re
from typing import Final

HYPHENS: Final = "-‐‑‒–—―−﹘﹣－ーｰ─━~〜～"
"""All that stands for a hyphen between digits (B.9.2). Between letters ー is a letter: センター."""

INVISIBLE: Final = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\U000e0000-\U000e0fff"
)
"""Unicode's Default_Ignorable_Code_Point, for the brackets of a pattern: zero-width spaces and joiners, soft hyphen,
marks of direction, selectors of variants."""

_INVISIBLE: Final = re.compile(f"[{INVISIBLE}]")


def visible(text: str) -> str:
    """``text`` without the characters that a copied text carries along unseen."""
    return text if text.isascii() else _INVISIBLE.sub("", text)
