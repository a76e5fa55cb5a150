"""PAY.JP v1: cards charged by token, captured later (gateways.md 4).

It knows no idempotency key. What was asked is written where it can be found again: the key and the order in a charge's
metadata, a mark of every refund in its ``refund_reason``. Every call looks there first, and nothing that may have been done is
sent a second time before a look has said that it was not; a token is taken once in any case.

3-D Secure is passed before the order is placed (a verified token), or, where a public key and a page to come back to are set,
after it: the charge waits for the customer, and looking at it finishes what the customer passed.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final
from urllib.parse import quote

import httpx
import orjson
from pydantic import AfterValidator, BaseModel, Field, SecretStr, ValidationError, ValidationInfo

from models.states import PaymentState
from pipelines.errors import Unreachable
from pipelines.gateway import Answer, CaptureRules, CodeClass, Gateway, Listed, RefundRules, Snapshot
from pipelines.ports import Verdict
from workers.http.pool import PooledTransport
from workers.payments.asking import Unsettled, json_of, looked_up, proves_nothing, sent, settle, unknown
from workers.payments.keys import HeaderKey, SecretsByComma
from workers.payments.payjp_notices import read_notices
from workers.payments.payjp_states import CAPTURED, CLASSES, KEY, ORDER, VOIDED, Charge

_PAGE: Final = 100
_BACK: Final = timedelta(days=7)
"""How far a charge is looked for: attempts at one end before that."""
_PAUSE: Final = 90.0
"""Seconds before a call whose answer was lost is made again: PAY.JP's own clients wait 80 for an answer."""
_REASON: Final = 255


def _secret_key(value: SecretStr) -> SecretStr:
    if not value.get_secret_value().startswith(("sk_test_", "sk_live_")):
        raise ValueError("it is no secret key")
    return value


def _of_secret_key(value: str, info: ValidationInfo) -> str:
    """Keys of the test mode and of the live mode do not go together."""
    secret = info.data.get("payjp_secret_key")
    if secret is not None and _is_test(secret) is not value.startswith("pk_test_"):
        raise ValueError("it is of the other mode than the secret key")
    return value


class Settings(BaseModel):
    """What PAY.JP's console gives, and how this shop uses it."""

    payjp_secret_key: Annotated[HeaderKey, AfterValidator(_secret_key)] = Field(
        description="set it to the secret key of the API settings, sk_live_..."
    )
    payjp_webhook_token: SecretsByComma = Field(
        description="set it to the webhook token of the API settings, whook_..., several with commas"
    )
    payjp_expiry_days: int = Field(30, ge=1, le=60, description="days for which an amount is held, the first counted")
    payjp_public_key: Annotated[str | None, AfterValidator(lambda v, info: v and _of_secret_key(v, info))] = Field(
        None,
        pattern="^pk_(test|live)_[A-Za-z0-9]+$",
        description="set it to the public key of the same mode as the secret key, for 3-D Secure after the order",
    )
    payjp_back_url: str | None = Field(
        None, pattern="^https?://", description="set it to the page to which customers come back from 3-D Secure"
    )
    payjp_url: str = Field("https://api.pay.jp", pattern="^https?://[^/]+$", description="host of PAY.JP")
    payjp_timeout: Annotated[float, Field(gt=0, description="seconds for one attempt")] = 30.0


