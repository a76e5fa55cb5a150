"""The ledger (ポイント台帳): the one door through which points move.

Whoever moves points, a stage, the intake, a storefront's request or a periodic job, opens a ledger in its transaction:
balances are locked, the customers' purses are read, ``pipelines.rules.purse`` decides on them, and ``write`` keeps what came of
it. Here every move of a lot is held against the tables of ``models.states``, and a move of a lot that an order earned is
numbered in that order's own sequence, kept in its history and announced to its storefronts. A lot without an order has
no such history: its transfers in the ledger are all of it.

Locks are taken in one order: orders, then balances. A batch holds the orders that it decides, which it never waited for;
an order beyond them, that had earned what moves now, is locked if nobody has it, and the decision is taken again later if
somebody has. Whoever holds no orders tries the same, and takes its transaction again after waiting for them (``Raced``).
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from sqlalchemy import Connection

from models.states import LotState, may_move
from models.store import effects, orders, points, transitions
from models.store.customers import CustomerKey
from models.store.orders import CountedRow, OrderIdRow
from models.store.points import BalanceRow, LockedRow, LotChangeRow, LotRow, TransferRow
from models.store.transitions import TransitionRow
from pipelines.engine import announce
from pipelines.engine.decision import Decision, Move
from pipelines.engine.ledger_rows import balance_row, change_row, lot_of, new_rows, transfer_row
from pipelines.errors import IllegalMove, Raced
from pipelines.rules.lots import Activation, Lot, LotMove
from pipelines.rules.purse import Cause, Purse


class Ledger:
    """The purses of some customers, locked until the transaction ends. Orders of ``after`` are waited for first."""

    def __init__(self, connection: Connection, now: datetime, *, after: Collection[int] = ()) -> None:
        self.connection = connection
        self.now = now
        self._locked: set[CustomerKey] = set()
        self._closed: set[CustomerKey] = set()
        self._purses: dict[CustomerKey, Purse] = {}
        self._asking: dict[CustomerKey, set[int]] = defaultdict(set)
        self._ids: deque[int] = deque()
        orders.lock(connection, sorted(after))

    def open(self, customers: Collection[CustomerKey], *, opening: bool = False, named: Collection[int] = ()) -> None:
        """Lock the balances of customers, but for those that are, and read their lots and those ``named``.

        ``opening`` makes the balances that do not exist yet; without it such a customer's purse is empty.
        """
        new = [one for one in customers if one not in self._locked]
        self.lock(new, opening=new if opening else ())
        self.read(new, named)

    def lock(self, customers: Collection[CustomerKey], *, opening: Collection[CustomerKey] = ()) -> None:
        """Lock the balances of customers, and make those of ``opening`` that do not exist; purses are empty until they are
        read."""
        self._hold(points.lock_balances(self.connection, customers))
        missing = [one for one in opening if one not in self._locked]
        self._hold(points.open_balances(self.connection, missing))
        # One that another process made in this very moment.
        self._hold(points.lock_balances(self.connection, [one for one in missing if one not in self._locked]))
        for one in customers:
            self._purses[one] = self._purse(one)

    def _hold(self, locked: Iterable[LockedRow]) -> None:
        for row in locked:
            customer = CustomerKey(row.shop, row.customer_id)
            self._locked.add(customer)
            if row.closed:
                self._closed.add(customer)

    def _purse(self, customer: CustomerKey, lots: Iterable[Lot] = ()) -> Purse:
        return Purse(lots, self._new_id, closed=customer in self._closed)

    def read(self, customers: Collection[CustomerKey], named: Collection[int] = ()) -> None:
        """The purses of customers whose balances are locked."""
        lots: dict[tuple[str, str], list[Lot]] = defaultdict(list)
        for row in points.lots_of(self.connection, list(customers), list(named)):
            lots[row.shop, row.customer_id].append(lot_of(row))
        for one in customers:
            self._purses[one] = self._purse(one, lots[one])

    def read_lots(self, lots: Collection[int]) -> None:
        """Of purses that are locked only these lots: for what concerns no others."""
        found: dict[CustomerKey, list[Lot]] = defaultdict(list)
        for row in points.lots_by_id(self.connection, list(lots)):
            found[CustomerKey(row.shop, row.customer_id)].append(lot_of(row))
        for one, some in found.items():
            self._purses[one] = self._purse(one, some)

    def purse(self, shop: str, customer: str) -> Purse:
        """The purse of a customer whose balance was locked; what changes in it is written."""
        return self._purses[CustomerKey(shop, customer)]

    def close(self, customer: CustomerKey) -> None:
        """Void a customer's points, whose balance was opened, and those that come from now on (CON-06)."""
        self._purses[customer].close(
            Cause(f"withdrawn:{customer.shop}:{customer.customer_id}:{self.now.isoformat()}", self.now)
        )
        points.close_balance(self.connection, customer, closed=True)

    def reopen(self, customer: CustomerKey) -> None:
        """Let a customer who withdrew have points again; those that are void stay so."""
        self._purses[customer].closed = False
        points.close_balance(self.connection, customer, closed=False)

    def reserve(self, lots: int) -> None:
        """Ids for so many lots to grant, asked for at once."""
        if lots > len(self._ids):
            self._ids.extend(points.reserve_lot_ids(self.connection, lots - len(self._ids)))

    def _new_id(self) -> int:
        self.reserve(1)
        return self._ids.popleft()

    # Decisions of a batch.

    def carry_out(self, decision: Decision) -> None:
        """Do what a decision asks of points, on the purse as it stands.

        Raises IllegalMove, and leaves the purse as it was, for what the tables of ``models.states`` do not allow.
        """
        customer = _customer(decision)
        purse = self._purses[customer]
        checkpoint = purse.checkpoint()
        try:
            _carry_out(purse, decision, self.now)
            enforce(purse.moves)
        except Exception:
            purse.restore(checkpoint)
            raise
        self._asking[customer].add(decision.facts.id)

    def postpone(self, held: Collection[int]) -> set[int]:
        """Lock the orders whose lots move, but for those that are ``held``. Orders whose decisions cannot be carried out
        now, because another process has an order whose lot would move: nothing of their customers' points is written."""
        busy = self._busy(held)
        postponed: set[int] = set()
        for customer in [one for one, purse in self._purses.items() if busy and _orders_of([purse]) & busy]:
            del self._purses[customer]
            postponed |= self._asking.pop(customer, set())
        return postponed

    def _busy(self, held: Collection[int]) -> set[int]:
        others = sorted(_orders_of(self._purses.values()).difference(held))
        return set(others).difference(orders.lock_free(self.connection, others))

    # What came of it.

    def write(self) -> None:
        """Keep what became of all purses. Raises Raced, with the orders to wait for, if another process has them."""
        if busy := self._busy(()):
            raise Raced(busy)
        for purse in self._purses.values():
            enforce(purse.moves)
        moves = self.write_books()
        self.write_history(moves)

    def write_books(self) -> dict[int, list[Move]]:
        """Write lots, transfers and balances; the moves of lots by the order that earned them."""
        new: list[LotRow] = []
        changed: list[LotChangeRow] = []
        transfers: list[TransferRow] = []
        balances: list[BalanceRow] = []
        moves: dict[int, list[Move]] = defaultdict(list)
        for customer, purse in self._purses.items():
            if purse.transfers:
                new += new_rows(customer, purse)
                changed += map(change_row, purse.changed)
                transfers += [transfer_row(customer, one) for one in purse.transfers]
                balances.append(balance_row(customer, purse))
                for move in purse.moves:
                    if move.order_id is not None:
                        moves[move.order_id].append(Move("lot", str(move.lot), move.old, move.new, move.cause))
        points.add_lots(self.connection, new)
        points.change_lots(self.connection, changed)
        points.add_transfers(self.connection, transfers)
        points.change_balances(self.connection, balances)
        return moves

    def write_history(self, moves: dict[int, list[Move]]) -> None:
        """Number, keep and announce moves of lots by their orders, which are locked."""
        if not moves:
            return
        counted = [CountedRow(order, len(made)) for order, made in moves.items()]
        numbered = orders.count_moves(self.connection, counted)
        transitions.add(
            self.connection,
            [
                TransitionRow(order, move.entity, move.id, move.old, move.new, move.cause, self.now)
                for order, made in moves.items()
                for move in made
            ],
        )
        told = [
            announce.Told(OrderIdRow(row.shop, row.number, row.id), row.sequence - len(moves[row.id]), moves[row.id])
            for row in numbered
        ]
        effects.add(self.connection, announce.of_moves(told, announce.subscribers(self.connection), self.now))


