"""Any sequence of place, ship, cancel, return, expire, hold, release and grant keeps every invariant of the ledger.

The rules that decide transfers are the real ones in both runs. The long run books them in memory; the short one books
them in memory and in PostgreSQL, and the two must agree after every step. A diary shows that the drawn lives were many and
met everything that can happen to points.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import Engine

from models.points_invariants import POINTS
from models.states import LotState
from pipelines.changes.points import give_back
from pipelines.engine.draft import OrderDraft
from pipelines.engine.facts import UsedPoints
from pipelines.rules import lots as rules
from pipelines.rules.dates.periods import end_of
from pipelines.rules.lots import Transfer
from pipelines.rules.points import expiry, used
from tests.points.books import Database, Memory
from tests.rules.build import at, shop_with
from tests.stages.build import facts

CAP = 80
SHOP = shop_with("apparel", **{"use_cap = 5_000": f"use_cap = {CAP}"})
AMOUNT = st.integers(1, 60)
TOTAL = st.integers(0, 200)
ANY_ORDER = facts()
EVERYTHING = {
    *("grant", "use", "return", "activate", "expire"),
    *("hold", "release", "void", "void_held", "clawback", "owe"),
}


@dataclass
class Diary:
    """How many lives were drawn, and how often each kind of transfer was booked in them."""

    lives: int = 0
    kinds: Counter[str] = field(default_factory=Counter)


@dataclass
class Placed:
    """An order: the lot it earned, what it used by lot, and what came back of it."""

    number: int
    earned: int
    used: list[tuple[int, int]]
    state: str = "placed"
    returned: int = 0


class Ledger(RuleBasedStateMachine):
    """One customer's life."""

    def __init__(self, diary: Diary) -> None:
        super().__init__()
        diary.lives += 1
        self.diary = diary
        self.now = at("2026-11-22 10:00:00")
        self.memory = Memory()
        self.orders: list[Placed] = []
        self.holds: list[list[tuple[int, int, bool]]] = []
        self.final: dict[int, str] = {}
        self.activated: Counter[int] = Counter()
        self.gone: Counter[int] = Counter()  # lost by the customer without being spent, by lot
        self.given_back: Counter[int] = Counter()  # by orders that had used them, by lot
        self.step = 0

    # How steps are booked; the database's machine books them twice.

    def grant(self, amount: int, state: LotState, expires_at: Any, *, limited: bool = False) -> int:
        self.diary.kinds["grant"] += 1
        return self.memory.grant(amount, state, expires_at, self.now, limited=limited)

    def move(self, transfers: list[Transfer], source: str) -> None:
        self.diary.kinds.update(transfer.kind for transfer in transfers)
        assert not any(transfer.debit in ("expired", "void") for transfer in transfers), "both are final (PTS-05)"
        self.activated.update(transfer.lot for transfer in transfers if transfer.kind == "activate")
        self.memory.move(transfers, source, self.now)
        for transfer in transfers:
            lot = self.memory.lots[transfer.lot]
            if transfer.kind == "return":
                self.given_back[transfer.lot] += transfer.amount
                assert lot.expires_at is None or lot.expires_at > self.now, "expired points are never restored (PTS-12)"
            if transfer.credit == "void" and transfer.amount == lot.amount:
                assert lot.state == LotState.VOID, "and what is wholly void stays so"

    def sweep(self) -> None:
        expired = self.memory.accounts["expired"]
        self.memory.expire(self.now)
        self.diary.kinds["expire"] += self.memory.accounts["expired"] > expired

    # What may happen.

    @initialize(amount=AMOUNT)
    def register(self, amount: int) -> None:
        """PTS-08."""
        self.grant(amount, LotState.VALID, expiry(self.now, SHOP))

    @rule(days=st.sampled_from([1, 10, 100, 200]))
    def time_goes_by(self, days: int) -> None:
        self.now += timedelta(days=days)
        valid = {lot.id: lot.remaining for lot in self.memory.lots.values()}
        self.sweep()
        self.gone.update({n: was - self.memory.lots[n].remaining for n, was in valid.items()})

    @rule(amount=AMOUNT)
    def acquire(self, amount: int) -> None:
        self.grant(amount, LotState.VALID, expiry(self.now, SHOP))

    @rule(amount=AMOUNT, days=st.integers(0, 150))
    def campaign(self, amount: int, days: int) -> None:
        until = end_of(self.now.date() + timedelta(days=days))
        before = {lot.id: lot.expires_at for lot in self.memory.open()}
        self.grant(amount, LotState.VALID, until, limited=True)
        after = {lot.id: lot.expires_at for lot in self.memory.lots.values()}
        assert all(after[number] == moment for number, moment in before.items()), (
            "limited points extend nothing (PTS-11)"
        )

    @rule(wish=AMOUNT | st.just("all"), total=TOTAL, earns=AMOUNT)
    def place(self, wish: Any, total: int, earns: int) -> None:
        """PTS-06, PTS-07: no more than is there, than the cap and than the order costs; PTS-13: nothing while points are
        owed."""
        lots = list(self.memory.lots.values())
        usable = sum(lot.remaining for lot in rules.spendable(lots, self.now)) - sum(lot.owed for lot in lots)
        transfers = rules.use(lots, used(wish, usable, SHOP.points.use_cap, total), self.now)
        spent = sum(transfer.amount for transfer in transfers)
        assert spent <= min(CAP, total, max(0, usable), total if wish == "all" else wish)
        number = len(self.orders)
        if transfers:
            self.move(transfers, f"order:{number}:use")
        lot = self.grant(earns, LotState.PENDING, None)
        self.orders.append(Placed(number, lot, [(t.lot, t.amount) for t in transfers]))

    @rule(wish=AMOUNT | st.just("all"), total=TOTAL, earns=AMOUNT)
    def place_and_ship(self, wish: Any, total: int, earns: int) -> None:
        """As most orders go; so that a short life sees points earned, spent and taken back."""
        self.place(wish, total, earns)
        self._ship(self.orders[-1])

    @precondition(lambda self: any(o.state == "placed" for o in self.orders))
    @rule(data=st.data())
    def ship(self, data: st.DataObject) -> None:
        """PTS-05: what is still pending becomes valid."""
        self._ship(data.draw(st.sampled_from([o for o in self.orders if o.state == "placed"])))

    def _ship(self, order: Placed) -> None:
        lot = self.memory.lots[order.earned]
        order.state = "shipped"
        if lot.state == LotState.PENDING:
            until = expiry(self.now, SHOP)
            one = Transfer(lot.id, lot.state, "valid", "activate", "pending", "valid", lot.remaining, 0, until)
            self.move([one], f"order:{order.number}:activate")
            assert all(
                other.expires_at == until
                for other in self.memory.open()
                if not other.limited
                and other.state == LotState.VALID
                and other.expires_at
                and other.expires_at > self.now
            ), "ordinary points last as long as the last acquisition (PTS-11)"

    @precondition(lambda self: any(o.state == "placed" for o in self.orders))
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        """PTS-12, PTS-14."""
        order = data.draw(st.sampled_from([o for o in self.orders if o.state == "placed"]))
        order.state = "cancelled"
        draft, source = OrderDraft(ANY_ORDER), f"order:{order.number}:return"
        for number, amount in order.used:
            lot = self.memory.lots[number]
            give_back(draft, SHOP, self.now, UsedPoints(number, amount, lot.state, lot.expires_at), amount, source)
        decision = draft.decision()
        assert decision.new_lots == [], "what expired is lost, not granted anew"
        back = [
            Transfer(m.lot, m.old, m.new, m.kind, m.debit, m.credit, m.amount, m.change) for m in decision.lot_moves
        ]
        if back:
            self.move(back, source)
        self._claw_back(order, self.memory.lots[order.earned].amount, "cancel")

    @precondition(lambda self: any(o.state == "shipped" for o in self.orders))
    @rule(data=st.data(), amount=AMOUNT, spent=st.booleans())
    def goods_come_back(self, data: st.DataObject, amount: int, spent: bool) -> None:
        """PTS-13; often after their points were spent."""
        order = data.draw(st.sampled_from([o for o in self.orders if o.state == "shipped"]))
        if spent:
            self.place("all", CAP, 1)
        left = self.memory.lots[order.earned].amount - order.returned
        self._claw_back(order, min(amount, left), f"return:{order.returned}")

    def _claw_back(self, order: Placed, wish: int, source: str) -> None:
        earned = self.memory.lots[order.earned]
        amount = min(wish, earned.amount - self.gone[earned.id])
        order.returned += wish
        if amount > 0:
            self.gone[earned.id] += amount
            transfers = rules.claw_back(list(self.memory.lots.values()), earned, amount, self.now)
            assert sum(t.amount for t in transfers) == amount
            self.move(transfers, f"order:{order.number}:{source}")

    @rule(amount=AMOUNT)
    def hold_some(self, amount: int) -> None:
        lots = list(self.memory.lots.values())
        usable = sum(lot.remaining for lot in rules.spendable(lots, self.now))
        if amount <= usable:
            self._hold(rules.hold(lots, amount, self.now))

    @precondition(lambda self: bool(self.orders))
    @rule(data=st.data())
    def hold_what_an_order_earned(self, data: st.DataObject) -> None:
        order = data.draw(st.sampled_from(self.orders))
        self._hold(rules.hold_earned([self.memory.lots[order.earned]]))

    def _hold(self, transfers: list[Transfer]) -> None:
        if transfers:
            self.step += 1
            self.move(transfers, f"hold:{self.step}")
            self.holds.append([(t.lot, t.amount, t.debit == "pending") for t in transfers])

    @precondition(lambda self: bool(self.holds))
    @rule(data=st.data(), outcome=st.sampled_from(["valid", "void"]))
    def release(self, data: st.DataObject, outcome: Any) -> None:
        parts = self.holds.pop(data.draw(st.integers(0, len(self.holds) - 1)))
        stand = self.memory.lots
        held = [(stand[n], min(a, stand[n].held), pending) for n, a, pending in parts if stand[n].held]
        transfers = rules.release(held, outcome, expiry(self.now, SHOP))
        self.gone.update({t.lot: t.amount for t in transfers if t.credit == "void"})
        if transfers:
            self.step += 1
            self.move(transfers, f"release:{self.step}")

    # What always holds.

    @invariant()
    def balances_are_what_is_in_the_lots(self) -> None:
        lots = self.memory.lots.values()
        accounts = self.memory.accounts
        assert sum(accounts.values()) == 0
        assert accounts["pending"] == sum(lot.remaining for lot in lots if lot.state == LotState.PENDING)
        assert accounts["held"] == sum(lot.held for lot in lots)
        valid = sum(lot.remaining for lot in lots if lot.state == LotState.VALID)
        assert accounts["valid"] == valid - sum(lot.owed for lot in lots)

    @invariant()
    def nothing_is_negative_but_through_a_clawback(self) -> None:
        accounts = self.memory.accounts
        assert accounts["pending"] >= 0
        assert accounts["held"] >= 0
        assert accounts["valid"] >= 0 or accounts["clawed_back"] > 0
        assert all(
            lot.remaining >= 0 and 0 <= lot.owed <= lot.amount and lot.held >= 0 for lot in self.memory.lots.values()
        )

    @invariant()
    def points_are_activated_at_most_once(self) -> None:
        assert all(count == 1 for count in self.activated.values())

    @invariant()
    def who_owes_has_nothing_to_spend(self) -> None:
        lots = self.memory.lots.values()
        assert not (any(lot.owed for lot in lots) and rules.spendable(lots, self.now))

    @invariant()
    def expired_and_void_are_final(self) -> None:
        for lot in self.memory.lots.values():
            assert self.final.get(lot.id, lot.state) == lot.state
            if lot.state in (LotState.EXPIRED, LotState.VOID):
                self.final[lot.id] = lot.state
        assert self.memory.accounts["expired"] >= 0
        assert self.memory.accounts["void"] >= 0

    @invariant()
    def cancelled_orders_keep_nothing(self) -> None:
        for order in self.orders:
            lot = self.memory.lots[order.earned]
            # But for what another order had used of it before, and gave back after: others paid for that by then.
            assert order.state != "cancelled" or lot.remaining + lot.held <= self.given_back[lot.id]


