"""A fake of Amazon Pay v2 (Japan): charges on permissions, captures, cancels, refunds, and notices without a state.

Paths, fields, states and reason codes: the Amazon Pay API v2 reference (charge, charge permission, refund, error handling,
idempotency); signatures: ``amzn/amazon-pay-api-sdk-php`` 2.7.2 (gateways.md 6). Assumptions, where neither tells: an answer
below 400 or of 422 is what a key keeps; the key is compared before the sum of a refund is; ``x-amz-pay-date`` may be of any
time; ``lastUpdatedTimestamp`` of a charge stays when it is refunded; what is left of a capture is lost.

Acts of people (``/_buyer``): ``register_key`` (``public_key`` PEM, ``environment`` SANDBOX or LIVE) gives a Public Key ID;
``agree`` (``amount`` in yen) is a buyer in a checkout and gives a charge permission; ``revoke`` (``permission``) closes it;
``subscribe`` offers the topic of the notices; ``refund`` (``charge``, ``amount``) is Seller Central; ``dispute`` (``charge``).
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import quote

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from workers.sandbox.gateways.amazon_pay_objects import HOLD, Charge, Permission, Refund, price
from workers.sandbox.gateways.amazon_pay_sns import TOPIC, Sns
from workers.sandbox.gateways.provider import Posting, Provider
from workers.sandbox.http_server import Reply, Request

MAGIC: Final[Mapping[str, Mapping[str, str]]] = {
    "S03-0000000-0000001": {},
    "S03-0000000-0000002": {"charge": "HardDeclined"},
    "S03-0000000-0000003": {"charge": "SoftDeclined"},
    "S03-0000000-0000004": {"charge": "AmazonRejected"},
    "S03-0000000-0000005": {"charge": "TransactionTimedOut"},
    "S03-0000000-0000006": {"charge": "MFANotCompleted"},
    "S03-0000000-0000007": {"pending": "Authorized"},
    "S03-0000000-0000008": {"pending": "HardDeclined"},
    "S03-0000000-0000009": {"capture": "Captured"},
    "S03-0000000-0000010": {"capture": "AmazonRejected"},
    "S03-0000000-0000011": {"refund": "AmazonRejected"},
}
"""Permissions that always stand, of any sum and number: what Amazon makes of their charges, captures and refunds."""
_SALTS: Final = {"AMZN-PAY-RSASSA-PSS": 20, "AMZN-PAY-RSASSA-PSS-V2": 32}
_AUTHORIZATION: Final = re.compile(r"(\S+) PublicKeyId=([^,]+), SignedHeaders=([^,]+), Signature=(\S+)")
_KEY: Final = re.compile(r"[A-Za-z0-9_-]{1,32}")
_FIELDS: Final = {
    "charge": {
        "chargePermissionId",
        "chargeAmount",
        "captureNow",
        "softDescriptor",
        "canHandlePendingAuthorization",
        "merchantMetadata",
    },
    "capture": {"captureAmount", "softDescriptor"},
    "cancel": {"cancellationReason"},
    "refund": {"chargeId", "refundAmount", "softDescriptor"},
}
_LEAST, _MOST = 1, 10_000_000
_PERMISSION = timedelta(days=180)
_MOST_CHARGES: Final = 25


class _Refused(Exception):
    """A reason code with its status."""

    def __init__(self, status: int, code: str) -> None:
        self.reply = Reply(status, {"reasonCode": code, "message": f"{code}: see the reference."})
        super().__init__(code)


class AmazonPay(Provider):
    """Amazon Pay as a merchant sees it. ``takes``: how long Amazon takes for what it only initiates; ``version`` of SNS's
    signatures."""

    name = "amazon_pay"

    def __init__(self, takes: timedelta = timedelta(0), version: str = "2") -> None:
        super().__init__()
        self.sns = Sns(version)
        self._takes = takes
        self._keys: dict[str, RSAPublicKey] = {}
        self._permissions = {name: Permission(10**15, acts=acts) for name, acts in MAGIC.items()}
        self._charges: dict[str, Charge] = {}
        self._refunds: dict[str, Refund] = {}
        self._answers: dict[str, tuple[str, Reply]] = {}

    def operation(self, request: Request) -> str | None:
        """As the paths say it."""
        match [request.method, *request.path.strip("/").split("/")]:
            case ["POST", "v2", "charges"]:
                return "authorize"
            case ["POST", "v2", "charges", _, "capture"]:
                return "capture"
            case ["POST", "v2", "refunds"]:
                return "refund"
            case ["DELETE", "v2", "charges", _, "cancel"]:
                return "void"
            case ["GET", "v2", *_]:
                return "lookup"
        return None

    def answer(self, request: Request, now: datetime) -> Reply:
        """Signature, key, fields and then what is asked."""
        if (said := self.sns.answer(request)) is not None:
            return said
        try:
            self._authenticate(request)
            return self._once(request, now) if request.method == "POST" else self._act(request, now)
        except _Refused as refused:
            return refused.reply

    def buyer(self, act: Mapping[str, Any], now: datetime) -> Reply:
        """See the module."""
        match act.get("act"):
            case "register_key":
                return self._register(act)
            case "agree":
                name = self.identity("S03-1000000-")
                self._permissions[name] = Permission(int(act["amount"]), now + _PERMISSION)
                return Reply(200, {"chargePermissionId": name})
            case "revoke":
                self._permissions[act["permission"]].is_closed = True
                self._tell("CHARGE_PERMISSION", act["permission"], act["permission"], now)
                return Reply(200)
            case "subscribe":
                self._post(self.sns.offer(self.identity("token")), now)
                return Reply(200, {"TopicArn": TOPIC})
            case "refund":
                made = self._refund({"chargeId": act["charge"], "refundAmount": price(int(act["amount"]))}, now)
                return Reply(200, made)
            case "dispute":
                self._tell("CHARGEBACK", self.identity("B"), self._charges[act["charge"]].permission, now)
                return Reply(200)
        return super().buyer(act, now)

    def tick(self, now: datetime) -> None:
        """What was initiated is decided, holds end after 30 days, permissions after 180."""
        for charge in self._charges.values():
            acts = self._permissions[charge.permission].acts
            if charge.state == "AuthorizationInitiated" and now >= charge.updated + self._takes:
                self._authorized(charge, acts["pending"], now)
            elif charge.state == "CaptureInitiated" and now >= charge.updated + self._takes:
                self._captured(charge, acts.get("capture", "Captured"), now)
            elif charge.state in ("Authorized", "CaptureInitiated") and now >= charge.created + HOLD:
                self.ledger.release(charge.id, charge.amount, now, "expired")
                self._move(charge, "Canceled", now, "ExpiredUnused")
        for refund in self._refunds.values():
            if refund.state == "RefundInitiated" and now >= refund.updated + self._takes:
                self._decide(refund, now)
        for permission in self._permissions.values():
            permission.is_closed |= permission.closes_at is not None and now >= permission.closes_at

    def signed(self, posting: Posting, epoch: int) -> tuple[Mapping[str, str], bytes]:
        """As SNS posts it; its time is of when it was published."""
        return self.sns.signed(posting.content)

    def _authenticate(self, request: Request) -> None:
        """403 unless one of the registered keys signed the request as it stands."""
        found = _AUTHORIZATION.fullmatch(request.headers.get("authorization", ""))
        if found is None or found[1] not in _SALTS:
            raise _Refused(403, "InvalidRequestSignature")
        algorithm, key_id, names, signature = found.groups()
        if (key := self._keys.get(key_id)) is None:
            raise _Refused(401, "UnauthorizedAccess")
        for name in ("accept", "content-type", "x-amz-pay-date", "x-amz-pay-host", "x-amz-pay-region"):
            if name not in names.split(";"):
                raise _Refused(400, "MissingHeader")
        told = "".join(f"{name}:{request.headers.get(name, '')}\n" for name in sorted(names.split(";")))
        query = "&".join(sorted(request.query.split("&")))
        digest = hashlib.sha256(request.body).hexdigest()
        whole = f"{request.method}\n{quote(request.path)}\n{query}\n{told}\n{names}\n{digest}"
        text = f"{algorithm}\n{hashlib.sha256(whole.encode()).hexdigest()}"
        try:
            proof = base64.b64decode(signature)
            key.verify(proof, text.encode(), PSS(MGF1(SHA256()), _SALTS[algorithm]), SHA256())
        except (InvalidSignature, ValueError):
            raise _Refused(403, "InvalidRequestSignature") from None

    def _once(self, request: Request, now: datetime) -> Reply:
        """A POST by its key, which is kept for ever."""
        key = request.headers.get("x-amz-pay-idempotency-key")
        if key is None:
            raise _Refused(400, "MissingHeader")
        if not _KEY.fullmatch(key):
            raise _Refused(400, "InvalidHeaderValue")
        what = f"{request.path} {hashlib.sha256(request.body).hexdigest()}"
        if (known := self._answers.get(key)) is not None:
            if known[0] != what:
                raise _Refused(400, "DuplicateIdempotencyKey")
            return known[1]
        try:
            reply = self._act(request, now)
        except _Refused as refused:
            if refused.reply.status == 422:
                self._answers[key] = what, refused.reply
            raise
        self._answers[key] = what, reply
        return reply

    def _act(self, request: Request, now: datetime) -> Reply:
        body = _body(request)
        match [request.method, *request.path.strip("/").split("/")[1:]]:
            case ["POST", "charges"]:
                return Reply(201, self._begin(_known(body, "charge"), now))
            case ["POST", "charges", name, "capture"]:
                return Reply(200, self._capture(self._charge(name), _known(body, "capture"), now))
            case ["DELETE", "charges", name, "cancel"]:
                _known(body, "cancel")
                return Reply(200, self._cancel(self._charge(name), now))
            case ["POST", "refunds"]:
                return Reply(201, self._refund(_known(body, "refund"), now))
            case ["GET", "charges", name]:
                return Reply(200, self._charge(name).shown())
            case ["GET", "refunds", name] if name in self._refunds:
                return Reply(200, self._refunds[name].shown())
        raise _Refused(404, "ResourceNotFound")

    def _begin(self, body: Mapping[str, Any], now: datetime) -> dict[str, Any]:
        amount, name = _amount(body, "chargeAmount"), body.get("chargePermissionId")
        if (permission := self._permissions.get(str(name))) is None:
            raise _Refused(404, "ResourceNotFound")
        if amount > _MOST or permission.charged + amount > permission.limit:
            raise _Refused(400, "TransactionAmountExceeded")
        if permission.is_closed:
            raise _Refused(422, "InvalidChargePermissionStatus")
        if permission.closes_at is not None and permission.charges >= _MOST_CHARGES:
            raise _Refused(422, "TransactionCountExceeded")
        if code := permission.acts.get("charge"):
            raise _Refused(422, code)
        order = str(body.get("merchantMetadata", {}).get("merchantReferenceId", ""))
        permission.charges += 1
        charge = Charge(f"{name}-C{len(self._charges) + 1:06d}", str(name), order, amount, "", now, now)
        self._charges[charge.id] = charge
        if "pending" not in permission.acts:
            self._authorized(charge, "Authorized", now)
        elif body.get("canHandlePendingAuthorization"):
            self._move(charge, "AuthorizationInitiated", now)
        else:
            del self._charges[charge.id]
            raise _Refused(422, "TransactionTimedOut")
        if body.get("captureNow") and charge.state == "Authorized":
            self._captured(charge, "Captured", now, amount)
        return charge.shown()

    def _capture(self, charge: Charge, body: Mapping[str, Any], now: datetime) -> dict[str, Any]:
        amount = _amount(body, "captureAmount")
        if charge.state != "Authorized":
            raise _Refused(422, "InvalidChargeStatus")
        if amount > charge.amount:
            raise _Refused(400, "TransactionAmountExceeded")
        charge.asked = amount
        if "capture" in self._permissions[charge.permission].acts:
            self._move(charge, "CaptureInitiated", now)
        else:
            self._captured(charge, "Captured", now, amount)
        return charge.shown()

    def _cancel(self, charge: Charge, now: datetime) -> dict[str, Any]:
        if charge.state not in ("AuthorizationInitiated", "Authorized", "CaptureInitiated"):
            raise _Refused(422, "InvalidChargeStatus")
        if charge.state != "AuthorizationInitiated":
            self.ledger.release(charge.id, charge.amount, now, "cancel")
        self._permissions[charge.permission].charged -= charge.amount
        self._move(charge, "Canceled", now, "MerchantCanceled")
        return charge.shown()

    def _refund(self, body: Mapping[str, Any], now: datetime) -> dict[str, Any]:
        amount, charge = _amount(body, "refundAmount"), self._charge(str(body.get("chargeId")))
        if charge.state != "Captured":
            raise _Refused(422, "InvalidChargeStatus")
        aside = min(charge.captured * 15 // 100, 8_400)  # the sum may exceed the capture by so much
        if charge.refunded + charge.refunding + amount > charge.captured + aside:
            raise _Refused(400, "TransactionAmountExceeded")
        charge.refunding += amount
        name = f"{charge.permission}-R{len(self._refunds) + 1:06d}"
        refund = self._refunds[name] = Refund(name, charge.id, amount, "RefundInitiated", now, now)
        return refund.shown()

    def _authorized(self, charge: Charge, outcome: str, now: datetime) -> None:
        if outcome != "Authorized":
            self._move(charge, "Declined", now, outcome)
            return
        self.ledger.hold(charge.id, charge.order, charge.amount, now, "charge")
        self._permissions[charge.permission].charged += charge.amount
        self._move(charge, "Authorized", now)

    def _captured(self, charge: Charge, outcome: str, now: datetime, amount: int = 0) -> None:
        if outcome != "Captured":
            self.ledger.release(charge.id, charge.amount, now, "declined")
            self._move(charge, "Declined", now, outcome)
            return
        charge.captured = amount or charge.asked
        self.ledger.take(charge.id, charge.captured, now, "capture")
        if charge.captured < charge.amount:
            self.ledger.release(charge.id, charge.amount - charge.captured, now, "the rest of a capture")
        self._move(charge, "Captured", now)

    def _decide(self, refund: Refund, now: datetime) -> None:
        charge = self._charges[refund.charge]
        charge.refunding -= refund.amount
        reason = self._permissions[charge.permission].acts.get("refund")
        refund.state, refund.reason, refund.updated = "Declined" if reason else "Refunded", reason, now
        if reason is None:
            charge.refunded += refund.amount
            self.ledger.give_back(charge.id, refund.amount, now, refund.id)
        self._tell("REFUND", refund.id, charge.permission, now)

    def _move(self, charge: Charge, state: str, now: datetime, reason: str | None = None) -> None:
        charge.state, charge.reason, charge.updated = state, reason, now
        self._tell("CHARGE", charge.id, charge.permission, now)

    def _tell(self, kind: str, name: str, permission: str, now: datetime) -> None:
        """A notice, once somebody listens."""
        if not self.sns.is_confirmed:
            return
        inner = {
            "MerchantID": "A0000000000000",
            "ObjectType": kind,
            "ObjectId": name,
            "ChargePermissionId": permission,
            "NotificationType": "STATE_CHANGE",
            "NotificationId": self.identity("n"),
            "NotificationVersion": "V2",
        }
        message = {"Type": "Notification", "MessageId": self.identity("m"), "TopicArn": TOPIC}
        self._post({**message, "Message": orjson.dumps(inner).decode()}, now)

    def _post(self, message: Mapping[str, str], now: datetime) -> None:
        at = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        self.outbox.append(Posting(message["MessageId"], orjson.dumps({**message, "Timestamp": at})))

    def _register(self, act: Mapping[str, Any]) -> Reply:
        key = load_pem_public_key(str(act["public_key"]).encode())
        assert isinstance(key, RSAPublicKey)
        name = self.identity(f"{act.get('environment', 'SANDBOX')}-AE")
        self._keys[name] = key
        return Reply(200, {"publicKeyId": name})

    def _charge(self, name: str) -> Charge:
        if (charge := self._charges.get(name)) is None:
            raise _Refused(404, "ResourceNotFound")
        return charge


PROVIDER: Final = AmazonPay


def _body(request: Request) -> dict[str, Any]:
    try:
        return request.json() if request.body else {}
    except ValueError:
        raise _Refused(400, "InvalidRequestFormat") from None


def _known(body: Mapping[str, Any], what: str) -> Mapping[str, Any]:
    if not body.keys() <= _FIELDS[what]:
        raise _Refused(400, "UnrecognizedField")
    return body


def _amount(body: Mapping[str, Any], name: str) -> int:
    price = body.get(name)
    if not isinstance(price, dict):
        raise _Refused(400, "MissingParameterValue")
    if price.get("currencyCode") != "JPY":
        raise _Refused(400, "CurrencyMismatch")
    if not isinstance(price.get("amount"), str) or not price["amount"].isdecimal() or int(price["amount"]) < _LEAST:
        raise _Refused(400, "InvalidParameterValue")
    return int(price["amount"])
