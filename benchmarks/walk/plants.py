"""Faults that the walk must find: stages that decide as the real ones do but for one thing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final

from models.states import OrderState
from pipelines.engine.draft import OrderDraft
from pipelines.engine.stage import Stage
from pipelines.route import STAGES
from pipelines.shops import Shop


def _ignoring_the_state(draft: OrderDraft, shop: Shop, now: datetime) -> None:
    """Accept, without its look at whether the order is still one to confirm."""
    state, draft.state = draft.state, OrderState.ACCEPTED
    try:
        STAGES["accept"].decide(draft, shop, now)
    finally:
        draft.state = state


PLANTS: Final[Mapping[str, Stage]] = {
    "accept-ignores-the-state": replace(STAGES["accept"], decide=_ignoring_the_state),
}
