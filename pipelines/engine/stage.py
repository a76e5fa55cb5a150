"""A stage: one step of the route, from facts to a decision.

A stage is a pure function of (facts, shop, now). It writes nothing and asks nothing: everything it may know was gathered
for the whole batch before, everything it wants it does to a draft of the order, and the draft's difference is the decision.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from models.states import Condition, OrderState
from models.subject import ORDER
from pipelines.engine.decision import Decision, Due
from pipelines.engine.draft import OrderDraft
from pipelines.engine.facts import Facts, Need
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

Decide = Callable[[OrderDraft, Shop, datetime], None]


@dataclass(frozen=True, slots=True)
class Stage:
    """One step of the route: its name, what it does to a draft, and what it declares.

    ``needs`` are the facts it must be told, ``consumes`` the events it answers, ``leads_to`` the other stages that it may
    make due, at a moment or by the outcome of an effect, ``asks`` the kinds of effect that it may ask for; ``subject`` is
    the kind of what it is due for (``models.subject``), an order or a part of one. A stage that reads other facts, or names
    another stage or kind, raises Undeclared, and its order is set aside.
    """

    name: str
    decide: Decide
    needs: Need = Need.NOTHING
    consumes: tuple[str, ...] = ()
    leads_to: tuple[str, ...] = ()
    asks: tuple[str, ...] = ()
    subject: str = ORDER

    def draft(self, facts: Facts) -> OrderDraft:
        """An order for this stage to change."""
        return OrderDraft(facts, self.name, self.leads_to, self.asks, self.subject)

    def decision(self, facts: Facts, shop: Shop, now: datetime) -> Decision:
        """What the stage decides of an order as it stands in ``facts``."""
        draft = self.draft(facts)
        self.decide(draft, shop, now)
        decision = draft.decision()
        if facts.condition == Condition.HELD and draft.condition == Condition.RUNNING:
            # Whatever ended the last hold, the order must not be forgotten: what it waited for was put off.
            stage = GOES_ON_AT[draft.state]
            if all(due.stage != stage for due in decision.work):
                decision.work.append(Due(stage, now))
        return decision
