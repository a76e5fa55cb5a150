"""A stage: one step of the route, from facts to a decision.

A stage is a pure function of (facts, shop, now). It writes nothing and asks nothing: everything it may know was gathered
for the whole batch before, everything it wants it does to a draft of the order, and the draft's difference is the decision.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Final

from models.states import Condition, OrderState
from models.subject import ORDER
from pipelines.engine.decision import Decision, Due
from pipelines.engine.draft import OrderDraft
from pipelines.engine.facts import Facts, Need
from pipelines.rules.holds import Hold, lets_others_go
from pipelines.shops import Shop

#: Where an order goes on that nothing holds any more, by how it stands; one that was cancelled comes to rest there.
GOES_ON_AT: Final[Mapping[str, str]] = {
    OrderState.ACCEPTED: "authorize",
    OrderState.AWAITING_PAYMENT: "authorize",
    OrderState.AUTHORIZED: "split",
    OrderState.RELEASED: "dispatch",
    OrderState.PARTLY_SHIPPED: "dispatch",
    OrderState.SHIPPED: "reward",
    OrderState.DELIVERED: "reward",
    OrderState.UNDELIVERED: "reward",
    OrderState.CANCELLED: "settle",
}


def _goes_on(draft: OrderDraft, held_for: Sequence[Hold]) -> bool:
    """Whether the order, or all of it but single shipments, is kept back no longer by what held it before."""
    if draft.condition == Condition.RUNNING:
        return True
    is_eased = draft.held and lets_others_go(draft.holds) and any(one not in draft.holds for one in held_for)
    return is_eased and GOES_ON_AT[draft.state] == "dispatch"


Decide = Callable[[OrderDraft, Shop, datetime], None]


@dataclass(frozen=True, slots=True)
class Stage:
    """One step of the route: its name, what it does to a draft, and what it declares.

    ``needs`` are the facts it must be told, ``consumes`` the events it answers, ``leads_to`` the other stages that it may
    make due, at a moment or by the outcome of an effect, ``asks`` the kinds of effect that it may ask for; ``subject`` is
    the kind of what it is due for (``models.subject``), an order or a part of one. ``at_once`` are those of ``leads_to``
    that are decided in the same pass where the stage makes the order due at them this moment (``engine.following``).
    ``early`` stages alone decide about an order before ``accept`` has: news may come sooner than a worker does, and nothing
    may be asked, earned or taken for an order that nobody has looked at. A stage that reads other facts, or names another
    stage or kind, raises Undeclared, and its order is set aside.
    """

    name: str
    decide: Decide
    needs: Need = Need.NOTHING
    consumes: tuple[str, ...] = ()
    leads_to: tuple[str, ...] = ()
    asks: tuple[str, ...] = ()
    subject: str = ORDER
    at_once: tuple[str, ...] = ()
    early: bool = False

    def decision(
        self, facts: Facts, shop: Shop, now: datetime, route: Mapping[str, Stage] = MappingProxyType({})
    ) -> Decision:
        """What the stage decides of an order as it stands in ``facts``, and what those of ``route`` decide that follow at once."""
        draft = self.draft(facts)
        stage: Stage | None = self
        while stage is not None:
            was, held_for = draft.condition, draft.holds
            stage.decide(draft, shop, now)
            if was == Condition.HELD and _goes_on(draft, held_for):
                # Whatever ended the hold, the order must not be forgotten: what it waited for was put off.
                draft.wake(Due(GOES_ON_AT[draft.state], now))
            stage = stage.following(draft, route, now) if stage.at_once else None
        return draft.decision()

    def following(self, draft: OrderDraft, route: Mapping[str, Stage], now: datetime) -> Stage | None:
        """The stage of ``route`` that takes the draft up at once, which it has entered; None if none does."""
        for name in self.at_once:
            stage = route.get(name)
            if stage is not None and draft.take_up(name, now):
                draft.enter(name, stage.leads_to, stage.asks, stage.consumes)
                return stage
        return None

    def draft(self, facts: Facts) -> OrderDraft:
        """An order for this stage to change."""
        draft = OrderDraft(facts, self.subject)
        draft.enter(self.name, self.leads_to, self.asks, self.consumes)
        return draft
