"""KOMOJU: cards by token, PayPay and bank transfer on its page, a number for a convenience store (gateways.md 3).

Each call carries ``X-KOMOJU-IDEMPOTENCY``, which KOMOJU keeps for 24 hours; after that what happened is found by the order's
number and by the mark that each refund carries. ``authorized`` holds money on a card or wallet, and is only a slip or an
account elsewhere. Money paid at a store or by transfer goes back by hand: KOMOJU wants the buyer's bank account for that.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Any, Final, Literal, get_args
from urllib.parse import quote

import httpx
from pydantic import BaseModel, Field, SecretStr, ValidationError, field_validator

from models.states import PaymentState
from pipelines.errors import Unreachable
from pipelines.gateway import Answer, CaptureRules, CodeClass, Gateway, Listed, Payer
from pipelines.ports import Verdict
from workers.http.pool import PooledTransport
from workers.payments.asking import Unsettled, json_of, looked_up, proves_nothing, sent, settle, told_at
from workers.payments.keys import HeaderKey
from workers.payments.komoju_notices import read_notices
from workers.payments.komoju_payments import CLASSES, LOOK_AGAIN, PAGE, Page, Payment, of_page, of_payment

_A_PAGE: Final = 100
#: Methods that the buyer completes on KOMOJU's page, since it asks there for more than an order has.
_ON_PAGE: Final = {"bank_transfer": "bank_transfer", "paypay": "paypay"}
#: Types whose money goes back only to a bank account that the buyer names.
_BACK_BY_HAND: Final = ("konbini", "bank_transfer", "pay_easy")

Store = Literal["daily-yamazaki", "family-mart", "lawson", "ministop", "seicomart", "seven-eleven"]
_STORES: Final = frozenset(get_args(Store))


class Settings(BaseModel):
    """A merchant's account. Whether it is a test is told by the key."""

    komoju_secret_key: Annotated[HeaderKey, Field(description="set it to the secret key, sk_test_... or sk_live_...")]
    komoju_webhook_secret: Annotated[
        SecretStr,
        Field(
            min_length=8,
            description="set it to the webhook's secret token; new and old with a space between while it is replaced",
        ),
    ]
    komoju_url: Annotated[
        str, Field(pattern="^https?://", description="set it to KOMOJU's address, https://komoju.com/api/v1")
    ] = "https://komoju.com/api/v1"
    komoju_return_url: Annotated[
        str | None, Field(pattern="^https?://", description="set it to where buyers come back to from KOMOJU's page")
    ] = None
    komoju_konbini_store: Annotated[
        Store, Field(description="set it to the chain at whose tills buyers pay, such as lawson")
    ] = "seven-eleven"
    komoju_konbini_days: Annotated[
        int | None, Field(ge=1, le=60, description="set it to the days for which a slip is valid, 1 to 60")
    ] = None
    komoju_timeout: Annotated[float, Field(gt=0, description="seconds for one attempt")] = 15.0

    @field_validator("komoju_secret_key")
    @classmethod
    def _is_secret(cls, key: SecretStr) -> SecretStr:
        """A publishable key is no secret key."""
        if not key.get_secret_value().startswith(("sk_test_", "sk_live_")):
            raise ValueError("it must begin with sk_test_ or sk_live_")
        return key


@dataclass(frozen=True, slots=True)
class _Told:
    """A payment or a page, told at ``at``; ``answer`` is how it stands."""

    shown: Payment | Page
    at: datetime

    @property
    def answer(self) -> Answer:
        told = self.shown
        return Answer(Verdict.OK, of_payment(told, self.at) if isinstance(told, Payment) else of_page(told, self.at))


Shows = Callable[[Payment | Page], bool]
Ours = Callable[[Mapping[str, Any]], bool]


