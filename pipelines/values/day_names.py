"""The names of days and months, as CLDR has them, wherever dates are written or read."""

from __future__ import annotations

from typing import Final

WEEKDAYS_JA: Final = "月火水木金土日"
WEEKDAYS_EN: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS_EN: Final = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
#: As they are abbreviated.
SHORT_MONTHS_EN: Final = tuple(name[:3] for name in MONTHS_EN)
