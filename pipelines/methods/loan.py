"""Shopping loan (ショッピングローン): released once the lender has approved (PAY-10)."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from pipelines.gateway import Capability
from pipelines.methods import Asks, Capture, LateMoney, Method, Receipt, Refund, Secured, Terms
from pipelines.rules.dates.periods import end_of, inclusive_business_days
from pipelines.values.calendar import in_japan

if TYPE_CHECKING:
    from pipelines.shops import Shop


def _terms(shop: Shop, placed_at: datetime) -> Terms:
    """Business days that include the order's day; on a closed day the next open one is the first."""
    last = inclusive_business_days(in_japan(placed_at).date(), shop.payment.loan_business_days, shop.business_calendar)
    return Terms(pay_by=last, cancel_at=end_of(last))


METHOD = Method(
    name="loan",
    names={"ja": "ショッピングローン", "en": "Shopping loan"},
    secured_by=Secured.APPROVAL,
    asks=Asks.REGISTER,
    needs=frozenset({Capability.REGISTERS_SLIPS, Capability.READS_NOTICES}),
    choices=lambda shop: shop.payment.lenders,
    capture=Capture.BY_NOTICE,
    refund=Refund.BY_HAND,
    late_money=LateMoney.REFUND,
    receipt=Receipt.LENDER,
    terms=_terms,
    unpaid_reason="loan_timeout",
    unpaid_rule="PAY-10",
)
