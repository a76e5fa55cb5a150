"""Stripe: cards held and captured once, vouchers for convenience stores, bank transfers to an account of the order's own
(gateways.md 1; docs.stripe.com/api).

**What became of a call.** Every call has the effect's key as its ``Idempotency-Key``, and leaves it in the object's metadata
too: ``key`` of an intent and of a refund, ``captured_by`` of a capture. Within 24 hours the same key again is safe, and tells
the first answer; after that only a look-up is. It goes by the intent and its refunds where the reference is known, and else
by the search for the key. The index lags a minute behind, so the newest intents of the list are gone through as well: what
is in neither was never begun. A 500 is replayed for as long as its key is known, whatever was done: it is looked up.

**When.** The moment of a snapshot is the ``Date`` of Stripe's answer, so all of them are by one clock.

A card's hold is captured once: several captures need a feature that Stripe grants by account and card
(``multicapture``), which a shop cannot be promised, so SPL-04 is not offered. Each bank transfer has a Customer of its own,
so that what is paid too much can never pay another order.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final, Literal, TypeVar
from urllib.parse import quote

import httpx
from pydantic import AfterValidator, BaseModel, Field, SecretStr, ValidationInfo, field_validator

from models.states import PaymentState
from pipelines.errors import Unreachable
from pipelines.gateway import Answer, CaptureRules, CodeClass, Gateway, Listed, Payer
from pipelines.ports import Verdict
from workers.http.pool import PooledTransport
from workers.payments.asking import Unsettled, looked_up, settle
from workers.payments.keys import HeaderKey, SecretsByComma
from workers.payments.stripe_calls import Refused, StripeCalls, replayed, told_at
from workers.payments.stripe_codes import class_of, code_of
from workers.payments.stripe_notices import read_notices
from workers.payments.stripe_states import Dispute, Intent, Refund, Standing, needs_review, snapshot_of

VERSION: Final = "2026-10-28.endive"
"""The version of the API that this file was written for; an account's own version changes nothing."""
LIVE: Final = "https://api.stripe.com"
Belongs = TypeVar("Belongs", Refund, Dispute)

_INTENTS: Final = "/v1/payment_intents"
_CUSTOMERS: Final = "/v1/customers"
_KEYS: Final = ("sk_test_", "sk_live_", "rk_test_", "rk_live_")
_INDEX_LAGS: Final = timedelta(minutes=10)
"""How far back the list is gone through for what the search does not know yet; a minute is usual."""


def _secret_key(value: SecretStr) -> SecretStr:
    if not value.get_secret_value().startswith(_KEYS):
        raise ValueError("no secret or restricted key")
    return value


class Settings(BaseModel):
    """One Stripe account."""

    stripe_secret_key: Annotated[HeaderKey, AfterValidator(_secret_key)] = Field(
        description="set it to the secret key (sk_...) or a restricted key (rk_...) of Stripe's dashboard"
    )
    stripe_webhook_secrets: SecretsByComma = Field(
        description="set it to the signing secret (whsec_...) of the webhook endpoint; two with a comma while one is rolled"
    )
    stripe_return_url: str = Field(
        pattern="^https?://", description="set it to the shop's page to which 3-D Secure sends the customer back"
    )
    stripe_url: str = Field(
        default=LIVE,
        pattern="^https?://",
        description="leave it out; a live key goes to https://api.stripe.com only, a test key to a fake as well",
    )
    stripe_timeout: Annotated[float, Field(gt=0, description="seconds for one attempt")] = 20.0
    stripe_three_d_secure: Literal["automatic", "any", "challenge"] = Field(
        default="automatic", description="when 3-D Secure is asked for: automatic, any or challenge"
    )

    @field_validator("stripe_url")
    @classmethod
    def _not_elsewhere(cls, url: str, info: ValidationInfo) -> str:
        key = info.data.get("stripe_secret_key")
        if key is not None and not is_test(key) and url.rstrip("/") != LIVE:
            raise ValueError("a live key for another host")
        return url


def is_test(key: SecretStr) -> bool:
    """True for a key with which nobody is charged."""
    return "_test_" in key.get_secret_value()[:8]


