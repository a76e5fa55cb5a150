"""The books of the sandbox gateway: payments, and every operation ever done under an idempotency key.

A payment is an authorization (card, wallet) or a slip: a store's number (コンビニ払い) or a lender's form (ローン). Pure: no
clock, no socket.  The gateway journals each ``Operation`` and builds the books again from them. States and codes follow
GMO-PG (formats.md B.6.1, B.6.3): one capture an authorization, the rest is released.
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
    "tok_3ds_challenge": "credit",
}

CHALLENGED = "tok_3ds_challenge"
"""The card whose issuer wants to see its holder first (3-D Secure): nothing is held until he has passed."""

SLIPS: Mapping[str, str] = {"konbini": "pay_at_store", "loan": "open_form"}
"""Methods of slips, and what their customer has to do."""

# (state, what the buyer or his lender does) -> the state after it
_ACTS: Mapping[tuple[str, str], str] = {
    ("challenged", "pass"): "authorized",
    ("challenged", "fail"): "failed",
    ("konbini", "pay"): "captured",
    ("loan", "approve"): "authorized",
    ("loan", "refuse"): "failed",
    ("authorized loan", "pay_out"): "captured",
}

_NOT_ALLOWED = ("E11", "E11010003")


@dataclass(frozen=True, slots=True)
class Operation:
    """What was done under ``key``.

    ``operation`` is authorize, register, capture, void or refund, or what a buyer did: act; ``status`` and ``answer`` are
    what every repetition of the request gets again, with how the ``payment`` stood after it; ``fingerprint`` tells another
    request from a repetition.
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
class _Payment:
    order: str
    amount: int
    funding: str | None
    expires_at: datetime
    method: str = "card"
    captured: int = 0
    refunded: int = 0
    state: str = "authorized"

    def has_expired(self, now: datetime) -> bool:
        """Whether its time is up: nothing is held, or paid, any more."""
        return self.state in ("authorized", "pending") and now >= self.expires_at

    def stage(self) -> str:
        """What the buyer's acts are told apart by."""
        if self.state == "pending":
            return self.method if self.method in SLIPS else "challenged"
        return f"{self.state} {self.method}"

    def shown(self, identity: str, now: datetime) -> dict[str, Any]:
        """How it stands ``now``."""
        state = "expired" if self.has_expired(now) else self.state
        return {
            "id": identity,
            "order": self.order,
            "status": state,
            "amount": self.amount,
            "captured": self.captured,
            "refunded": self.refunded,
            "funding": self.funding,
            "expires_at": self.expires_at.isoformat(),
            "at": now.isoformat(),
            "buyer": self._must(identity) if state == "pending" else None,
        }

    def _must(self, identity: str) -> dict[str, Any]:
        number = f"{int(hashlib.sha256(identity.encode()).hexdigest()[:12], 16) % 10**11:011d}"
        return {
            "step": SLIPS.get(self.method, "visit"),
            "path": f"/pay/{identity}",
            "number": number if self.method == "konbini" else None,
        }


