"""An order's story: what stands behind what partners see, for those who have to find out why (the command, the console).

What was asked of the world and how it ended, what came in, what is due: plain values, no personal data.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from heapq import merge
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from models.store import inbox, work
from models.store.adjustments import AdjustmentRow
from models.store.bounces import OrderBounceRow
from models.store.effects import TrailRow
from models.store.inbox import ReceivedRow
from models.store.readdressings import ReaddressingRow
from models.store.repricings import RepricingRow
from models.store.transitions import TransitionRow
from models.store.visits import VisitRow
from models.store.work import DueRow
from pipelines.rules.money.adjustments import GOODWILL

_TOKYO: Final = ZoneInfo("Asia/Tokyo")
_PAYMENT: Final = "payment."


def story(connection: Connection, order_id: int, asked: Sequence[TrailRow]) -> dict[str, Any]:
    """``effects`` (what was ``asked`` of the world), ``events`` (received) and ``work`` (due) of an order."""
    return {
        "effects": [_effect(one) for one in asked],
        "events": [_event(one) for one in inbox.of_order(connection, order_id)],
        "work": [_work(one) for one in work.due_of(connection, order_id)],
    }


def with_acts(
    history: Sequence[TransitionRow],
    changes: Sequence[AdjustmentRow],
    repriced: Sequence[RepricingRow],
    readdressed: Sequence[ReaddressingRow],
    put_off: Sequence[VisitRow],
    heard: Sequence[OrderBounceRow],
) -> list[TransitionRow]:
    """An order's history with what moves no state and people ask after all the same: money given back at will, other prices,
    another address, another day of a visit, mails that did not arrive. ``to_state`` says what became of it."""
    acts = [
        TransitionRow(
            one.order_id, "goodwill", str(one.sequence), None, f"{one.money} yen given back", one.reason, one.at
        )
        for one in changes
        if one.kind == GOODWILL
    ]
    acts += [
        TransitionRow(0, "price", str(time), f"{one.grand_total_before} yen", "priced again", _asked(one), one.at)
        for time, one in enumerate(repriced, 1)
    ]
    acts += [
        TransitionRow(0, "address", str(time), one.region_before, "changed", _asked(one), one.at)
        for time, one in enumerate(readdressed, 1)
    ]
    acts += [
        TransitionRow(0, "visit", str(time), one.before.isoformat(), "put off", f"by {one.by}", one.at)
        for time, one in enumerate(put_off, 1)
    ]
    acts += [TransitionRow(0, "mail", str(one.mail_id), one.template, one.kind, _because(one), one.at) for one in heard]
    return list(merge(history, sorted(acts, key=lambda one: one.at), key=lambda one: one.at))


def _asked(one: RepricingRow | ReaddressingRow) -> str:
    return f"by {one.by or 'an operator'}" + (f": {one.reason}" if one.reason else "")


def _because(one: OrderBounceRow) -> str:
    return " ".join(filter(None, (one.reason, one.status, one.diagnostic)))


def attempts(asked: Iterable[TrailRow]) -> Iterator[dict[str, Any]]:
    """What a gateway was asked for the order, in yen, and how each ended; one that has not ended is pending."""
    for one in asked:
        if one.kind.startswith(_PAYMENT):
            yield {
                "kind": one.kind.removeprefix(_PAYMENT),
                "key": one.key,
                "amount": one.payload.get("amount"),
                "outcome": one.state,
                "code": _of_outcome(one.outcome, "code"),
                "at": _ended(one) or _moment(one.recorded_at),
            }


def _ended(one: TrailRow) -> str | None:
    """When it ended, by the Clock; what a version ended that did not write that, by the database's time."""
    at: str | None = _of_outcome(one.outcome, "at")
    return at or (_moment(one.finished_at) if one.finished_at else None)


def _effect(one: TrailRow) -> dict[str, Any]:
    return {
        "id": one.id,
        "kind": one.kind,
        "key": one.key,
        "shipment": one.shipment_id,
        "state": one.state,
        "attempts": one.attempts,
        "code": _of_outcome(one.outcome, "code"),
        "says": _of_outcome(one.outcome, "says") or None,
        "at": _moment(one.recorded_at),
        "ended_at": _ended(one),
    }


def _event(one: ReceivedRow) -> dict[str, Any]:
    return {
        "source": one.source,
        "id": one.event_id,
        "type": one.type,
        "shipment": one.shipment_id,
        "state": one.state,
        "reason": one.reason,
        "by": one.body.get("by"),
        "says": one.body.get("reason"),
        "at": _moment(one.at),
    }


def _work(one: DueRow) -> dict[str, Any]:
    return {
        "stage": one.stage,
        "subject": f"{one.subject_kind} {one.subject_id}",
        "due_at": _moment(one.due_at),
        "what": one.what,
        "attempts": one.attempts,
        "retry_at": _moment(one.retry_at) if one.retry_at else None,
        "error": one.error,
    }


def _of_outcome(outcome: Mapping[str, Any] | None, name: str) -> Any:
    return outcome.get(name) if outcome else None


def _moment(at: datetime) -> str:
    return at.astimezone(_TOKYO).isoformat()
