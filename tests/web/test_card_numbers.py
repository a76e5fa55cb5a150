"""No door lets a card number in (INT-17): all of the published schema, with a card number in each text that it takes.

What is asked for is refused with its field; what a partner tells is kept without the number. Afterwards no table, no answer
and no log shows one.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import pytest

from pipelines.returns.examples import ASKED
from pipelines.values.card_number import find_card_number, mask
from tests.web.site import Site, fields
from tests.web.stored import everything_stored
from tests.world import document, tracking_number

CARD = "4111-1111-1111-1111"
SPELLINGS = ["4111111111111111", "４１１１ １１１１ １１１１ １１１１", "3782 822463 10005"]
Path = tuple[str | int, ...]

#: Doors that take no JSON, or only what others take: where they are tried instead.
ELSEWHERE = {
    "/v1/orders:batch": "orders, one by one",
    "/v1/webhooks/suppliers/{supplier}": "test_what_a_supplier_tells",
    "/v1/suppliers/{supplier}/files": "test_what_a_suppliers_file_says",
    "/v1/webhooks/payments/{gateway}": "test_what_a_bank_tells",
    "/v1/suppliers/{supplier}/events": "the webhook's event, by the same way in",
    "/v1/webhooks/mail/{provider}": "of a mail that came back nothing is kept but what its server said of an address",
    "/v1/mail-reports": "the same, by an operator's key",
    "/v1/promise": "nothing of it is kept, and nothing repeated",
}


class Schema:
    """The published schema."""

    def __init__(self, openapi: Mapping[str, Any]) -> None:
        self._openapi = openapi

    def doors(self) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
        """Every method and path that takes JSON, and the schema of its body."""
        for path, operations in self._openapi["paths"].items():
            for method, operation in operations.items():
                if "requestBody" in operation and path not in ELSEWHERE:
                    content = operation["requestBody"]["content"]
                    yield method, path, self.resolved(content["application/json"]["schema"])

    def resolved(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        """What a reference, or the first of alternatives, stands for."""
        while True:
            if "$ref" in schema:
                schema = self._openapi["components"]["schemas"][schema["$ref"].rsplit("/", 1)[-1]]
            elif "anyOf" in schema:
                schema = schema["anyOf"][0]
            else:
                return schema

    def example(self, schema: Mapping[str, Any]) -> Any:
        """The least document of this schema, with all its fields."""
        schema = self.resolved(schema)
        if "enum" in schema or "const" in schema:
            return schema.get("const", schema.get("enum", [None])[0])
        kind = schema.get("type")
        if kind == "object":
            return {name: self.example(inner) for name, inner in schema.get("properties", {}).items()}
        if kind == "array":
            return [self.example(schema["items"])]
        if kind == "boolean":
            return False
        if kind in {"integer", "number"}:
            return max(1, schema.get("minimum", 1))
        dates = {"date": "2026-11-25", "date-time": "2026-11-20T09:00:00+09:00"}
        return dates.get(schema.get("format", ""), "x" * max(1, schema.get("minLength", 1)))

    def texts(self, schema: Mapping[str, Any], where: Path = ()) -> Iterator[Path]:
        """Where a free text may stand."""
        schema = self.resolved(schema)
        if schema.get("type") == "object":
            for name, inner in schema.get("properties", {}).items():
                yield from self.texts(inner, (*where, name))
        elif schema.get("type") == "array":
            yield from self.texts(schema["items"], (*where, 0))
        elif schema.get("type") == "string" and not {"enum", "const", "format"} & schema.keys():
            yield where


def with_text(example: Any, where: Path, text: str) -> Any:
    """``example`` with ``text`` in one place."""
    changed = copy.deepcopy(example)
    *way, last = where
    inner = changed
    for step in way:
        inner = inner[step]
    inner[last] = text
    return changed


def written(where: Path) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in where).lstrip(".")


@pytest.fixture
def order_site(site: Site, capfd: pytest.CaptureFixture[str]) -> Iterator[Site]:
    """A site with an order; in the end nothing that was stored or logged shows a card number."""
    site.world.take(document("S-1"))
    yield site
    site.world.settle()
    for line in [*everything_stored(site.world), *"\n".join(capfd.readouterr()).splitlines()]:
        assert mask(line) == line
        assert "1111111" not in line


def sent(site: Site, method: str, path: str, body: Any) -> httpx.Response:
    address = path.format(shop="salon", number="S-1", customer="M-1", key="K-1", return_id="RT-NONE")
    key = site.operator if any(one in path for one in ("/orders/", "/returns/{", "/review")) else site.storefront
    return site.put(address, json=body, key=key) if method == "put" else site.post(address, body, key=key)


def test_every_text_of_every_door(order_site: Site) -> None:
    schema = Schema(order_site.app.openapi())
    tried = 0
    for method, path, body in schema.doors():
        example = schema.example(body)
        if path in {"/v1/orders", "/v1/preview"}:
            example = {**document("S-2"), "coupons": [{"code": "C", "kind": "amount", "value": 1}]}
            example["lines"][0]["flags"] = ["sale"]
            example["delivery"]["slot"] = "AM"
            example["pickup"] = {"store": "store-1", "visit_on": "2026-11-28"}
        if path.endswith("/exchange"):
            example["lines"] = document()["lines"]
            example["lines"][0]["flags"] = ["sale"]
        if path.endswith("/address:change"):
            example["ship_to"] = document()["ship_to"]
        if path == "/v1/statements":
            example["month"] = "2026-10"
        if path == "/v1/returns/preview":
            example = {**ASKED, "order": {**ASKED["order"], "shop": "salon"}}
        for where in schema.texts(body):
            if where == ("number",) or where[0] in {"assume", "order"}:
                continue  # the number is the shop's own; an assumption, and an order looked at for a return, are kept nowhere
            tried += 1
            answer = sent(order_site, method, path, with_text(example, where, CARD))
            assert answer.status_code != 500
            told = answer.json()
            refused = {one["field"] for one in [*told.get("errors", []), *told.get("problems", [])]}
            assert {written(where), written(where[:-1])} & refused or (
                where == ("shop",) and answer.status_code in {404, 422}
            ), (path, where)
            assert "1111-1111" not in answer.text
    assert tried > 60


@pytest.mark.parametrize("spelling", [CARD, *SPELLINGS])
def test_names_of_fields_that_nobody_knows(order_site: Site, spelling: str) -> None:
    doors = [*Schema(order_site.app.openapi()).doors()]
    assert ("post", "/v1/orders") in {(method, path) for method, path, _ in doors}
    for method, path, _ in doors:
        answer = sent(order_site, method, path, {spelling: 1, "shop": spelling})
        assert answer.status_code == 422, path
        assert not find_card_number(answer.text)


@pytest.mark.parametrize("path", ["/v1/orders", "/v1/orders/salon/S-1/cancel"])
@pytest.mark.parametrize("key", [CARD, *SPELLINGS[::2]])
def test_an_idempotency_key(order_site: Site, path: str, key: str) -> None:
    body = document("S-2") if path == "/v1/orders" else {}
    answer = order_site.post(path, body, headers={"idempotency-key": key})
    assert answer.status_code == 400
    assert key not in answer.text


def test_an_operators_reason(order_site: Site) -> None:
    for spelling in (CARD, *SPELLINGS):
        refused = order_site.post("/v1/orders/salon/S-1/cancel", {"reason": f"card {spelling}"})
        assert fields(refused) == ["reason"]
    assert order_site.post("/v1/orders/salon/S-1/cancel", {"reason": "call 052-000-0000"}).status_code == 202


def test_names_in_a_body_that_is_torn(order_site: Site) -> None:
    for body in (f'{{"{CARD}": 1, "{CARD}": 2}}', f'{{"a": {SPELLINGS[0]}e999}}'):
        answer = order_site.run(lambda body=body: order_site.request("POST", "/v1/orders", content=body.encode()))  # type: ignore[misc]
        assert answer.status_code == 400
        assert not find_card_number(answer.text)


@pytest.mark.parametrize("card", [*SPELLINGS[:1], CARD])
def test_what_a_suppliers_file_says(order_site: Site, card: str) -> None:
    """The file is kept without the number, whatever column it stands in; its rows are read all the same."""
    world = order_site.world
    world.settle()
    (shipment,) = world.shipments()
    world.execute("DELETE FROM client WHERE name = 'warehouse'")
    key = world.enrol("supplier", "warehouse").key
    heads = "お客様管理番号,伝票番号,出荷予定日,記事"
    rows = [
        f"{shipment},{tracking_number(1)},2026/11/20,{card}",
        f"{card},{tracking_number(2)},2026/11/20,",
        f"{shipment},{card},2026/11/20,",
    ]
    data = "\r\n".join([heads, *rows]).encode("cp932")
    answer = order_site.post(f"/v1/suppliers/warehouse/files?file={card}.csv", key=key, content=data)
    assert answer.json()["applied"] == 1
    assert mask(answer.text) == answer.text
    (kept,) = world.rows("SELECT content FROM supplier_file")
    assert heads in bytes(kept.content).decode("cp932")


def test_what_a_supplier_tells(order_site: Site) -> None:
    """It is kept without the number, and acted on unless the number stood for a parcel's."""
    world = order_site.world
    world.settle()
    (shipment,) = world.shipments("S-1")
    data = {"shipment": shipment, "carrier": "yamato", "tracking_number": "444413758703"}
    told: list[dict[str, Any]] = [
        {"data": {**data, "reason": CARD}, "type": "shipment.delayed"},
        {"data": {**data, "carrier": CARD}},
        {"data": {**data, "tracking_number": CARD}},
        {"data": {**data, "previous_tracking_number": CARD}, "type": "shipment.tracking_corrected"},
        {"data": {**data, "status": CARD}, "type": "shipment.tracking_updated"},
        {"data": {**data, "shipment": CARD}},
        {"data": {**data, "lines": [{"line": CARD, "quantity": 1}]}},
        {"data": {**data, CARD: [CARD, {CARD: 4111111111111111}]}},
        {"data": data, "type": CARD},
        {"data": data, CARD: CARD},
        {"data": CARD},
    ]
    for one in told:
        sent = {"type": "shipment.shipped", "timestamp": "2026-11-20T09:30:00+09:00", **one}
        answer = order_site.hook(sent)
        assert answer.status_code == 202, json.dumps(one)
    answer = order_site.hook({"type": "shipment.lost", "data": {}}, event_id=f"id-{CARD}")
    assert (answer.status_code, "1111-1111" in answer.text) == (202, False)
    world.settle()
    shown = world.rows("SELECT state, reason FROM inbox_event WHERE body->>'tracking_number' LIKE '%*%'")
    assert [(row.state, row.reason) for row in shown] == [("quarantined", "tracking_number looks like a card number")]


def test_a_carriers_number_that_some_issuer_could_have_given(site: Site) -> None:
    """Maestro has numbers of twelve digits: in its own field the carrier's check decides."""
    number = next(n for n in map(tracking_number, range(50_180_000_000, 50_180_001_000)) if find_card_number(n))
    world = site.world
    world.take(document("S-1"))
    world.settle()
    world.tell(world.shipped(*world.shipments("S-1"), tracking_number=number))
    world.settle()
    assert world.value("SELECT tracking_number FROM parcel") == number


def test_what_a_bank_tells(order_site: Site) -> None:
    data = {"shop": "salon", "number": "S-1", "amount": 1, "reference": f"振込 {CARD}"}
    other = {**data, "reference": f"振込 {SPELLINGS[0]}"}
    told = (data, other, {**data, CARD: CARD}, {"amount": CARD}, {**data, "reference": 1, "shop": CARD, "number": CARD})
    answers = [
        order_site.hook(
            {"type": "deposit.received", "timestamp": "2026-11-20T09:30:00+09:00", "data": one}, sender="bank"
        )
        for one in told
    ]
    assert [one.status_code for one in answers] == [202, 202, 200, 202, 202], "two references are two transfers"
