"""What PAY.JP's charges and error codes mean (gateways.md 4.3, 4.5): a charge has no word for its state, its facts are read.

A capture of a part shows what it released as ``amount_refunded``. What was captured stands in the charge's metadata, written
before each such capture, so that no refund is seen where there was none.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Annotated, Final

from pydantic import BeforeValidator, Field, StrictBool

from models.states import PaymentState
from pipelines.gateway import MERCHANT, SHIFTED, BuyerMust, BuyerStep, CodeClass, Snapshot
from workers.payments.values import Shown, Yen, of_epoch, yen_in

CAPTURED, KEY, ORDER, VOIDED = "captured", "key", "order", "voided"
"""Our entries of a charge's metadata: yen that were asked to be captured, the key of the call, ``<shop>/<number>``, and that
3-D Secure is not to be finished any more."""
_WAITS: Final = ("unverified", "in_progress")
_PATIENCE: Final = timedelta(minutes=25)
"""For 3-D Secure: the customer has 30 minutes, and the last look has to come before that."""
CLASSES: Final = {
    **dict.fromkeys(("card_declined", "card_flagged"), CodeClass.ISSUER_DECLINE),
    **dict.fromkeys(
        (
            "expired_card",
            "incorrect_card_data",
            "invalid_number",
            "invalid_cvc",
            "invalid_expiry_month",
            "invalid_expiry_year",
            "invalid_card_name",
            "missing_card",
            "unverified_token",
            "not_in_three_d_secure_flow",
            "three_d_secure_incompleted",
            "three_d_secure_failed",
            "three_d_secure_expired",
        ),
        CodeClass.BUYER_INPUT,
    ),
    **dict.fromkeys(
        (
            "token_already_used",
            "already_captured",
            "already_refunded",
            "charge_expired",
            "cant_capture_refunded_charge",
            "operation_not_allowed_on_no_authorized_charge",
            "refund_limit_exceeded",
            "chargeback",
        ),
        CodeClass.STATE,
    ),
    **dict.fromkeys(
        (
            "refund_amount_gt_net",
            "capture_amount_gt_net",
            "invalid_amount",
            "invalid_amount_to_not_captured",
            "unnecessary_expiry_days",
            "missing_param",
            "invalid_id",
        ),
        CodeClass.OUR_BUG,
    ),
    **dict.fromkeys(("not_activated_account", "test_card_on_livemode", "unacceptable_brand"), CodeClass.CONFIGURATION),
    "over_capacity": CodeClass.TRANSIENT,
    **dict.fromkeys(("processing_error", "payjp_wrong", "pg_wrong"), CodeClass.UNKNOWN),
}
"""Every code that is known; any other is a human's."""


def _moment(told: object) -> datetime | None:
    return None if told is None else of_epoch(told)


Moment = Annotated[datetime | None, BeforeValidator(_moment)]
"""Unix seconds."""


class Charge(Shown):
    """A charge as PAY.JP shows it; amounts are yen."""

    id: str = Field(pattern="^ch_[A-Za-z0-9_]+$")
    livemode: StrictBool
    created: Annotated[datetime, BeforeValidator(_moment)]
    amount: Yen
    currency: str
    paid: StrictBool
    captured: StrictBool
    captured_at: Moment | None = None
    expired_at: Moment | None = None
    refunded: StrictBool
    amount_refunded: Yen
    refund_reason: str | None = None
    failure_code: str | None = None
    three_d_secure_status: str | None = None
    metadata: dict[str, str] = Field(default_factory=dict)

    @property
    def waits(self) -> bool:
        """Whether the customer is still to pass 3-D Secure: nothing is held, whatever else is shown."""
        return self.three_d_secure_status in _WAITS and self.failure_code is None and self.captured_at is None

    @property
    def _liability(self) -> str | None:
        """Who bears a dispute; None until 3-D Secure has ended."""
        if self.waits:
            return None
        return SHIFTED if self.three_d_secure_status in ("verified", "attempted") else MERCHANT

    @property
    def taken(self) -> int:
        """Yen that were captured."""
        if not self.captured or self.waits:
            return 0
        told = self.metadata.get(CAPTURED, "")
        noted = yen_in(told)
        return self.amount if noted is None else noted

    @property
    def given(self) -> int:
        """Yen that were given back, without what a capture released; below 0 where it was captured otherwise than we asked."""
        return self.amount_refunded - (self.amount - self.taken) if self.taken else 0

    @property
    def is_dark(self) -> bool:
        """Whether a part that was refunded may as well be a part that was never captured: not by us, so nobody knows."""
        return bool(self.taken and self.amount_refunded and not self.refunded and CAPTURED not in self.metadata)

    def snapshot(
        self, as_of: datetime, *, is_test: bool, visit: Callable[[str], str] | None = None, asked: int | None = None
    ) -> Snapshot:
        """How the charge stands. ``visit``: the address of 3-D Secure for a charge; ``asked``: yen that it was to be of.

        What is of another sum, currency or mode, or was captured otherwise than we asked, goes before a human.
        """
        state = self._state(as_of)
        wrong = self.currency != "jpy" or self.livemode is is_test or asked not in (None, self.amount)
        if wrong or self.is_dark or self.given < 0:
            state = PaymentState.NEEDS_REVIEW
        buyer = None
        if state is PaymentState.PENDING and visit is not None:
            buyer = BuyerMust(BuyerStep.VISIT, url=visit(self.id), until=self.created + _PATIENCE)
        code = self.failure_code
        return Snapshot(
            self.id,
            state,
            self.amount,
            self.taken,
            max(0, self.given),
            as_of,
            self.expired_at,
            buyer,
            code,
            CLASSES.get(code) if code else None,
            liability=self._liability,
        )

    def _state(self, now: datetime) -> PaymentState:
        if self.waits:
            return PaymentState.VOIDED if VOIDED in self.metadata else PaymentState.PENDING
        if not self.paid:
            return PaymentState.FAILED if self.failure_code else PaymentState.NEEDS_REVIEW
        if not self.captured:
            if self.refunded:
                return PaymentState.VOIDED
            is_over = self.expired_at is not None and self.expired_at <= now
            return PaymentState.EXPIRED if is_over else PaymentState.AUTHORIZED
        if self.refunded or self.given >= self.taken:
            return PaymentState.REFUNDED
        return PaymentState.PARTLY_REFUNDED if self.given else PaymentState.CAPTURED
