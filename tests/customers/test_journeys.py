"""What is told of customers has its consequences on the real engines: points, mails, orders that are open, orders to come."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from email.utils import parseaddr
from typing import Any

import pytest

from pipelines.customers.schema import CustomerFactsDocument
from pipelines.customers.tell import tell
from pipelines.errors import Conflict
from pipelines.orders.intake import Ending
from pipelines.orders.lookup import as_it_stands
from pipelines.orders.plan import preview
from pipelines.points.grants import grant
from pipelines.points.holds import hold
from pipelines.points.jobs import JOBS
from pipelines.points.schema import GrantDocument, HoldDocument
from tests.rules.build import at
from tests.world import World, a_line, document
from workers.periodic import Timekeeper


def told(world: World, customer: str = "M-1", shop: str = "apparel", *, by_operator: bool = False, **facts: Any) -> Any:
    """What is answered to ``facts`` of a customer."""
    said = CustomerFactsDocument(**facts)
    return tell(world.engine, world.shops[shop], world.clock, customer, said, by_operator=by_operator).body


def run_jobs(world: World, moment: str) -> None:
    world.clock.set(at(moment))
    Timekeeper(world.engine, world.shops, world.runner.renderer, world.clock, jobs=JOBS).look()
    world.settle()


def an_order(number: str, *lines: dict[str, Any], email: str = "", **changes: Any) -> dict[str, Any]:
    made = document(number, *lines, **{"shop": "apparel", **changes})
    if email:
        made["customer"]["email"] = email
    return made


def addresses(world: World, template: str) -> list[str]:
    return [parseaddr(mail["To"])[1] for mail in world.postbox.mails if mail["X-Shukka-Template"] == template]


def refused(world: World, order: dict[str, Any]) -> list[str]:
    """Fields that intake refuses; the preview names the same."""
    (answer,) = world.submit(order)
    assert answer.ending in {Ending.ACCEPTED, Ending.REFUSED}

    def look_up(one: Any, assume: Any) -> Any:
        with world.engine.connect() as connection:
            return as_it_stands(connection, world.shops, one, assume)

    if answer.ending == Ending.REFUSED:
        shown = preview({**order, "assume": {"now": world.clock.now().isoformat()}}, world.shops, look_up)
        assert [one["field"] for one in shown["problems"]] == [one.field for one in answer.problems]
    return [one.field for one in answer.problems]


# Withdrawal (CON-06)


def test_a_customer_withdraws_with_an_open_order(world: World) -> None:
    """Points are void, announced and numbered; the order goes on with its mails, and what it would earn never is."""
    world.enrol("storefront", "front", shops=["apparel"], url="https://front.example/events")
    told(world, registered=True, email="hana@example.jp")
    world.take(an_order("A-1", points={"use": 100}))
    world.settle()
    assert world.balance(shop="apparel") == (95, 400)
    account = told(world, withdrawn=True)
    assert account["balance"] == {"pending": 0, "valid": 0, "held": 0, "usable": 0}
    world.settle()
    moves = [one for one in world.show("A-1", "apparel")["timeline"] if one["entity"] == "lot"]
    assert [(one["from"], one["to"]) for one in moves] == [(None, "pending"), ("pending", "void")]
    heard = [one.data for one in world.storefronts.messages.values() if one.type == "points.changed"]
    heard.sort(key=lambda data: data["sequence"])
    assert [(one["from"], one["to"]) for one in heard] == [(None, "pending"), ("pending", "void")]
    world.ship_all("A-1", shop="apparel")
    assert world.balance(shop="apparel") == (0, 0)
    assert (len(addresses(world, "shipment_shipped")), addresses(world, "points_activated")) == (1, [])
    assert world.states()["A-1"] == ("shipped", "done")
    assert told(world, withdrawn=True) == account
    assert world.broken() == {}


def test_points_that_come_back_to_a_customer_who_withdrew_are_void(world: World) -> None:
    """A cancel gives used points back to their lot (PTS-12), and nobody has that any more; held ones are void as well."""
    told(world, registered=True)
    wish = HoldDocument(shop="apparel", customer="M-1", amount=50, reason="odd", key="h-1")
    hold(world.engine, world.shops, world.clock, wish)
    world.take(an_order("A-1", points={"use": 100}), an_order("A-2"))
    world.decide("accept")
    told(world, withdrawn=True)
    world.tell(world.ask("order.cancel", "A-1", "apparel"))
    world.settle()
    assert world.states()["A-1"] == ("cancelled", "done")
    assert world.balance(shop="apparel") == (0, 0)
    fields = {"shop": "apparel", "customer": "M-1", "kind": "manual", "key": "m-1", "amount": 5}
    with pytest.raises(Conflict, match="withdrew"):
        grant(world.engine, world.shops, world.clock, GrantDocument(**fields))
    assert world.broken() == {}


def test_an_order_that_was_not_looked_at_before_the_withdrawal_earns_nothing(world: World) -> None:
    """Its points are granted and void in one: the books say both."""
    world.take(an_order("A-1"))
    told(world, withdrawn=True)
    world.settle()
    world.ship_all("A-1", shop="apparel")
    assert world.balance(shop="apparel") == (0, 0)
    assert world.value("SELECT state FROM point_lot") == "void"
    (mail,) = (one for one in world.postbox.mails if one["X-Shukka-Template"] == "order_accepted")
    assert "ポイント" not in mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert world.broken() == {}


def test_nothing_is_ordered_after_the_withdrawal(world: World) -> None:
    """What was ordered before and comes late is taken, without points; the customer may come back, and begins with none."""
    told(world, registered=True)
    world.clock.set(at("2026-11-20 12:00:00"))
    told(world, withdrawn=True)
    world.clock.set(at("2026-11-20 13:00:00"))
    late = "2026-11-20T11:59:00+09:00"
    assert refused(world, an_order("A-1", placed_at=late)) == []
    coupon = [{"code": "P", "kind": "points", "value": 300}]
    clinic = {"shop": "clinic", "customer": "C-1", "coupons": coupon, "points": {"use": "all"}}
    told(world, "C-1", "clinic", withdrawn=True)
    assert refused(world, an_order("C-1", placed_at=late, **clinic)) == ["points.use"]
    assert refused(world, an_order("A-2", placed_at="2026-11-20T12:00:00+09:00")) == ["customer.id"]
    assert told(world, withdrawn=False)["withdrawn_at"] is None
    assert told(world, registered=True)["balance"]["valid"] == 0, "the registration was granted once (PTS-08)"
    assert refused(world, an_order("A-2", placed_at="2026-11-20T12:00:00+09:00")) == []
    world.settle()
    assert world.balance(shop="apparel")[0] > 0
    assert world.broken() == {}


# Mails (CON-02)


@pytest.mark.parametrize(
    ("facts", "reminded"),
    [({}, 1), ({"mail_consent": True}, 1), ({"mail_consent": False}, 0), ({"withdrawn": True}, 0)],
)
def test_mails_beside_those_of_orders_ask_for_consent(world: World, facts: dict[str, Any], reminded: int) -> None:
    """CON-02, CON-06: reminders and ranks; mails of orders go whatever is told."""
    told(world, email="hana@example.jp", registered=True)
    world.take(an_order("A-1", a_line(unit_price=60_000)))
    world.settle()
    run_jobs(world, "2026-11-20 10:30:00")
    if facts:
        told(world, **facts)
    world.at("2026-11-21 10:00:00")
    world.ship_all("A-1", shop="apparel")
    assert len(addresses(world, "shipment_shipped")) == 1
    run_jobs(world, "2027-10-22 12:00:00")
    assert len(addresses(world, "points_expiring")) == reminded
    assert world.broken() == {}


@pytest.mark.parametrize(("facts", "told_of"), [({}, 1), ({"mail_consent": False}, 0), ({"withdrawn": True}, 0)])
def test_a_rise_in_rank_is_told_to_those_who_want_it(world: World, facts: dict[str, Any], told_of: int) -> None:
    """RNK-03: apparel's sample levels; the rank itself rises all the same."""
    world.take(an_order("A-1", a_line(unit_price=60_000)))
    world.settle()
    told(world, **facts)
    run_jobs(world, "2026-11-20 10:30:00")
    assert addresses(world, "rank_up") == ["takahashi@example.jp"] * told_of
    world.clock.set(at("2026-11-21 10:00:00"))
    assert told(world)["rank"] == "SILVER"


