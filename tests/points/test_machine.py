"""Any sequence of place, ship, cancel, return, expire, hold, release and grant keeps every invariant of the ledger.

Both runs let the product's own rules live a customer's life and compare them after every step with an oracle that counts
single points: the long run in memory, the short one through the ledger's door and the real statements. A diary shows that
the drawn lives were many and met everything that can happen to points. The lives are the same in every run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
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
from sqlalchemy import Connection, Engine

from models.points_invariants import POINTS
from models.states import LotState
from models.store import orders
from models.store.orders import NewOrderRow
from pipelines.engine.ledger import enforce
from pipelines.rules.dates.periods import end_of
from pipelines.rules.lots import LotMove, NewLot, Transfer
from pipelines.rules.points import expiry, used
from pipelines.rules.purse import Cause, HeldPart, Purse
from tests.points.books import CUSTOMER, PointByPoint, Product, Rules, Statements
from tests.rules.build import at, shop_with

CAP = 15
SHOP = shop_with("apparel", **{"use_cap = 5_000": f"use_cap = {CAP}"})
AMOUNT = st.integers(1, 12)
TOTAL = st.integers(0, 40)
EVERYTHING = {
    *("grant", "use", "return", "activate", "expire", "settle", "repay"),
    *("hold", "release", "void", "void_held", "clawback", "owe"),
}


@dataclass
class Diary:
    """How many lives were drawn, in how many the customer withdrew, and how often each kind of transfer was booked."""

    lives: int = 0
    withdrawals: int = 0
    kinds: Counter[str] = field(default_factory=Counter)


@dataclass
class Placed:
    """An order: its id, the number of the lot it earned, what it used by lot, and what came back of it."""

    id: int
    earned: int
    used: Counter[int]
    state: str = "placed"
    returned: int = 0


class Life(RuleBasedStateMachine):
    """One customer's life, by the rules and by the oracle."""

    def __init__(self, diary: Diary, product: Product) -> None:
        super().__init__()
        diary.lives += 1
        self.diary = diary
        self.product = product
        self.oracle = PointByPoint()
        self.now = at("2026-11-22 10:00:00")
        self.orders: list[Placed] = []
        self.holds: list[list[tuple[int, int, bool]]] = []
        self.final: dict[int, str] = {}
        self.activated: Counter[int] = Counter()
        self.given_back: Counter[int] = Counter()  # by orders that had used them, by lot
        self.step = 0

    def do(self, act: Callable[[Purse], object]) -> list[Transfer]:
        """Let the rules do something; whatever they do is checked here."""
        transfers = self.product.do(act, self.now)
        self.diary.kinds.update(one.kind for one in transfers)
        assert not any(one.debit in ("expired", "void") for one in transfers), "both are final (PTS-05)"
        self.activated.update(one.lot for one in transfers if one.kind == "activate")
        return transfers

    def cause(self, why: str, order: Placed | None = None) -> Cause:
        self.step += 1
        return Cause(f"{why}:{self.step}", self.now, order.id if order else None)

    def new_order(self) -> int:
        """The id of an order."""
        return len(self.orders) + 1

    def grant(
        self,
        amount: int,
        state: LotState,
        expires_at: datetime | None,
        *,
        limited: bool = False,
        order: int | None = None,
    ) -> int:
        new = NewLot(self.cause("grant").source, "purchase", amount, state, expires_at, limited)
        self.do(lambda purse: purse.grant(new, self.now, order))
        return self.oracle.grant(amount, state, expires_at, self.now, limited=limited)

    # What may happen.

    @initialize(amount=AMOUNT)
    def register(self, amount: int) -> None:
        """PTS-08."""
        self.grant(amount, LotState.VALID, expiry(self.now, SHOP))

    @rule(days=st.sampled_from([1, 10, 100, 200]))
    def time_goes_by(self, days: int) -> None:
        self.now += timedelta(days=days)
        self.do(lambda purse: purse.expire(self.cause("expiry")))
        self.oracle.expire(self.now)

    @rule(amount=AMOUNT)
    def acquire(self, amount: int) -> None:
        self.grant(amount, LotState.VALID, expiry(self.now, SHOP))

    @rule(amount=AMOUNT, days=st.integers(0, 150))
    def campaign(self, amount: int, days: int) -> None:
        until = end_of(self.now.date() + timedelta(days=days))
        before = {number: lot.expires_at for number, lot in self.product.shown().items()}
        self.grant(amount, LotState.VALID, until, limited=True)
        after = self.product.shown()
        assert all(after[number].expires_at == moment for number, moment in before.items()), "nothing rolls (PTS-11)"

    @rule(wish=AMOUNT | st.just("all"), total=TOTAL, earns=AMOUNT)
    def place(self, wish: Any, total: int, earns: int) -> None:
        """PTS-06, PTS-07: no more than is there, than the cap and than the order costs; PTS-13: nothing while points are
        owed."""
        amount = used(wish, self.oracle.usable(self.now), SHOP.points.use_cap, total)
        order = Placed(self.new_order(), 0, Counter())
        if amount:
            transfers = self.do(lambda purse: purse.use(amount, self.cause("use", order)))
            self.oracle.use(amount, self.now)
            order.used.update({self._number(one.lot): one.amount for one in transfers})
        assert order.used.total() <= min(CAP, total, total if wish == "all" else wish)
        order.earned = self.grant(earns, LotState.PENDING, None, order=order.id)
        self.orders.append(order)

    def _number(self, lot: int) -> int:
        return next(number for number in self.oracle.terms if self.product.lot(number) == lot)

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
        order.state = "shipped"
        until = expiry(self.now, SHOP)
        lot = self.product.lot(order.earned)
        if self.do(lambda purse: purse.activate(lot, until, self.cause("activate", order))):
            self.oracle.activate(order.earned, until, self.now)
            good = [(n, one) for n, one in self.product.shown().items() if one.state == LotState.VALID]
            assert all(
                one.expires_at == until
                for number, one in good
                if not self.oracle.terms[number].limited and one.expires_at and one.expires_at > self.now
            ), "ordinary points last as long as the last acquisition (PTS-11)"

    @precondition(lambda self: any(o.state == "placed" for o in self.orders))
    @rule(data=st.data(), regrant=st.booleans())
    def cancel(self, data: st.DataObject, regrant: bool) -> None:
        """PTS-12, PTS-14."""
        order = data.draw(st.sampled_from([o for o in self.orders if o.state == "placed"]))
        order.state = "cancelled"
        self._give_back(order, regrant=regrant)
        self._claw_back(order, self._size(order.earned))

    def _give_back(self, order: Placed, *, regrant: bool) -> None:
        until = end_of(self.now.date() + timedelta(days=30)) if regrant else None
        for number, amount in sorted(order.used.items()):
            lot = self.product.lot(number)
            cause = self.cause("return", order)
            transfers = self.do(lambda purse: purse.give_back(lot, amount, until, cause))  # noqa: B023 - done at once
            self.oracle.give_back(number, amount, until, self.now)
            if any(one.kind == "return" for one in transfers):
                self.given_back[number] += amount
                terms = self.oracle.terms[number]
                assert terms.expires_at is None or terms.expires_at > self.now, "expired points are never restored"

    def _size(self, number: int) -> int:
        return sum(point.lot == number for point in self.oracle.points)

    @precondition(lambda self: any(o.state != "cancelled" for o in self.orders))
    @rule(data=st.data(), amount=AMOUNT, spent=st.booleans())
    def goods_are_taken_out_or_come_back(self, data: st.DataObject, amount: int, spent: bool) -> None:
        """PTS-13, PTS-14; often after their points were spent."""
        order = data.draw(st.sampled_from([o for o in self.orders if o.state != "cancelled"]))
        if spent:
            self.place("all", CAP, 1)
        self._claw_back(order, min(amount, self._size(order.earned) - order.returned))

    def _claw_back(self, order: Placed, amount: int) -> None:
        order.returned += amount
        lot = self.product.lot(order.earned)
        transfers = self.do(lambda purse: purse.claw_back(lot, amount, self.cause("clawback", order)))
        self.oracle.take_back(order.earned, amount, self.now)
        assert sum(one.amount for one in transfers) <= amount

    @rule(amount=AMOUNT)
    def hold_some(self, amount: int) -> None:
        usable = self.oracle.usable(self.now) + sum(one.owed for one in self.oracle.terms.values())
        if amount > usable:
            with pytest.raises(ValueError, match="fewer"):
                self.do(lambda purse: purse.hold(amount, self.cause("hold")))
        else:
            self.holds.append(self._parts(self.do(lambda purse: purse.hold(amount, self.cause("hold")))))
            self.oracle.hold(amount, self.now)

    @precondition(lambda self: bool(self.orders))
    @rule(data=st.data())
    def hold_what_an_order_earned(self, data: st.DataObject) -> None:
        order = data.draw(st.sampled_from(self.orders))
        if transfers := self.do(lambda purse: purse.hold_earned(order.id, self.cause("hold", order))):
            self.holds.append(self._parts(transfers))
            self.oracle.hold_all(order.earned)

    def _parts(self, transfers: list[Transfer]) -> list[tuple[int, int, bool]]:
        return [(self._number(one.lot), one.amount, one.debit == "pending") for one in transfers]

    @precondition(lambda self: bool(self.holds))
    @rule(data=st.data(), outcome=st.sampled_from(["valid", "void"]))
    def release(self, data: st.DataObject, outcome: Any) -> None:
        parts = self.holds.pop(data.draw(st.integers(0, len(self.holds) - 1)))
        until = expiry(self.now, SHOP)
        assert until is not None
        held = [HeldPart(self.product.lot(number), amount, pending) for number, amount, pending in parts]
        self.do(lambda purse: purse.release(held, outcome, until, self.cause("release")))
        self.oracle.release(parts, outcome, until, self.now)

    @precondition(lambda self: not self.oracle.closed)
    @rule(really=st.integers(0, 9))
    def withdraw(self, really: int) -> None:
        """CON-06: seldom, since little can happen afterwards; what comes then is void at once."""
        if really == 9:
            self.product.withdraw(self.now)
            self.oracle.withdraw()
            self.diary.withdrawals += 1

    # What always holds.

    @invariant()
    def nobody_who_withdrew_has_points(self) -> None:
        if self.oracle.closed:
            pending, valid, held = self.product.balance()
            assert (pending, max(0, valid), held) == (0, 0, 0)

    @invariant()
    def the_rules_say_what_the_oracle_says(self) -> None:
        assert self.product.shown() == self.oracle.shown()
        assert self.product.balance() == self.oracle.balance()

    @invariant()
    def nothing_is_negative_but_through_a_clawback(self) -> None:
        pending, valid, held = self.product.balance()
        lots = self.product.shown()
        assert min(pending, held) >= 0
        assert valid >= 0 or any(lot.owed for lot in lots.values())
        assert all(lot.remaining >= 0 and 0 <= lot.owed <= self._size(n) and lot.held >= 0 for n, lot in lots.items())

    @invariant()
    def points_are_activated_at_most_once(self) -> None:
        assert all(count == 1 for count in self.activated.values())

    @invariant()
    def who_owes_has_nothing_to_spend(self) -> None:
        owed = sum(one.owed for one in self.oracle.terms.values())
        assert not owed or self.oracle.usable(self.now) == -owed

    @invariant()
    def expired_and_void_are_final(self) -> None:
        for number, lot in self.product.shown().items():
            assert self.final.get(number, lot.state) == lot.state
            if lot.state in (LotState.EXPIRED, LotState.VOID):
                self.final[number] = lot.state

    @invariant()
    def cancelled_orders_keep_nothing(self) -> None:
        lots = self.product.shown()
        for order in self.orders:
            lot = lots[order.earned]
            # But for what another order had used of it before, and gave back after: others paid for that by then.
            assert order.state != "cancelled" or lot.remaining + lot.held <= self.given_back[order.earned]


