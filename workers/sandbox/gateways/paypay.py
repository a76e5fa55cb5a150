"""A fake of PayPay's Open Payment API: codes (QR) with authorization, capture, revert, one refund, reauthorize (gateways.md 5).

Shapes follow the reference (dynamic QR, pre-auth and capture), ``paypayopa-sdk-python/tests/mocks`` and ``paypayopa-sdk-go``.
Assumed, since no source says it: a code lives five minutes; a hold 30 days; the same refund's, capture's and revert's id again is
the same one; the body and the effect of reauthorize; ``DYNAMIC_QR_PAYMENT_NOT_FOUND`` for an id that was never seen; a request is
refused that is two minutes older than the newest one (its clock may be set ahead, so no other age is known), or whose nonce
was used.

Buyers (``/_buyer``): ``agree`` {order, or url of one of its codes}, ``refuse`` {order, why}; the merchant's own page:
``dashboard_refund`` {order, amount}. ``refunded_after_a_part``: the contract reports REFUNDED after any refund.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import orjson

from workers.sandbox.gateways.provider import Posting, Provider
from workers.sandbox.http_server import Reply, Request

API_KEY: Final = "paypay-sandbox-key"
API_SECRET: Final = "paypay-sandbox-secret"  # noqa: S105 - of the fake
MERCHANT: Final = "100000000000000001"
#: Why a wallet refuses, all of them: (codeId, what the buyer is told).
REFUSALS: Final = ("NO_SUFFICIENT_FUND", "LIMIT_EXCEEDED", "NO_VALID_PAYMENT_METHOD")
_CODE_LIVES: Final = timedelta(minutes=5)
_HOLD: Final = timedelta(days=30)
_REAUTHORIZATIONS: Final = 10
_TOLERANCE: Final = 120
_REFUNDS: Final = 1

#: code -> (HTTP status, codeId)
_CODES: Final[Mapping[str, tuple[int, str]]] = {
    "SUCCESS": (200, "08100001"),
    "USER_CONFIRMATION_REQUIRED": (202, "08300103"),
    "INVALID_REQUEST_PARAMS": (400, "08100006"),
    "MISSING_REQUEST_PARAMS": (400, "08100024"),
    "INVALID_PARAMS": (400, "00200015"),
    "UNAUTHORIZED": (401, "08100016"),
    "OPA_CLIENT_NOT_FOUND": (404, "08100007"),
    "DUPLICATE_DYNAMIC_QR_REQUEST": (400, "01652073"),
    "DYNAMIC_QR_ALREADY_PAID": (400, "01652074"),
    "DYNAMIC_QR_PAYMENT_NOT_FOUND": (404, "01652075"),
    "DYNAMIC_QR_NOT_FOUND": (404, "01652072"),
    "RESOURCE_NOT_FOUND": (404, "00200001"),
    "ORDER_NOT_REVERSIBLE": (400, "00200044"),
    "ORDER_NOT_CAPTURABLE": (400, "00200035"),
    "ALREADY_CAPTURED": (400, "00200039"),
    "ORDER_EXPIRED": (400, "00200043"),
    "UNACCEPTABLE_OP": (400, "00200014"),
}


class Refused(Exception):
    """An answer with PayPay's ``resultInfo`` of a refusal."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)


def _reply(code: str, data: object = None) -> Reply:
    status, code_id = _CODES[code]
    body: dict[str, Any] = {"resultInfo": {"code": code, "message": code, "codeId": code_id}, "data": data}
    return Reply(status, body, {"x-request-id": hashlib.sha256(orjson.dumps(body)).hexdigest()[:16]})


