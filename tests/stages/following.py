"""Applies decisions of notify to facts, as the database would, so that news can be told in any order and portion."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import pairwise
from typing import Any

from pipelines.engine.stage import Decision, EventFacts, Facts, LineFacts, PaymentFacts, ShipmentChange, ShipmentFacts
from pipelines.shops import Shop
from pipelines.stages.notify import STAGE
from tests.stages.build import decide


@dataclass
class Told:
    """An order after some news, and all that was wished for on the way."""

    facts: Facts
    mails: list[tuple[str, str]] = field(default_factory=list)
    effects: list[str] = field(default_factory=list)

    def hear(self, news: Sequence[EventFacts], shop: Shop) -> None:
        """Tell ``news`` together; what could not be applied yet waits."""
        self.facts = replace(self.facts, events=[*self.facts.events, *news])
        decision = decide(STAGE, self.facts, shop=shop)
        self.mails += [(m.template, m.subject_key) for m in decision.mails]
        self.effects += [e.key for e in decision.effects if e.key not in self.effects]
        self.facts = follow(self.facts, decision)

    def end(self) -> dict[str, Any]:
        """Where everything stands."""
        return {
            "order": self.facts.state,
            "condition": self.facts.condition,
            "holds": sorted((h["reason"], h["shipment"]) for h in self.facts.hold),
            "shipments": [
                (
                    s.id,
                    s.state,
                    s.dispatch_on,
                    [b["rule"] for b in s.because],
                    {k: p.shipped for k, p in s.lines.items()},
                )
                for s in self.facts.shipments
            ],
            "parcels": sorted(
                (p.shipment, p.key, str(p.tracking_number), str(p.tracking_status), sorted(p.lines.items()))
                for p in self.facts.parcels
            ),
            "waiting": sorted({(e.type, e.at) for e in self.facts.events}),
        }


def follow(facts: Facts, decision: Decision) -> Facts:
    """The order after ``decision``."""
    ended = {number for number, _, _ in decision.events}
    parcels = {(p.shipment, p.key): p for p in facts.parcels} | decision.parcels
    hold = facts.hold if decision.hold is None else decision.hold
    condition = decision.condition or facts.condition
    return replace(
        facts,
        state=decision.state,
        payment=_paid(facts, decision),
        condition=condition,
        hold=hold if condition == "held" else [],
        shipments=[_changed(s, decision.shipments.get(s.id)) for s in facts.shipments],
        parcels=sorted(parcels.values(), key=lambda p: (p.shipped_at, p.key)),
        events=[e for e in facts.events if e.id not in ended],
    )


def _paid(facts: Facts, decision: Decision) -> PaymentFacts | None:
    if facts.payment is None or decision.payment is None:
        return facts.payment
    stated = {
        key: value for key, value in asdict(decision.payment).items() if value is not None and key != "expires_at"
    }
    return replace(facts.payment, **stated)


def _changed(shipment: ShipmentFacts, change: ShipmentChange | None) -> ShipmentFacts:
    if change is None:
        return shipment
    lines = {
        key: LineFacts(p.quantity, change.cancelled.get(key, p.cancelled), change.shipped.get(key, p.shipped))
        for key, p in shipment.lines.items()
    }
    return replace(
        shipment,
        state=change.state or shipment.state,
        dispatch_on=change.dispatch_on if change.plan_as_of else shipment.dispatch_on,
        because=shipment.because if change.because is None else change.because,
        plan_as_of=change.plan_as_of or shipment.plan_as_of,
        lines=lines,
    )


def portions(news: Sequence[EventFacts], cuts: Iterable[int]) -> list[list[EventFacts]]:
    """``news`` in sequence, taken apart after the positions ``cuts``."""
    marks = [0, *sorted(set(cuts)), len(news)]
    return [list(news[a:b]) for a, b in pairwise(marks) if a < b]
