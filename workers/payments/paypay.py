"""PayPay by its Open Payment API: the buyer agrees in the wallet, the sum is held, and taken with the goods (gateways.md 5).

There is no key: what repeats is known by our own ids, of the payment (the order's), of a capture, of a release and of a refund.
So every change looks before it asks, and again after. A code (QR) whose answer got lost was told to nobody and cannot be
paid; it is left to end, and the next one is made. Once an answer was recorded, its code is the only one that a buyer gets.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, Final
from urllib.parse import quote

import httpx
import orjson
from pydantic import BaseModel, Field, SecretStr, ValidationError

from models.states import PaymentState
from pipelines.gateway import (
    Answer,
    BuyerMust,
    BuyerStep,
    CaptureRules,
    CodeClass,
    Gateway,
    RefundRules,
    Snapshot,
)
from pipelines.ports import Verdict
from workers.http.pool import PooledTransport
from workers.payments.asking import Unsettled, json_of, looked_up, proves_nothing, sent, settle, told_at, unknown
from workers.payments.keys import HeaderKey
from workers.payments.paypay_notices import read_notices
from workers.payments.paypay_payments import CLASSES, CODES, Code, Payment, id_of, is_id, mark_of, of_payment, result_of
from workers.payments.paypay_signing import CONTENT_TYPE, authorization
from workers.payments.values import of_epoch

#: The reference of a code that the buyer has not agreed to: codes/<codeId>/<when it ends, Unix seconds>/<merchantPaymentId>
_CODE: Final = "codes/"
_TAKEN: Final = ("DUPLICATE_DYNAMIC_QR_REQUEST", "DYNAMIC_QR_ALREADY_PAID")
_HELD: Final = ("AUTHORIZED", "REAUTHORIZING")
_WITH_MONEY: Final = (*_HELD, "COMPLETED", "REFUNDED")


class Settings(BaseModel):
    """A merchant's access. Whether it is a test is told by the host."""

    paypay_api_key: Annotated[HeaderKey, Field(description="set it to the API key")]
    paypay_api_secret: Annotated[SecretStr, Field(description="set it to the API key's secret")]
    paypay_merchant_id: Annotated[str, Field(pattern="^[!-~]+$", description="set it to the merchant id")]
    paypay_url: Annotated[
        str,
        Field(
            pattern="^https?://",
            description="set it to PayPay's address, https://apigw.paypay.ne.jp or https://apigw.sandbox.paypay.ne.jp",
        ),
    ] = "https://apigw.paypay.ne.jp"
    paypay_return_url: Annotated[
        str | None, Field(pattern="^https?://", description="set it to where buyers come back to from PayPay")
    ] = None
    paypay_timeout: Annotated[float, Field(gt=0, description="seconds for one attempt")] = 15.0


