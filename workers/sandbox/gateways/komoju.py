"""A fake KOMOJU: payments, pages (sessions), captures, refunds, cancels, lists and signed events (gateways.md 3).

Shapes follow ``komoju-openapi.yml``, ``komoju-ruby-sdk/docs/Payment.md`` and ``PaymentList.md``, and the reference at
doc.komoju.com. Assumed, since no source says it: another body under a used key is 422; one capture, whose amount becomes the
payment's; a page hands its ``metadata`` on; a refund shows the ``description`` it was asked with; the names in a bank transfer's
``payment_details``; a hold of 30 days; which page of the list is full.

Buyers (``/_buyer``): ``tokenize`` {secure: passed, refused or never} gives a card token that works once; on a page
``choose`` {order, store}, ``refuse`` {order}; ``pay`` {order, late}: cash at a till or by transfer, ``late`` also after the end.
The merchant's own dashboard: ``dashboard_refund`` {order, amount}.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import parse_qs

import orjson

from workers.sandbox.gateways.provider import Posting, Provider
from workers.sandbox.http_server import Reply, Request

SECRET_KEY: Final = "sk_test_sandbox"  # noqa: S105 - of the fake
WEBHOOK_SECRET: Final = "komoju-sandbox-token"  # noqa: S105 - of the fake
#: Magic inputs, all of them: test tokens, reusable, and what becomes of a payment with each.
TOKENS: Final[Mapping[str, str | None]] = {
    "tok_test_ok": None,
    "tok_test_insufficient_funds": "insufficient_funds",
    "tok_test_card_declined": "card_declined",
    "tok_test_card_expired": "card_expired",
    "tok_test_fraudulent": "fraudulent",
    "tok_test_other_error": "other_error",
}
STORES: Final = ("daily-yamazaki", "family-mart", "lawson", "ministop", "seicomart", "seven-eleven")
_BASE: Final = "/api/v1"
_CASH: Final = ("konbini", "bank_transfer", "pay_easy")
_FEE: Final = 190
_HOLD: Final = timedelta(days=30)
_DEADLINE: Final = timedelta(days=3)
_A_DAY: Final = timedelta(hours=24)
_CASH_MOST: Final = 299_999


class Refused(Exception):
    """An answer with KOMOJU's error envelope."""

    def __init__(self, status: int, code: str, param: str | None = None) -> None:
        self.reply = Reply(status, {"error": {"code": code, "message": f"{code} ({param})", "param": param}})
        super().__init__(code)


