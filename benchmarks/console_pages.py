"""The console with a million finished orders: the server's time and the weight of each page, list and search.

``python -m benchmarks.console_pages [--orders N] [--data DIR]`` fills an embedded database as ``benchmarks.lists`` does, with mails,
moves and money beside; a few orders more go through the house, so that one can be opened. Prints medians; exits 1 where one of a
page is over 100 ms.
"""

from __future__ import annotations

import argparse
import sys
import time
from functools import partial
from pathlib import Path

from sqlalchemy import Engine

from benchmarks.empty_database import empty_database, settled
from benchmarks.lists import BOUND_MS, NOW, fill, median_ms
from tests.console.browser import Browser, Console
from tests.world import DOMAIN, SENDER, World, document
from workers.mail.rendering import Renderer
from workers.web.console.frame import asset

#: Pages by what they are called in the table; {order} is one that went through the house, {old} a finished one of the fill.
PAGES = {
    "Today": "/console",
    "Today: what leaves": "/console/today/due",
    "Today: late": "/console/today/late",
    "Today: held": "/console/today/held",
    "Today: left": "/console/today/left",
    "pick list": "/console/print/picks?shop=salon&supplier=warehouse",
    "Review": "/console/review",
    "Review, one kind": "/console/review?kind=effect",
    "Orders": "/console/orders",
    "Orders, of a state": "/console/orders?state=delivered&shop=clinic",
    "Orders, held": "/console/orders?condition=held",
    "Orders, a supplier": "/console/orders?supplier=maker-a",
    "search: number": "/console/search?q=S-123456",
    "search: name": "/console/search?q=髙橋 100",
    "search: phone": "/console/search?q=090-0007-7777",
    "search: mail": "/console/search?q=user77777@example.jp",
    "an order": "/console/orders/salon/S-OPEN",
    "form of an action": "/console/orders/salon/S-OPEN/act/cancel",
    "a customer": "/console/customers/salon/M-OPEN",
    "Returns": "/console/returns",
    "Payments": "/console/payments",
    "Payments, the month": "/console/payments?month=2026-11",
    "Mails": "/console/mails",
    "a mail's sample": "/console/mails/samples/salon/order_accepted/ja",
    "suppressed addresses": "/console/mails/addresses",
    "Partners": "/console/partners",
    "Jobs": "/console/jobs",
    "Now": "/console/now",
    "a shop": "/console/shops/salon",
    "try a shop": "/console/shops/salon/try",
    "account": "/console/account",
}


def _fill(engine: Engine, orders: int) -> None:
    fill(engine, orders, with_story=True)
    with engine.begin() as connection:
        # In the fill all parcels left at once; here each left on its day.
        connection.exec_driver_sql(
            "UPDATE parcel p SET shipped_at = o.placed_at FROM shop_order o WHERE o.id = p.order_id"
        )
    settled(engine)


def _get(browser: Browser, path: str) -> int:
    """Bytes of a page."""
    answer = browser.get(path)
    assert answer.status_code in (200, 303), (path, answer.status_code)  # one hit of a search leads to its order
    return len(answer.content)


def _measure(console: Console) -> dict[str, tuple[float, int]]:
    """By page, the median in milliseconds and the bytes."""
    browser = console.signed_in("bench" + str(time.time()), {"*": "admin"})
    return {name: (median_ms(partial(_get, browser, path)), _get(browser, path)) for name, path in PAGES.items()}


def main() -> int:
    """Fill, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=1_000_000)
    parser.add_argument("--data", type=Path, default=Path("/tmp"), help="Where the engines may write.")
    asked = parser.parse_args()
    with empty_database(asked.data) as (engine, url):
        began = time.perf_counter()
        _fill(engine, asked.orders)
        print(f"{asked.orders:,} orders in {time.perf_counter() - began:.0f} s", flush=True)
        with World(engine, url, Renderer(SENDER, DOMAIN)) as world:
            world.clock.set(NOW)
            world.take(document("S-OPEN", customer="M-OPEN"))
            for _ in range(20):
                world.decide("accept", "authorize", "split", "dispatch")
                world.perform("payment.authorize", "supplier.instruct")
            console = Console(world)
            found = _measure(console)
            console.close()
        loaded = sum(len(one.body) for name in ("console.css", "console.js", "htmx.min.js") if (one := asset(name)))
        for name, (taken, size) in found.items():
            over = "  over the bound" if taken > BOUND_MS else ""
            print(f"{name:<24}{taken:8.1f} ms {size / 1000:7.1f} kB{over}")
        print(f"and once, kept by the browser: {loaded / 1000:.1f} kB")
        return 0 if max(taken for taken, _ in found.values()) <= BOUND_MS else 1


if __name__ == "__main__":
    sys.exit(main())
