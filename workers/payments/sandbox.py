"""The sandbox gateway's adapter: cards, wallets, stores and a lender, and nobody is charged.

Every call carries its idempotency key.  Passing faults are repeated for a moment under the SAME key; what is still open
then is looked up, and only what the look-up cannot settle is reported as unknown (PAY-04, formats.md B.6.3).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Final
from urllib.parse import quote

import httpx
from pydantic import BaseModel, Field, ValidationError

from models.states import PaymentState
from pipelines.errors import Unreachable
from pipelines.gateway import (
    STANDS,
    Answer,
    BuyerMust,
    BuyerStep,
    CodeClass,
    Gateway,
    Listed,
    Notice,
    Payer,
    Snapshot,
)
from pipelines.orders.document import fault_of
from pipelines.ports import Verdict
from workers.http.pool import PooledTransport
from workers.http.signed_json import read_signed
from workers.http.signing import derived_secret
from workers.payments.acknowledging import stored_or_known
from workers.payments.asking import Unsettled, json_of, looked_up, proves_nothing, sent, settle
from workers.payments.keys import HeaderKey
from workers.payments.values import Moment, Yen

_STATES: Final = {
    "pending": PaymentState.PENDING,
    "failed": PaymentState.FAILED,
    "authorized": PaymentState.AUTHORIZED,
    "captured": PaymentState.CAPTURED,
    "voided": PaymentState.VOIDED,
    "expired": PaymentState.EXPIRED,
}
_CLASSES: Final = {
    "G12": CodeClass.ISSUER_DECLINE,
    "G02": CodeClass.ISSUER_DECLINE,
    "G83": CodeClass.BUYER_INPUT,
    "E21": CodeClass.BUYER_INPUT,
    "E11": CodeClass.STATE,
}


class Settings(BaseModel):
    """Where the sandbox listens."""

    sandbox_gateway_url: str = Field(
        pattern="^https?://", description="set it to the gateway's address, such as http://127.0.0.1:9000"
    )
    sandbox_gateway_key: HeaderKey = Field(description="set it to the key the gateway issued")
    sandbox_gateway_timeout: Annotated[float, Field(gt=0, description="seconds for one attempt")] = 5.0


class _Must(BaseModel):
    """What the buyer has to do, as the gateway shows it."""

    step: BuyerStep
    path: str
    number: str | None = None


class _Payment(BaseModel):
    """A payment as the gateway shows it."""

    id: str
    order: str
    status: str
    amount: Yen
    captured: Yen
    refunded: Yen
    funding: str | None
    expires_at: Moment
    at: Moment
    buyer: _Must | None = None
    liability: str | None = None


class _Listed(_Payment):
    """A payment in the gateway's list."""

    begun_at: Moment


class _Page(BaseModel):
    """A page of the gateway's list."""

    payments: list[_Listed]
    more: bool


