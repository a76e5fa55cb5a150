"""The objects of the fake Stripe and how each is shown (gateways.md 1.2; the SDK's ``_payment_intent.py``, ``_charge.py``,
``_refund.py``, ``_dispute.py``, ``_cash_balance.py``).

Assumed, since no reference says so: a charge copies its intent's metadata; the released rest of a part capture counts among
``amount_refunded`` of the charge; the fee is 3.6 % of what was taken, cut to whole yen.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

API_VERSION: Final = "2026-10-28.endive"


@dataclass(frozen=True, slots=True)
class Card:
    """What a test payment method stands for: ``decline`` is (code, decline_code), ``days`` how long a hold lasts,
    ``refunds`` the status that its refunds begin with."""

    brand: str = "visa"
    funding: str = "credit"
    decline: tuple[str, str | None] | None = None
    authenticates: bool = False
    days: int = 30
    refunds: str = "succeeded"


#: Magic payment methods (docs.stripe.com/testing), the only ones there are: no order's values can be one of them.
CARDS: Final[dict[str, Card]] = {
    "pm_card_visa": Card(),
    "pm_card_jcb": Card("jcb"),
    "pm_card_amex": Card("amex", days=7),
    "pm_card_visa_debit": Card(funding="debit"),
    "pm_card_mastercard_prepaid": Card("mastercard", funding="prepaid"),
    "pm_card_threeDSecure2Required": Card(authenticates=True),
    "pm_card_chargeDeclined": Card(decline=("card_declined", "generic_decline")),
    "pm_card_chargeDeclinedInsufficientFunds": Card(decline=("card_declined", "insufficient_funds")),
    "pm_card_chargeDeclinedLostCard": Card(decline=("card_declined", "lost_card")),
    "pm_card_chargeDeclinedExpiredCard": Card(decline=("expired_card", None)),
    "pm_card_chargeDeclinedIncorrectCvc": Card(decline=("incorrect_cvc", None)),
    "pm_card_chargeDeclinedProcessingError": Card(decline=("processing_error", None)),
    "pm_card_pendingRefund": Card(refunds="pending"),
}


@dataclass
class Charge:
    """An attempt at an intent's money."""

    id: str
    created: datetime
    amount: int
    status: str
    captured: int = 0
    released: int = 0
    capture_before: datetime | None = None
    disputed: bool = False
    failure_code: str | None = None


@dataclass
class Intent:
    """A PaymentIntent. ``email`` was given at confirmation; ``funded`` is what a bank transfer brought so far."""

    id: str
    created: datetime
    amount: int
    method: str
    status: str
    metadata: dict[str, str]
    card: Card | None = None
    customer: str | None = None
    email: str | None = None
    return_url: str | None = None
    expires_at: datetime | None = None
    numbers: tuple[str, str] = ("", "")
    funded: int = 0
    charge: Charge | None = None
    error: dict[str, Any] | None = None
    canceled_at: datetime | None = None
    cancellation_reason: str | None = None

    @property
    def order(self) -> str:
        """The order, as the ledger of money calls it."""
        return self.metadata.get("order", "")

    @property
    def received(self) -> int:
        """Yen taken."""
        return self.charge.captured if self.charge is not None else 0


@dataclass
class Refund:
    """Money on its way back."""

    id: str
    created: datetime
    intent: Intent
    amount: int
    status: str
    reason: str | None
    metadata: dict[str, str]
    instructions_email: str | None = None
    failure_reason: str | None = None


@dataclass
class Dispute:
    """A card holder's claim."""

    id: str
    created: datetime
    intent: Intent
    amount: int
    status: str
    reason: str = "fraudulent"


@dataclass
class Customer:
    """A Customer with a cash balance in yen; ``number`` is of the account that was opened for it."""

    id: str
    created: datetime
    number: str
    metadata: dict[str, str]
    balance: int = 0
    fields: dict[str, str] = field(default_factory=dict)


def unix(at: datetime | None) -> int | None:
    """Whole seconds since 1970."""
    return None if at is None else int(at.timestamp())


def shown_intent(intent: Intent, refunds: Collection[Refund], expand: Collection[str] = ()) -> dict[str, Any]:
    """A PaymentIntent; ``latest_charge`` is its id unless it is expanded."""
    charge = intent.charge
    latest: Any = charge and charge.id
    if charge is not None and any(name.split(".")[0] == "latest_charge" for name in expand):
        latest = shown_charge(intent, charge, refunds, with_fee="latest_charge.balance_transaction" in expand)
    return {
        "id": intent.id,
        "object": "payment_intent",
        "amount": intent.amount,
        "amount_capturable": intent.amount if intent.status == "requires_capture" else 0,
        "amount_received": intent.received,
        "canceled_at": unix(intent.canceled_at),
        "cancellation_reason": intent.cancellation_reason,
        "capture_method": "automatic_async",
        "client_secret": f"{intent.id}_secret_fake",
        "created": unix(intent.created),
        "currency": "jpy",
        "customer": intent.customer,
        "last_payment_error": intent.error,
        "latest_charge": latest,
        "livemode": False,
        "metadata": dict(intent.metadata),
        "next_action": _next_action(intent) if intent.status == "requires_action" else None,
        "payment_method_types": [intent.method],
        "status": intent.status,
    }


