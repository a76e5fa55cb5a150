"""CUT-01 to CUT-04, DLV-01, DLV-04: the planned dispatch day and its reasons."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from pipelines.rules.dates.cutoff import DispatchPlan, plan_dispatch
from pipelines.rules.explain import Because
from pipelines.rules.order import Order
from pipelines.rules.split import split
from pipelines.shops import Shop
from tests.rules.build import SHOPS, a_line, an_order, at, day, shop_with


def planned(order: Order, shop: Shop, counts_at: datetime | None = None, **how: Any) -> DispatchPlan:
    part = split(order.lines, shop)[0]
    return plan_dispatch(part, order, shop, counts_at=counts_at or order.placed_at, **how)


def rules(answer: DispatchPlan) -> list[str]:
    return [reason.rule for reason in answer.because]


@pytest.mark.parametrize(
    ("shop", "placed", "dispatched", "reasons"),
    [
        ("clinic", "2026-11-20 11:59:59", "2026-11-20", ["cutoff", "transit"]),
        ("clinic", "2026-11-20 12:00:00", "2026-11-20", ["cutoff", "transit"]),  # inclusive
        ("clinic", "2026-11-20 12:00:01", "2026-11-24", ["cutoff", "closed_day", "transit"]),  # Mon 23 is a holiday
        ("clinic", "2026-11-23 09:00:00", "2026-11-24", ["cutoff", "closed_day", "transit"]),  # on the holiday
        ("clinic", "2026-11-23 23:59:59", "2026-11-24", ["cutoff", "closed_day", "transit"]),
        ("clinic", "2026-05-01 12:30:00", "2026-05-07", ["cutoff", "closed_day", "transit"]),  # 6 May: substitute
        ("clinic", "2024-05-03 10:00:00", "2024-05-07", ["cutoff", "closed_day", "transit"]),  # 6 May 2024: substitute
        (
            "salon",
            "2026-09-18 15:00:01",
            "2026-09-24",
            ["cutoff", "closed_day", "transit"],
        ),  # 22 Sep: citizens' holiday
        ("salon", "2027-03-19 16:00:00", "2027-03-23", ["cutoff", "closed_day", "transit"]),  # 22 March: substitute
        ("salon", "2026-12-28 15:00:01", "2027-01-05", ["cutoff", "closed_day", "transit"]),  # the shop's own list
        ("salon", "2026-11-19 15:00:01", "2026-11-20", ["cutoff", "transit"]),  # no closed day in between
        ("salon", "2026-11-20 14:59:30", "2026-11-20", ["cutoff", "transit"]),
    ],
)
def test_cutoff_and_closed_days(shop: str, placed: str, dispatched: str, reasons: list[str]) -> None:
    """CUT-01, CUT-02, CUT-03."""
    answer = planned(an_order(shop, placed_at=placed), SHOPS[shop])
    assert answer.dispatch_on == day(dispatched)
    assert rules(answer) == reasons


@pytest.mark.parametrize(("inclusive", "dispatched"), [("true", "2026-11-20"), ("false", "2026-11-24")])
def test_whether_the_cutoff_second_is_in_time(inclusive: str, dispatched: str) -> None:
    """CUT-01: to the second, so 12:00:00.9 is still 12:00:00."""
    shop = shop_with("clinic", **{'cutoff = "12:00"': f'cutoff = "12:00"\ncutoff_inclusive = {inclusive}'})
    order = an_order("clinic", placed_at="2026-11-20 12:00:00.900000")
    assert planned(order, shop).dispatch_on == day(dispatched)


def test_for_money_first_methods_the_confirmation_counts_not_the_order() -> None:
    """CUT-01."""
    order = an_order("salon", method="bank_transfer", placed_at="2026-11-18 10:00:00")
    answer = planned(order, SHOPS["salon"], at("2026-11-20 15:00:01"))
    assert answer.dispatch_on == day("2026-11-24")
    assert answer.because[0].says.startswith("Payment confirmed after the 15:00 cutoff")


@pytest.mark.parametrize("confirmed", ["2026-11-20 00:00:00", "2026-11-20 15:00:00", "2020-01-01 00:00:00"])
def test_money_that_was_there_before_the_order_waits_for_it(confirmed: str) -> None:
    """CUT-01: a bank that names a day alone, a transfer ahead of its order."""
    order = an_order("salon", method="bank_transfer", placed_at="2026-11-20 15:00:01")
    answer = planned(order, SHOPS["salon"], at(confirmed))
    assert answer.dispatch_on == day("2026-11-24")
    assert answer.because[0].says.startswith("Ordered after the 15:00 cutoff")


@pytest.mark.parametrize(("method", "word"), [("bank_transfer", "payment"), ("konbini", "payment"), ("loan", "loan")])
def test_nothing_is_promised_before_the_money_is_in(method: str, word: str) -> None:
    order = an_order("reuse", method=method)
    answer = plan_dispatch(split(order.lines, SHOPS["reuse"])[0], order, SHOPS["reuse"], counts_at=None)
    assert (answer.dispatch_on, answer.instruct_at, answer.arrive_on) == (None, None, None)
    assert rules(answer) == ["payment"]
    assert word in answer.because[0].says


@pytest.mark.parametrize(
    ("placed", "instructed"),
    [
        ("2026-11-20 14:59:30", "2026-11-20 14:59:30"),  # the day has begun: at once
        ("2026-11-20 15:00:01", "2026-11-24 08:00:00"),
        ("2026-11-20 06:00:00", "2026-11-20 08:00:00"),
    ],
)
def test_suppliers_are_instructed_in_the_morning_of_the_dispatch_day(placed: str, instructed: str) -> None:
    assert planned(an_order("salon", placed_at=placed), SHOPS["salon"]).instruct_at == at(instructed)


@pytest.mark.parametrize("availability", ["backorder", "made_to_order"])
def test_goods_without_a_date_cannot_be_promised(availability: str) -> None:
    answer = planned(an_order("clinic", a_line(availability=availability)), SHOPS["clinic"])
    assert answer.dispatch_on is None
    assert rules(answer) == ["backorder"]


@pytest.mark.parametrize(
    ("expected", "dispatched"),
    [("2026-12-10", "2026-12-10"), ("2026-12-12", "2026-12-14"), ("2026-11-01", "2026-11-24")],
)
def test_back_orders_leave_on_the_first_open_day_from_their_arrival(expected: str, dispatched: str) -> None:
    line = a_line(availability="backorder", expected_on=day(expected))
    answer = planned(an_order("clinic", line, placed_at="2026-11-20 12:00:01"), SHOPS["clinic"])
    assert answer.dispatch_on == day(dispatched)


def test_goods_in_a_store_travel_to_the_warehouse_first() -> None:
    """INT-11: two business days."""
    order = an_order("reuse", a_line(supplier="store-1", availability="unique"))
    answer = planned(order, SHOPS["reuse"])
    assert answer.dispatch_on == day("2026-11-25")
    assert "lead_time" in rules(answer)


@pytest.mark.parametrize(
    ("region", "arrives"),
    [("愛知県", "2026-11-21"), ("北海道", "2026-11-22"), ("福岡県", "2026-11-22"), ("沖縄県", "2026-11-23")],
)
def test_arrival_depends_on_the_prefecture(region: str, arrives: str) -> None:
    """B.4.6."""
    order = an_order("salon")
    order = an_order("salon", ship_to=type(order.ship_to)("organisation", "店", "100-0001", region, "市", "1"))
    assert planned(order, SHOPS["salon"]).arrive_on == day(arrives)


@pytest.mark.parametrize(
    ("desired", "dispatched", "arrives", "met"),
    [
        ("2026-11-27", "2026-11-26", "2026-11-27", True),  # the latest day that still meets it
        ("2026-11-24", "2026-11-20", "2026-11-24", True),  # 23, 22 and 21 November are closed
        ("2026-11-21", "2026-11-20", "2026-11-21", True),
        ("2026-11-20", "2026-11-20", "2026-11-21", False),
    ],
)
def test_a_desired_date_is_met_by_the_latest_dispatch(desired: str, dispatched: str, arrives: str, met: bool) -> None:
    """CUT-04, DLV-03, DLV-04: a fixed date is not the fastest one."""
    answer = planned(an_order("reuse", delivery_date=day(desired)), SHOPS["reuse"])
    assert (answer.dispatch_on, answer.arrive_on, answer.request_met) == (day(dispatched), day(arrives), met)
    assert "desired_date" in rules(answer)


def test_clinic_reads_the_date_from_the_remarks_and_never_blocks_on_it() -> None:
    """DLV-01."""
    met = planned(an_order("clinic", remarks="１１月２７日着希望"), SHOPS["clinic"])
    late = planned(an_order("clinic", remarks="11/20着希望"), SHOPS["clinic"])
    assert (met.dispatch_on, met.request_met) == (day("2026-11-26"), True)
    assert (late.dispatch_on, late.request_met) == (day("2026-11-20"), None)


@pytest.mark.parametrize(
    ("remarks", "dispatched", "arrives", "met"),
    [
        ("11/27必着", "2026-11-26", "2026-11-27", True),
        ("11/27までに届けてください", "2026-11-20", "2026-11-21", True),  # no later: so as soon as it can
        ("11/27以降に届けてください", "2026-11-26", "2026-11-27", True),  # no earlier
        ("11/26〜11/28着希望", "2026-11-25", "2026-11-26", True),  # the first of them
        ("11/20〜11/24着希望", "2026-11-20", "2026-11-21", True),  # the first that can be met
        ("11/20までに届けてください", "2026-11-20", "2026-11-21", None),  # best effort
        ("最短でお願いします", "2026-11-20", "2026-11-21", None),  # what every order gets
        ("25日は休診日のため受け取れません", "2026-11-20", "2026-11-21", None),
        ("11/10着希望", "2026-11-20", "2026-11-21", None),  # over: nothing is planned by it
        ("2027年5月1日着希望", "2026-11-20", "2026-11-21", None),  # further ahead than the shop plans
    ],
)
def test_a_wish_in_the_remarks_is_planned_as_it_is_meant(
    remarks: str, dispatched: str, arrives: str, met: bool | None
) -> None:
    """DLV-01, CUT-04, INT-16."""
    answer = planned(an_order("clinic", remarks=remarks), SHOPS["clinic"])
    assert (answer.dispatch_on, answer.arrive_on, answer.request_met) == (day(dispatched), day(arrives), met)


def test_days_wished_for_are_named_as_they_are_meant() -> None:
    """The sentence says until, from, or the range."""
    meant = {
        "11/27までに着希望": "11月27日(金)まで",
        "11/27以降着希望": "11月27日(金)以降",
        "11/26~11/28着希望": "11月26日(木)から11月28日(土)",
    }
    for remarks, named in meant.items():
        answer = planned(an_order("clinic", remarks=remarks, locale="ja"), SHOPS["clinic"])
        assert any(named in reason.says for reason in answer.because if reason.rule == "desired_date")


@pytest.mark.parametrize(
    "line",
    [a_line(supplier="maker-a"), a_line(availability="backorder", expected_on=day("2026-12-10"))],
    ids=["drop-ship", "back-order"],
)
def test_best_effort_dates_are_ignored_with_a_note_for_drop_ship_and_back_order(line: Any) -> None:
    """DLV-01."""
    asked = planned(an_order("clinic", line, delivery_date=day("2026-12-24")), SHOPS["clinic"])
    plain = planned(an_order("clinic", line), SHOPS["clinic"])
    assert asked.dispatch_on == plain.dispatch_on
    assert "desired_date" in rules(asked)


def test_an_order_planned_late_never_gets_a_day_in_the_past() -> None:
    order = an_order("salon", placed_at="2026-11-20 14:00:00")
    answer = planned(order, SHOPS["salon"], not_before=at("2026-11-22 09:00:00"))
    assert answer.dispatch_on == day("2026-11-24")
    assert "processed_late" in rules(answer)


@pytest.mark.parametrize(
    ("placed", "released", "dispatched", "says"),
    [
        ("2026-11-20 10:00:00", "2026-11-20 15:00:00", "2026-11-20", "Check completed by the 15:00 cutoff"),
        ("2026-11-20 10:00:00", "2026-11-20 15:00:01", "2026-11-24", "Check completed after the 15:00 cutoff"),
        ("2026-11-20 10:00:00", "2026-11-22 11:00:00", "2026-11-24", "Check completed on a closed day"),
        ("2026-11-19 16:00:00", "2026-11-20 11:00:00", "2026-11-20", "Check completed by the 15:00 cutoff"),
        # an order's hold ended before its money came: the money counts
        ("2026-11-20 10:00:00", "2026-11-20 09:00:00", "2026-11-20", "Ordered by the 15:00 cutoff"),
    ],
)
def test_what_a_human_held_counts_from_its_release(placed: str, released: str, dispatched: str, says: str) -> None:
    """CUT-01, INT-16: the day that an order of that moment would get, and the reason names it."""
    answer = planned(an_order("salon", placed_at=placed), SHOPS["salon"], released_at=at(released))
    assert answer.dispatch_on == day(dispatched)
    assert answer.because[0].says.startswith(says)


def test_the_reasons_are_in_the_orders_language() -> None:
    japanese = planned(an_order("clinic", locale="ja", placed_at="2026-11-20 12:00:01"), SHOPS["clinic"])
    assert japanese.because[0].says == "ご注文が締切時刻12:00を過ぎたため、翌営業日11月24日(火)の出荷を予定しています。"
    assert japanese.because[1].says == "11月21日(土)から11月23日(月)は出荷の休業日です。"


@pytest.mark.parametrize(
    ("region", "locale", "says"),
    [
        ("愛知県", "ja", "愛知県へのお届けは出荷から1日後の予定です。"),
        ("JP-23", "ja", "愛知県へのお届けは出荷から1日後の予定です。"),
        ("AICHI-KEN", "ja", "愛知県へのお届けは出荷から1日後の予定です。"),
        ("愛知県", "en", "Delivery to Aichi takes 1 day(s)."),
        ("Ōsaka Prefecture", "en", "Delivery to Osaka takes 1 day(s)."),
        ("Seoul", "ja", "Seoulへのお届けは出荷から3日後の予定です。"),
    ],
)
def test_the_way_is_told_by_the_prefectures_name(region: str, locale: str, says: str) -> None:
    """B.9.4: storefronts may write a code; customers read a name in their own language (B.4.6)."""
    order = an_order("salon", a_line(), ship_to=replace(an_order("salon").ship_to, region=region), locale=locale)
    assert planned(order, SHOPS["salon"]).because[-1] == Because("transit", says)
