"""A person who is forgotten is in no row any more, packed ones included; the books and the neighbours stay as they were."""

from __future__ import annotations

import time
from datetime import timedelta
from threading import Thread
from typing import Any

import pytest

from models.store import customers
from models.store.customers import MailboxRow
from pipelines.customers.erase import forget
from pipelines.customers.schema import CustomerFactsDocument
from pipelines.customers.tell import tell
from pipelines.errors import Conflict, NotFound
from pipelines.orders.intake import Ending
from pipelines.orders.message import take_in_or_keep
from pipelines.suppliers.news import supplier_event
from pipelines.values.mail_address import mailbox_key
from tests.rows import dump, naming
from tests.rules.build import at
from tests.world import World, document
from workers.periodic import Timekeeper

NAME, NEW_NAME = "忘田 礼子", "忘川 礼子"
EMAIL, NEW_EMAIL = "wasureru@example.jp", "Reiko.Wasureru@example.com"
PHONE, FORMER_PHONE = "090-1234-0001", "090-1234-0002"
STREET, FORMER_STREET, CITY = "忘却町9-8-7", "想起町1-1-1", "忘れ市"
REMARK = "玄関脇の青い箱に入れてください"
PIECES = (NAME, NEW_NAME, EMAIL, NEW_EMAIL, PHONE, FORMER_PHONE, STREET, FORMER_STREET, CITY, REMARK, "1990-11-05")


def of(customer: str, number: str, *, name: str, email: str, street: str, phone: str, **changes: Any) -> dict[str, Any]:
    """An order of somebody with a name and an address of their own."""
    made = document(number, customer=customer, **changes)
    made["customer"] |= {"name": name, "email": email}
    made["ship_to"] |= {"name": name, "city": CITY if customer == "M-9" else "残る市", "line1": street, "phone": phone}
    return made


def person(number: str = "S-9", **changes: Any) -> dict[str, Any]:
    return of("M-9", number, name=NAME, email=EMAIL, street=FORMER_STREET, phone=FORMER_PHONE, **changes)


def neighbour(number: str = "S-1", **changes: Any) -> dict[str, Any]:
    return of(
        "M-1",
        number,
        name="残田 次郎",
        email="nokoru@example.jp",
        street="残留町1-2-3",
        phone="080-9999-0000",
        **changes,
    )


def facts(world: World, customer: str, **told: Any) -> None:
    tell(world.engine, world.shops["salon"], world.clock, customer, CustomerFactsDocument(**told))


def erase(world: World, customer: str = "M-9", by: str = "operations") -> dict[str, Any]:
    return forget(world.engine, world.shops["salon"], world.clock, customer, by=by)


@pytest.fixture
def lived(world: World) -> World:
    """Two customers whose orders ended, and whatever may be kept of the first."""
    world.enrol("storefront", "shop", url="https://shop.example/events")
    for customer, order in (("M-9", person), ("M-1", neighbour)):
        facts(world, customer, registered=True, birth_date="1990-11-05" if customer == "M-9" else "1980-01-02")
        world.take(order(remarks=REMARK if customer == "M-9" else "よろしくお願いします"), order(f"{customer}-2"))
        world.settle()
        world.tell(
            world.ask(
                "order.release",
                order()["number"],
                reason=f"{order()['customer']['name']} 様に確認済み",
                by="operations",
            )
        )
        world.settle()
    moved = {**person()["ship_to"], "name": NEW_NAME, "line1": STREET, "phone": PHONE}
    world.tell(
        world.ask(
            "order.change_address", "M-9-2", ship_to=moved, reason=f"{NAME} 様より電話", by="operations", operator=True
        )
    )
    world.settle()
    world.ship_all("S-9", "S-1", "M-9-2", "M-1-2")
    for number in ("S-9", "S-1", "M-9-2", "M-1-2"):
        world.tell(world.news("shipment.delivered", world.shipments(number)[0], note=f"受取人 {NAME}"))
    world.settle()
    facts(world, "M-9", email=NEW_EMAIL)
    refused = person("S-99", colour="red")
    take_in_or_keep(world.engine, world.shops, world.clock, refused)
    take_in_or_keep(world.engine, world.shops, world.clock, neighbour("S-98", colour="red"))
    for supplier, told in (("warehouse", {"to": EMAIL, "name": NAME}), ("maker-a", {"to": "nokoru@example.jp"})):
        raw = {"type": "shipment.shipped", "data": {"shipment": f"SH-{supplier}", **told}}
        world.tell(supplier_event(raw, supplier=supplier, shops=(), event_id="odd", now=world.clock.now()))
    for number in ("S-9", "S-1"):
        world.execute(
            """INSERT INTO posted_coupon (shop, customer_id, code, code_key, points, order_id, way, due_on, made_at)
               SELECT 'salon', customer_id, 'THX-' || customer_id, lower('THX-' || customer_id), 3000, id, 'post', '2026-12-20', now()
               FROM shop_order WHERE number = :number""",
            number=number,
        )
    world.at(world.clock.now() + timedelta(days=60))
    assert {world.states()[number][1] for number in ("S-9", "S-1", "M-9-2", "M-1-2")} == {"done"}
    return world


