"""What is personal goes when the profile says, not a day before; what has not ended stays, and so do the books."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine
from structlog.testing import capture_logs

from models.store.attention import counts
from models.store.review import waiting
from pipelines.customers.erase import forget
from pipelines.engine import retain
from pipelines.engine.retain import Kept
from pipelines.errors import ShukkaError
from pipelines.orders.act import possible, standing
from pipelines.orders.message import take_in_or_keep
from pipelines.retention import RETENTION
from pipelines.shops import Shop, parse_shop
from pipelines.shops.retention import BOOKS_DAYS, Retention
from pipelines.suppliers.news import supplier_event
from tests.customers.test_erasure import (
    CITY,
    EMAIL,
    FORMER_PHONE,
    FORMER_STREET,
    NAME,
    REMARK,
    books,
    neighbour,
    person,
)
from tests.rows import dump, naming
from tests.rules.build import at
from tests.world import World
from workers.periodic import Timekeeper

ORDERED = at("2026-11-20 00:00:00")
PERSON = (NAME, EMAIL, FORMER_PHONE, FORMER_STREET, CITY, REMARK)


def keeping(shops: Mapping[str, Shop], shop: str = "salon", **days: int) -> dict[str, Shop]:
    """The shops, one of which keeps things for other numbers of days."""
    return {**shops, shop: shops[shop].model_copy(update={"retention": Retention(**days)})}


def night(world: World, moment: datetime, shops: Mapping[str, Shop] | None = None) -> list[str]:
    """What the clock does at ``moment``, the orders themselves left alone."""
    world.clock.set(moment)
    jobs = (RETENTION,)
    return Timekeeper(world.engine, shops or world.shops, world.runner.renderer, world.clock, jobs=jobs).look()


def deliver(world: World, *numbers: str) -> None:
    """The orders are released, shipped and received, and everything about them ends within sixty days."""
    world.settle()
    for number in numbers:
        world.tell(world.ask("order.release", number, reason=f"{NAME} 様に確認済み", by="operations"))
    world.settle()
    world.ship_all(*numbers)
    for number in numbers:
        world.tell(world.news("shipment.delivered", world.shipments(number)[0], note=f"受取人 {NAME}"))
    world.settle()
    world.at(world.clock.now() + timedelta(days=60))
    assert {world.states()[number][1] for number in numbers} == {"done"}


@pytest.fixture
def ended(world: World) -> World:
    """An order of the twentieth of November that has ended in everything, with a file that was made for it."""
    world.take(person(remarks=REMARK))
    deliver(world, "S-9")
    world.execute(
        """INSERT INTO effect_output (effect_id, media_type, content, digest)
           SELECT min(id), 'text/csv', convert_to(:name, 'UTF8'), '' FROM effect""",
        name=NAME,
    )
    world.execute(
        "UPDATE effect SET outcome = outcome || jsonb_build_object('says', CAST(:said AS text))", said=f"{NAME}?"
    )
    return world


LEFT = {
    "mails": "SELECT count(*) FROM mail WHERE packed IS NOT NULL",
    "events": """SELECT count(*) FROM inbox_event WHERE body <> '{"erased": true}'""",
    "payloads": """SELECT (SELECT count(*) FROM effect_output WHERE content <> '')
                   + (SELECT count(*) FROM effect WHERE outcome ? 'says')""",
    "documents": "SELECT count(*) FROM order_document WHERE document->'customer'->>'email' <> ''",
}
DAYS = {"mails": 400, "events": 400, "payloads": 400, "documents": 3000}


@pytest.mark.parametrize("what", LEFT)
def test_the_last_day_is_a_whole_one_and_on_the_next_it_is_gone(ended: World, what: str) -> None:
    """The order is of the twentieth: its last day is so many days later, until midnight in Tokyo."""
    last = ORDERED + timedelta(days=DAYS[what])
    before = ended.value(LEFT[what])
    assert before
    night(ended, last + timedelta(hours=23, minutes=59))
    assert ended.value(LEFT[what]) == before
    night(ended, last + timedelta(days=1))
    assert ended.value(LEFT[what]) == 0
    assert ended.broken() == {}


def test_in_the_end_no_row_names_the_person_and_the_books_are_as_they_were(ended: World) -> None:
    kept = books(ended)
    assert all(naming(dump(ended), piece) for piece in PERSON), "the test would look for what never was there"
    night(ended, at("2035-06-01 00:00:00"))
    assert [row for row in naming(dump(ended), *PERSON) if not row.startswith("customer ")] == []
    assert [row for row in kept - books(ended) if not naming([row], *PERSON)] == []
    assert (ended.show("S-9")["number"], ended.show("S-9")["warnings"]) == ("S-9", [])
    assert ended.broken() == {}


def test_a_short_keeping_is_the_profiles_own(ended: World) -> None:
    night(ended, at("2027-01-31 09:00:00"), keeping(ended.shops, mails_days=60))
    assert ended.value(LEFT["mails"]) == 0
    assert ended.value(LEFT["events"]) > 0


def test_each_shop_keeps_for_its_own_time(world: World) -> None:
    world.take(person(), {**neighbour("C-1"), "shop": "clinic"})
    deliver(world, "S-9")
    world.execute("UPDATE mail SET state = 'sent' WHERE state = 'queued'")
    world.execute("UPDATE shop_order SET condition = 'done'")
    world.execute("DELETE FROM work")
    world.execute("UPDATE effect SET state = 'done'")
    night(world, at("2027-06-01 09:00:00"), keeping(world.shops, "clinic", mails_days=90))
    left = {
        row.shop
        for row in world.rows("SELECT o.shop FROM mail JOIN shop_order o ON o.id = order_id WHERE packed <> ''")
    }
    assert left == {"salon"}


def test_an_order_that_is_open_keeps_all_and_is_looked_at_until_thirty_days_after_its_last_move(world: World) -> None:
    world.take(person(remarks=REMARK))
    world.settle()
    mails = world.value(LEFT["mails"])
    night(world, at("2028-03-01 09:00:00"))
    assert world.value(LEFT["mails"]) == mails
    assert world.value("SELECT count(*) FROM retention_late WHERE what = 'mails'") == 1
    world.tell(world.ask("order.cancel", "S-9", reason="", operator=True))
    world.settle()
    assert world.states()["S-9"][1] == "done"
    night(world, at("2028-03-30 23:00:00"))
    assert world.value(LEFT["mails"]) > 0, "it moved on the first"
    night(world, at("2028-04-01 00:00:00"))
    assert world.value(LEFT["mails"]) == 0
    assert world.value("SELECT count(*) FROM retention_late WHERE what = 'mails'") == 0


@pytest.mark.parametrize(
    "unfinished",
    [
        "UPDATE shop_order SET condition = 'held'",
        "UPDATE effect SET state = 'needs_review' WHERE id = (SELECT min(id) FROM effect)",
        "UPDATE mail SET state = 'needs_review' WHERE id = (SELECT min(id) FROM mail)",
        "UPDATE mail SET state = 'queued' WHERE id = (SELECT min(id) FROM mail)",
        "UPDATE inbox_event SET state = 'pending' WHERE id = (SELECT min(id) FROM inbox_event)",
        """INSERT INTO work (stage, subject_kind, subject_id, order_id, due_at, attempts)
           SELECT 'attend', 'order', id::text, id, now(), 0 FROM shop_order""",
    ],
)
def test_what_has_not_ended_is_never_touched(ended: World, unfinished: str) -> None:
    ended.execute(unfinished)
    before = {what: ended.value(query) for what, query in LEFT.items()}
    night(ended, at("2040-01-01 00:00:00"))
    assert {what: ended.value(query) for what, query in LEFT.items()} == before


def test_what_comes_after_the_orders_day_goes_too_thirty_days_after_the_last_move(ended: World) -> None:
    """A sum at will and a supplier's late word, on the day after the order's mails and events went."""
    shops = keeping(ended.shops, mails_days=60, events_days=60, payloads_days=60)
    moved = at("2027-01-31 09:00:00")
    night(ended, moved, shops)
    gone = {what: LEFT[what] for what in ("mails", "events", "payloads")}
    assert {what: ended.value(query) for what, query in gone.items()} == dict.fromkeys(gone, 0)
    ended.tell(ended.ask("refund.goodwill", "S-9", amount=500, reason=f"{NAME} 様", by="operations", operator=True))
    ended.tell(ended.news("shipment.delivered", ended.shipments("S-9")[0], note=f"受取人 {NAME}"))
    ended.settle()
    assert ended.states()["S-9"][1] == "done"
    ended.execute("UPDATE effect SET outcome = outcome || '{\"says\": \"no\"}' WHERE kind = 'payment.refund'")
    assert all(ended.value(query) for query in gone.values())
    night(ended, moved + timedelta(days=29), shops)
    assert all(ended.value(query) for query in gone.values())
    night(ended, moved + timedelta(days=31), shops)
    assert {what: ended.value(query) for what, query in gone.items()} == dict.fromkeys(gone, 0)
    assert ended.value("SELECT count(*) FROM retention_late") == 0
    assert ended.broken() == {}


def test_events_that_nobody_took_up_and_refused_orders_go_by_their_own_day(world: World) -> None:
    """Those of no shop that is known are kept for the longest time of any."""
    shops = keeping(world.shops, quarantine_days=40, refused_orders_days=40)
    raw = {"type": "shipment.shipped", "data": {"shipment": "SH-404", "to": EMAIL}}
    world.tell(supplier_event(raw, supplier="warehouse", shops=(), event_id="odd", now=world.clock.now()))
    take_in_or_keep(world.engine, world.shops, world.clock, person("S-99", colour="red"))
    take_in_or_keep(world.engine, world.shops, world.clock, {**person("S-98"), "shop": "nobody"})

    def left() -> tuple[int, list[str]]:
        quarantined = world.value("SELECT count(*) FROM inbox_event WHERE state = 'quarantined'")
        return quarantined, [row.number for row in world.rows("SELECT number FROM refused_order ORDER BY number")]

    night(world, ORDERED + timedelta(days=40, hours=23), shops)
    assert left() == (1, ["S-98", "S-99"])
    night(world, ORDERED + timedelta(days=41), shops)
    assert left() == (1, ["S-98"])
    night(world, ORDERED + timedelta(days=180, hours=23), shops)
    assert left() == (1, ["S-98"])
    night(world, ORDERED + timedelta(days=181), shops)
    assert left() == (0, [])
    assert naming(dump(world), EMAIL) == []
    assert world.value("SELECT state FROM inbox_event") == "ignored"
    with world.engine.connect() as connection:
        assert waiting(connection, world.clock.now()) == []


def test_an_event_that_comes_again_is_still_known(ended: World) -> None:
    news = ended.news("shipment.delivered", ended.shipments("S-9")[0], event_id="once", note=NAME)
    ended.tell(news)
    ended.settle()
    night(ended, at("2028-06-01 00:00:00"))
    assert ended.tell(news) == [False]


def test_a_mail_of_no_order_goes_with_its_address(ended: World) -> None:
    ended.execute("UPDATE mail SET order_id = NULL, at = :at", at=ORDERED + timedelta(hours=12))
    night(ended, ORDERED + timedelta(days=400, hours=23))
    assert ended.value(LEFT["mails"]) > 0
    night(ended, ORDERED + timedelta(days=401))
    assert ended.rows("SELECT FROM mail WHERE packed IS NOT NULL OR envelope_to <> ''") == []


def test_a_mail_whose_body_is_gone_cannot_be_sent_again_and_says_so(ended: World) -> None:
    mail = ended.value("SELECT min(id) FROM mail")
    night(ended, at("2028-01-01 00:00:00"))
    ended.tell(ended.ask("mail.resend", "S-9", mail=mail, to="else@example.jp", reason="", by="x", operator=True))
    before = len(ended.postbox.mails)
    ended.settle()
    assert len(ended.postbox.mails) == before
    refused = ended.rows("SELECT state, reason FROM inbox_event WHERE type = 'mail.resend'")
    assert [(row.state, "no longer kept" in row.reason) for row in refused] == [("refused", True)]
    with ended.engine.connect() as connection:
        facts = standing(connection, "salon", "S-9", ended.clock.now())
    assert facts is not None
    resend = next(
        one for one in possible(facts, ended.shops["salon"], ended.clock.now()) if one[0].name == "mails:resend"
    )
    assert [refusal.says("en") for refusal in resend[2]] == ["The mails about this order are no longer kept."]


def test_a_mail_that_failed_and_is_no_longer_kept_waits_for_nobody(ended: World) -> None:
    ended.execute("UPDATE mail SET state = 'failed', code = '550'")

    def failed() -> tuple[int, int]:
        with ended.engine.connect() as connection:
            told = counts(connection, ended.clock.now())
            counted = {row.name: row.number for row in told if row.what == "attention"}
            return len([row for row in waiting(connection, ended.clock.now()) if row.kind == "mail"]), counted["mails"]

    assert min(failed()) > 0
    night(ended, at("2028-01-01 00:00:00"))
    assert failed() == (0, 0)


def test_who_is_forgotten_later_is_forgotten_in_the_mails_addresses_too(ended: World) -> None:
    night(ended, at("2028-01-01 00:00:00"))
    assert naming(dump(ended), EMAIL)
    assert forget(ended.engine, ended.shops["salon"], ended.clock, "M-9", by="operations")["status"] == "erased"
    assert naming(dump(ended), *PERSON) == []


def test_what_went_is_counted_once(ended: World) -> None:
    """In one line of the log a night, and as ``shukka_retention_gone``."""
    before = {what: ended.value(query) for what, query in LEFT.items()}
    with capture_logs() as lines:
        night(ended, at("2028-01-01 00:00:00"))
        night(ended, at("2028-01-01 05:00:00"))
        night(ended, at("2028-01-02 05:00:00"))
    told = {what: before[what] for what in ("mails", "events", "payloads")}
    assert lines == [{"event": "retention.ended", "log_level": "info", **told}]
    with ended.engine.connect() as connection:
        gone = {row.name: row.number for row in counts(connection, ended.clock.now()) if row.what == "gone"}
    assert {what: number for what, number in gone.items() if number} == told


def kept(what: str = "mails") -> Kept:
    return Kept("salon", what, at("2028-01-01 00:00:00"), at("2027-12-01 00:00:00"))


def in_steps(engine: Engine, limit: int) -> list[int]:
    """How many orders each step looked at."""
    steps = []
    while not steps or steps[-1] == limit:
        with engine.begin() as connection:
            steps.append(retain.of_next_orders(connection, kept(), limit)[0])
    return steps


def test_a_night_is_short_steps_and_each_order_is_looked_at_once(world: World) -> None:
    numbers = [f"S-{n}" for n in range(1, 6)]
    world.take(*(person(number) for number in numbers))
    deliver(world, *numbers)
    assert in_steps(world.engine, 2) == [2, 2, 1]
    assert world.value(LEFT["mails"]) == 0
    assert in_steps(world.engine, 2) == [0]


def plan(world: World, statement: str, **told: Any) -> str:
    with world.engine.begin() as connection:
        connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        return "\n".join(connection.exec_driver_sql(f"EXPLAIN {statement}", told).scalars())


def test_what_is_looked_for_is_found_by_an_index(ended: World) -> None:
    from models.store import erasures, retention

    found = plan(ended, retention._COME, shop="salon", at=ORDERED, id=0, until=ORDERED, limit=10)
    assert "ix_shop_order_shop_accepted_at_id" in found
    found = plan(ended, erasures._DUE, now=ORDERED, since=ORDERED, limit=10)
    assert "ix_erasure_waiting" in found


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("documents_days = 2555", "retention.documents_days: must be 2985 or more"),  # B.1.4
        ("mails_days = 30", "retention.mails_days: must be 31 or more"),  # B.7.4
        ("mails_days = 5000", "documents_days: something that names the customer is kept for 5000 days"),
        ("orders_days = 100", "orders_days"),
    ],
)
def test_what_the_law_keeps_is_kept(line: str, says: str) -> None:
    with pytest.raises(ShukkaError) as refused:
        parse_shop("mine", f'name = "x"\n[retention]\n{line}\n')
    assert says in str(refused.value)


def test_the_books_own_time_is_seven_years_from_the_end_of_any_business_year() -> None:
    """B.1.4: the first day of a business year, its end, two months, seven years."""
    ordered, ends = at("2027-01-01 00:00:00"), at("2035-03-01 00:00:00")
    assert timedelta(days=BOOKS_DAYS) >= ends - ordered
