"""What every supplier channel must do, whatever the wire.

A channel's test module subclasses ``ChannelConformance`` and gives the fixture ``bench``: how it is opened, a supplier that
can be reached and one that cannot, and what arrived at the other end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from datetime import date
from typing import ClassVar, Protocol, TypeVar

from pipelines.ports import Outcome, Verdict
from pipelines.suppliers.channel import Batch, Contact, Sender
from pipelines.suppliers.instructions import Instruction
from tests.rules.build import at

Result = TypeVar("Result")


class Partner(Protocol):
    """The supplier's end of the wire."""

    sender: Sender
    contact: Contact

    def arrived(self) -> dict[str, str]:
        """What the supplier has now, by shipment; a shipment that it has twice is a fault."""
        ...


@dataclass(frozen=True)
class Bench:
    """``wired``: a supplier at the other end of the channel; ``cut``: one that the channel cannot reach, with what heals
    it."""

    wired: Callable[[], AbstractAsyncContextManager[Partner]]
    cut: Callable[[], AbstractAsyncContextManager[tuple[Partner, Callable[[], None]]]]

    def run(self, scenario: Callable[[Partner], Awaitable[Result]]) -> Result:
        """Run ``scenario`` with a supplier."""

        async def connected() -> Result:
            async with self.wired() as partner:
                try:
                    return await scenario(partner)
                finally:
                    await partner.sender.aclose()

        return asyncio.run(connected())


def instruction(number: int, **changes: object) -> Instruction:
    """What a supplier is told of the shipment ``SH-<number>``: two pieces of one line."""
    told = Instruction(
        key=f"SH-{number}:requested",
        type="shipment.requested",
        supplier="warehouse",
        shop="salon",
        number=f"S-{number}",
        order_id=number,
        placed_at=at("2026-11-20 09:00:00"),
        shipment=f"SH-{number}",
        dispatch_on=date(2026, 11, 20),
        lines=[{"line": "1", "sku": f"SKU-{number}", "name": "シャンプー", "quantity": 2}],
        ship_to={
            "kind": "organisation",
            "name": "サロン髙橋",
            "postal_code": "460-0008",
            "region": "愛知県",
            "city": "名古屋市中区",
            "line1": "栄1-2-3",
            "line2": "",
            "phone": "052-000-0000",
            "country": "JP",
        },
        delivery=None,
    )
    return replace(told, **changes)  # type: ignore[arg-type]


def batch(partner: Partner, *numbers: int) -> Batch:
    """Instructions for these shipments, to go out together."""
    return Batch("2026-11-20/1", "warehouse", partner.contact, [instruction(number) for number in numbers])


def verdicts(outcomes: Sequence[Outcome]) -> list[Verdict]:
    return [outcome.verdict for outcome in outcomes]


class ChannelConformance:
    """The cases; ``bench`` comes from the subclass."""

    tells_address: ClassVar[bool] = True
    """Whether the message says where the goods go, or only where that is to be read."""

    def test_each_instruction_has_its_outcome_and_arrives(self, bench: Bench) -> None:
        async def scenario(partner: Partner) -> tuple[list[Verdict], set[str]]:
            return verdicts(await partner.sender.send(batch(partner, 1, 2, 3))), set(partner.arrived())

        assert bench.run(scenario) == ([Verdict.OK] * 3, {"SH-1", "SH-2", "SH-3"})

    def test_a_supplier_is_told_what_to_ship_and_to_whom_and_no_prices(self, bench: Bench) -> None:
        async def scenario(partner: Partner) -> dict[str, str]:
            await partner.sender.send(batch(partner, 1))
            return partner.arrived()

        told = bench.run(scenario)["SH-1"]
        assert "SKU-1" in told
        assert ("サロン髙橋" in told) is self.tells_address
        assert "price" not in told

    def test_the_same_again_is_taken_and_changes_nothing(self, bench: Bench) -> None:
        """What may have been done is handed over again under its key: after a crash, after an answer that was lost."""

        async def scenario(partner: Partner) -> tuple[list[Verdict], set[str]]:
            await partner.sender.send(batch(partner, 1, 2))
            return verdicts(await partner.sender.send(batch(partner, 1, 2))), set(partner.arrived())

        assert bench.run(scenario) == ([Verdict.OK] * 2, {"SH-1", "SH-2"})

    def test_a_call_that_was_cut_off_can_be_made_again(self, bench: Bench) -> None:
        """The effect loop ends an attempt that takes too long, wherever it is."""

        async def scenario(partner: Partner) -> tuple[list[Verdict], set[str]]:
            cut = asyncio.ensure_future(partner.sender.send(batch(partner, 1)))
            await asyncio.sleep(0)
            cut.cancel()
            await asyncio.gather(cut, return_exceptions=True)
            return verdicts(await partner.sender.send(batch(partner, 1))), set(partner.arrived())

        assert bench.run(scenario) == ([Verdict.OK], {"SH-1"})

    def test_a_supplier_that_cannot_be_reached_loses_nothing(self, bench: Bench) -> None:
        """Each says RETRY, and why in a sentence that names the supplier; nothing is raised, and the same goes through
        once it is mended."""

        async def scenario() -> tuple[Sequence[Outcome], list[Verdict], set[str]]:
            async with bench.cut() as (partner, mend):
                before = await partner.sender.send(batch(partner, 1, 2))
                mend()
                after = await partner.sender.send(batch(partner, 1, 2))
                await partner.sender.aclose()
                return before, verdicts(after), set(partner.arrived())

        before, after, arrived = asyncio.run(scenario())
        assert verdicts(before) == [Verdict.RETRY] * 2
        assert all(outcome.code and "warehouse" in outcome.says for outcome in before)
        assert (after, arrived) == ([Verdict.OK] * 2, {"SH-1", "SH-2"})
