"""From when a customer's time to pay counts, where a hold kept the order from being asked for (PAY-07, PAY-08, PAY-10)."""

from __future__ import annotations

from typing import Any

import pytest

from pipelines.orders.plan import preview
from pipelines.rules.dates.periods import last_day
from tests.rules.build import at
from tests.world import World, document

REMARKS = "クーポン AUTUMN"
TRANSFER = {"method": "bank_transfer"}


def held(world: World, placed_at: str = "2026-12-28T16:00:00+09:00", **changes: Any) -> None:
    """A transfer of salon's, held for the codes in its remarks."""
    world.clock.set(at("2026-12-28 16:00:00"))
    world.take(document("S-1", payment=TRANSFER, remarks=REMARKS, placed_at=placed_at, **changes))
    world.settle()
    assert world.states() == {"S-1": ("accepted", "held")}


def told(world: World, template: str) -> str:
    """The newest mail of a template."""
    mails = [mail for mail in world.postbox.mails if mail["X-Shukka-Template"] == template]
    return str(mails[-1].get_body(("plain",)).get_content())


def test_while_it_is_held_nobody_knows_until_when(world: World) -> None:
    held(world)
    assert world.show()["payment"]["pay_by"] is None
    assert "payment_instructions" not in world.postbox.templates()


@pytest.mark.parametrize(
    ("asked", "body"),
    [("order.release", {"reason": "no such codes"}), ("order.apply_coupons", {"coupons": []})],
)
@pytest.mark.parametrize(
    ("answered", "pay_by", "remind_at"),
    [
        ("2027-01-04 18:00:00", "2027-01-11", "2027-01-09 10:00:00"),  # its last day, had it counted from the order
        ("2027-01-05 09:00:00", "2027-01-12", "2027-01-10 10:00:00"),  # and after that
        ("2026-12-28 16:30:00", "2027-01-04", "2027-01-02 10:00:00"),  # on the order's day: as without a hold
    ],
)
def test_the_whole_term_begins_with_the_answer(
    world: World, asked: str, body: dict[str, Any], answered: str, pay_by: str, remind_at: str
) -> None:
    """PAY-07: GET, the mails, what is awaited, the reminder and the cancel agree."""
    held(world)
    world.clock.set(at(answered))
    world.tell(world.ask(asked, "S-1", **body))
    world.settle()
    assert world.states() == {"S-1": ("awaiting_payment", "running")}
    shown = world.show()
    assert shown["payment"]["pay_by"] == pay_by
    assert [(one["until"], one["then"]) for one in shown["awaits"]] == [(at(remind_at).isoformat(), "remind")]
    day = at(f"{pay_by} 00:00:00")
    assert f"{day.year}年{day.month}月{day.day}日" in told(world, "payment_instructions")
    world.at(remind_at)
    assert f"{day.year}年{day.month}月{day.day}日" in told(world, "payment_reminder")
    (wait,) = world.show()["awaits"]
    assert (last_day(at_iso(wait["until"])).isoformat(), wait["then"]) == (pay_by, "cancel")
    world.at(f"{pay_by} 23:59:59")
    assert world.states()["S-1"] == ("awaiting_payment", "running")
    world.at(at_iso(wait["until"]))
    assert world.states() == {"S-1": ("cancelled", "done")}
    assert world.broken() == {}


def at_iso(text: str) -> Any:
    """A moment as the interface writes it."""
    return at(text.replace("T", " ").removesuffix("+09:00"))


def test_an_order_that_nothing_kept_counts_from_the_order(world: World) -> None:
    """Whoever only has its goods kept can pay from the first."""
    world.clock.set(at("2026-12-28 16:00:00"))
    remarks = "玄関の前に置いてください"
    world.take(document("S-1", payment=TRANSFER, remarks=remarks, placed_at="2026-12-28T16:00:00+09:00"))
    world.settle()
    assert world.show()["payment"]["pay_by"] == "2027-01-04"
    world.clock.set(at("2027-01-03 10:00:00"))
    world.tell(world.ask("order.release", "S-1", reason="read"))
    world.settle()
    assert world.show()["payment"]["pay_by"] == "2027-01-04"
    assert world.value("SELECT terms_from FROM payment") is None


@pytest.mark.parametrize(
    ("heard", "pay_by"),
    [
        ("2026-11-20 12:00:00", "2026-11-27"),
        ("2026-11-25 12:00:00", "2026-11-27"),  # days late
        ("2026-11-27 23:59:58", "2026-11-27"),
        ("2026-11-28 00:00:00", "2026-12-05"),  # when the days from the order were over
    ],
)
def test_an_order_that_reaches_us_when_its_days_are_over_has_its_whole_term_from_then(
    world: World, heard: str, pay_by: str
) -> None:
    """PAY-07: a storefront that could not hand it over; preview and GET agree."""
    world.clock.set(at(heard))
    raw = document("S-1", payment=TRANSFER, placed_at="2026-11-20T12:00:00+09:00")
    planned = preview({**raw, "assume": {"now": at(heard).isoformat()}}, world.house.shops)
    world.take(raw)
    world.settle()
    assert world.states() == {"S-1": ("awaiting_payment", "running")}
    assert world.show()["payment"]["pay_by"] == planned["payment"]["pay_by"] == pay_by