def books(world: World) -> set[str]:
    """Money, points and history."""
    kept = (
        "order_line",
        "shipment",
        "parcel",
        "transition",
        "order_adjustment",
        "coupon_use",
        "point_transfer",
        "work",
    )
    tables = {row for row in dump(world) if row.split()[0] in kept}
    orders = world.rows(
        "SELECT id, number, customer_id, state, condition, grand_total, breakdown::text FROM shop_order JOIN order_document ON order_id = id"
    )
    payments = world.rows("SELECT order_id, amount, captured, refunded, state, reference FROM payment")
    return tables | {str(row) for row in (*orders, *payments)}


def test_no_row_names_the_person_any_more(lived: World) -> None:
    before, kept = dump(lived), books(lived)
    assert all(naming(before, piece) for piece in PIECES), "the test would look for what never was there"
    told = erase(lived)
    assert told["status"] == "erased"
    after = dump(lived)
    assert naming(after, *PIECES) == []
    assert naming(after, "THX-M-9") == []
    assert lived.broken() == {}
    assert [row for row in kept - books(lived) if not naming([row], *PIECES)] == []
    assert {"orders": 2, "addresses": 1, "accounts": 1, "refused_orders": 1, "stray_events": 1}.items() <= told[
        "erased"
    ].items()


def test_an_address_that_was_told_in_between_is_gone_too(world: World) -> None:
    """Neither the account nor an order says it any more: the mails alone do, that of points at the year's end too; and so it is with
    the one to which a person had a mail sent again."""
    between, again = "between@example.jp", "typed@example.jp"
    facts(world, "M-9", registered=True)
    world.take(person())
    world.at("2026-11-20 10:00:00")
    facts(world, "M-9", email=between)
    world.ship_all("S-9")
    world.tell(world.news("shipment.delivered", world.shipments("S-9")[0]))
    jobs = Timekeeper(world.engine, world.shops, world.runner.renderer, world.clock)
    for day in ("2027-11-13", "2027-11-14"):
        world.clock.set(at(f"{day} 12:00:00"))
        jobs.look()
    world.settle()
    (first,) = world.rows("SELECT id FROM mail WHERE template = 'order_accepted'")
    sent = {"mail": first.id, "to": again, "reason": "", "by": "operations", "operator": True}
    world.tell(world.ask("mail.resend", "S-9", **sent))
    world.settle()
    facts(world, "M-9", email=NEW_EMAIL)
    found = {row.template for row in world.rows("SELECT template FROM mail WHERE envelope_to = :it", it=between)}
    assert {"shipment_shipped", "points_expiring"} <= found
    assert naming(dump(world), again)
    assert erase(world)["status"] == "erased"
    assert naming(dump(world), between, again) == []
    assert world.value("SELECT count(*) FROM mail WHERE template = 'supplier_instruction' AND envelope_to = ''") == 0


def test_the_neighbours_are_unharmed(lived: World) -> None:
    about = ("M-1", "S-1", "S-98", "nokoru@example.jp", "残田 次郎")
    before = naming(dump(lived), *about)
    erase(lived)
    assert set(before) - set(naming(dump(lived), *about)) == set()


