"""Amazon Pay v2 (Japan): the customer agreed to a charge permission at Amazon; each order is a charge on it (gateways.md 6).

The token of an order is its ``chargePermissionId``, the reference of its payment the ``chargeId``.  Amazon keeps the key of
every POST for ever and answers a repetition as the first time, and has no list and no search: what became of a call is told
to who repeats it.  So a look-up by key finds nothing, and the repetition that follows finds what was done.

What Amazon takes up without deciding (``AuthorizationInitiated``, ``CaptureInitiated``, ``RefundInitiated``) is not done:
RETRY, and each repetition asks how it stands by then, for 24 hours and more.  A refund beyond what was captured, which Amazon
would take up to 15 %, is refused here.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Any, Final, TypeVar
from urllib.parse import urlsplit

import httpx
import orjson
from pydantic import AfterValidator, BaseModel, Field, SecretStr, ValidationError

from models.states import PaymentState
from pipelines.gateway import Answer, CaptureRules, CodeClass, Gateway, RefundRules
from pipelines.ports import Verdict
from workers.http.pool import PooledTransport
from workers.payments.amazon_pay_notices import read_notices
from workers.payments.amazon_pay_signing import authorization, canonical, private_key
from workers.payments.amazon_pay_states import CLASSES, INITIATED, REFUND_ENDS, Charge, Refunded
from workers.payments.asking import Unsettled, json_of, looked_up, proves_nothing, sent, settle, told_at, unknown
from workers.payments.values import not_ahead

_AGAIN_AFTER: Final = 240.0
"""Seconds after which what Amazon has not decided is asked for again: 24 hours fit into the attempts of an effect."""
_ID: Final = re.compile(r"[A-Za-z0-9-]{1,64}")
Shown = TypeVar("Shown", Charge, Refunded)


def _key(pem: SecretStr) -> SecretStr:
    private_key(pem.get_secret_value())
    return pem


class Settings(BaseModel):
    """What Seller Central's Integration Central gives, and where Amazon is."""

    amazon_pay_public_key_id: str = Field(
        pattern="^(SANDBOX|LIVE)-[A-Z0-9]+$",
        description="set it to the Public Key ID of Integration Central, SANDBOX-... or LIVE-...",
    )
    amazon_pay_private_key: Annotated[SecretStr, AfterValidator(_key)] = Field(
        description="set it to the RSA private key of that id in PEM, its line ends as they are or as \\n"
    )
    amazon_pay_topics: str = Field(
        pattern=r"^\s*arn:aws:sns:[a-z0-9-]+:[0-9]+:[\w-]+(\s*,\s*arn:aws:sns:[a-z0-9-]+:[0-9]+:[\w-]+)*\s*$",
        description="set it to the ARN of the SNS topic of Amazon's notifications, several with commas",
    )
    amazon_pay_url: str = Field(
        "https://pay-api.amazon.jp", pattern="^https?://[^/]+$", description="host of Amazon Pay"
    )
    amazon_pay_sns_url: str | None = Field(
        None, pattern="^https?://[^/]+$", description="where SNS is reached instead of under its own names, for a fake"
    )
    amazon_pay_timeout: Annotated[float, Field(gt=0, description="seconds for one attempt")] = 15.0


