"""How a PaymentIntent stands, in our words (gateways.md 1.3). Pure: everything that was read is given.

The sums given back come from Refund objects alone: a charge's own sum counts the released rest of a part capture too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from pydantic import Field, StrictBool

from models.states import PaymentState
from pipelines.gateway import MERCHANT, SHIFTED, BuyerMust, BuyerStep, CodeClass, Snapshot
from pipelines.values.moment import bounded
from workers.payments.stripe_codes import class_of, code_of
from workers.payments.values import Seconds, Shown, Yen, of_epoch

_P = PaymentState

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
_OF_REFUNDS: Final = ("succeeded", "failed", "canceled", *_UNDER_WAY)
_SETTLED_FOR_US: Final = ("won", "warning_closed", "prevented")
_KINDS: Final = {"futsu": "普通", "toza": "当座"}
_ZENGIN: Final = frozenset(
    {"bank_name", "bank_code", "branch_name", "branch_code", "account_type", "account_number", "account_holder_name"}
)
_CHAINS: Final = {"familymart": "FamilyMart", "lawson": "Lawson", "ministop": "Ministop", "seicomart": "Seicomart"}


class Charge(Shown):
    """What is read of a Charge."""

    disputed: StrictBool = False
    payment_method_details: dict[str, Any] | None = None
    billing_details: dict[str, Any] | None = None
    balance_transaction: dict[str, Any] | str | None = None


class Intent(Shown):
    """What is read of a PaymentIntent."""

    id: str
    status: str
    amount: Yen
    amount_received: Yen
    currency: str
    created: Seconds
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


class Refund(Shown):
    """What is read of a Refund; its status may be null."""

    id: str
    status: str | None = None
    amount: Yen
    created: Seconds
    payment_intent: str | None = None
    reason: str | None = None
    failure_reason: str | None = None
    metadata: dict[str, str] = Field(default_factory=dict)


class Dispute(Shown):
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
    card = _object((intent.charge.payment_method_details or {}).get("card"))
    return Snapshot(
        intent.id,
        state,
        intent.amount,
        intent.amount_received,
        given_back(standing.refunds),
        as_of,
        moment(card.get("capture_before")) if intent.status == "requires_capture" else None,
        _buyer(intent) if intent.status == "requires_action" else None,
        code,
        code_class,
        card.get("funding") if card.get("funding") in ("credit", "debit", "prepaid") else None,
        liability=_liability(card),
    )


def _liability(card: Mapping[str, Any]) -> str | None:
    """Who bears a dispute, by the result of 3-D Secure (docs.stripe.com/payments/3d-secure/authentication-flow); None of no
    card."""
    passed = _object(card.get("three_d_secure")).get("result")
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
        return (
            "refund_canceled" if failed.status == "canceled" else f"refund_failed_{failed.failure_reason or 'unknown'}"
        )
    if any(one.status not in _OF_REFUNDS for one in standing.refunds):
        return "refund_unknown"
    if standing.unapplied:
        return "overpaid" if intent.status == "succeeded" else "unapplied_funds"
    return None


def _not_made_good(refunds: Sequence[Refund]) -> Refund | None:
    """A refund that came back from the buyer's bank, or one of ours that was called off, and that no later one replaces."""
    for failed in (one for one in _refunds(refunds) if _never_came(one)):
        later = (one for one in refunds if one.created >= failed.created and one.id != failed.id)
        if not any(one.status in ("succeeded", *_UNDER_WAY) and one.amount >= failed.amount for one in later):
            return failed
    return None


def _never_came(refund: Refund) -> bool:
    """Whether the buyer does not have it and will not: the books count on what we asked for, whoever called it off."""
    return refund.status == "failed" or (refund.status == "canceled" and "key" in refund.metadata)


def _refunds(refunds: Sequence[Refund]) -> Sequence[Refund]:
    return [one for one in refunds if one.reason != "expired_uncaptured_charge"]


def _buyer(intent: Intent) -> BuyerMust | None:
    """What the customer is told to do; None where Stripe names nothing that a mail can say."""
    action = intent.next_action or {}
    told = _object(action.get(str(action.get("type"))))
    match action.get("type"):
        case "redirect_to_url":
            return BuyerMust(BuyerStep.VISIT, url=url) if (url := _text(told.get("url"))) else None
        case "konbini_display_details":
            return _at_a_store(told)
        case "display_bank_transfer_instructions":
            return _by_transfer(told, intent.metadata.get("until"))
        case _:
            return None


def _at_a_store(told: Mapping[str, Any]) -> BuyerMust:
    """Each chain has a payment code of its own; where they differ, each is named."""
    stores = {name: _object(_object(told.get("stores")).get(name)) for name in _CHAINS}
    codes = {_CHAINS[name]: code for name, store in stores.items() if (code := _text(store.get("payment_code")))}
    confirmations = {one for store in stores.values() if (one := _text(store.get("confirmation_number")))}
    named = " / ".join(f"{chain} {code}" for chain, code in codes.items())
    return BuyerMust(
        BuyerStep.PAY_AT_STORE,
        url=_text(told.get("hosted_voucher_url")),
        number=next(iter(codes.values())) if len(set(codes.values())) == 1 else named or None,
        confirmation=confirmations.pop() if len(confirmations) == 1 else None,
        until=moment(told.get("expires_at")),
    )


def _by_transfer(told: Mapping[str, Any], until: str | None) -> BuyerMust | None:
    """The account that was opened for the order; Stripe itself sets no end (``until`` is ours, kept in the metadata)."""
    addresses, url = told.get("financial_addresses"), _text(told.get("hosted_instructions_url"))
    shown = [_object(_object(one).get("zengin")) for one in addresses] if isinstance(addresses, list) else []
    zengin = {name: text for name, one in next(filter(None, shown), {}).items() if (text := _text(one))}
    end = _iso(until)
    if not zengin.keys() >= _ZENGIN:  # a part of an account is none; Stripe's page shows it
        return BuyerMust(BuyerStep.VISIT, url=url, until=end) if url else None
    account = {
        "bank": f"{zengin['bank_name']} ({zengin['bank_code']})",
        "branch": f"{zengin['branch_name']} ({zengin['branch_code']})",
        "kind": _KINDS.get(zengin["account_type"], zengin["account_type"]),
        "number": zengin["account_number"],
        "holder": zengin["account_holder_name"],
    }
    return BuyerMust(BuyerStep.TRANSFER, url=url, account=account, until=end)


def _iso(until: str | None) -> datetime | None:
    """The end that we noted in the metadata, which others may write in, too."""
    try:
        return bounded(datetime.fromisoformat(until)) if until else None
    except ValueError:
        return None


def moment(seconds: object) -> datetime | None:
    """Unix seconds as a moment; None for what is none."""
    try:
        return of_epoch(seconds)
    except ValueError:
        return None


def _object(told: object) -> Mapping[str, Any]:
    return told if isinstance(told, dict) else {}


def _text(told: object) -> str | None:
    return told or None if isinstance(told, str) else None