def test_what_was_done_is_kept_as_a_proof_and_the_same_again_changes_nothing(lived: World) -> None:
    first = erase(lived)
    stands = dump(lived)
    lived.clock.set(lived.clock.now() + timedelta(hours=5))
    again = erase(lived, by="somebody else")
    assert {name: again[name] for name in ("status", "asked_at", "erased_at", "erased")} == {
        name: first[name] for name in ("status", "asked_at", "erased_at", "erased")
    }
    assert dump(lived) == stands
    assert lived.value("SELECT asked_by FROM erasure") == "operations"


def test_an_order_that_is_sent_again_and_an_event_that_comes_again_bring_nobody_back(lived: World) -> None:
    shipment = lived.shipments("S-9")[0]
    news = lived.news("shipment.delivered", shipment, event_id="once", note=NAME)
    lived.tell(news)
    lived.settle()
    erase(lived)
    assert [answer.ending for answer in lived.submit(person(remarks=REMARK))] == [Ending.REPEATED]
    take_in_or_keep(lived.engine, lived.shops, lived.clock, person("S-99", colour="red"))
    assert lived.tell(news) == [False]
    with pytest.raises(Conflict, match="was erased"):
        facts(lived, "M-9", email=EMAIL, name=NAME)
    lived.settle()
    assert naming(dump(lived), *PIECES) == []
    later = person("S-10", placed_at=lived.clock.now().isoformat())
    (answer,) = lived.submit(later)
    assert [one.field for one in answer.problems] == ["customer.id"]
    assert lived.broken() == {}


def test_what_is_told_in_the_moment_of_an_erasure_brings_nobody_back(world: World) -> None:
    """The storefront tells a name while the person is forgotten: it is refused, or goes with the rest."""
    clinic, email = world.shops["clinic"], "takahashi@example.jp"
    tell(world.engine, clinic, world.clock, "M-1", CustomerFactsDocument(email=email, name="髙橋 﨑子"))
    heard: list[str] = []

    def name() -> None:
        try:
            tell(world.engine, clinic, world.clock, "M-1", CustomerFactsDocument(name="髙橋 﨑子"))
        except Conflict as refused:
            heard.append(refused.detail)

    telling = Thread(target=name)
    with (
        world.engine.connect() as registering
    ):  # the other keeps waiting where it has looked at nothing but the account
        customers.lock_mailboxes(registering, [MailboxRow("clinic", mailbox_key(email))])
        telling.start()
        while telling.is_alive() and not world.value("SELECT count(*) FROM pg_locks WHERE NOT granted"):
            time.sleep(0.02)
        assert forget(world.engine, clinic, world.clock, "M-1", by="operations")["status"] == "erased"
    telling.join(30)
    assert len(heard) == 1
    assert world.rows("SELECT name, email FROM customer") == [("", "")]
    assert world.broken() == {}


def test_points_are_void_as_after_a_withdrawal_and_their_history_stays(lived: World) -> None:
    lots = lived.value("SELECT count(*) FROM point_lot WHERE customer_id = 'M-9'")
    moved = lived.value("SELECT count(*) FROM point_transfer WHERE customer_id = 'M-9'")
    assert lots
    erase(lived)
    assert lived.balance("M-9") == (0, 0)
    assert lived.value("SELECT count(*) FROM point_lot WHERE customer_id = 'M-9'") == lots
    assert lived.value("SELECT count(*) FROM point_transfer WHERE customer_id = 'M-9'") >= moved


def test_mails_that_are_gone_are_not_sent_again(lived: World) -> None:
    erase(lived)
    mails = [
        row.id
        for row in lived.rows("SELECT m.id FROM mail m JOIN shop_order o ON o.id = m.order_id WHERE o.number = 'S-9'")
    ]
    assert mails
    lived.tell(
        lived.ask("mail.resend", "S-9", mail=mails[0], to="else@example.jp", reason="", by="operations", operator=True)
    )
    before = len(lived.postbox.mails)
    lived.settle()
    assert len(lived.postbox.mails) == before
    assert lived.value("SELECT state FROM inbox_event WHERE type = 'mail.resend'") == "refused"


