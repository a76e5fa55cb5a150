"""Rows of orders that were priced again (``models.store.write``): their new sums, and the coupons they use from now on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from models.database import json_array
from pipelines.engine.decision import Decision
from pipelines.engine.facts import Facts
from pipelines.rules.money.repricing import Repricing


def repricing_rows(decisions: Sequence[Decision], now: datetime) -> list[tuple[Any, ...]]:
    """Rows of ``write.repricings``."""
    made = list(_made(decisions))
    sums = json_array([one.after.to_json() for _, one in made])
    return [
        (facts.id, facts.known.times + 1, one.name, one.reason, one.by, breakdown, one.after.grand_total, now)
        for (facts, one), breakdown in zip(made, sums, strict=True)
    ]


def coupon_rows(decisions: Sequence[Decision], now: datetime) -> list[tuple[Any, ...]]:
    """Rows of ``write.use_coupons``; a guest's coupons are nobody's."""
    return [
        (facts.shop, facts.customer_id, use.key, facts.id, use.kind, use.once, now)
        for facts, one in _made(decisions)
        if facts.customer_id
        for use in one.uses
    ]


def _made(decisions: Sequence[Decision]) -> Iterator[tuple[Facts, Repricing]]:
    return ((d.facts, d.repricing) for d in decisions if d.repricing is not None)