class PaymentLedger:
    """The gateway's memory. Amounts are yen."""

    def __init__(self) -> None:
        self.operations: dict[str, Operation] = {}
        self._payments: dict[str, _Payment] = {}
        self._begun: dict[str, datetime] = {}

    def remember(self, operation: Operation) -> None:
        """Enter ``operation`` into the books: after doing it, and when they are built again from the journal."""
        self.operations[operation.key] = operation
        if operation.status >= 400:
            return
        answer = operation.answer
        if operation.operation in ("authorize", "register"):
            self._payments[answer["id"]] = _Payment(
                answer["order"],
                answer["amount"],
                answer["funding"],
                datetime.fromisoformat(answer["expires_at"]),
                answer.get("method", "card"),
                state=answer["status"],
            )
            self._begun[answer["id"]] = datetime.fromisoformat(answer["begun_at"])
            return
        payment = self._payments[answer["authorization"]]
        if operation.operation == "capture":
            payment.state, payment.captured = "captured", answer["amount"]
        elif operation.operation == "void":
            payment.state = "voided"
        elif operation.operation == "act":
            payment.state, payment.captured = answer["becomes"], answer["amount"]
            if "expires_at" in answer:
                payment.expires_at = datetime.fromisoformat(answer["expires_at"])
        else:
            payment.refunded += answer["amount"]

    def perform(
        self, operation: str, subject: str, request: Mapping[str, Any], *, key: str, fingerprint: str, now: datetime
    ) -> Operation:
        """Do ``operation`` on the payment ``subject`` ("" for authorize and register) and remember it under ``key``.

        Raises, remembering nothing, Invalid for what is no operation and NotFound for an unknown payment.
        """
        if operation == "authorize":
            status, answer = self._authorize(request, _identity("auth", key), now)
        elif operation == "register":
            status, answer = self._register(request, _identity("slip", key), now)
        elif operation == "act":
            status, answer = self._act(subject, request, _identity("act", key), now)
        else:
            status, answer = self._change(operation, subject, request, _identity(operation, key), now)
        done = Operation(key, operation, fingerprint, status, answer)
        self.remember(done)
        if status < 400:
            subject = answer.get("authorization", answer["id"])
            done = replace(done, answer={**answer, "payment": self._payments[subject].shown(subject, now)})
            self.operations[key] = done
        return done

    def payment(self, identity: str, now: datetime) -> dict[str, Any] | None:
        """How the payment ``identity`` stands ``now``; None if there is none."""
        found = self._payments.get(identity)
        return found.shown(identity, now) if found else None

    def payments_of(self, order: str, now: datetime) -> list[dict[str, Any]]:
        """How the payments of ``order`` stand ``now``, the oldest first."""
        return [one.shown(identity, now) for identity, one in self._payments.items() if one.order == order]

    def payments(self, since: datetime, until: datetime, now: datetime) -> list[dict[str, Any]]:
        """How all payments stand ``now`` that were begun from ``since`` up to, not with, ``until``, the oldest first."""
        return [
            self._payments[identity].shown(identity, now) | {"begun_at": begun.isoformat()}
            for identity, begun in self._begun.items()
            if since <= begun < until
        ]

    def acts(self, identity: str, now: datetime) -> list[str]:
        """What the buyer, or his lender, can do about a payment now."""
        found = self._payments.get(identity)
        if found is None or found.has_expired(now):
            return []
        return [act for stage, act in _ACTS if stage == found.stage()]

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
            "status": "pending" if token == CHALLENGED else "authorized",
            "order": order,
            "amount": amount,
            "funding": FUNDING[token],
            "expires_at": (now + LIFETIME).isoformat(),
            "begun_at": now.isoformat(),
        }

    def _register(self, request: Mapping[str, Any], identity: str, now: datetime) -> tuple[int, dict[str, Any]]:
        _only(request, {"order", "amount", "method", "until"})
        method = _text(request, "method")
        if method not in SLIPS:
            raise _invalid("method", f"must be one of {', '.join(SLIPS)}")
        until = datetime.fromisoformat(_text(request, "until")) if request.get("until") else now + LIFETIME
        return 201, {
            "id": identity,
            "status": "pending",
            "order": _text(request, "order"),
            "amount": _amount(request, MINIMUM_AMOUNT),
            "funding": None,
            "method": method,
            "expires_at": until.isoformat(),
            "begun_at": now.isoformat(),
        }

    def _act(
        self, subject: str, request: Mapping[str, Any], identity: str, now: datetime
    ) -> tuple[int, dict[str, Any]]:
        _only(request, {"act"})
        payment, act = self._payments.get(subject), _text(request, "act")
        if payment is None:
            raise NotFound("there is no such payment")
        if act not in self.acts(subject, now):
            return 409, _refusal(*_NOT_ALLOWED, f"the payment is {payment.shown(subject, now)['status']}")
        becomes = _ACTS[payment.stage(), act]
        amount = payment.amount if becomes == "captured" else 0
        done = {"id": identity, "authorization": subject, "status": "done", "becomes": becomes, "amount": amount}
        if becomes == "authorized":  # an approval, or a hold, lasts from now
            done["expires_at"] = (now + LIFETIME).isoformat()
        return 200, done

    def _change(
        self, operation: str, subject: str, request: Mapping[str, Any], identity: str, now: datetime
    ) -> tuple[int, dict[str, Any]]:
        _only(request, set() if operation == "void" else {"amount"})
        amount = 0 if operation == "void" else _amount(request, 1)
        payment = self._payments.get(subject)
        if payment is None:
            raise NotFound("there is no such payment")
        if reason := _obstacle(operation, amount, payment, now):
            return 402, _refusal(*_NOT_ALLOWED, reason)
        answer = {"id": identity, "authorization": subject, "status": "done", "amount": amount}
        if operation != "refund":
            answer["released"] = payment.amount - amount
        return 200, answer


def _obstacle(operation: str, amount: int, payment: _Payment, now: datetime) -> str | None:
    if operation == "refund":
        if payment.method in SLIPS:
            return f"{payment.method} cannot be given back this way"
        left = payment.captured - payment.refunded
        return f"{left} yen of a capture are left" if amount > left else None
    if payment.state == "pending" and operation == "void":
        return None
    if payment.state != "authorized":
        return f"the authorization is {payment.state}"
    if operation == "capture" and payment.method in SLIPS:
        return f"{payment.method} is paid by whoever owes it"
    if operation == "capture" and now >= payment.expires_at:
        return "the authorization has expired"
    if amount > payment.amount:
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
