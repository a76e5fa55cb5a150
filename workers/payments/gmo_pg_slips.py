"""What GMO-PG is told for a convenience store's slip: lengths in bytes, letters that Windows-31J has (gateways.md 2.3)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import datetime, time
from typing import Final

from pipelines.gateway import Payer
from workers.payments.gmo_pg_states import TOKYO
from workers.payments.gmo_pg_wire import ENCODING, written

MOST: Final = 299_999
"""Yen that a store takes, tax included."""
STORES: Final[Mapping[str, str]] = {
    "seven-eleven": "00007",
    "lawson": "10001",
    "family-mart": "10002",
    "ministop": "10005",
    "seicomart": "10008",
}
"""GMO's code of each chain that a customer may choose."""
_NAME, _CONTACT, _PHONE, _HOURS = 40, 42, 13, 11
_DAYS: Final = 60
_KANA: Final = re.compile("[ァ-ヶー ]+")
_TO_KATAKANA: Final = {code: code + 0x60 for code in range(ord("ぁ"), ord("ゖ") + 1)}
_DAY_END: Final = time(23, 59, 59)


def slip_of(
    payer: Payer, store: str, contact: tuple[str, str, str], until: datetime | None, today: datetime
) -> dict[str, str]:
    """The fields of ExecTranCvs. ``contact`` is the shop's name, phone and hours on the slip; ``until`` is the last moment
    at which the money may come, ``today`` is GMO's. Without ``until`` the shop's setting at GMO holds.

    Raises ValueError where no day is left to pay on, or more than GMO has.
    """
    term = {} if until is None else {"PaymentTermDay": str(_days(until, today))}
    name, phone, hours = contact
    return term | {
        "Convenience": store,
        "CustomerName": _cut(payer.name, _NAME),
        "CustomerKana": _cut(kana(payer.name), _NAME),
        "TelNo": re.sub("[^0-9-]", "", unicodedata.normalize("NFKC", payer.phone))[:_PHONE],
        "ReceiptsDisp11": _cut(name, _CONTACT),
        "ReceiptsDisp12": _cut(phone, _PHONE - 1),
        "ReceiptsDisp13": _cut(hours, _HOURS),
    }


def kana(name: str) -> str:
    """The name in katakana where it is written in kana; else オキャクサマ, since no order tells how its name is read."""
    read = unicodedata.normalize("NFKC", name).translate(_TO_KATAKANA)
    return read.replace(" ", "") if _KANA.fullmatch(read) else "オキャクサマ"


def _days(until: datetime, today: datetime) -> int:
    """Days from today to the last whole one before ``until``: a term ends with its day."""
    local = until.astimezone(TOKYO)
    whole = local.time() >= _DAY_END
    days = (local.date() - today.astimezone(TOKYO).date()).days - (0 if whole else 1)
    if not 0 <= days <= _DAYS:
        raise ValueError(f"{days} days are left to pay")
    return days


def _cut(text: str, most: int) -> str:
    return written(text, most).decode(ENCODING)
