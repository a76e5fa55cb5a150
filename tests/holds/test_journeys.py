"""Holds of orders on real engines: opened, shown, answered, and kept as history."""

from __future__ import annotations

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from models.states import HoldReason
from pipelines.rules.hold_kinds import KINDS
from tests.rules.build import at
from tests.web.site import Site, problem
from tests.world import World, a_line, document
from workers.cli.main import app
from workers.cli.terminal import out


def history(world: World) -> list[tuple[str, str, str | None]]:
    """(reason, opened by, closed by) of every hold there was, first to last."""
    found = world.rows("SELECT reason, opened_by, closed_by FROM order_hold ORDER BY id")
    return [(one.reason, one.opened_by, one.closed_by) for one in found]


def two_lines(**changes: Any) -> dict[str, Any]:
    return document("S-1", a_line("1", 1, 6_000), a_line("2", 2, 2_000), **changes)


def test_a_shortage_is_shown_answered_and_remembered(world: World) -> None:
    """INT-13: which pieces, since when, and what an operator does about it; afterwards what became of it."""
    world.take(two_lines())
    world.settle()
    (shipment,) = world.shipments()
    world.tell(world.news("shipment.short", shipment, lines=[{"line": "2", "quantity": 1}]))
    world.settle()
    (hold,) = world.show()["holds"]
    assert hold == {
        "reason": "supplier_short",
        "says": f"warehouse cannot supply 1 of line 2 of {shipment} (INT-13).",
        "about": shipment,
        "lines": [{"line": "2", "quantity": 1}],
        "amount": None,
        "opened_at": world.clock.now().isoformat(),
        "way_out": KINDS[HoldReason.SUPPLIER_SHORT].way_out.en,
        "ways_out": list(KINDS[HoldReason.SUPPLIER_SHORT].answered_by),
    }
    world.tell(world.ask("order.cancel_lines", "S-1", lines=[{"line": "2", "quantity": 1}]))
    world.settle()
    assert (world.show()["hold"], world.show()["holds"]) == ([], [])
    assert history(world) == [("supplier_short", "supplier_short", "lines taken out")]
    assert world.broken() == {}


def test_what_is_still_due_back_replaces_what_was(world: World) -> None:
    """Each part that was given back closes the hold for the sum and opens one for the rest."""
    world.take(two_lines(payment={"method": "bank_transfer"}))
    world.settle()
    world.tell(world.deposit("S-1", 11_000))
    world.settle()
    world.tell(world.ask("order.cancel_lines", "S-1", lines=[{"line": "2", "quantity": 2}]))
    world.settle()
    assert [(one["reason"], one["amount"]) for one in world.show()["holds"]] == [("refund_due", 4_400)]
    for amount in (1_400, 3_000):
        world.tell(world.ask("refund.by_hand", "S-1", amount=amount))
        world.settle()
    assert [(reason, closed) for reason, _, closed in history(world)] == [
        ("refund_due", "a part was given back by hand"),
        ("refund_due", "nothing is due back any more"),
    ]
    assert world.broken() == {}


def test_a_cancel_closes_what_held_the_order_and_opens_what_it_leaves(world: World) -> None:
    """B.6.7: a deposit of another sum is held; cancelled, the money is to be given back."""
    world.take(two_lines(payment={"method": "bank_transfer"}))
    world.settle()
    world.tell(world.deposit("S-1", 1_000))
    world.settle()
    world.tell(world.ask("order.cancel", "S-1", operator=True))
    world.settle()
    assert world.states()["S-1"] == ("cancelled", "held")
    assert history(world) == [
        ("deposit_mismatch", "deposit differs", "cancelled by the operator"),
        ("refund_due", "cancelled by the operator", None),
    ]
    world.tell(world.ask("refund.by_hand", "S-1", amount=1_000))
    world.settle()
    assert world.states()["S-1"] == ("cancelled", "done")
    assert world.broken() == {}


@pytest.mark.parametrize("cancelled", [True, False], ids=["cancelled", "goes on"])
def test_what_is_due_back_is_not_forgotten_by_a_release(world: World, cancelled: bool) -> None:
    """Nobody's look gives money back: the order stays held until somebody says that it went (B.6.7, CAN-04)."""
    world.take(two_lines(payment={"method": "bank_transfer"}))
    world.settle()
    world.tell(world.deposit("S-1", 11_000))
    world.settle()
    if cancelled:
        world.tell(world.ask("order.cancel", "S-1", operator=True))
    else:
        world.tell(world.ask("order.cancel_lines", "S-1", lines=[{"line": "2", "quantity": 1}]))
    world.settle()
    (due,) = world.show()["holds"]
    world.tell(world.ask("order.release", "S-1"))
    world.settle()
    assert world.value("SELECT state FROM inbox_event WHERE type = 'order.release'") == "refused"
    assert [(one["reason"], one["amount"]) for one in world.show()["holds"]] == [("refund_due", due["amount"])]
    world.tell(world.ask("refund.by_hand", "S-1", amount=due["amount"]))
    world.settle()
    assert world.states()["S-1"] == (("cancelled", "done") if cancelled else ("released", "running"))
    assert world.broken() == {}


