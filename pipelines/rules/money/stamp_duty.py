"""Stamp duty (印紙税) on a paper receipt, document no. 17-1 (B.1.5): what of revenue stamps goes on it, in yen."""

from __future__ import annotations

from typing import Final

#: (yen received up to and with, yen of stamps).
_STEPS: Final = (
    (1_000_000, 200),
    (2_000_000, 400),
    (3_000_000, 600),
    (5_000_000, 1_000),
    (10_000_000, 2_000),
    (20_000_000, 4_000),
    (30_000_000, 6_000),
    (50_000_000, 10_000),
    (100_000_000, 20_000),
    (200_000_000, 40_000),
    (300_000_000, 60_000),
    (500_000_000, 100_000),
    (1_000_000_000, 150_000),
)
_ABOVE: Final = 200_000
#: Yen below which nothing is due.
_FROM: Final = 50_000


def stamp_duty(*, ex_tax: int, with_tax: int, tax_shown: bool, paper: bool, money_received: bool) -> int:
    """Yen of revenue stamps on a receipt for so much; 0: none.

    ``tax_shown``: the tax is printed, so that the amount ex tax counts, where no points paid more of it than the tax comes to.  ``paper``: a file that is sent or downloaded bears none.
    ``money_received``: by card, wallet or through an agent the shop receives no money itself, and none is due.
    """
    base = min(ex_tax, with_tax) if tax_shown else with_tax
    if not paper or not money_received or base < _FROM:
        return 0
    return next((duty for up_to, duty in _STEPS if base <= up_to), _ABOVE)