class AmazonPay:
    """Charges, captures once, cancels, refunds in parts, renews by a new charge; never raises for what the network does."""

    def __init__(self, settings: Settings) -> None:
        self._host = urlsplit(settings.amazon_pay_url).netloc
        self._key_id = settings.amazon_pay_public_key_id
        self._private_key = private_key(settings.amazon_pay_private_key.get_secret_value())
        self._client = httpx.AsyncClient(
            base_url=settings.amazon_pay_url, timeout=settings.amazon_pay_timeout, transport=PooledTransport()
        )

    async def authorize(self, *, key: str, order: str, amount: int, token: str, method: str) -> Answer:
        """Charge ``amount`` yen on the permission ``token`` without capturing it."""
        return await self._settled(lambda: self._begin(key, order, amount, token))

    async def capture(self, *, key: str, order: str, reference: str, amount: int) -> Answer:
        """Capture ``amount`` yen, once; the rest is lost."""
        if not _ID.fullmatch(reference):
            return _NO_SUCH
        path, body = f"/v2/charges/{reference}/capture", {"captureAmount": _price(amount)}
        return await self._settled(lambda: self._charge(key, path, body, reference, captured=amount))

    async def void(self, *, key: str, order: str, reference: str) -> Answer:
        """Cancel a charge. Amazon knows no repetition of it: one that is cancelled already is what was asked for."""
        return await self._settled(lambda: self._cancel(reference)) if _ID.fullmatch(reference) else _NO_SUCH

    async def refund(self, *, key: str, order: str, reference: str, amount: int) -> Answer:
        """Give ``amount`` yen of a capture back, never more in all than was captured."""
        return (
            await self._settled(lambda: self._refund(key, reference, amount)) if _ID.fullmatch(reference) else _NO_SUCH
        )

    async def renew(self, *, key: str, order: str, reference: str, amount: int) -> Answer:
        """Charge ``amount`` yen anew on the same permission, then cancel the old charge."""
        if not _ID.fullmatch(reference):
            return _NO_SUCH
        return await self._settled(lambda: self._renew(key, order, reference, amount))

    async def lookup(self, *, order: str, key: str | None = None, reference: str | None = None) -> Answer | None:
        """How the charge ``reference`` stands; None for a key, whose call is to be repeated, and UNKNOWN for an order without
        a charge, since Amazon finds nothing by our own names."""
        if key is not None:
            return None
        if reference is None:
            return unknown("no_reference", "Amazon Pay finds no charge by the order; look in Seller Central")
        if not _ID.fullmatch(reference):
            return None
        return await looked_up(lambda: self._look(reference))

    async def aclose(self) -> None:
        """Give connections back."""
        await self._client.aclose()

    async def _settled(self, attempt: Callable[[], Awaitable[Answer]]) -> Answer:
        return await settle(attempt, _only_by_repeating)

    async def _begin(self, key: str, order: str, amount: int, permission: str) -> Answer:
        body = {
            "chargePermissionId": permission,
            "chargeAmount": _price(amount),
            "captureNow": False,
            "canHandlePendingAuthorization": True,
            "merchantMetadata": {"merchantReferenceId": order},
        }
        return await self._charge(key, "/v2/charges", body, None, charged=amount)

    async def _renew(self, key: str, order: str, reference: str, amount: int) -> Answer:
        old = await self._get(Charge, f"/v2/charges/{reference}")
        if old is None:
            return _NO_SUCH
        new = await self._begin(key, order, amount, old.permission)
        if new.verdict is Verdict.OK and old.state == "Authorized":
            await self._cancel(reference)
        return new

    async def _charge(
        self, key: str, path: str, body: Mapping[str, Any], reference: str | None, **asked: int
    ) -> Answer:
        response = await self._send("POST", path, body, key)
        if response.status_code >= 400:
            return await self._refused(response, reference)
        permission = body.get("chargePermissionId")
        charge = _read(
            Charge, response, lambda told: told.id == reference if reference else told.permission == permission
        )
        if charge.state in INITIATED:  # and if this is the answer of the first time: how it stands now
            charge = await self._get(Charge, f"/v2/charges/{charge.id}") or charge
        return _answer(charge, **asked)

    async def _cancel(self, reference: str) -> Answer:
        body = {"cancellationReason": "The order was cancelled."}
        response = await self._send("DELETE", f"/v2/charges/{reference}/cancel", body)
        if response.status_code < 400:
            return _answer(_read(Charge, response, lambda told: told.id == reference))
        refused = await self._refused(response, reference)
        stands = refused.snapshot
        return Answer(Verdict.OK, stands) if stands and stands.state is PaymentState.VOIDED else refused

    async def _refund(self, key: str, reference: str, amount: int) -> Answer:
        charge = await self._get(Charge, f"/v2/charges/{reference}")
        if charge is None:
            return _NO_SUCH
        body = {"chargeId": reference, "refundAmount": _price(amount)}
        if (
            charge.state == "Captured"
            and charge.given + amount > charge.taken
            and not await self._was_made(key, charge)
        ):
            return _declined("TransactionAmountExceeded", "more would go back than was captured")
        response = await self._send("POST", "/v2/refunds", body, key)
        if response.status_code >= 400:
            return await self._refused(response, reference)
        made = _read(Refunded, response, lambda told: told.charge in (None, reference))
        if made.state in INITIATED:
            made = await self._get(Refunded, f"/v2/refunds/{made.id}") or made
        if made.state in INITIATED:
            return _undecided(made.state)
        if made.state not in REFUND_ENDS:
            return unknown(made.state, "Amazon Pay says of the refund a word that is not known")
        charge = await self._get(Charge, f"/v2/charges/{reference}") or charge
        if made.state != "Refunded":
            return Answer(Verdict.DECLINED, charge.snapshot(), made.reason or made.state, CodeClass.STATE)
        stands = charge.snapshot()
        is_asked = (made.refunded.amount, made.refunded.currency) == (amount, "JPY")
        return Answer(Verdict.OK, stands if is_asked else replace(stands, state=PaymentState.NEEDS_REVIEW))

    async def _was_made(self, key: str, charge: Charge) -> bool:
        """Whether a refund under ``key`` was made before, where another would be too much.

        Asked under the same key for a sum that Amazon never refunds: refused for the key it was made, for the sum it was
        not. That the key is looked at first is an assumption; if it is not, the answer is a no that the books contradict.
        """
        beyond = {"chargeId": charge.id, "refundAmount": _price(2 * charge.taken + 10_000)}
        response = await self._send("POST", "/v2/refunds", beyond, key)
        code = json_of(response).get("reasonCode")
        if code not in ("DuplicateIdempotencyKey", "TransactionAmountExceeded"):
            raise proves_nothing(response)
        return bool(code == "DuplicateIdempotencyKey")

    async def _refused(self, response: httpx.Response, reference: str | None) -> Answer:
        """What an error says; where an earlier call may have been done, with how the charge stands."""
        said = json_of(response)
        code = said.get("reasonCode")
        code_class = CLASSES.get(code) if isinstance(code, str) else None
        if response.status_code == 503 and code_class is CodeClass.TRANSIENT:
            raise Unsettled(str(code), CodeClass.TRANSIENT, sent=False)
        if response.status_code >= 500 or not isinstance(code, str):
            raise proves_nothing(response)
        if code_class in (None, CodeClass.UNKNOWN):
            return unknown(code, "Amazon Pay refused it for a reason that does not tell whether it was done")
        if code_class is CodeClass.STATE and reference is not None:
            charge = await self._get(Charge, f"/v2/charges/{reference}")
            return Answer(Verdict.DECLINED, charge.snapshot() if charge else None, code, code_class)
        return Answer(Verdict.DECLINED, code=code, code_class=code_class)

    async def _look(self, reference: str) -> Answer | None:
        charge = await self._get(Charge, f"/v2/charges/{reference}")
        return None if charge is None else Answer(Verdict.OK, charge.snapshot())

    async def _get(self, model: type[Shown], path: str) -> Shown | None:
        """What Amazon shows at ``path``; None for 404. Raises Unsettled."""
        response = await self._send("GET", path)
        if response.status_code == 404 and json_of(response).get("reasonCode") == "ResourceNotFound":
            return None
        return _read(model, response, lambda told: told.id == path.rpartition("/")[2])

    async def _send(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, key: str = ""
    ) -> httpx.Response:
        """The response to a signed request. Raises Unsettled."""
        payload = b"" if body is None else orjson.dumps(body)
        headers = {
            "accept": "application/json",
            "content-type": "application/json",
            "x-amz-pay-date": datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ"),
            "x-amz-pay-host": self._host,
            "x-amz-pay-region": "jp",
        }
        if key:
            headers["x-amz-pay-idempotency-key"] = hashlib.sha256(key.encode()).hexdigest()[:32]
        signed = authorization(self._private_key, self._key_id, canonical(method, path, "", headers, payload), headers)
        request = self._client.build_request(
            method, path, content=payload or None, headers={**headers, "authorization": signed}
        )
        return await sent(self._client, request)


