"""Stripe's API as it is spoken: forms out, JSON in, keys, pages, and errors that prove something (gateways.md 1.1, 1.5)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, TypeVar
from urllib.parse import quote

import httpx
from pydantic import BaseModel, ValidationError

from pipelines.gateway import Answer, CodeClass, Snapshot
from pipelines.ports import Verdict
from workers.payments.asking import Unsettled, date_of, json_of, proves_nothing, sent
from workers.payments.stripe_codes import class_of, code_of, is_named
from workers.payments.stripe_states import Dispute, Intent, Refund

PAGE: Final = 100
_INTENTS: Final = "/v1/payment_intents"

Model = TypeVar("Model", bound=BaseModel)


@dataclass
class Refused(Exception):
    """Stripe did not do it now, and says why: ``error`` is its envelope's content."""

    error: Mapping[str, Any]

    @property
    def code_class(self) -> CodeClass:
        """Who acts on it."""
        return class_of(self.error)

    @property
    def may_be_done(self) -> bool:
        """Whether an earlier call may have done it: the state is another than is needed, or the key was used with other parameters."""
        return self.code_class is CodeClass.STATE or self.error.get("type") == "idempotency_error"

    def answer(self, snapshot: Snapshot | None = None) -> Answer:
        """A final no. Stripe's own sentence is left out: it may quote what was sent."""
        param = self.error.get("param")
        says = f"stripe refused it: {self.error.get('type')}" + (f" in {param}" if isinstance(param, str) else "")
        return Answer(Verdict.DECLINED, snapshot, code_of(self.error), self.code_class, says[:200])


