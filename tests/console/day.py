"""The day of docs/scenes.md: ten to noon on a Friday, the morning's orders of the demo, and one thing of each kind that an operator settles."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email import message_from_bytes
from typing import Any, Final

from sqlalchemy import Engine

from pipelines.bounces.message import read
from pipelines.bounces.receiving import Told, receive
from pipelines.gateway import Answer
from pipelines.ports import Verdict
from tests.bounces import samples
from tests.outside import Gateway, SetClock
from tests.rules.build import at
from tests.world import FRIDAY_MORNING, World, a_line, document
from workers.demo.orders import orders
from workers.mail.rendering import Renderer

NOW: Final = "2026-11-20 11:50:00"
BOUNCED: Final = "takahashi+4d2d532d3338@example.jp"
"""The address of S-38's customer, with a letter too many."""
_MORNING: Final = 40
"""Orders of the demo (seed 1) that came in since nine."""


@dataclass
class Silent(Gateway):
    """A gateway that takes a card, and does not say whether it did until it is ``back``."""

    back: bool = False

    async def lookup(self, *, order: str, key: str | None = None, reference: str | None = None) -> Answer | None:
        if not self.back:
            return Answer(Verdict.UNKNOWN, code="timeout")
        return await super().lookup(order=order, key=key, reference=reference)


@dataclass
class Day:
    """The world at ten to noon, and the gateway that has not answered yet."""

    world: World
    gateway: Silent


@contextmanager
def day(engine: Engine, database_url: str, renderer: Renderer) -> Iterator[Day]:
    """The morning, lived through on a database of its own."""
    gateway = Silent(SetClock(FRIDAY_MORNING), faults=["lost"])
    with World(engine, database_url, renderer, gateways={"sandbox": gateway}) as world:
        gateway.clock = world.clock
        _unknown_card(world)
        _morning(world)
        _waiting(world)
        yield Day(world, gateway)


def _unknown_card(world: World) -> None:
    """S-41: the card was taken, and its gateway never said so."""
    world.take(_salon("S-41"))
    world.settle()
    for _ in range(20):
        world.hurry()
        world.perform("payment.authorize")
    world.settle()


def _morning(world: World) -> None:
    """The demo's orders since nine, and C-17, of which one maker's goods come in on Tuesday."""
    start = at("2026-11-20 09:00:00")
    came = orders(1, _MORNING, start, at("2026-11-20 11:45:00"), ("clinic", "salon"))
    couch = a_line(
        "1",
        1,
        148_000,
        sku="BED-01",
        name="診察台 昇降式",
        supplier="maker-a",
        availability="backorder",
        expected_on="2026-11-24",
    )
    world.at("2026-11-20 11:45:00")
    world.take(
        *came,
        _clinic("C-16"),
        _clinic("C-17", couch),
        _clinic("C-21"),
        _clinic("C-22", a_line("1", 2, 12_800, sku="STOOL-3", name="丸椅子 キャスター付", supplier="maker-a")),
        _salon("S-33", payment={"method": "bank_transfer"}),
        _salon("S-35", remarks="クーポン AUTUMN と WINTER を使ってください"),
        _salon("S-37", placed_at="2026-11-20T09:10:00+09:00"),
        _salon("S-38"),
        _clinic("C-29", customer={**_CLAIMED, "id": "M-C-29"}, payment={"method": "claims_offset"}),
    )
    world.settle()


def _waiting(world: World) -> None:
    """What went wrong until ten to noon."""
    world.tell(world.deposit("S-33", int(world.show("S-33")["payment"]["amount"]) - 330))
    world.at(NOW)
    (stools,) = world.shipments("C-22", "clinic")
    world.tell(world.news("shipment.refused", stools, "maker-a", reason="製造終了のため"))
    world.ship_all("S-37")
    (parcel,) = world.shipments("S-37")
    world.settle()
    world.tell(world.news("shipment.lost", parcel))
    world.settle()
    bounced = next(
        one
        for one in map(message_from_bytes, world.postbox.taken)
        if one["X-Shukka-Order"] == "salon/S-38" and one["X-Shukka-Template"] == "order_accepted"
    )
    raw = samples.about("01_postfix_user_unknown", str(bounced["Message-ID"]), BOUNCED, "nobody@example.jp")
    receive(
        world.engine, world.clock, [Told("mail:message", "dsn-1", read(raw.replace(b"salon/S-1001", b"salon/none")))]
    )
    world.settle()


_CLAIMED: Final = {"name": "伊藤 由美", "email": "yumi.ito@example.jp", "account": "partner_claims", "rank": None}


def _clinic(number: str, *lines: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """An order of the clinic, of a customer of its own."""
    goods = lines or (a_line("1", 10, 1_280, sku="GLOVE-M", name="ニトリル手袋 M 200枚"),)
    made = document(number, *goods, shop="clinic", customer=f"M-{number}")
    return {**made, **changes}


def _salon(number: str, *lines: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """An order of the salon, of a customer of its own."""
    goods = lines or (a_line("1", 4, 3_300, sku="SHAMPOO-1L", name="シャンプー 1L"),)
    return document(number, *goods, customer=f"M-{number}", **changes)
