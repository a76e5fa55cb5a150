"""The bank (銀行): it is asked nothing; its ``deposit.received`` tells of money that came to the shop's account (B.6.7).

Signed by Standard Webhooks with the secret of the client of kind gateway named ``bank``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipelines.gateway import DEPOSIT, Gateway, Notice
from pipelines.orders.document import fault_of
from pipelines.values.money import MOST_YEN
from workers.http.signed_json import read_signed
from workers.payments.acknowledging import stored_or_known
from workers.payments.values import Moment


class Settings(BaseModel):
    """It needs none."""


class _Tolerant(BaseModel):
    """A bank may say more than we read; what we read must be right."""

    model_config = ConfigDict(extra="ignore")


class _Deposit(_Tolerant):
    shop: str
    number: str
    amount: int = Field(gt=0, le=MOST_YEN, strict=True)
    reference: str | None = None
    at: Moment | None = None


class _DepositNotice(_Tolerant):
    type: str
    timestamp: Moment
    data: _Deposit


def read_notices(headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: datetime) -> Sequence[Notice]:
    """One deposit a notice. Raises SignatureRefused and NotJson."""
    webhook_id, raw, fault = read_signed(headers, body, secrets, now)
    return [deposit(raw, webhook_id, fault)]


def deposit(raw: object, notice_id: str, fault: str | None = None) -> Notice:
    """The deposit that ``raw`` tells of; never raises: one that cannot be read, or acted on for a ``fault`` that is known before, has it."""
    if fault is not None:
        return Notice(notice_id, DEPOSIT, fault=fault, raw=raw)
    try:
        told = _DepositNotice.model_validate(raw)
    except ValidationError as error:
        return Notice(notice_id, DEPOSIT, fault=fault_of(error), raw=raw)
    data = told.data
    at = data.at or told.timestamp
    order = (data.shop, data.number)
    if data.reference:  # the transfer's own name: told of again under another webhook-id, it is the same money
        name = f"{data.reference}\x00{data.shop}\x00{data.number}\x00{data.amount}"
        notice_id = f"deposit:{hashlib.sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()[:40]}"
    return Notice(notice_id, told.type, order=order, reference=data.reference, amount=data.amount, at=at)


GATEWAY = Gateway("bank", Settings, read_notices=read_notices, acknowledge=stored_or_known)
