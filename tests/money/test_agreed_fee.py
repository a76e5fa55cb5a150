"""INT-04 on the real statements: the fee that was agreed with an individual for whom none is published."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Engine

from tests.rules.build import shop_with
from tests.world import SHOPS, World, a_line, document
from workers.mail.rendering import Renderer


@pytest.fixture
def waiting(world: World) -> World:
    """10,000 yen to an individual: 11,330 with shipping and tax; nothing was asked of a gateway."""
    return to_an_individual(world)


def to_an_individual(world: World) -> World:
    order = document("C-1", a_line(unit_price=10_000), shop="clinic")
    order["customer"]["account"] = "local"
    world.take({**order, "ship_to": {**order["ship_to"], "kind": "individual"}})
    world.settle()
    assert (world.states(), world.gateway.cards) == ({"C-1": ("accepted", "held")}, {})
    return world


def agree(world: World, fee: int) -> str:
    asked = {"fee": fee, "reason": "by telephone", "by": "operations", "operator": True}
    world.tell(world.ask("order.agree_fee", "C-1", "clinic", **asked))
    world.settle()
    return str(world.value("SELECT state FROM inbox_event ORDER BY id DESC LIMIT 1"))


def mails(world: World) -> list[str]:
    sent = [mail for mail in world.postbox.mails if mail["X-Shukka-Template"] == "order_accepted"]
    return [str(mail.get_body(("plain",)).get_content()) for mail in sent]  # type: ignore[union-attr]


def shown(world: World) -> dict[str, Any]:
    return world.show("C-1", "clinic")


def test_the_card_is_authorized_for_the_new_total(waiting: World) -> None:
    before = shown(waiting)["totals"]["grand_total"]
    assert agree(waiting, 1_500) == "applied"
    after, (card,) = shown(waiting), waiting.gateway.cards.values()
    assert card.amount == after["totals"]["grand_total"] == after["payment"]["amount"] == before + 1_650
    assert (after["condition"], after["repricings"][0]["reason"]) == ("running", "by telephone")
    assert any("released at once" not in one["cause"] and "1500 yen" in one["cause"] for one in after["timeline"])
    assert waiting.broken() == {}


def test_the_customer_reads_the_new_total(waiting: World) -> None:
    """CON-01."""
    agree(waiting, 1_500)
    first, again = mails(waiting)
    total = f"{shown(waiting)['totals']['grand_total']:,}円"
    assert (total in first, total in again, "個人宛の送料を加え" in again) == (False, True, True)


def test_it_ships_and_is_captured_with_the_fee(waiting: World) -> None:
    agree(waiting, 1_500)
    waiting.at("2026-11-20 16:00:00")
    waiting.ship_all("C-1", shop="clinic")
    paid = shown(waiting)["payment"]
    assert paid["captured"] == paid["amount"]
    assert waiting.broken() == {}


def test_once_the_customer_was_asked_to_pay_nothing_is_added(waiting: World) -> None:
    """CAN-02."""
    assert [agree(waiting, 1_500), agree(waiting, 2_000)] == ["applied", "refused"]
    assert len(shown(waiting)["repricings"]) == 1


def test_without_a_fee_the_customer_hears_that_there_is_none(waiting: World) -> None:
    """The mail of the hold has promised it."""
    before = shown(waiting)["totals"]["grand_total"]
    waiting.tell(waiting.ask("order.release", "C-1", "clinic", operator=True))
    waiting.settle()
    (card,) = waiting.gateway.cards.values()
    assert card.amount == before
    assert "個人宛の追加の送料はございません" in mails(waiting)[-1]
    assert waiting.broken() == {}


def test_a_fee_is_agreed_for_one_region(engine: Engine, database_url: str, renderer: Renderer) -> None:
    """CAN-02: elsewhere it would be another, where a shop changes addresses at all."""
    changes = shop_with("clinic", **{"address_changes = false": "address_changes = true"})
    here = document(shop="clinic")["ship_to"]
    there = {**here, "kind": "individual", "region": "北海道", "postal_code": "060-0001", "city": "札幌市中央区"}
    with World(engine, database_url, renderer, shops={**SHOPS, "clinic": changes}) as world:
        to_an_individual(world)
        agree(world, 1_500)
        world.tell(world.ask("order.change_address", "C-1", "clinic", ship_to=there, reason="", operator=True))
        world.settle()
        state, why = world.rows("SELECT state, reason FROM inbox_event ORDER BY id DESC LIMIT 1")[0]
    assert (state, "agreed for another region" in why) == ("refused", True)