class SandboxGateway:
    """Authorizes, registers slips, captures once, hears of shipments, voids, refunds, looks up and lists; never raises for what the network does,
    but for a list that cannot be had.

    A call makes at most three attempts and one look-up.
    """

    def __init__(self, settings: Settings) -> None:
        self._url = settings.sandbox_gateway_url.rstrip("/")
        self._client = httpx.AsyncClient(
            base_url=settings.sandbox_gateway_url,
            headers={"authorization": f"Bearer {settings.sandbox_gateway_key.get_secret_value()}"},
            timeout=settings.sandbox_gateway_timeout,
            transport=PooledTransport(),
        )

    async def authorize(self, *, key: str, order: str, amount: int, token: str, method: str) -> Answer:
        """Authorize ``amount`` yen (仮売上)."""
        return await self._perform(
            key, "/v1/authorizations", {"order": order, "amount": amount, "token": token, "method": method}
        )

    async def register(
        self, *, key: str, order: str, method: str, amount: int, payer: Payer, until: datetime | None, choice: str = ""
    ) -> Answer:
        """Register ``amount`` yen to be paid at a store, or by the lender ``choice``."""
        asked = {"order": order, "amount": amount, "method": method} | ({"choice": choice} if choice else {})
        return await self._perform(key, "/v1/slips", asked | ({"until": until.isoformat()} if until else {}))

    async def capture(self, *, key: str, order: str, reference: str, amount: int) -> Answer:
        """Capture ``amount`` yen (実売上); the gateway releases the rest."""
        return await self._perform(key, _path(reference, "capture"), {"amount": amount})

    async def report(
        self, *, key: str, order: str, reference: str, carrier: str | None, tracking_number: str, shipped_at: datetime
    ) -> Answer:
        """Tell of the parcel (出荷報告): what is paid after delivery is paid to the shop then."""
        told = {"carrier": carrier or "", "tracking_number": tracking_number, "shipped_at": shipped_at.isoformat()}
        return await self._perform(key, _path(reference, "report"), told)

    async def void(self, *, key: str, order: str, reference: str) -> Answer:
        """Release an authorization (仮売上取消)."""
        return await self._perform(key, _path(reference, "void"), {})

    async def refund(self, *, key: str, order: str, reference: str, amount: int) -> Answer:
        """Give ``amount`` yen of a capture back (返金)."""
        return await self._perform(key, _path(reference, "refund"), {"amount": amount})

    async def lookup(self, *, order: str, key: str | None = None, reference: str | None = None) -> Answer | None:
        """What became of ``key``, else how the payment stands; None if the gateway never saw it, RETRY if it could not be
        asked."""
        if key is not None:
            path = f"/v1/operations/{quote(key, safe='')}"
        elif reference is not None:
            path = f"/v1/authorizations/{quote(reference, safe='')}"
        else:
            path = f"/v1/orders/{quote(order, safe='/')}"
        return await looked_up(lambda: self._look(path, by_key=key is not None, reference=None if key else reference))

    async def payments(self, *, since: datetime, until: datetime) -> AsyncIterator[Listed]:
        """Every payment begun from ``since`` up to ``until``. Raises Unreachable."""
        after, ends = "", set[str]()
        while True:
            asked = {"since": since.isoformat(), "until": until.isoformat(), "after": after}
            try:
                response = await sent(self._client, self._client.build_request("GET", "/v1/payments", params=asked))
                page = _Page.model_validate(json_of(response))
            except (Unsettled, ValidationError) as error:
                code = (
                    error.code if isinstance(error, Unsettled) else "unreadable"
                )  # what it wrote is nobody's to read in a log
                raise Unreachable(f"the sandbox gateway did not tell its payments ({code})") from error
            for one in page.payments:
                shop, _, number = one.order.partition("/")
                yield Listed(_snapshot(one, self._url), (shop, number), one.begun_at)
            if not page.more:
                return
            after = page.payments[-1].id if page.payments else after
            if after in ends or not page.payments:
                raise Unreachable("the sandbox gateway says that there is more to tell, and tells no more")
            ends.add(after)

    async def aclose(self) -> None:
        """Give connections back."""
        await self._client.aclose()

    async def _look(self, path: str, *, by_key: bool, reference: str | None) -> Answer | None:
        response = await sent(self._client, self._client.build_request("GET", path))
        known = json_of(response)
        if response.status_code == 404 or known.get("payments") == []:
            return None
        if response.status_code == 200 and reference in (None, known.get("id")):
            told = settled(known.get("status"), known.get("answer"), self._url) if by_key else _found(known, self._url)
            if told is not None:
                return told
        raise proves_nothing(response)

    async def _perform(self, key: str, path: str, body: Mapping[str, Any]) -> Answer:
        return await settle(lambda: self._attempt(key, path, body), lambda: self.lookup(order="", key=key))

    async def _attempt(self, key: str, path: str, body: Mapping[str, Any]) -> Answer:
        headers = {"idempotency-key": quote(key, safe=":/")}
        response = await sent(self._client, self._client.build_request("POST", path, json=body, headers=headers))
        if response.status_code == 409:
            raise Unsettled("http_409", CodeClass.UNKNOWN, sent=True)
        told = json_of(response)
        answer = settled(response.status_code, told, self._url)
        if answer is None or (answer.snapshot is not None and not _is_ours(told["payment"], path, body)):
            raise proves_nothing(response)
        return answer


