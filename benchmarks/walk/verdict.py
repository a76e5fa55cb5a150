"""The verdict on a crowd whose lives are over: each sentence is something that broke, or that nobody will ever move."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from benchmarks.walk.town import Town
from models.checking import check
from models.invariants import violations
from models.states import PaymentState
from tests.checking import UNTOLD
from workers.audit.books import Books
from workers.audit.journals import Journals, Record
from workers.audit.registry import of_database, of_world

#: How a failure is worded that no rule foresaw (``pipelines.engine.run.describe``), and no refusal of a rule is.
_UNFORESEEN: Final = re.compile(r"^(\w+(Error|Violation)|IllegalMove|Undeclared)\b| at \w+\.py:\d+")

#: The judges of the journals that a town can ask: its suppliers, mails and storefronts keep none.
_ASKED: Final = frozenset(
    {
        "gateway_once",
        "captures_whole",
        "refunds_exact",
        "voids_made",
        "gateway_agrees",
        "deposits_booked",
        "unique_sold_once",
        "cancels_granted",
    }
)


def broken(town: Town) -> Iterator[str]:
    """What must hold whenever one looks, with a backlog too: the invariants, over everything and over what was touched since one
    looked before, and that nothing failed unforeseen."""
    with town.engine.connect() as connection:
        for invariant, rows in violations(connection):
            yield from (f"{invariant.name}: {dict(row)}" for row in rows[:3])
    for invariant, rows in check(town.engine, UNTOLD):
        yield from (f"{invariant.name}, of what was touched: {dict(row)}" for row in rows[:3])
    for row in town.rows(
        "SELECT o.shop, o.number, w.stage, w.error FROM work w JOIN shop_order o ON o.id = w.order_id "
        "WHERE w.attempts > 0"
    ):
        yield f"{row.shop}/{row.number}: {row.stage} fails: {row.error}"
    yield from _unforeseen(town)


def _unforeseen(town: Town) -> Iterator[str]:
    for row in town.rows("SELECT type, reason FROM inbox_event WHERE reason IS NOT NULL"):
        if _UNFORESEEN.search(row.reason):
            yield f"event {row.type}: {row.reason}"


def verdict(town: Town) -> list[str]:
    """Everything that is wrong at the end."""
    with town.engine.connect() as connection:
        found = [
            *of_database(connection, town.clock.now()),
            *of_world(_journals(town), Books.read(connection), town.clock.now(), town.shops, _ASKED),
        ]
    return [*map(str, found), *_unforeseen(town), *_open(town), *_slips(town), *_untold(town)]


def _open(town: Town) -> Iterator[str]:
    """Of a world that answers everything at once by now, nothing is still to come."""
    for row in town.rows("SELECT kind, count(*) AS open FROM effect_lease GROUP BY 1"):
        yield f"{row.open} effects {row.kind} never end"


def _journals(town: Town) -> Journals:
    """What the card gateway has done and the bank has told, as their own processes would have written it down."""
    return Journals(gateway=list(_operations(town)), bank=list(_transfers(town)))


def _operations(town: Town) -> Iterator[Record]:
    """Each thing that the gateway did, and what somebody let go there by hand."""
    voided: set[str] = set()
    for key, (request, answer) in town.cards.done.items():
        if answer.snapshot is None:
            continue
        operation, subject, *rest = request
        reference = answer.snapshot.reference
        voided |= {reference} if operation == "void" else set()
        order = {"id": reference, "order": subject, "status": "authorized"} if operation == "authorize" else {}
        amount = next((one for one in rest if isinstance(one, int)), 0)
        yield _operation(key, operation, authorization=reference, amount=amount, **order, **_ends(town, reference))
    for reference, card in town.cards.cards.items():
        if card.voided and reference not in voided:
            yield _operation(f"{reference}:by hand", "void", authorization=reference)


def _operation(key: str, operation: str, **answer: object) -> Record:
    return {"kind": "operation", "key": key, "operation": operation, "status": 201, "answer": answer}


def _ends(town: Town, reference: str) -> dict[str, str]:
    return {"expires_at": town.cards.ends[reference].isoformat()}


def _transfers(town: Town) -> Iterator[Record]:
    for row in town.rows(
        """SELECT e.event_id, o.shop, o.number, e.body->>'amount' AS amount FROM inbox_event e
           JOIN shop_order o ON o.id = e.order_id JOIN payment p ON p.order_id = o.id
           WHERE e.type = 'deposit.received' AND p.method = 'bank_transfer'"""
    ):
        transfer = {"shop": row.shop, "number": row.number, "amount": int(row.amount)}
        yield {"kind": "transfer", "reference": row.event_id, "transfer": transfer}
        yield {"kind": "delivered", "id": f"deposit:{row.event_id}", "type": "deposit.received"}


_REFUNDS = """
SELECT o.shop, o.number, count(*) AS refunds,
  (SELECT count(*) FROM mail m WHERE m.order_id = o.id AND m.template = 'refund_done' AND m.copy_of IS NULL) AS told
FROM shop_order o JOIN effect e ON e.order_id = o.id WHERE e.kind = 'payment.refund' AND e.state = 'done' GROUP BY o.id
"""


def _untold(town: Town) -> Iterator[str]:
    """Of every refund its customer heard."""
    for row in town.rows(_REFUNDS):
        if row.told < row.refunds:
            yield f"{row.shop}/{row.number}: {row.refunds} refunds were made, {row.told} told"


_MONEY = """
SELECT o.shop || '/' || o.number AS key, o.state, o.condition, p.state AS money, p.captured,
  EXISTS (SELECT FROM transition t WHERE t.order_id = o.id AND t.entity = 'payment'
          AND t.cause = 'received another way, says the operator') AS elsewhere
FROM shop_order o JOIN payment p ON p.order_id = o.id
"""


def _slips(town: Town) -> Iterator[str]:
    """What was paid at stores and by lenders is in the books, or before a human."""
    for row in town.rows(_MONEY):
        slip = town.slips.stands.get(town.slips.orders.get(row.key, ""))
        if slip is None or row.elsewhere or row.condition == "held":
            continue
        if slip.captured != row.captured:
            yield f"{row.key}: {row.captured} yen are in the books, {slip.captured} were paid ({row.money})"
        if slip.state == PaymentState.AUTHORIZED and row.condition == "done" and row.state == "cancelled":
            yield f"{row.key}: is cancelled, and its lender still pays"