class StripeGateway:
    """One account of Stripe; never raises for what the network does. A call makes at most three attempts and one look-up."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._client = httpx.AsyncClient(
            base_url=settings.stripe_url,
            headers={
                "authorization": f"Bearer {settings.stripe_secret_key.get_secret_value()}",
                "stripe-version": VERSION,
            },
            timeout=settings.stripe_timeout,
            transport=PooledTransport(),
        )
        self._calls = StripeCalls(self._client)

    async def authorize(self, *, key: str, order: str, amount: int, token: str, method: str) -> Answer:
        """Hold ``amount`` yen on the card of the PaymentMethod ``token``. PENDING where 3-D Secure must be passed first."""
        form = {
            **_intent_form(key, order, amount, "card"),
            "payment_method": token,
            "payment_method_options[card][capture_method]": "manual",
            "payment_method_options[card][request_three_d_secure]": self._settings.stripe_three_d_secure,
            "return_url": self._settings.stripe_return_url,
        }
        return await settle(lambda: self._begun(key, amount, form), lambda: self.lookup(order=order, key=key))

    async def register(
        self, *, key: str, order: str, method: str, amount: int, payer: Payer, until: datetime | None, choice: str = ""
    ) -> Answer:
        """A voucher (``konbini``) or an account (``bank_transfer``) for ``amount`` yen."""
        if method == "konbini":
            form = {**_intent_form(key, order, amount, "konbini"), **_store_form(payer, until)}
            return await settle(lambda: self._begun(key, amount, form), lambda: self.lookup(order=order, key=key))
        if method == "bank_transfer":
            form = {**_intent_form(key, order, amount, "customer_balance"), **_transfer_form(until)}
            return await settle(
                lambda: self._begun_for_customer(key, order, amount, form), lambda: self.lookup(order=order, key=key)
            )
        return Answer(
            Verdict.DECLINED,
            code="no_such_method",
            code_class=CodeClass.CONFIGURATION,
            says=f"stripe registers no slips for {method}",
        )

    async def capture(self, *, key: str, order: str, reference: str, amount: int) -> Answer:
        """Take ``amount`` yen; Stripe releases the rest."""
        form = {"amount_to_capture": str(amount), "metadata[captured_by]": key, "expand[0]": "latest_charge"}
        return await settle(
            lambda: self._captured(key, reference, amount, form),
            lambda: self.lookup(order=order, key=key, reference=reference),
        )

    async def void(self, *, key: str, order: str, reference: str) -> Answer:
        """Release a hold, or close a slip that was not paid."""
        return await settle(lambda: self._canceled(key, reference), lambda: looked_up(lambda: self._ended(reference)))

    async def refund(self, *, key: str, order: str, reference: str, amount: int) -> Answer:
        """Give ``amount`` yen back. OK with the code ``refund_<status>``: it is under way, and ``refunded`` does not count it
        yet; Stripe asks the buyer of a voucher by mail for an account."""
        return await settle(
            lambda: self._refunded(key, order, reference, amount),
            lambda: self.lookup(order=order, key=key, reference=reference),
        )

    async def lookup(self, *, order: str, key: str | None = None, reference: str | None = None) -> Answer | None:
        """As ``LooksUp`` says; see the module for how a key is found."""
        return await looked_up(lambda: self._found(order, key, reference))

    async def payments(self, *, since: datetime, until: datetime) -> AsyncIterator[Listed]:
        """Every intent of the account begun then, other sellers' of the same account too, which name no order of ours."""
        begun = {"created[gte]": str(int(since.timestamp())), "created[lt]": str(int(until.timestamp()))}
        after = {"created[gte]": begun["created[gte]"]}  # what came back of them came back later
        try:
            refunds = _by_intent(await self._calls.refunds(after))
            disputes = _by_intent(await self._calls.disputes(after))
            async for intent, as_of in self._calls.intents(begun, "data.latest_charge.balance_transaction"):
                unapplied = await self._calls.unapplied(intent)
                standing = Standing(intent, refunds[intent.id], disputes[intent.id], unapplied)
                yield Listed(
                    replace(snapshot_of(standing, as_of), fee=_fee(intent)),
                    intent.order,
                    datetime.fromtimestamp(intent.created, UTC),
                )
        except Unsettled as error:
            raise Unreachable(f"stripe: {error.code}") from error

    async def aclose(self) -> None:
        """Give connections back."""
        await self._client.aclose()

    async def _begun(self, key: str, amount: int, form: Mapping[str, str]) -> Answer:
        """A new intent, confirmed at once."""
        try:
            response = await self._calls.post(_INTENTS, key, form)
        except Refused as refused:
            if refused.error.get("type") == "idempotency_error":
                return await self._of_other_parameters(key, amount, refused)
            return refused.answer()
        answer = _by_key(await self._told(response, key=key))
        if answer.snapshot is None or answer.snapshot.authorized == amount:
            return answer
        return Answer(Verdict.OK, needs_review(answer.snapshot, "amount_differs"))

    async def _told(
        self, response: httpx.Response, reference: str | None = None, *, key: str | None = None
    ) -> tuple[Standing, datetime]:
        """How the intent in an answer stands: read anew where the answer is that of an earlier request."""
        intent = self._calls.intent(response, reference, key=key)
        found = await self._standing(intent.id) if replayed(response) else None
        return found or (Standing(intent), told_at(response))

    async def _begun_for_customer(self, key: str, order: str, amount: int, form: Mapping[str, str]) -> Answer:
        """The same for a Customer of the order's own."""
        try:
            made = await self._calls.post(_CUSTOMERS, f"{key}:customer", {"metadata[order]": order})
        except Refused as refused:
            return refused.answer()
        return await self._begun(key, amount, {**form, "customer": self._calls.id_of(made)})

    async def _of_other_parameters(self, key: str, amount: int, refused: Refused) -> Answer:
        """The key was used before: for this amount it is the same call, told otherwise; for another it is refused."""
        known = await self._found("", key, None)
        if known is not None and known.snapshot is not None and known.snapshot.authorized == amount:
            return known
        return refused.answer()

    async def _captured(self, key: str, reference: str, amount: int, form: Mapping[str, str]) -> Answer:
        try:
            response = await self._calls.post(_path(reference, "capture"), key, form)
        except Refused as refused:
            return await self._not_captured(key, reference, refused)
        found = await self._told(response, reference)
        if found[0].intent.amount_received != amount:
            return Answer(Verdict.OK, needs_review(snapshot_of(*found), "amount_differs"))
        return _stands(found)

    async def _not_captured(self, key: str, reference: str, refused: Refused) -> Answer:
        """Another state than a capture needs: an earlier call brought it there, or it ended."""
        if not refused.may_be_done:
            return refused.answer()
        found = await self._standing(reference)
        if found is None:
            return refused.answer()
        is_ours = found[0].intent.metadata.get("captured_by") == key
        return _stands(found) if is_ours else refused.answer(snapshot_of(*found))

    async def _canceled(self, key: str, reference: str) -> Answer:
        try:
            response = await self._calls.post(_path(reference, "cancel"), key, {"expand[0]": "latest_charge"})
        except Refused as refused:
            ended = await self._ended(reference) if refused.may_be_done else None
            return ended or refused.answer()
        intent = self._calls.intent(response, reference)
        return _stands(await self._standing(reference) or (Standing(intent), told_at(response)))

    async def _ended(self, reference: str) -> Answer | None:
        """How an intent stands that was cancelled, by whomever; None for one that was not."""
        found = await self._standing(reference)
        return _stands(found) if found is not None and found[0].intent.status == "canceled" else None

    async def _refunded(self, key: str, order: str, reference: str, amount: int) -> Answer:
        found = await self._standing(reference)
        if found is None:
            return Answer(
                Verdict.DECLINED,
                code="resource_missing",
                code_class=CodeClass.OUR_BUG,
                says="stripe knows no such payment",
            )
        form = {
            "payment_intent": reference,
            "amount": str(amount),
            "metadata[order]": order,
            "metadata[key]": key,
            **_way_back(found[0].intent),
        }
        try:
            response = await self._calls.post("/v1/refunds", key, form)
        except Refused as refused:
            return (
                await self._refund_known(key, reference, amount) if refused.may_be_done else None
            ) or refused.answer()
        made = self._calls.refund(response, reference)
        after = await self._standing(reference) or found
        if made.amount != amount:
            return Answer(Verdict.OK, needs_review(snapshot_of(*after), "amount_differs"))
        return _given_back(after, made.id)

    async def _refund_known(self, key: str, reference: str, amount: int) -> Answer | None:
        """The refund of ``amount`` yen that was made under ``key`` before; None where none was."""
        found = await self._standing(reference)
        if found is None or not any(
            one.metadata.get("key") == key and one.amount == amount for one in found[0].refunds
        ):
            return None
        return _of_key(found, key)

    async def _found(self, order: str, key: str | None, reference: str | None) -> Answer | None:
        if reference is not None:
            found = await self._standing(reference)
            if found is None or key is None:
                return None if found is None else _stands(found)
            return _of_key(found, key)
        wanted = {"key": key} if key is not None else {"order": order}
        id_ = await self._calls.search(*next(iter(wanted.items()))) or await self._newest(wanted)
        found = await self._standing(id_) if id_ is not None else None
        if found is None:
            return None
        return _by_key(found) if key is not None else _stands(found)

    async def _newest(self, wanted: Mapping[str, str | None]) -> str | None:
        """The last intent of those that the index may not have yet."""
        async for intent, as_of in self._calls.intents({}, None):
            if wanted.items() <= intent.metadata.items():
                return intent.id
            if intent.created < (as_of - _INDEX_LAGS).timestamp():
                return None
        return None

    async def _standing(self, reference: str) -> tuple[Standing, datetime] | None:
        """Everything about an intent, and when it was read; None for one that Stripe does not know."""
        read = await self._calls.get_intent(reference)
        if read is None:
            return None
        intent, as_of = read
        of_it = {"payment_intent": intent.id}
        refunds = _by_intent(await self._calls.refunds(of_it) if intent.amount_received else [])
        disputes = _by_intent(await self._calls.disputes(of_it) if intent.charge.disputed else [])
        unapplied = await self._calls.unapplied(intent)
        return Standing(intent, refunds[intent.id], disputes[intent.id], unapplied), as_of