class LifeByRules(Life):
    """In memory: every move of a lot is one that the tables of states allow, and each begins where the one before ended."""

    def __init__(self, diary: Diary) -> None:
        self.memory = Rules()
        super().__init__(diary, self.memory)

    @invariant()
    def lots_move_as_the_tables_say(self) -> None:
        enforce(self.memory.purse.moves)
        stands: dict[int, str] = {}
        for move in self.memory.purse.moves:
            assert stands.get(move.lot) == move.old
            stands[move.lot] = move.new
        assert stands == {number: lot.state for number, lot in self.product.shown().items()}


class LifeInTheDatabase(Life):
    """By the real statements; one transaction a life, never committed."""

    def __init__(self, diary: Diary, engine: Engine) -> None:
        self.connection: Connection = engine.connect()
        super().__init__(diary, Statements(self.connection))

    def new_order(self) -> int:
        (number,) = orders.reserve_ids(self.connection, 1)
        row = NewOrderRow(
            id=number,
            shop=CUSTOMER.shop,
            number=f"O-{number}",
            content_hash=b"",
            customer_id=CUSTOMER.customer_id,
            locale="ja",
            method="card",
            currency="JPY",
            grand_total=0,
            placed_at=self.now,
            accepted_at=self.now,
        )
        assert orders.add(self.connection, [row]) == 1
        return number

    def teardown(self) -> None:
        with self.connection:
            for query in (*(one.query for one in POINTS if one.name not in _PRICED), _UNNUMBERED):
                assert self.connection.exec_driver_sql(query).fetchall() == [], query