def _answer(charge: Charge, **asked: int) -> Answer:
    """What a charge as it stands says to who asked for it to be charged or captured."""
    if charge.state in INITIATED:
        return _undecided(charge.state)
    stands = charge.snapshot(**asked)
    if charge.state == "Declined":
        return Answer(Verdict.DECLINED, stands, stands.code, stands.code_class or CodeClass.ISSUER_DECLINE)
    return Answer(Verdict.OK, stands)


def _undecided(state: str) -> Answer:
    return Answer(
        Verdict.RETRY,
        code=state,
        code_class=CodeClass.TRANSIENT,
        says="Amazon Pay has not decided yet",
        retry_after=_AGAIN_AFTER,
    )


def _read(model: type[Shown], response: httpx.Response, is_ours: Callable[[Shown], bool]) -> Shown:
    """What the response shows. Raises Unsettled for what is none, and for what is another's."""
    if response.status_code not in (200, 201):
        raise proves_nothing(response)
    try:
        shown = model.model_validate(json_of(response))
    except ValidationError:
        raise proves_nothing(response) from None
    if not is_ours(shown):
        raise proves_nothing(response)
    if isinstance(shown, Charge):
        shown.at = not_ahead(shown.at, told_at(response))
    return shown


async def _only_by_repeating() -> Answer:
    return unknown("no_answer", "Amazon Pay may have acted; the same call under the same key tells")


def _declined(code: str, says: str) -> Answer:
    return Answer(Verdict.DECLINED, code=code, code_class=CLASSES[code], says=says)


_NO_SUCH: Final = _declined("ResourceNotFound", "Amazon Pay knows no such charge")


def _price(yen: int) -> dict[str, str]:
    return {"amount": str(yen), "currencyCode": "JPY"}


def _topics(settings: Settings) -> Sequence[str]:
    """The topics whose notices are heard, each with where SNS is reached if that is another place than its own."""
    at = f" {settings.amazon_pay_sns_url}" if settings.amazon_pay_sns_url else ""
    return [f"{topic.strip()}{at}" for topic in settings.amazon_pay_topics.split(",")]


GATEWAY = Gateway(
    "amazon_pay",
    Settings,
    AmazonPay,
    methods=frozenset({"amazon_pay"}),
    captures=CaptureRules(partial=True, several=False),
    refunds=RefundRules(partial=True, several=True),
    read_notices=read_notices,
    secrets=_topics,
    reads_afar=True,
    test_mode=lambda settings: settings.amazon_pay_public_key_id.startswith("SANDBOX-"),
)
