"""How a PaymentIntent stands, in our words (gateways.md 1.3). Pure: everything that was read is given.

The sums given back come from Refund objects alone: a charge's own sum counts the released rest of a part capture too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Annotated, Any, Final

from pydantic import BaseModel, Field, StrictBool, StrictInt

from models.states import PaymentState
from pipelines.gateway import MERCHANT, SHIFTED, BuyerMust, BuyerStep, CodeClass, Snapshot
from workers.payments.stripe_codes import class_of, code_of

_P = PaymentState
Yen = Annotated[StrictInt, Field(ge=0)]

_STATES: Final = {
    "requires_payment_method": _P.PENDING,
    "requires_confirmation": _P.PENDING,
    "requires_action": _P.PENDING,
    "processing": _P.PENDING,
    "requires_capture": _P.AUTHORIZED,
    "succeeded": _P.CAPTURED,
    "canceled": _P.VOIDED,
}
_BY_TIME: Final = ("automatic", "expired")
_UNDER_WAY: Final = ("pending", "requires_action")
_SETTLED_FOR_US: Final = ("won", "warning_closed", "prevented")
_KINDS: Final = {"futsu": "普通", "toza": "当座"}
_CHAINS: Final = {"familymart": "FamilyMart", "lawson": "Lawson", "ministop": "Ministop", "seicomart": "Seicomart"}


class Charge(BaseModel):
    """What is read of a Charge."""

    disputed: StrictBool = False
    payment_method_details: dict[str, Any] | None = None
    billing_details: dict[str, Any] | None = None
    balance_transaction: dict[str, Any] | str | None = None


class Intent(BaseModel):
    """What is read of a PaymentIntent."""

    id: str
    status: str
    amount: Yen
    amount_received: Yen
    currency: str
    created: StrictInt
    customer: str | None = None
    metadata: dict[str, str] = Field(default_factory=dict)
    payment_method_types: list[str] = Field(default_factory=list)
    latest_charge: Charge | str | None = None
    next_action: dict[str, Any] | None = None
    last_payment_error: dict[str, Any] | None = None
    cancellation_reason: str | None = None

    @property
    def method(self) -> str:
        """The one method it was made for."""
        return self.payment_method_types[0] if self.payment_method_types else ""

    @property
    def charge(self) -> Charge:
        """Its last charge, an empty one where there is none or only its id was told."""
        return self.latest_charge if isinstance(self.latest_charge, Charge) else Charge()

    @property
    def order(self) -> tuple[str, str] | None:
        """(shop, number), where Shukka made it."""
        return order_of(self.metadata)


class Refund(BaseModel):
    """What is read of a Refund."""

    id: str
    status: str
    amount: Yen
    created: StrictInt
    payment_intent: str | None = None
    reason: str | None = None
    failure_reason: str | None = None
    metadata: dict[str, str] = Field(default_factory=dict)


class Dispute(BaseModel):
    """What is read of a Dispute."""

    status: str
    payment_intent: str | None = None


@dataclass(frozen=True)
class Standing:
    """Everything that says how a payment stands; ``unapplied`` is yen on the cash balance of the order's own customer."""

    intent: Intent
    refunds: Sequence[Refund] = ()
    disputes: Sequence[Dispute] = ()
    unapplied: int = 0


def order_of(metadata: Mapping[str, Any]) -> tuple[str, str] | None:
    """(shop, number) of what Shukka made."""
    shop, slash, number = str(metadata.get("order", "")).partition("/")
    return (shop, number) if slash else None


def snapshot_of(standing: Standing, as_of: datetime) -> Snapshot:
    """How the payment stands; a word that is not known, and what contradicts our books, goes before a human."""
    intent = standing.intent
    state, error = _plain(standing), intent.last_payment_error
    code, code_class = (code_of(error), class_of(error)) if error else (None, None)
    if state is _P.NEEDS_REVIEW:
        code, code_class = intent.status, CodeClass.UNKNOWN
    if (wrong := _wrong(standing)) is not None:
        state, code, code_class = _P.NEEDS_REVIEW, wrong, CodeClass.STATE
    card = (intent.charge.payment_method_details or {}).get("card") or {}
    return Snapshot(
        intent.id,
        state,
        intent.amount,
        intent.amount_received,
        given_back(standing.refunds),
        as_of,
        _moment(card.get("capture_before")) if intent.status == "requires_capture" else None,
        _buyer(intent) if intent.status == "requires_action" else None,
        code,
        code_class,
        card.get("funding") if card.get("funding") in ("credit", "debit", "prepaid") else None,
        liability=_liability(card),
    )


def _liability(card: Mapping[str, Any]) -> str | None:
    """Who bears a dispute, by the result of 3-D Secure (docs.stripe.com/payments/3d-secure/authentication-flow); None of no
    card."""
    passed = (card.get("three_d_secure") or {}).get("result")
    return None if not card else SHIFTED if passed in ("authenticated", "attempt_acknowledged") else MERCHANT


