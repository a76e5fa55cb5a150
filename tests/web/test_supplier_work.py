"""Suppliers that come by themselves: their own work alone, and the webhook's events with their key (contract: Suppliers without
a webhook)."""

from __future__ import annotations

from typing import Any

import pytest

from pipelines.suppliers import work
from pipelines.suppliers.work import LISTS, request_status
from tests.web.site import Site, fields, problem
from tests.world import a_line, document, tracking_number
from workers.web.supplier_shapes import SupplierWork

NUMBER = tracking_number(44_441_375_870)


def listed(site: Site, supplier: str = "warehouse", **query: str) -> dict[str, Any]:
    answer = site.get(f"/v1/suppliers/{supplier}/work", key=site.keys[supplier], params=query)
    assert answer.status_code == 200, answer.text
    page: dict[str, Any] = answer.json()
    SupplierWork.model_validate(page)
    return page


def say(
    site: Site, type_: str, shipment: str, event_id: str | None = "e-1", supplier: str = "warehouse", **data: Any
) -> int:
    event = {
        "id": event_id,
        "type": f"shipment.{type_}",
        "timestamp": site.world.clock.now().isoformat(),
        "data": {"shipment": shipment, **data},
    }
    sent = {name: value for name, value in event.items() if value is not None}
    answer = site.post(f"/v1/suppliers/{supplier}/events", sent, key=site.keys[supplier])
    site.world.settle()
    return answer.status_code


def test_work_is_what_the_instruction_says(site: Site) -> None:
    """Lines, where to, the delivery that is wished, what the remarks ask, and the cash to collect (PAY-09)."""
    cod = document("S-1", a_line("1", 2), payment={"method": "cod"}, delivery={"date": None, "slot": "AM"})
    site.order(cod)
    site.world.settle()
    (one,) = listed(site)["work"]
    assert (one["order"], one["state"], one["request"]) == ("S-1", "instructed", "submitted")
    assert one["lines"] == [{"line": "1", "sku": "SKU-1", "name": "商品 1", "quantity": 2, "open": 2}]
    assert one["ship_to"]["name"] == "サロン髙橋"
    assert one["delivery"]["slot"] == "AM"
    assert one["collect"]["amount"] == site.world.show()["payment"]["amount"]
    assert one["id"] == f"{one['shipment']}:requested"
    assert "unit_price" not in str(one)


def test_a_supplier_sees_and_changes_only_its_own(site: Site) -> None:
    site.order(document("S-1", a_line("1"), a_line("2", supplier="maker-a"), shop="clinic"))
    site.world.settle()
    (mine,), (theirs,) = listed(site)["work"], listed(site, "maker-a")["work"]
    assert mine["shipment"] != theirs["shipment"]
    for path in ("/v1/suppliers/maker-a/work", "/v1/suppliers/nobody/work"):
        problem(site.get(path, key=site.keys["warehouse"]), 404)
    problem(site.get("/v1/suppliers/warehouse/work", key=site.operator), 404)
    problem(site.get("/v1/suppliers/warehouse/work", key=None), 401)
    problem(site.post("/v1/suppliers/maker-a/events", {}, key=site.keys["warehouse"]), 404)
    assert say(site, "acknowledged", theirs["shipment"]) == 202, (
        "as an unknown shipment: stored, quarantined, no effect"
    )
    assert site.world.value("SELECT state FROM inbox_event WHERE type = 'shipment.acknowledged'") == "quarantined"
    assert [one["state"] for one in listed(site, "maker-a")["work"]] == ["instructed"]


def test_a_key_of_some_shops_lists_theirs_alone(site: Site) -> None:
    site.order(document("S-1"))
    site.world.settle()
    elsewhere = site.world.enrol("supplier", "depot", shops=["clinic"]).key
    site.world.execute("UPDATE shipment SET supplier = 'depot'")
    assert site.get("/v1/suppliers/depot/work", key=elsewhere).json()["work"] == []


def test_an_event_is_the_webhook_s_and_stored_once_by_its_id(site: Site) -> None:
    site.order(document("S-1"))
    site.world.settle()
    shipment = site.world.shipments()[0]
    assert [say(site, "acknowledged", shipment, "e-1") for _ in range(3)] == [202, 200, 200]
    assert listed(site)["work"] == []
    assert [one["request"] for one in listed(site, state="acknowledged")["work"]] == ["accepted"]
    assert say(site, "shipped", shipment, "e-2", carrier="yamato", tracking_number=NUMBER) == 202
    assert site.hook({"type": "shipment.shipped"}, event_id="e-2").status_code == 200, "one inbox, whichever door"
    assert site.world.states() == {"S-1": ("shipped", "done")}
    (done,) = listed(site, state="shipped")["work"]
    assert (done["ship_to"], done["lines"][0]["open"]) == (None, 0), "people are shown while goods go to them"


@pytest.mark.parametrize("id_", ["", "x" * 256, 7])
def test_an_id_that_is_none_is_refused_by_its_field(site: Site, id_: object) -> None:
    body = {"type": "shipment.acknowledged", "id": id_}
    assert fields(site.post("/v1/suppliers/warehouse/events", body, key=site.keys["warehouse"])) == ["id"]


