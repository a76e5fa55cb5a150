"""A fake of Stripe's API v1 for one Japanese account in test mode (gateways.md 1; docs.stripe.com/api).

Kept as the real one keeps it: secret keys as Bearer or Basic; forms whose unknown parameters are refused; idempotency keys
that replay status and body for 24 hours, failures of its own server too, that compare parameters and answer 409 beside the
first; one capture; holds, vouchers and keys that end by time; a search whose index lags behind; signed events.

Buyers and others act through POST /_buyer with ``order``:

    authenticate {passes}   pay_at_store   transfer {amount}   dispute {status}   refund_in_dashboard {amount}
    end_refund {status}     give_bank_data
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import orjson

from workers.sandbox.gateways.provider import Posting, Provider
from workers.sandbox.gateways.stripe_forms import Form, Refused, form_of, page
from workers.sandbox.gateways.stripe_intents import CANCEL, CAPTURE, CREATE, Intents
from workers.sandbox.gateways.stripe_objects import (
    API_VERSION,
    Customer,
    Dispute,
    Intent,
    Refund,
    shown_cash_balance,
    shown_charge,
    shown_customer,
    shown_dispute,
    shown_intent,
    shown_refund,
    unix,
)
from workers.sandbox.http_server import Reply, Request

KEY: Final = "sk_test_fake0000000000000001"
SECRET: Final = "whsec_fake0000000000000001"  # noqa: S105 - of a fake
KEYS_LAST: Final = timedelta(hours=24)
INDEX_LAGS: Final = timedelta(seconds=60)

_INTENTS: Final = "/v1/payment_intents"
_LIST: Final = ("limit", "starting_after", "created[gte]", "created[lt]", "customer", "expand[]")
_OF_INTENT: Final = ("payment_intent", "charge", *_LIST)
_REFUND: Final = ("payment_intent", "amount", "reason", "instructions_email", "metadata")
_CUSTOMER: Final = ("name", "email", "phone", "description", "metadata")
_SEARCHED: Final = re.compile(r"metadata\[(['\"])(\w+)\1\]:(['\"])((?:\\.|(?!\3).)*)\3")
_WAYS_BACK: Final = ("succeeded", "pending", "requires_action")


@dataclass
class _Known:
    """What was answered under an idempotency key."""

    asked: str
    reply: Reply
    at: datetime


class Stripe(Provider):
    """One account. ``key`` is its secret key, ``secret`` that of its one webhook endpoint."""

    name = "stripe"

    def __init__(self, key: str = KEY, secret: str = SECRET) -> None:
        super().__init__()
        self._key = key
        self._secret = secret
        self._known: dict[str, _Known] = {}
        self._book = Intents(self.ledger, self.identity, self._tell)
        self._disputes: dict[str, Dispute] = {}

    def slips(self, order: str) -> int:
        """How many open intents an order has."""
        return sum(one.order == order and one.status == "requires_action" for one in self._book.intents.values())

    def operation(self, request: Request) -> str | None:
        """By method and path; a new intent holds a card or registers a slip."""
        path, last = request.path, request.path.rsplit("/", 1)[-1]
        if request.method == "GET":
            return ("list" if path == _INTENTS else "lookup") if path.startswith("/v1/") else None
        if path == _INTENTS:
            is_card = b"payment_method_types%5B0%5D=card" in request.body
            return "authorize" if is_card else "register"
        return {"capture": "capture", "cancel": "void", "refunds": "refund"}.get(last)

    def answer(self, request: Request, now: datetime) -> Reply:
        """Authenticate, replay or act."""
        replied = self._answered(request, now)
        return Reply(replied.status, replied.body, {"request-id": self.identity("req_"), **replied.headers})

    def under_way(self, request: Request) -> tuple[str, Reply] | None:
        """A key that is in use is a conflict."""
        key = request.headers.get("idempotency-key")
        if request.method != "POST" or key is None:
            return None
        return key, Refused(409, "idempotency_key_in_use", "Keep waiting", type_="idempotency_error").reply()

    def failed(self, request: Request, reply: Reply) -> None:
        """A 500 is stored under its key as any answer is."""
        known = self._known.get(request.headers.get("idempotency-key", ""))
        if known is not None:
            known.reply = Refused(500, None, "An error occurred internally", type_="api_error").reply()

    def tick(self, now: datetime) -> None:
        """Keys are forgotten; holds and vouchers end."""
        self._known = {key: known for key, known in self._known.items() if now < known.at + KEYS_LAST}
        self._book.tick(now)

    def signed(self, posting: Posting, epoch: int) -> tuple[Mapping[str, str], bytes]:
        """``Stripe-Signature`` over ``<t>.<body>``, under the whole ``whsec_`` string (gateways.md 1.4)."""
        mac = hmac.new(self._secret.encode(), f"{epoch}.".encode() + posting.content, hashlib.sha256).hexdigest()
        return {"content-type": "application/json", "stripe-signature": f"t={epoch},v1={mac}"}, posting.content

    def buyer(self, act: Mapping[str, Any], now: datetime) -> Reply:
        """Who acts is told 409 where there is nothing to do so with."""
        done = self._ACTS.get(act["act"])
        if done is None:
            return super().buyer(act, now)
        try:
            intent = self._book.of_order(act["order"])
        except Refused as refused:
            return refused.reply()
        return Reply(200 if done(self, intent, act, now) else 409, {"intent": intent.id, "status": intent.status})

    def _answered(self, request: Request, now: datetime) -> Reply:
        try:
            self._authenticate(request)
            if request.method != "POST":
                return Reply(200, self._act(request, now))
            return self._once(request, now)
        except Refused as refused:
            return refused.reply()

    def _authenticate(self, request: Request) -> None:
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if scheme == "Basic":
            given = base64.b64decode(given.encode(), validate=False).decode("utf-8", "replace").partition(":")[0]
        if scheme not in ("Bearer", "Basic") or not hmac.compare_digest(given.encode(), self._key.encode()):
            raise Refused(401, None, "Invalid API Key provided")

    def _once(self, request: Request, now: datetime) -> Reply:
        key = request.headers.get("idempotency-key")
        if key is None:
            return Reply(200, self._act(request, now))
        if len(key) > 255:
            raise Refused(400, None, "Idempotency keys are up to 255 characters", type_="idempotency_error")
        asked = f"{request.path}?{request.body.decode('latin-1')}"
        known = self._known.get(key)
        if known is not None:
            if known.asked != asked:
                raise Refused(400, None, "Keys can only be used with the same parameters", type_="idempotency_error")
            return Reply(known.reply.status, known.reply.body, {"idempotent-replayed": "true"})
        try:
            reply = Reply(200, self._act(request, now))
        except Refused as refused:
            if not refused.is_stored:
                raise
            reply = refused.reply()
        self._known[key] = _Known(asked, reply, now)
        return reply

    def _act(self, request: Request, now: datetime) -> dict[str, Any]:
        found = self._ROUTES.get((request.method, request.path))
        if found is not None:
            allowed, done = found
            return done(self, form_of(request, allowed), now)
        return self._about(request, now)

    def _about(self, request: Request, now: datetime) -> dict[str, Any]:
        """What has an id in its path."""
        _, _, kind, id_, *verb = request.path.split("/")
        match request.method, kind, verb:
            case "GET", "payment_intents", []:
                return self._book.shown(self._book.of(id_), form_of(request, ("expand[]",)))
            case "POST", "payment_intents", ["capture"]:
                form, intent = form_of(request, CAPTURE), self._book.of(id_)
                self._book.capture(intent, form, now)
                return self._book.shown(intent, form)
            case "POST", "payment_intents", ["cancel"]:
                form, intent = form_of(request, CANCEL), self._book.of(id_)
                self._book.cancel(intent, form, now)
                return self._book.shown(intent, form)
            case "GET", "customers", ["cash_balance"] if id_ in self._book.customers:
                return shown_cash_balance(self._book.customers[id_])
            case _:
                raise Refused(404, "resource_missing", f"Unrecognized request URL ({request.method}: {request.path})")

    def _create(self, form: Form, now: datetime) -> dict[str, Any]:
        return self._book.shown(self._book.create(form, now), form)

    def _create_customer(self, form: Form, now: datetime) -> dict[str, Any]:
        fields = {name: value for name in _CUSTOMER if name != "metadata" and (value := form.get(name))}
        number = f"{len(self._book.customers) + 1:07d}"
        customer = Customer(self.identity("cus_"), now, number, form.metadata, fields=fields)
        self._book.customers[customer.id] = customer
        return shown_customer(customer)

    def _refund(self, form: Form, now: datetime) -> dict[str, Any]:
        intent = self._book.of(form.need("payment_intent"))
        form.one_of("reason", ("duplicate", "fraudulent", "requested_by_customer"))
        rest = intent.received - sum(
            one.amount for one in self._book.refunds.values() if one.intent is intent and one.status in _WAYS_BACK
        )
        if not intent.received:
            raise Refused(400, "payment_intent_unexpected_state", "It does not have a successful charge to refund.")
        if rest <= 0:
            raise Refused(400, "charge_already_refunded", "The charge has already been refunded.")
        amount = form.integer("amount")
        amount = rest if amount is None else amount
        if not 1 <= amount <= rest:
            raise Refused(400, None, f"Refund amount ({amount}) is not within 1 to {rest}", param="amount")
        email = form.get("instructions_email")
        if intent.method == "konbini" and not email:
            raise Refused(400, "parameter_missing", "instructions_email is required", param="instructions_email")
        return shown_refund(self._give_back(intent, amount, form.metadata, now, email=email, reason=form.get("reason")))

    def _give_back(
        self,
        intent: Intent,
        amount: int,
        metadata: dict[str, str],
        now: datetime,
        *,
        email: str | None = None,
        reason: str | None = None,
    ) -> Refund:
        """A refund begins: to a card at once, by transfer once the buyer said where to."""
        card = intent.card
        status = card.refunds if card else ("requires_action" if intent.method == "konbini" else "pending")
        refund = Refund(self.identity("re_"), now, intent, amount, status, reason, metadata, email)
        self._book.refunds[refund.id] = refund
        self._tell("refund.created", shown_refund(refund), now)
        self._arrive(refund, now)
        return refund

    def _arrive(self, refund: Refund, now: datetime) -> None:
        charge = refund.intent.charge
        if refund.status == "succeeded" and charge is not None:
            self.ledger.give_back(refund.intent.id, refund.amount, now, "refund")
            self._tell("charge.refunded", shown_charge(refund.intent, charge, self._book.refunds.values()), now)

    def _listed(self, form: Form, now: datetime) -> dict[str, Any]:
        expand = [name.removeprefix("data.") for name in form.all("expand[]")]
        chosen = [one for one in self._book.intents.values() if form.get("customer") in (None, one.customer)]
        shown = [shown_intent(one, self._book.refunds.values(), expand) for one in _within(chosen, form)]
        return page(shown, form, _INTENTS)

    def _search(self, form: Form, now: datetime) -> dict[str, Any]:
        """Only what the index has caught up with (assumed: a minute; docs.stripe.com/search)."""
        asked = _SEARCHED.fullmatch(form.need("query"))
        if asked is None:
            raise Refused(400, "parameter_invalid", "We were unable to parse your search query.", param="query")
        name, value = asked[2], re.sub(r"\\(.)", r"\1", asked[4])
        expand = [name.removeprefix("data.") for name in form.all("expand[]")]
        found = [
            shown_intent(one, self._book.refunds.values(), expand)
            for one in reversed(self._book.intents.values())
            if one.metadata.get(name) == value and one.created + INDEX_LAGS <= now
        ]
        return {"object": "search_result", "url": f"{_INTENTS}/search", "has_more": False, "data": found[:100]}

    def _listed_refunds(self, form: Form, now: datetime) -> dict[str, Any]:
        return page([shown_refund(one) for one in _of_intent(self._book.refunds.values(), form)], form, "/v1/refunds")

    def _listed_disputes(self, form: Form, now: datetime) -> dict[str, Any]:
        return page([shown_dispute(one) for one in _of_intent(self._disputes.values(), form)], form, "/v1/disputes")

    def _tell(self, type_: str, about: Mapping[str, Any], at: datetime) -> None:
        id_ = self.identity("evt_")
        event = {
            "id": id_,
            "object": "event",
            "api_version": API_VERSION,
            "created": unix(at),
            "data": {"object": about},
            "livemode": False,
            "pending_webhooks": 1,
            "request": {"id": None, "idempotency_key": None},
            "type": type_,
        }
        self.outbox.append(Posting(id_, orjson.dumps(event)))

    def _authenticated(self, intent: Intent, act: Mapping[str, Any], now: datetime) -> bool:
        return self._book.authenticate(intent, bool(act["passes"]), now)

    def _paid(self, intent: Intent, act: Mapping[str, Any], now: datetime) -> bool:
        return self._book.pay_at_store(intent, now)

    def _transferred(self, intent: Intent, act: Mapping[str, Any], now: datetime) -> bool:
        if intent.customer is None:
            return False
        self._book.transfer(self._book.customers[intent.customer], act["amount"], now)
        return True

    def _disputed(self, intent: Intent, act: Mapping[str, Any], now: datetime) -> bool:
        """The card holder's bank claims the money back, or the claim moves on to ``status``."""
        if intent.charge is None or not intent.received:
            return False
        intent.charge.disputed = True
        dispute = next((one for one in self._disputes.values() if one.intent is intent), None)
        kind = "updated" if dispute else "created"
        dispute = dispute or Dispute(self.identity("dp_"), now, intent, intent.received, "needs_response")
        self._disputes[dispute.id] = dispute
        dispute.status = act.get("status", dispute.status)
        kind = "closed" if dispute.status in ("won", "lost", "warning_closed", "prevented") else kind
        self._tell(f"charge.dispute.{kind}", shown_dispute(dispute), now)
        return True

    def _refunded_in_dashboard(self, intent: Intent, act: Mapping[str, Any], now: datetime) -> bool:
        self._give_back(intent, act["amount"], {}, now)
        return True

    def _refund_ends(self, intent: Intent, act: Mapping[str, Any], now: datetime) -> bool:
        """A refund that was under way arrives, or comes back from the buyer's bank."""
        under_way = [one for one in self._book.refunds.values() if one.intent is intent and one.status == "pending"]
        for refund in under_way[:1]:
            refund.status = act["status"]
            refund.failure_reason = "declined" if refund.status == "failed" else None
            kind = "refund.failed" if refund.status == "failed" else "refund.updated"
            self._tell(kind, shown_refund(refund), now)
            self._arrive(refund, now)
        return bool(under_way)

    def _gave_bank_data(self, intent: Intent, act: Mapping[str, Any], now: datetime) -> bool:
        """The buyer of a voucher types the account that Stripe asked for by mail."""
        waiting = [
            one for one in self._book.refunds.values() if one.intent is intent and one.status == "requires_action"
        ]
        for refund in waiting:
            refund.status = "pending"
            self._tell("refund.updated", shown_refund(refund), now)
        return bool(waiting)

    _ROUTES: Final[
        Mapping[tuple[str, str], tuple[Sequence[str], Callable[[Stripe, Form, datetime], dict[str, Any]]]]
    ] = {
        ("POST", _INTENTS): (CREATE, _create),
        ("GET", _INTENTS): (_LIST, _listed),
        ("GET", f"{_INTENTS}/search"): (("query", "limit", "page", "expand[]"), _search),
        ("POST", "/v1/customers"): (_CUSTOMER, _create_customer),
        ("POST", "/v1/refunds"): (_REFUND, _refund),
        ("GET", "/v1/refunds"): (_OF_INTENT, _listed_refunds),
        ("GET", "/v1/disputes"): (_OF_INTENT, _listed_disputes),
    }
    _ACTS: Final[Mapping[str, Callable[[Stripe, Intent, Mapping[str, Any], datetime], bool]]] = {
        "authenticate": _authenticated,
        "pay_at_store": _paid,
        "transfer": _transferred,
        "dispute": _disputed,
        "refund_in_dashboard": _refunded_in_dashboard,
        "end_refund": _refund_ends,
        "give_bank_data": _gave_bank_data,
    }


PROVIDER: Final = Stripe


def _within(objects: Sequence[Any], form: Form) -> list[Any]:
    """Those that were created in the asked interval, the newest first."""
    since, until = form.integer("created[gte]"), form.integer("created[lt]")
    return [
        one
        for one in reversed(objects)
        if (since is None or one.created.timestamp() >= since) and (until is None or one.created.timestamp() < until)
    ]


def _of_intent(objects: Any, form: Form) -> list[Any]:
    intent = form.get("payment_intent")
    return _within([one for one in objects if intent in (None, one.intent.id)], form)