def _next_action(intent: Intent) -> dict[str, Any]:
    if intent.method == "card":
        url = f"https://hooks.stripe.com/3d_secure_2/hosted?payment_intent={intent.id}"
        if intent.return_url is None:
            return {"type": "use_stripe_sdk", "use_stripe_sdk": {"type": "three_d_secure_redirect"}}
        return {"type": "redirect_to_url", "redirect_to_url": {"url": url, "return_url": intent.return_url}}
    return _voucher(intent) if intent.method == "konbini" else _bank_transfer(intent)


def _voucher(intent: Intent) -> dict[str, Any]:
    """Each chain has a number of its own; there is no Seven-Eleven."""
    digits, confirmation = intent.numbers
    codes = {"familymart": digits, "lawson": digits[:6], "ministop": digits[:6], "seicomart": digits[:6]}
    stores = {name: {"payment_code": code, "confirmation_number": confirmation} for name, code in codes.items()}
    return {
        "type": "konbini_display_details",
        "konbini_display_details": {
            "expires_at": unix(intent.expires_at),
            "hosted_voucher_url": f"https://payments.stripe.com/konbini/voucher/{intent.id}",
            "stores": stores,
        },
    }


def _bank_transfer(intent: Intent) -> dict[str, Any]:
    account = {
        "account_holder_name": "ストライプジャパン（カ",
        "account_number": intent.numbers[0],
        "account_type": "futsu",
        "bank_code": "0009",
        "bank_name": "三井住友銀行",
        "branch_code": "888",
        "branch_name": "東京第二支店",
    }
    return {
        "type": "display_bank_transfer_instructions",
        "display_bank_transfer_instructions": {
            "amount_remaining": intent.amount - intent.funded,
            "currency": "jpy",
            "financial_addresses": [{"supported_networks": ["zengin"], "type": "zengin", "zengin": account}],
            "hosted_instructions_url": f"https://payments.stripe.com/bank_transfers/instructions/{intent.id}",
            "reference": None,
            "type": "jp_bank_transfer",
        },
    }


def shown_charge(
    intent: Intent, charge: Charge, refunds: Collection[Refund], *, with_fee: bool = False
) -> dict[str, Any]:
    """A Charge."""
    back = sum(
        one.amount
        for one in refunds
        if one.intent is intent and one.status in ("succeeded", "pending", "requires_action") and charge.captured
    )
    details: dict[str, Any] = {"type": intent.method}
    if intent.card is not None:
        details["card"] = {
            "brand": intent.card.brand,
            "capture_before": unix(charge.capture_before),
            "funding": intent.card.funding,
            "multicapture": {"status": "unavailable"},
        }
    fee: Any = f"txn_{charge.id[3:]}" if charge.captured else None
    if fee and with_fee:
        fee = {"id": fee, "object": "balance_transaction", "fee": charge.captured * 36 // 1_000, "currency": "jpy"}
    return {
        "id": charge.id,
        "object": "charge",
        "amount": charge.amount,
        "amount_captured": charge.captured,
        "amount_refunded": back + charge.released,
        "balance_transaction": fee,
        "billing_details": {"email": intent.email},
        "captured": charge.captured > 0,
        "created": unix(charge.created),
        "currency": "jpy",
        "disputed": charge.disputed,
        "failure_code": charge.failure_code,
        "livemode": False,
        "metadata": dict(intent.metadata),
        "paid": charge.status == "succeeded",
        "payment_intent": intent.id,
        "payment_method_details": details,
        "refunded": 0 < charge.captured <= back,
        "status": charge.status,
    }


def shown_refund(refund: Refund) -> dict[str, Any]:
    """A Refund."""
    charge = refund.intent.charge
    return {
        "id": refund.id,
        "object": "refund",
        "amount": refund.amount,
        "charge": charge and charge.id,
        "created": unix(refund.created),
        "currency": "jpy",
        "failure_reason": refund.failure_reason,
        "instructions_email": refund.instructions_email,
        "metadata": dict(refund.metadata),
        "payment_intent": refund.intent.id,
        "pending_reason": "processing" if refund.status == "pending" else None,
        "reason": refund.reason,
        "status": refund.status,
    }


def shown_dispute(dispute: Dispute) -> dict[str, Any]:
    """A Dispute; the answer is due a week after it began."""
    charge = dispute.intent.charge
    return {
        "id": dispute.id,
        "object": "dispute",
        "amount": dispute.amount,
        "charge": charge and charge.id,
        "created": unix(dispute.created),
        "currency": "jpy",
        "evidence_details": {"due_by": unix(dispute.created + timedelta(days=7))},
        "livemode": False,
        "metadata": {},
        "payment_intent": dispute.intent.id,
        "reason": dispute.reason,
        "status": dispute.status,
    }


def shown_customer(customer: Customer) -> dict[str, Any]:
    """A Customer."""
    return {
        "id": customer.id,
        "object": "customer",
        "created": unix(customer.created),
        "livemode": False,
        "metadata": dict(customer.metadata),
        **customer.fields,
    }


def shown_cash_balance(customer: Customer) -> dict[str, Any]:
    """What lies on a customer's cash balance, taken from no intent yet."""
    return {
        "object": "cash_balance",
        "available": {"jpy": customer.balance} if customer.balance else None,
        "customer": customer.id,
        "livemode": False,
        "settings": {"reconciliation_mode": "automatic", "using_merchant_default": True},
    }
