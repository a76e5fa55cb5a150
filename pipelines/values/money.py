"""Money: whole amounts of a currency's smallest unit, and how large each kind of amount may be."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from annotated_types import Ge, Le

Currency = Literal["JPY"]
"""Yen alone so far: what is written down says so, that another may come without a question about the old."""

MOST_YEN: Final = 999_999_999
"""The largest amount of one order, in yen."""

Yen = Annotated[int, Ge(0), Le(99_999_999)]
"""An amount that a shop's profile sets: a fee, a threshold, a limit."""

UnitYen = Annotated[int, Ge(0), Le(9_999_999)]
"""Yen of one piece of goods, or of one coupon, as a storefront sends it."""
