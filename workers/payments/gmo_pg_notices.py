"""GMO-PG's result notifications (結果通知プログラム): unsigned forms, each only a reason to look (gateways.md 2.5).

Sources: gmopg/sdk-nodejs (src/factory/resultNotification/creditCard.ts), pepabo/gmopg. Whatever one says, the books follow
what the look-up says; a forged one makes us look, and nothing else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from pipelines.gateway import STANDS, Acknowledgement, Notice
from workers.http.signing import SignatureRefused
from workers.payments.gmo_pg_codes import CONNECTION_TEST
from workers.payments.gmo_pg_states import moment, order_of
from workers.payments.gmo_pg_wire import decoded

_YEN: Final = ("", "JPN", "JPY")
"""GMO writes JPN."""
_SHOWN: Final = ("OrderID", "Status", "JobCd", "Amount", "PayType", "ErrCode", "ErrInfo")
"""What of one that cannot be read is kept for the operator."""


def read_notices(headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: datetime) -> Sequence[Notice]:
    """The notice in ``body``, none for the console's test of the connection. Raises SignatureRefused for another shop's."""
    told = decoded(body)
    if told.get("ErrInfo") == CONNECTION_TEST:
        return []
    if told.get("ShopID") not in secrets:
        raise SignatureRefused("The notice is of another ShopID.")
    name = f"gmo_pg:{hashlib.sha256(body).hexdigest()[:40]}"
    shown = {field: told[field] for field in _SHOWN if field in told}
    reference = told.get("OrderID")
    if not reference:
        return [Notice(name, STANDS, fault="OrderID: is missing", raw=shown)]
    if told.get("Currency", "") not in _YEN:
        return [Notice(name, STANDS, order_of(reference), reference, fault="Currency: is not yen", raw=shown)]
    return [Notice(name, STANDS, order_of(reference), reference, at=_at(told.get("TranDate", "")))]


def acknowledge(notices: Sequence[Notice], is_new: bool) -> Acknowledgement:
    """The one character that ends GMO's attempts; anything before or after it is a failure to GMO."""
    return Acknowledgement(200, b"0")


def _at(text: str) -> datetime | None:
    try:
        return moment(text)
    except ValueError:
        return None
