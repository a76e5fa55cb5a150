"""A fake of GMO Payment Gateway, Multi-Payment, protocol type (idPass): cards, convenience stores and PayPay.

Protocol by t-k/gmo-payment-ruby (lib/gmo/shop_api.rb, const.rb), gmopg/sdk-nodejs (src/error/errors.ts v1.72: codes and what
they say of the trade), pepabo/gmopg (notices) and GMO's OpenAPI paper 1.3.1 (which amounts may change, how long a hold lasts).
There is no idempotency: an OrderID is used once for ever, and a second call acts on the trade as it stands.

Assumed, since no source says it: VOID holds on the day of the hold or sale, RETURN later in that month, RETURNX after it;
a hold whose days are over shows EXPIRED; a card refused at its execution stays UNPROCESSED and its token is used;
SecureTran2 after a refused 3-D Secure says E21020002 each time. Acts of ``/_buyer``, each on the last trade of ``order``:

    authenticate / refuse                3-D Secure, passed or cancelled
    agree / decline                      PayPay
    pay, pay_at_till                     a slip; at the till it is paid though it was cancelled or ran out meanwhile
    dashboard_refund (amount)            the shop gives back in the console
    connection_test                      the console tests the URL of the notices
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from workers.sandbox.gateways.gmo_pg_checks import (
    BY_ACCESS,
    DAY_END,
    DONE_ALL_THE_SAME,
    HEADERS,
    MAGIC,
    OPERATIONS,
    ORDER_ID,
    SLIP_DAYS,
    START,
    Fields,
    amount_faults,
    call_of,
    client_of,
    fields_of,
    gone_at,
    hexadecimal,
    hold_ends,
    is_its_time,
    slip_faults,
)
from workers.sandbox.gateways.gmo_pg_trade import (
    CARD,
    KONBINI,
    PAYPAY,
    TOKYO,
    No,
    Trade,
    altered,
    clients,
    executed,
    form,
    noticed,
    searched,
    stamp,
)
from workers.sandbox.gateways.provider import Posting, Provider
from workers.sandbox.http_server import Reply, Request

SHOP_ID: Final = "tshop00000001"
SHOP_PASS: Final = "abcdefgh12"  # noqa: S105 - a test shop's, from the protocol's examples


class GmoPg(Provider):
    """GMO-PG for one shop. ``cancel_word``: its contract has CANCEL instead of VOID, RETURN and RETURNX."""

    name = "gmo_pg"

    def __init__(self, *, cancel_word: bool = False) -> None:
        super().__init__()
        self.trades: dict[str, Trade] = {}
        self._cancel_word = cancel_word
        self._tokens: set[str] = set()
        self._was_busy: set[str] = set()

    def operation(self, request: Request) -> str | None:
        """By the call, its JobCd and how the trade stands."""
        call, told = call_of(request), fields_of(request)
        if call is None:
            return None
        trade = next((one for one in self.trades.values() if one.access_id == told.get("AccessID")), None)
        sold = trade is not None and trade.status in ("SALES", "CAPTURE")
        if call == "ChangeTran":
            same = trade is not None and told.get("Amount") == str(trade.amount)
            return "refund" if sold else "renew" if same else "capture"
        if call in ("AlterTran", "PaypayCancelReturn"):
            return "capture" if told.get("JobCd") == "SALES" else "refund" if sold else "void"
        return OPERATIONS.get(call)

    def answer(self, request: Request, now: datetime) -> Reply:
        """HTTP 200 for every call that there is, refused or not; a form in Windows-31J."""
        call = call_of(request)
        if call is None:
            return Reply(404, b"<html><body>Not Found</body></html>", {"content-type": "text/html"})
        try:
            act = self._acts().get(call)
            if act is None:
                raise No("E91099997")
            told = fields_of(request)
            self._check_shop(told, "M01002002" if call.endswith(("Cvs", "Paypay", "Multi")) else "E01030002", call)
            return Reply(200, form(act(told, now)), HEADERS)
        except No as no:
            return Reply(200, no.answer(), HEADERS)

    def buyer(self, act: Mapping[str, Any], now: datetime) -> Reply:
        """What people do; 404 for an act or an order that is not known, 409 where it cannot be done any more."""
        what = str(act.get("act"))
        if what == "connection_test":
            self._post(f"ShopID={SHOP_ID}&ErrCode=E00&ErrInfo=E00000000".encode())
            return Reply(200, {})
        trade = next((one for one in reversed(self.trades.values()) if one.order == act.get("order")), None)
        if trade is None or what not in _BUYERS:
            return super().buyer(act, now)
        if not _BUYERS[what](self, trade, act, now):
            return Reply(409, {"error": f"the trade is {trade.status}"})
        return Reply(200, {"OrderID": trade.order_id, "Status": trade.status})

    def tick(self, now: datetime) -> None:
        """Holds end after their days, slips at 03:00 of the day after their term, wallet pages after a quarter of an hour."""
        for trade in self.trades.values():
            if trade.status == "AUTH" and now > (end := hold_ends(trade)):
                self.ledger.release(trade.order_id, trade.amount, end, "the hold ended")
                self._move(trade, "EXPIRED", end)
            elif trade.status == "REQSUCCESS" and trade.until is not None and now >= (end := gone_at(trade)):
                self._move(trade, "EXPIRED", end)

    def signed(self, posting: Posting, epoch: int) -> tuple[Mapping[str, str], bytes]:
        """As it is: the protocol type signs nothing."""
        return {"content-type": "application/x-www-form-urlencoded"}, posting.content

    def acknowledged(self, status: int, body: bytes) -> bool:
        """By exactly one character."""
        return status == 200 and body == b"0"

    def _acts(self) -> Mapping[str, Callable[[Fields, datetime], Fields]]:
        return {
            "EntryTran": lambda told, now: self._enter(told, now, CARD),
            "EntryTranCvs": lambda told, now: self._enter(told, now, KONBINI),
            "EntryTranPaypay": lambda told, now: self._enter(told, now, PAYPAY),
            "ExecTran": self._execute,
            "SecureTran2": self._secure,
            "ExecTranCvs": self._slip,
            "ExecTranPaypay": self._open_wallet,
            "AlterTran": self._alter,
            "ChangeTran": self._change,
            "SearchTrade": lambda told, now: self._search(told, CARD, "E01110002"),
            "SearchTradeMulti": self._search_multi,
            "CvsCancel": self._cancel_slip,
            "PaypaySales": self._take_wallet,
            "PaypayCancelReturn": self._return_wallet,
        }

    def _check_shop(self, told: Fields, wrong: str, call: str) -> None:
        if call in BY_ACCESS and "ShopID" not in told:
            return
        multi = wrong.startswith("M01")
        if not told.get("ShopID"):
            raise No("M01002001" if multi else "E01010001")
        if not told.get("ShopPass"):
            raise No("M01003001" if multi else "E01020001")
        if (told["ShopID"], told["ShopPass"]) != (SHOP_ID, SHOP_PASS):
            raise No(wrong)

    def _enter(self, told: Fields, now: datetime, pay_type: str) -> Fields:
        head, amount_codes = ("E01040", "E01060") if pay_type == CARD else ("M01004", "M01005")
        order_id, job = told.get("OrderID", ""), told.get("JobCd", "")
        faults = []
        if not order_id:
            faults.append(f"{head}001")
        elif len(order_id) > 27:
            faults.append("E01040003" if pay_type == CARD else "M01004012")
        elif not ORDER_ID.fullmatch(order_id):
            faults.append(f"{head}013")
        elif order_id in self.trades:
            faults.append(f"{head}010")
        if pay_type != KONBINI and job not in (
            ("CHECK", "AUTH", "CAPTURE") if pay_type == CARD else ("AUTH", "CAPTURE")
        ):
            faults.append("E01050002" if pay_type == CARD else "M01060001")
        amount, most = told.get("Amount", ""), 6 if pay_type == KONBINI else 7
        if job != "CHECK":
            faults += amount_faults(amount, amount_codes, most)
        if faults:
            raise No(*faults)
        number = self.identity("")
        made = Trade(
            order_id, pay_type, hexadecimal(f"id{number}"), hexadecimal(f"pass{number}"), job, int(amount or 0), now
        )
        made.three_d = told.get("TdFlag") == "2"
        self.trades[order_id] = made
        return {"AccessID": made.access_id, "AccessPass": made.access_pass}

    def _execute(self, told: Fields, now: datetime) -> Fields:
        trade = self._of(told, CARD)
        if trade.status != "UNPROCESSED":
            raise No("E11010001")
        if told.get("Method") not in ("1", "2", "3", "4", "5"):
            raise No("E01090001" if not told.get("Method") else "E01090008")
        token = told.get("Token", "")
        if not token.startswith("tok"):
            raise No("EX1000301")
        if token in self._tokens:
            raise No("EX1000302")
        refusal = MAGIC.get(token)
        if refusal == "E92000001" and trade.order_id not in self._was_busy:
            self._was_busy.add(trade.order_id)
            raise No(refusal)
        if token not in MAGIC:
            self._tokens.add(token)
        trade.client, trade.token = client_of(told), token
        if trade.three_d and token == "tok_3ds":  # noqa: S105 - a test card's
            if not told.get("RetUrl"):
                raise No("E01480001")
            self._move(trade, "AUTHPROCESS", now, tell=False)
            page = f"https://pt01.mul-pay.jp/payment/Tds2BrwStart.idPass?AccessID={trade.access_id}&t={trade.access_pass[:4]}"
            return {"ACS": "2", "RedirectUrl": page}
        if refusal is not None and refusal not in (*DONE_ALL_THE_SAME, "E92000001"):
            raise No(refusal)
        self._authorize(trade, now)
        if refusal in DONE_ALL_THE_SAME:
            raise No(refusal)
        return {"ACS": "0", **executed(trade, SHOP_PASS)}

    def _secure(self, told: Fields, now: datetime) -> Fields:
        trade = self._of(told, CARD)
        if trade.status != "AUTHENTICATED":
            raise No("E11010002" if trade.status in ("UNPROCESSED", "AUTHPROCESS") else "E11010001")
        if trade.challenge != "passed":
            raise No("E21020002")
        self._authorize(trade, now)
        return executed(trade, SHOP_PASS)

    def _authorize(self, trade: Trade, now: datetime) -> None:
        if trade.job == "CHECK":
            self._move(trade, "CHECK", now)
            return
        self._approve(trade)
        if trade.job == "AUTH":
            self.ledger.hold(trade.order_id, trade.order, trade.amount, now, "ExecTran")
        else:
            self.ledger.take(trade.order_id, trade.amount, now, "ExecTran", order=trade.order)
        self._move(trade, trade.job, now)

    def _alter(self, told: Fields, now: datetime) -> Fields:
        trade, job = self._of(told, CARD), told.get("JobCd", "")
        if now - trade.at > timedelta(days=180):
            raise No("E11010010")
        if trade.status == "UNPROCESSED":
            raise No("E11010002")
        if job == "SALES":
            if trade.status != "AUTH":
                raise No("E11010003")
            if told.get("Amount") != str(trade.amount):
                raise No("E01060010")
            self.ledger.take(trade.order_id, trade.amount, now, job)
        elif job not in ("VOID", "RETURN", "RETURNX", "CANCEL"):
            raise No("E01050002")
        elif (job == "CANCEL") != self._cancel_word:
            raise No("E01050004")
        elif trade.status == "AUTH" and is_its_time(job, trade.at, now):
            self.ledger.release(trade.order_id, trade.amount, now, job)
        elif trade.status in ("SALES", "CAPTURE") and is_its_time(job, trade.at, now):
            self.ledger.give_back(trade.order_id, trade.amount, now, job)
        else:
            raise No("E11010003")
        trade.job = job
        self._approve(trade)
        self._move(trade, job, now)
        return altered(trade)

    def _change(self, told: Fields, now: datetime) -> Fields:
        trade, job = self._of(told, CARD), told.get("JobCd")
        if trade.status not in ("AUTH", "SALES", "CAPTURE") or (job == "AUTH") != (trade.status == "AUTH"):
            raise No("E11010003")
        if faults := amount_faults(told.get("Amount", ""), "E01060", 7):
            raise No(*faults)
        if now - trade.at > timedelta(days=180):
            raise No("E11010010")
        if trade.token == "tok_unwilling":  # noqa: S105 - a test card's
            raise No("42G030000")  # the old one stays as it was
        less = trade.amount - int(told["Amount"])
        if trade.status == "AUTH" and less > 0:
            self.ledger.release(trade.order_id, less, now, "ChangeTran")
        elif trade.status == "AUTH" and less < 0:
            self.ledger.hold(trade.order_id, trade.order, -less, now, "ChangeTran")
        elif less > 0:
            self.ledger.give_back(trade.order_id, less, now, "ChangeTran")
        elif less < 0:
            self.ledger.take(trade.order_id, -less, now, "ChangeTran", order=trade.order)
        trade.amount -= less
        self._approve(trade)
        self._move(trade, trade.status, now)
        return altered(trade)

    def _search(self, told: Fields, pay_type: str, none: str) -> Fields:
        trade = self.trades.get(told.get("OrderID", ""))
        if trade is None or trade.pay_type != pay_type:
            raise No(none)
        return searched(trade)

    def _search_multi(self, told: Fields, now: datetime) -> Fields:
        if not told.get("PayType"):
            raise No("M01051001")
        return self._search(told, told["PayType"], "M01004002")

    def _slip(self, told: Fields, now: datetime) -> Fields:
        trade = self._of(told, KONBINI)
        if trade.status != "UNPROCESSED":
            raise No("M01054004")
        if faults := list(slip_faults(told)):
            raise No(*faults)
        trade.client = client_of(told)
        days = int(told.get("PaymentTermDay") or SLIP_DAYS)
        trade.until = datetime.combine(now.astimezone(TOKYO).date() + timedelta(days=days), DAY_END, TOKYO)
        number = self.identity("")
        trade.slip = {
            **told,
            "ReceiptNo": f"9{number}",
            "ConfNo": "" if told["Convenience"] == "00007" else number[-4:],
        }
        self._move(trade, "REQSUCCESS", now)
        return {
            "OrderID": trade.order_id,
            "Convenience": told["Convenience"],
            "ConfNo": trade.slip["ConfNo"],
            "ReceiptNo": trade.slip["ReceiptNo"],
            "PaymentTerm": stamp(trade.until),
            "TranDate": stamp(now),
            "ReceiptUrl": f"https://pt01.mul-pay.jp/receipt?n={number}&t={trade.access_pass[:4]}",
            **clients(trade),
        }

    def _cancel_slip(self, told: Fields, now: datetime) -> Fields:
        trade = self._of(told, KONBINI)
        if trade.status != "REQSUCCESS":
            raise No("M01054004")
        self._move(trade, "CANCEL", now)
        return {"OrderID": trade.order_id, "Status": trade.status}

    def _open_wallet(self, told: Fields, now: datetime) -> Fields:
        trade = self._of(told, PAYPAY)
        if trade.status != "UNPROCESSED":
            raise No("M01054004")
        trade.client, trade.until = client_of(told), now + START
        self._move(trade, "REQSUCCESS", now)
        start = f"https://pt01.mul-pay.jp/payment/PaypayStart.idPass?m=1&t={trade.access_pass[:4]}"
        return {"StartURL": start, "Token": f"start+{trade.access_pass[:8]}", "StartLimitDate": stamp(trade.until)}

    def _take_wallet(self, told: Fields, now: datetime) -> Fields:
        trade = self._of(told, PAYPAY)
        if trade.status != "AUTH":
            raise No("M01054004")
        if told.get("Amount") != str(trade.amount):
            raise No("M01060011")  # a hold of PayPay's cannot be changed
        self.ledger.take(trade.order_id, trade.amount, now, "PaypaySales")
        self._move(trade, "SALES", now)
        return {"OrderID": trade.order_id, "Status": trade.status}

    def _return_wallet(self, told: Fields, now: datetime) -> Fields:
        trade, amount = self._of(told, PAYPAY), int(told.get("CancelAmount") or 0)
        if trade.status not in ("AUTH", "SALES", "CAPTURE"):
            raise No("M01054004")
        if not 0 < amount <= trade.amount - trade.back:
            raise No("M01085011")
        if trade.status == "AUTH" and amount != trade.amount:
            raise No("M01085010")
        if trade.status == "AUTH":
            self.ledger.release(trade.order_id, amount, now, "PaypayCancelReturn")
        else:
            self.ledger.give_back(trade.order_id, amount, now, "PaypayCancelReturn")
        trade.back += amount
        whole = trade.back == trade.amount
        self._move(trade, ("CANCEL" if trade.status == "AUTH" else "RETURN") if whole else trade.status, now)
        return {"OrderID": trade.order_id, "Status": trade.status, "CancelAmount": str(amount)}

    def _authenticate(self, trade: Trade, act: Mapping[str, Any], now: datetime) -> bool:
        if trade.status not in ("AUTHPROCESS", "AUTHENTICATED"):
            return False
        if trade.status == "AUTHPROCESS":
            trade.challenge = "passed" if act["act"] == "authenticate" else "refused"
            self._move(trade, "AUTHENTICATED", now, tell=False)
        return True

    def _answer_wallet(self, trade: Trade, act: Mapping[str, Any], now: datetime) -> bool:
        if trade.pay_type != PAYPAY or trade.status != "REQSUCCESS":
            return False
        if act["act"] == "agree":
            trade.tran_id = self.identity("pp")
            self.ledger.hold(trade.order_id, trade.order, trade.amount, now, "agreed")
        self._move(trade, "AUTH" if act["act"] == "agree" else "PAYFAIL", now)
        return True

    def _pay(self, trade: Trade, act: Mapping[str, Any], now: datetime) -> bool:
        at_till = act["act"] == "pay_at_till" and trade.status in ("CANCEL", "EXPIRED")
        in_time = trade.until is not None and now <= trade.until
        if trade.pay_type != KONBINI or not (at_till or (trade.status == "REQSUCCESS" and in_time)):
            return False
        self.ledger.take(trade.order_id, trade.amount, now, "paid at a store", order=trade.order)
        self._move(trade, "PAYSUCCESS", now)
        return True

    def _refund_by_hand(self, trade: Trade, act: Mapping[str, Any], now: datetime) -> bool:
        if trade.pay_type != CARD or trade.status not in ("SALES", "CAPTURE"):
            return False
        self.ledger.give_back(trade.order_id, int(act["amount"]), now, "console")
        trade.amount -= int(act["amount"])
        self._move(trade, trade.status, now)
        return True

    def _of(self, told: Fields, pay_type: str) -> Trade:
        trade = next((one for one in self.trades.values() if one.access_id == told.get("AccessID")), None)
        named = told.get("OrderID")
        wrong = trade is None or trade.access_pass != told.get("AccessPass") or trade.pay_type != pay_type
        if trade is None or wrong or named not in (None, trade.order_id):
            raise No("E01110002" if pay_type == CARD else "M01110002")
        return trade

    def _approve(self, trade: Trade) -> None:
        number = self.identity("")
        trade.forward, trade.approve, trade.tran_id = "2a99662", number[-7:], f"261125{number:>022}"

    def _move(self, trade: Trade, status: str, now: datetime, *, tell: bool = True) -> None:
        trade.status, trade.at = status, now
        if tell:
            self._post(noticed(trade, SHOP_ID))

    def _post(self, content: bytes) -> None:
        self.outbox.append(Posting(self.identity("notice"), content))


_BUYERS: Final[Mapping[str, Callable[[GmoPg, Trade, Mapping[str, Any], datetime], bool]]] = {
    "authenticate": GmoPg._authenticate,
    "refuse": GmoPg._authenticate,
    "agree": GmoPg._answer_wallet,
    "decline": GmoPg._answer_wallet,
    "pay": GmoPg._pay,
    "pay_at_till": GmoPg._pay,
    "dashboard_refund": GmoPg._refund_by_hand,
}


PROVIDER = GmoPg
