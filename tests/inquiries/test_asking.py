"""Carriers are asked by the clock how parcels fare, each at its own rhythm, until they ended; what they say goes the way of any news."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import Engine

from tests.inquiries.conftest import Pages
from tests.rules.build import SHOPS, at, shop_with
from tests.world import World, a_line, document, tracking_number
from workers.installation import INSTALLATION
from workers.mail.rendering import Renderer
from workers.pacemaker import inquiries

FIRST, SECOND = tracking_number(44_441_371_001), tracking_number(44_441_371_002)


class Asked:
    """A house that asks Yamato's page, as the clock does every five minutes."""

    def __init__(self, world: World, pages: Pages) -> None:
        self._world, self._pages = world, pages
        environment = {**world.house.environment, "SHUKKA_INQUIRY_YAMATO_URL": pages.url("yamato")}
        self._house = replace(world.house, environment=environment)

    def look(self, moment: str) -> list[list[str]]:
        """Look at ``moment`` and settle; the calls that were made."""
        self._world.clock.set(at(moment))
        before = len(self._pages.asked())
        inquiries(self._house).look()
        self._world.settle()
        return self._pages.asked()[before:]

    def fares(self) -> dict[str, str | None]:
        rows = self._world.rows("SELECT tracking_number, tracking_status FROM parcel ORDER BY id")
        return {row.tracking_number: row.tracking_status for row in rows}


def test_parcels_are_asked_after_until_they_ended(world: World, pages: Pages) -> None:
    """B.4.3, TRK-02: two parcels in one call; the mail of a delivery goes once, and nobody is asked after it."""
    house = Asked(world, pages)
    world.take(document("S-1"), document("S-2", a_line(), customer="M-2"))
    world.settle()
    for number, told in (("S-1", FIRST), ("S-2", SECOND)):
        (shipment,) = world.shipments(number)
        world.tell(world.shipped(shipment, tracking_number=told, shipped_at="2026-11-20T15:40:00+09:00"))
    world.settle()
    assert house.look("2026-11-20T18:00:00") == [[FIRST, SECOND]]  # not scanned yet: that is no news
    assert house.fares() == {FIRST: None, SECOND: None}
    assert house.look("2026-11-20T21:55:00") == []  # within four hours

    pages.scanned(FIRST, ("荷物受付", at("2026-11-20T17:00:00")), ("配達中", at("2026-11-21T09:00:00")))
    pages.scanned(SECOND, ("荷物受付", at("2026-11-20T17:00:00")), ("ふしぎな状態", at("2026-11-21T09:05:00")))
    pages.fail(down_rate=1.0)
    assert house.look("2026-11-21T10:00:00") == [[FIRST, SECOND]]
    assert house.look("2026-11-21T10:05:00") == []  # left alone for a minute
    assert world.rows("SELECT kind, target, failures, code FROM circuit") == [("inquiry", "yamato", 1, "http_503")]
    pages.fail(down_rate=0)
    world.execute("UPDATE circuit SET probe_at = now()")
    assert house.look("2026-11-21T10:10:00") == [[FIRST, SECOND]]
    assert world.rows("SELECT kind FROM circuit") == []
    assert house.fares() == {FIRST: "out_for_delivery", SECOND: None}
    reasons = world.rows("SELECT reason FROM inbox_event WHERE state = 'quarantined'")
    assert [row.reason for row in reasons] == ["status 'ふしぎな状態' is unknown"]

    world.tell(
        world.news(
            "shipment.tracking_updated",
            world.shipments("S-1")[0],
            tracking_number=FIRST,
            status="in_transit",
            at=at("2026-11-21T08:00:00"),
        )
    )
    world.settle()
    assert house.fares()[FIRST] == "out_for_delivery"  # earlier news is no later news

    pages.scanned(FIRST, ("配達中", at("2026-11-21T09:00:00")), ("配達完了", at("2026-11-21T11:20:00")))
    assert house.look("2026-11-21T11:30:00") == [[FIRST]]  # out for delivery: every hour
    assert house.look("2026-11-21T11:35:00") == []
    assert house.look("2026-11-23T12:00:00") == [[SECOND]]
    assert world.states() == {"S-1": ("delivered", "done"), "S-2": ("shipped", "done")}
    assert house.look("2027-01-05T12:00:00") == []  # 45 days have gone: an operator has it long since


@pytest.mark.parametrize(
    ("word", "at_the_end"),
    [("配達完了", ("delivered", "captured")), ("持戻（ご不在）", ("cancelled", "voided"))],
    ids=["it was received that evening", "nobody was there"],
)
def test_what_an_orders_end_depends_on_is_asked_at_once(
    engine: Engine, database_url: str, renderer: Renderer, pages: Pages, word: str, at_the_end: tuple[str, str]
) -> None:
    """PAY-09: seven days after dispatch, whatever the rhythm; the answer decides."""
    asked_shop = shop_with("salon").connect(replace(INSTALLATION, asked=frozenset({"yamato"})))
    with World(engine, database_url, renderer, shops={**SHOPS, "salon": asked_shop}) as world:
        house, number = Asked(world, pages), tracking_number(44_441_371_003 + len(word))
        world.take(document("S-1", payment={"method": "cod"}))
        world.settle()
        (shipment,) = world.shipments("S-1")
        world.tell(world.shipped(shipment, tracking_number=number, shipped_at="2026-11-20T15:40:00+09:00"))
        world.settle()
        seen = (("荷物受付", at("2026-11-20T17:00:00")), ("持戻（ご不在）", at("2026-11-26T18:00:00")))
        pages.scanned(number, *seen)
        assert house.look("2026-11-26T23:00:00") == [[number]]
        assert house.fares() == {number: "attempt_failed"}
        pages.scanned(number, *seen, (word, at("2026-11-26T23:30:00")))
        world.at("2026-11-27 00:00")
        (waits,) = [one for one in world.show("S-1")["awaits"] if one["what"] == "carrier.answer"]
        assert (waits["from"], waits["until"], waits["then"]) == ("yamato", "2026-11-27T06:00:00+09:00", "cancel")
        assert house.look("2026-11-27T00:05:00") == [[number]]
        shown = world.show("S-1")
        assert (shown["state"], shown["payment"]["state"]) == at_the_end
        assert world.broken() == {}


def test_a_carrier_that_does_not_answer_keeps_no_order_for_ever(
    engine: Engine, database_url: str, renderer: Renderer, pages: Pages
) -> None:
    """PAY-09: six hours, then by what was heard last."""
    asked_shop = shop_with("salon").connect(replace(INSTALLATION, asked=frozenset({"yamato"})))
    with World(engine, database_url, renderer, shops={**SHOPS, "salon": asked_shop}) as world:
        house = Asked(world, pages)
        world.take(document("S-1", payment={"method": "cod"}))
        world.settle()
        (shipment,) = world.shipments("S-1")
        world.tell(world.shipped(shipment, tracking_number=FIRST, shipped_at="2026-11-20T15:40:00+09:00"))
        world.at("2026-11-27 00:00")
        pages.fail(down_rate=1.0)
        house.look("2026-11-27T00:05:00")
        assert world.states()["S-1"] == ("shipped", "running")
        world.at("2026-11-27 05:59")
        assert world.states()["S-1"] == ("shipped", "running")
        world.at("2026-11-27 06:00")
        assert world.states()["S-1"][0] == "cancelled"


def test_without_a_service_in_the_settings_nobody_is_asked(world: World, pages: Pages) -> None:
    before = len(pages.asked())
    assert inquiries(world.house).look() == []
    assert len(pages.asked()) == before
