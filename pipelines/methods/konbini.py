"""Convenience store (コンビニ払い): paid at a till under a number that a gateway registered (PAY-08, B.6.5)."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from pipelines.gateway import Capability
from pipelines.methods import Asks, Capture, LateMoney, Method, Receipt, Refund, Secured, Terms
from pipelines.rules.dates.deadlines import days_to_pay

if TYPE_CHECKING:
    from pipelines.shops import Shop


def _terms(shop: Shop, placed_at: datetime) -> Terms:
    """A store's notice may come hours after the last day, so the cancel waits a grace for it."""
    rules = shop.payment
    return days_to_pay(shop, placed_at, rules.konbini_days, rules.konbini_reminder_days, rules.konbini_grace_hours)


METHOD = Method(
    name="konbini",
    names={"ja": "コンビニ払い", "en": "Convenience store payment"},
    secured_by=Secured.PAYMENT,
    asks=Asks.REGISTER,
    needs=frozenset({Capability.REGISTERS_SLIPS, Capability.READS_NOTICES}),
    choices=lambda shop: shop.payment.konbini_stores,
    instructs=True,
    capture=Capture.BY_NOTICE,
    refund=Refund.BY_HAND,
    late_money=LateMoney.REOPEN,
    receipt=Receipt.STORE,
    terms=_terms,
    unpaid_rule="PAY-08",
    limit=lambda shop: shop.payment.konbini_maximum,
    too_much="Stores take up to {most:,} yen; choose another method.",
)