class Payjp:
    """Charges, captures once, releases, refunds in parts, renews in place, lists; never raises for what the network does."""

    def __init__(self, settings: Settings) -> None:
        key = settings.payjp_secret_key.get_secret_value()
        self._is_test = _is_test(settings.payjp_secret_key)
        self._expiry_days = str(settings.payjp_expiry_days)
        self._visit = _visiting(settings)
        self._client = httpx.AsyncClient(
            base_url=f"{settings.payjp_url}/v1",
            auth=httpx.BasicAuth(key, ""),
            timeout=settings.payjp_timeout,
            transport=PooledTransport(),
        )

    async def authorize(self, *, key: str, order: str, amount: int, token: str, method: str) -> Answer:
        """Hold ``amount`` yen on the card behind a token (``tok_``), or of a customer (``cus_``, ``cus_/car_``)."""
        return await settle(
            lambda: self._begin(key, order, amount, token), lambda: self.lookup(order=order, key=key), repeats=False
        )

    async def capture(self, *, key: str, order: str, reference: str, amount: int) -> Answer:
        """Take ``amount`` yen of a hold, once; the rest is released."""
        return await settle(lambda: self._capture(reference, amount), self._by_asking_again)

    async def void(self, *, key: str, order: str, reference: str) -> Answer:
        """Release a hold; a charge that was captured is never given back by this."""
        return await settle(lambda: self._void(reference), self._by_asking_again)

    async def refund(self, *, key: str, order: str, reference: str, amount: int) -> Answer:
        """Give ``amount`` yen of a capture back."""
        return await settle(
            lambda: self._refund(key, reference, amount),
            lambda: self.lookup(order=order, key=key, reference=reference),
            repeats=False,
        )

    async def renew(self, *, key: str, order: str, reference: str, amount: int) -> Answer:
        """Hold the charge anew, from today, as long as at first."""
        return await settle(lambda: self._renew(reference), self._by_asking_again)

    async def lookup(self, *, order: str, key: str | None = None, reference: str | None = None) -> Answer | None:
        """What became of ``key``: a charge that carries it, or a refund of ``reference`` that is marked with it; else how the
        charge stands, by its id or as the newest of ``order``. Captures and releases are known by the charge, not by a key."""
        if reference is not None and not _is_charge(reference):
            return None
        if key is not None and reference is not None:
            return await looked_up(lambda: self._refunded(key, reference))
        if reference is not None:
            return await looked_up(lambda: self._stands(reference))
        name, value = (KEY, key) if key is not None else (ORDER, order)
        return await looked_up(lambda: self._found(name, value, finish=key is None))

    async def payments(self, *, since: datetime, until: datetime) -> AsyncIterator[Listed]:
        """Every charge of the time, newest first. Raises Unreachable."""
        as_of = datetime.now(UTC)
        try:
            async for charge in self._charges(since=since, until=until):
                shop, _, number = charge.metadata.get(ORDER, "").partition("/")
                yield Listed(self._snapshot(charge, as_of), (shop, number) if number else None, charge.created)
        except Unsettled as error:
            raise Unreachable(f"PAY.JP's list cannot be had: {error.code}") from error

    async def aclose(self) -> None:
        """Give connections back."""
        await self._client.aclose()

    async def _begin(self, key: str, order: str, amount: int, token: str) -> Answer:
        as_of = datetime.now(UTC)
        if (known := await self._newest(key)) is not None:
            return self._known(known, as_of, amount)
        customer, _, card = token.partition("/")
        payer = {"customer": customer, **({"card": card} if card else {})} if token[:4] == "cus_" else {"card": token}
        form = {
            "amount": str(amount),
            "currency": "jpy",
            **payer,
            "capture": "false",
            "expiry_days": self._expiry_days,
            **({"three_d_secure": "true"} if self._visit is not None else {}),
            f"metadata[{ORDER}]": order,
            f"metadata[{KEY}]": key,
        }
        response = await self._send("POST", "/charges", form)
        if _code(response) == "token_already_used":  # by an attempt of ours whose answer was lost, as like as not
            known = await self._search(KEY, key)
            return self._known(known, as_of, amount) if known is not None else _refusal("token_already_used")
        if response.status_code >= 400:
            return await self._refused(response, None)
        charge = _charge(response)
        if charge.metadata.get(KEY, key) != key:
            raise _lost(proves_nothing(response))
        return self._answer(charge, as_of, asked=amount)

    async def _capture(self, reference: str, amount: int) -> Answer:
        as_of, charge = datetime.now(UTC), await self._first(reference)
        if charge is None:
            return _NO_SUCH
        if charge.captured and charge.taken == amount:  # it is what was asked for
            return self._answer(charge, as_of)
        if not charge.captured:
            await self._note(charge, CAPTURED, str(amount))
        answer = await self._change(charge, "capture", {"amount": str(amount)}, as_of)
        stands = answer.snapshot
        if answer.code == "already_captured" and stands is not None and stands.captured == amount:
            return Answer(Verdict.OK, stands)  # an attempt of ours was still under way
        return answer

    async def _void(self, reference: str) -> Answer:
        as_of, charge = datetime.now(UTC), await self._first(reference)
        if charge is None:
            return _NO_SUCH
        if charge.captured:
            return Answer(Verdict.DECLINED, self._snapshot(charge, as_of), "already_captured", CodeClass.STATE)
        if charge.refunded:
            return self._answer(charge, as_of)
        if charge.waits:  # nothing is held; it will not be finished
            return self._answer(await self._note(charge, VOIDED, "true"), as_of)
        answer = await self._change(charge, "refund", {"refund_reason": "The order was cancelled."}, as_of)
        stands = answer.snapshot
        return Answer(Verdict.OK, stands) if stands and stands.state is PaymentState.VOIDED else answer

    async def _refund(self, key: str, reference: str, amount: int) -> Answer:
        as_of, charge = datetime.now(UTC), await self._first(reference)
        if charge is None:
            return _NO_SUCH
        if _mark(key) in (charge.refund_reason or ""):
            return self._answer(charge, as_of)
        if not charge.captured:
            return _refusal("invalid_amount_to_not_captured")
        if amount > charge.taken - charge.given:
            return _refusal("refund_amount_gt_net")
        reason = f"{charge.refund_reason or 'refund'} {_mark(key)}"[-_REASON:]
        return await self._change(charge, "refund", {"amount": str(amount), "refund_reason": reason}, as_of)

    async def _renew(self, reference: str) -> Answer:
        as_of, charge = datetime.now(UTC), await self._first(reference)
        if charge is None:
            return _NO_SUCH
        return await self._change(charge, "reauth", {"expiry_days": self._expiry_days}, as_of)

    async def _change(self, charge: Charge, act: str, form: Mapping[str, str], as_of: datetime) -> Answer:
        response = await self._send("POST", f"/charges/{charge.id}/{act}", form)
        if response.status_code >= 400:
            return await self._refused(response, charge.id)
        return self._answer(_charge(response, charge.id), as_of)

    async def _note(self, charge: Charge, name: str, value: str) -> Charge:
        """Write ``name`` into the charge's metadata. Raises Unsettled: nothing of money was done."""
        response = await _surely_not_done(self._send("POST", f"/charges/{charge.id}", {f"metadata[{name}]": value}))
        return _charge(response, charge.id)

    async def _first(self, reference: str) -> Charge | None:
        """How the charge stands before anything is done; None where there is none. Raises Unsettled: nothing was done."""
        return await _surely_not_done(self._get(reference)) if _is_charge(reference) else None

    async def _newest(self, key: str) -> Charge | None:
        """The charge under ``key`` among the newest. Raises Unsettled: nothing was done."""
        charges, _ = await _surely_not_done(self._listed({"limit": str(_PAGE)}))
        return next((one for one in charges if one.metadata.get(KEY) == key), None)

    async def _get(self, reference: str) -> Charge | None:
        response = await self._send("GET", f"/charges/{reference}")
        return None if response.status_code == 404 and _code(response) else _charge(response, reference)

    async def _refunded(self, key: str, reference: str) -> Answer | None:
        as_of, charge = datetime.now(UTC), await self._get(reference)
        is_known = charge is not None and _mark(key) in (charge.refund_reason or "")
        return self._answer(charge, as_of) if charge is not None and is_known else None

    async def _stands(self, reference: str) -> Answer | None:
        as_of, charge = datetime.now(UTC), await self._get(reference)
        return None if charge is None else await self._finished(charge, as_of)

    async def _found(self, name: str, value: str, *, finish: bool) -> Answer | None:
        as_of, charge = datetime.now(UTC), await self._search(name, value)
        if charge is None:
            return None
        return await self._finished(charge, as_of) if finish else self._answer(charge, as_of)

    async def _search(self, name: str, value: str) -> Charge | None:
        """The newest charge with that in its metadata."""
        async for charge in self._charges(since=datetime.now(UTC) - _BACK):
            if charge.metadata.get(name) == value:
                return charge
        return None

    async def _finished(self, charge: Charge, as_of: datetime) -> Answer:
        """How it stands, once what the customer passed at 3-D Secure is finished."""
        if not charge.waits or VOIDED in charge.metadata:
            return self._answer(charge, as_of)
        response = await self._send("POST", f"/charges/{charge.id}/tds_finish", {})
        if response.status_code < 400:
            return self._answer(_charge(response, charge.id), as_of)
        stands, code = self._snapshot(charge, as_of), _code(response)
        if code in ("three_d_secure_failed", "three_d_secure_expired"):
            failed = PaymentState.FAILED if code == "three_d_secure_failed" else PaymentState.EXPIRED
            return Answer(Verdict.OK, replace(stands, state=failed, buyer=None, code=code))
        if code == "three_d_secure_incompleted":
            return Answer(Verdict.OK, stands)
        raise proves_nothing(response)

    async def _charges(self, *, since: datetime, until: datetime | None = None) -> AsyncIterator[Charge]:
        """Every charge of the time once, newest first, page by page. Raises Unsettled."""
        seen, offset, has_more = set[str](), 0, True
        bounds = {"since": str(int(since.timestamp()))}
        if until is not None:
            bounds["until"] = str(int(until.timestamp()))
        while has_more:
            charges, has_more = await self._listed({**bounds, "limit": str(_PAGE), "offset": str(offset)})
            offset += len(charges)
            if has_more and seen.issuperset(one.id for one in charges):  # there is more, and no way to it
                raise Unsettled("list_repeats", CodeClass.UNKNOWN, sent=True)
            for charge in charges:
                if charge.id not in seen and since <= charge.created and (until is None or charge.created < until):
                    yield charge
                seen.add(charge.id)

    async def _listed(self, query: Mapping[str, str]) -> tuple[list[Charge], bool]:
        response = await self._send("GET", "/charges", query)
        told = json_of(response)
        if response.status_code != 200:
            raise proves_nothing(response)
        try:
            charges = [Charge.model_validate(one) for one in told["data"]]
            return charges, bool(told.get("has_more", len(charges) >= _PAGE))
        except (KeyError, TypeError, ValidationError):
            raise proves_nothing(response) from None

    async def _refused(self, response: httpx.Response, reference: str | None) -> Answer:
        """What an error says; where an earlier call may have been done, with how the charge stands."""
        code = _code(response)
        code_class = CLASSES.get(code or "")
        if code is None or response.status_code >= 500 or code_class is CodeClass.UNKNOWN:
            raise _lost(Unsettled(code or f"http_{response.status_code}", CodeClass.UNKNOWN, sent=True))
        if code_class is CodeClass.CONFIGURATION:
            raise Unsettled(code, CodeClass.CONFIGURATION, sent=False, again=False)
        if code_class is None:
            return unknown(code, "PAY.JP refused it for a reason that does not tell whether it was done")
        stands = None
        if code_class is CodeClass.STATE and reference is not None:
            as_of, charge = datetime.now(UTC), await self._get(reference)
            stands = self._snapshot(charge, as_of) if charge is not None else None
        if code == "chargeback" and stands is not None:
            stands = replace(stands, state=PaymentState.NEEDS_REVIEW, code=code)
        return Answer(Verdict.DECLINED, stands, code, code_class)

    async def _by_asking_again(self) -> Answer:
        return unknown("no_answer", "PAY.JP may have acted; the same call looks first")

    async def _send(self, method: str, path: str, form: Mapping[str, str] | None = None) -> httpx.Response:
        where: dict[str, Any] = {"params": form} if method == "GET" else {"data": form}
        try:
            return await sent(self._client, self._client.build_request(method, path, **where))
        except Unsettled as error:
            raise _lost(error) from error

    def _known(self, charge: Charge, as_of: datetime, amount: int) -> Answer:
        """What the charge that was made under a key says to who asks again, for ``amount``."""
        if charge.amount != amount:
            return Answer(Verdict.DECLINED, code="other_amount", code_class=CodeClass.OUR_BUG)
        return self._answer(charge, as_of)

    def _answer(self, charge: Charge, as_of: datetime, *, asked: int | None = None) -> Answer:
        stands = self._snapshot(charge, as_of, asked)
        if stands.state is PaymentState.FAILED:
            return Answer(Verdict.DECLINED, stands, stands.code, stands.code_class or CodeClass.ISSUER_DECLINE)
        return Answer(Verdict.OK, stands)

    def _snapshot(self, charge: Charge, as_of: datetime, asked: int | None = None) -> Snapshot:
        return charge.snapshot(as_of, is_test=self._is_test, visit=self._visit, asked=asked)


