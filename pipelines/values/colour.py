"""Colours as web pages write them, and whether white letters can be read on one (WCAG 2.2, contrast minimum)."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

LEGIBLE: Final = Decimal("4.5")
"""The least contrast at which text is legible to most."""

_WEIGHTS: Final = (Decimal("0.2126"), Decimal("0.7152"), Decimal("0.0722"))
_GLARE: Final = Decimal("0.05")


def contrast_with_white(colour: str) -> Decimal:
    """The contrast of ``colour`` (``#rrggbb``) with white, from 1 for white itself to 21 for black."""
    channels = (_linear(int(colour[at : at + 2], 16)) for at in (1, 3, 5))
    luminance = sum(weight * channel for weight, channel in zip(_WEIGHTS, channels, strict=True))
    return Decimal("1.05") / (luminance + _GLARE)


def _linear(channel: int) -> Decimal:
    """The light of a channel of 0 to 255, as a share of the whole (sRGB)."""
    share = Decimal(channel) / 255
    if share <= Decimal("0.04045"):
        return share / Decimal("12.92")
    return Decimal((share + Decimal("0.055")) / Decimal("1.055")) ** Decimal("2.4")