def test_exactly_the_webhook_s_event_is_taken_and_the_same_again_is_nothing(site: Site) -> None:
    """Contract: the webhook's event, which has no id of its own; another one for the same shipment is news."""
    site.order(document("S-1"))
    site.world.settle()
    shipment = site.world.shipments()[0]
    told = [say(site, "delayed", shipment, None, expected_on=day) for day in ("2026-11-25", "2026-11-25", "2026-11-26")]
    assert told == [202, 200, 202]
    assert site.world.value("SELECT count(*) FROM inbox_event WHERE type = 'shipment.delayed'") == 2


def test_the_webhook_id_stands_for_an_id_at_both_doors(site: Site) -> None:
    event = {"type": "shipment.shipped"}
    answers = [
        site.post(
            "/v1/suppliers/warehouse/events", event, key=site.keys["warehouse"], headers={"webhook-id": told}
        ).status_code
        for told in ("msg_1", "msg_1", "msg_2")
    ]
    assert answers == [202, 200, 202]
    assert site.hook(event, event_id="msg_1").status_code == 200
    path, key = "/v1/suppliers/warehouse/events", site.keys["warehouse"]
    problem(site.post(path, event, key=key, headers={"webhook-id": "x" * 256}), 400)


def test_the_idempotency_key_stands_for_an_id(site: Site) -> None:
    answers = [
        site.post("/v1/suppliers/warehouse/events", {}, key=site.keys["warehouse"], headers={"idempotency-key": "k-1"})
        for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [202, 200]


def test_pages_are_walked_by_their_cursor(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    for n in range(1, 6):
        site.order(document(f"S-{n}", customer=f"M-{n}"))
    site.world.settle()
    monkeypatch.setattr("workers.web.api.suppliers.PAGE", 2)
    seen, cursor = [], ""
    while True:
        page = listed(site, state="open", cursor=cursor)
        seen += [one["shipment"] for one in page["work"]]
        if (cursor := page["next"] or "") == "":
            break
    assert seen == sorted(seen)
    assert len(seen) == 5
    assert work.PAGE == 100


@pytest.mark.parametrize(
    "query", [{"state": "all"}, {"cursor": "\x00"}, {"cursor": "garbage"}, {"cursor": "SH-1"}, {"colour": "red"}]
)
def test_what_no_list_can_be_asked_is_refused_by_its_name(site: Site, query: dict[str, str]) -> None:
    """As of the other lists: a cursor that no page gave is not the end of the list."""
    answer = site.get("/v1/suppliers/warehouse/work", key=site.keys["warehouse"], params=query)
    assert fields(answer) == list(query)


@pytest.mark.parametrize(
    ("state", "call_off", "status"),
    [
        ("planned", None, "planned"),
        ("backordered", None, "planned"),
        ("instructed", None, "submitted"),
        ("acknowledged", None, "accepted"),
        ("shipped", None, "accepted"),
        ("refused", None, "refused"),
        ("cancelled", None, "cancelled"),
        ("cancelled", "requested", "cancellation_requested"),
        ("cancelled", "accepted", "cancellation_accepted"),
        ("cancelled", "refused", "cancellation_refused"),
        ("shipped", "requested", "accepted"),
    ],
)
def test_a_request_stands_apart_from_the_work(state: str, call_off: str | None, status: str) -> None:
    assert request_status(state, call_off) == status


@pytest.mark.parametrize(
    ("answer", "status", "held"),
    [
        ("cancel_accepted", "cancellation_accepted", []),
        ("cancel_refused", "cancellation_refused", ["cancel_refused"]),
    ],
)
def test_a_cancel_after_the_instruction_asks_the_supplier_and_hears_it(
    site: Site, answer: str, status: str, held: list[str]
) -> None:
    """CAN-06: only an operator may cancel then; the supplier is asked by mail and in its list."""
    world = site.world
    world.take(document("S-1"))
    world.settle()
    shipment = world.shipments()[0]
    world.tell(world.ask("order.cancel", "S-1", operator=True, reason="x"))
    world.settle()
    assert listed(site, state="requested")["work"] == []
    (asked,) = listed(site, state="cancellation_requested")["work"]
    assert (asked["shipment"], asked["request"], asked["ship_to"]) == (shipment, "cancellation_requested", None)
    assert say(site, answer, shipment) == 202
    assert listed(site, state="cancellation_requested")["work"] == []
    assert [one["request"] for one in listed(site, state="cancelled")["work"]] == [status]
    assert [hold["reason"] for hold in world.show()["hold"]] == held
    assert world.broken() == {}


def test_every_list_is_published(site: Site) -> None:
    schema = site.get("/openapi.json", key=None).json()
    (state, _) = [
        p for p in schema["paths"]["/v1/suppliers/{supplier}/work"]["get"]["parameters"] if p["in"] == "query"
    ]
    assert state["schema"]["enum"] == list(LISTS)
