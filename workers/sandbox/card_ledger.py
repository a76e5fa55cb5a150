"""The books of the sandbox card gateway: authorizations, and every operation ever done under an idempotency key.

Pure: no clock, no socket.  The gateway journals each ``Operation`` and builds the books again from them.
States and codes follow GMO-PG (formats.md B.6.1, B.6.3): one capture an authorization, the rest is released.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from pipelines.errors import Invalid, NotFound, Problem

MINIMUM_AMOUNT = 50
MAXIMUM_AMOUNT = 9_999_999
LIFETIME = timedelta(days=30)

# token -> (code shown, gateway's own code, sentence)
DECLINES: Mapping[str, tuple[str, str, str]] = {
    "tok_declined": ("G12", "42G120000", "the card cannot be used"),
    "tok_insufficient": ("G02", "42G020000", "the balance is insufficient"),
    "tok_expired_card": ("G83", "42G830000", "the expiry date is wrong"),
    "tok_3ds_failed": ("E21", "E21030201", "3-D Secure was not passed"),
}

# token -> what funds the card (PAY-02)
FUNDING: Mapping[str, str] = {
    "tok_ok": "credit",
    "tok_debit": "debit",
    "tok_prepaid": "prepaid",
    "tok_3ds_ok": "credit",
    "tok_timeout_once": "credit",
    "tok_error_once": "credit",
    "tok_unknown": "credit",
}

_NOT_ALLOWED = ("E11", "E11010003")


@dataclass(frozen=True, slots=True)
class Operation:
    """What was done under ``key``.

    ``operation`` is authorize, capture, void or refund; ``status`` and ``answer`` are what every repetition of the
    request gets again, with how the ``payment`` stood after it; ``fingerprint`` tells another request from a repetition.
    """

    key: str
    operation: str
    fingerprint: str
    status: int
    answer: Mapping[str, Any]

    def record(self) -> dict[str, Any]:
        """The journal's record."""
        return {"kind": "operation", **asdict(self)}

    @classmethod
    def of_record(cls, record: Mapping[str, Any]) -> Operation:
        """The operation that ``record`` holds."""
        return cls(**{name: value for name, value in record.items() if name != "kind"})


@dataclass(slots=True)
class _Authorization:
    order: str
    amount: int
    funding: str
    expires_at: datetime
    captured: int = 0
    refunded: int = 0
    state: str = "authorized"

    def shown(self, identity: str, now: datetime) -> dict[str, Any]:
        """How it stands ``now``."""
        has_expired = self.state == "authorized" and now >= self.expires_at
        return {
            "id": identity,
            "order": self.order,
            "status": "expired" if has_expired else self.state,
            "amount": self.amount,
            "captured": self.captured,
            "refunded": self.refunded,
            "funding": self.funding,
            "expires_at": self.expires_at.isoformat(),
            "at": now.isoformat(),
        }


