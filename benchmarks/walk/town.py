"""The town that a crowd of orders lives in: its shops with every method connected, gateways with books of their own, and calls
whose outcomes may be lost."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

from pydantic import BaseModel
from sqlalchemy import Engine

from models.states import PaymentState
from models.store.mails import SEND as MAIL
from pipelines.gateway import STANDS, Answer, BuyerMust, BuyerStep, Gateway, Notice, Payer, Snapshot
from pipelines.ports import Outcome, Verdict
from pipelines.shops import PACKAGED, Shop, parse_shop
from pipelines.shops.installation import Installation
from tests.outside import DECLINED, SetClock
from tests.outside import Gateway as Cards
from tests.world import FRIDAY_MORNING, World
from workers.channels import CHANNELS
from workers.effects.effect import Job, Perform, Performer
from workers.effects.loop import EffectLoop
from workers.mail.rendering import Renderer
from workers.payments import GATEWAYS

#: How long an authorization lasts.
LASTS: Final = timedelta(days=30)
_OPEN: Final = frozenset({PaymentState.PENDING, PaymentState.AUTHORIZED})


@dataclass
class CardGateway(Cards):
    """The tests' card gateway, whose authorizations end: ``ends`` by reference."""

    ends: dict[str, datetime] = field(default_factory=dict)

    def _stands(self, reference: str) -> Answer:
        answer, ends = super()._stands(reference), self.ends.setdefault(reference, self.clock.now() + LASTS)
        assert answer.snapshot is not None
        return replace(answer, snapshot=replace(answer.snapshot, expires_at=ends))

    async def capture(self, *, key: str, order: str, reference: str, amount: int) -> Answer:
        if key not in self.done and reference in self.cards and self.ends[reference] <= self.clock.now():
            return DECLINED
        return await super().capture(key=key, order=order, reference=reference, amount=amount)

    def let_go(self, order: str) -> None:
        """Somebody voids the authorization of ``order`` by hand."""
        if (card := self.cards.get(self.orders.get(order, ""))) is not None:
            card.voided = not card.captured


@dataclass
class Slips:
    """A gateway of payments that are made elsewhere: slips for stores, forms of a lender. Each key is one request for ever."""

    clock: SetClock
    stands: dict[str, Snapshot] = field(default_factory=dict)
    orders: dict[str, str] = field(default_factory=dict)
    done: dict[str, Answer] = field(default_factory=dict)

    async def register(
        self, *, key: str, order: str, method: str, amount: int, payer: Payer, until: datetime | None, choice: str = ""
    ) -> Answer:
        if key not in self.done:
            reference = f"slip-{len(self.stands) + 1}"
            step = BuyerStep.OPEN_FORM if method == "loan" else BuyerStep.PAY_AT_STORE
            must = BuyerMust(
                step, url=f"https://pay.example/{reference}", number=f"370-{len(self.stands):07d}", until=until
            )
            made = Snapshot(reference, PaymentState.PENDING, amount, 0, 0, self.clock.now(), until, must)
            self.stands[reference], self.orders[order] = made, reference
            self.done[key] = Answer(Verdict.OK, made)
        return self.done[key]

    async def void(self, *, key: str, order: str, reference: str) -> Answer:
        if key not in self.done:
            is_open = reference in self.stands and self.stands[reference].state in _OPEN
            self.done[key] = Answer(Verdict.OK, self._move(reference, PaymentState.VOIDED)) if is_open else DECLINED
        return self.done[key]

    async def lookup(self, *, order: str, key: str | None = None, reference: str | None = None) -> Answer | None:
        if key is not None:
            return self.done.get(key)
        known = self.stands.get(reference or self.orders.get(order, ""))
        return Answer(Verdict.OK, replace(known, as_of=self.clock.now())) if known else None

    async def aclose(self) -> None:
        return None

    def go_on(self, order: str, state: PaymentState) -> bool:
        """The customer, a store or the lender goes on with the slip of ``order``; whether that can be."""
        reference = self.orders.get(order)
        if reference is None or self.stands[reference].state not in _OPEN:
            return False
        self._move(reference, state)
        return True

    def notice(self, order: str, name: str) -> Notice | None:
        """What the gateway tells of the payment as it stands; None of one that it does not know."""
        stands = self.stands.get(self.orders.get(order, ""))
        shop, _, number = order.partition("/")
        return Notice(name, STANDS, (shop, number), stands.reference, stands) if stands else None

    def _move(self, reference: str, state: PaymentState) -> Snapshot:
        before = self.stands[reference]
        captured = before.authorized if state == PaymentState.CAPTURED else 0
        stands = replace(before, state=state, captured=captured, as_of=self.clock.now(), buyer=None)
        self.stands[reference] = stands
        return stands


