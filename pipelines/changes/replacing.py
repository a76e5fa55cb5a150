"""What leaves for goods that came back: the same again for nothing (代替品), or others for the difference (交換): an order of its own, linked
to the one whose goods it replaces, which hears of it if nothing leaves after all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from itertools import count

from pipelines.engine.draft import OrderDraft
from pipelines.engine.facts import ReturnFacts
from pipelines.rules.money.breakdown import LineShare
from pipelines.rules.money.pricing import price
from pipelines.rules.order import Exchange, Line, Order
from pipelines.rules.routing import routed
from pipelines.shops import Shop
from pipelines.values.calendar import in_japan


def replacement(draft: OrderDraft, one: ReturnFacts, now: datetime) -> Order:
    """The order that replaces the goods of a return, placed at ``now``: no price, no points, nothing to pay; its number is the first
    order's with ``-R`` and which of its replacements it is."""
    pieces = one.pieces
    return replace(
        _following(draft, now),
        lines=tuple(
            replace(
                line,
                quantity=pieces[line.line],
                unit_price=0,
                availability="made_to_order" if line.availability == "made_to_order" else "in_stock",
                expected_on=None,
            )
            for line in draft.facts.order.lines
            if pieces[line.line]
        ),
        method="none",
    )


def exchanged(
    draft: OrderDraft,
    shop: Shop,
    one: ReturnFacts,
    now: datetime,
    lines: Sequence[Line],
    method: str | None,
    token: str | None = None,
) -> Order:
    """The order of the goods that are taken for those of a return (RET-06), placed at ``now``: they cost what they are dearer, and the fee
    where the customer bears the cost (TAX-05); ``method`` pays it, None where nothing is to be paid. Its number is as a replacement's."""
    by_customer = any(line.cost_on == "customer" for line in one.lines)
    fee = shop.returns.customer_fee if by_customer else 0
    new = replace(
        _following(draft, now),
        lines=tuple(lines),
        method=method or "none",
        token=token,
        exchange=Exchange(worth(draft, one), fee),
    )
    return to_pay(new, shop)[0]


def to_pay(new: Order, shop: Shop) -> tuple[Order, int]:
    """An exchange as it is sold, and the yen that are to be paid for it; by nobody where there is nothing to pay."""
    sold = routed(new, shop)
    due = price(sold, shop).grand_total
    return (sold if due else replace(sold, method="none", token=None)), due


def worth(draft: OrderDraft, one: ReturnFacts) -> int:
    """Yen that the goods of a return count for in an exchange: their price, in the shop's price display, less what members pay less. A
    coupon stays spent, and neither lessens them nor comes back."""
    return sum(_of_pieces(share.amount - share.member_discount, share, one) for share in draft.facts.breakdown.lines)


def rest_in_points(draft: OrderDraft, shop: Shop, one: ReturnFacts, new: Order) -> int:
    """Points, a yen each, that an exchange for goods of less value leaves: what the goods that came back cost their customer with tax, less
    what those cost that are taken for them, so that never more is given than was paid; 0 where the terms give none (`exchange_for`)."""
    if not draft.facts.customer_id or asks_for_more(shop, one):
        return 0
    cost = sum(_of_pieces(share.gross, share, one) for share in draft.facts.breakdown.lines)
    return max(0, cost - price(replace(new, exchange=None), shop).before_points)


def asks_for_more(shop: Shop, one: ReturnFacts) -> bool:
    """Whether the terms of any of its reasons ask for goods of equal or higher value (RET-06)."""
    found = [shop.returns.terms_for(line.reason) for line in one.lines]
    return any(terms is not None and terms.exchange_for == "equal_or_higher" for terms in found)


def _of_pieces(yen: int, share: LineShare, one: ReturnFacts) -> int:
    return yen * one.pieces[share.line] // share.quantity


def _following(draft: OrderDraft, now: datetime) -> Order:
    """An order that follows this one to the same address, without coupons, points and wishes of its own."""
    sold = draft.facts.order
    facts, brought = draft.facts, {other.replacement for other in draft.returns if other.replacement}
    last = max((int(one.rpartition("-R")[2]) for one in brought), default=0)
    number = next(name for name in map(facts.following, count(last + 1)) if name not in facts.followers)
    return replace(
        sold,
        number=number,
        placed_at=in_japan(now),
        coupons=(),
        points_use=0,
        token=None,
        delivery_date=None,
        delivery_slot=None,
        remarks="",
        shown_total=None,
        replaces=sold.number,
        exchange=None,
        pickup=None,
    )