def for_decisions(connection: Connection, decisions: Sequence[Decision], now: datetime) -> Ledger:
    """A ledger open for all that decisions ask; ``carry_out`` each of them next."""
    ledger = Ledger(connection, now)
    asking = [decision for decision in decisions if asks(decision)]
    if not asking:
        return ledger
    opening = {_customer(d) for d in asking if d.new_lots}
    ledger.lock({_customer(d) for d in asking}, opening=opening)
    # What is only granted as pending changes nothing of what is there, and most decisions grant nothing else.
    looking = [
        d
        for d in asking
        if d.lot_moves or d.clawbacks or d.used_again or any(n.state == LotState.VALID for n in d.new_lots)
    ]
    named = {one.lot for d in looking for one in (*d.lot_moves, *d.clawbacks)}
    if looking:
        ledger.read({_customer(d) for d in looking}, named)
    ledger.reserve(sum(len(d.new_lots) for d in asking))
    return ledger


def asks(decision: Decision) -> bool:
    """Whether a decision asks anything of points."""
    return bool(decision.new_lots or decision.lot_moves or decision.clawbacks or decision.used_again)


def enforce(moves: Iterable[LotMove]) -> None:
    """Raise IllegalMove for a move of a lot that the tables of ``models.states`` do not allow."""
    for move in moves:
        if move.old is not None and not may_move("lot", move.old, move.new):
            raise IllegalMove(f"lot: {move.old} -> {move.new} is not allowed")


def _customer(decision: Decision) -> CustomerKey:
    return CustomerKey(decision.facts.shop, decision.facts.customer_id)


def _carry_out(purse: Purse, decision: Decision, now: datetime) -> None:
    order = decision.facts.id
    for new in decision.new_lots:
        purse.grant(new, now, order)
    for asked in decision.lot_moves:
        if isinstance(asked, Activation):
            purse.activate(asked.lot, asked.expires_at, Cause(asked.source, now, order))
        else:
            purse.give_back(asked.lot, asked.amount, asked.regrant_until, Cause(asked.source, now, order))
    for clawback in decision.clawbacks:
        purse.claw_back(clawback.lot, clawback.amount, Cause(clawback.source, now, order))
    for again in decision.used_again:
        purse.use(again.amount, Cause(again.source, now, order))


def _orders_of(purses: Iterable[Purse]) -> set[int]:
    """Orders that had earned lots which move."""
    return {move.order_id for purse in purses for move in purse.moves if move.order_id is not None}