def test_a_changed_address_gets_what_follows(world: World) -> None:
    """Mails of open orders go there too; an order that comes later goes where it says, and changes the customer's no more."""
    world.take(an_order("A-1", email="old@example.jp"))
    world.settle()
    world.clock.set(at("2026-11-20 09:30:00"))
    told(world, email="new@example.jp")
    world.ship_all("A-1", shop="apparel")
    assert addresses(world, "order_accepted") == ["old@example.jp"]
    assert addresses(world, "shipment_shipped") == ["new@example.jp"]
    world.clock.set(at("2026-11-20 10:00:00"))
    world.take(an_order("A-2", email="gift@example.jp", placed_at="2026-11-20T10:00:00+09:00"))
    world.settle()
    assert addresses(world, "order_accepted")[-1] == "gift@example.jp"
    assert told(world)["email"] == "new@example.jp"


# Birthdays (PTS-09)


def test_a_birth_date_brings_its_points_in_its_month_once_a_year(world: World) -> None:
    """PTS-09: at once in the birth month; a date that is edited earns nothing more before the next calendar year."""
    assert told(world, birth_date="1990-11-05")["balance"]["valid"] == 500
    assert told(world, birth_date="1990-11-05")["balance"]["valid"] == 500
    told(world, birth_date="1990-12-05")
    run_jobs(world, "2026-12-01 00:00:00")
    assert told(world, birth_date="1991-12-06")["balance"]["valid"] == 500
    world.clock.set(at("2027-01-02 12:00:00"))
    assert told(world, birth_date="1991-01-06")["balance"]["valid"] == 1_000
    assert told(world, "M-2", birth_date="1991-02-06")["balance"]["valid"] == 0
    told(world, "M-2", withdrawn=True)
    run_jobs(world, "2027-02-01 00:00:00")
    assert world.balance("M-2", "apparel") == (0, 0)
    assert world.broken() == {}


