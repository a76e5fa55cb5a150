"""What every ``PaymentGateway`` must do, whichever provider is behind it.

A gateway's test module subclasses ``GatewayConformance`` and gives the fixture ``bench``: how to connect, and the test
tokens with which the provider's test system behaves as each case needs.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from pipelines.ports import Outcome, PaymentGateway, Verdict

Result = TypeVar("Result")

AMOUNT = 13_970


@dataclass(frozen=True)
class Bench:
    """A provider's test system. ``passing_faults`` are tokens whose first answer gets lost or fails."""

    connect: Callable[[], PaymentGateway]
    accepted: str
    declined: dict[str, str]
    """token -> the code it is declined with"""
    debit: str
    passing_faults: tuple[str, ...]

    def run(self, scenario: Callable[[PaymentGateway], Awaitable[Result]]) -> Result:
        """Run ``scenario`` on a fresh connection."""

        async def connected() -> Result:
            gateway = self.connect()
            try:
                return await scenario(gateway)
            finally:
                await gateway.aclose()

        return asyncio.run(connected())


def new_key(operation: str) -> str:
    """An idempotency key as the pipeline makes them, with the characters that need care in a URL."""
    return f"{operation}:salon/S-{uuid.uuid4()}:1"


async def authorized(gateway: PaymentGateway, bench: Bench, amount: int = AMOUNT) -> str:
    """The id of a fresh authorization."""
    outcome = await gateway.authorize(key=new_key("auth"), order="salon/S-1", amount=amount, token=bench.accepted)
    assert outcome.verdict is Verdict.OK
    assert outcome.reference is not None
    return outcome.reference


async def captured(gateway: PaymentGateway, bench: Bench, amount: int = AMOUNT) -> str:
    """The id of an authorization whose whole ``amount`` was captured."""
    authorization = await authorized(gateway, bench, amount)
    outcome = await gateway.capture(key=new_key("capture"), authorization=authorization, amount=amount)
    assert outcome.verdict is Verdict.OK
    return authorization


