"""A gateway's list is had whole or not at all, whatever its pages say of there being more: reconciliation takes what it does not see for
missing (PAY-05)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from models.states import PaymentState
from pipelines.errors import Unreachable
from pipelines.gateway import Listed
from tests.payments.payjp_bench import connect as to_payjp
from tests.payments.stripe_bench import settings as of_stripe
from tests.payments.test_komoju import connect as to_komoju
from tests.payments.test_payjp import shown
from tests.payments.test_sandbox_gateway import connect as to_sandbox
from tests.payments.test_stripe_words import RECORDED
from workers.payments.payjp_notices import read_notices
from workers.payments.stripe import StripeGateway

NOWHERE = "http://gateway.invalid"
DAY = datetime(2026, 11, 20, tzinfo=UTC)
BEGUN = int(DAY.timestamp()) + 60
Items = list[dict[str, Any]]
Page = Callable[[Items, bool | None, int], dict[str, Any]]


class Told(httpx.AsyncBaseTransport):
    """Answers each request for ``path`` with the next of ``pages``, the last one for ever; any other list is empty."""

    def __init__(self, path: str, pages: Sequence[dict[str, Any]]) -> None:
        self.path = path
        self.pages = list(pages)
        self.asked = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if not request.url.path.endswith(self.path):
            return httpx.Response(200, json={"object": "list", "data": [], "has_more": False})
        self.asked += 1
        await asyncio.sleep(0)
        return httpx.Response(200, json=self.pages.pop(0) if len(self.pages) > 1 else self.pages[0])


def has_more(items: Items, more: bool | None, number: int) -> dict[str, Any]:
    """A page of Stripe and of PAY.JP; None: it does not say whether there is more."""
    return {"object": "list", "data": items, **({} if more is None else {"has_more": more})}


def of_komoju(items: Items, more: bool | None, number: int) -> dict[str, Any]:
    last = {} if more is None else {"last_page": number + more}
    return {"resource": "payment", "page": number, "data": items, **last}


def of_sandbox(items: Items, more: bool | None, number: int) -> dict[str, Any]:
    return {"payments": items, "more": bool(more)}


def intent(number: int) -> dict[str, Any]:
    return {**RECORDED, "id": f"pi_{number}", "created": BEGUN, "metadata": {"order": f"salon/S-{number}"}}


def charge(number: int) -> dict[str, Any]:
    return shown(id=f"ch_{number}", created=BEGUN, metadata={"order": f"salon/S-{number}"})


def payment(number: int) -> dict[str, Any]:
    begun = (DAY + timedelta(minutes=1)).isoformat()
    told = {"id": f"pay_{number}", "status": "captured", "amount": 5_500, "currency": "JPY", "created_at": begun}
    return {**told, "external_order_num": f"salon/S-{number}"}


def card(number: int) -> dict[str, Any]:
    begun = (DAY + timedelta(minutes=1)).isoformat()
    sums = {"amount": 5_500, "captured": 0, "refunded": 0, "funding": "credit"}
    told = {"id": f"auth_{number}", "order": f"salon/S-{number}", "status": "authorized"}
    return {**told, **sums, "expires_at": begun, "at": begun, "begun_at": begun}


GATEWAYS: dict[str, tuple[Callable[[], Any], str, Callable[[int], dict[str, Any]], Page]] = {
    "stripe": (lambda: StripeGateway(of_stripe(NOWHERE)), "/payment_intents", intent, has_more),
    "payjp": (lambda: to_payjp(NOWHERE), "/charges", charge, has_more),
    "komoju": (lambda: to_komoju(NOWHERE), "/payments", payment, of_komoju),
    "sandbox": (lambda: to_sandbox(NOWHERE), "/payments", card, of_sandbox),
}


def listed(name: str, pages: Sequence[tuple[Items, bool | None]]) -> tuple[list[Listed], int]:
    """What the gateway's list comes to where those are its pages, and how many of them were asked for."""
    connect, path, _, page = GATEWAYS[name]
    told = Told(path, [page(items, more, number) for number, (items, more) in enumerate(pages, 1)])

    async def gathered() -> list[Listed]:
        adapter = connect()
        adapter._client._transport = told
        try:
            async with asyncio.timeout(5):
                return [one async for one in adapter.payments(since=DAY, until=DAY + timedelta(days=1))]
        finally:
            await adapter.aclose()

    return asyncio.run(gathered()), told.asked