class RealLedger(Ledger):
    """The same life, booked by the real statements beside the model; one transaction a life, never committed."""

    def __init__(self, diary: Diary, engine: Engine) -> None:
        super().__init__(diary)
        self.connection = engine.connect()
        self.real = Database(self.connection)

    def grant(self, amount: int, state: LotState, expires_at: Any, *, limited: bool = False) -> int:
        self.real.grant(amount, state, expires_at, self.now, limited=limited)
        return self._agreed(super().grant(amount, state, expires_at, limited=limited))

    def move(self, transfers: list[Transfer], source: str) -> None:
        self.real.move(transfers, source, self.now)
        super().move(transfers, source)
        self._agreed(0)

    def sweep(self) -> None:
        self.real.expire(self.now)
        super().sweep()
        self._agreed(0)

    def _agreed(self, lot: int) -> int:
        assert self.real.lots == self.memory.lots
        accounts = self.memory.accounts
        assert self.real.balance == (accounts["pending"], accounts["valid"], accounts["held"])
        return lot

    def teardown(self) -> None:
        for one in POINTS:
            assert self.connection.exec_driver_sql(one.query).fetchall() == [], one.name
        self.connection.rollback()
        self.connection.close()


def live(machine: Callable[[], Ledger], lives: int) -> None:
    run_state_machine_as_test(
        machine,  # type: ignore[arg-type]
        settings=settings(
            max_examples=lives, stateful_step_count=12, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )


def test_any_sequence_keeps_every_invariant() -> None:
    diary = Diary()
    live(lambda: Ledger(diary), 2_000)
    assert diary.lives >= 2_000
    assert diary.kinds.keys() == EVERYTHING


def test_the_statements_book_what_the_model_books(engine: Engine) -> None:
    diary = Diary()
    live(lambda: RealLedger(diary, engine), 100)
    assert diary.lives >= 100
    assert diary.kinds.keys() >= {"grant", "use", "activate", "hold"}
