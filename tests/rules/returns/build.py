"""Orders that were sold and sent, for the tests of returns: plain unless a test cares."""

from __future__ import annotations

from typing import Any

from pipelines.rules.money.pricing import price
from pipelines.rules.order import Line, Order
from pipelines.rules.returns.case import AskedLine, Judgement, LineJudgement, Reason, Remedy, Sold, SoldLine
from pipelines.rules.returns.judge import judge
from pipelines.shops import Shop
from tests.rules.build import SHOPS, a_line, an_order, at, day

ORDERED, LEFT, ARRIVED = "2026-11-01 10:00:00", "2026-11-01", "2026-11-03"


def sent(shop: Shop, *lines: Line, placed_at: str = ORDERED, left: str = LEFT, **changes: Any) -> Sold:
    """All of an order left on one day and arrived two days later; ``where`` says otherwise of its lines."""
    where = {"dispatched_on": day(left), "delivered_on": day(ARRIVED), **changes.pop("where", {})}
    method = changes.pop("method", "card")
    order: Order = an_order(shop.key, *lines, placed_at=placed_at, method=method, **changes)
    standing = {line.line: SoldLine(**{"shipped": line.quantity, **where}) for line in order.lines}
    return Sold(order, price(order, shop), order.placed_at, method, standing)


def asked(reason: str, *condition: str, line: str = "1", quantity: int = 1, remedy: Remedy | None = None) -> AskedLine:
    return AskedLine(line, quantity, Reason(reason), condition, remedy)


def judged(
    shop: Shop | str, one: AskedLine, sold: Sold | None = None, when: str = "2026-11-04 12:00:00"
) -> LineJudgement:
    """The judgement of a single line, of a plain order unless another is given."""
    (line,) = whole(shop, one, sold=sold, when=when).lines
    return line


def whole(
    shop: Shop | str, *lines: AskedLine, sold: Sold | None = None, when: str = "2026-11-04 12:00:00"
) -> Judgement:
    known = SHOPS[shop] if isinstance(shop, str) else shop
    return judge(sold or sent(known, a_line()), known, lines, at(when))
