"""What logs say of an order: which one it is and its trace, and nothing of the person who made it, whatever fails."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from datetime import datetime
from typing import Any, Never

from pipelines.engine.draft import OrderDraft
from pipelines.route import STAGES
from pipelines.shops import Shop
from tests.test_logs import written
from tests.web.site import Site
from tests.world import document
from workers.effects import mail, payments
from workers.effects.effect import Job
from workers.tracing import trace_id_of

__all__ = ["written"]  # the fixture of what is logged

PERSON = {
    "name": "\u202e奥田\r\n<script>八重子",
    "email": "yaeko.okuda+' OR 1=1@example.jp",
    "phone": "090-8765-4321",
    "line1": "秘町9-8-7",
    "remarks": "玄関の鍵は植木鉢の下",
}
QUOTED = ("奥田", "八重子", "yaeko", "8765", "4321", "秘町", "植木鉢", "tok_ok", "%E5%A5%A5", "\\u5965")


async def breaks(job: Job[Any]) -> Never:
    """An adapter that quotes all it was given."""
    raise RuntimeError(f"550 {job.row!r} {PERSON}")


def decides(draft: OrderDraft, shop: Shop, now: datetime) -> None:
    """A stage that does."""
    raise ValueError(f"{draft.facts.order!r} {PERSON}")


def test_nothing_that_fails_says_who_the_customer_is(site: Site, written: io.StringIO) -> None:
    world = site.world
    order = document("S-1", remarks=PERSON["remarks"])
    order["customer"] |= {"name": PERSON["name"], "email": "yaeko.okuda@example.jp"}
    order["ship_to"] |= {"name": "奥田八重子", "phone": PERSON["phone"], "line1": PERSON["line1"]}
    refused = {**order, "number": "S-2", "customer": {**order["customer"], "email": PERSON["email"]}}
    answered = [site.order(refused).status_code, site.order(order).status_code]
    if answered[1] != 202:  # a name with a line break is refused: then one without
        order["customer"]["name"] = "奥田八重子"
        answered[1] = site.order(order).status_code
    assert answered == [422, 202]
    site.hook({"type": "shipment.shipped", "data": {"shipment": "SH-0", "remarks": PERSON}})

    world.decide("accept", "authorize")
    world.loop = world.performing(*mail.EFFECT.performed_by(breaks, 4), *payments.EFFECT.performed_by(breaks, 4))
    world.perform()
    world.wake("split")
    world.runner.run_batch(replace(STAGES["split"], decide=decides))
    world.execute("ALTER TABLE customer RENAME COLUMN id TO hidden")
    asked = (
        f"/v1/customers/salon/{PERSON['name'][1:3]}",
        f"/v1/orders?q={PERSON['name'][1:3]}",
        "/v1/orders/salon/S-1",
    )
    assert 500 in [site.get(path, key=site.operator).status_code for path in asked]

    text = written.getvalue()
    lines = [json.loads(line) for line in text.splitlines()]
    assert {"effect.failed", "decision.failed", "web.fault"} <= {line["event"] for line in lines}
    for quoted in QUOTED:
        assert quoted not in text, quoted
    (order_id,) = [row.id for row in world.rows("SELECT id FROM shop_order")]
    for line in lines:
        if line["event"] in ("effect.failed", "decision.failed"):
            assert (line["order_id"], line["trace_id"]) == (order_id, f"{trace_id_of(order_id):032x}")
        if line["event"] == "web.fault":
            assert line["route"].startswith("/v1/")
