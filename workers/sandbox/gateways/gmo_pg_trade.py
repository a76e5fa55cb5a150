"""What the fake of GMO-PG keeps of a trade, and the forms in which it tells of it: search answers, notices, refusals.

Shapes: t-k/gmo-payment-ruby (lib/gmo/shop_api.rb), gmopg/sdk-nodejs (src/service/credit.ts,
src/factory/resultNotification/creditCard.ts), pepabo/gmopg (src/client). Assumed, since no source shows it: PayPayCancelAmount
is the sum of all that was given back, ProcessDate is the moment of the last change, and a search tells every field of its
method, empty where there is nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from urllib.parse import quote
from zoneinfo import ZoneInfo

TOKYO: Final = ZoneInfo("Asia/Tokyo")
CARD, KONBINI, PAYPAY = "0", "3", "45"
_MASK: Final = "*"


class No(Exception):
    """A refusal: the pairs of ErrCode and ErrInfo."""

    def __init__(self, *infos: str) -> None:
        self.infos = infos
        super().__init__(*infos)

    def answer(self) -> bytes:
        """As it travels: the n-th code belongs to the n-th info."""
        codes = "|".join(info[2:5] if info.startswith("42") else info[:3] for info in self.infos)
        return f"ErrCode={codes}&ErrInfo={'|'.join(self.infos)}".encode("ascii")


@dataclass
class Trade:
    """A trade. ``amount`` is what is held or left of a sale; ``back`` what a wallet was given back."""

    order_id: str
    pay_type: str
    access_id: str
    access_pass: str
    job: str
    amount: int
    at: datetime
    status: str = "UNPROCESSED"
    three_d: bool = False
    challenge: str = ""
    """What the customer did at the issuer's page: passed or refused."""
    token: str = ""
    back: int = 0
    client: tuple[str, str, str] = ("", "", "")
    forward: str = ""
    approve: str = ""
    tran_id: str = ""
    slip: dict[str, str] = field(default_factory=dict)
    until: datetime | None = None

    @property
    def order(self) -> str:
        """What it was told of the shop's order."""
        return self.client[0] or self.order_id


def stamp(at: datetime) -> str:
    """yyyyMMddHHmmss in Japan."""
    return at.astimezone(TOKYO).strftime("%Y%m%d%H%M%S")


def form(fields: Mapping[str, str]) -> bytes:
    """An answer: Windows-31J as it is, nothing escaped."""
    return b"&".join(f"{name}={value}".encode("cp932") for name, value in fields.items())


def clients(trade: Trade) -> dict[str, str]:
    """ClientField1 to 3."""
    return {f"ClientField{n + 1}": value for n, value in enumerate(trade.client)}


def executed(trade: Trade, shop_pass: str) -> dict[str, str]:
    """The answer to a card's execution, with its CheckString."""
    told = {
        "OrderID": trade.order_id,
        "Forward": trade.forward,
        "Method": "1",
        "PayTimes": "",
        "Approve": trade.approve,
        "TranID": trade.tran_id,
        "TranDate": stamp(trade.at),
    }
    digest = hashlib.md5(("".join(told.values()) + shop_pass).encode("cp932"), usedforsecurity=False).hexdigest()
    return {**told, "CheckString": digest, **clients(trade)}


def altered(trade: Trade) -> dict[str, str]:
    """The answer to AlterTran and ChangeTran."""
    return {
        "AccessID": trade.access_id,
        "AccessPass": trade.access_pass,
        "Forward": trade.forward,
        "Approve": trade.approve,
        "TranID": trade.tran_id,
        "TranDate": stamp(trade.at),
    }


def searched(trade: Trade) -> dict[str, str]:
    """The answer to SearchTrade and SearchTradeMulti."""
    told = {
        "OrderID": trade.order_id,
        "Status": trade.status,
        "ProcessDate": stamp(trade.at),
        "JobCd": trade.job,
        "AccessID": trade.access_id,
        "AccessPass": trade.access_pass,
        "ItemCode": "0000990" if trade.pay_type == CARD else "",
        "Amount": str(trade.amount),
        "Tax": "0",
        "SiteID": "",
        "MemberID": "",
    }
    if trade.pay_type == CARD:
        told |= {"CardNo": "************1111" if trade.token else "", "Expire": "", "Method": "1", "PayTimes": ""}
        told |= {"Forward": trade.forward, "TranID": trade.tran_id, "Approve": trade.approve}
    told |= clients(trade)
    return told | _of_method(trade)


def noticed(trade: Trade, shop_id: str) -> bytes:
    """A result notification: a form, percent-encoded, secrets as asterisks."""
    told = {
        "ShopID": shop_id,
        "ShopPass": _MASK * 10,
        "AccessID": trade.access_id,
        "AccessPass": _MASK * 32,
        "OrderID": trade.order_id,
        "Status": trade.status,
        "JobCd": trade.job,
        "Amount": str(trade.amount),
        "Tax": "0",
        "Currency": "JPN",
        "Forward": trade.forward,
        "Method": "1",
        "PayTimes": "",
        "TranID": trade.tran_id,
        "Approve": trade.approve,
        "TranDate": stamp(trade.at),
        "ErrCode": "",
        "ErrInfo": "",
        "PayType": trade.pay_type,
        **_of_method(trade),
    }
    return "&".join(f"{name}={quote(value.encode('cp932'), safe='')}" for name, value in told.items()).encode("ascii")


def _of_method(trade: Trade) -> dict[str, str]:
    if trade.pay_type == PAYPAY:
        return {"PayType": PAYPAY, "PayPayTrackingID": trade.tran_id, "PayPayCancelAmount": str(trade.back or "")}
    if trade.pay_type == CARD:
        return {}
    return {
        "PayType": KONBINI,
        "CvsCode": trade.slip.get("Convenience", ""),
        "CvsConfNo": trade.slip.get("ConfNo", ""),
        "CvsReceiptNo": trade.slip.get("ReceiptNo", ""),
        "CustomerName": trade.slip.get("CustomerName", ""),
        "PaymentTerm": stamp(trade.until) if trade.until else "",
        "FinishDate": stamp(trade.at) if trade.status == "PAYSUCCESS" else "",
    }
