"""CUT-01 to CUT-03, INT-11, B.3: days and cutoffs of a shop, a supplier and a carrier's pickup, and what a full day does."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pipelines.rules.dates.capacity import Load
from pipelines.rules.dates.cutoff import DispatchPlan, closes_at, plan_dispatch
from pipelines.rules.dates.promise import Wanted, promises
from pipelines.rules.dates.reports import next_day
from pipelines.rules.split import Part, split
from pipelines.shops import ProfileErrors, Shop
from pipelines.suppliers.board import BoardRow
from tests.rules.build import a_line, an_order, at, day, plain_shop

#: A maker beside the warehouse that every shop has.
_WAREHOUSE = '[suppliers.warehouse]\nname = "倉庫"\n'


def planned(shop: Shop, placed: str, supplier: str = "warehouse", load: Load | None = None) -> DispatchPlan:
    order = an_order("plain", a_line(supplier=supplier), placed_at=placed)
    (part,) = split(order.lines, shop)
    return plan_dispatch(part, order, shop, counts_at=order.placed_at, load=load or Load())


@pytest.mark.parametrize(
    ("profile", "placed", "dispatched"),
    [
        # the shop's days
        ('closed_weekdays = ["wed"]', "2026-11-25 10:00:00", "2026-11-26"),
        ("added_holidays = [2026-11-25]", "2026-11-25 10:00:00", "2026-11-26"),
        ("removed_holidays = [2026-11-23]", "2026-11-23 10:00:00", "2026-11-23"),
        ("added_holidays = [2026-11-25]\nnational_holidays = false", "2026-11-25 10:00:00", "2026-11-25"),
        ("closed_ranges = [{ first = 2026-11-25, last = 2026-11-27 }]", "2026-11-25 10:00:00", "2026-11-30"),
        ("open_dates = [2026-11-22]", "2026-11-21 10:00:00", "2026-11-22"),
        (
            "closed_ranges = [{ first = 2026-11-24, last = 2026-11-27 }]\nopen_dates = [2026-11-25]",
            "2026-11-24 10:00:00",
            "2026-11-25",
        ),
        # the shop's cutoffs: the date's, else the weekday's, else the general one
        ('cutoffs = { wed = "12:00" }', "2026-11-25 12:00:01", "2026-11-26"),
        ('cutoffs = { wed = "12:00" }', "2026-11-26 12:00:01", "2026-11-26"),
        ('cutoffs = { wed = "12:00" }\ncutoff_dates = { 2026-11-25 = "17:00" }', "2026-11-25 17:00:00", "2026-11-25"),
        ('cutoff_dates = { 2026-11-25 = "10:00" }', "2026-11-25 10:00:01", "2026-11-26"),
        # a supplier's own days and cutoffs; what it leaves out is the shop's
        ('[suppliers.warehouse]\nclosed_weekdays = ["sun"]', "2026-11-21 10:00:00", "2026-11-21"),
        ("[suppliers.warehouse]\nnational_holidays = false", "2026-11-23 10:00:00", "2026-11-23"),
        ("[suppliers.warehouse]\nclosed_dates = [2026-11-25]", "2026-11-25 10:00:00", "2026-11-26"),
        ("closed_dates = [2026-11-25]\n[suppliers.warehouse]\nname = \"倉庫\"", "2026-11-25 10:00:00", "2026-11-26"),
        ("closed_dates = [2026-11-25]\n[suppliers.warehouse]\nopen_dates = [2026-11-25]", "2026-11-25 10:00:00", "2026-11-25"),
        ("open_dates = [2026-11-21]\n[suppliers.warehouse]\nclosed_dates = [2026-11-21]", "2026-11-21 10:00:00", "2026-11-24"),
        ('[suppliers.warehouse]\ncutoff = "16:30"', "2026-11-25 16:30:00", "2026-11-25"),
        ('[suppliers.warehouse]\ncutoffs = { wed = "09:00" }', "2026-11-25 09:00:01", "2026-11-26"),
        ('[suppliers.warehouse]\ncutoffs = { wed = "09:00" }', "2026-11-26 15:00:00", "2026-11-26"),
        # the pickup of the carrier that it uses
        ('[suppliers.warehouse]\ncarrier = "yamato"\n[pickups.yamato]\nclosed_weekdays = ["wed"]', "2026-11-25 10:00:00", "2026-11-26"),
        ('[suppliers.warehouse]\ncarrier = "yamato"\n[pickups.sagawa]\nclosed_weekdays = ["wed"]', "2026-11-25 10:00:00", "2026-11-25"),
        ('[suppliers.warehouse]\ncarrier = "yamato"\n[pickups.yamato]\ncutoff = "11:00"', "2026-11-25 11:00:01", "2026-11-26"),
        ('[suppliers.warehouse]\ncarrier = "yamato"\ncutoff = "10:00"\n[pickups.yamato]\ncutoff = "11:00"', "2026-11-25 10:00:01", "2026-11-26"),
        ('[suppliers.warehouse]\ncarrier = "yamato"\nclosed_weekdays = ["sun"]\n[pickups."ヤマト運輸"]\nclosed_dates = [2026-11-21]', "2026-11-21 10:00:00", "2026-11-24"),
    ],
)  # fmt: skip
def test_when_goods_leave(profile: str, placed: str, dispatched: str) -> None:
    """CUT-01, CUT-02, CUT-03, B.3: 21, 22 and 23 November 2026 are a weekend and a holiday."""
    assert planned(plain_shop(f"[calendar]\n{profile}"), placed).dispatch_on == day(dispatched)


@pytest.mark.parametrize(
    ("profile", "dispatched", "reasons"),
    [
        ("lead_days = 2", "2026-11-27", ["cutoff", "lead_time", "transit"]),
        ('lead_days = 1\ntransfer_days = 1\nships_via = "warehouse"', "2026-11-27", ["cutoff", "transfer", "lead_time", "transit"]),
        ('transfer_days = 3\nships_via = "warehouse"', "2026-11-30", ["cutoff", "transfer", "lead_time", "transit"]),
        # it prepares on its own days, and the goods leave on the warehouse's
        ('lead_days = 2\nclosed_weekdays = ["thu", "sun"]\nships_via = "warehouse"', "2026-11-30", ["cutoff", "lead_time", "transit"]),
    ],
)  # fmt: skip
def test_preparation_and_transfer(profile: str, dispatched: str, reasons: list[str]) -> None:
    """INT-11: ordered on Wednesday 25 November."""
    shop = plain_shop(f"{_WAREHOUSE}[suppliers.maker]\n{profile}")
    plan = planned(shop, "2026-11-25 10:00:00", "maker")
    assert (plan.dispatch_on, [why.rule for why in plan.because]) == (day(dispatched), reasons)


def test_a_full_day_moves_the_promise_on() -> None:
    """The first open day with room; the reason names the full one."""
    shop = plain_shop("[suppliers.warehouse]\ncapacity = 2")
    load = Load.of({("warehouse", day("2026-11-20")): 1})
    assert planned(shop, "2026-11-20 10:00:00", load=load).dispatch_on == day("2026-11-20")
    load.take("warehouse", day("2026-11-20"))
    moved = planned(shop, "2026-11-20 10:00:00", load=load)
    assert moved.dispatch_on == day("2026-11-24")
    assert "No more can leave on Fri 20 Nov 2026" in next(why.says for why in moved.because if why.rule == "capacity")
    for _ in range(2):
        load.take("warehouse", day("2026-11-24"))
    assert planned(shop, "2026-11-20 10:00:00", load=load).dispatch_on == day("2026-11-25")


def test_a_wish_is_met_on_an_earlier_day_where_the_latest_is_full() -> None:
    """CUT-04: counted back over full days, never before the first that is possible."""
    shop = plain_shop("[suppliers.warehouse]\ncapacity = 1")
    order = an_order("plain", placed_at="2026-11-24 10:00:00", delivery_date=day("2026-11-28"))
    full = [day(one) for one in ("2026-11-27", "2026-11-26")]
    for taken, dispatched in ((full[:1], "2026-11-26"), (full, "2026-11-25")):
        plan = plan_dispatch(
            Part("warehouse", (("1", 1),)),
            order,
            shop,
            counts_at=order.placed_at,
            load=Load.of({("warehouse", one): 1 for one in taken}),
        )
        assert (plan.dispatch_on, plan.request_met) == (day(dispatched), True)


def test_files_of_a_day_and_late_goods_follow_the_suppliers_own_days() -> None:
    """CUT-01: what is collected until the cutoff, and the day that goods get which did not leave."""
    shop = plain_shop(
        f'{_WAREHOUSE}[suppliers.maker]\nclosed_weekdays = ["thu", "sat", "sun"]\ncutoffs = {{ wed = "11:00" }}'
    )
    assert closes_at(shop, "maker", at("2026-11-25 11:00:00")) == at("2026-11-25 11:00:00")
    assert closes_at(shop, "maker", at("2026-11-25 11:00:01")) == at("2026-11-27 15:00:00")
    assert next_day(shop, "maker", at("2026-11-25 11:00:01"), Load()) == day("2026-11-27")


@pytest.mark.parametrize(
    ("inclusive", "moment", "is_today"),
    [
        ("true", "2026-11-25 15:00:00", True),
        ("true", "2026-11-25 15:00:00.900000", True),  # still the second of the cutoff
        ("true", "2026-11-25 15:00:01", False),
        ("false", "2026-11-25 14:59:59.900000", True),
        ("false", "2026-11-25 15:00:00", False),
    ],
)
def test_whatever_asks_for_the_cutoff_means_the_same_second(inclusive: str, moment: str, is_today: bool) -> None:
    """CUT-01: `cutoff_inclusive` for an order, the promise of that moment, the files of the day, late goods and the board alike."""
    shop, now = plain_shop(f"[calendar]\ncutoff_inclusive = {inclusive}\n{_WAREHOUSE}"), at(moment)
    today = day("2026-11-25" if is_today else "2026-11-26")
    (promise,) = promises(Wanted((a_line(),), "愛知県"), shop, now)
    last = at(f"{today} 15:00:00") - timedelta(seconds=inclusive == "false")
    assert planned(shop, moment).dispatch_on == today
    assert (promise.dispatch_on, promise.order_by) == (today, last)
    assert promise.seconds_left == max(0, (last - now) // timedelta(seconds=1))
    assert closes_at(shop, "warehouse", now).date() == today
    assert next_day(shop, "warehouse", now, Load()) == today
    ends = shop.dispatch_days("warehouse").in_time_until(day("2026-11-25"))
    assert BoardRow("plain", "warehouse", ends).is_over(now) is not is_today


@pytest.mark.parametrize(
    ("profile", "key"),
    [
        ("[calendar]\nclosed_ranges = [{ first = 2026-11-25, last = 2026-11-24 }]", "calendar.closed_ranges[0].last"),
        ("[calendar]\nclosed_ranges = [{ first = 2026-01-01, last = 2027-12-31 }]", "calendar.closed_ranges[0].last"),
        ('[calendar]\ncutoffs = { mittwoch = "12:00" }', "calendar.cutoffs.mittwoch.[key]"),
        ('[calendar]\ncutoff_dates = { heute = "12:00" }', "calendar.cutoff_dates.heute.[key]"),
        ("[calendar]\nadded_holidays = [2026-11-25]\nremoved_holidays = [2026-11-25]", "calendar"),
        ("[suppliers.maker]\ntransfer_days = 1", "suppliers.maker.transfer_days"),
        ("[suppliers.maker]\ncapacity = 0", "suppliers.maker.capacity"),
        ('[pickups.nobody]\ncutoff = "12:00"', "pickups.nobody.[key]"),
        (
            '[suppliers.maker]\ncarrier = "yamato"\nclosed_weekdays = ["mon", "tue", "wed"]\n'
            '[pickups.yamato]\nclosed_weekdays = ["thu", "fri", "sat", "sun"]',
            "suppliers.maker",
        ),
    ],
)
def test_a_calendar_that_cannot_be_kept_is_refused(profile: str, key: str) -> None:
    with pytest.raises(ProfileErrors) as refused:
        plain_shop(profile + (f"\n{_WAREHOUSE}" if "suppliers" in profile else ""))
    assert [one[1] for one in refused.value.entries] == [key]


_WEEKDAYS = st.sets(st.sampled_from(["mon", "tue", "wed", "thu", "fri", "sat", "sun"]), max_size=5)
_DATES = st.sets(st.dates(date(2026, 11, 1), date(2027, 1, 31)), max_size=12)


@st.composite
def shops(draw: Callable[..., object]) -> Shop:
    """A shop with a maker and a carrier, each with days of its own."""

    def listed(name: str, values: object) -> str:
        return f"{name} = {re.sub('[{}]', '', repr(sorted(map(str, values))))}\n"  # type: ignore[call-overload]

    def section(name: str) -> str:
        dates = draw(_DATES)
        written = listed("closed_weekdays", draw(_WEEKDAYS))
        written += listed("closed_dates", dates).replace("'", "")
        written += listed("open_dates", draw(_DATES) - dates).replace("'", "")  # type: ignore[operator]
        return f'[{name}]\n{written}cutoffs = {{ mon = "{draw(st.integers(0, 23)):02}:30" }}\n'

    inclusive = f"cutoff_inclusive = {draw(st.sampled_from(['true', 'false']))}\n"

    lead, capacity = draw(st.integers(0, 3)), draw(st.integers(1, 3))
    maker = f'{section("suppliers.maker")}carrier = "yamato"\nlead_days = {lead}\ncapacity = {capacity}\n'
    try:
        return plain_shop(f"{section('calendar')}{inclusive}{_WAREHOUSE}{maker}{section('pickups.yamato')}")
    except ProfileErrors:
        assume(False)
        raise


@given(
    shops(),
    st.datetimes(at("2026-11-01 00:00:00").replace(tzinfo=None), at("2027-01-31 00:00:00").replace(tzinfo=None)),
    st.timedeltas(timedelta(), timedelta(days=9)),
    st.dictionaries(st.dates(date(2026, 11, 1), date(2027, 2, 20)), st.integers(0, 3), max_size=30),
)
def test_never_a_closed_or_full_day_and_never_earlier_for_a_later_order(
    shop: Shop, placed: object, later_by: timedelta, taken: dict[date, int]
) -> None:
    """CUT-01 to CUT-03 over random calendars of shop, maker and pickup."""
    load = Load.of({("maker", one): count for one, count in taken.items()})
    first = planned(shop, str(placed), "maker", load)
    leaves = shop.dispatch_days("maker")
    assert first.dispatch_on is not None
    assert leaves.calendar.is_open(first.dispatch_on)
    assert not load.is_full("maker", first.dispatch_on, leaves.capacity)
    second = planned(shop, str(placed + later_by), "maker", load)  # type: ignore[operator]
    assert second.dispatch_on is not None
    assert second.dispatch_on >= first.dispatch_on
