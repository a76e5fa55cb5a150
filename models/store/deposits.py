"""Transfers to the shop's account (入金): the orders that one may be for, and those that no order has yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection

from models.store.statement import claim, columns, execute, fetch, one

#: What of a row names its payer, or was written by them; it is kept while no order has the row.
PERSONAL: Final = ("text", "payer", "numbers")
#: SQL: the row without them.
LESS_PERSONAL: Final = "body" + "".join(f" - '{name}'" for name in PERSONAL)
#: SQL: the event is a row of a statement; its id says so.
OF_STATEMENT: Final = "starts_with(event_id, 'statement:')"
#: SQL: the event is a transfer that no order has: told by a statement, or by a notice for an order that nobody knows.
UNASSIGNED: Final = f"state = 'quarantined' AND order_id IS NULL AND ({OF_STATEMENT} OR (type = 'deposit.received' AND body ? 'amount'))"


class AwaitingRow(NamedTuple):
    """An order that money may come for: yen due and paid, deposits that wait to be decided included; what it says of who pays, and
    the account that a gateway opened for it."""

    shop: str
    number: str
    due: int
    paid: int
    customer: str
    recipient: str
    account: str | None


_AWAITING = """
SELECT o.shop, o.number, o.grand_total::bigint, (p.captured + coalesce(w.amount, 0))::bigint,
       coalesce(d.document->'customer'->>'name', ''), coalesce(d.document->'ship_to'->>'name', ''),
       CASE WHEN p.gateway IS NOT NULL THEN p.instructions->'account'->>'number' END
FROM shop_order o JOIN payment p ON p.order_id = o.id JOIN order_document d ON d.order_id = o.id
LEFT JOIN (SELECT order_id, sum((body->>'amount')::bigint) AS amount FROM inbox_event
           WHERE state = 'pending' AND type = 'deposit.received' GROUP BY order_id) w ON w.order_id = o.id
WHERE o.shop = ANY(%(shops)b::text[])
"""
_WAITING = f"""{_AWAITING} AND o.state IN ('accepted', 'awaiting_payment') AND o.method = ANY(%(methods)b::text[])
  AND p.gateway IS NULL"""
_OTHERS = f"""{_AWAITING} AND o.accepted_at >= %(since)s
  AND (upper(regexp_replace(normalize(o.number, NFKC), '[^A-Za-z0-9]', '', 'g')) = ANY(%(keys)b::text[])
       OR p.gateway IS NOT NULL AND p.instructions->'account'->>'number' = ANY(%(keys)b::text[]))"""


def waiting(connection: Connection, shops: Sequence[str], methods: Sequence[str]) -> list[AwaitingRow]:
    """Every order of the shops that waits for the money of one of the methods on the shop's own account."""
    return fetch(connection, AwaitingRow, _WAITING, {"shops": list(shops), "methods": list(methods)})


def numbered(connection: Connection, shops: Sequence[str], keys: Sequence[str], since: datetime) -> list[AwaitingRow]:
    """Orders of the shops, accepted since, whatever they wait for, whose number has these capitals and digits, or for which a
    gateway opened an account of that number."""
    told = {"shops": list(shops), "keys": list(keys), "since": since}
    return fetch(connection, AwaitingRow, _OTHERS, told) if keys else []


_IMPORTS: Final = "statement imports"


def one_at_a_time(connection: Connection) -> None:
    """Wait for whoever imports a statement, and let nobody begin until the transaction ends."""
    claim(connection, _IMPORTS)


class UnassignedRow(NamedTuple):
    """A transfer that no order has: what its row says, and why nobody has it. ``at``: the day it was booked on, or told of."""

    id: int
    at: datetime
    body: Mapping[str, Any]
    reason: str


_REASON = "coalesce(reason, '')"
_UNASSIGNED = f"SELECT {columns(UnassignedRow, reason=_REASON)} FROM inbox_event WHERE {UNASSIGNED}"


def unassigned(connection: Connection) -> list[UnassignedRow]:
    """Every transfer that no order has, the oldest first."""
    return fetch(connection, UnassignedRow, f"{_UNASSIGNED} ORDER BY at, id")


def unassigned_one(connection: Connection, event: int) -> UnassignedRow | None:
    """That transfer, which others leave alone until the transaction ends; None if it is none, or an order has it."""
    return one(connection, UnassignedRow, f"{_UNASSIGNED} AND id = %(id)s FOR UPDATE", {"id": event})


def assign(connection: Connection, event: int, order_id: int) -> None:
    """Let a transfer wait for the order; who sent it is no longer kept with it."""
    execute(
        connection,
        f"""UPDATE inbox_event SET order_id = %(order)s, type = 'deposit.received', state = 'pending', reason = NULL,
              body = {LESS_PERSONAL} WHERE id = %(id)s""",
        {"id": event, "order": order_id},
    )


def dismiss(connection: Connection, event: int, reason: str) -> None:
    """A transfer is no order's; who sent it is no longer kept with it."""
    execute(
        connection,
        f"UPDATE inbox_event SET state = 'ignored', reason = %(reason)s, body = {LESS_PERSONAL} WHERE id = %(id)s",
        {"id": event, "reason": reason},
    )


_PAYERS = f"""
UPDATE inbox_event SET body = {LESS_PERSONAL}
WHERE {OF_STATEMENT} AND order_id IS NULL AND state = 'quarantined'
  AND (body->>'payer' = ANY(%(payers)b::text[]) OR body->'numbers' ?| %(numbers)b::text[])
"""


def erase_payers(connection: Connection, payers: Sequence[str], numbers: Sequence[str]) -> int:
    """Let go of who sent the transfers that no order has and that one of the payers sent, or wrote one of the numbers on; of how
    many. The money stays before a human."""
    return execute(connection, _PAYERS, {"payers": list(payers), "numbers": list(numbers)})