async def _surely_not_done(asking: Awaitable[Any]) -> Any:
    """The result of a call that moves no money; what fails of it leaves nothing open."""
    try:
        return await asking
    except Unsettled as error:
        raise Unsettled(
            error.code, CodeClass.TRANSIENT, sent=False, again=error.again, retry_after=error.retry_after
        ) from error


def _lost(error: Unsettled) -> Unsettled:
    """What may have been done, and is found by no key, is left alone until PAY.JP must be through with it."""
    if error.sent:
        error.retry_after = _PAUSE
    return error


def _charge(response: httpx.Response, reference: str | None = None) -> Charge:
    """The charge in an answer, ``reference`` where it is known. Raises Unsettled for what is none, and for another."""
    try:
        if response.status_code == 200:
            charge = Charge.model_validate(json_of(response))
            if reference in (None, charge.id):
                return charge
    except ValidationError:
        pass
    raise _lost(proves_nothing(response))


def _code(response: httpx.Response) -> str | None:
    """The code of an error; its type where it has none."""
    error = json_of(response).get("error")
    told = (error.get("code") or error.get("type")) if isinstance(error, dict) else None
    return told if isinstance(told, str) else None


def _mark(key: str) -> str:
    """What stands in ``refund_reason`` for the refund under ``key``."""
    return hashlib.sha256(key.encode()).hexdigest()[:10]


