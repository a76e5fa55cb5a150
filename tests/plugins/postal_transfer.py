"""A payment method of its own: transfer to the shop's postal account (郵便振替), to be paid within five days."""

from __future__ import annotations

from datetime import datetime

from pipelines.gateway import BuyerMust, BuyerStep, Capability
from pipelines.methods import Capture, LateMoney, Method, Receipt, Refund, Secured, Terms
from pipelines.rules.dates.deadlines import days_to_pay
from pipelines.shops import Shop

ACCOUNT = {"bank": "ゆうちょ銀行", "branch": "〇一九店", "kind": "当座", "number": "0012345", "holder": "サロン"}


def _terms(shop: Shop, placed_at: datetime) -> Terms:
    return days_to_pay(shop, placed_at, days=5, reminder_days=1)


METHOD = Method(
    name="postal_transfer",
    names={"ja": "郵便振替", "en": "Postal transfer"},
    secured_by=Secured.PAYMENT,
    needs=frozenset({Capability.READS_NOTICES}),
    instructs=True,
    instructions=lambda shop: BuyerMust(BuyerStep.TRANSFER, account=ACCOUNT),
    capture=Capture.BY_NOTICE,
    refund=Refund.BY_HAND,
    late_money=LateMoney.REFUND,
    receipt=Receipt.SHOP,
    terms=_terms,
    limit=lambda shop: 100_000,
    too_much="The post office takes up to {most:,} yen; choose another method.",
)