#: Orders of a life have no document with prices, and were never taken in: their own first move is missing.
_PRICED = {"points_used_within_order"}
_UNNUMBERED = """
SELECT o.id FROM shop_order o
WHERE o.sequence <> 1 + (SELECT count(*) FROM transition t WHERE t.order_id = o.id AND t.entity = 'lot')
"""


def live(machine: Callable[[], Life], lives: int) -> None:
    run_state_machine_as_test(
        machine,  # type: ignore[arg-type]
        settings=settings(
            max_examples=lives,
            stateful_step_count=12,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.timeout(900)  # some ten seconds; a loaded machine may take them many times
def test_any_sequence_keeps_every_invariant() -> None:
    diary = Diary()
    live(lambda: LifeByRules(diary), 2_000)
    assert diary.lives >= 2_000
    assert diary.withdrawals >= 50
    assert diary.kinds.keys() == EVERYTHING


@pytest.mark.timeout(900)
def test_the_statements_book_what_the_rules_decide(engine: Engine) -> None:
    diary = Diary()
    live(lambda: LifeInTheDatabase(diary, engine), 100)
    assert diary.lives >= 100
    assert diary.kinds.keys() >= {"grant", "use", "activate", "hold", "return", "clawback"}


def test_a_move_that_the_tables_do_not_know_is_refused() -> None:
    with pytest.raises(Exception, match="lot: void -> valid is not allowed"):
        enforce([LotMove(1, None, "void", "valid", "test")])
