"""PayPay's notices: JSON that nobody signs (gateways.md 5.4), so each is only a reason to look, whatever it claims."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime

from pydantic import BaseModel, ValidationError

from pipelines.gateway import STANDS, Notice
from pipelines.orders.document import fault_of
from workers.payments.paypay_payments import order_of
from workers.web.body import parse_proven


class _Transaction(BaseModel):
    merchant_order_id: str


def read_notices(headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: datetime) -> Sequence[Notice]:
    """A reason to look at one payment; none for a notice about something else. Never raises: nothing in it is believed."""
    id_ = hashlib.sha256(body).hexdigest()[:40]
    raw, fault = parse_proven(body)
    if fault is not None:
        return [Notice(id_, STANDS, fault=fault)]
    if isinstance(raw, dict) and raw.get("notification_type") not in (None, "Transaction"):
        return []
    try:
        told = _Transaction.model_validate(raw)
    except ValidationError as error:
        return [Notice(id_, STANDS, fault=fault_of(error))]
    return [Notice(id_, STANDS, order_of(told.merchant_order_id), told.merchant_order_id)]
