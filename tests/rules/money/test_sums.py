"""TAX-09 and the invariants of B.8 and CPN-04 over any order of any shop: whatever is split adds up, to the yen.

The order's totals are the sums of its lines' parts; its pieces and its money, split over shipments, parcels, shortages,
cancels and returns in any portions, add up to the order again.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.rules.money.adjustments import (
    CANCEL,
    FAULT,
    KINDS,
    RETURN,
    SHORT,
    Adjustment,
    adjust,
    deduct,
    goodwill,
    rows_left,
    totals_after,
)
from pipelines.rules.money.breakdown import Breakdown
from pipelines.rules.money.pricing import price
from pipelines.rules.parcels import Claim, allocate
from pipelines.rules.split import split
from tests.examples import examples
from tests.rules.build import at
from tests.rules.drawn import CASES, Case

MANY = settings(max_examples=examples(2_000), deadline=None)
ANY_CHANCE = st.integers(0, 2**32)
NOON = at("2026-11-20 12:00:00")


def exact_tax(base: int, rate: int, display: str, rounding: str) -> int:
    """TAX-01, TAX-03 in fractions: the same as the law's wording, and another way than the product's."""
    tax = Fraction(base * rate, 100 if display == "ex_tax" else 100 + rate)
    return {"floor": math.floor(tax), "ceil": math.ceil(tax), "half_up": math.floor(tax + Fraction(1, 2))}[rounding]


def totals_are_the_sums_of_the_lines(sums: Breakdown) -> None:
    lines, extras = sums.lines, sums.shipping + sums.fees
    assert sums.goods == sum(line.amount for line in lines)
    assert sums.member_discount == sum(line.member_discount for line in lines)
    assert sums.coupon_discount == sum(coupon.amount for coupon in sums.coupons) == sum(line.coupon for line in lines)
    assert sums.coupon_points == sum(coupon.points for coupon in sums.coupons)
    for index, line in enumerate(lines):
        assert line.coupon == sum(coupon.by_line[index] for coupon in sums.coupons)
        assert line.net == line.amount - line.member_discount - line.coupon >= 0
        assert 0 <= line.points_used <= line.gross
    assert sums.points_earned == sum(line.points for line in lines)
    assert 0 <= sums.points_used - sum(line.points_used for line in lines) <= extras + extras_tax(sums)
    assert sums.grand_total == sums.before_points - sums.points_used >= 0


def tax_is_rounded_once_a_rate(sums: Breakdown, display: str, rounding: str) -> None:
    """TAX-01, TAX-03, TAX-08, B.1.2."""
    extras, on_top = sums.shipping + sums.fees, display == "ex_tax"
    for one in sums.tax:
        lines = [line for line in sums.lines if line.tax_rate == one.rate]
        standard = one.rate == 10
        assert one.base == sum(line.net for line in lines) + (extras if standard else 0)
        assert one.tax == exact_tax(one.base, one.rate, display, rounding)
        assert one.tax == sum(line.tax for line in lines) + (extras_tax(sums) if standard else 0)
        assert all(line.gross == line.net + (line.tax if on_top else 0) for line in lines)
    assert {line.tax_rate for line in sums.lines} <= {one.rate for one in sums.tax}
    assert sums.tax_total == sum(one.tax for one in sums.tax)
    assert sums.before_points == sum(one.base for one in sums.tax) + (sums.tax_total if on_top else 0)


def points_used_are_the_least_of_their_limits(case: Case) -> None:
    """PTS-06, PTS-07, B.8: what was asked, the valid balance, the cap and the total."""
    sums, cap, asked = case.sums, case.shop.points.use_cap, case.order.points_use
    limits = [max(0, case.balance + sums.coupon_points), sums.before_points]
    limits += [cap] if cap is not None else []
    limits += [asked] if asked != "all" else []
    assert sums.points_used == min(limits)


@MANY
@given(CASES)
def test_every_breakdown_adds_up(case: Case) -> None:
    """TAX-09: both price displays, every rounding, every rule of money of four shops; and it is stored as it is."""
    totals_are_the_sums_of_the_lines(case.sums)
    tax_is_rounded_once_a_rate(case.sums, case.shop.price.display, case.shop.price.rounding)
    points_used_are_the_least_of_their_limits(case)
    assert Breakdown.from_json(case.sums.to_json()) == case.sums


def extras_tax(sums: Breakdown) -> int:
    """The tax that fell on shipping and fees."""
    return sums.tax_total - sum(line.tax for line in sums.lines)


def taken_apart(sums: Breakdown, kinds: Sequence[str], dice: Random) -> list[Adjustment]:
    """The order given back to the last piece, in a sequence and in portions that the dice decide."""
    pieces = [(line.line, 1) for line in sums.lines for _ in range(line.quantity)]
    dice.shuffle(pieces)
    done: list[Adjustment] = []
    while pieces:
        count, kind = dice.randint(1, 4), dice.choice(kinds)
        fee = dice.choice([0, 1_500]) if kind == RETURN else 0
        done.append(adjust(sums, done, kind, pieces[:count], return_fee=fee))
        pieces = pieces[count:]
    return done


def adds_up_to_the_order(sums: Breakdown, done: Sequence[Adjustment]) -> None:
    """Adjustments that took every piece out come to the whole order, by amount and by tax rate; only shipping and fees
    stay where something had been sent, and nothing that was given was more than was there."""
    for one in done:
        assert min(one.refund, one.money, one.points_returned, one.points_unearned, one.coupon, one.carried) >= 0
        assert one.coupon_recovered >= 0
        assert one.refund == one.money + one.points_returned + one.points_deducted
    pieces = Counter[str]()
    for one in done:
        pieces.update(dict(one.lines))
    assert pieces == {line.line: line.quantity for line in sums.lines}
    assert sum(one.amount for one in done) == sums.goods
    assert sum(one.member_discount for one in done) == sums.member_discount
    assert sum(one.coupon for one in done) == sums.coupon_discount
    assert sum(one.coupon_recovered for one in done) <= sums.coupon_discount
    assert sum(one.points_unearned for one in done) == sums.points_earned
    assert sum(one.rank_spend for one in done) == sum(line.rank_spend for line in sums.lines)
    assert sum(one.money for one in done) <= sums.grand_total
    assert sum(one.points_returned for one in done) <= sums.points_used
    kept = totals_after(sums, done)
    extras = kept["shipping"] + kept["fees"]
    on_top = kept["tax_total"] if sums.rules.display == "ex_tax" else 0
    assert [one["rate"] for one in kept["tax"] if one["rate"] != 10] == [], "no tax of goods is left"
    assert sum(one["base"] for one in kept["tax"]) == extras
    assert kept["before_points"] == kept["points_used"] + kept["grand_total"] == extras + on_top - done[-1].carried
    if not any(one.kind == RETURN for one in done):
        assert (kept["before_points"], kept["points_used"], kept["tax"]) == (0, 0, []), "nothing was ever sent"
    else:
        fallen_due = kept["shipping"] - sums.shipping + sum(one.return_fee for one in done)
        assert extras == sums.shipping + sums.fees + fallen_due
        assert kept["shipping"] in (sums.shipping, sums.shipping + sums.rules.waived_shipping)
        if not fallen_due:
            assert abs(kept["tax_total"] - extras_tax(sums)) <= 1, (
                "an invoice less its return invoices, each rounded once"
            )


@MANY
@given(CASES, st.sampled_from([(SHORT,), (SHORT, CANCEL), (RETURN,), KINDS]), ANY_CHANCE)
def test_any_sequence_of_changes_sums_to_the_order(case: Case, kinds: tuple[str, ...], chance: int) -> None:
    """CPN-04, PTS-12, PTS-13, TAX-09."""
    adds_up_to_the_order(case.sums, taken_apart(case.sums, kinds, Random(chance)))


@MANY
@given(CASES, st.sampled_from([(SHORT,), (CANCEL,), (SHORT, CANCEL)]), ANY_CHANCE)
def test_what_is_left_before_dispatch_is_taxed_as_one_invoice(case: Case, kinds: tuple[str, ...], chance: int) -> None:
    """B.1.2, INT-13: after every step the rest has its tax once per rate, and the money given so far is the difference."""
    sums, rules = case.sums, case.sums.rules
    done = taken_apart(sums, kinds, Random(chance))
    for step in range(1, len(done) + 1):
        left = totals_after(sums, done[:step])
        for one in left["tax"]:
            assert one["tax"] == exact_tax(one["base"], one["rate"], rules.display, rules.rounding)
        if not done[step - 1].carried:
            on_top = left["tax_total"] if rules.display == "ex_tax" else 0
            assert left["before_points"] == sum(one["base"] for one in left["tax"]) + on_top


@MANY
@given(CASES, ANY_CHANCE)
def test_what_came_back_is_taxed_on_its_own(case: Case, chance: int) -> None:
    """B.1.2: what was supplied stays as its invoice says; a return invoice rounds what came back."""
    sums, dice = case.sums, Random(chance)
    pieces = [(line.line, 1) for line in sums.lines for _ in range(line.quantity)]
    dice.shuffle(pieces)
    at = dice.randint(1, len(pieces))
    done = [adjust(sums, [], dice.choice([SHORT, CANCEL]), pieces[: at - 1])] if at > 1 else []
    back = adjust(sums, done, FAULT, pieces[at - 1 : at])
    if at < len(pieces):  # else shipping goes back as well
        for one in back.tax:
            of_that = exact_tax(abs(one.base), one.rate, sums.rules.display, sums.rules.rounding)
            assert one.tax == (of_that if one.base > 0 else -of_that)


@MANY
@given(CASES, ANY_CHANCE)
def test_what_people_read_adds_up_after_every_change(case: Case, chance: int) -> None:
    """Whatever came before, goodwill, return fees and points that were kept back too: no row is below zero, and goods less discounts, with
    shipping, fees and tax, less points and what the shop bears, are what is left to pay."""
    sums, dice, done = case.sums, Random(chance), list[Adjustment]()
    pieces = [(line.line, 1) for line in sums.lines for _ in range(line.quantity)]
    dice.shuffle(pieces)
    while pieces:
        left = rows_left(sums, done)["grand_total"]
        if left and dice.random() < 0.3:
            done.append(goodwill(dice.choice([left, dice.randint(1, left)])))
        count, kind = dice.randint(1, 3), dice.choice(KINDS)
        fee = dice.choice([0, 1_500]) if kind == RETURN else 0
        change = adjust(sums, done, kind, pieces[:count], return_fee=fee)
        done.append(deduct(change, dice.choice([0, 7, 500])))
        pieces = pieces[count:]
        rows = rows_left(sums, done)
        on_top = rows["tax_total"] if sums.rules.display == "ex_tax" else 0
        costs = (
            rows["goods"] - rows["member_discount"] - rows["coupon_discount"] + rows["shipping"] + rows["fees"] + on_top
        )
        off = rows["points_used"] + rows["goodwill"] + rows["waived"]
        assert (
            costs - off + rows["points_deducted"]
            == rows["grand_total"]
            == sums.grand_total - sum(one.money for one in done)
        )
        assert min(value for name, value in rows.items() if name not in ("tax", "before_points")) >= 0, rows


@MANY
@given(CASES, st.sampled_from(KINDS), ANY_CHANCE)
def test_portions_do_not_matter(case: Case, kind: str, chance: int) -> None:
    """Two steps come to what one step comes to."""
    sums, dice = case.sums, Random(chance)
    first = [(line.line, dice.randint(1, line.quantity)) for line in sums.lines]
    second = [(line, sums.lines[int(line)].quantity - count) for line, count in first]
    second = [(line, dice.randint(1, left)) for line, left in second if left]
    if not second:
        return
    at_once = adjust(sums, [], kind, [*first, *second])
    one = adjust(sums, [], kind, first)
    two = adjust(sums, [one], kind, second)
    for name in ("amount", "member_discount", "coupon", "coupon_recovered", "shipping", "fees", "points_unearned"):
        assert getattr(one, name) + getattr(two, name) == getattr(at_once, name)
    assert one.refund + two.refund - two.carried == at_once.refund - at_once.carried


@MANY
@given(CASES, st.sampled_from(KINDS), ANY_CHANCE)
def test_what_is_kept_earns_as_if_it_had_been_ordered_alone(case: Case, kind: str, chance: int) -> None:
    """INT-13, PTS-03, over every scope of rounding; a coupon or points would fall on it otherwise."""
    order, dice = replace(case.order, coupons=(), points_use=0), Random(chance)
    sums = price(order, case.shop)
    left = {line.line: dice.randint(0, line.quantity) for line in order.lines}
    gone = [(line.line, line.quantity - left[line.line]) for line in order.lines if left[line.line] < line.quantity]
    if not gone:
        return
    rest = tuple(replace(line, quantity=left[line.line]) for line in order.lines if left[line.line])
    alone = price(replace(order, lines=rest), case.shop).points_earned if rest else 0
    change = adjust(sums, [], kind, gone, earn_scope=case.shop.points.rounding_scope)
    assert sums.points_earned - change.points_unearned == alone


def boxed(lines: Sequence[tuple[str, int]], dice: Random) -> list[dict[str, int]]:
    """A shipment's pieces in parcels, as a supplier may claim them: some by line, the rest as all that is open."""
    claims = [
        Claim(f"P{n}", NOON, {line: dice.randint(0, pieces) for line, pieces in dice.sample(lines, len(lines))})
        for n in range(dice.randint(0, 3))
    ]
    dice.shuffle(claims)
    return [parcel for parcel in allocate(dict(lines), [*claims, Claim("rest", NOON)]).values() if parcel]


@MANY
@given(CASES, st.sampled_from([(SHORT,), KINDS]), ANY_CHANCE)
def test_any_split_over_shipments_and_parcels_sums_to_the_order(
    case: Case, kinds: tuple[str, ...], chance: int
) -> None:
    """SPL-01, SPL-03, SPL-07: every piece is in one parcel of one shipment; what the parcels are worth is the order."""
    dice, ordered = Random(chance), {line.line: line.quantity for line in case.order.lines}
    parts = split(case.order.lines, case.shop)
    planned = Counter[str]()
    for part in parts:
        planned.update(dict(part.lines))
    assert planned == ordered
    done: list[Adjustment] = []
    for part in parts:
        parcels = boxed(part.lines, dice)
        packed = Counter[str]()
        for parcel in parcels:
            packed.update(parcel)
            done.append(adjust(case.sums, done, dice.choice(kinds), parcel.items()))
        assert packed == dict(part.lines)
    adds_up_to_the_order(case.sums, done)
