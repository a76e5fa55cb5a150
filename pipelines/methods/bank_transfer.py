"""Bank transfer (銀行振込): to the shop's own account, or to one that a gateway opened for the order (PAY-07, B.6.7)."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from pipelines.gateway import BuyerMust, BuyerStep, Capability
from pipelines.methods import Asks, Capture, LateMoney, Method, Receipt, Refund, Secured, Terms
from pipelines.rules.dates.deadlines import days_to_pay

if TYPE_CHECKING:
    from pipelines.shops import Shop


def _terms(shop: Shop, placed_at: datetime) -> Terms:
    return days_to_pay(shop, placed_at, shop.payment.bank_transfer_days, shop.payment.bank_transfer_reminder_days)


def _to_our_account(shop: Shop) -> BuyerMust | None:
    account = shop.payment.bank
    return BuyerMust(BuyerStep.TRANSFER, account=account.model_dump()) if account else None


def _lacks(shop: Shop) -> tuple[str, str] | None:
    if shop.payment.bank is None and METHOD.asked(shop.gateway_for("bank_transfer")) is Asks.NOTHING:
        return "bank", "the account is needed because bank_transfer is allowed"
    return None


METHOD = Method(
    name="bank_transfer",
    names={"ja": "銀行振込", "en": "Bank transfer"},
    secured_by=Secured.PAYMENT,
    asks=Asks.REGISTER,
    needs=frozenset({Capability.READS_NOTICES}),
    instructs=True,
    instructions=_to_our_account,
    capture=Capture.BY_NOTICE,
    refund=Refund.BY_HAND,
    late_money=LateMoney.REFUND,
    receipt=Receipt.SHOP,
    terms=_terms,
    lacks=_lacks,
)
