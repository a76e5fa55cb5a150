"""Reasons to hold an order for a person: it is taken, but goes no further than the hold allows (A.1, A.10)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from pipelines.rules.explain import says
from pipelines.rules.money.pricing import individual_surcharge
from pipelines.rules.order import Order
from pipelines.rules.remarks import Reading, read

if TYPE_CHECKING:
    from pipelines.shops import Shop

_NO_MARKS: Final[Mapping[str, int]] = {}


@dataclass(frozen=True, slots=True)
class Hold:
    """``blocks`` authorize: the amount may still change; release: the money may be taken, goods wait."""

    reason: str
    says: str
    blocks: Literal["authorize", "release"]


def holds(order: Order, shop: Shop, *, marks: Mapping[str, int] = _NO_MARKS) -> tuple[Hold, ...]:
    """Every reason to hold ``order``, the most fundamental first.

    ``marks`` counts what the customer did in the shop's window: undelivered_returns, customer_returns (INT-14).
    """
    found: list[Hold] = []
    locale = order.locale
    if order.ship_to.kind == "individual":
        if barred := [line.line for line in order.lines if "business_address_only" in line.flags]:
            sentence = says("hold.individual_not_deliverable", locale, lines=", ".join(barred))
            found.append(Hold("individual_not_deliverable", sentence, "authorize"))  # INT-04
        if individual_surcharge(order, shop) is None:
            found.append(Hold("quote_needed", says("hold.quote_needed", locale), "authorize"))  # INT-04
    if marks and _is_marked(shop, marks):
        found.append(Hold("blocked_customer", says("hold.blocked_customer", locale), "authorize"))  # INT-14
    if order.remarks:
        reading = read(order, shop)
        if coupons := _quoted(reading, "coupon_codes", locale):
            # the operator applies them and the order is priced again before the amount is fixed (CPN-03)
            found.append(
                Hold("coupons_in_remarks", says("hold.coupons_in_remarks", locale, words=coupons), "authorize")
            )
        if unread := _quoted(reading, "unread", locale):
            found.append(Hold("needs_human", says("hold.needs_human", locale, words=unread), "release"))  # INT-16
    return tuple(found)


def request_not_met(order: Order) -> Hold:
    """The hold of a shop whose delivery dates are strict (DLV-04)."""
    return Hold("request_not_met", says("hold.request_not_met", order.locale), "release")


def _quoted(reading: Reading, kind: str, locale: str) -> str:
    """What the remarks say of a kind, in quotation marks on one line; empty without any."""
    opens, closes = "「」" if locale == "ja" else '""'
    quotes = (" ".join(one.says.split()) for one in reading.of(kind))
    return " ".join(f"{opens}{quote}{closes}" for quote in quotes)


def _is_marked(shop: Shop, marks: Mapping[str, int]) -> bool:
    limits = {
        "undelivered_returns": shop.intake.max_undelivered_returns,
        "customer_returns": shop.intake.max_customer_returns,
    }
    return any(limit and marks.get(name, 0) >= limit for name, limit in limits.items())
