"""TAX-02, PAY-12, B.1.2, B.1.3: the bill of a month, and what is given back after it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.rules.billing import REPRICED, Bill, BilledOrder, OrderHistory, bill, billed, credits_of, on_bill
from pipelines.rules.money.adjustments import FAULT, KINDS, SHORT, Adjustment, adjust, deduct, totals_after
from pipelines.rules.money.breakdown import TaxAmount
from pipelines.rules.money.pricing import price
from tests.examples import examples
from tests.rules.build import SHOPS, a_line, an_order, day, plain_shop
from tests.rules.drawn import CASES, Case

CLINIC = SHOPS["clinic"]


def an_entry(goods: int, *, rate: int = 10, shop: str = "clinic") -> BilledOrder:
    sums = price(an_order(shop, a_line(price=goods, tax_rate=rate)), SHOPS[shop])
    return billed("N-1", day("2026-11-20"), "direct_debit", sums, [])


def bill_of(
    *orders: BilledOrder,
    display: str = "ex_tax",
    rounding: str = "half_up",
    points: str = "discount",
    unit: str = "billing_month",
) -> Bill:
    return bill(orders, display=display, rounding=rounding, points_treatment=points, tax_unit=unit)


@pytest.mark.parametrize(
    ("unit", "goods", "shown", "on_the_bill"),
    [
        ("billing_month", 1_005, 303, 302),
        ("billing_month", 1_004, 300, 301),
        ("order", 1_005, 303, 303),
        ("order", 1_004, 300, 300),
    ],
)
def test_tax_is_rounded_in_the_document_that_states_it(unit: str, goods: int, shown: int, on_the_bill: int) -> None:
    """TAX-02: clinic, three orders, 10 %, half-up; where each order is an invoice of its own, the bill sums up what they state."""
    made = bill_of(*[an_entry(goods)] * 3, rounding=CLINIC.price.rounding, unit=unit)
    assert (made.shown_tax, made.tax_total) == (shown, on_the_bill)
    assert made.total == made.due == 3 * goods + on_the_bill


def test_every_rate_is_its_own() -> None:
    """B.1.2: 1,234 at 10 %, 987 and 55 at 8 %."""
    made = bill_of(an_entry(1_234), an_entry(987, rate=8), an_entry(55, rate=8), rounding="ceil")
    assert made.tax == (TaxAmount(10, 1_234, 124), TaxAmount(8, 1_042, 84))


def test_prices_that_contain_their_tax() -> None:
    """TAX-03."""
    made = bill_of(
        *[BilledOrder("N", day("2026-11-20"), "direct_debit", {10: 1_000}, {10: 90}, 0)] * 3, display="tax_included"
    )
    assert (made.tax_total, made.total) == (273, 3_000)


@pytest.mark.parametrize(("treatment", "gross"), [("discount", {10: 539, 8: 530}), ("payment", {10: 550, 8: 540})])
def test_points_on_a_bill(treatment: str, gross: dict[int, int]) -> None:
    """B.1.3: 540 and 550 yen, 21 points."""
    order = BilledOrder("N", day("2026-11-20"), "direct_debit", {10: 550, 8: 540}, {10: 50, 8: 40}, 21)
    made = bill_of(order, display="tax_included", points=treatment)
    assert (made.due, made.after_points) == (1_069, gross)


def test_what_was_taken_out_is_not_billed() -> None:
    """INT-13."""
    sums = price(an_order("plain", a_line("1", 1_000), a_line("2", 500)), plain_shop())
    entry = billed("N-1", day("2026-11-20"), "direct_debit", sums, [adjust(sums, [], SHORT, [("2", 1)])])
    assert (entry.bases, entry.shown_tax) == ({10: 1_000}, 100)


def test_a_month_without_orders() -> None:
    made = bill_of()
    assert (made.tax, made.due) == ((), 0)


OCTOBER, NOVEMBER, DECEMBER = (day(f"2026-{month}-01") for month in (10, 11, 12))


def a_history(*goods: int, **changes: Any) -> OrderHistory:
    """An order of clinic of 20 October, a line for each price."""
    lines = [a_line(str(at), price) for at, price in enumerate(goods, start=1)]
    priced = price(an_order("clinic", *lines), CLINIC)
    return OrderHistory("C-1", day("2026-10-20"), day("2026-10-20"), "direct_debit", priced, **changes)


def bill_in(month: date, *histories: OrderHistory) -> Bill:
    """The bill of a month as ``pipelines.billing`` makes it, at clinic's rules."""
    listed = [one for history in histories if (one := on_bill(history, month)) is not None]
    credited = [one for history in histories for one in credits_of(history, month)]
    return bill(
        listed,
        credited,
        display="ex_tax",
        rounding="half_up",
        points_treatment="discount",
        tax_unit="billing_month",
    )