class CardLedger:
    """The gateway's memory. Amounts are yen."""

    def __init__(self) -> None:
        self.operations: dict[str, Operation] = {}
        self._authorizations: dict[str, _Authorization] = {}

    def remember(self, operation: Operation) -> None:
        """Enter ``operation`` into the books: after doing it, and when they are built again from the journal."""
        self.operations[operation.key] = operation
        if operation.status >= 400:
            return
        answer = operation.answer
        if operation.operation == "authorize":
            expires_at = datetime.fromisoformat(answer["expires_at"])
            made = _Authorization(answer["order"], answer["amount"], answer["funding"], expires_at)
            self._authorizations[answer["id"]] = made
            return
        authorization = self._authorizations[answer["authorization"]]
        if operation.operation == "capture":
            authorization.state, authorization.captured = "captured", answer["amount"]
        elif operation.operation == "void":
            authorization.state = "voided"
        else:
            authorization.refunded += answer["amount"]

    def perform(
        self, operation: str, subject: str, request: Mapping[str, Any], *, key: str, fingerprint: str, now: datetime
    ) -> Operation:
        """Do ``operation`` on the authorization ``subject`` ("" for authorize) and remember it under ``key``.

        Raises, remembering nothing, Invalid for what is no operation and NotFound for an unknown authorization.
        """
        if operation == "authorize":
            status, answer = self._authorize(request, _identity("auth", key), now)
        else:
            status, answer = self._change(operation, subject, request, _identity(operation, key), now)
        done = Operation(key, operation, fingerprint, status, answer)
        self.remember(done)
        if status < 400:
            subject = answer.get("authorization", answer["id"])
            done = replace(done, answer={**answer, "payment": self._authorizations[subject].shown(subject, now)})
            self.operations[key] = done
        return done

    def payment(self, identity: str, now: datetime) -> dict[str, Any] | None:
        """How the authorization ``identity`` stands ``now``; None if there is none."""
        found = self._authorizations.get(identity)
        return found.shown(identity, now) if found else None

    def payments_of(self, order: str, now: datetime) -> list[dict[str, Any]]:
        """How the authorizations of ``order`` stand ``now``, the oldest first."""
        return [one.shown(identity, now) for identity, one in self._authorizations.items() if one.order == order]

    def _authorize(self, request: Mapping[str, Any], identity: str, now: datetime) -> tuple[int, dict[str, Any]]:
        _only(request, {"order", "amount", "token"})
        order, token = _text(request, "order"), _text(request, "token")
        amount = _amount(request, MINIMUM_AMOUNT)
        if token in DECLINES:
            return 402, _refusal(*DECLINES[token])
        if token not in FUNDING:
            raise _invalid("token", "must be one this gateway has issued")
        return 201, {
            "id": identity,
            "status": "authorized",
            "order": order,
            "amount": amount,
            "funding": FUNDING[token],
            "expires_at": (now + LIFETIME).isoformat(),
        }

    def _change(
        self, operation: str, subject: str, request: Mapping[str, Any], identity: str, now: datetime
    ) -> tuple[int, dict[str, Any]]:
        _only(request, set() if operation == "void" else {"amount"})
        amount = 0 if operation == "void" else _amount(request, 1)
        authorization = self._authorizations.get(subject)
        if authorization is None:
            raise NotFound("there is no such authorization")
        if reason := _obstacle(operation, amount, authorization, now):
            return 402, _refusal(*_NOT_ALLOWED, reason)
        answer = {"id": identity, "authorization": subject, "status": "done", "amount": amount}
        if operation != "refund":
            answer["released"] = authorization.amount - amount
        return 200, answer


def _obstacle(operation: str, amount: int, authorization: _Authorization, now: datetime) -> str | None:
    if operation == "refund":
        left = authorization.captured - authorization.refunded
        return f"{left} yen of a capture are left" if amount > left else None
    if authorization.state != "authorized":
        return f"the authorization is {authorization.state}"
    if operation == "capture" and now >= authorization.expires_at:
        return "the authorization has expired"
    if amount > authorization.amount:
        return "more than was authorized"
    return None


def _identity(kind: str, key: str) -> str:
    """An id that depends on the key alone, so that two runs of one scenario can be compared."""
    return f"{kind}_{hashlib.sha256(key.encode()).hexdigest()[:20]}"


def _refusal(code: str, info: str, message: str) -> dict[str, Any]:
    return {"error": {"code": code, "info": info, "message": message}}


def _invalid(field: str, message: str) -> Invalid:
    return Invalid([Problem(field, message)])


def _only(request: Mapping[str, Any], known: set[str]) -> None:
    if strange := sorted(request.keys() - known):
        raise _invalid(strange[0], "is no field of this operation")


def _text(request: Mapping[str, Any], name: str) -> str:
    value = request.get(name)
    if not isinstance(value, str) or not value:
        raise _invalid(name, "must be a text that is not empty")
    return value


def _amount(request: Mapping[str, Any], minimum: int) -> int:
    value = request.get("amount")
    if type(value) is not int or not minimum <= value <= MAXIMUM_AMOUNT:
        raise _invalid("amount", f"must be a whole number of yen from {minimum} to {MAXIMUM_AMOUNT}")
    return value
