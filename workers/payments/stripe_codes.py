"""Who acts on an error of Stripe (gateways.md 1.5; docs.stripe.com/error-codes)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pipelines.gateway import CodeClass

_CLASSES: Final[Mapping[str, CodeClass]] = {
    "expired_card": CodeClass.BUYER_INPUT,
    "incorrect_cvc": CodeClass.BUYER_INPUT,
    "incorrect_number": CodeClass.BUYER_INPUT,
    "incorrect_zip": CodeClass.BUYER_INPUT,
    "invalid_cvc": CodeClass.BUYER_INPUT,
    "invalid_number": CodeClass.BUYER_INPUT,
    "invalid_expiry_month": CodeClass.BUYER_INPUT,
    "invalid_expiry_year": CodeClass.BUYER_INPUT,
    "authentication_required": CodeClass.BUYER_INPUT,
    "payment_intent_authentication_failure": CodeClass.BUYER_INPUT,
    "payment_intent_payment_attempt_expired": CodeClass.BUYER_INPUT,
    "charge_already_captured": CodeClass.STATE,
    "charge_already_refunded": CodeClass.STATE,
    "charge_disputed": CodeClass.STATE,
    "charge_expired_for_capture": CodeClass.STATE,
    "capture_charge_authorization_expired": CodeClass.STATE,
    "capture_unauthorized_payment": CodeClass.STATE,
    "intent_invalid_state": CodeClass.STATE,
    "payment_intent_unexpected_state": CodeClass.STATE,
    "balance_insufficient": CodeClass.CONFIGURATION,
    "api_key_expired": CodeClass.CONFIGURATION,
}


_NAMES: Final = ("decline_code", "code", "type")


def code_of(error: Mapping[str, Any]) -> str:
    """The narrowest word that Stripe gives: why the issuer declined, else its code, else the type of the error."""
    return next((word for name in _NAMES if isinstance(word := error.get(name), str) and word), "unnamed")


def is_named(error: Mapping[str, Any]) -> bool:
    """Whether it says what kind of error it is, as all of Stripe's do: else it is somebody else's."""
    return isinstance(error.get("type"), str) or isinstance(error.get("code"), str)


def class_of(error: Mapping[str, Any]) -> CodeClass:
    """By its code; another error of a card is the issuer's, and anything else is ours: the request was refused."""
    known = _CLASSES.get(str(error.get("code")))
    if known is not None:
        return known
    return CodeClass.ISSUER_DECLINE if error.get("type") == "card_error" else CodeClass.OUR_BUG
