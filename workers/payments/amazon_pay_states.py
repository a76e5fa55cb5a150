"""What Amazon Pay's words mean: charges as snapshots, reason codes by who acts on them (gateways.md 6.3, 6.5)."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Final

from pydantic import AliasPath, BaseModel, BeforeValidator, Field

from models.states import PaymentState
from pipelines.gateway import CodeClass, Snapshot
from pipelines.values.moment import bounded

INITIATED: Final = ("AuthorizationInitiated", "CaptureInitiated", "RefundInitiated")
"""States of what Amazon has taken up and not decided."""
REFUND_ENDS: Final = ("Refunded", "Declined")
"""How a refund ends."""
_STATES: Final = {
    "AuthorizationInitiated": PaymentState.PENDING,
    "Authorized": PaymentState.AUTHORIZED,
    "CaptureInitiated": PaymentState.AUTHORIZED,  # asked for, and not there yet: it may still be declined
    "Captured": PaymentState.CAPTURED,
    "Canceled": PaymentState.VOIDED,
    "Declined": PaymentState.FAILED,
}
CLASSES: Final = {
    **dict.fromkeys(
        (
            "InvalidParameterValue",
            "MissingParameterValue",
            "InvalidRequestFormat",
            "UnrecognizedField",
            "InvalidHeaderValue",
            "MissingHeader",
            "MissingHeaderValue",
            "CurrencyMismatch",
            "TransactionAmountExceeded",
            "ResourceNotFound",
        ),
        CodeClass.OUR_BUG,
    ),
    **dict.fromkeys(
        (
            "CheckoutSessionCanceled",
            "AmountMismatch",
            "InvalidChargeStatus",
            "InvalidChargePermissionStatus",
            "InvalidCheckoutSessionStatus",
            "ChargePermissionNotModifiable",
            "TransactionCountExceeded",
        ),
        CodeClass.STATE,
    ),
    **dict.fromkeys(
        ("HardDeclined", "SoftDeclined", "AmazonRejected", "PaymentMethodNotAllowed", "TransactionTimedOut"),
        CodeClass.ISSUER_DECLINE,
    ),
    "MFANotCompleted": CodeClass.BUYER_INPUT,
    "UnauthorizedAccess": CodeClass.CONFIGURATION,
    "InvalidRequestSignature": CodeClass.CONFIGURATION,
    "InvalidAccountStatus": CodeClass.CONFIGURATION,
    "TooManyRequests": CodeClass.TRANSIENT,
    "ServiceUnavailable": CodeClass.TRANSIENT,
    "DuplicateIdempotencyKey": CodeClass.UNKNOWN,  # the first call may have been done
    "InternalServerError": CodeClass.UNKNOWN,
    "ProcessingFailure": CodeClass.UNKNOWN,
}
"""Every reason code that is known; any other is a human's (gateways.md 12)."""
_WHOLE_YEN: Final = re.compile(r"([0-9]{1,12})(\.0+)?")


def _yen_of(told: object) -> int:
    """Amazon's amounts are texts; a fraction of a yen is none."""
    found = _WHOLE_YEN.fullmatch(told) if isinstance(told, str) else None
    if found is None:
        raise ValueError("it is no whole number of yen")
    return int(found[1])


def _moment_of(told: object) -> datetime:
    """``20261225T010203Z``, in UTC."""
    return bounded(datetime.strptime(str(told), "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC))


_Moment = Annotated[datetime, BeforeValidator(_moment_of)]


class _Price(BaseModel):
    amount: Annotated[int, BeforeValidator(_yen_of)]
    currency: str = Field(validation_alias="currencyCode")


class Charge(BaseModel):
    """A charge as Amazon shows it."""

    id: str = Field(validation_alias="chargeId")
    permission: str = Field(validation_alias="chargePermissionId")
    charged: _Price = Field(validation_alias="chargeAmount")
    captured: _Price | None = Field(None, validation_alias="captureAmount")
    refunded: _Price | None = Field(None, validation_alias="refundedAmount")
    state: str = Field(validation_alias=AliasPath("statusDetails", "state"))
    reason: str | None = Field(None, validation_alias=AliasPath("statusDetails", "reasonCode"))
    at: _Moment = Field(validation_alias=AliasPath("statusDetails", "lastUpdatedTimestamp"))
    expires_at: _Moment | None = Field(None, validation_alias="expirationTimestamp")

    @property
    def taken(self) -> int:
        """Yen that were captured."""
        return self.captured.amount if self.captured else 0

    @property
    def given(self) -> int:
        """Yen that were given back."""
        return self.refunded.amount if self.refunded else 0

    def snapshot(self, *, charged: int | None = None, captured: int | None = None) -> Snapshot:
        """How the charge stands; a word that is not known, another currency than yen, or another amount than was asked to be
        ``charged`` or ``captured``, goes before a human."""
        state = _STATES.get(self.state, PaymentState.NEEDS_REVIEW)
        if state is PaymentState.VOIDED and self.reason == "ExpiredUnused":
            state = PaymentState.EXPIRED
        if state is PaymentState.CAPTURED and self.given:
            state = PaymentState.REFUNDED if self.given >= self.taken else PaymentState.PARTLY_REFUNDED
        is_empty = self.state == "Captured" and not self.taken
        if is_empty or self._differs(charged, captured):
            state = PaymentState.NEEDS_REVIEW
        return Snapshot(
            self.id,
            state,
            self.charged.amount,
            self.taken,
            self.given,
            self.at,
            self.expires_at,
            code=self.reason,
            code_class=CLASSES.get(self.reason) if self.reason else None,
        )

    def _differs(self, charged: int | None, captured: int | None) -> bool:
        prices = [one for one in (self.charged, self.captured, self.refunded) if one is not None]
        other = charged not in (None, self.charged.amount) or (
            self.state == "Captured" and captured not in (None, self.taken)
        )
        return other or any(one.currency != "JPY" for one in prices)


class Refunded(BaseModel):
    """A refund as Amazon shows it."""

    id: str = Field(validation_alias="refundId")
    charge: str | None = Field(None, validation_alias="chargeId")
    refunded: _Price = Field(validation_alias="refundAmount")
    state: str = Field(validation_alias=AliasPath("statusDetails", "state"))
    reason: str | None = Field(None, validation_alias=AliasPath("statusDetails", "reasonCode"))
