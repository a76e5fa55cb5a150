"""Who may return what: each shop by its own published words (A.12, A.16), every edge of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import get_args

import pytest

from pipelines.changes.coming_back import sold_of
from pipelines.engine.draft import OrderDraft
from pipelines.engine.facts import LineFacts
from pipelines.rules.order import ShipTo
from pipelines.rules.returns.case import Reason, Remedy
from pipelines.rules.returns.judge import options
from pipelines.shops.returning import ReturnReason, ReturnRemedy
from tests.rules.build import SHOPS, a_line, an_order, at, day, plain_shop, shop_with
from tests.rules.returns.build import asked, judged, sent, whole
from tests.stages.build import facts, parcel, shipment


def test_profiles_and_rules_have_the_same_words() -> None:
    assert get_args(ReturnReason) == tuple(Reason)
    assert get_args(ReturnRemedy) == tuple(Remedy)


@pytest.mark.parametrize(
    ("shop", "reason", "remedies", "cost_on", "approve", "rule"),
    [
        ("clinic", "defect", ["replacement"], "shop", "human", "RET-01"),
        ("clinic", "wrong_item", ["replacement"], "shop", "human", "RET-01"),
        ("clinic", "damaged", ["replacement"], "shop", "human", "RET-01"),
        ("apparel", "defect", ["refund", "exchange"], "shop", "human", "RET-02"),
        ("apparel", "unwanted", ["refund", "exchange"], "customer", "automatic", "RET-02"),
        ("reuse", "unwanted", ["refund"], "customer", "automatic", "RET-03"),
        ("reuse", "wrong_item", ["refund"], "shop", "human", "RET-03"),
        ("reuse", "damaged", ["refund"], "shop", "human", "RET-04"),
        ("salon", "defect", ["exchange"], "shop", "human", "RET-06"),
        ("salon", "unwanted", ["exchange"], "customer", "human", "RET-06"),
    ],
)
def test_remedy_and_cost(shop: str, reason: str, remedies: list[str], cost_on: str, approve: str, rule: str) -> None:
    line = judged(shop, asked(reason))
    assert (line.allowed, list(line.remedies), line.cost_on, line.approve) == (True, remedies, cost_on, approve)
    assert line.remedy == remedies[0]
    assert line.because[0].rule == rule


@pytest.mark.parametrize(
    ("shop", "reason"),
    [("clinic", "unwanted"), ("clinic", "not_authentic"), ("apparel", "not_authentic"), ("salon", "not_authentic")],
)
def test_a_reason_that_the_shop_does_not_accept(shop: str, reason: str) -> None:
    """RET-01: only damage or a wrong item; RET-05 is reuse's alone."""
    line = judged(shop, asked(reason))
    assert (line.allowed, line.apply_by, line.remedies, line.remedy) == (False, None, (), None)
    assert line.because[0].says == "Goods are not taken back for this reason."


@pytest.mark.parametrize(
    ("shop", "reason", "apply_by", "goods_by"),
    [
        ("clinic", "damaged", "2026-11-11", None),  # RET-01: arrival 11-03 and eight days
        ("apparel", "defect", "2026-11-10", None),  # RET-02
        ("apparel", "unwanted", "2026-11-10", None),
        ("reuse", "unwanted", "2026-11-11", "2026-11-15"),  # RET-03, B.10: dispatched 11-01
        ("reuse", "damaged", "2026-11-10", None),  # RET-04
        ("salon", "defect", "2026-11-10", None),  # RET-06 (a): a week from arrival
        ("salon", "unwanted", "2026-11-08", None),  # RET-06 (b): a week from purchase and from dispatch
    ],
)
def test_last_second_in_first_second_out(shop: str, reason: str, apply_by: str, goods_by: str | None) -> None:
    """B.10: the first day is not counted, the last one counts to its end, in Japan."""
    last = judged(shop, asked(reason), when=f"{apply_by} 23:59:59")
    assert (last.allowed, last.apply_by) == (True, day(apply_by))
    assert last.goods_by == (day(goods_by) if goods_by else None)
    first_out = judged(shop, asked(reason), when=f"{date.fromordinal(day(apply_by).toordinal() + 1)} 00:00:00")
    assert (first_out.allowed, first_out.apply_by) == (False, day(apply_by))
    assert "Within" not in first_out.because[0].says
    assert "It was to be asked for" in first_out.because[0].says


