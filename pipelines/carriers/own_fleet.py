"""自社便: the supplier's own cars, with whatever number it gives or none, and no page to follow it on."""

from __future__ import annotations

from pipelines.carriers.carrier import Carrier

CARRIER = Carrier(
    name="own_fleet",
    japanese="自社便",
    english="own delivery",
    may_have_no_number=True,
    spellings=("自社配送", "自社配達", "直送便", "own fleet", "own car"),
)