class _Settings(BaseModel):
    """They need none."""


#: What a profile names to have stores and lenders.
SLIPS: Final = Gateway("slips", _Settings, Slips, read_notices=lambda headers, body, secrets, now: [])
#: What its shops may be connected to.
ALL: Final = Installation({**GATEWAYS, "slips": SLIPS}, CHANNELS)
_CONNECTED: Final = 'gateways = { konbini = "slips", loan = "slips", paypay = "sandbox", amazon_pay = "sandbox" }'


def packaged() -> dict[str, Shop]:
    """The packaged shops with every method connected that they allow."""
    found = {}
    for profile in sorted(PACKAGED.glob("*.toml")):
        lines = [line for line in profile.read_text("utf-8").splitlines() if not line.startswith("gateways = ")]
        text = "\n".join(lines).replace("\n[payment]", f"\n[payment]\n{_CONNECTED}", 1)
        found[profile.stem] = parse_shop(profile.stem, text, ALL)
    return found


@dataclass
class Faults:
    """How often a call of the world goes wrong: ``down``: nothing was done; ``lost``: it was, and the answer did not come;
    ``killed``: whoever asked is gone; ``refused``: a final no."""

    seed: str
    down: float = 0.03
    lost: float = 0.03
    killed: float = 0.01
    refused: float = 0.01

    def of(self, job: Job[Any]) -> str | None:
        """What happens to this attempt, whenever it is made; None: nothing."""
        chance = random.Random(f"{self.seed}/{job.kind}/{job.id}/{job.attempts}")
        fates = ("down", "lost", "killed", "refused")
        weights = (self.down, self.lost, self.killed, self.refused)
        (fate,) = chance.choices((*fates, None), (*weights, 1 - sum(weights)))
        return fate

    def end(self) -> None:
        """From now on the world answers."""
        self.down = self.lost = self.killed = self.refused = 0.0


class Town(World):
    """A house of ``shops`` (those of ``packaged`` where nothing is said) and its world, whose calls go wrong by ``faults``."""

    def __init__(
        self, engine: Engine, url: str, renderer: Renderer, seed: str, shops: Mapping[str, Shop] | None = None
    ) -> None:
        self.faults = Faults(seed)
        self._is_killed = False
        clock = SetClock(FRIDAY_MORNING)
        self.cards, self.slips = CardGateway(clock), Slips(clock)
        gateways: Mapping[str, Any] = {"sandbox": self.cards, "slips": self.slips}
        super().__init__(engine, url, renderer, shops=shops or packaged(), gateways=gateways)
        self.cards.clock = self.slips.clock = self.clock
        for name, at in (("warehouse", "url"), ("maker-a", "url"), ("maker-b", "mail"), ("maker-c", None)):
            where = {"url": f"https://{name}.example/hook", "mail": f"{name}@example.jp"}
            self.enrol("supplier", name, **({at: where[at]} if at else {}))
        self.enrol("storefront", "shops", url="https://shop.example/events")

    def performing(self, *performers: Performer[Any]) -> EffectLoop:
        self._performers = [replace(one, perform=self._unreliably(one.perform)) for one in performers]
        return super().performing(*self._performers)

    def _unreliably(self, perform: Perform[Any]) -> Perform[Any]:
        async def attempt(job: Job[Any]) -> Outcome:
            fate = self.faults.of(job)
            if fate == "down":
                return Outcome(Verdict.RETRY, code="down")
            if fate == "refused" and job.kind in (MAIL, "supplier.instruct"):
                return Outcome(Verdict.DECLINED, code="refused")
            outcome = await perform(job)
            if fate == "killed":
                self.loop.stop()
                self._is_killed = True
                raise asyncio.CancelledError  # what it had done is done, and nobody records it
            return Outcome(Verdict.UNKNOWN, code="lost") if fate == "lost" else outcome

        return attempt

    def let_go(self, order: str) -> None:
        """Somebody voids the payment of ``order`` at its gateway by hand."""
        self.cards.let_go(order)
        self.slips.go_on(order, PaymentState.VOIDED)

    def perform_some(self, kinds: Sequence[str]) -> int:
        """Perform all that waits of these kinds; in the place of a process that was killed comes a new one."""
        self.hurry()
        done = 0
        for kind in kinds:
            done += self.perform(kind)
            if self._is_killed:
                self.loop, self._is_killed = super().performing(*self._performers), False
        return done