class PayPayGateway:
    """Authorizes, captures once, voids, refunds once, renews and looks up; never raises for what the network does."""

    def __init__(self, settings: Settings) -> None:
        self._key = settings.paypay_api_key.get_secret_value()
        self._secret = settings.paypay_api_secret.get_secret_value()
        self._return_url = settings.paypay_return_url
        self._client = httpx.AsyncClient(
            base_url=settings.paypay_url,
            headers={"x-assume-merchant": settings.paypay_merchant_id},
            timeout=settings.paypay_timeout,
            transport=PooledTransport(),
        )

    async def authorize(self, *, key: str, order: str, amount: int, token: str, method: str) -> Answer:
        """A code by which the buyer agrees that ``amount`` yen are held; ``token`` is of no use here."""

        async def attempt() -> Answer:
            for number in range(1, CODES + 1):
                id_ = id_of(order, number)
                response = await self._send("POST", "/v2/codes", self._code(id_, order, amount))
                refused = _refused(response)
                if refused is None:
                    return Answer(Verdict.OK, _of_code(response, id_, amount))
                if refused.code not in _TAKEN:
                    return refused
                if (told := await self._find(id_)) is not None:
                    return Answer(Verdict.OK, _as_asked(told, told.authorized == amount))
            return unknown("too_many_codes", f"{CODES} codes were made for the order and nobody heard of them")

        return await settle(attempt, lambda: self.lookup(order=order))

    async def capture(self, *, key: str, order: str, reference: str, amount: int) -> Answer:
        """Take ``amount`` yen (実売上), once; the rest is released. More than is held is not asked for: the buyer would have
        to consent."""
        mark = mark_of(key)

        def request(payment: Payment) -> Mapping[str, Any] | None:
            ids = {"merchantPaymentId": payment.merchant_payment_id, "merchantCaptureId": mark}
            more = {"amount": _yen(amount), "orderDescription": order, "requestedAt": int(time.time())}
            return {**ids, **more} if amount <= payment.amount.amount else None

        return await self._change(
            reference,
            "/v2/payments/capture",
            request,
            lambda payment: payment.bears(mark),
            lambda payment: payment.captured == amount,
            mark=mark,
        )

    async def void(self, *, key: str, order: str, reference: str) -> Answer:
        """Release what is held, or take the code back (仮売上取消)."""
        mark = mark_of(key)
        if reference.startswith(_CODE):
            return await settle(lambda: self._withdraw(key, order, reference), _nothing_known)

        def request(payment: Payment) -> Mapping[str, Any]:
            ids = {"merchantRevertId": mark, "paymentId": payment.payment_id}
            return {**ids, "requestedAt": int(time.time()), "reason": "cancelled"}

        return await self._change(
            reference,
            "/v2/payments/preauthorize/revert",
            request,
            lambda payment: payment.bears(mark) or (payment.status == "CANCELED" and not payment.captured),
            lambda payment: payment.status == "CANCELED" and not payment.captured,
        )

    async def refund(self, *, key: str, order: str, reference: str, amount: int) -> Answer:
        """Give ``amount`` yen of what was taken back; by most contracts once only."""
        mark = mark_of(key)

        def request(payment: Payment) -> Mapping[str, Any] | None:
            ids = {"merchantRefundId": mark, "paymentId": payment.payment_id}
            return {**ids, "amount": _yen(amount), "requestedAt": int(time.time()), "reason": order}

        return await self._change(
            reference,
            "/v2/refunds",
            request,
            lambda payment: payment.bears(mark),
            lambda payment: payment.given_under(mark) == amount,
            mark=mark,
        )

    async def renew(self, *, key: str, order: str, reference: str, amount: int) -> Answer:
        """Hold the same amount longer, at most ten times (再オーソリ); until then the old hold stands."""
        before: list[int | None] = []

        def request(payment: Payment) -> Mapping[str, Any] | None:
            before.append(payment.expires_at)
            asked = {"merchantPaymentId": payment.merchant_payment_id, "amount": _yen(amount)}
            return {**asked, "requestedAt": int(time.time())} if amount == payment.amount.amount else None

        return await self._change(
            reference,
            "/v2/payments/reauthorize",
            request,
            lambda payment: bool(before) and (payment.expires_at or 0) > (before[0] or 0),
            lambda payment: payment.status in _HELD,
            # No moment in the payment tells of it: it is news as of when it was told.
            lambda payment, at: replace(of_payment(payment, at), as_of=at),
        )

    async def lookup(self, *, order: str, key: str | None = None, reference: str | None = None) -> Answer | None:
        """What became of ``key``, else how the payment stands; None if PayPay never saw it, or nobody has agreed to a code of
        which no answer came; RETRY if it could not be asked."""

        async def look() -> Answer | None:
            if reference is None:
                found = await self._find_order(order)
            elif key is None:
                found = await self._find_code(reference) if reference.startswith(_CODE) else await self._find(reference)
            else:
                told = await self._payment(_id_in(reference))
                if told is not None and told[0].failed_under(mark_of(key)):
                    return _failed(of_payment(*told))
                found = of_payment(*told) if told is not None and told[0].bears(mark_of(key)) else None
            return Answer(Verdict.OK, found) if found is not None else None

        return await looked_up(look)

    async def aclose(self) -> None:
        """Give connections back."""
        await self._client.aclose()

    def _code(self, id_: str, order: str, amount: int) -> dict[str, Any]:
        asked: dict[str, Any] = {
            "merchantPaymentId": id_,
            "amount": _yen(amount),
            "codeType": "ORDER_QR",
            "orderDescription": order,
            "isAuthorization": True,
            "requestedAt": int(time.time()),
        }
        back = {"redirectUrl": self._return_url, "redirectType": "WEB_LINK"} if self._return_url else {}
        return asked | back

    async def _change(
        self,
        reference: str,
        path: str,
        request: Callable[[Payment], Mapping[str, Any] | None],
        is_done: Callable[[Payment], bool],
        is_as_asked: Callable[[Payment], bool],
        read: Callable[[Payment, datetime], Snapshot] = of_payment,
        *,
        mark: str = "",
    ) -> Answer:
        """Look, ask for what ``request`` makes of the payment unless it ``is_done`` already, and look again. What PayPay shows under
        ``mark`` as failed is declined: under the same id it will not be done any more."""
        id_ = _id_in(reference)

        def shown(payment: Payment, at: datetime) -> Answer | None:
            if payment.failed_under(mark):
                return _failed(read(payment, at))
            return Answer(Verdict.OK, _as_asked(read(payment, at), is_as_asked(payment))) if is_done(payment) else None

        async def done() -> Answer | None:
            told = await self._payment(id_)
            return shown(*told) if told is not None else None

        async def attempt() -> Answer:
            told = await self._payment(id_)
            if told is None:
                return _declined("DYNAMIC_QR_PAYMENT_NOT_FOUND")
            if (known := shown(*told)) is not None:
                return known
            asked = request(told[0])
            if asked is None:
                return _declined("HIGHER_CAPTURE_NOT_PERMITTED")
            response = await self._send("POST", path, asked)
            refused = _refused(response)
            if refused is not None and refused.code_class is not CodeClass.STATE:
                return refused
            if (known := await done()) is not None:
                return known
            if refused is not None:
                return refused
            # Taken in, and not seen yet: the buyer's consent or PayPay's own time is waited for.
            raise Unsettled(result_of(json_of(response))[0] or "not_seen", CodeClass.UNKNOWN, sent=True, again=False)

        return await settle(attempt, lambda: looked_up(done))

    async def _withdraw(self, key: str, order: str, reference: str) -> Answer:
        """Take a code back that nobody has agreed to; what was held meanwhile is released under the payment's own id."""
        code, id_ = reference.split("/")[1], _id_in(reference)
        if await self._payment(id_) is not None:
            return await self.void(key=key, order=order, reference=id_)
        response = await self._send("DELETE", f"/v2/codes/{quote(code, safe='')}")
        refused = _refused(response)
        if refused is not None and refused.code == "DYNAMIC_QR_ALREADY_PAID":
            raise Unsettled(refused.code, CodeClass.STATE, sent=False)
        if refused is not None and refused.code != "DYNAMIC_QR_NOT_FOUND":
            return refused
        return Answer(Verdict.OK, Snapshot(id_, PaymentState.VOIDED, 0, 0, 0, told_at(response)))

    async def _find_order(self, order: str) -> Snapshot | None:
        """The order's payment, whichever of its codes the buyer agreed to; of several the one with money."""
        told = await asyncio.gather(*(self._payment(id_of(order, number)) for number in range(1, CODES + 1)))
        found = [one for one in told if one is not None]
        if sum(one.status in _WITH_MONEY for one, _ in found) > 1:
            stands = of_payment(*found[-1])
            return replace(stands, state=PaymentState.NEEDS_REVIEW)
        best = max(found, key=lambda one: (one[0].status in _WITH_MONEY, one[0].accepted_at or 0), default=None)
        return of_payment(*best) if best is not None else None

    async def _find_code(self, reference: str) -> Snapshot:
        """The payment of a code; without one it waits for the buyer until the code ends."""
        id_, ends = _id_in(reference), int(reference.split("/")[2])
        response = await self._get(id_)
        told = _told(response, id_)
        if told is not None:
            return of_payment(*told)
        at = told_at(response)
        state = PaymentState.PENDING if at.timestamp() < ends else PaymentState.EXPIRED
        return Snapshot(reference, state, 0, 0, 0, at)

    async def _find(self, id_: str) -> Snapshot | None:
        told = await self._payment(id_)
        return of_payment(*told) if told is not None else None

    async def _payment(self, id_: str) -> tuple[Payment, datetime] | None:
        """The payment and when it was told; None where there is none, or ``id_`` can be none of ours."""
        return _told(await self._get(id_), id_) if is_id(id_) else None

    async def _get(self, id_: str) -> httpx.Response:
        return await self._send("GET", f"/v2/codes/payments/{id_}")

    async def _send(self, method: str, path: str, asked: Mapping[str, Any] | None = None) -> httpx.Response:
        """The answer to a request that is signed over the very bytes that travel."""
        body = None if asked is None else orjson.dumps(asked)
        headers = {} if body is None else {"content-type": CONTENT_TYPE}
        request = self._client.build_request(method, path, content=body, headers=headers)
        signed = request.url.raw_path.partition(b"?")[0].decode()
        nonce, epoch = secrets.token_hex(4), int(time.time())
        request.headers["authorization"] = authorization(self._key, self._secret, method, signed, body, nonce, epoch)
        return await sent(self._client, request)


