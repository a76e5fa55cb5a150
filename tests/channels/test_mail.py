"""The mail channel: an instruction is handed over when its mail is queued, once by its Message-ID."""

from __future__ import annotations

import asyncio
import re

import pytest

from pipelines.ports import Verdict
from pipelines.suppliers.channel import Contact
from tests.channels.conformance import Bench, ChannelConformance, batch
from tests.channels.mailbox import Mailbox, mail_bench, opened
from tests.rules.build import plain_shop
from tests.world import World, a_line, document
from workers.channels.mail import CHANNEL


class TestMail(ChannelConformance):
    @pytest.fixture
    def bench(self, world: World) -> Bench:
        return mail_bench(CHANNEL, world)


@pytest.mark.parametrize(
    ("profile", "registered", "to"),
    [
        (
            'operator_mail = "ops@shop.example"\n[suppliers.warehouse]\nmail = "a@maker.example"',
            "b@maker.example",
            "a@maker.example",
        ),
        ('operator_mail = "ops@shop.example"', "b@maker.example", "b@maker.example"),
        ('operator_mail = "ops@shop.example"', None, "ops@shop.example"),
    ],
    ids=["the profile's address", "the one it registered", "the shop's operators, who pass it on"],
)
def test_whom_the_mail_goes_to(world: World, profile: str, registered: str | None, to: str) -> None:
    box = Mailbox(world, opened(CHANNEL, world, salon=plain_shop(profile)), Contact(mail=registered))
    (outcome,) = asyncio.run(box.sender.send(batch(box, 1)))
    assert outcome.says == "instructed by mail"
    assert [row.envelope_to for row in world.rows("SELECT envelope_to FROM mail")] == [to]


def test_an_order_shows_the_mail_that_its_supplier_got(world: World) -> None:
    world.take(document("S-1"))
    world.settle()
    shown = world.show()
    assert shown["shipments"][0]["state"] == "instructed"
    assert [t["cause"] for t in shown["timeline"] if t["to"] == "instructed"] == ["instructed by mail"]
    (mail,) = [m for m in shown["mails"] if m["template"] == "supplier_instruction"]
    assert (mail["state"], mail["shipment"]) == ("sent", shown["shipments"][0]["id"])


def test_goods_stand_in_the_order_in_which_they_were_ordered(world: World) -> None:
    """As on the order and in its preview, wherever a supplier, the customer or a person reads them: line 10 stood between 1 and 2."""
    world.take(document("S-1", *(a_line(str(number), 1, 1_000) for number in range(1, 13))))
    world.settle()
    world.ship_all("S-1")
    ordered = [str(number) for number in range(1, 13)]
    (shipment,) = world.show()["shipments"]
    assert [one["line"] for one in shipment["lines"]] == ordered
    assert [one["line"] for one in shipment["parcels"][0]["lines"]] == ordered
    for template in ("supplier_instruction", "shipment_shipped"):
        (mail,) = (one for one in world.postbox.mails if one["X-Shukka-Template"] == template)
        body = mail.get_body(("plain",))
        assert body is not None
        assert re.findall(r"商品 (\d+)", body.get_content()) == ordered


def test_our_own_database_is_no_fault_of_the_suppliers(world: World) -> None:
    """Nobody was asked: it counts neither as an attempt that may have happened nor against the supplier."""
    world.refuse("mail", "57014", "NEW.template = 'supplier_instruction'")
    world.take(document("S-1"))
    world.settle()
    asked = world.rows("SELECT attempts > 0, unknowns FROM effect_lease WHERE kind = 'supplier.instruct'")
    assert (asked, world.rows("SELECT 1 FROM circuit")) == ([(True, 0)], [])
    world.refuse_no_more("mail")
    world.execute("UPDATE effect_lease SET due_at = now()")
    world.settle()
    assert world.show()["shipments"][0]["state"] == "instructed"


def test_what_is_said_of_the_same_goods_leaves_in_the_order_in_which_it_was_said(world: World) -> None:
    """A mail server was away for hours, and its back-offs end in any order: who reads the cancel first sends the goods."""
    world.enrol("supplier", "warehouse", mail="dock@example.jp")
    world.postbox.answers = [Verdict.RETRY] * 100
    world.take(document("S-1"))
    world.settle()
    world.at("2026-11-20 15:00:00")
    world.tell(world.ask("order.cancel", "S-1", reason="", operator=True))
    world.settle()
    world.postbox.answers = []
    due = "UPDATE effect_lease SET due_at = now() {} FROM mail m WHERE subject_id = m.id AND kind = 'mail.send' AND template {} 'supplier_instruction'"
    world.execute(due.format("+ interval '1 hour'", "="))
    world.execute(due.format("", "<>"))
    world.settle()
    assert told(world) == []
    world.hurry()
    world.settle()
    world.hurry()
    world.settle()
    assert told(world) == ["supplier_instruction", "supplier_cancel"]
    assert world.broken() == {}


def told(world: World) -> list[str]:
    """What the supplier got, in the order in which it came."""
    return [mail["X-Shukka-Template"] for mail in world.postbox.mails if "dock@example.jp" in mail["To"]]
