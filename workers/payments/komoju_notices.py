"""KOMOJU's notices: HMAC-SHA256 of the body under the webhook's secret token, in lower-case hexadecimal (gateways.md 3.4).

They carry no time of signing, so a replay is known by the event's id alone, and by what it says being known.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from pydantic import BaseModel, ValidationError

from pipelines.gateway import STANDS, Notice
from pipelines.orders.document import fault_of
from workers.http.signing import SignatureRefused
from workers.payments.komoju_payments import Payment, of_payment
from workers.payments.values import Moment
from workers.web.body import parse_proven

SIGNATURE: Final = "x-komoju-signature"
#: Events that say nothing of a payment of ours.
_OF_OTHER_THINGS: Final = ("ping", "settlement.", "subscription.", "customer.")


class _Event(BaseModel):
    id: str
    type: str
    created_at: Moment


class _PaymentEvent(_Event):
    data: Payment


def signature(secret: str, body: bytes) -> str:
    """What KOMOJU writes into ``X-Komoju-Signature``."""
    return hmac.digest(secret.encode(), body, hashlib.sha256).hex()


def read_notices(headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: datetime) -> Sequence[Notice]:
    """One payment a notice, as it stood then; none for an event about something else. Raises SignatureRefused."""
    given = headers.get(SIGNATURE, "").encode()
    # No early end: which secret matched must not show in the time this takes.
    matches = [hmac.compare_digest(given, signature(secret, body).encode()) for secret in secrets if secret]
    if not any(matches):
        raise SignatureRefused("X-Komoju-Signature is not that of the body.")
    raw, fault = parse_proven(body)
    if fault is not None:
        return [_unread(_digest(body), fault, None)]
    try:
        event = _Event.model_validate(raw)
    except ValidationError as error:
        return [_unread(_digest(body), fault_of(error), None)]
    if event.type.startswith(_OF_OTHER_THINGS):
        return []
    if not event.type.startswith("payment."):
        return [_unread(event.id, f"events of type {event.type} are not known", event.type)]
    try:
        payment = _PaymentEvent.model_validate(raw).data
    except ValidationError as error:
        return [_unread(event.id, fault_of(error), event.type)]
    snapshot = of_payment(payment, event.created_at)
    return [Notice(event.id, STANDS, payment.order, payment.id, snapshot, at=event.created_at)]


def _digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()[:40]


def _unread(id_: str, fault: str, type_: str | None) -> Notice:
    """For the operator; what else it says may be personal."""
    return Notice(id_, STANDS, fault=fault, raw={"id": id_, "type": type_})
