"""Pull in (取り寄せ): goods that were called to a store are kept there for a visit, bought, or sent back (STO-01)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from models.states import OrderState
from pipelines.changes.money import LETS_GO
from pipelines.changes.pull_in import (
    NOT_BOUGHT,
    arrive,
    buy,
    give_back,
    put_off,
    watch,
    watch_return,
)
from pipelines.changes.requests import answer_each, asker
from pipelines.engine.decision import PutOff
from pipelines.engine.draft import OrderDraft
from pipelines.engine.facts import EventFacts, Need
from pipelines.engine.stage import Stage
from pipelines.orders.action import Action
from pipelines.orders.actions.pickup_arrived import ACTION as ARRIVED
from pipelines.orders.actions.pickup_bought import ACTION as BOUGHT
from pipelines.orders.actions.pickup_sent_back import ACTION as SENT_BACK
from pipelines.orders.actions.pickup_visit import ACTION as VISIT
from pipelines.orders.actions.pickup_visit import VisitPutOff
from pipelines.shops import Shop

_ENDED: Final = frozenset({OrderState.DELIVERED, OrderState.UNDELIVERED})


def decide(draft: OrderDraft, shop: Shop, now: datetime) -> None:
    """Hear what the store or the customer says, then wait for what comes next: the visit, or the goods on their way back."""

    def arrived(event: EventFacts, asked: object) -> None:
        arrive(draft, now)

    def bought(event: EventFacts, asked: object) -> None:
        buy(draft, shop, now)

    def sent_back(event: EventFacts, asked: object) -> None:
        give_back(draft, shop, now, reason=NOT_BOUGHT, cause=f"nothing was bought, says {asker(event)} (STO-01)")

    def moved(event: EventFacts, asked: VisitPutOff) -> None:
        draft.put_off(PutOff(f"{event.source}:{event.event_id}", asker(event), asked.visit_on))
        put_off(draft, shop, now)

    grants: Mapping[str, tuple[Action[Any], Callable[[EventFacts, Any], None]]] = {
        ARRIVED.wakes: (ARRIVED, arrived),
        BOUGHT.wakes: (BOUGHT, bought),
        SENT_BACK.wakes: (SENT_BACK, sent_back),
        VISIT.wakes: (VISIT, moved),
    }
    was = draft.state
    answer_each(grants, draft, shop, now)
    if draft.facts.pickup is None:
        return
    if draft.state == OrderState.CANCELLED:
        if was == OrderState.CANCELLED:
            watch_return(draft, shop, now)
    elif draft.state not in _ENDED:
        watch(draft, shop, now)


STAGE = Stage(
    "pull_in",
    decide,
    Need.PAYMENT
    | Need.SHIPMENTS
    | Need.PARCELS
    | Need.LOTS
    | Need.COUPONS
    | Need.EVENTS
    | Need.EFFECTS
    | Need.SUPPLIERS
    | Need.ADJUSTMENTS
    | Need.VISITS,
    consumes=(ARRIVED.wakes, BOUGHT.wakes, SENT_BACK.wakes, VISIT.wakes),
    leads_to=("settle", "reward"),
    asks=LETS_GO,
)
