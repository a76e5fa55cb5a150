"""The key of a coupon's code (クーポンコード): what all of its spellings share."""

from __future__ import annotations

import unicodedata


def coupon_key(code: str) -> str:
    """What all spellings of a code share: full width, case and spaces around it do not matter."""
    plain = unicodedata.normalize("NFKC", code).casefold()
    return unicodedata.normalize("NFKC", plain).strip()  # once more: folding may take a composed character apart