def many(name: str, numbers: range) -> Items:
    return [GATEWAYS[name][2](number) for number in numbers]


@pytest.mark.parametrize("name", GATEWAYS)
def test_every_page_is_read_once(name: str) -> None:
    found, asked = listed(name, [(many(name, range(2)), True), (many(name, range(2, 3)), False)])
    assert ([one.order for one in found], asked) == ([("salon", f"S-{number}") for number in range(3)], 2)


@pytest.mark.parametrize("name", GATEWAYS)
@pytest.mark.parametrize("second", [0, 2], ids=["nothing more", "the same again"])
def test_a_list_that_says_there_is_more_and_tells_no_more_cannot_be_had(name: str, second: int) -> None:
    """One that began again was read for ever; one whose page was empty was taken for whole."""
    with pytest.raises(Unreachable):
        listed(name, [(many(name, range(2)), True)] + [(many(name, range(second)), True)] * 4)


@pytest.mark.parametrize("name", ["stripe", "payjp", "komoju"])
def test_a_full_page_that_does_not_say_whether_there_is_more_is_not_the_last(name: str) -> None:
    """KOMOJU's and Stripe's was: what stood on the next ones was "not listed" by the gateway."""
    found, _ = listed(name, [(many(name, range(100)), None), (many(name, range(100, 101)), None)])
    assert len(found) == 101


def test_why_a_list_cannot_be_had_is_said_without_what_the_gateway_wrote() -> None:
    """It stands in the row of the nightly job, and in the log."""
    with pytest.raises(Unreachable) as raised:
        listed("sandbox", [([{"order": "tanaka@example.jp"}], False)])
    assert str(raised.value) == "the sandbox gateway did not tell its payments (unreadable)"


def test_a_charge_beside_which_nobody_noted_anything_is_anothers() -> None:
    """PAY.JP shows such metadata as null: one charge of another system on the account, and no list could be had and no card charged."""
    anothers = {**charge(9), "metadata": None}
    found, _ = listed("payjp", [([anothers, charge(1)], False)])
    assert [one.order for one in found] == [None, ("salon", "S-1")]
    body = b'{"id":"evnt_1","object":"event","type":"charge.updated","created":1795568400,"data":{"id":"ch_9","metadata":null}}'
    (notice,) = read_notices({"x-payjp-webhook-token": "whook_1"}, body, ["whook_1"], DAY)
    assert (notice.fault, notice.order, notice.reference) == (None, None, "ch_9")


def test_a_refund_without_status_and_metadata_goes_before_a_human_and_hides_no_other_payment() -> None:
    """Stripe's own library says that both may be null."""
    given = {"object": "refund", "id": "re_1", "amount": 500, "created": BEGUN, "status": None, "metadata": None}
    paid = {**intent(1), "status": "succeeded", "amount_received": 5_500}

    class WithRefund(Told):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            if request.url.path.endswith("/refunds"):
                return httpx.Response(200, json=has_more([{**given, "payment_intent": "pi_1"}], False, 1))
            return await super().handle_async_request(request)

    async def gathered() -> list[Listed]:
        adapter = StripeGateway(of_stripe(NOWHERE))
        adapter._client._transport = WithRefund("/payment_intents", [has_more([paid, intent(2)], False, 1)])
        return [one async for one in adapter.payments(since=DAY, until=DAY + timedelta(days=1))]

    first, second = asyncio.run(gathered())
    assert (first.snapshot.state, first.snapshot.code) == (PaymentState.NEEDS_REVIEW, "refund_unknown")
    assert second.snapshot.state is PaymentState.AUTHORIZED