def _is_charge(reference: str) -> bool:
    return reference.startswith("ch_") and reference.replace("_", "").isalnum() and reference.isascii()


def _refusal(code: str) -> Answer:
    return Answer(Verdict.DECLINED, code=code, code_class=CLASSES[code])


_NO_SUCH: Final = _refusal("invalid_id")


def _is_test(key: SecretStr) -> bool:
    return key.get_secret_value().startswith("sk_test_")


def _visiting(settings: Settings) -> Callable[[str], str] | None:
    """The address of a charge's 3-D Secure, with the page to come back to signed; None where it is passed before."""
    if settings.payjp_public_key is None or settings.payjp_back_url is None:
        return None
    head = _segment({"alg": "HS256", "typ": "JWT"}) + "." + _segment({"url": settings.payjp_back_url})
    secret = settings.payjp_secret_key.get_secret_value().encode()
    back = f"{head}.{_base64(hmac.digest(secret, head.encode(), hashlib.sha256))}"
    start, query = f"{settings.payjp_url}/v1/tds", f"publickey={settings.payjp_public_key}&back_url={back}"
    return lambda charge: f"{start}/{quote(charge, safe='')}/start?{query}"


def _segment(value: Mapping[str, str]) -> str:
    return _base64(orjson.dumps(value))


def _base64(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def _tokens(settings: Settings) -> Sequence[str]:
    return [one.strip() for one in settings.payjp_webhook_token.get_secret_value().split(",") if one.strip()]


GATEWAY = Gateway(
    "payjp",
    Settings,
    Payjp,
    methods=frozenset({"card"}),
    least=50,
    captures=CaptureRules(partial=True, several=False),
    refunds=RefundRules(partial=True, several=True),
    read_notices=read_notices,
    secrets=_tokens,
    test_mode=lambda settings: _is_test(settings.payjp_secret_key),
)