def changed(history: OrderHistory, *changes: tuple[str, str, str]) -> OrderHistory:
    """The order after changes of (day, kind, line), a piece each."""
    done: list[tuple[date, Adjustment]] = []
    for on, kind, line in changes:
        done.append((day(on), adjust(history.breakdown, [one for _, one in done], kind, [(line, 1)])))
    return replace(history, changes=done)


@pytest.mark.parametrize(
    ("on", "october", "november", "december"),
    [
        ("2026-10-20", 0, 0, 0),
        ("2026-10-31", 0, 0, 0),
        ("2026-11-01", 55_000, -55_000, 0),
        ("2026-12-05", 55_000, 0, -55_000),
    ],
)
@pytest.mark.parametrize("whole", [False, True], ids=["its line came back", "cancelled as a whole"])
def test_a_bill_of_a_month_that_is_over_stays(whole: bool, on: str, october: int, november: int, december: int) -> None:
    """PAY-12: what was debited stays; what is given back later is on the bill of the month in which that was."""
    order = a_history(50_000)
    order = replace(order, cancelled_on=day(on)) if whole else changed(order, (on, FAULT, "1"))
    made = [bill_in(month, order) for month in (OCTOBER, NOVEMBER, DECEMBER)]
    assert [one.due - one.to_give_back for one in made] == [october, november, december]
    assert all(min(one.due, one.to_give_back) == 0 for one in made)
    assert sum(len(one.credits) for one in made) == (1 if october else 0)


@pytest.mark.parametrize(
    ("placed_on", "came_on", "dues"),
    [
        ("2026-10-31", "2026-10-31", [55_000, 0]),
        ("2026-10-31", "2026-11-01", [0, 55_000]),
        ("2026-11-01", "2026-10-31", [0, 55_000]),
    ],
    ids=["in time", "once its statement was issued", "by a storefront whose clock is ahead"],
)
def test_an_order_that_comes_once_its_month_was_debited_is_on_the_next_bill(
    placed_on: str, came_on: str, dues: list[int]
) -> None:
    """PAY-12: it is on one bill, whatever came back of it since."""
    order = replace(a_history(50_000), placed_on=day(placed_on), came_on=day(came_on))
    assert [bill_in(month, order).due for month in (OCTOBER, NOVEMBER)] == dues
    back = changed(order, ("2026-12-05", FAULT, "1"))
    assert bill_in(DECEMBER, back).to_give_back == 55_000
    soon = [bill_in(month, changed(order, ("2026-11-05", FAULT, "1"))) for month in (OCTOBER, NOVEMBER)]
    assert [(one.due, one.to_give_back) for one in soon] == ([(55_000, 0), (0, 55_000)] if dues[0] else [(0, 0)] * 2)


def test_what_is_credited_has_its_own_tax_and_names_the_original() -> None:
    """B.1.2, B.1.4, TAX-02: three returns of 1,005 yen, tax once per rate; the orders of the month beside them have theirs."""
    olds = [changed(a_history(1_005, 3_000), ("2026-12-05", FAULT, "1")) for _ in range(3)]
    new = OrderHistory("C-9", day("2026-12-01"), day("2026-12-01"), "direct_debit", a_history(10_000).breakdown)
    made = bill_in(DECEMBER, new, *olds)
    assert (made.tax, made.total) == ((TaxAmount(10, 10_000, 1_000),), 11_000)
    assert (made.credit_tax, made.credit_total) == ((TaxAmount(10, 3_015, 302),), 3_317)
    assert (made.due, made.to_give_back) == (7_683, 0)
    one = made.credits[0]
    assert (one.number, one.placed_on, one.made_on, one.kind, one.lines) == (
        "C-1",
        day("2026-10-20"),
        day("2026-12-05"),
        FAULT,
        (("1", 1),),
    )


def test_changes_are_on_the_bills_of_their_months() -> None:
    """PAY-12: one line missing in October, one back in November, the third in December."""
    order = changed(
        a_history(1_000, 2_000, 4_000),
        ("2026-10-25", SHORT, "1"),
        ("2026-11-25", FAULT, "2"),
        ("2026-12-25", FAULT, "3"),
    )
    made = [bill_in(month, order) for month in (OCTOBER, NOVEMBER, DECEMBER)]
    assert [one.total for one in made] == [6_600, 0, 0]
    assert [one.credit_total for one in made] == [0, 2_200, 4_400]


