"""PayPay on its fake: how tests connect, a buyer who agrees, and what they ask."""

from __future__ import annotations

import asyncio

from pipelines.gateway import Answer
from tests.payments.gateway_bench import AMOUNT, Bench, Signed, new_order
from tests.payments.providers import Fake
from workers.payments.paypay import GATEWAY, PayPayGateway, Settings
from workers.sandbox.gateways.paypay import API_KEY, API_SECRET, MERCHANT, PayPay


class WithBuyer(PayPayGateway):
    """A buyer who agrees to whatever code he is given, as soon as the order has it."""

    def __init__(self, settings: Settings, fake: Fake) -> None:
        super().__init__(settings)
        self._fake = fake

    async def authorize(self, *, key: str, order: str, amount: int, token: str, method: str) -> Answer:
        asked = await super().authorize(key=key, order=order, amount=amount, token=token, method=method)
        if asked.snapshot is None or asked.snapshot.buyer is None:
            return asked
        await asyncio.to_thread(self._fake.buyer, "agree", url=asked.snapshot.buyer.url)
        return await self.lookup(order=order, reference=asked.snapshot.reference) or asked


def settings(url: str, **more: object) -> Settings:
    given = {"paypay_api_key": API_KEY, "paypay_api_secret": API_SECRET, "paypay_merchant_id": MERCHANT}
    return Settings.model_validate({**given, "paypay_url": url, "paypay_timeout": 0.4, **more})


def paypay(fake: Fake) -> PayPay:
    assert isinstance(fake.provider, PayPay)
    return fake.provider


def notice(fake: Fake) -> Signed:
    """The notice of an authorization that was just agreed to."""
    order = new_order()
    Bench(gateway=GATEWAY, connect=lambda: WithBuyer(settings(fake.url), fake)).run(lambda one: ask(one, order))
    headers, body = fake.notices(0)[-1]
    return Signed(order, headers, body, "")


async def ask(adapter: PayPayGateway, order: str, amount: int = AMOUNT) -> Answer:
    return await adapter.authorize(key=f"{order}:authorize", order=order, amount=amount, token="", method="paypay")