class KomojuGateway:
    """Authorizes, registers slips, captures once, voids, refunds, looks up and lists; never raises for what the network does.

    A call makes at most three attempts and one look-up.
    """

    def __init__(self, settings: Settings) -> None:
        self._return_url = settings.komoju_return_url
        self._store = settings.komoju_konbini_store
        self._days = settings.komoju_konbini_days
        self._client = httpx.AsyncClient(
            base_url=settings.komoju_url,
            auth=httpx.BasicAuth(settings.komoju_secret_key.get_secret_value(), ""),
            timeout=settings.komoju_timeout,
            transport=PooledTransport(),
        )

    async def authorize(self, *, key: str, order: str, amount: int, token: str, method: str) -> Answer:
        """Hold ``amount`` yen on the card of ``token``, or on the PayPay account that opens KOMOJU's page."""
        if method == "paypay":
            return await self._begin(key, order, amount, "/sessions", self._page(order, "paypay", "manual"))
        body = {"payment_details": token, "capture": False, "external_order_num": order}
        return await self._begin(key, order, amount, "/payments", body)

    async def register(
        self, *, key: str, order: str, method: str, amount: int, payer: Payer, until: datetime | None, choice: str = ""
    ) -> Answer:
        """A number for a till (konbini) of the chain ``choice``, or a page that opens an account (bank transfer); KOMOJU sets until when."""
        if method in _ON_PAGE:
            body = self._page(order, _ON_PAGE[method], "auto") | {"email": payer.email}
            body["payment_data"]["name"] = payer.name
            return await self._begin(key, order, amount, "/sessions", body)
        details = {
            "type": "konbini",
            "store": choice if choice in _STORES else self._store,
            "email": payer.email,
            "phone": payer.phone,
        }
        if self._days is not None:
            details["expiry_days"] = str(self._days)
        body = {"payment_details": details, "external_order_num": order}
        return await self._begin(key, order, amount, "/payments", body)

    async def capture(self, *, key: str, order: str, reference: str, amount: int) -> Answer:
        """Take ``amount`` yen (実売上), once; the rest is released."""

        def shows(told: Payment | Page) -> bool:
            return isinstance(told, Payment) and told.status in ("captured", "refunded") and told.ours == amount

        return await self._change(key, reference, "capture", {"amount": amount}, shows)

    async def void(self, *, key: str, order: str, reference: str) -> Answer:
        """Release what is held, or call off a slip or a page (仮売上取消)."""
        return await self._change(key, reference, "cancel", {}, lambda told: told.status == "cancelled")

    async def refund(self, *, key: str, order: str, reference: str, amount: int) -> Answer:
        """Give ``amount`` yen back; declined as ``manual_transfer`` where only a transfer to the buyer's bank can."""
        mark = _mark(key)

        def shows(told: Payment | Page) -> bool:
            given = [one.amount for one in told.refunds if one.description == mark] if isinstance(told, Payment) else []
            return given == [amount]

        return await self._change(key, reference, "refund", {"amount": amount, "description": mark}, shows)

    async def lookup(self, *, order: str, key: str | None = None, reference: str | None = None) -> Answer | None:
        """What became of ``key``, else how the payment stands; None if KOMOJU never saw it, RETRY if it could not be asked.

        Captures and voids leave no mark: None has them asked again, and what was done already is seen then.
        """

        async def look() -> Answer | None:
            told = await (self._find(reference) if reference else self._find_order(order))
            known = told is not None and (key is None or _bears(told.shown, _mark(key), begins=reference is None))
            return told.answer if told is not None and known else None

        return await looked_up(look)

    async def payments(self, *, since: datetime, until: datetime) -> AsyncIterator[Listed]:
        """Every payment begun in the time. Raises Unreachable where a page of the list cannot be had."""
        asked = {"start_time": since.isoformat(), "end_time": until.isoformat(), "per_page": str(_A_PAGE)}
        page, seen, is_last = 1, set[str](), False
        while not is_last:
            try:
                listed, at, is_last = await self._list({**asked, "page": str(page)}, page)
            except Unsettled as error:
                raise Unreachable(f"komoju: the list of payments could not be had ({error.code})") from error
            if not is_last and seen.issuperset(one.id for one in listed):
                raise Unreachable("komoju: the list of payments says that there is more, and no more comes")
            for one in listed:
                if one.id not in seen and one.created_at is not None and since <= one.created_at < until:
                    yield Listed(of_payment(one, at), one.order, one.created_at)
                seen.add(one.id)
            page += 1

    async def aclose(self) -> None:
        """Give connections back."""
        await self._client.aclose()

    def _page(self, order: str, type_: str, capture: str) -> dict[str, Any]:
        body: dict[str, Any] = {
            "mode": "payment",
            "payment_types": [type_],
            "default_locale": "ja",
            "payment_data": {"external_order_num": order, "capture": capture},
        }
        return body | ({"return_url": self._return_url} if self._return_url else {})

    async def _begin(self, key: str, order: str, amount: int, path: str, body: Mapping[str, Any]) -> Answer:
        noted = {"order": order, "operation": _mark(key), "authorized": str(amount)}
        asked = {"amount": amount, "currency": "JPY", "metadata": noted, **body}

        async def look() -> _Told | None:
            return await self._find_order(order)

        def is_ours(shown: Mapping[str, Any]) -> bool:
            return shown.get("resource") == "session" or shown.get("external_order_num", order) in (None, order)

        answer = await self._perform(key, lambda: _constant((path, is_ours)), asked, lambda told: True, look)
        stands = answer.snapshot
        if stands is not None and stands.authorized != amount:
            return replace(answer, snapshot=replace(stands, state=PaymentState.NEEDS_REVIEW))
        return answer

    async def _change(self, key: str, reference: str, operation: str, body: Mapping[str, Any], shows: Shows) -> Answer:
        async def path() -> tuple[str, Ours]:
            """A page is done with once a payment was begun on it."""
            told = await self._find(reference) if reference.startswith(PAGE) else None
            begun = told.shown.id if told is not None and isinstance(told.shown, Payment) else reference
            return f"{_path(begun)}/{operation}", _is(begun)

        async def look() -> _Told | None:
            return await self._find(reference)

        return await self._perform(key, path, body, shows, look)

    async def _perform(
        self,
        key: str,
        path: Callable[[], Awaitable[tuple[str, Ours]]],
        body: Mapping[str, Any],
        shows: Shows,
        find: Callable[[], Awaitable[_Told | None]],
    ) -> Answer:
        """Post ``body`` to ``path``, whose answer must be about ours; where it proves nothing, a payment that ``shows`` the
        effect does."""

        async def done() -> Answer | None:
            told = await find()
            return told.answer if told is not None and shows(told.shown) else None

        async def attempt() -> Answer:
            headers = {"x-komoju-idempotency": _mark(key)}
            where, is_ours = await path()
            request = self._client.build_request("POST", where, json=body, headers=headers)
            response = await sent(self._client, request)
            refused = _refused(response)
            if refused is None:
                told = _read(response, is_ours)
                return told.answer if shows(told.shown) else _contradicts(told)
            if refused.code in LOOK_AGAIN and (known := await done()) is not None:
                return known
            if refused.code == "not_refundable" and (told_now := await find()) is not None:
                return _by_hand(told_now.shown) or refused
            return refused

        return await settle(attempt, lambda: looked_up(done))

    async def _find(self, reference: str) -> _Told | None:
        response = await sent(self._client, self._client.build_request("GET", _path(reference)))
        is_unknown = response.status_code == 404 and "error" in json_of(response)  # not a proxy's page
        return None if is_unknown else _read(response, _is(reference))

    async def _find_order(self, order: str) -> _Told | None:
        """The order's payment; of several the one with money, else the newest."""
        found, at, _ = await self._list({"external_order_num": order})
        ours = [one for one in found if one.external_order_num == order]
        if not ours:
            return None
        return _Told(max(ours, key=lambda one: (one.status in _LIVES, one.created_at or at, one.id)), at)

    async def _list(self, asked: Mapping[str, str], number: int = 1) -> tuple[list[Payment], datetime, bool]:
        """(payments of the page ``number``, when they were told, whether it is the last one)."""
        response = await sent(self._client, self._client.build_request("GET", "/payments", params=asked))
        try:
            page = _List.model_validate(json_of(response))
        except ValidationError:
            raise proves_nothing(response) from None
        is_last = len(page.data) < _A_PAGE if page.last_page is None else number >= page.last_page
        return page.data, told_at(response), is_last