class PayPay(Provider):
    """One merchant's access in PayPay's sandbox."""

    name = "paypay"

    def __init__(self) -> None:
        super().__init__()
        self.codes: dict[str, dict[str, Any]] = {}
        self.payments: dict[str, dict[str, Any]] = {}
        """By our own id."""
        self.refunded_after_a_part = False
        self._nonces: set[str] = set()
        self._newest = 0

    def operation(self, request: Request) -> str | None:
        if request.method == "GET":
            return "lookup"
        if request.method == "DELETE":
            return "void"
        return {
            "/v2/codes": "authorize",
            "/v2/payments/capture": "capture",
            "/v2/payments/preauthorize/revert": "void",
            "/v2/payments/reauthorize": "renew",
            "/v2/refunds": "refund",
        }.get(request.path)

    def answer(self, request: Request, now: datetime) -> Reply:
        try:
            self._authenticate(request)
            return self._answer(request, now)
        except Refused as refused:
            return _reply(refused.code)

    def _authenticate(self, request: Request) -> None:
        """Over the bytes that came, the path without its query, and the content type as it was sent."""
        scheme, _, given = request.headers.get("authorization", "").partition(" OPA-Auth:")
        parts = given.split(":")
        if scheme != "hmac" or len(parts) != 5 or not parts[3].isdecimal():
            raise Refused("UNAUTHORIZED")
        key, mac, nonce, epoch, digest = parts
        content_type = request.headers.get("content-type", "") if request.body else "empty"
        hashed = hashlib.md5(content_type.encode() + request.body, usedforsecurity=False).digest()
        expected = base64.b64encode(hashed).decode() if request.body else "empty"
        told = "\n".join([request.path, request.method, nonce, epoch, content_type, expected])
        ours = base64.b64encode(hmac.new(API_SECRET.encode(), told.encode(), hashlib.sha256).digest()).decode()
        is_new = nonce not in self._nonces and int(epoch) >= self._newest - _TOLERANCE
        if key != API_KEY or digest != expected or not hmac.compare_digest(mac, ours) or not is_new:
            raise Refused("UNAUTHORIZED")
        if request.headers.get("x-assume-merchant") != MERCHANT:
            raise Refused("OPA_CLIENT_NOT_FOUND")
        self._nonces.add(nonce)
        self._newest = max(self._newest, int(epoch))

    def _answer(self, request: Request, now: datetime) -> Reply:
        path = [part for part in request.path.split("/") if part]
        match request.method, path:
            case "GET", ["v2", "codes" | "payments", *_]:
                return _reply("SUCCESS", self._shown(self._payment(path[-1])))
            case "GET", ["v2", "refunds", id_]:
                return _reply("SUCCESS", self._refund_of(id_))
            case "DELETE", ["v2", "codes", id_]:
                return self._delete(id_)
        asked = _json(request)
        match request.method, path:
            case "POST", ["v2", "codes"]:
                return _reply("SUCCESS", self._code(asked, now))
            case "POST", ["v2", "payments", "capture"]:
                return self._capture(asked, now)
            case "POST", ["v2", "payments", "preauthorize", "revert"]:
                return self._revert(asked, now)
            case "POST", ["v2", "payments", "reauthorize"]:
                return self._reauthorize(asked)
            case "POST", ["v2", "refunds"]:
                return _reply("SUCCESS", self._refund(asked, now))
        raise Refused("RESOURCE_NOT_FOUND")

    def _code(self, asked: Mapping[str, Any], now: datetime) -> Mapping[str, Any]:
        id_, amount = asked.get("merchantPaymentId"), _yen(asked)
        if not isinstance(id_, str) or not id_ or asked.get("codeType") != "ORDER_QR":
            raise Refused("MISSING_REQUEST_PARAMS")
        if len(id_) > 64 or len(str(asked.get("orderDescription", ""))) > 255 or amount < 1:
            raise Refused("INVALID_REQUEST_PARAMS")
        if id_ in self.payments:
            raise Refused("DYNAMIC_QR_ALREADY_PAID")
        if id_ in self.codes:
            raise Refused("DUPLICATE_DYNAMIC_QR_REQUEST")
        code = self.identity("code-")
        self.codes[id_] = {
            "codeId": code,
            "url": f"https://qr.paypay.example/{code}",
            "deeplink": f"paypay://payment?link_key={code}",
            "expiryDate": int((now + _CODE_LIVES).timestamp()),
            "merchantPaymentId": id_,
            "amount": asked["amount"],
            "orderDescription": asked.get("orderDescription", ""),
            "codeType": "ORDER_QR",
            "requestedAt": asked.get("requestedAt"),
            "isAuthorization": bool(asked.get("isAuthorization")),
        }
        return self.codes[id_]

    def _delete(self, code: str) -> Reply:
        for id_, one in self.codes.items():
            if one["codeId"] == code and not one.get("deleted"):
                if id_ in self.payments:
                    raise Refused("DYNAMIC_QR_ALREADY_PAID")
                one["deleted"] = True
                return _reply("SUCCESS")
        raise Refused("DYNAMIC_QR_NOT_FOUND")

    def _capture(self, asked: Mapping[str, Any], now: datetime) -> Reply:
        payment, amount = self._payment(asked.get("merchantPaymentId")), _yen(asked)
        mark, held = asked.get("merchantCaptureId"), payment["amount"]["amount"]
        if any(one["merchantCaptureId"] == mark for one in payment["captures"]["data"]):
            return _reply("SUCCESS", self._shown(payment))
        if payment["captures"]["data"]:
            raise Refused("ALREADY_CAPTURED")
        if payment["status"] == "EXPIRED":
            raise Refused("ORDER_EXPIRED")
        if payment["status"] != "AUTHORIZED" or not mark:
            raise Refused("ORDER_NOT_CAPTURABLE")
        if amount > held:
            return _reply("USER_CONFIRMATION_REQUIRED")
        self.ledger.take(payment["paymentId"], amount, now, "capture")
        if held > amount:
            self.ledger.release(payment["paymentId"], held - amount, now, "capture")
        self._captured(payment, amount, mark, now)
        self._stand(payment, "COMPLETED", now)
        return _reply("SUCCESS", self._shown(payment))

    def _revert(self, asked: Mapping[str, Any], now: datetime) -> Reply:
        payment = self._by_their_id(asked.get("paymentId"))
        mark = asked.get("merchantRevertId")
        if payment["status"] == "AUTHORIZED" and mark:
            self.ledger.release(payment["paymentId"], payment["amount"]["amount"], now, "revert")
            payment["revert"] = {"acceptedAt": _epoch(now), "merchantRevertId": mark, "reason": asked.get("reason")}
            self._stand(payment, "CANCELED", now)
        elif not mark or payment.get("revert", {}).get("merchantRevertId") != mark:
            raise Refused("ORDER_NOT_REVERSIBLE")
        told = {"status": "CANCELED", "acceptedAt": _epoch(now), "paymentId": payment["paymentId"]}
        return _reply("SUCCESS", told | {"requestedAt": asked.get("requestedAt"), "reason": asked.get("reason")})

    def _reauthorize(self, asked: Mapping[str, Any]) -> Reply:
        payment = self._payment(asked.get("merchantPaymentId"))
        if payment["status"] != "AUTHORIZED" or payment["_renewed"] >= _REAUTHORIZATIONS:
            raise Refused("UNACCEPTABLE_OP")
        if _yen(asked) != payment["amount"]["amount"]:
            return _reply("USER_CONFIRMATION_REQUIRED")
        payment["_renewed"] += 1
        payment["expiresAt"] += int(_HOLD.total_seconds())
        return _reply("SUCCESS", self._shown(payment))

    def _refund(self, asked: Mapping[str, Any], now: datetime) -> Mapping[str, Any]:
        payment, amount, mark = self._by_their_id(asked.get("paymentId")), _yen(asked), asked.get("merchantRefundId")
        given = payment["refunds"]["data"]
        for one in given:
            if one["merchantRefundId"] == mark:
                return dict(one)
        taken = sum(one["amount"]["amount"] for one in payment["captures"]["data"])
        if not mark or payment["status"] != "COMPLETED" or len(given) >= _REFUNDS:
            raise Refused("UNACCEPTABLE_OP")
        if not 0 < amount <= taken:
            raise Refused("INVALID_PARAMS")
        self.ledger.give_back(payment["paymentId"], amount, now, "refund")
        made = {"status": "CREATED", "acceptedAt": _epoch(now), "merchantRefundId": mark, "amount": asked["amount"]}
        made |= {
            "paymentId": payment["paymentId"],
            "requestedAt": asked.get("requestedAt"),
            "reason": asked.get("reason"),
        }
        given.append(made)
        whole = amount == taken or self.refunded_after_a_part
        self._stand(payment, "REFUNDED" if whole else "COMPLETED", now, told="REFUNDED")
        return dict(made)

    def _refund_of(self, id_: str) -> Mapping[str, Any]:
        for payment in self.payments.values():
            for one in payment["refunds"]["data"]:
                if one["merchantRefundId"] == id_:
                    return dict(one)
        raise Refused("RESOURCE_NOT_FOUND")

    def buyer(self, act: Mapping[str, Any], now: datetime) -> Reply:
        try:
            match act["act"]:
                case "agree":
                    return Reply(200, self._agree(self._open(act, now), now))
                case "refuse" if act.get("why", REFUSALS[0]) in REFUSALS:
                    payment = self._new(self._open(act, now), now)
                    self._stand(payment, "FAILED", now)
                    return Reply(200, self._shown(payment))
                case "dashboard_refund":
                    payment = self._of(act["order"])
                    amount = {"amount": act["amount"], "currency": "JPY"}
                    asked = {
                        "paymentId": payment["paymentId"],
                        "amount": amount,
                        "merchantRefundId": self.identity("d"),
                    }
                    return Reply(200, self._refund(asked, now))
        except Refused as refused:
            return _reply(refused.code)
        return super().buyer(act, now)

    def _agree(self, code: Mapping[str, Any], now: datetime) -> Mapping[str, Any]:
        payment = self._new(code, now)
        amount = code["amount"]["amount"]
        self.ledger.hold(payment["paymentId"], code["orderDescription"], amount, now, "agree")
        if code["isAuthorization"]:
            payment["expiresAt"] = _epoch(now + _HOLD)
            self._stand(payment, "AUTHORIZED", now)
        else:
            self.ledger.take(payment["paymentId"], amount, now, "agree")
            self._stand(payment, "COMPLETED", now)
        return self._shown(payment)

    def _open(self, act: Mapping[str, Any], now: datetime) -> Mapping[str, Any]:
        """The code that the buyer was shown: by its address, else the order's newest."""
        for id_, code in reversed(self.codes.items()):
            is_meant = code["url"] == act["url"] if "url" in act else code["orderDescription"] == act["order"]
            lives = code["expiryDate"] > now.timestamp() and not code.get("deleted")
            if is_meant and lives and id_ not in self.payments:
                return code
        raise Refused("DYNAMIC_QR_NOT_FOUND")

    def tick(self, now: datetime) -> None:
        for payment in self.payments.values():
            if payment["status"] == "AUTHORIZED" and payment["expiresAt"] <= now.timestamp():
                ended = datetime.fromtimestamp(payment["expiresAt"], now.tzinfo)
                self.ledger.release(payment["paymentId"], payment["amount"]["amount"], ended, "expired")
                self._stand(payment, "EXPIRED", ended)

    def signed(self, posting: Posting, epoch: int) -> tuple[Mapping[str, str], bytes]:
        """Nothing proves a notice: PayPay offers the addresses that it comes from."""
        return {"content-type": "application/json"}, posting.content

    def acknowledged(self, status: int, body: bytes) -> bool:
        return status == 200

    def _new(self, code: Mapping[str, Any], now: datetime) -> dict[str, Any]:
        id_ = code["merchantPaymentId"]
        self.payments[id_] = {
            "paymentId": self.identity("0450"),
            "status": "CREATED",
            "acceptedAt": _epoch(now),
            "merchantPaymentId": id_,
            "amount": code["amount"],
            "requestedAt": code["requestedAt"],
            "captures": {"data": []},
            "refunds": {"data": []},
            "orderDescription": code["orderDescription"],
            "_renewed": 0,
        }
        return self.payments[id_]

    def _captured(self, payment: dict[str, Any], amount: int, mark: object, now: datetime) -> None:
        made = {"acceptedAt": _epoch(now), "merchantCaptureId": mark, "status": "COMPLETED"}
        payment["captures"]["data"].append(made | {"amount": {"amount": amount, "currency": "JPY"}})

    def _stand(self, payment: dict[str, Any], status: str, now: datetime, told: str | None = None) -> None:
        payment["status"] = status
        notice = {
            "notification_type": "Transaction",
            "merchant_id": MERCHANT,
            "order_id": payment["paymentId"],
            "merchant_order_id": payment["merchantPaymentId"],
            "order_amount": payment["amount"]["amount"],
            "state": told or status,
            "paid_at": now.isoformat(),
        }
        self.outbox.append(Posting(self.identity("notice-"), orjson.dumps(notice)))

    def _shown(self, payment: Mapping[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in payment.items() if not name.startswith("_")}

    def _payment(self, id_: object) -> dict[str, Any]:
        if id_ not in self.payments:
            raise Refused("DYNAMIC_QR_PAYMENT_NOT_FOUND")
        return self.payments[str(id_)]

    def _by_their_id(self, id_: object) -> dict[str, Any]:
        for payment in self.payments.values():
            if payment["paymentId"] == id_:
                return payment
        raise Refused("RESOURCE_NOT_FOUND")

    def _of(self, order: str) -> dict[str, Any]:
        for payment in reversed(self.payments.values()):
            if payment["orderDescription"] == order:
                return payment
        raise Refused("RESOURCE_NOT_FOUND")


PROVIDER = PayPay


def _json(request: Request) -> dict[str, Any]:
    try:
        return request.json()
    except ValueError:
        raise Refused("INVALID_REQUEST_PARAMS") from None


def _yen(asked: Mapping[str, Any]) -> int:
    amount = asked.get("amount")
    told = amount.get("amount") if isinstance(amount, Mapping) else None
    if type(told) is not int or not isinstance(amount, Mapping) or amount.get("currency") != "JPY":
        raise Refused("INVALID_REQUEST_PARAMS")
    return told


def _epoch(now: datetime) -> int:
    return int(now.timestamp())
