"""Amazon Pay's notices (IPN): SNS messages that name what changed and say neither how it stands nor how much it is.

So each is a reason to look, at the payment that was asked with the charge permission it names; one of a charge has the
payment's id too. A chargeback is kept for the operator, with the order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Literal

from pydantic import BaseModel, Field, ValidationError

from pipelines.gateway import STANDS, Notice
from pipelines.orders.document import fault_of
from workers.http.signing import SignatureRefused
from workers.http.sns import Messages
from workers.payments.values import Moment
from workers.web.body import parse_proven

_CHARGEBACK: Final = "the customer disputes the charge at the card company: answer in Seller Central"


class _Told(BaseModel):
    """The inner message of a notice, version 2."""

    object_type: Literal["CHARGE", "REFUND", "CHARGE_PERMISSION", "CHARGEBACK"] = Field(validation_alias="ObjectType")
    object_id: str = Field(validation_alias="ObjectId", min_length=1)
    permission: str = Field(validation_alias="ChargePermissionId", min_length=1)
    id: str = Field(validation_alias="NotificationId", min_length=1)
    at: Moment


class Reader:
    """Reads notices; ``messages`` proves them."""

    def __init__(self, messages: Messages) -> None:
        self._messages = messages

    def __call__(
        self, headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: datetime
    ) -> Sequence[Notice]:
        """The notice in an SNS message, none for one about the subscription: one that is offered is accepted. ``secrets`` are topics as
        ``Messages`` takes them. Raises SignatureRefused, Unreachable where SNS must be asked and cannot be."""
        message, _ = parse_proven(body)
        if not isinstance(message, dict):
            raise SignatureRefused("It is no SNS message.")
        return [_notice(message)] if self._messages.tell(message, secrets) else []


read_notices = Reader(Messages())


def _notice(message: Mapping[str, Any]) -> Notice:
    said, fault = parse_proven(str(message["Message"]).encode())
    inner = said if isinstance(said, dict) else {}
    try:
        told = _Told.model_validate({**inner, "at": message.get("Timestamp")})
    except ValidationError as error:
        return _unread(message, inner, fault or fault_of(error))
    if fault is not None:
        return _unread(message, inner, fault)
    fault = _CHARGEBACK if told.object_type == "CHARGEBACK" else None
    reference = told.object_id if told.object_type == "CHARGE" else None
    return Notice(told.id, STANDS, None, reference, at=told.at, fault=fault, raw=inner, token=told.permission)


def _unread(message: Mapping[str, Any], inner: Mapping[str, Any], fault: str) -> Notice:
    return Notice(str(message["MessageId"]), STANDS, fault=fault, raw=inner or message["Message"])
