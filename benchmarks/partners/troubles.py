"""Partners in trouble: a dripping, a dead and a hanging supplier, gateway and mail domain, and what they cost the others.

Orders come at a steady rate, twice the same number: first all of them of sound shops, suppliers and mail domains; then every
other one runs into trouble with its gateway, its supplier or its recipient's domain. The same sound orders are measured
both times: from taken to authorized, from authorized to instructed, and until their first mail is at the mail server.
"""

from __future__ import annotations

from typing import Any

from rich.console import Console

from benchmarks.partners.installed import installed, order
from benchmarks.partners.outside import SOUND, TROUBLES, Outside
from benchmarks.partners.waits import print_waits, waits

#: How many times longer a sound order may wait at the median and the p95.
ALLOWED = 1.2


def measure(console: Console, orders: int, rate: float) -> bool:
    """Print both rounds of ``orders`` measured orders, ``rate`` of them a second; whether the others were not slowed down."""
    with Outside() as outside, installed(outside) as here:
        here.storefront.send([order(f"warm-{n}", n) for n in range(40)], rate)
        rounds = {}
        for name, others in (
            ("all sound", [order(f"other-{n}", n) for n in range(orders)]),
            ("every other in trouble", [_troubled(n) for n in range(orders)]),
        ):
            mine = [order(f"{name.replace(' ', '-')}-{n}", n) for n in range(orders)]
            here.storefront.send([one for pair in zip(others, mine, strict=True) for one in pair], 2 * rate)
            rounds[name] = waits(here, outside, [one["number"] for one in mine])
    return print_waits(console, rounds) <= ALLOWED


def _troubled(n: int) -> dict[str, Any]:
    """The ``n``-th order that runs into trouble: each partner in turn, with each trouble in turn."""
    trouble = TROUBLES[n // 3 % 3]
    shop, supplier, domain = ((trouble if n % 3 == which else SOUND) for which in range(3))
    return order(f"troubled-{n}", n, shop, supplier, domain)