def _told(response: httpx.Response, id_: str) -> tuple[Payment, datetime] | None:
    """The payment ``id_`` in ``response`` and when it was told; None where there is none yet. Raises Unsettled for anything
    else, another payment among it."""
    body = json_of(response)
    code, _ = result_of(body)
    if response.status_code == 404 and code in ("DYNAMIC_QR_PAYMENT_NOT_FOUND", "RESOURCE_NOT_FOUND"):
        return None
    try:
        if response.status_code == 200:
            payment = Payment.model_validate(body.get("data"))
            if payment.merchant_payment_id == id_:
                return payment, told_at(response)
    except ValidationError:
        pass
    raise proves_nothing(response)


def _of_code(response: httpx.Response, id_: str, amount: int) -> Snapshot:
    """The code that was made for the payment ``id_``; by one of another sum nobody is asked to pay."""
    try:
        code = Code.model_validate(json_of(response).get("data"))
    except ValidationError:
        raise proves_nothing(response) from None
    if code.merchant_payment_id != id_:
        raise proves_nothing(response)
    reference = f"{_CODE}{code.code_id}/{code.expiry_date}/{code.merchant_payment_id}"
    must = BuyerMust(BuyerStep.VISIT, url=code.url, until=of_epoch(code.expiry_date))
    stands = Snapshot(reference, PaymentState.PENDING, code.amount.amount, 0, 0, told_at(response), buyer=must)
    if code.amount.amount == amount and code.amount.currency == "JPY":
        return stands
    return replace(stands, state=PaymentState.NEEDS_REVIEW, buyer=None)