@pytest.mark.parametrize(
    ("placed", "left", "arrived", "reason", "apply_by"),
    [
        ("2026-11-01 23:59:59", "2026-11-05", "2026-11-06", "unwanted", "2026-11-08"),  # purchase is the earlier
        ("2026-11-05 00:00:00", "2026-11-05", "2026-11-06", "unwanted", "2026-11-12"),  # both the same
        ("2026-11-01 10:00:00", "2026-11-20", "2026-11-21", "unwanted", "2026-11-08"),  # over before it left
        ("2026-11-01 10:00:00", "2026-11-20", "2026-11-21", "defect", "2026-11-28"),  # arrival alone
    ],
)
def test_the_three_clocks_of_salon(placed: str, left: str, arrived: str, reason: str, apply_by: str) -> None:
    """RET-06, A.16.2: a defect by arrival; the customer's reason by purchase and dispatch, whichever ends first."""
    sold = sent(SHOPS["salon"], a_line(), placed_at=placed, left=left, where={"delivered_on": day(arrived)})
    line = judged("salon", asked(reason), sold, when=f"{arrived} 12:00:00")
    assert line.apply_by == day(apply_by)
    assert line.allowed == (day(arrived) <= day(apply_by))


def test_dispatch_is_a_clock_of_salons_own() -> None:
    """RET-06: a pre-order that left before it was paid would go by dispatch."""
    sold = sent(SHOPS["salon"], a_line(), placed_at="2026-11-05 10:00:00", left="2026-11-04")
    assert judged("salon", asked("unwanted"), sold, when="2026-11-06 00:00:00").apply_by == day("2026-11-11")


@pytest.mark.parametrize(
    ("where", "apply_by", "says"),
    [
        ({"delivered_on": day("2026-11-03")}, "2026-11-10", "(day of arrival)"),
        ({"delivered_on": None, "arrives_on": day("2026-11-03")}, "2026-11-11", "no carrier reported it"),
        ({"delivered_on": None}, "2026-11-10", "no carrier reported it"),  # the day after dispatch, and one more
    ],
    ids=["as tracking says", "the planned day and one more (A.16.9)", "without a plan"],
)
def test_arrival(where: dict[str, date | None], apply_by: str, says: str) -> None:
    """A.16.9: `delivery.delivered_after_days`, and the answer says which day was taken."""
    line = judged("apparel", asked("defect"), sent(SHOPS["apparel"], a_line(), where=where))
    assert line.apply_by == day(apply_by)
    assert says in line.because[0].says


_OKINAWA = ShipTo("organisation", "医院", "900-0014", "沖縄県", "那覇市", "松尾1-2-3")


@pytest.mark.parametrize(
    ("now", "allowed"), [("2026-11-12 12:00:00", True), ("2026-11-13 23:59:59", True), ("2026-11-14 00:00:00", False)]
)
def test_what_left_without_a_plan_arrives_by_the_days_of_its_way(now: str, allowed: bool) -> None:
    """A.16.9, RET-01, B.4.6: left on 1 November for 沖縄県 it is there on the 4th, and counts from the day after through the 13th."""
    order = an_order("clinic", a_line(availability="backorder"), ship_to=_OKINAWA, placed_at="2026-10-20 10:00:00")
    undated = shipment(state="shipped", lines={"1": LineFacts(1, 0, 1)}, dispatch_on=None, arrive_on=None)
    left = parcel(shipped_at=at("2026-11-01 16:00:00"))
    sold = sold_of(OrderDraft(facts(order, state="shipped", shipments=(undated,), parcels=(left,))), SHOPS["clinic"])
    assert sold.lines["1"].arrives_on == day("2026-11-04")
    line = judged("clinic", asked("damaged"), sold, now)
    assert (line.apply_by, line.allowed) == (day("2026-11-13"), allowed)
    unplanned = replace(sold, lines={"1": replace(sold.lines["1"], arrives_on=None)})
    assert judged("clinic", asked("damaged"), unplanned, now).apply_by == line.apply_by


@pytest.mark.parametrize(("price", "allowed"), [(299_999, True), (300_000, True), (300_001, False)])
def test_the_price_limit_of_reuse_is_one_items(price: int, allowed: bool) -> None:
    """RET-03, A.16.1: 300,000 and less, whatever the order comes to; what is the shop's fault has no limit (RET-04)."""
    sold = sent(SHOPS["reuse"], a_line("1", price), a_line("2", 290_000))
    assert judged("reuse", asked("unwanted"), sold).allowed == allowed
    assert judged("reuse", asked("damaged"), sold).allowed


@pytest.mark.parametrize(
    ("method", "allowed"),
    [("card", True), ("amazon_pay", False), ("paypay", False), ("konbini", False), ("cod", False), ("loan", False)],
)
def test_the_methods_of_reuse(method: str, allowed: bool) -> None:
    """RET-03, A.16.1: card alone; Amazon Pay and PayPay are no cards."""
    sold = sent(SHOPS["reuse"], a_line(), method=method)
    assert judged("reuse", asked("unwanted"), sold).allowed == allowed
    assert judged("reuse", asked("damaged"), sold).allowed