def needs_review(snapshot: Snapshot, code: str) -> Snapshot:
    """The same before a human, with its reason."""
    return replace(snapshot, state=_P.NEEDS_REVIEW, code=code, code_class=CodeClass.STATE)


def given_back(refunds: Sequence[Refund]) -> int:
    """Yen that the buyer has back. What is under way is not; a lapsed hold was never taken."""
    return sum(one.amount for one in _refunds(refunds) if one.status == "succeeded")


def _plain(standing: Standing) -> PaymentState:
    """The state by the words of the intent and its refunds alone."""
    intent = standing.intent
    state = _STATES.get(intent.status, _P.NEEDS_REVIEW)
    if intent.status == "requires_payment_method" and intent.last_payment_error:
        return _P.EXPIRED if intent.method == "konbini" else _P.FAILED
    if state is _P.VOIDED and intent.cancellation_reason in _BY_TIME:
        return _P.EXPIRED
    if state is _P.CAPTURED and (back := given_back(standing.refunds)):
        return _P.REFUNDED if back >= intent.amount_received else _P.PARTLY_REFUNDED
    return state


def _wrong(standing: Standing) -> str | None:
    """Why a human must look, whatever the intent says."""
    intent = standing.intent
    if intent.currency != "jpy":
        return "currency_differs"
    for dispute in standing.disputes:
        if dispute.status not in _SETTLED_FOR_US:
            return f"dispute_{dispute.status}"
    if failed := _not_made_good(standing.refunds):
        return f"refund_failed_{failed.failure_reason or 'unknown'}"
    if standing.unapplied:
        return "overpaid" if intent.status == "succeeded" else "unapplied_funds"
    return None


def _not_made_good(refunds: Sequence[Refund]) -> Refund | None:
    """A refund that came back from the buyer's bank and that no later one replaces."""
    for failed in (one for one in _refunds(refunds) if one.status == "failed"):
        later = (one for one in refunds if one.created >= failed.created and one.id != failed.id)
        if not any(one.status in ("succeeded", *_UNDER_WAY) and one.amount >= failed.amount for one in later):
            return failed
    return None


def _refunds(refunds: Sequence[Refund]) -> Sequence[Refund]:
    return [one for one in refunds if one.reason != "expired_uncaptured_charge"]


def _buyer(intent: Intent) -> BuyerMust | None:
    """What the customer is told to do; None where Stripe names nothing that a mail can say."""
    action = intent.next_action or {}
    told = action.get(str(action.get("type"))) or {}
    match action.get("type"):
        case "redirect_to_url":
            return BuyerMust(BuyerStep.VISIT, url=told.get("url"))
        case "konbini_display_details":
            return _at_a_store(told)
        case "display_bank_transfer_instructions":
            return _by_transfer(told, intent.metadata.get("until"))
        case _:
            return None


def _at_a_store(told: Mapping[str, Any]) -> BuyerMust:
    """Each chain has a payment code of its own; where they differ, each is named."""
    stores = {name: told.get("stores", {}).get(name) or {} for name in _CHAINS}
    codes = {_CHAINS[name]: store.get("payment_code") for name, store in stores.items() if store.get("payment_code")}
    confirmations = {one for store in stores.values() if (one := store.get("confirmation_number"))}
    named = " / ".join(f"{chain} {code}" for chain, code in codes.items())
    return BuyerMust(
        BuyerStep.PAY_AT_STORE,
        url=told.get("hosted_voucher_url"),
        number=next(iter(codes.values())) if len(set(codes.values())) == 1 else named or None,
        confirmation=confirmations.pop() if len(confirmations) == 1 else None,
        until=_moment(told.get("expires_at")),
    )


def _by_transfer(told: Mapping[str, Any], until: str | None) -> BuyerMust:
    """The account that was opened for the order; Stripe itself sets no end (``until`` is ours, kept in the metadata)."""
    zengin: Mapping[str, Any] = next(
        (one["zengin"] for one in told.get("financial_addresses", []) if one.get("zengin")), {}
    )
    account = {
        "bank": f"{zengin.get('bank_name')} ({zengin.get('bank_code')})",
        "branch": f"{zengin.get('branch_name')} ({zengin.get('branch_code')})",
        "kind": _KINDS.get(zengin.get("account_type", ""), str(zengin.get("account_type"))),
        "number": str(zengin.get("account_number")),
        "holder": str(zengin.get("account_holder_name")),
    }
    return BuyerMust(
        BuyerStep.TRANSFER,
        url=told.get("hosted_instructions_url"),
        account=account if zengin else None,
        until=datetime.fromisoformat(until) if until else None,
    )


def _moment(seconds: object) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if isinstance(seconds, int) else None