def _refused(response: httpx.Response) -> Answer | None:
    """The refusal in ``response``; None where it was taken. Raises Unsettled for what proves nothing, or is surely not done."""
    code, code_id = result_of(json_of(response))
    if 200 <= response.status_code < 300 and code and code not in CLASSES:
        return None
    code_class = CLASSES.get(code, CodeClass.UNKNOWN)
    if code_class is CodeClass.TRANSIENT:
        raise Unsettled(code, code_class, sent=False, again=False)
    if code_class is CodeClass.UNKNOWN:
        raise Unsettled(code, code_class, sent=True) if code else proves_nothing(response)
    return _declined(code, code_id)


def _declined(code: str, code_id: str = "") -> Answer:
    says = f"PayPay says {code} {code_id}".rstrip()
    return Answer(Verdict.DECLINED, code=code, code_class=CLASSES[code], says=says)


def _failed(told: Snapshot) -> Answer:
    """What was asked for was taken in and came to nothing; how the payment stands is told beside it."""
    return Answer(Verdict.DECLINED, told, "TRANSACTION_FAILED", CodeClass.STATE, "PayPay took it in, and it failed")


def _as_asked(told: Snapshot, is_so: bool) -> Snapshot:
    """What is done, but not as it was asked for, goes before a human."""
    return told if is_so else replace(told, state=PaymentState.NEEDS_REVIEW)


async def _nothing_known() -> None:
    """A code that was taken back leaves no trace: to take it back again is harmless."""


def _id_in(reference: str) -> str:
    """The ``merchantPaymentId`` in a reference."""
    return reference.split("/", 3)[3] if reference.startswith(_CODE) else reference


def _yen(amount: int) -> dict[str, Any]:
    return {"amount": amount, "currency": "JPY"}


GATEWAY = Gateway(
    "paypay",
    Settings,
    PayPayGateway,
    methods=frozenset({"paypay"}),
    captures=CaptureRules(partial=True, several=False),
    refunds=RefundRules(partial=True, several=False),
    read_notices=read_notices,
    secrets=lambda settings: (),
    test_mode=lambda settings: "sandbox" in settings.paypay_url or settings.paypay_url.startswith("http://"),
)