@pytest.mark.parametrize(("goods", "on_the_bill"), [(1_005, 302), (1_004, 301)])
def test_a_line_missing_in_the_month_leaves_the_bill_as_the_vectors_say(goods: int, on_the_bill: int) -> None:
    """TAX-02: three orders, each of which had another line that the shop could not supply."""
    orders = [changed(a_history(goods, 777), ("2026-10-21", SHORT, "2")) for _ in range(3)]
    made = bill_in(OCTOBER, *orders)
    assert (made.shown_tax, made.tax_total) == (3 * ((goods + 5) // 10), on_the_bill)
    assert made.total == 3 * goods + on_the_bill


def test_a_fee_agreed_after_the_month_is_on_the_next_bill() -> None:
    """INT-04, PAY-12: an order that was priced again once its bill was written."""
    before, after = a_history(1_000), a_history(1_000, 500)
    order = replace(after, repriced=[(day("2026-11-02"), before.breakdown)])
    made = [bill_in(month, order) for month in (OCTOBER, NOVEMBER, DECEMBER)]
    assert [one.due for one in made] == [1_100, 550, 0]
    assert [[one.kind for one in month.credits] for month in made] == [[], [REPRICED], []]
    assert bill_in(OCTOBER, replace(order, repriced=[(day("2026-10-30"), before.breakdown)])).due == 1_650
    twice = replace(
        order, repriced=[(day("2026-11-02"), a_history(700).breakdown), (day("2026-12-01"), before.breakdown)]
    )
    assert [bill_in(month, twice).due for month in (OCTOBER, NOVEMBER, DECEMBER)] == [770, 330, 550]


def test_points_that_were_spent_are_kept_back_on_the_bill() -> None:
    """PTS-13."""
    order = changed(a_history(1_000, 500), ("2026-12-05", FAULT, "1"))
    ((on, change),) = order.changes
    made = bill_in(DECEMBER, replace(order, changes=[(on, deduct(change, 30))]))
    assert (made.credit_total, made.points_kept, made.to_give_back) == (1_100, 30, 1_070)


@settings(max_examples=examples(300), deadline=None)
@given(CASES, st.sampled_from([(SHORT,), KINDS]), st.integers(0, 2**32), st.booleans())
def test_every_yen_is_on_one_bill(case: Case, kinds: tuple[str, ...], chance: int, ends: bool) -> None:
    """PAY-12: whatever was taken out in whichever month, all bills together come to what is left of the order."""
    dice, sums = Random(chance), case.sums
    days = [day(f"2026-{month}-{at:02}") for month in (10, 11, 12) for at in (20, 28)]
    pieces = [(line.line, 1) for line in sums.lines for _ in range(line.quantity)]
    dice.shuffle(pieces)
    done: list[tuple[date, Adjustment]] = []
    for on in days:
        if count := min(len(pieces), dice.randint(0, 3)):
            done.append((on, adjust(sums, [one for _, one in done], dice.choice(kinds), pieces[:count])))
            pieces = pieces[count:]
    cancelled_on = days[-1] if ends else None
    placed_on = came_on = day("2026-10-20")
    order = OrderHistory("N-1", placed_on, came_on, "direct_debit", sums, changes=done, cancelled_on=cancelled_on)
    display = sums.rules.display
    yen = points = 0
    for month in (OCTOBER, NOVEMBER, DECEMBER):
        listed = [one for one in [on_bill(order, month)] if one is not None]
        made = bill(
            listed,
            list(credits_of(order, month)),
            display=display,
            rounding=sums.rules.rounding,
            points_treatment="discount",
            tax_unit="order",
        )
        assert made.due - made.to_give_back == (
            made.total - made.points_used - made.credit_total + made.credit_points + made.points_kept
        )
        assert sum(made.credit_after_points.values()) >= made.credit_total - max(0, made.credit_points)
        yen += made.total - made.credit_total
        points += made.points_used - made.credit_points
    left = totals_after(sums, [one for _, one in done])
    worth = sum(one["base"] + (one["tax"] if display == "ex_tax" else 0) for one in left["tax"])
    assert (yen, points) == ((0, 0) if ends else (worth, left["points_used"]))
