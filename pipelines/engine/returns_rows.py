"""Returns between the store's rows and the facts and decisions of the engine."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from models.store import returns
from models.store.returns import NewReturnLineRow, NewReturnRow, PiecesLeftRow, ReturnChangeRow, ReturnRow
from pipelines.engine.decision import Decision
from pipelines.engine.facts import ReturnFacts, ReturnLineFacts


def return_of(row: ReturnRow) -> ReturnFacts:
    """The return that a row keeps."""
    listed = zip(row.lines, row.quantities, row.reasons, row.conditions, row.costs_on, strict=True)
    return ReturnFacts(
        id=row.id,
        state=row.state,
        remedy=row.remedy,
        asked_at=row.asked_at,
        asked_by=row.asked_by,
        lines=tuple(
            ReturnLineFacts(line, quantity, reason, tuple(words.splitlines()), cost_on)
            for line, quantity, reason, words, cost_on in listed
        ),
        because=row.because,
        goods_by=row.goods_by,
        waits_until=row.waits_until,
        answer=row.answer,
        replacement=row.replacement,
        rest=row.rest,
    )


def write_returns(connection: Connection, decisions: Sequence[Decision]) -> None:
    """Write the returns that decisions opened or changed; nothing is asked where none did."""
    opened = [(d.facts.id, d.returns[id_]) for d in decisions for id_ in d.new_returns]
    returns.add(connection, [_new(order_id, one) for order_id, one in opened])
    returns.add_lines(
        connection,
        [
            NewReturnLineRow(one.id, line.line, line.quantity, line.reason, list(line.condition), line.cost_on)
            for _, one in opened
            for line in one.lines
        ],
    )
    fewer = [row for d in decisions for id_ in d.parted_returns for row in _pieces_left(d, id_)]
    returns.keep_pieces(connection, fewer)
    returns.drop_lines(connection, fewer)
    moved = [one for d in decisions for id_, one in d.returns.items() if id_ not in d.new_returns]
    returns.change(
        connection,
        [
            ReturnChangeRow(one.id, one.state, one.goods_by, one.waits_until, one.answer, one.replacement, one.rest)
            for one in moved
        ],
    )


def _pieces_left(decision: Decision, id_: str) -> list[PiecesLeftRow]:
    """What is left of the lines that a return had before."""
    (before,) = [one for one in decision.facts.returns if one.id == id_]
    left = {(line.line, line.reason): line.quantity for line in decision.returns[id_].lines}
    return [PiecesLeftRow(id_, one.line, one.reason, left.get((one.line, one.reason), 0)) for one in before.lines]


def _new(order_id: int, one: ReturnFacts) -> NewReturnRow:
    return NewReturnRow(
        order_id=order_id,
        id=one.id,
        state=one.state,
        remedy=one.remedy,
        asked_at=one.asked_at,
        asked_by=one.asked_by,
        goods_by=one.goods_by,
        waits_until=one.waits_until,
        because=one.because,
        answer=one.answer,
        replacement=one.replacement,
        rest=one.rest,
    )
