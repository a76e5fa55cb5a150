"""What a draft says of an order is what the database holds once the decision is written: on whole lives of orders."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from models.store import orders
from pipelines.engine.draft import OrderDraft
from pipelines.engine.facts import Facts, Need
from pipelines.engine.gather import facts_of
from pipelines.engine.stage import Stage
from pipelines.route import ROUTE
from pipelines.shops import Shop
from tests.world import World, a_line, document

_EVERYTHING = Stage("everything", lambda draft, shop, now: None, ~Need.NOTHING)


def settle(world: World) -> int:
    """Go on until nothing is due now, comparing every draft with what became of it; how many were compared."""
    compared = 0
    for _ in range(100):
        busy = 0
        for stage in ROUTE:
            drafts: list[OrderDraft] = []

            def kept(draft: OrderDraft, shop: Shop, now: datetime, stage: Stage = stage, all_: Any = drafts) -> None:
                stage.decide(draft, shop, now)
                all_.append(draft)

            busy += world.runner.run_batch(replace(stage, decide=kept)).claimed
            for draft in drafts:
                compare(draft, stage, reality(world, draft.facts))
                compared += 1
        if not busy + world.perform():
            return compared
    raise AssertionError("the house never comes to rest")


def reality(world: World, facts: Facts) -> Facts:
    """All there is of the order now."""
    with world.engine.connect() as connection:
        row = orders.by_number(connection, facts.shop, facts.number)
        assert row is not None
        (now,) = facts_of(connection, _EVERYTHING, [row], world.clock.now())
        return now


def compare(draft: OrderDraft, stage: Stage, now: Facts) -> None:
    """Everything that the stage could read is as its draft said."""
    assert (draft.state, draft.condition, list(draft.holds)) == (now.state, now.condition, list(now.holds)), stage.name
    assert draft.grand_total == now.grand_total
    if Need.PAYMENT in stage.needs:
        assert draft.money == now.payment
    if Need.SHIPMENTS in stage.needs:
        assert sorted(map(_face, draft.shipments)) == sorted(map(_face, now.shipments))
    if Need.PARCELS in stage.needs:
        assert draft.parcels == {(one.shipment, one.key): one for one in now.parcels}
    if Need.ADJUSTMENTS in stage.needs:
        assert draft.adjustments == now.adjustments
    if Need.RETURNS in stage.needs:
        assert list(draft.returns) == now.returns
    if Need.LOTS in stage.needs:
        assert {u.lot: u for u in draft.used_points} == {u.lot: u for u in now.used_points}
        known = {lot.id: lot for lot in draft.lots}
        assert {n: lot.gone for n, lot in known.items()} == {lot.id: lot.gone for lot in now.lots if lot.id in known}
        taken = {back.lot for back in draft.decision().clawbacks}
        # Valid points are taken back from whichever lots have some by then, and when points become valid, ordinary ones
        # of the customer get one expiry (PTS-11): the ledger's matter.
        drawn = {n: lot for n, lot in known.items() if n not in taken or lot.state in ("pending", "void")}
        assert {n: lot._replace(expires_at=None) for n, lot in drawn.items()} == {
            lot.id: lot._replace(expires_at=None) for lot in now.lots if lot.id in drawn
        }


def _face(shipment: Any) -> tuple[Any, ...]:
    """What shows of a shipment, of a draft and of facts."""
    pieces = sorted((line, p.quantity, p.cancelled, p.shipped) for line, p in shipment.lines.items())
    because = [reason["says"] for reason in shipment.because]
    dates = [str(date) for date in (shipment.dispatch_on, shipment.instruct_at, shipment.plan_as_of)]
    return (shipment.id, shipment.supplier, shipment.state, dates, because, pieces)


Step = Callable[[World], None]


def take(*lines: dict[str, Any], **changes: Any) -> Step:
    return lambda world: world.take(document("S-1", *lines, **changes))


def deposit(amount: int) -> Step:
    return lambda world: world.tell(world.deposit("S-1", amount)) and None


def ask(type_: str, **body: Any) -> Step:
    return lambda world: world.tell(world.ask(type_, "S-1", **body)) and None


def news(type_: str, **data: Any) -> Step:
    def tell(world: World) -> None:
        world.tell(world.news(f"shipment.{type_}", world.shipments()[0], **data))

    return tell


def left(**data: Any) -> Step:
    def tell(world: World) -> None:
        world.tell(world.shipped(world.shipments()[0], **data))

    return tell


def gift(world: World) -> None:
    world.grant(500)


def some(pieces: int, line: str = "1") -> dict[str, Any]:
    return {"lines": [{"line": line, "quantity": pieces}]}


BY_TRANSFER = {"payment": {"method": "bank_transfer"}}
ON_DELIVERY = {"payment": {"method": "cod"}}
LIVES: dict[str, list[Step]] = {
    "in two parcels, one piece returned": [
        take(a_line(quantity=3)),
        news("acknowledged"),
        left(**some(1)),
        news("delayed", expected_on="2026-12-01", reason="late"),
        left(**some(2)),
        news("delivered"),
        ask("order.return_lines", **some(1), fault="customer"),
    ],
    "short, taken out, paid by transfer in two parts": [
        take(a_line("1", 2), a_line("2"), **BY_TRANSFER),
        deposit(1_000),
        deposit(32_000),
        news("short", **some(1)),
        ask("order.cancel_lines", **some(1), fault="shop"),
        ask("refund.by_hand", amount=11_000),
        left(),
    ],
    "on delivery, and the parcel came back": [
        take(a_line(quantity=2), **ON_DELIVERY),
        left(tracking_number="444413758703"),
        news("delivered", tracking_number="444413758703"),
        news("returned", tracking_number="444413758703"),
        ask("order.return_lines", **some(2), fault="shop"),
    ],
    "cancelled with points used": [
        gift,
        take(a_line(), points={"use": 300}, payment={"method": "bank_transfer"}),
        ask("order.cancel", operator=False),
        deposit(5_000),
    ],
    "every line taken out": [
        gift,
        take(a_line("1"), a_line("2"), points={"use": 300}),
        ask("order.cancel_lines", lines=[*some(1)["lines"], *some(1, "2")["lines"]], fault="customer"),
    ],
    "a line taken out before the rest left": [
        gift,
        take(a_line("1", 2), a_line("2"), points={"use": 500}),
        ask("order.cancel_lines", **some(1, "2"), fault="customer"),
        left(),
    ],
    "refused, shipped after all": [
        take(a_line()),
        news("refused", reason="sold out"),
        left(),
        news("lost"),
        ask("order.return_lines", **some(1), fault="shop"),
    ],
    "priced again for coupons in the remarks": [
        take(a_line(unit_price=20_000), remarks="クーポン AUTUMN"),
        ask("order.apply_coupons", coupons=[{"code": "AUTUMN", "kind": "amount", "value": 500}], by="operations"),
        left(),
    ],
}


@pytest.mark.parametrize("name", LIVES)
def test_a_draft_tells_the_truth(world: World, name: str) -> None:
    compared = 0
    for step in LIVES[name]:
        step(world)
        compared += settle(world)
    assert compared >= len(LIVES[name])
    states = {row.state for row in world.rows("SELECT state FROM inbox_event")}
    assert states <= {"applied"}, "every word of these lives counts"
    assert world.broken() == {}