def _intent_form(key: str, order: str, amount: int, method: str) -> dict[str, str]:
    """What every new intent says."""
    return {
        "amount": str(amount),
        "currency": "jpy",
        "payment_method_types[0]": method,
        "confirm": "true",
        "metadata[order]": order,
        "metadata[key]": key,
        "expand[0]": "latest_charge",
    }


def _store_form(payer: Payer, until: datetime | None) -> dict[str, str]:
    """The buyer's telephone number is the confirmation number, where it can be one: 10 or 11 digits, not all of them 0."""
    digits = "".join(filter(str.isdecimal, payer.phone)) if payer.phone.isascii() else ""
    form = {
        "payment_method_data[type]": "konbini",
        "payment_method_data[billing_details][name]": payer.name,
        "payment_method_data[billing_details][email]": payer.email,
    }
    if until is not None:
        form["payment_method_options[konbini][expires_at]"] = str(int(until.timestamp()))
    if 10 <= len(digits) <= 11 and digits.strip("0"):
        form["payment_method_options[konbini][confirmation_number]"] = digits
    return form


def _transfer_form(until: datetime | None) -> dict[str, str]:
    prefix = "payment_method_options[customer_balance]"
    form = {
        "payment_method_data[type]": "customer_balance",
        f"{prefix}[funding_type]": "bank_transfer",
        f"{prefix}[bank_transfer][type]": "jp_bank_transfer",
    }
    return {**form, "metadata[until]": until.isoformat()} if until is not None else form


