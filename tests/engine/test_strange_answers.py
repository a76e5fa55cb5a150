"""What a partner answers is a boundary: an outcome that cannot be kept as it came is kept with a mark in place of what cannot, and
takes no neighbour with it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

import pytest

from models.store.effects import OrderEffectRow
from pipelines.gateway import Answer, CodeClass
from pipelines.ports import Outcome, Output, Verdict
from tests.outside import Gateway
from tests.world import World, document
from workers.effects import payments
from workers.effects.effect import Job
from workers.effects.recording import kept

STRANGE = {"u+0000": ("G\x0012", "G\N{REPLACEMENT CHARACTER}12"), "half of a surrogate pair": ("G\ud83d12", "G?12")}


@dataclass
class Strange(Gateway):
    """Declines one order in words that JSON can carry and no database keeps."""

    word: str = ""

    async def authorize(self, *, key: str, order: str, amount: int, token: str, method: str) -> Answer:
        if order == "salon/S-1":
            return Answer(Verdict.DECLINED, code=self.word, code_class=CodeClass.ISSUER_DECLINE, says=self.word)
        return await super().authorize(key=key, order=order, amount=amount, token=token, method=method)


@pytest.mark.parametrize(("word", "shown"), STRANGE.values(), ids=STRANGE)
def test_an_answer_in_words_that_cannot_be_kept_ends_its_effect_and_no_other(
    world: World, word: str, shown: str
) -> None:
    """PAY-04: the code is stored. Outcomes share a transaction: the other order's card was authorized, and its books must have it."""
    asked = payments.performing({"sandbox": Strange(world.clock, word=word)})
    loop = world.performing(*payments.EFFECT.performed_by(asked, 4))
    world.take(document("S-1"), document("S-2"))
    world.decide("accept", "authorize")
    asyncio.run(loop.drain("payment.authorize"))
    world.decide("authorize")
    assert {one: world.show(one)["payment"]["state"] for one in ("S-1", "S-2")} == {
        "S-1": "failed",
        "S-2": "authorized",
    }
    assert world.value("SELECT code FROM payment WHERE state = 'failed'") == shown


def test_an_outcome_that_no_row_can_hold_is_an_unknown_one_and_its_neighbours_are_recorded(world: World) -> None:
    """PAY-04: it is asked for again under its key, and looked up first; nobody waits for it, and nothing that happened is forgotten."""
    asked = payments.performing({"sandbox": Gateway(world.clock)})

    async def perform(job: Job[OrderEffectRow]) -> Outcome:
        outcome = await asked(job)
        return replace(outcome, output=Output("a\x00b", b"slip")) if job.row.number == "S-1" else outcome

    loop = world.performing(*payments.EFFECT.performed_by(perform, 4))
    world.take(document("S-1"), document("S-2"))
    world.decide("accept", "authorize")
    assert asyncio.run(asyncio.wait_for(loop.drain("payment.authorize"), 20)) == 2
    world.decide("authorize")
    assert {one: world.show(one)["payment"]["state"] for one in ("S-1", "S-2")} == {
        "S-1": "pending",
        "S-2": "authorized",
    }
    assert world.rows("SELECT attempts, unknowns FROM effect_lease WHERE kind = 'payment.authorize'") == [(1, 1)]


def test_what_an_item_was_told_is_kept_likewise() -> None:
    strange = Outcome(Verdict.DECLINED, code="a\x00b", data={"words": ["\ud83d"]})
    together = kept(Outcome(Verdict.DECLINED, items={"SH-1": strange, "SH-2": Outcome(Verdict.OK, says="taken")}))
    assert together.items["SH-1"].code == "a\N{REPLACEMENT CHARACTER}b"
    assert together.items["SH-1"].data == {"words": ["?"]}
    assert together.items["SH-2"] == Outcome(Verdict.OK, says="taken")
