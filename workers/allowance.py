"""How much a client may ask of the interface."""

from __future__ import annotations

from typing import NamedTuple


class Allowance(NamedTuple):
    """Requests and orders a minute, 0 without a limit; so many seconds' worth of either may come at once."""

    requests_per_minute: int
    orders_per_minute: int
    burst_seconds: int