def test_a_release_after_the_cutoff_plans_the_next_open_day(world: World) -> None:
    """CUT-01, INT-16: salon until 15:00; the customer is told a day that can be kept, and the supplier is not late on it."""
    world.take(document("S-1", remarks="裏口へお願いします", locale="en"))
    world.settle()
    assert world.states()["S-1"] == ("authorized", "held")
    world.clock.set(at("2026-11-20 17:00"))
    world.tell(world.ask("order.release", "S-1"))
    world.settle()
    (planned,) = world.show("S-1")["shipments"]
    assert (planned["dispatch_on"], planned["because"][0]["says"]) == (
        "2026-11-24",
        "Check completed after the 15:00 cutoff: planned for dispatch on the next open day, Tue 24 Nov 2026.",
    )
    assert [mail["template"] for mail in world.show("S-1")["mails"]][-1] == "dispatch_planned"
    world.at("2026-11-24 10:30")
    assert world.states()["S-1"] == ("released", "running")


def test_a_release_says_what_it_does_not_answer(world: World) -> None:
    """Nobody's look sends goods that a supplier refused: the ways out are named, and nothing is kept."""
    site = Site(world)
    try:
        world.take(two_lines())
        world.settle()
        world.tell(world.news("shipment.refused", world.shipments()[0], reason="sold out"))
        world.settle()
        refused = site.post("/v1/orders/salon/S-1/release", key=site.operator)
        ways_out = list(KINDS[HoldReason.SUPPLIER_REFUSED].answered_by)
        assert (
            ways_out
            == refused.json()["ways_out"]
            == ["shipments:reroute", "shipments:ask_again", "lines:cancel", "cancel"]
        )
        assert problem(refused, 409)["detail"] == f"A release does not answer what holds it: use {', '.join(ways_out)}."
        shown = site.get("/v1/orders/salon/S-1", key=site.operator).json()
        (release,) = (one for one in shown["actions"] if one["name"] == "release")
        assert (release["possible"], release["refusals"][0]["ways_out"]) == (False, ways_out)
        world.tell(world.ask("order.release", "S-1"))
        world.settle()
        assert world.states()["S-1"] == ("released", "held")
        assert world.value("SELECT state FROM inbox_event WHERE type = 'order.release'") == "refused"
    finally:
        site.close()


@pytest.mark.parametrize(
    ("locale", "language", "says"),
    [
        ("ja", None, "備考欄の内容を確認します: 「鳩時計を添えてください」"),
        ("en", None, 'The remarks must be read by a person: "鳩時計を添えてください"'),
        ("ja", "en", 'The remarks must be read by a person: "鳩時計を添えてください"'),
        ("en", "ja-JP", "備考欄の内容を確認します: 「鳩時計を添えてください」"),
    ],
    ids=["customer, Japanese", "customer, English", "operator, English", "operator, Japanese"],
)
def test_customers_read_their_orders_language_and_operators_their_own(
    world: World, locale: str, language: str | None, says: str
) -> None:
    site = Site(world)
    try:
        world.take(document("S-1", remarks="よろしくお願いします。鳩時計を添えてください", locale=locale))
        world.settle()
        key, headers = (site.operator, {"accept-language": language}) if language else (site.storefront, {})
        shown = site.get("/v1/orders/salon/S-1", key=key, headers=headers).json()
        assert [one["says"] for one in shown["hold"]] == [one["says"] for one in shown["holds"]] == [says]
    finally:
        site.close()


def test_attention_names_every_hold_and_its_ways_out(
    world: World, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setattr(out, "width", 300)
    world.take(document("S-1", remarks="クーポン AUTUMN"), document("S-2"))
    world.settle()
    (shipment,) = world.shipments("S-2")
    world.tell(world.news("shipment.refused", shipment, reason="sold out"))
    world.settle()
    printed = CliRunner().invoke(app, ["attention", "--json"]).stdout.splitlines()
    found = {one["id"]: one for one in map(json.loads, printed) if one["what"] == "order held"}
    assert set(found) == {"salon/S-1", "salon/S-2"}
    assert found["salon/S-2"]["why"] == f"supplier_refused: warehouse refused {shipment}: sold out"
    assert found["salon/S-2"]["ways_out"] == list(KINDS[HoldReason.SUPPLIER_REFUSED].answered_by)
    assert found["salon/S-1"]["ways_out"] == ["coupons", "release", "cancel"]
    table = CliRunner().invoke(app, ["attention", "--lang", "ja"]).stdout
    assert "クーポンコードの記載" in table
    assert "(shukka act salon/S-2 shipments:reroute | " in table


def test_a_storefront_hears_why_an_order_is_held(world: World) -> None:
    """order.held in the order's language, with every reason."""
    world.enrol("storefront", "shop", url="https://shop.example/hook")
    world.take(document("S-1", remarks="クーポン AUTUMN", locale="en"))
    world.settle()
    payload = world.value("SELECT payload FROM effect WHERE payload->>'type' = 'order.held'")
    (hold,) = payload["data"]["hold"]
    assert hold["reason"] == HoldReason.COUPONS_IN_REMARKS
    assert hold["says"].startswith("Coupon codes are written in the remarks")
