"""A carrier that is one file in the folder of plug-ins, and nothing else."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from pipelines.shops.load import ProfileErrors
from tests.plugins import neko_express
from tests.rules.build import shop_with
from tests.world import SHOPS, World, document
from workers.mail.rendering import Renderer

PLUG_IN = Path(neko_express.__file__)
PROFILE = {'carrier = "yamato"': 'carrier = "Neko (JA)"\n[delivery]\ncarriers = ["ネコ特急便"]'}


@pytest.fixture
def dropped_in(tmp_path: Path, plugins_in: Callable[[Path | str], None]) -> None:
    shutil.copy(PLUG_IN, tmp_path)
    plugins_in(tmp_path)


@pytest.fixture
def world(engine: Engine, database_url: str, renderer: Renderer, dropped_in: None) -> Iterator[World]:
    shops = {**SHOPS, "salon": shop_with("salon", **PROFILE)}
    with World(engine, database_url, renderer, shops=shops) as world:
        yield world


def test_it_is_no_carrier_where_it_was_not_dropped_in() -> None:
    with pytest.raises(ProfileErrors, match="'ネコ特急便' is no carrier; there is ems, "):
        shop_with("salon", **PROFILE)


def test_it_carries_an_order_to_its_customer(world: World) -> None:
    """Its spelling, its number, its page, its names and its words."""
    world.take(document("S-1"))
    world.settle()
    (shipment,) = world.shipments()
    world.tell(world.shipped(shipment, carrier="ネコ特急", tracking_number="NEKO 1234-5678-0"))
    world.settle()
    shown = world.show()["shipments"][0]
    assert (shown["carrier"], shown["tracking_number"], shown["tracking_url"]) == (
        "neko_express",
        "123456780",
        "https://neko.example/123456780",
    )
    (mail,) = [m for m in world.postbox.mails if m["X-Shukka-Template"] == "shipment_shipped"]
    assert "ネコ特急便" in mail.get_body(("plain",)).get_content()
    world.tell(world.news("shipment.tracking_updated", shipment, status="お届けしたニャ"))
    world.settle()
    assert world.show()["state"] == "delivered"


def test_a_number_it_never_gave_is_quarantined(world: World) -> None:
    """TRK-03."""
    world.take(document("S-1"))
    world.settle()
    world.tell(world.shipped(world.shipments()[0], carrier="neko_express", tracking_number="123456781"))
    world.settle()
    assert world.value("SELECT reason FROM inbox_event") == "The check digit is not that of a cat."
    assert world.show()["state"] == "released"