class _List(BaseModel):
    data: list[Payment]
    last_page: int | None = None


_LIVES: Final = ("authorized", "captured", "refunded")


def _mark(key: str) -> str:
    """``key`` in the letters and length that KOMOJU takes (at most 100 of ASCII)."""
    return f"shukka-{hashlib.sha256(key.encode()).hexdigest()}"


def _path(reference: str) -> str:
    if reference.startswith(PAGE):
        return f"/sessions/{quote(reference.removeprefix(PAGE), safe='')}"
    return f"/payments/{quote(reference, safe='')}"


async def _constant(where: tuple[str, Ours]) -> tuple[str, Ours]:
    return where


def _is(reference: str) -> Ours:
    """Whether what is shown is the payment or the page of that reference."""
    return lambda shown: shown.get("id") == reference.removeprefix(PAGE)


def _bears(told: Payment | Page, mark: str, *, begins: bool) -> bool:
    """Whether it shows that the call under ``mark`` was made. What ``begins`` a payment is known by the order's number where
    the page, on which the buyer did it, handed no note on."""
    if isinstance(told, Page):
        return False
    noted = (told.metadata or {}).get("operation", mark if begins else None)
    return noted == mark or any(one.description == mark for one in told.refunds)


def _read(response: httpx.Response, is_ours: Ours) -> _Told:
    """The payment in ``response``, or the page where none was begun on it. Raises Unsettled for anything else, and for what
    is another's."""
    shown = json_of(response)
    if not is_ours(shown):
        raise proves_nothing(response)
    try:
        if response.status_code == 200 and shown.get("resource") == "session":
            page = Page.model_validate(shown)
            return _Told(page.begun or page, told_at(response))
        if response.status_code == 200:
            return _Told(Payment.model_validate(shown), told_at(response))
    except ValidationError:
        pass
    raise proves_nothing(response)


