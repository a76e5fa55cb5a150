"""Shipments that a payment's provider must hear of (出荷報告): it pays, and bills the customer, only then (B.6.9)."""

from __future__ import annotations

from typing import Final

from models.states import ALL_LEFT, HoldReason, PaymentState
from pipelines.changes.money import HELD_OR_TAKEN
from pipelines.engine.decision import EffectIntent
from pipelines.engine.draft import OrderDraft
from pipelines.engine.facts import EffectFacts, ParcelFacts
from pipelines.gateway import Capability, key_of
from pipelines.methods import METHODS
from pipelines.rules.holds import Hold

REPORT: Final = "payment.report"
"""How a provider is told of a parcel."""


def is_reported(method: str) -> bool:
    """Whether the provider of a payment by ``method`` must hear of the shipment."""
    return Capability.REPORTS_SHIPMENTS in METHODS[method].needs


def report(draft: OrderDraft) -> None:
    """Report the first parcel with a number, once; again under a key of its own where its number or carrier is corrected. An
    order that left without any number is a human's: nobody would ever pay for it."""
    money = draft.money
    if not is_reported(money.method) or money.state not in HELD_OR_TAKEN:
        return
    told = [effect for effect in draft.effects.values() if effect.kind == REPORT]
    parcel = _first(draft, told)
    if parcel is None:
        if draft.state in ALL_LEFT and money.state == PaymentState.AUTHORIZED:
            hold = Hold(HoldReason.CAPTURE_FAILED, amount=money.authorized, facts={"code": "no_tracking_number"})
            draft.hold(hold, "nothing can be reported to the provider")
        return
    said = {
        "parcel": f"{parcel.shipment}:{parcel.key}",
        "carrier": parcel.carrier,
        "tracking_number": parcel.tracking_number,
    }
    if told and all(told[-1].payload.get(name) == value for name, value in said.items()):
        return
    facts, what = draft.facts, f"report:{len(told) + 1}" if told else "report"
    payload = {**said, "shipped_at": parcel.shipped_at.isoformat()}
    draft.ask(EffectIntent(REPORT, key_of(f"{facts.shop}/{facts.number}", what), wakes="settle", payload=payload))


def _first(draft: OrderDraft, told: list[EffectFacts]) -> ParcelFacts | None:
    """The parcel that was reported before, else the first that left with a number."""
    numbered = [one for one in draft.parcels.values() if one.tracking_number]
    known = {effect.payload["parcel"] for effect in told}
    before = [one for one in numbered if f"{one.shipment}:{one.key}" in known]
    return min(before or numbered, key=lambda one: (one.shipped_at, one.key), default=None)