@pytest.mark.parametrize(
    ("shop", "reason", "condition", "allowed"),
    [
        ("apparel", "unwanted", "tried_on", True),  # RET-02: indoors is fine
        ("apparel", "unwanted", "unopened", True),
        *(
            ("apparel", reason, condition, False)
            for reason in ("unwanted", "defect")
            for condition in ("used", "soiled", "smell", "washed", "repaired", "tag_lost", "box_lost", "manual_lost", "accessory_lost")
        ),
        ("apparel", "unwanted", "opened", False),
        ("apparel", "defect", "opened", True),  # how else would it be found
        ("apparel", "defect", "damaged", True),
        ("apparel", "unwanted", "damaged", False),
        ("clinic", "damaged", "opened", True),
        ("salon", "unwanted", "opened", False),  # RET-06 (b)
        ("salon", "unwanted", "used", False),
        ("salon", "unwanted", "damaged", False),
        ("salon", "defect", "opened", True),
        ("reuse", "not_authentic", "opened", False),  # RET-05: without a certificate
        ("reuse", "not_authentic", "certificate", True),
    ],
)  # fmt: skip
def test_conditions(shop: str, reason: str, condition: str, allowed: bool) -> None:
    assert judged(shop, asked(reason, condition)).allowed == allowed


def test_a_claim_of_authenticity_is_looked_at_by_a_person() -> None:
    """RET-05: manual, and without a last day."""
    line = judged("reuse", asked("not_authentic", "certificate"), when="2028-01-01 00:00:00")
    assert (line.allowed, line.apply_by, line.approve, line.cost_on) == (True, None, "human", "shop")


@pytest.mark.parametrize(
    ("shop", "flag", "reason", "allowed"),
    [
        ("apparel", "sale", "unwanted", False),  # RET-02: no return or exchange at all
        ("apparel", "sale", "defect", False),
        ("apparel", "non_returnable", "unwanted", False),
        ("apparel", "campaign", "unwanted", True),
        *(("salon", flag, "unwanted", False) for flag in ("sale", "campaign", "trial", "books", "non_returnable")),
        ("salon", "sale", "defect", True),  # RET-06 (a) has no such list
        ("salon", "books", "wrong_item", True),
    ],
)
def test_flags(shop: str, flag: str, reason: str, allowed: bool) -> None:
    """Books of salon do not come back even unopened."""
    sold = sent(SHOPS[shop], a_line(flags=frozenset({flag})))
    line = judged(shop, asked(reason, "unopened"), sold)
    assert line.allowed == allowed
    assert allowed or line.because[0].says == f"Goods marked {flag} are not taken back."


@pytest.mark.parametrize(
    ("announced", "until"),
    [
        ("2026-10-01", "2026-11-01"),
        ("2026-10-05", "2026-11-05"),
        ("2026-11-01", "2026-11-08"),  # the week from dispatch ends before
    ],
)
def test_a_discontinued_product_of_salon(announced: str, until: str) -> None:
    """RET-06: for a month since it was announced; by SKU, or by what variants share; of a defect it does not matter."""
    for name in ("SKU-1", "POMADE"):
        told = f"customer_fee = 1_500\ndiscontinued = {{ {name} = {announced} }}"
        shop = shop_with("salon", **{"customer_fee = 1_500": told})
        sold = sent(shop, a_line(product="POMADE"))
        assert judged(shop, asked("unwanted"), sold, when=f"{until} 23:59:59").allowed
        late = judged(shop, asked("unwanted"), sold, when=f"{date.fromordinal(day(until).toordinal() + 1)} 00:00:00")
        assert (late.allowed, late.apply_by) == (False, day(until))
        assert judged(shop, asked("defect"), sold).apply_by == day("2026-11-10")


@pytest.mark.parametrize(
    ("reason", "cost_on"), [("unwanted", "customer"), ("defect", "shop"), ("wrong_item", "shop"), ("damaged", "shop")]
)
def test_a_shop_that_shows_no_terms(reason: str, cost_on: str) -> None:
    """RET-09, B.10: eight days, the day of delivery counted (11-01 ends on 11-08); the buyer bears the cost of the return."""
    shop = plain_shop()
    sold = sent(shop, a_line(), where={"delivered_on": day("2026-11-01")})
    line = judged(shop, asked(reason), sold)
    assert (line.allowed, line.apply_by, line.remedies, line.cost_on) == (True, day("2026-11-08"), ("refund",), cost_on)
    assert {one.rule for one in line.because} == {"RET-09"}
    assert any("No terms are shown" in one.says for one in line.because)


def test_shops_that_show_terms_do_not_cite_the_law() -> None:
    """RET-09: all four do."""
    for key, shop in SHOPS.items():
        assert shop.returns.terms, key
        offered = options(sent(shop, a_line()), shop, at("2026-11-04 12:00:00"))
        assert offered, key
        for one in offered:
            assert "RET-09" not in {why.rule for why in one.because}


