"""What the fake of GMO-PG checks before it acts: parameters, dates, test cards; codes by gmopg/sdk-nodejs (src/error/errors.ts).

Which M01 code belongs to which wrong field of a slip is by that list's texts; the lengths are those of recipe.kizuna-system.jp.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, time, timedelta
from typing import Final
from urllib.parse import parse_qsl

from workers.sandbox.gateways.gmo_pg_trade import CARD, PAYPAY, TOKYO, Trade
from workers.sandbox.http_server import Request

MAGIC: Final = {
    "tok_ok": None,
    "tok_3ds": None,  # its issuer asks for 3-D Secure
    "tok_unwilling": None,  # held, and refused whenever the amount is changed
    "tok_declined": "42G120000",
    "tok_insufficient": "42G020000",
    "tok_limit": "42G030000",
    "tok_expired_card": "42G830000",
    "tok_wrong_code": "42G440000",
    "tok_line_broken": "42C500000",  # held, though the answer says that nobody knows
    "tok_double": "E90010001",  # held by the first of two sendings
    "tok_busy": "E92000001",  # once a trade, then held
}
"""Tokens of test cards, good any number of times, and what their execution is refused with. Any other token is good once."""
STORES: Final = ("00007", "10001", "10002", "10005", "10008")
DONE_ALL_THE_SAME: Final = ("42C500000", "E90010001")
HOLD_DAYS = {CARD: 60, PAYPAY: 30}
SLIP_DAYS = 10
START: Final = timedelta(minutes=15)
DAY_END: Final = time(23, 59, 59)
ORDER_ID: Final = re.compile("[A-Za-z0-9-]+")
KATAKANA: Final = re.compile("[ァ-ヶー]+")
HEADERS: Final = {"content-type": "text/plain;charset=Windows-31J"}

Fields = Mapping[str, str]

OPERATIONS: Final = {
    **dict.fromkeys(["EntryTran", "EntryTranCvs", "EntryTranPaypay"], "entry"),
    **dict.fromkeys(["ExecTran", "SecureTran2", "ExecTranPaypay"], "authorize"),
    **dict.fromkeys(["SearchTrade", "SearchTradeMulti"], "lookup"),
    "ExecTranCvs": "register",
    "CvsCancel": "void",
    "PaypaySales": "capture",
}
BY_ACCESS: Final = ("ExecTran", "SecureTran2", "ExecTranCvs")
"""Calls that AccessID and AccessPass alone let in."""


def call_of(request: Request) -> str | None:
    """Which call a request is; None for none."""
    found = re.fullmatch(r"/payment/([A-Za-z0-9]+)\.idPass", request.path)
    return found[1] if found and request.method == "POST" else None


def fields_of(request: Request) -> dict[str, str]:
    """The fields of a form, as any form is read: a bare plus is a blank."""
    return dict(parse_qsl(request.body.decode("ascii", "replace"), keep_blank_values=True, encoding="cp932"))


def client_of(told: Fields) -> tuple[str, str, str]:
    """ClientField1 to 3."""
    one, two, three = (told.get(f"ClientField{n}", "") for n in (1, 2, 3))
    return one, two, three


def amount_faults(amount: str, head: str, most: int) -> Sequence[str]:
    """What is wrong with an amount."""
    if not amount:
        return [f"{head}001"]
    if not amount.isdecimal() or int(amount) == 0:
        return [f"{head}006"]
    return [f"{head}005"] if len(amount) > most else []


def slip_faults(told: Fields) -> Sequence[str]:
    """What is wrong with a slip: a field that is missing or too long, a letter it must not have."""
    faults = [] if told.get("Convenience") in STORES else ["M01009002"]
    for name, (head, most) in _SLIP.items():
        size = len(told.get(name, "").encode("cp932"))
        faults += [f"{head}001"] if not size else [f"{head}005"] if size > most else []
    if not KATAKANA.fullmatch(told.get("CustomerKana", "")):
        faults.append("M01011008")
    if not re.fullmatch("[0-9-]+", told.get("TelNo", "")):
        faults.append("M01012008")
    days = told.get("PaymentTermDay", "1")
    return [*faults, "M01013011"] if not days.isdecimal() or int(days) > 60 else faults


_SLIP: Final = {
    "CustomerName": ("M01010", 40),
    "CustomerKana": ("M01011", 40),
    "TelNo": ("M01012", 13),
    "ReceiptsDisp11": ("M01036", 42),
    "ReceiptsDisp12": ("M01037", 12),
    "ReceiptsDisp13": ("M01038", 11),
}
"""Field -> the head of its codes, its most bytes."""


def is_its_time(job: str, since: datetime, now: datetime) -> bool:
    """Whether the date lets the word end a trade."""
    then, today = since.astimezone(TOKYO).date(), now.astimezone(TOKYO).date()
    if then == today:
        return job in ("VOID", "CANCEL")
    same_month = (then.year, then.month) == (today.year, today.month)
    return job in (("RETURN" if same_month else "RETURNX"), "CANCEL")


def gone_at(trade: Trade) -> datetime:
    """When an unpaid slip or page is told as EXPIRED."""
    assert trade.until is not None
    if trade.pay_type == PAYPAY:
        return trade.until
    return datetime.combine(trade.until.astimezone(TOKYO).date() + timedelta(days=1), time(3), TOKYO)


def hold_ends(trade: Trade) -> datetime:
    """The last second of a hold."""
    last = trade.at.astimezone(TOKYO).date() + timedelta(days=HOLD_DAYS[trade.pay_type])
    return datetime.combine(last, DAY_END, TOKYO)


def hexadecimal(text: str) -> str:
    """32 letters that look like GMO's ids."""
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