class Komoju(Provider):
    """One merchant's account in test mode."""

    name = "komoju"

    def __init__(self) -> None:
        super().__init__()
        self.payments: dict[str, dict[str, Any]] = {}
        self.pages: dict[str, dict[str, Any]] = {}
        self.misused: list[str] = []
        """Keys that were used again for something else: never to be done, since nobody knows what KOMOJU makes of it."""
        self.most_a_page = 100
        self._keys: dict[str, tuple[datetime, str, Reply]] = {}
        self._tokens: dict[str, str | None] = {}

    def operation(self, request: Request) -> str | None:
        path = request.path.removeprefix(_BASE)
        last = path.rsplit("/", 1)[-1]
        if request.method == "GET":
            return "list" if path == "/payments" and "external_order_num" not in request.query else "lookup"
        if last in ("capture", "refund"):
            return last
        if last == "cancel":
            return "void"
        asked = _json(request)
        types = asked.get("payment_types") or [_type(asked.get("payment_details"))]
        return "register" if types[0] in _CASH else "authorize"

    def under_way(self, request: Request) -> tuple[str, Reply] | None:
        key = request.headers.get("x-komoju-idempotency")
        return (key, Refused(409, "bad_request").reply) if key and request.method == "POST" else None

    def answer(self, request: Request, now: datetime) -> Reply:
        expected = "Basic " + base64.b64encode(f"{SECRET_KEY}:".encode()).decode()
        if not hmac.compare_digest(request.headers.get("authorization", ""), expected):
            return Refused(401, "unauthorized").reply
        key = request.headers.get("x-komoju-idempotency") if request.method == "POST" else None
        if key is None:
            return self._answer(request, now)
        if len(key) > 100 or not key.isascii():
            return Refused(422, "invalid_parameter", "X-KOMOJU-IDEMPOTENCY").reply
        asked = hashlib.sha256(request.path.encode() + b"\0" + request.body).hexdigest()
        if (known := self._keys.get(key)) is not None:
            if known[1] == asked:
                return known[2]
            self.misused.append(key)
            return Refused(422, "invalid_parameter", "X-KOMOJU-IDEMPOTENCY").reply
        reply = self._answer(request, now)
        self._keys[key] = (now, asked, reply)
        return reply

    def _answer(self, request: Request, now: datetime) -> Reply:
        path = [part for part in request.path.removeprefix(_BASE).split("/") if part]
        asked = _json(request)
        try:
            match request.method, path:
                case "POST", ["payments"]:
                    return Reply(200, self._pay(asked, now))
                case "POST", ["sessions"]:
                    return Reply(200, self._open(asked, now))
                case "GET", ["payments"]:
                    return Reply(200, self._listed(parse_qs(request.query)))
                case "GET", ["payments", id_]:
                    return Reply(200, self._payment(id_))
                case "GET", ["sessions", id_]:
                    return Reply(200, self._shown(self._page(id_)))
                case "POST", ["sessions", id_, "cancel"]:
                    return Reply(200, self._close(self._page(id_)))
                case "POST", ["payments", id_, "capture"]:
                    return Reply(200, self._capture(self._payment(id_), asked, now))
                case "POST", ["payments", id_, "refund"]:
                    return Reply(200, self._refund(self._payment(id_), asked, now))
                case "POST", ["payments", id_, "cancel"]:
                    return Reply(200, self._cancel(self._payment(id_), now))
                case _:
                    return Refused(404, "not_found").reply
        except Refused as refused:
            return refused.reply

    def _pay(self, asked: Mapping[str, Any], now: datetime) -> Mapping[str, Any]:
        amount, details = _amount(asked), asked.get("payment_details")
        manual = asked.get("capture") in (False, "false", "manual")
        if isinstance(details, str):
            if details in self._tokens:
                refusal = self._tokens.pop(details)
            elif details in TOKENS:
                refusal = TOKENS[details]
            else:
                raise Refused(422, "invalid_token", "payment_details")
            if refusal is not None:
                raise Refused(422 if refusal == "invalid_token" else 402, refusal)
            payment = self._new(
                asked, amount, {"type": "credit_card", "brand": "visa", "last_four_digits": "1111"}, now
            )
            return self._secure(payment, now, manual=manual)
        if not isinstance(details, Mapping) or "type" not in details:
            raise Refused(422, "missing_parameter", "payment_details")
        if details["type"] != "konbini":
            raise Refused(422, "invalid_payment_type", "payment_details")
        if details.get("store") not in STORES or not details.get("email"):
            raise Refused(422, "invalid_parameter", "payment_details")
        if amount > _CASH_MOST:
            raise Refused(422, "invalid_parameter", "amount")
        return self._slip(asked, amount, details, now)

    def _slip(
        self, asked: Mapping[str, Any], amount: int, details: Mapping[str, Any], now: datetime
    ) -> Mapping[str, Any]:
        told = {
            "type": "konbini",
            "store": details["store"],
            "email": details.get("email"),
            "receipt": f"{self._count + 1:09d}",
            "confirmation_code": "4321",
            "instructions_url": f"https://komoju.example/instructions/{self._count + 1}",
        }
        deadline = timedelta(days=int(details["expiry_days"])) if details.get("expiry_days") else _DEADLINE
        payment = self._new(asked, amount, told, now, fee=_FEE, deadline=deadline)
        return self._stand(payment, "authorized", now)

    def _open(self, asked: Mapping[str, Any], now: datetime) -> Mapping[str, Any]:
        if asked.get("mode") != "payment" or not isinstance(asked.get("payment_data"), Mapping):
            raise Refused(422, "missing_parameter", "payment_data")
        id_ = self.identity("ses")
        page = {
            "id": id_,
            "resource": "session",
            "status": "pending",
            "mode": "payment",
            "session_url": f"https://komoju.example/sessions/{id_}",
            "amount": _amount(asked),
            "currency": "JPY",
            "payment": None,
            "_asked": dict(asked),
            "_until": now + min(_A_DAY, timedelta(seconds=asked.get("expires_in_seconds", 86_400))),
        }
        self.pages[id_] = page
        return self._shown(page)

    def _capture(self, payment: dict[str, Any], asked: Mapping[str, Any], now: datetime) -> Mapping[str, Any]:
        if payment["status"] != "authorized" or payment["payment_details"]["type"] in _CASH:
            raise Refused(422, "not_capturable")
        held = payment["amount"]
        amount = _amount(asked) if "amount" in asked else held
        if amount > held:
            raise Refused(422, "invalid_parameter", "amount")
        self._take(payment, amount, now, "capture")
        if rest := held - amount:
            self.ledger.release(payment["id"], rest, now, "capture")
        payment.update(amount=amount, total=amount)
        return self._stand(payment, "captured", now)

    def _refund(self, payment: dict[str, Any], asked: Mapping[str, Any], now: datetime) -> Mapping[str, Any]:
        rest = payment["amount"] - payment["amount_refunded"]
        if payment["status"] != "captured" or payment["payment_details"]["type"] in _CASH:
            raise Refused(422, "not_refundable")
        amount = _amount(asked) if "amount" in asked else rest
        if amount > rest:
            raise Refused(422, "invalid_parameter", "amount")
        self.ledger.give_back(payment["id"], amount, now, "refund")
        made = {"id": self.identity("ref"), "resource": "refund", "amount": amount, "currency": "JPY"}
        made |= {"payment": payment["id"], "description": asked.get("description"), "created_at": now.isoformat()}
        payment["refunds"] = [*payment["refunds"], made]
        payment["amount_refunded"] += amount
        self._tell("payment.refund.created", payment, now)
        if amount == rest:
            return self._stand(payment, "refunded", now)
        return dict(payment)

    def _cancel(self, payment: dict[str, Any], now: datetime, status: str = "cancelled") -> Mapping[str, Any]:
        if payment["status"] not in ("pending", "authorized"):
            raise Refused(422, "not_cancellable")
        if payment["status"] == "authorized" and payment["payment_details"]["type"] not in _CASH:
            self.ledger.release(payment["id"], payment["amount"], now, status)
        return self._stand(payment, status, now)

    def _close(self, page: dict[str, Any]) -> Mapping[str, Any]:
        if page["status"] != "pending":
            raise Refused(422, "not_cancellable")
        page["status"] = "cancelled"
        return self._shown(page)

    def _listed(self, query: Mapping[str, list[str]]) -> Mapping[str, Any]:
        asked = {name: values[0] for name, values in query.items()}
        found = [
            dict(one)
            for one in self.payments.values()
            if asked.get("external_order_num") in (None, one["external_order_num"])
            and asked.get("status") in (None, one["status"])
            and _moment(asked.get("start_time"), one) <= datetime.fromisoformat(one["created_at"])
            and datetime.fromisoformat(one["created_at"]) <= _moment(asked.get("end_time"), one)
        ]
        page, size = int(asked.get("page", 1)), min(self.most_a_page, int(asked.get("per_page", 25)))
        last = max(1, -(-len(found) // size))
        head = {"resource": "list", "total": len(found), "page": page, "per_page": size, "last_page": last}
        return {**head, "data": found[::-1][(page - 1) * size : page * size]}

    def buyer(self, act: Mapping[str, Any], now: datetime) -> Reply:
        try:
            match act["act"]:
                case "tokenize":
                    token = self.identity("tok_once_")
                    self._tokens[token] = None if act.get("secure", "passed") == "passed" else "invalid_token"
                    return Reply(200, {"id": token, "resource": "secure_token"})
                case "choose":
                    return Reply(200, self._choose(self._open_page(act["order"]), act, now))
                case "refuse":
                    return Reply(200, self._fail(self._open_page(act["order"]), now))
                case "pay":
                    return Reply(200, self._cash(self._of(act["order"]), now, late=bool(act.get("late"))))
                case "dashboard_refund":
                    return Reply(200, self._refund(self._of(act["order"]), {"amount": act["amount"]}, now))
        except Refused as refused:
            return refused.reply
        return super().buyer(act, now)

    def _choose(self, page: dict[str, Any], act: Mapping[str, Any], now: datetime) -> Mapping[str, Any]:
        """The buyer goes on with what the page offers."""
        asked = page["_asked"]
        data = {**asked["payment_data"], "metadata": asked.get("metadata", {}), "session": page["id"]}
        type_, amount = asked["payment_types"][0], page["amount"]
        page["status"] = "completed"
        if type_ == "bank_transfer":
            details = {"type": type_, "instructions_url": page["session_url"], **_ACCOUNT}
            page["payment"] = self._new(data, amount, details, now, deadline=timedelta(days=7))["id"]
            return self._stand(self.payments[page["payment"]], "authorized", now)
        page["payment"] = self._new(data, amount, {"type": type_}, now)["id"]
        return self._secure(self.payments[page["payment"]], now, manual=data["capture"] == "manual")

    def _fail(self, page: dict[str, Any], now: datetime) -> Mapping[str, Any]:
        """The wallet says no; the page stays open."""
        asked = page["_asked"]
        data = {**asked["payment_data"], "metadata": asked.get("metadata", {}), "session": page["id"]}
        payment = self._new(data, page["amount"], {"type": asked["payment_types"][0]}, now)
        page["payment"] = payment["id"]
        return self._stand(payment, "failed", now)

    def _cash(self, payment: dict[str, Any], now: datetime, *, late: bool) -> Mapping[str, Any]:
        if payment["payment_details"]["type"] not in _CASH or payment["status"] == "captured":
            raise Refused(422, "bad_request")
        if payment["status"] != "authorized" and not late:
            raise Refused(422, "bad_request")
        self.ledger.take(payment["id"], payment["amount"], now, "cash", order=payment["external_order_num"])
        payment["captured_at"] = now.isoformat()
        return self._stand(payment, "captured", now)

    def tick(self, now: datetime) -> None:
        for payment in self.payments.values():
            due = datetime.fromisoformat(payment["payment_deadline"])
            if payment["status"] in ("pending", "authorized") and due <= now:
                self._cancel(payment, due, "expired")
        for page in self.pages.values():
            if page["status"] == "pending" and page["_until"] <= now:
                page["status"] = "expired"
        self._keys = {key: kept for key, kept in self._keys.items() if now - kept[0] < _A_DAY}

    def signed(self, posting: Posting, epoch: int) -> tuple[Mapping[str, str], bytes]:
        mac = hmac.new(WEBHOOK_SECRET.encode(), posting.content, hashlib.sha256).hexdigest()
        headers = {
            "content-type": "application/json",
            "user-agent": "Komoju-Webhook",
            "x-komoju-id": posting.id,
            "x-komoju-event": orjson.loads(posting.content)["type"],
            "x-komoju-signature": mac,
        }
        return headers, posting.content

    def _new(
        self,
        asked: Mapping[str, Any],
        amount: int,
        details: Mapping[str, Any],
        now: datetime,
        *,
        fee: int = 0,
        deadline: timedelta = _HOLD,
    ) -> dict[str, Any]:
        payment = {
            "id": self.identity("pay"),
            "resource": "payment",
            "status": "pending",
            "amount": amount,
            "tax": 0,
            "payment_method_fee": fee,
            "total": amount + fee,
            "currency": "JPY",
            "amount_refunded": 0,
            "payment_deadline": (now + deadline).isoformat(),
            "payment_details": dict(details),
            "captured_at": None,
            "external_order_num": asked.get("external_order_num"),
            "metadata": asked.get("metadata", {}),
            "created_at": now.isoformat(),
            "session": asked.get("session"),
            "refunds": [],
            "refund_requests": [],
        }
        self.payments[payment["id"]] = payment
        return payment

    def _secure(self, payment: dict[str, Any], now: datetime, *, manual: bool) -> Mapping[str, Any]:
        """Hold the buyer's money, and take it at once unless it is captured later."""
        self.ledger.hold(payment["id"], payment["external_order_num"] or "", payment["amount"], now, "authorize")
        if manual:
            return self._stand(payment, "authorized", now)
        self._take(payment, payment["amount"], now, "authorize")
        return self._stand(payment, "captured", now)

    def _take(self, payment: dict[str, Any], amount: int, now: datetime, cause: str) -> None:
        self.ledger.take(payment["id"], amount, now, cause)
        payment["captured_at"] = now.isoformat()

    def _stand(self, payment: dict[str, Any], status: str, now: datetime) -> Mapping[str, Any]:
        payment["status"] = status
        self._tell(f"payment.{status}", payment, now)
        return dict(payment)

    def _tell(self, type_: str, payment: Mapping[str, Any], now: datetime) -> None:
        id_ = self.identity("evt")
        event = {"id": id_, "type": type_, "resource": "event", "data": payment, "created_at": now.isoformat()}
        self.outbox.append(Posting(id_, orjson.dumps({**event, "reason": None})))

    def _payment(self, id_: str) -> dict[str, Any]:
        if id_ not in self.payments:
            raise Refused(404, "not_found", "id")
        return self.payments[id_]

    def _page(self, id_: str) -> dict[str, Any]:
        if id_ not in self.pages:
            raise Refused(404, "not_found", "id")
        return self.pages[id_]

    def _shown(self, page: Mapping[str, Any]) -> dict[str, Any]:
        shown = {name: value for name, value in page.items() if not name.startswith("_")}
        return shown | {"payment": dict(self.payments[page["payment"]]) if page["payment"] else None}

    def _open_page(self, order: str) -> dict[str, Any]:
        for page in reversed(self.pages.values()):
            if page["_asked"]["payment_data"].get("external_order_num") == order and page["status"] == "pending":
                return page
        raise Refused(404, "not_found", "session")

    def _of(self, order: str) -> dict[str, Any]:
        for payment in reversed(self.payments.values()):
            if payment["external_order_num"] == order:
                return payment
        raise Refused(404, "not_found", "payment")


PROVIDER = Komoju

_ACCOUNT: Final = {
    "bank_name": "テスト銀行",
    "account_branch_name": "本店",
    "account_type": "普通",
    "account_number": "1234567",
    "account_name": "カ)コモジュ",
}


def _json(request: Request) -> dict[str, Any]:
    try:
        return request.json()
    except ValueError:
        return {}


def _type(details: object) -> str:
    return str(details.get("type")) if isinstance(details, Mapping) else "credit_card"


def _amount(asked: Mapping[str, Any]) -> int:
    amount = asked.get("amount")
    if type(amount) is not int or amount < 1:
        raise Refused(422, "missing_parameter" if amount is None else "invalid_parameter", "amount")
    if asked.get("currency", "JPY") != "JPY":
        raise Refused(422, "invalid_currency", "currency")
    return amount


def _moment(text: str | None, one: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(text or one["created_at"])