def _refused(response: httpx.Response) -> Answer | None:
    """The refusal in ``response``, if it is one. Raises Unsettled while the first request with the key still runs."""
    if response.status_code == 409:
        raise Unsettled("http_409", CodeClass.TRANSIENT, sent=True)
    error = json_of(response).get("error")
    code = error.get("code") if isinstance(error, dict) else None
    if not 400 <= response.status_code < 500 or not isinstance(code, str) or not code:
        return None
    default = CodeClass.ISSUER_DECLINE if response.status_code == 402 else CodeClass.OUR_BUG
    return Answer(Verdict.DECLINED, code=code, code_class=CLASSES.get(code, default), says="KOMOJU refused it")


def _contradicts(told: _Told) -> Answer:
    """KOMOJU says yes, and shows something else than was asked for: a human sees it."""
    answer = told.answer
    assert answer.snapshot is not None
    return replace(answer, snapshot=replace(answer.snapshot, state=PaymentState.NEEDS_REVIEW))


def _by_hand(told: Payment | Page) -> Answer | None:
    if not isinstance(told, Payment) or told.type not in _BACK_BY_HAND:
        return None
    says = "KOMOJU gives it back only to a bank account that the buyer names: pay it out by hand"
    return Answer(Verdict.DECLINED, code="manual_transfer", code_class=CodeClass.STATE, says=says)


GATEWAY = Gateway(
    "komoju",
    Settings,
    KomojuGateway,
    methods=frozenset({"card", "konbini", "bank_transfer", "paypay"}),
    captures=CaptureRules(partial=True, several=False),
    read_notices=read_notices,
    secrets=lambda settings: settings.komoju_webhook_secret.get_secret_value().split(),
    test_mode=lambda settings: settings.komoju_secret_key.get_secret_value().startswith("sk_test_"),
)