class StripeCalls:
    """Every call raises Unsettled where it proves nothing."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def post(self, path: str, key: str, form: Mapping[str, str]) -> httpx.Response:
        """The answer to a form under an idempotency key, 200 with an object in it. Raises Refused."""
        headers = {"idempotency-key": quote(key, safe=":/")}
        response = await sent(self._client, self._client.build_request("POST", path, data=dict(form), headers=headers))
        said = json_of(response)
        if response.status_code == 200 and isinstance(said.get("id"), str):
            return response
        error = said.get("error")
        if response.status_code == 409:
            raise Unsettled("idempotency_key_in_use", CodeClass.TRANSIENT, sent=True)
        if 400 <= response.status_code < 500 and isinstance(error, dict) and is_named(error):
            raise Refused(error)
        raise _again(response)

    async def get_intent(self, reference: str) -> tuple[Intent, datetime] | None:
        """An intent with its last charge, and when it was read; None for one that Stripe does not know."""
        path = f"{_INTENTS}/{quote(reference, safe='')}"
        response = await self._get(path, {"expand[0]": "latest_charge"})
        if response.status_code == 404:
            return None
        return self.intent(response, reference), told_at(response)

    async def search(self, name: str, value: str | None) -> str | None:
        """The id of the newest intent whose metadata say so, as far as the index has come."""
        quoted = (value or "").replace("\\", "\\\\").replace("'", "\\'")
        response = await self._get(
            f"{_INTENTS}/search", {"query": f"metadata['{name}']:'{quoted}'", "limit": str(PAGE)}
        )
        listed = [_model(Intent, one, response) for one in _data(response)]
        found = [one for one in listed if one.metadata.get(name) == value]
        return max(found, key=lambda one: one.created).id if found else None

    async def intents(self, asked: Mapping[str, str], expand: str | None) -> AsyncIterator[tuple[Intent, datetime]]:
        """Intents, the newest first, each with the moment at which its page was read."""
        wanted = {**asked, "expand[0]": expand} if expand is not None else asked
        async for raw, response in self._pages(_INTENTS, wanted):
            yield _model(Intent, raw, response), told_at(response)

    async def refunds(self, asked: Mapping[str, str]) -> Sequence[Refund]:
        """Every refund asked for."""
        return [_model(Refund, raw, response) async for raw, response in self._pages("/v1/refunds", asked)]

    async def disputes(self, asked: Mapping[str, str]) -> Sequence[Dispute]:
        """Every dispute asked for."""
        return [_model(Dispute, raw, response) async for raw, response in self._pages("/v1/disputes", asked)]

    async def unapplied(self, intent: Intent) -> int:
        """Yen that lie on the cash balance of the order's own customer once its transfer has ended."""
        if intent.method != "customer_balance" or intent.customer is None:
            return 0
        if intent.status not in ("succeeded", "canceled"):
            return 0
        response = await self._get(f"/v1/customers/{quote(intent.customer, safe='')}/cash_balance", {})
        if response.status_code == 404:
            return 0
        available = json_of(response).get("available") or {}
        yen = available.get("jpy", 0) if isinstance(available, dict) else None
        if not isinstance(yen, int) or isinstance(yen, bool):
            raise proves_nothing(response)
        return yen

    def intent(self, response: httpx.Response, reference: str | None = None, *, key: str | None = None) -> Intent:
        """The intent in an answer, ``reference`` or the one that was begun under ``key``; another proves nothing."""
        intent = _model(Intent, json_of(response), response)
        if reference not in (None, intent.id) or (key is not None and intent.metadata.get("key", key) != key):
            raise proves_nothing(response)
        return intent

    def refund(self, response: httpx.Response, reference: str) -> Refund:
        """The refund in an answer, of the intent ``reference``; another proves nothing."""
        refund = _model(Refund, json_of(response), response)
        if refund.payment_intent not in (None, reference):
            raise proves_nothing(response)
        return refund

    def id_of(self, response: httpx.Response) -> str:
        """The id of the object in an answer."""
        return str(json_of(response)["id"])

    async def _get(self, path: str, asked: Mapping[str, str]) -> httpx.Response:
        """A 200 with an object in it, or a 404 that Stripe itself said."""
        response = await sent(self._client, self._client.build_request("GET", path, params=dict(asked)))
        said = json_of(response)
        is_missing = response.status_code == 404 and isinstance(said.get("error"), dict)
        if is_missing or (response.status_code == 200 and isinstance(said.get("object"), str)):
            return response
        raise proves_nothing(response)

    async def _pages(self, path: str, asked: Mapping[str, str]) -> AsyncIterator[tuple[Any, httpx.Response]]:
        after: dict[str, str] = {}
        ends = set[object]()
        while True:
            response = await self._get(path, {**asked, **after, "limit": str(PAGE)})
            data = _data(response)
            for raw in data:
                yield raw, response
            if not json_of(response).get("has_more", len(data) >= PAGE):
                return
            end = data[-1].get("id") if data else None
            if not isinstance(end, str) or end in ends:  # there is more, and no way to it
                raise proves_nothing(response)
            ends.add(end)
            after = {"starting_after": end}


def replayed(response: httpx.Response) -> bool:
    """True for the answer to an earlier request under the same key: how things stood then."""
    return bool(response.headers.get("idempotent-replayed") == "true")


def told_at(response: httpx.Response) -> datetime:
    """When Stripe said it, by its own clock."""
    return date_of(response) or datetime.now(UTC)


def _data(response: httpx.Response) -> list[dict[str, Any]]:
    data = json_of(response).get("data")
    if not isinstance(data, list) or not all(isinstance(one, dict) for one in data):
        raise proves_nothing(response)
    return data


def _model(model: type[Model], raw: Any, response: httpx.Response) -> Model:
    try:
        return model.model_validate(raw)
    except ValidationError:
        raise proves_nothing(response) from None


def _again(response: httpx.Response) -> Unsettled:
    """5xx and what is no answer: may have been done. Stripe says itself when a repetition is of no use."""
    found = proves_nothing(response)
    found.again = response.headers.get("stripe-should-retry") != "false"
    return found