def _way_back(intent: Intent) -> dict[str, str]:
    """A store cannot give money back: Stripe asks for an account by mail."""
    email = (intent.charge.billing_details or {}).get("email")
    return {"instructions_email": str(email)} if intent.method == "konbini" and email else {}


def _stands(found: tuple[Standing, datetime]) -> Answer:
    return Answer(Verdict.OK, snapshot_of(*found))


def _by_key(found: tuple[Standing, datetime]) -> Answer:
    """What became of the call that began an intent: an attempt that failed was declined."""
    snapshot, error = snapshot_of(*found), found[0].intent.last_payment_error
    if snapshot.state is PaymentState.FAILED and error:
        return Answer(Verdict.DECLINED, snapshot, code_of(error), class_of(error), "the card was declined")
    return Answer(Verdict.OK, snapshot)


def _of_key(found: tuple[Standing, datetime], key: str) -> Answer | None:
    """What became of the call under ``key`` about a payment; None if it left no trace there."""
    standing = found[0]
    if standing.intent.metadata.get("key") == key:
        return _by_key(found)
    if standing.intent.metadata.get("captured_by") == key:
        return _stands(found)
    made = next((one for one in standing.refunds if one.metadata.get("key") == key), None)
    return _given_back(found, made.id) if made is not None else None


def _given_back(found: tuple[Standing, datetime], id_: str) -> Answer:
    made: Refund | None = next((one for one in found[0].refunds if one.id == id_), None)
    if made is not None and made.status in ("pending", "requires_action"):
        says = "the refund is under way; Stripe tells when the buyer has it"
        return Answer(Verdict.OK, snapshot_of(*found), f"refund_{made.status}", says=says)
    return _stands(found)


def _by_intent(objects: Sequence[Belongs]) -> Mapping[str, list[Belongs]]:
    grouped = defaultdict[str, list[Belongs]](list)
    for one in objects:
        grouped[one.payment_intent or ""].append(one)
    return grouped


def _fee(intent: Intent) -> int | None:
    """What Stripe keeps, in yen, once it has taken money."""
    transaction = intent.charge.balance_transaction
    fee = transaction.get("fee") if isinstance(transaction, dict) else None
    return fee if isinstance(fee, int) and not isinstance(fee, bool) else None


def _path(reference: str, operation: str) -> str:
    return f"{_INTENTS}/{quote(reference, safe='')}/{operation}"


def _secrets(settings: Settings) -> Sequence[str]:
    return [one.strip() for one in settings.stripe_webhook_secrets.get_secret_value().split(",") if one.strip()]


GATEWAY: Final[Gateway[Any]] = Gateway(
    "stripe",
    Settings,
    StripeGateway,
    methods=frozenset({"card", "konbini", "bank_transfer"}),
    least=50,
    captures=CaptureRules(partial=True, several=False),
    read_notices=read_notices,
    secrets=_secrets,
    test_mode=lambda settings: is_test(settings.stripe_secret_key),
)