class GatewayConformance:
    """The cases; ``bench`` comes from the subclass."""

    def test_an_authorization_tells_its_amount_expiry_and_funding(self, bench: Bench) -> None:
        async def scenario(gateway: PaymentGateway) -> Outcome:
            return await gateway.authorize(key=new_key("auth"), order="salon/S-1", amount=AMOUNT, token=bench.accepted)

        outcome = bench.run(scenario)
        assert outcome.verdict is Verdict.OK
        assert outcome.reference
        assert outcome.data["amount"] == AMOUNT
        assert datetime.fromisoformat(outcome.data["expires_at"]).tzinfo is not None
        assert outcome.data["funding"] == "credit"

    def test_debit_funding_is_reported_so_that_a_shop_can_refuse_it(self, bench: Bench) -> None:  # PAY-02
        async def scenario(gateway: PaymentGateway) -> Outcome:
            return await gateway.authorize(key=new_key("auth"), order="clinic/C-1", amount=AMOUNT, token=bench.debit)

        assert bench.run(scenario).data["funding"] == "debit"

    def test_an_issuers_decline_is_final_and_carries_its_code(self, bench: Bench) -> None:  # PAY-04
        async def scenario(gateway: PaymentGateway) -> dict[str, str | None]:
            codes: dict[str, str | None] = {}
            for token in bench.declined:
                outcome = await gateway.authorize(key=new_key("auth"), order="salon/S-1", amount=AMOUNT, token=token)
                assert outcome.verdict is Verdict.DECLINED
                codes[token] = outcome.code
            return codes

        assert bench.run(scenario) == bench.declined

    def test_the_same_key_again_does_nothing_and_gets_the_same_answer(self, bench: Bench) -> None:
        async def scenario(gateway: PaymentGateway) -> None:
            key, capture = new_key("auth"), new_key("capture")
            first, second = [
                await gateway.authorize(key=key, order="salon/S-1", amount=AMOUNT, token=bench.accepted)
                for _ in range(2)
            ]
            assert first == second
            assert first.reference is not None
            outcomes = [
                await gateway.capture(key=capture, authorization=first.reference, amount=AMOUNT) for _ in range(2)
            ]
            assert outcomes[0] == outcomes[1]
            assert outcomes[0].verdict is Verdict.OK

        bench.run(scenario)

    def test_the_same_key_at_the_same_time_makes_one_authorization(self, bench: Bench) -> None:
        async def scenario(gateway: PaymentGateway) -> list[Outcome]:
            key = new_key("auth")
            return await asyncio.gather(
                *(gateway.authorize(key=key, order="salon/S-1", amount=AMOUNT, token=bench.accepted) for _ in range(5))
            )

        outcomes = bench.run(scenario)
        done = {outcome.reference for outcome in outcomes if outcome.verdict is Verdict.OK}
        assert len(done) == 1
        assert {outcome.verdict for outcome in outcomes} <= {Verdict.OK, Verdict.UNKNOWN}

    def test_the_same_key_for_another_amount_is_refused(self, bench: Bench) -> None:
        async def scenario(gateway: PaymentGateway) -> list[Verdict]:
            key = new_key("auth")
            return [
                (await gateway.authorize(key=key, order="salon/S-1", amount=amount, token=bench.accepted)).verdict
                for amount in (AMOUNT, AMOUNT + 1)
            ]

        assert bench.run(scenario) == [Verdict.OK, Verdict.DECLINED]

    def test_one_capture_takes_what_it_asks_for_and_ends_the_authorization(self, bench: Bench) -> None:
        async def scenario(gateway: PaymentGateway) -> None:
            authorization = await authorized(gateway, bench)
            part = await gateway.capture(key=new_key("capture"), authorization=authorization, amount=10_000)
            assert part.verdict is Verdict.OK
            assert part.data["amount"] == 10_000
            if not gateway.multicapture:
                again = await gateway.capture(key=new_key("capture"), authorization=authorization, amount=3_970)
                assert again.verdict is Verdict.DECLINED

        bench.run(scenario)

    def test_no_more_can_be_captured_than_was_authorized(self, bench: Bench) -> None:
        async def scenario(gateway: PaymentGateway) -> Outcome:
            authorization = await authorized(gateway, bench)
            return await gateway.capture(key=new_key("capture"), authorization=authorization, amount=AMOUNT + 1)

        assert bench.run(scenario).verdict is Verdict.DECLINED

    def test_a_void_releases_what_was_not_captured(self, bench: Bench) -> None:
        async def scenario(gateway: PaymentGateway) -> list[Verdict]:
            authorization = await authorized(gateway, bench)
            voided = await gateway.void(key=new_key("void"), authorization=authorization)
            late = await gateway.capture(key=new_key("capture"), authorization=authorization, amount=AMOUNT)
            return [voided.verdict, late.verdict]

        assert bench.run(scenario) == [Verdict.OK, Verdict.DECLINED]

    def test_a_capture_cannot_be_voided(self, bench: Bench) -> None:
        async def scenario(gateway: PaymentGateway) -> Outcome:
            return await gateway.void(key=new_key("void"), authorization=await captured(gateway, bench))

        assert bench.run(scenario).verdict is Verdict.DECLINED

    def test_refunds_add_up_to_the_capture_at_most(self, bench: Bench) -> None:
        async def scenario(gateway: PaymentGateway) -> list[Verdict]:
            authorization = await captured(gateway, bench)
            return [
                (await gateway.refund(key=new_key("refund"), authorization=authorization, amount=amount)).verdict
                for amount in (10_000, 3_971, 3_970, 1)
            ]

        assert bench.run(scenario) == [Verdict.OK, Verdict.DECLINED, Verdict.OK, Verdict.DECLINED]

    def test_nothing_can_be_refunded_before_a_capture(self, bench: Bench) -> None:
        async def scenario(gateway: PaymentGateway) -> Outcome:
            authorization = await authorized(gateway, bench)
            return await gateway.refund(key=new_key("refund"), authorization=authorization, amount=1)

        assert bench.run(scenario).verdict is Verdict.DECLINED

    def test_an_unknown_authorization_is_refused(self, bench: Bench) -> None:
        async def scenario(gateway: PaymentGateway) -> Outcome:
            return await gateway.capture(key=new_key("capture"), authorization="auth_of/another?", amount=AMOUNT)

        assert bench.run(scenario).verdict is Verdict.DECLINED

    def test_an_amount_below_the_gateways_minimum_is_refused(self, bench: Bench) -> None:  # PAY-13
        async def scenario(gateway: PaymentGateway) -> list[Verdict]:
            least = gateway.minimum_amount
            return [
                (
                    await gateway.authorize(key=new_key("auth"), order="salon/S-1", amount=amount, token=bench.accepted)
                ).verdict
                for amount in (least - 1, least)
            ]

        assert bench.run(scenario) == [Verdict.DECLINED, Verdict.OK]

    def test_a_lookup_tells_what_became_of_a_key(self, bench: Bench) -> None:
        async def scenario(gateway: PaymentGateway) -> None:
            for token in (bench.accepted, *bench.declined):
                key = new_key("auth")
                outcome = await gateway.authorize(key=key, order="salon/S-1", amount=AMOUNT, token=token)
                assert await gateway.lookup(key=key) == outcome

        bench.run(scenario)

    def test_a_lookup_of_a_key_never_used_finds_nothing(self, bench: Bench) -> None:
        async def scenario(gateway: PaymentGateway) -> Outcome | None:
            return await gateway.lookup(key=new_key("auth"))

        assert bench.run(scenario) is None

    def test_an_answer_that_fails_or_gets_lost_in_passing_ends_as_done_once(self, bench: Bench) -> None:
        async def scenario(gateway: PaymentGateway) -> None:
            for token in bench.passing_faults:
                key = new_key("auth")
                outcome = await gateway.authorize(key=key, order="salon/S-1", amount=AMOUNT, token=token)
                assert outcome.verdict is Verdict.OK, token
                assert await gateway.lookup(key=key) == outcome

        bench.run(scenario)
