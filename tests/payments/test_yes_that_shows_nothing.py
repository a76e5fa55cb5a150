"""A gateway's yes is believed for what it shows: what shows nothing of what was asked for may have been done, and is asked again
(gateways.md 9, 11)."""

from __future__ import annotations

import asyncio
import json
import math
from pathlib import Path
from typing import Any

import pytest

from models.states import PaymentState
from models.store.effects import OrderEffectRow
from pipelines.gateway import Answer, Snapshot
from pipelines.ports import Outcome, Verdict
from tests.payments.amazon_pay_bench import amazon
from tests.payments.gateway_answers import kept, played, with_body
from tests.payments.gateway_bench import AMOUNT, authorized, change, new_key, stands
from tests.stages.build import snapshot
from workers.effects.effect import Job, Lease, Perform
from workers.effects.payments import performing
from workers.effects.targets import TRIP, Target

TOTAL = 1_760


class Says:
    """A gateway that says yes, and shows ``told``."""

    def __init__(self, told: Snapshot) -> None:
        self.told = told

    async def capture(self, *, key: str, order: str, reference: str, amount: int) -> Answer:
        return Answer(Verdict.OK, self.told)

    async def void(self, *, key: str, order: str, reference: str) -> Answer:
        return Answer(Verdict.OK, self.told)

    async def aclose(self) -> None: ...


class Repeats(Says):
    """One that says the same again of what it was asked under a key, and shows how the payment stands by ``now``."""

    def __init__(self, told: Snapshot, now: Snapshot) -> None:
        super().__init__(told)
        self.now = now

    async def lookup(self, *, order: str, key: str | None = None, reference: str | None = None) -> Answer | None:
        return Answer(Verdict.OK, self.told if key is not None else self.now)


def answered(kind: str, told: Snapshot, now: Snapshot | None = None) -> Outcome:
    """What becomes of ``kind`` over 1,760 yen, with ``now`` of its second attempt."""
    payload = {"amount": TOTAL} if kind == "capture" else {}
    row = OrderEffectRow(
        1, f"salon/S-1:{kind}", f"payment.{kind}", 1, payload, "salon", "S-1", "card", "says", None, "auth_1", None
    )
    attempts, gateway = (1, Says(told)) if now is None else (2, Repeats(told, now))
    job = Job(id=1, kind=row.kind, token=1, attempts=attempts, row=row, lease=Lease(math.inf))
    return asyncio.run(_performed(performing({"says": gateway}), job))


async def _performed(perform: Perform[OrderEffectRow], job: Job[OrderEffectRow]) -> Outcome:
    return await perform(job)


@pytest.mark.parametrize("state", ["authorized", "pending"])
@pytest.mark.parametrize("kind", ["capture", "void"])
def test_a_yes_that_shows_it_as_it_was_is_unknown(kind: str, state: str) -> None:
    """It was taken for done: the goods were never paid for, and what a cancelled order held stayed held until its own end."""
    told = answered(kind, snapshot(state, TOTAL))
    assert (told.verdict, told.code, told.data) == (Verdict.UNKNOWN, "not_shown", {})


def test_a_gateway_that_shows_nothing_is_there_all_the_same() -> None:
    """One order's capture that was tried five times kept all other payments from their gateway, as if it were dead."""
    target = Target("says", channels=8, pause=1.0)
    for _ in range(2 * TRIP):
        target.begin()
        target.ended(answered("capture", snapshot("authorized", TOTAL)))
    assert not target.is_open


@pytest.mark.parametrize(
    ("kind", "now", "verdict"),
    [
        ("capture", snapshot("captured", TOTAL, TOTAL), Verdict.OK),
        ("void", snapshot("voided", TOTAL), Verdict.OK),
        ("capture", snapshot("authorized", TOTAL), Verdict.UNKNOWN),
    ],
)
def test_what_is_done_a_moment_after_the_yes_is_done(kind: str, now: Snapshot, verdict: Verdict) -> None:
    """The gateway repeats its first answer under the key: after twelve of them a person was called to what was done long ago."""
    told = answered(kind, snapshot("authorized", TOTAL), now)
    assert (told.verdict, told.data) == (verdict, {"snapshot": now.to_json()} if verdict is Verdict.OK else {})


def test_less_than_was_to_be_captured_is_somebodys() -> None:
    told = answered("capture", snapshot("captured", TOTAL, TOTAL - 1))
    assert (told.verdict, told.data["snapshot"]["state"]) == (Verdict.OK, PaymentState.NEEDS_REVIEW)


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("capture", snapshot("captured", TOTAL, TOTAL)),
        ("capture", snapshot("partly_refunded", TOTAL, TOTAL, 1)),
        ("capture", snapshot("authorized", 2 * TOTAL, TOTAL)),  # a part, where the gateway captures several times
        ("capture", snapshot("needs_review", TOTAL)),
        ("void", snapshot("voided", TOTAL)),
        ("void", snapshot("expired", TOTAL)),
    ],
)
def test_what_it_shows_is_what_stages_read(kind: str, told: Snapshot) -> None:
    outcome = answered(kind, told)
    assert (outcome.verdict, outcome.data) == (Verdict.OK, {"snapshot": told.to_json()})


@pytest.mark.parametrize(
    ("changed", "verdict", "state"),
    [
        ({"statusDetails": {"state": "AWordOfTomorrow"}}, Verdict.UNKNOWN, None),
        ({"refundAmount": {"amount": "999", "currencyCode": "JPY"}}, Verdict.OK, PaymentState.NEEDS_REVIEW),
        ({"refundAmount": {"amount": "1000", "currencyCode": "USD"}}, Verdict.OK, PaymentState.NEEDS_REVIEW),
    ],
)
def test_a_refund_is_believed_for_what_it_says(
    tmp_path: Path, changed: dict[str, Any], verdict: Verdict, state: PaymentState | None
) -> None:
    """A word that nobody knows was a no, and another sum than was asked for a yes (gateways.md 9, 11 and 15)."""
    with amazon(tmp_path / "journal") as (_, bench):

        async def scenario(adapter: Any) -> Answer | None:
            reference = await authorized(adapter, bench)
            stands(await change(adapter, "capture", reference, AMOUNT))
            key = new_key("refund")
            told = await kept(adapter, lambda: change(adapter, "refund", reference, 1_000, key))
            last = max(number for number, one in enumerate(told) if "refundId" in one.json())
            said = with_body(told[last], ({}, json.dumps(told[last].json() | changed).encode()))
            odd = [*told[:last], said, *told[last + 1 :]]
            return await played(adapter, odd, lambda: change(adapter, "refund", reference, 1_000, key))

        answer = bench.run(scenario)
    assert answer is not None
    assert (answer.verdict, answer.snapshot and answer.snapshot.state) == (verdict, state)
