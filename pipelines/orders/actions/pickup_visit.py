"""Another day of the visit (来店日変更): by the store itself where it is the shop's own, else by the online shop (STO-01)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Final

from pydantic import Field

from pipelines.engine.draft import OrderDraft
from pipelines.errors import Problem
from pipelines.orders.action import Action, Case, Request
from pipelines.orders.pickups import is_over
from pipelines.orders.schema import Day
from pipelines.rules.explain import Refusal, Sentence
from pipelines.rules.pull_in import visit_problems
from pipelines.values.calendar import in_japan

_BY_THE_STORE: Final = Sentence(
    "来店日の変更は、直接店舗へご連絡ください。", "The store itself changes the day of the visit: please ask there."
)


class VisitPutOff(Request):
    """When the customer comes instead."""

    visit_on: Annotated[Day, Field(description="A day on which the store receives visits")]


def stands(case: Case) -> Sequence[Refusal]:
    """Something is still called to a store, and whoever asks is who changes its visits."""
    if refused := is_over(case):
        return refused
    store = case.shop.stores[case.order.facts.document["pickup"]["store"]]
    return [Refusal(_BY_THE_STORE, rule="STO-01")] if store.kind == "own" and not case.by_operator else []


def faults(case: Case, asked: VisitPutOff) -> Sequence[Problem]:
    """A day on which nobody could come, that is over, on which the goods are not there yet, or that is known."""
    facts, today = case.order.facts, in_japan(case.now).date()
    if asked.visit_on.isoformat() == facts.document["pickup"]["visit_on"]:
        return [Problem("visit_on", "is the day that is known")]
    if asked.visit_on < today:
        return [Problem("visit_on", f"Must not be earlier than today, {today.isoformat()}.")]
    days = [one.arrive_on for one in case.order.shipments if one.is_live and one.arrive_on is not None]
    latest = today + timedelta(days=case.shop.pull_in.max_days_ahead)
    if asked.visit_on > latest:
        return [Problem("visit_on", f"Must not be later than {latest.isoformat()}.")]
    return [*visit_problems(facts.order, case.shop, asked.visit_on, max(days, default=None), "visit_on")]


def _day(asked: VisitPutOff) -> str:
    return asked.visit_on.isoformat()


def _turn(order: OrderDraft, asked: VisitPutOff) -> int:
    """After how many other days it is asked for: one that the visit comes back to is asked for anew."""
    facts = order.facts
    is_granted = bool(facts.visits) and _day(asked) == facts.document["pickup"]["visit_on"]
    return len(facts.visits) - is_granted


ACTION = Action(
    name="pickup:visit",
    label=Sentence("来店日を変更する", "Change the day of the visit"),
    says=Sentence(
        "お客様の来店日を変更し、店舗にお知らせします。商品はその日まで保管されます。",
        "The customer comes on another day: the store is told, and the goods are kept for that day.",
    ),
    model=VisitPutOff,
    roles=("storefront", "operator"),
    wakes="pickup.visit",
    stands=stands,
    faults=faults,
    same=_day,
    turn=_turn,
)