# One mailbox (INT-01)


def test_the_first_order_of_a_second_account_of_a_mailbox_waits_for_a_human(world: World) -> None:
    """INT-01: held, never dropped; once released the account is known, and its next order goes on."""
    told(world, "C-1", "clinic", email="desk@clinic.example.jp")
    order = an_order("N-1", shop="clinic", customer="C-2", email='"Desk"@clinic.example.jp')

    def look_up(one: Any, assume: Any) -> Any:
        with world.engine.connect() as connection:
            return as_it_stands(connection, world.shops, one, assume)

    shown = preview(order, world.shops, look_up)["holds"]
    assert [one["reason"] for one in shown] == ["same_mailbox"]
    world.take(order)
    world.settle()
    (found,) = world.show("N-1", "clinic")["holds"]
    assert (found["reason"], found["ways_out"]) == ("same_mailbox", ["release", "cancel"])
    world.tell(world.ask("order.release", "N-1", "clinic", operator=True))
    world.settle()
    world.take(an_order("N-2", shop="clinic", customer="C-2", email="desk@clinic.example.jp"))
    world.take(an_order("N-3", shop="clinic", customer="C-3", email="other@clinic.example.jp"))
    world.settle()
    assert {number: condition for number, (_, condition) in world.states().items()} == dict.fromkeys(
        ("N-1", "N-2", "N-3"), "running"
    )
    assert world.broken() == {}


def test_two_new_accounts_of_one_mailbox_in_one_batch(world: World) -> None:
    """The first to come is the account; the second waits."""
    world.take(*(an_order(f"N-{n}", shop="clinic", customer=f"C-{n}", email="one@example.jp") for n in (1, 2)))
    world.settle()
    assert {number: condition for number, (_, condition) in world.states().items()} == {"N-1": "running", "N-2": "held"}


# Cancels (INT-15)


def test_repeated_cancels_are_counted_and_methods_dictated(world: World) -> None:
    """INT-15: three in the window propose methods and hold the next order; an operator decides, and intake says what is left."""

    def reuse(number: str, method: str = "bank_transfer") -> dict[str, Any]:
        payment = {"method": method, "token": "tok_ok" if method == "card" else None}
        return an_order(number, a_line(sku=f"BAG-{number}"), shop="reuse", customer="R-1", payment=payment)

    for n in range(3):
        world.take(reuse(f"R-{n}"))
        world.settle()
        world.tell(world.ask("order.cancel", f"R-{n}", "reuse", reason="changed my mind"))
        world.settle()
    account = told(world, "R-1", "reuse")
    assert account["counters"]["customer_cancels"] == {"count": 3, "holds_from": 3}
    assert account["proposal"]["allowed_methods"] == ["card", "bank_transfer"]
    world.take(reuse("R-3"))
    world.settle()
    (found,) = world.show("R-3", "reuse")["holds"]
    assert found["reason"] == "blocked_customer"
    assert "3 cancels at the customer's wish" in found["says"]
    assert "365 days from 2025-11-20" in found["says"]
    world.clock.set(at("2026-11-20 09:10:00"))
    told(world, "R-1", "reuse", by_operator=True, allowed_methods=["card", "bank_transfer"])
    (answer,) = world.submit(reuse("R-4", "cod"))
    assert [(one.field, "must be card or bank_transfer (INT-15)" in one.message) for one in answer.problems] == [
        ("payment.method", True)
    ]
    assert refused(world, reuse("R-5", "cod")) == ["payment.method"]
    assert refused(world, reuse("R-6")) == []
    world.settle()
    assert world.states()["R-6"][1] == "running", "what an operator decided is not asked again"
    assert told(world, "R-1", "reuse")["proposal"] is None


