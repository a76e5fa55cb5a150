"""Cash on delivery (代金引換): the carrier hands the goods over against the money (PAY-09, B.6.6)."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import TYPE_CHECKING

from pipelines.methods import Capture, Method, Receipt, Refund, Secured
from pipelines.rules.dates.periods import elapsed
from pipelines.values.calendar import JST

if TYPE_CHECKING:
    from pipelines.shops import Shop


def _fee(shop: Shop, amount: int) -> int:
    """The fee's step; beyond the last one its fee holds, since the amount itself is refused (PAY-09)."""
    steps = shop.price.cod_steps
    return next((step.fee for step in steps if amount <= step.up_to), steps[-1].fee)


def _unclaimed_at(shop: Shop, dispatched_on: date) -> datetime:
    """So many days after dispatch, 00:00 in Japan."""
    return datetime.combine(elapsed(dispatched_on, shop.payment.cod_unclaimed_days), time(), JST)


METHOD = Method(
    name="cod",
    names={"ja": "代金引換", "en": "Cash on delivery"},
    secured_by=Secured.NOTHING,
    capture=Capture.ON_DELIVERY,
    refund=Refund.BY_HAND,
    receipt=Receipt.CARRIER,
    limit=lambda shop: shop.payment.cod_maximum,
    too_much="Cash on delivery is possible up to {most:,} yen; choose another.",
    fee=_fee,
    unclaimed_at=_unclaimed_at,
)
