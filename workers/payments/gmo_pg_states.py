"""A trade of GMO-PG's protocol type as its search shows it, and how that stands in our words (gateways.md 2.4)."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Final, Self
from zoneinfo import ZoneInfo

from models.states import PaymentState
from pipelines.gateway import BuyerMust, BuyerStep, Snapshot
from pipelines.values.moment import bounded
from workers.payments.values import yen_in

TOKYO: Final = ZoneInfo("Asia/Tokyo")
_MOST: Final = 27
_DIGEST: Final = 6
_READABLE: Final = re.compile(r"([CPKN])[a-z2-7]{6}-([A-Za-z0-9]+)-([A-Za-z0-9-]+)")
_HASHED: Final = re.compile(r"[CPKN][a-z2-7]{26}")
_MOMENT: Final = "%Y%m%d%H%M%S"


class Kind(StrEnum):
    """What pays, as the first letter of an OrderID tells it."""

    CARD = "C"
    PAYPAY = "P"
    KONBINI = "K"
    NOTE = "N"  # holds nothing: what was asked of another trade, where GMO's own record will not tell it


PAY_TYPES: Final = {Kind.CARD: "0", Kind.PAYPAY: "45", Kind.KONBINI: "3", Kind.NOTE: "0"}

_P = PaymentState
STATES: Final[Mapping[str, PaymentState]] = {
    **dict.fromkeys(("UNPROCESSED", "AUTHENTICATED", "AUTHPROCESS", "REGISTER", "CHECK"), _P.PENDING),
    **dict.fromkeys(("REQSUCCESS", "TRADING", "REQSALES", "REQPROCESS"), _P.PENDING),
    **dict.fromkeys(("AUTH", "SAUTH"), _P.AUTHORIZED),
    **dict.fromkeys(("CAPTURE", "SALES", "PAYSUCCESS"), _P.CAPTURED),
    "VOID": _P.VOIDED,
    **dict.fromkeys(("RETURN", "RETURNX", "CANCEL"), _P.REFUNDED),  # of a hold or a slip: voided
    "PAYFAIL": _P.FAILED,
    **dict.fromkeys(("EXPIRED", "STOP", "INVALID"), _P.EXPIRED),
}
"""GMO's words; any other, FORCECANCEL, SHIPPED and INVOICE among them, needs a look."""
ENDED: Final = ("VOID", "RETURN", "RETURNX", "CANCEL")
"""Words that do not tell whether a hold was released or a sale given back: each contract and each day has its own."""


def order_id(kind: Kind, order: str, key: str) -> str:
    """The OrderID of what is asked for ``order`` (``<shop>/<number>``) under ``key``: used once for ever, so made of both.

    It shows shop and number, for people and for notices, where GMO's 27 letters, digits and hyphens can.
    """
    digest = base64.b32encode(hashlib.sha256(f"{order}\n{key}".encode()).digest()).decode("ascii").lower()
    shown = f"{kind}{digest[:_DIGEST]}-{order.replace('/', '-', 1)}"
    return shown if len(shown) <= _MOST and order_of(shown) == tuple(order.split("/", 1)) else f"{kind}{digest[:26]}"


def order_of(reference: str) -> tuple[str, str] | None:
    """(shop, number) of an OrderID of ours that shows them."""
    shown = _READABLE.fullmatch(reference)
    return (shown[2], shown[3]) if shown else None


def kind_of(reference: str) -> Kind | None:
    """What pays under an OrderID of ours; None for any other."""
    ours = _READABLE.fullmatch(reference) or _HASHED.fullmatch(reference)
    return Kind(reference[0]) if ours and len(reference) <= _MOST else None


@dataclass(frozen=True, slots=True)
class Trade:
    """One trade. ``amount`` is what is held or left of a sale, in yen; ``first`` what was asked for in the beginning, which
    GMO keeps for us in ClientField2; ``back`` what a wallet was given back; ``at`` of its last change, by GMO's clock."""

    reference: str
    kind: Kind
    status: str
    amount: int
    first: int
    back: int
    at: datetime
    access: Mapping[str, str]
    number: str | None = None
    confirmation: str | None = None
    until: datetime | None = None

    @classmethod
    def read(cls, reference: str, answer: Mapping[str, str]) -> Self:
        """From the fields of SearchTradeMulti. Raises KeyError and ValueError for what is none."""
        amount, noted = _yen(answer["Amount"] or "0"), yen_in(answer.get("ClientField2", ""))
        if int(answer.get("Tax") or 0):
            raise ValueError("a tax of its own")  # never asked for
        return cls(
            reference,
            Kind(reference[0]),
            answer["Status"],
            amount,
            amount if noted is None else noted,
            _yen(answer.get("PayPayCancelAmount") or "0"),
            moment(answer["ProcessDate"]),
            {"AccessID": answer["AccessID"], "AccessPass": answer["AccessPass"]},
            answer.get("CvsReceiptNo") or None,
            answer.get("CvsConfNo") or None,
            moment(answer["PaymentTerm"]) if answer.get("PaymentTerm") else None,
        )

    @property
    def state(self) -> PaymentState:
        """How it stands, RETURN and CANCEL read as those of a sale."""
        return STATES.get(self.status, PaymentState.NEEDS_REVIEW)

    @property
    def left(self) -> int:
        """Yen that are held, or that are left of what was taken."""
        return self.amount - self.back


def moment(text: str) -> datetime:
    """GMO's yyyyMMddHHmmss, aware. Raises ValueError."""
    return bounded(datetime.strptime(text, _MOMENT).replace(tzinfo=TOKYO))


def _yen(text: str) -> int:
    """Raises ValueError for what is no sum."""
    yen = yen_in(text)
    if yen is None:
        raise ValueError("it is no sum in yen")
    return yen


def hold_ends(held_at: datetime, days: int) -> datetime:
    """The last second of a hold: so many days after its day, 23:59:59 in Japan."""
    return datetime.combine(held_at.astimezone(TOKYO).date() + timedelta(days=days), time(23, 59, 59), TOKYO)


def stands(trade: Trade, *, hold_days: int, taken: int | None, released: bool) -> Snapshot:
    """How the trade stands. ``taken``: what was captured, where that was less than held; ``released``: what ended was only a
    hold or a slip. The sums are all there ever was, while GMO tells only what is left."""
    state = trade.state
    if trade.status in ENDED:
        state = PaymentState.VOIDED if released else PaymentState.REFUNDED
    captured = refunded = 0
    if state in (PaymentState.CAPTURED, PaymentState.REFUNDED):
        left = 0 if state is PaymentState.REFUNDED else trade.left
        captured = taken if taken is not None and left <= taken else trade.first
        refunded = captured - left
        if state is PaymentState.CAPTURED and refunded:
            state = PaymentState.PARTLY_REFUNDED if left > 0 else PaymentState.REFUNDED
        if refunded < 0:
            state, captured, refunded = PaymentState.NEEDS_REVIEW, left, 0
    is_held = state is PaymentState.AUTHORIZED
    slip = BuyerMust(BuyerStep.PAY_AT_STORE, number=trade.number, confirmation=trade.confirmation, until=trade.until)
    is_slip = trade.kind is Kind.KONBINI and state is PaymentState.PENDING and trade.number is not None
    return Snapshot(
        trade.reference,
        state,
        trade.first,
        captured,
        refunded,
        trade.at,
        hold_ends(trade.at, hold_days) if is_held else None,
        slip if is_slip else None,
    )
