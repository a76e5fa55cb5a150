"""Stripe's events: proven by ``Stripe-Signature`` over the raw body, and then only a reason to look (gateways.md 1.4).

An event shows an intent as it stood, without its refunds and disputes, and comes in any order; a look-up always tells the
whole. So no event carries a snapshot.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from pipelines.gateway import STANDS, Notice
from workers.http.signing import SignatureRefused
from workers.payments.stripe_states import moment, order_of
from workers.web.body import parse_proven

TOLERANCE: Final = 300
"""Seconds between a signature and now, on either side: an event from the future is refused as well."""

EVENTS: Final = frozenset(
    {
        "payment_intent.requires_action",
        "payment_intent.processing",
        "payment_intent.amount_capturable_updated",
        "payment_intent.partially_funded",
        "payment_intent.succeeded",
        "payment_intent.payment_failed",
        "payment_intent.canceled",
        "charge.captured",
        "charge.expired",
        "charge.refunded",
        "charge.refund.updated",
        "charge.dispute.created",
        "charge.dispute.updated",
        "charge.dispute.closed",
        "charge.dispute.funds_withdrawn",
        "charge.dispute.funds_reinstated",
        "refund.created",
        "refund.updated",
        "refund.failed",
        "cash_balance.funds_available",
    }
)
"""The events to subscribe to. ``customer_cash_balance_transaction.created`` is not among them: it comes with every transfer and
names no payment; what is left over is told by ``cash_balance.funds_available``."""

_HEADER: Final = "stripe-signature"
_PART: Final = re.compile(r"([a-z0-9_]+)=([^,\s]*)")


def read_notices(headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: datetime) -> Sequence[Notice]:
    """The one event in ``body``. Raises SignatureRefused."""
    verify(headers.get(_HEADER, ""), body, secrets, int(now.timestamp()))
    event, fault = parse_proven(body)
    about = _about(event)
    if not isinstance(event, dict) or not isinstance(event.get("id"), str) or about is None:
        digest = hashlib.sha256(body).hexdigest()
        return [Notice(f"stripe:{digest}", STANDS, fault=fault or "It is no event of Stripe.", raw={"sha256": digest})]
    notice = Notice(
        event["id"],
        STANDS,
        order_of(_metadata(about)),
        _intent(about),
        at=moment(event.get("created")),
        fault=fault or _fault(event, about),
        raw=_without_persons(event, about),
    )
    return [notice]


def verify(header: str, body: bytes, secrets: Sequence[str], now: int) -> None:
    """Raise SignatureRefused unless any ``v1`` of ``header`` is that of any of ``secrets`` over ``<t>.<body>``, and its ``t``
    is at most TOLERANCE seconds from ``now`` (Unix seconds). Other schemes are passed over."""
    parts = [_PART.fullmatch(part.strip()) for part in header.split(",")]
    known = [(part[1], part[2]) for part in parts if part is not None]
    moments = [value for name, value in known if name == "t"]
    if len(moments) != 1 or not re.fullmatch(r"[0-9]{1,12}", moments[0]):
        raise SignatureRefused("Stripe-Signature must have one t=<seconds since 1970>.")
    if abs(now - int(moments[0])) > TOLERANCE:
        raise SignatureRefused(f"Stripe-Signature is more than {TOLERANCE} seconds away from this server's time.")
    signed = moments[0].encode() + b"." + body
    expected = [hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest().encode() for secret in secrets]
    given = [value.encode() for name, value in known if name == "v1"]
    # No early end: which of them matched must not show in the time this takes.
    matches = [hmac.compare_digest(theirs, ours) for theirs in given for ours in expected]
    if not any(matches):
        raise SignatureRefused("No v1 signature in Stripe-Signature matches the body.")


def _about(event: object) -> Mapping[str, Any] | None:
    data = event.get("data") if isinstance(event, dict) else None
    about = data.get("object") if isinstance(data, dict) else None
    return about if isinstance(about, dict) else None


def _intent(about: Mapping[str, Any]) -> str | None:
    """The intent that an object is, or belongs to."""
    if about.get("object") == "payment_intent":
        return _text(about.get("id"))
    applied = about.get("applied_to_payment")
    return _text(applied.get("payment_intent") if isinstance(applied, dict) else about.get("payment_intent"))


def _fault(event: Mapping[str, Any], about: Mapping[str, Any]) -> str | None:
    type_ = str(event.get("type"))
    if type_ not in EVENTS:
        return f"Nothing follows from events of type {type_[:60]}: leave them out of the webhook endpoint."
    if _intent(about) is None and order_of(_metadata(about)) is None:
        return f"{type_} names no payment: see whose money it is in Stripe's dashboard."
    return None


def _without_persons(event: Mapping[str, Any], about: Mapping[str, Any]) -> dict[str, Any]:
    """What an operator needs to find it in the dashboard: no name, address or account that the object may show."""
    names = ("object", "id", "customer", "payment_intent", "charge")
    kept = {name: about[name] for name in names if isinstance(about.get(name), str)}
    return {"id": event["id"], "type": str(event.get("type")), "object": kept}


def _metadata(about: Mapping[str, Any]) -> Mapping[str, Any]:
    found = about.get("metadata")
    return found if isinstance(found, dict) else {}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