def read_notices(headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: datetime) -> Sequence[Notice]:
    """One payment a notice, as it stands after what was done. Raises SignatureRefused and NotJson."""
    webhook_id, raw, fault = read_signed(headers, body, secrets, now)
    if fault is not None:
        return [Notice(webhook_id, STANDS, fault=fault, raw=raw)]
    data = raw.get("data") if isinstance(raw, dict) else None
    try:
        payment = _Payment.model_validate(data.get("payment") if isinstance(data, dict) else None)
    except ValidationError as error:
        return [Notice(webhook_id, STANDS, fault=fault_of(error), raw=raw)]
    shop, _, number = payment.order.partition("/")
    snapshot = _snapshot(payment)
    return [Notice(webhook_id, STANDS, (shop, number), payment.id, snapshot, at=payment.at)]


GATEWAY = Gateway(
    "sandbox",
    Settings,
    SandboxGateway,
    least=50,
    read_notices=read_notices,
    acknowledge=stored_or_known,
    secrets=lambda settings: [derived_secret("sandbox notices", settings.sandbox_gateway_key.get_secret_value())],
    test_mode=lambda settings: True,
)


def _snapshot(payment: _Payment, url: str = "") -> Snapshot:
    """How the payment stands at the gateway under ``url``; a word that is not known goes before a human."""
    state = _STATES.get(payment.status, PaymentState.NEEDS_REVIEW)
    must = payment.buyer
    if state is PaymentState.CAPTURED and payment.refunded:
        state = PaymentState.REFUNDED if payment.refunded >= payment.captured else PaymentState.PARTLY_REFUNDED
    return Snapshot(
        payment.id,
        state,
        payment.amount,
        payment.captured,
        payment.refunded,
        payment.at,
        payment.expires_at,
        BuyerMust(must.step, f"{url}{must.path}", must.number, until=payment.expires_at) if must and url else None,
        funding=payment.funding,
        liability=payment.liability,
    )


def settled(status: object, answer: object, url: str = "") -> Answer | None:
    """What an answer proves; None where it proves nothing (5xx, or no answer of this gateway)."""
    if not isinstance(answer, dict) or not isinstance(status, int):
        return None
    if 200 <= status < 300:
        return stands(answer.get("payment"), url)
    error = answer.get("error")
    code = error.get("code") if isinstance(error, dict) else None
    if 400 <= status < 500 and isinstance(error, dict) and isinstance(code, str):
        code_class = _CLASSES.get(code, CodeClass.OUR_BUG)
        return Answer(Verdict.DECLINED, code=code, code_class=code_class, says=str(error.get("message", "")))
    return None


def _found(known: Mapping[str, Any], url: str) -> Answer | None:
    """The payment itself, or the last one of an order."""
    return stands(known["payments"][-1] if isinstance(known.get("payments"), list) else known, url)


def stands(shown: object, url: str = "") -> Answer | None:
    """How a payment stands, as the gateway under ``url`` shows it; None for what is no payment."""
    try:
        return Answer(Verdict.OK, _snapshot(_Payment.model_validate(shown), url))
    except ValidationError:
        return None


def _is_ours(payment: Mapping[str, Any], path: str, body: Mapping[str, Any]) -> bool:
    """Whether the payment in an answer is of the order, or the one, that was asked about."""
    return bool(payment["order"] == body["order"] if "order" in body else f"/{quote(payment['id'], safe='')}/" in path)


def _path(reference: str, operation: str) -> str:
    return f"/v1/authorizations/{quote(reference, safe='')}/{operation}"
