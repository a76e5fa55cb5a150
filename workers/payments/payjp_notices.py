"""PAY.JP's notices: events with a fixed token of the account in a header. The body is not signed, so each is only a reason to
look (gateways.md 4.4)."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from pydantic import BaseModel, Field, ValidationError

from pipelines.gateway import STANDS, Notice
from pipelines.orders.document import fault_of
from workers.http.signing import SignatureRefused
from workers.payments.payjp_states import ORDER, Moment
from workers.payments.values import Shown
from workers.web.body import parse_proven

_HEADER: Final = "x-payjp-webhook-token"
_OTHERS: Final = ("customer.", "token.", "plan.", "subscription.", "transfer.", "tenant.", "balance.", "statement.")
"""Events of PAY.JP's that are of no payment."""


class _Data(Shown):
    id: str = Field(pattern="^ch_[A-Za-z0-9_]+$")
    metadata: dict[str, str] = Field(default_factory=dict)


class _Event(BaseModel):
    id: str = Field(min_length=1, max_length=255)
    type: str = Field(pattern=r"^charge\.")
    created: Moment
    data: _Data


def read_notices(headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: datetime) -> Sequence[Notice]:
    """The charge that an event is about, none for one that is of no payment. Raises SignatureRefused."""
    given = headers.get(_HEADER, "").encode()
    # No early end: which of the tokens it was must not show in the time this takes.
    if True not in [hmac.compare_digest(given, one.encode()) for one in secrets if one]:
        raise SignatureRefused("X-Payjp-Webhook-Token is not the account's.")
    told, fault = parse_proven(body)
    raw = told if isinstance(told, dict) else {}
    if fault is not None:
        return [Notice(_digest(body), STANDS, fault=fault, raw=raw)]
    if str(raw.get("type")).startswith(_OTHERS):
        return []
    try:
        event = _Event.model_validate(raw)
    except ValidationError as error:
        return [Notice(str(raw.get("id", "")) or _digest(body), STANDS, fault=fault_of(error), raw=raw)]
    shop, _, number = event.data.metadata.get(ORDER, "").partition("/")
    order = (shop, number) if shop and number else None
    return [Notice(event.id, STANDS, order, event.data.id, at=event.created)]


def _digest(body: bytes) -> str:
    """The name of a notice that has none: the same one sent again has it too."""
    return f"sha256:{hashlib.sha256(body).hexdigest()[:40]}"
