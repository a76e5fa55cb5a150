"""What mails say of days, points and ways of money is so when they are read."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from tests.mail.reading import BOTH_KINDS, body, both, changed
from tests.rules.build import SHOPS, at, shop_with
from tests.world import World, a_line, document
from workers.mail.rendering import Renderer
from workers.mail.samples import sample

TELLS = shop_with(
    "salon", **{"[returns]": '[delivery]\ntells = ["out_for_delivery", "attempt_failed", "held"]\n[returns]'}
)


@pytest.fixture
def told(engine: Engine, database_url: str, renderer: Renderer) -> Iterator[World]:
    """A world whose salon tells of parcels that wait."""
    with World(engine, database_url, renderer, shops={**SHOPS, "salon": TELLS}) as world:
        yield world


def reads(world: World, template: str) -> str:
    """The newest mail of that template, as text."""
    found = [one for one in world.postbox.mails if one["X-Shukka-Template"] == template]
    return str(found[-1].get_body(("plain",)).get_content())


def ask(world: World, what: str, number: str = "S-1", shop: str = "salon", **body: Any) -> None:
    world.tell(world.ask(what, number, shop, operator=True, by="ops", **{"reason": "", **body}))
    world.settle()


def test_a_cancel_names_the_points_that_come_back_with_it(world: World) -> None:
    """PTS-12: 1,000 points were used; 454 came back with the first line."""
    world.grant(2_000)
    world.take(document("S-1", a_line("1", unit_price=3_000), a_line("2", unit_price=3_600), points={"use": 1_000}))
    world.settle()
    ask(world, "order.cancel_lines", lines=[{"line": "1", "quantity": 1}], fault="shop")
    before = world.balance()[1]
    ask(world, "order.cancel")
    came_back = world.balance()[1] - before
    assert 0 < came_back < 1_000
    assert f"ご利用いただいた{came_back}ポイントは、お戻しいたします。" in reads(world, "order_cancelled")


def test_points_that_are_lost_are_not_promised(world: World) -> None:
    """PTS-12: those of a lot that expired meanwhile."""
    world.grant(300, expires_at=at("2026-11-22 00:00:00"), limited=True)
    world.grant(700)
    world.take(document("S-1", points={"use": 1_000}, payment={"method": "bank_transfer"}))
    world.settle()
    world.at("2026-11-23 12:00:00")
    ask(world, "order.cancel")
    assert world.balance()[1] == 700
    assert "ご利用いただいた700ポイントは、お戻しいたします。" in reads(world, "order_cancelled")


def test_money_that_a_person_gives_back_does_not_come_by_the_store(world: World) -> None:
    """B.6.7: a store takes money and gives none; the customer named an account."""
    world.take(document("A-1", shop="apparel", payment={"method": "cod"}))
    world.settle()
    world.ship_all("A-1", shop="apparel")
    world.tell(*(world.news("shipment.delivered", one) for one in world.shipments("A-1", "apparel")))
    world.settle()
    ask(world, "order.return_lines", "A-1", "apparel", lines=[{"line": "1", "quantity": 1}], fault="shop")
    due = world.show("A-1", "apparel")["hold"][0]
    assert due["reason"] == "refund_due"
    ask(world, "refund.by_hand", "A-1", "apparel", amount=1_000, reference="T-1")
    assert "ご返金方法: 銀行振込" in reads(world, "refund_done")


@pytest.mark.parametrize(("days", "says"), [(0, True), (1, True), (2, False)])
def test_a_parcel_that_is_reported_late_has_no_day_of_arrival_that_is_over(world: World, days: int, says: bool) -> None:
    """It left on Friday and should arrive on Saturday."""
    world.take(document("S-1"))
    world.settle()
    left = world.clock.now()
    world.clock.set(left + timedelta(days=days))
    (shipment,) = world.shipments()
    world.tell(world.shipped(shipment, at=left))
    world.settle()
    assert "発送日: 2026年11月20日(金)" in reads(world, "shipment_shipped")
    assert ("お届け予定日: 2026年11月21日(土)" in reads(world, "shipment_shipped")) == says


@pytest.mark.parametrize(
    ("status", "late", "hears"),
    [
        ("out_for_delivery", 0, True),
        ("out_for_delivery", 1, False),
        ("attempt_failed", 6, True),
        ("attempt_failed", 7, False),
        ("held", 7, False),
    ],
)
def test_what_is_heard_too_late_of_a_waiting_parcel_is_told_to_nobody(
    told: World, status: str, late: int, hears: bool
) -> None:
    """B.4.5: Yamato keeps it for seven days; nobody is asked to receive it by a day that is over."""
    told.take(document("S-1"))
    told.settle()
    told.ship_all("S-1")
    said_at = at("2026-11-21 10:00:00")
    told.clock.set(said_at + timedelta(days=late))
    (shipment,) = told.shipments()
    told.tell(told.news("shipment.tracking_updated", shipment, status=status, at=said_at))
    told.settle()
    assert ("parcel_waiting" in told.postbox.templates()) == hears


@pytest.mark.parametrize(("locale", "words"), [("ja", "午後"), ("en", "Afternoon")])
def test_the_afternoon_has_a_word(locale: str, words: str) -> None:
    """B.4.4: Seino's windows are the morning and the afternoon."""
    mail = changed("order_accepted", locale, wish={"day": "", "slot": "PM"})
    for kind in BOTH_KINDS:
        assert words in body(mail, kind)
        assert "PM" not in body(mail, kind)


@pytest.mark.parametrize("locale", ["ja", "en"])
def test_goods_are_not_sent_back_to_a_mail_address(locale: str) -> None:
    """A shop that names no address for returns is asked first."""
    returned = {
        **sample("return_goods_awaited", locale).context["returned"],
        "address": "support@salon.example",
        "asks_address": True,
    }
    asked = changed("return_goods_awaited", locale, returned=returned)
    for kind in BOTH_KINDS:
        words = {
            "ja": "support@salon.exampleまでお問い合わせください",
            "en": "Please ask support@salon.example where to",
        }
        assert words[locale] in body(asked, kind)
    assert {"ja": "下記の返送先まで", "en": "to the address below"}[locale] not in both(asked)


@pytest.mark.parametrize(
    ("days", "locale", "says"),
    [
        (None, "ja", "お問い合わせください。"),
        (1, "ja", "1営業日以内に"),
        (None, "en", "please write to us."),
        (1, "en", "within 1 business day."),
        (3, "en", "within 3 business days."),
    ],
)
def test_a_reply_is_promised_only_where_the_shop_promises_one(days: int | None, locale: str, says: str) -> None:
    """OTH-01: apparel and salon do."""
    promised = {name: shop.support_reply_business_days for name, shop in SHOPS.items()}
    assert promised == {"clinic": None, "apparel": 1, "reuse": None, "salon": 3}
    for kind in BOTH_KINDS:
        content = body(changed("not_offered", locale, reply_days=days), kind)
        assert says in content
        assert ("営業日" in content or "business day" in content) == (days is not None)


@pytest.mark.parametrize(
    ("locale", "says"), [("en", "Day of the visit: Sat, 28 Nov 2026"), ("ja", "ご来店日: 2026年11月28日(土)")]
)
def test_a_store_reads_of_its_customers_visit_and_not_of_its_own(locale: str, says: str) -> None:
    """STO-01: "Your visit" is what the customer is told."""
    told = both(changed("store_notice", locale))
    assert says in told
    assert "Your visit" not in told