def test_goods_that_come_back_later_are_booked_and_nobody_is_written_to(lived: World) -> None:
    erase(lived)
    before = len(lived.postbox.mails)
    pieces = [{"line": "1", "quantity": 1}]
    lived.tell(
        lived.ask("order.return_lines", "S-9", lines=pieces, reason="", fault="shop", by="operations", operator=True)
    )
    lived.settle()
    assert (
        lived.value("SELECT refunded FROM payment p JOIN shop_order o ON o.id = p.order_id WHERE o.number = 'S-9'") > 0
    )
    assert len(lived.postbox.mails) == before
    assert lived.broken() == {}


def test_an_open_order_is_waited_for_and_the_wish_is_not_forgotten(world: World) -> None:
    world.take(person())
    world.settle()
    told = erase(world)
    assert told["status"] == "waiting"
    assert [one["order"] for one in told["waits_for"]] == ["S-9"]
    assert told["again_at"] == (world.clock.now() + timedelta(hours=1)).isoformat()
    assert naming(dump(world), EMAIL), "its parcel needs an address"
    world.ship_all("S-9")
    world.tell(world.news("shipment.delivered", world.shipments("S-9")[0]))
    world.at(world.clock.now() + timedelta(days=60))
    Timekeeper(world.engine, world.shops, world.runner.renderer, world.clock).look()
    world.settle()
    assert naming(dump(world), NAME, EMAIL, FORMER_STREET) == []
    assert world.broken() == {}


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"payment": {"method": "bank_transfer"}}, id="waited for its money"),
        pytest.param({"delivery": {"date": "2026-12-20", "slot": None}}, id="was to leave in a month"),
        pytest.param({"remarks": "裏口へ"}, id="its authorization was watched while a person had it"),
    ],
)
def test_a_cancelled_order_has_ended_at_once(world: World, changes: dict[str, Any]) -> None:
    """CAN-04: neither the days that there were to pay nor the day on which it was to leave keep an address."""
    world.take(person(**changes))
    world.settle()
    assert erase(world)["status"] == "waiting"
    world.tell(world.ask("order.cancel", "S-9", by="operations", operator=True, fault="customer", reason=""))
    world.settle()
    assert world.states()["S-9"][0] == "cancelled"
    assert world.value("SELECT count(*) FROM work WHERE stage = 'dispatch'") == 0
    told = erase(world)
    assert (told["status"], told["waits_for"]) == ("erased", [])
    assert naming(dump(world), NAME, EMAIL, FORMER_STREET) == []
    world.at("2026-12-21 12:00:00")  # what was planned is looked at, and nothing comes of it
    assert world.broken() == {}


def test_an_order_from_before_that_comes_in_late_is_erased_once_it_has_ended(lived: World) -> None:
    erase(lived)
    late = person("S-11")  # placed before the customer was erased, as a queue may bring it
    assert [answer.ending for answer in lived.submit(late)] == [Ending.ACCEPTED]
    lived.settle()
    assert naming(dump(lived), NAME)
    lived.tell(lived.ask("order.cancel", "S-11", reason="", operator=True))
    lived.at(lived.clock.now() + timedelta(days=60))
    Timekeeper(lived.engine, lived.shops, lived.runner.renderer, lived.clock).look()
    assert naming(dump(lived), NAME, EMAIL) == []


def test_nobody_is_nobody(world: World) -> None:
    with pytest.raises(NotFound):
        erase(world, "M-404")
    assert world.value("SELECT count(*) FROM erasure") == 0


def test_a_person_sees_what_waits_too_long(world: World) -> None:
    from models.store.attention import counts
    from models.store.review import waiting

    world.take(person())
    world.settle()
    erase(world)
    jobs = Timekeeper(world.engine, world.shops, world.runner.renderer, world.clock)

    def shown() -> list[str]:
        with world.engine.connect() as connection:
            return [row.key for row in waiting(connection, world.clock.now()) if row.kind == "erasure"]

    jobs.look()
    assert shown() == []
    world.clock.set(at("2026-12-25 09:00:00"))
    jobs.look()
    assert shown() == ["salon/M-9"]
    with world.engine.connect() as connection:
        assert {row.name: row.number for row in counts(connection, world.clock.now())}["erasures"] == 1
