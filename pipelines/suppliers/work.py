"""What a supplier has to do (出荷作業): its list by state, and where each request to it stands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, WithJsonSchema
from sqlalchemy import Connection

from models.states import CallOff, ShipmentState
from models.store import effect_items, supplier_work
from models.store.supplier_work import WorkRow
from pipelines.changes.plans import SHIPMENT_ID
from pipelines.engine.inbox import Received
from pipelines.ports import Clock
from pipelines.shops import Shop
from pipelines.suppliers.instructions import (
    FETCHED,
    Instruction,
    stored_instruction,
)
from pipelines.suppliers.telling import complete, paid_on_delivery

PAGE: Final = 100
"""Shipments of a page."""
_S = ShipmentState


@dataclass(frozen=True, slots=True)
class Asked:
    """Which shipments a list holds: in one of ``states``, and with ``call_offs`` only where that was asked of the supplier."""

    states: tuple[ShipmentState, ...]
    call_offs: tuple[CallOff, ...] | None = None

    @property
    def is_open(self) -> bool:
        """Whether all of it is still to be sent; the orders of what is are not done."""
        return _OPEN.issuperset(self.states)


#: The lists that there are.
LISTS: Final[Mapping[str, Asked]] = {
    "requested": Asked((_S.INSTRUCTED,)),
    "acknowledged": Asked((_S.ACKNOWLEDGED,)),
    "open": Asked((_S.INSTRUCTED, _S.ACKNOWLEDGED)),
    "shipped": Asked((_S.SHIPPED,)),
    "refused": Asked((_S.REFUSED,)),
    "cancelled": Asked((_S.CANCELLED,)),
    "cancellation_requested": Asked((_S.CANCELLED,), (CallOff.REQUESTED,)),
}


def _list(name: str) -> str:
    if name not in LISTS:
        raise ValueError(f"Must be one of {', '.join(LISTS)}.")
    return name


class WorkQuery(BaseModel):
    """What may be asked of a supplier's list."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    state: Annotated[str, AfterValidator(_list), WithJsonSchema({"type": "string", "enum": list(LISTS)})] = Field(
        default="requested",
        description="requested: to be answered; acknowledged: to be sent; open: both; cancellation_requested: not to be sent after all",
    )
    cursor: Annotated[str, StringConstraints(pattern=SHIPMENT_ID)] | None = Field(
        default=None, description="`next` of the page before"
    )


_OPEN: Final = frozenset({_S.INSTRUCTED, _S.ACKNOWLEDGED})
_REQUEST: Final[Mapping[str, str]] = {
    _S.INSTRUCTED: "submitted",
    _S.ACKNOWLEDGED: "accepted",
    _S.SHIPPED: "accepted",
    _S.REFUSED: "refused",
    _S.CANCELLED: "cancelled",
}


def request_status(state: str, call_off: str | None) -> str:
    """Where our request to the supplier stands, apart from its work: ``planned`` before it was told, ``submitted``, ``accepted``,
    ``refused``; ``cancellation_requested``, ``cancellation_accepted``, ``cancellation_refused``; ``cancelled`` where nobody had to
    be asked."""
    if state == _S.CANCELLED and call_off is not None:
        return f"cancellation_{call_off}"
    return _REQUEST.get(state, "planned")


@dataclass(frozen=True, slots=True)
class Work:
    """One shipment as its supplier has to do it: what the instruction says, and how far it is.

    ``open`` are the pieces by line that have not left; ``state`` is the shipment's, ``request`` as ``request_status``.
    """

    told: Instruction
    state: str
    request: str
    open: Mapping[str, int]
    is_fetched: bool

    @property
    def is_open(self) -> bool:
        """Whether it is still to be sent."""
        return self.state in _OPEN and any(self.open.values())

    def to_json(self) -> dict[str, Any]:
        """As the interface answers it: the instruction, its key, and how far it is. Where the goods go is told while they are to
        go there, and no longer."""
        shown = {"id": self.told.key, "state": self.state, "request": self.request, **self.told.to_json()}
        return shown if self.is_open else {**shown, "ship_to": None, "collect": None, "instructions": []}


def listed(
    connection: Connection,
    shops: Mapping[str, Shop],
    supplier: str,
    asked: Asked,
    *,
    until: date | None = None,
    soonest: bool = False,
    after: str = "",
    limit: int = PAGE,
) -> list[Work]:
    """A page of the shipments of ``supplier`` at ``shops`` that a list holds, by id, those behind the id ``after``; of those that are to
    leave by ``until``, where it is named. ``soonest``: of more than ``limit`` that are open those that leave first."""
    rows = supplier_work.in_states(
        connection,
        supplier,
        list(shops),
        asked.states,
        call_offs=asked.call_offs,
        live=asked.is_open,
        until=until,
        soonest=soonest,
        after=after,
        limit=limit,
    )
    return _completed(connection, shops, rows)


def named(connection: Connection, shops: Mapping[str, Shop], supplier: str, ids: Iterable[str]) -> dict[str, Work]:
    """Those of the shipments ``ids`` that are the supplier's at ``shops``, by id; one that it was not told of is not there."""
    rows = supplier_work.named(connection, supplier, list(shops), sorted(set(ids)))
    told = [row for row in rows if row.state not in (_S.PLANNED, _S.BACKORDERED)]
    return {one.told.shipment: one for one in _completed(connection, shops, told)}


def fetched(works: Sequence[Work], clock: Clock) -> list[Received]:
    """That the supplier has now the instructions of ``works`` that it had not: what its channel counts as told."""
    now = clock.now()
    return [
        Received(
            source=f"fetched:{one.told.supplier}",
            event_id=one.told.key,
            type=FETCHED,
            body={"key": one.told.key},
            at=now,
            supplier=one.told.supplier,
            shipment=one.told.shipment,
            shops=(one.told.shop,),
        )
        for one in works
        if one.state == _S.INSTRUCTED and not one.is_fetched
    ]


def _completed(connection: Connection, shops: Mapping[str, Shop], rows: Sequence[WorkRow]) -> list[Work]:
    paid = paid_on_delivery((row.order_id, row.document) for row in rows)
    due = {row.order_id: row for row in effect_items.on_delivery(connection, paid)}
    return [
        _work(
            row, complete(stored_instruction(row, row.supplier), shops[row.shop], row.document, due.get(row.order_id))
        )
        for row in rows
    ]


def _work(row: WorkRow, told: Instruction) -> Work:
    known = row.told_at is not None and (row.instruct_at is None or row.told_at >= row.instruct_at)
    open_ = {str(line["line"]): int(line["open"]) for line in row.lines}
    return Work(told, row.state, request_status(row.state, row.call_off), open_, known)
