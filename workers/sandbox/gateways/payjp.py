"""A fake of PAY.JP v1: charges by single-use tokens or by customers, captures, refunds, re-authorization, 3-D Secure, events.

Paths, fields, rules and codes: docs.pay.jp/v1/api, ``payjp`` 1.6.1 and its mirror (gateways.md 4). It knows no idempotency key:
the same charge of a customer twice is two. Assumptions, where the reference is silent: a charge is captured once; one on hold
for 3-D Secure shows ``paid`` false; a charge that 3-D Secure refused has that as its ``failure_code``; the metadata of a
charge is changed by ``POST /charges/{id}``, as the library does it.

The test mode's two requests a second are the switch ``per_second`` (``provider.FAULTS``).

Acts of people (``/_buyer``): ``token`` (``card``) is a card form's token, ``customer`` (``card``) a customer with a card;
``three_d_secure`` (``charge``, ``outcome`` verified, failed or aborted); ``refund`` and ``capture`` (``charge``, ``amount``) are
the dashboard; ``dispute`` (``charge``) a chargeback.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import parse_qsl

import orjson

from workers.sandbox.gateways.payjp_objects import Charge, event, last_second
from workers.sandbox.gateways.provider import Posting, Provider
from workers.sandbox.http_server import Reply, Request

SECRET_KEY, PUBLIC_KEY, WEBHOOK_TOKEN = "sk_test_fake0001", "pk_test_fake0001", "whook_fake0001"
"""Of the one account there is."""
CARDS: Final[Mapping[str, str]] = {
    "4242424242424242": "",
    "4000000900000003": "",  # issued abroad: held for 7 days at most
    "4000000000080319": "card_declined",
    "4000000000080202": "card_declined",  # above 10,000 yen
    "4000000000000119": "processing_error",
    "4000000000004012": "expired_card",  # this and the next are the fake's own
    "4000000000004013": "card_flagged",
}
"""Test cards, and with what a charge of each is refused; any other number makes no token."""
_FOREIGN, _ABOVE = "4000000900000003", "4000000000080202"
_LEAST, _MOST = 50, 9_999_999
_REFUNDABLE: Final = timedelta(days=180)
_TDS: Final = timedelta(minutes=30)


class _Refused(Exception):
    """An error with its code; ``kind`` is its type."""

    def __init__(self, status: int, code: str, kind: str = "client_error") -> None:
        error = {"type": kind, "code": code, "message": f"{code}: see the reference.", "status": status}
        self.reply = Reply(status, {"error": error})
        super().__init__(code)


class Payjp(Provider):
    """PAY.JP as a merchant sees it."""

    name = "payjp"

    def __init__(self) -> None:
        super().__init__()
        self._charges: dict[str, Charge] = {}
        self._cards: dict[str, str] = {}
        """Tokens and customers -> the card behind each."""
        self._used: set[str] = set()

    def operation(self, request: Request) -> str | None:
        """As the paths say it; a refund of what was not captured releases it."""
        match [request.method, *request.path.strip("/").split("/")]:
            case ["POST", "v1", "charges"]:
                return "authorize"
            case ["POST", "v1", "charges", name, "refund"]:
                charge = self._charges.get(name)
                return "refund" if charge is None or charge.captured else "void"
            case ["POST", "v1", "charges", _, "capture" | "reauth" as act]:
                return "capture" if act == "capture" else "renew"
            case ["GET", "v1", "charges"]:
                return "list"
            case ["GET", "v1", *_]:
                return "lookup"
        return None

    def answer(self, request: Request, now: datetime) -> Reply:
        """Key, and then what is asked, whole or not at all."""
        try:
            self._authenticate(request)
            return Reply(200, self._act(request, now))
        except _Refused as refused:
            return refused.reply

    def buyer(self, act: Mapping[str, Any], now: datetime) -> Reply:
        """See the module."""
        try:
            match act.get("act"):
                case "token" | "customer" as kind:
                    if act["card"] not in CARDS:
                        raise _Refused(402, "card_declined", "card_error")
                    name = self.identity("tok_" if kind == "token" else "cus_")
                    self._cards[name] = act["card"]
                    return Reply(200, {"id": name})
                case "three_d_secure":
                    self._charges[act["charge"]].tds = act["outcome"]
                    return Reply(200)
                case "capture":
                    return Reply(200, self._capture(self._charges[act["charge"]], {"amount": str(act["amount"])}, now))
                case "refund":
                    return Reply(200, self._refund(self._charges[act["charge"]], {"amount": str(act["amount"])}, now))
                case "dispute":
                    self._charges[act["charge"]].is_disputed = True
                    return Reply(200)
        except _Refused as refused:
            return refused.reply
        return super().buyer(act, now)

    def tick(self, now: datetime) -> None:
        """Holds end with their day, and 3-D Secure after 30 minutes."""
        for charge in self._charges.values():
            if charge.holds and now > charge.expires_at and not charge.is_released:
                charge.is_released = True
                self.ledger.release(charge.id, charge.amount, now, "expired")
            if charge.waits and now >= charge.created + _TDS:
                charge.tds = "expired"

    def signed(self, posting: Posting, epoch: int) -> tuple[Mapping[str, str], bytes]:
        """The token of the account, the same for every event."""
        return {"content-type": "application/json", "x-payjp-webhook-token": WEBHOOK_TOKEN}, posting.content

    def _authenticate(self, request: Request) -> None:
        right = b"Basic " + base64.b64encode(f"{SECRET_KEY}:".encode())
        if not hmac.compare_digest(request.headers.get("authorization", "").encode(), right):
            raise _Refused(401, "invalid_api_key", "auth_error")

    def _act(self, request: Request, now: datetime) -> dict[str, Any]:
        form = dict(parse_qsl(request.body.decode()))
        match [request.method, *request.path.strip("/").split("/")[1:]]:
            case ["POST", "charges"]:
                return self._begin(form, now)
            case ["GET", "charges"]:
                return self._list(dict(parse_qsl(request.query)), now)
            case ["GET", "charges", name]:
                return self._charge(name).shown()
            case ["POST", "charges", name]:
                return self._update(self._charge(name), form, now)
            case ["POST", "charges", name, act]:
                return self._change(self._charge(name), act, form, now)
        raise _Refused(404, "invalid_id", "not_found_error")

    def _change(self, charge: Charge, act: str, form: Mapping[str, str], now: datetime) -> dict[str, Any]:
        if charge.is_disputed:
            raise _Refused(400, "chargeback")
        match act:
            case "capture":
                return self._capture(charge, form, now)
            case "refund":
                return self._refund(charge, form, now)
            case "reauth":
                return self._reauth(charge, form, now)
            case "tds_finish":
                return self._tds_finish(charge, now)
        raise _Refused(404, "invalid_id", "not_found_error")

    def _begin(self, form: Mapping[str, str], now: datetime) -> dict[str, Any]:
        amount = _amount(form)
        if form.get("currency") != "jpy":
            raise _Refused(400, "invalid_currency")
        captures = form.get("capture", "true") == "true"
        if captures and "expiry_days" in form:
            raise _Refused(400, "unnecessary_expiry_days")
        days = int(form.get("expiry_days", "7"))
        if not 1 <= days <= 60:
            raise _Refused(400, "invalid_expiry_days")
        card = self._card(form)
        if (code := CARDS[card]) and (card != _ABOVE or amount > 10_000):
            raise _Refused(402, code, "card_error")
        end = last_second(now, min(days, 7) if card == _FOREIGN else days)
        charge = Charge(self.identity("ch_"), amount, now, end, _metadata(form), customer=form.get("customer"))
        self._charges[charge.id] = charge
        if form.get("three_d_secure") == "true":
            charge.tds = "unverified"
            return charge.shown()
        self._hold(charge, now)
        if captures:
            self._capture(charge, {}, now)
        return charge.shown()

    def _card(self, form: Mapping[str, str]) -> str:
        """The card that is charged; a token is used up by it."""
        name = form.get("customer") or form.get("card")
        if name is None:
            raise _Refused(400, "missing_card")
        if name not in self._cards:
            raise _Refused(400, "invalid_id")
        if name in self._used:
            raise _Refused(400, "token_already_used")
        if name.startswith("tok_"):
            self._used.add(name)
        return self._cards[name]

    def _hold(self, charge: Charge, now: datetime) -> None:
        charge.paid = True
        self.ledger.hold(charge.id, charge.metadata.get("order", ""), charge.amount, now, "charge")
        self._tell("charge.succeeded", charge, now)

    def _capture(self, charge: Charge, form: Mapping[str, str], now: datetime) -> dict[str, Any]:
        amount = _amount(form) if "amount" in form else charge.amount
        if charge.captured_at is not None:
            raise _Refused(400, "already_captured")
        if charge.refunded:
            raise _Refused(400, "cant_capture_refunded_charge")
        if not charge.paid:
            raise _Refused(400, "operation_not_allowed_on_no_authorized_charge")
        if now > charge.expires_at:
            raise _Refused(400, "charge_expired")
        if amount > charge.amount:
            raise _Refused(400, "capture_amount_gt_net")
        charge.captured_at, charge.amount_refunded = now, charge.amount - amount
        self.ledger.take(charge.id, amount, now, "capture")
        if amount < charge.amount:
            self.ledger.release(charge.id, charge.amount - amount, now, "the rest of a capture")
        self._tell("charge.captured", charge, now)
        return charge.shown()

    def _refund(self, charge: Charge, form: Mapping[str, str], now: datetime) -> dict[str, Any]:
        if charge.refunded:
            raise _Refused(400, "already_refunded")
        if not charge.paid:
            raise _Refused(400, "operation_not_allowed_on_no_authorized_charge")
        if not charge.captured and "amount" in form:
            raise _Refused(400, "invalid_amount_to_not_captured")
        if len(form.get("refund_reason", "")) > 255:
            raise _Refused(400, "invalid_refund_reason")
        if now > charge.created + _REFUNDABLE:
            raise _Refused(400, "refund_limit_exceeded")
        if not charge.captured and now > charge.expires_at:
            raise _Refused(400, "charge_expired")
        left = charge.amount - charge.amount_refunded
        amount = int(form.get("amount", left))
        if amount > left or amount < 1:
            raise _Refused(400, "refund_amount_gt_net" if amount > left else "invalid_amount")
        charge.amount_refunded += amount
        charge.refunded = amount == left
        charge.refund_reason = form.get("refund_reason")
        if charge.captured:
            self.ledger.give_back(charge.id, amount, now, "refund")
        else:
            self.ledger.release(charge.id, amount, now, "refund")
        self._tell("charge.refunded", charge, now)
        return charge.shown()

    def _reauth(self, charge: Charge, form: Mapping[str, str], now: datetime) -> dict[str, Any]:
        if not charge.holds or now > charge.expires_at:
            raise _Refused(400, "operation_not_allowed_on_no_authorized_charge")
        charge.expires_at = last_second(now, int(form.get("expiry_days", "7")))
        self._tell("charge.updated", charge, now)
        return charge.shown()

    def _tds_finish(self, charge: Charge, now: datetime) -> dict[str, Any]:
        if charge.tds is None or charge.paid:
            raise _Refused(400, "not_in_three_d_secure_flow")
        if charge.tds == "unverified":
            raise _Refused(400, "three_d_secure_incompleted")
        if charge.tds == "expired":
            raise _Refused(400, "three_d_secure_expired")
        if charge.tds != "verified":
            charge.failure_code = "three_d_secure_failed"
            raise _Refused(400, "three_d_secure_failed")
        self._hold(charge, now)
        return charge.shown()

    def _update(self, charge: Charge, form: Mapping[str, str], now: datetime) -> dict[str, Any]:
        charge.metadata |= _metadata(form)
        self._tell("charge.updated", charge, now)
        return charge.shown()

    def _list(self, query: Mapping[str, str], now: datetime) -> dict[str, Any]:
        """Newest first; ``since`` and ``until`` are Unix seconds, both counted."""
        limit, offset = int(query.get("limit", "10")), int(query.get("offset", "0"))
        if not 1 <= limit <= 100:
            raise _Refused(400, "invalid_limit")
        since, until = int(query.get("since", "0")), int(query.get("until", str(int(now.timestamp()))))
        found = [one for one in self._charges.values() if since <= int(one.created.timestamp()) <= until]
        page = found[::-1][offset : offset + limit]
        data = [one.shown() for one in page]
        more = offset + limit < len(found)
        return {"object": "list", "url": "/v1/charges", "count": len(found), "has_more": more, "data": data}

    def _charge(self, name: str) -> Charge:
        if (charge := self._charges.get(name)) is None:
            raise _Refused(404, "invalid_id", "not_found_error")
        return charge

    def _tell(self, kind: str, charge: Charge, now: datetime) -> None:
        told = event(self.identity("evnt_"), kind, charge, now)
        self.outbox.append(Posting(told["id"], orjson.dumps(told)))


PROVIDER: Final = Payjp


def _amount(form: Mapping[str, str]) -> int:
    told = form.get("amount")
    if told is None:
        raise _Refused(400, "missing_param")
    if not told.isdecimal() or not _LEAST <= int(told) <= _MOST:
        raise _Refused(400, "invalid_amount")
    return int(told)


def _metadata(form: Mapping[str, str]) -> dict[str, str]:
    found = {name[9:-1]: value for name, value in form.items() if name.startswith("metadata[")}
    if len(found) > 20 or any(len(value) > 500 for value in found.values()):
        raise _Refused(400, "invalid_metadata")
    return found