@pytest.mark.parametrize(
    ("where", "quantity", "problem"),
    [
        ({}, 3, None),
        ({}, 4, "lines[0].quantity"),
        ({"returned": 1}, 2, None),
        ({"returned": 1}, 3, "lines[0].quantity"),
        ({"asked": 2}, 1, None),
        ({"returned": 1, "asked": 2}, 1, "lines[0].quantity"),
        ({"shipped": 2}, 3, "lines[0].quantity"),
    ],
)
def test_pieces(where: dict[str, int], quantity: int, problem: str | None) -> None:
    """No piece comes back twice, and none that has not left."""
    sold = sent(SHOPS["apparel"], a_line(quantity=3), where=where)
    found = whole("apparel", asked("unwanted", quantity=quantity), sold=sold)
    assert [one.field for one in found.problems] == ([problem] if problem else [])
    assert found.lines[0].allowed == (problem is None)
    assert found.lines[0].because


def test_one_line_for_two_reasons_has_its_pieces_once() -> None:
    sold = sent(SHOPS["apparel"], a_line(quantity=3))
    fits = whole("apparel", asked("unwanted", quantity=2), asked("defect", quantity=1), sold=sold)
    assert [one.allowed for one in fits.lines] == [True, True]
    too_many = whole("apparel", asked("unwanted", quantity=2), asked("defect", quantity=2), sold=sold)
    assert [one.allowed for one in too_many.lines] == [True, False]
    assert [one.field for one in too_many.problems] == ["lines[1].quantity"]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (asked("unwanted", line="9"), "lines[0].line"),
        (asked("unwanted", quantity=0), "lines[0].quantity"),
        (asked("unwanted", remedy=Remedy.REPLACEMENT), "lines[0].remedy"),
    ],
)
def test_what_is_wrong_with_a_request(line: object, problem: str) -> None:
    found = whole("apparel", line)  # type: ignore[arg-type]
    assert ([one.field for one in found.problems], found.lines[0].allowed, found.settlement) == ([problem], False, None)
    why = found.lines[0].because[-1]
    assert (why.rule, why.says) == ("RET-02", found.problems[0].message)


@pytest.mark.parametrize(
    ("where", "when"),
    [({"shipped": 0, "dispatched_on": None}, "2026-11-04 12:00:00"), ({}, "2026-10-31 23:59:59")],
    ids=["nothing has left", "asked before it left"],
)
def test_what_has_not_left_is_cancelled_instead(where: dict[str, object], when: str) -> None:
    line = judged("apparel", asked("unwanted"), sent(SHOPS["apparel"], a_line(), where=where), when)
    assert (line.allowed, line.apply_by) == (False, None)
    assert "can be cancelled" in line.because[0].says


def test_a_customers_page_has_every_line_under_every_reason_that_is_accepted() -> None:
    """With a certificate for what asks for one; of a line that is gone there is nothing to choose."""
    shop = SHOPS["reuse"]
    sold = sent(shop, a_line("1"), a_line("2", 400_000), a_line("3"))
    sold = replace(sold, lines={**sold.lines, "3": replace(sold.lines["3"], returned=1)})
    found = {(one.line, one.reason): one.allowed for one in options(sold, shop, at("2026-11-04 12:00:00"))}
    assert found == {(line, reason): (line, reason) != ("2", "unwanted") for line in ("1", "2") for reason in Reason}


def test_monotone_in_time() -> None:
    """What may come back at a moment might have at every moment since it left, up to the last day of B.10, in November."""
    days = [f"2026-11-{number:02} 12:00:00" for number in range(1, 29)]
    last = {}
    for key in SHOPS:
        for reason in ("defect", "unwanted"):
            allowed = [judged(key, asked(reason), when=one).allowed for one in days]
            assert allowed == sorted(allowed, reverse=True)
            last[key, reason] = sum(allowed)
    assert last == {
        ("clinic", "defect"): 11,
        ("clinic", "unwanted"): 0,
        ("apparel", "defect"): 10,
        ("apparel", "unwanted"): 10,
        ("reuse", "defect"): 11,
        ("reuse", "unwanted"): 11,
        ("salon", "defect"): 10,
        ("salon", "unwanted"): 8,
    }


def test_it_is_said_in_the_customers_language() -> None:
    sold = sent(SHOPS["salon"], a_line(), locale="ja")
    says = [one.says for one in judged("salon", asked("unwanted"), sold).because]
    assert says[0] == "11月1日(日)(ご注文日)の翌日から7日以内の11月8日(日)まで、お申し込みを承ります。"
    assert says[2] == "手数料1,650円(税込)を申し受けます。"
    assert says[3].startswith("交換は1,000円以上の商品に限ります。")