def test_a_cancel_by_the_shop_counts_nothing(world: World) -> None:
    """INT-15: at the customer's wish."""
    world.take(an_order("R-1", shop="reuse", customer="R-1", payment={"method": "bank_transfer", "token": None}))
    world.settle()
    world.tell(world.ask("order.cancel", "R-1", "reuse", operator=True))
    world.settle()
    assert world.states()["R-1"][0] == "cancelled"
    assert told(world, "R-1", "reuse")["counters"]["customer_cancels"]["count"] == 0


@pytest.mark.parametrize(
    ("action", "fault", "counted"),
    [
        ("order.cancel", "customer", 1),
        ("order.cancel", "shop", 0),
        ("order.cancel_lines", "customer", 1),
        ("order.cancel_lines", "shop", 0),
    ],
)
def test_what_an_operator_cancels_at_the_customers_wish_is_counted_as_their_own(
    world: World, action: str, fault: str, counted: int
) -> None:
    """INT-15, CAN-03: by enquiry alone a card order is cancelled; to take out every line is to cancel it."""
    world.take(an_order("R-1", shop="reuse", customer="R-1"))
    world.settle()
    pieces = {"lines": [{"line": "1", "quantity": 1}]} if action == "order.cancel_lines" else {}
    for _ in range(2):
        world.tell(world.ask(action, "R-1", "reuse", operator=True, fault=fault, **pieces))
        world.settle()
    assert world.states()["R-1"][0] == "cancelled"
    assert told(world, "R-1", "reuse")["counters"]["customer_cancels"]["count"] == counted
    assert world.broken() == {}


def test_a_parcel_that_was_to_be_paid_for_on_delivery_and_came_back_counts_for_both(world: World) -> None:
    """INT-14, INT-15, PAY-09."""
    world.take(an_order("R-1", shop="reuse", customer="R-1", payment={"method": "cod", "token": None}))
    world.settle()
    world.ship_all("R-1", shop="reuse")
    (shipment,) = world.shipments("R-1", "reuse")
    world.tell(world.news("shipment.returned", shipment))
    world.settle()
    counted = told(world, "R-1", "reuse")["counters"]
    assert [counted[kind]["count"] for kind in ("undelivered_returns", "customer_cancels")] == [1, 1]


def test_two_accounts_that_are_told_one_mailbox_at_once(world: World) -> None:
    """INT-01: whoever comes first has it, however close they come."""

    def claim(customer: str) -> bool:
        try:
            told(world, customer, "clinic", email="desk@clinic.example.jp")
        except Conflict:
            return False
        return True

    customers = [f"C-{n}" for n in range(8)]
    with ThreadPoolExecutor(max_workers=4) as threads:
        assert sum(threads.map(claim, customers)) == 1
    assert world.value("SELECT count(*) FROM customer WHERE mailbox = 'desk@clinic.example.jp'") == 1


def test_a_withdrawal_while_orders_are_decided(world: World) -> None:
    """CON-06: in whichever order the two come, nothing is left, and the books agree."""
    world.take(*(an_order(f"A-{n}") for n in range(12)))
    with ThreadPoolExecutor(max_workers=2) as threads:
        deciding = threads.submit(lambda: [world.decide("accept") for _ in range(3)])
        threads.submit(told, world, withdrawn=True).result()
        deciding.result()
    world.settle()
    world.ship_all(*(f"A-{n}" for n in range(12)), shop="apparel")
    assert world.balance(shop="apparel") == (0, 0)
    assert set(world.states().values()) == {("shipped", "done")}
    assert world.broken() == {}
