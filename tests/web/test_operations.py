"""Health, readiness, metrics, OpenAPI; and what clients see when an engine is away."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import jsonschema_rs
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import response_schema_conformance

from models.database import connect
from pipelines.gateway import STANDS, Notice
from pipelines.orders.act import actions
from tests.contract import EXAMPLE
from tests.web.site import Site, problem, served
from tests.world import document
from workers.broker import Bell, make_broker
from workers.payments import GATEWAYS
from workers.web import list_shapes, mail_shapes, order_shapes, supplier_shapes
from workers.web import shapes as shapes_module
from workers.web.app import create_app
from workers.web.openapi import EXAMPLES
from workers.web.shapes import Shape

METRICS = {
    "shukka_stage_seconds",
    "shukka_intake_total",
    "shukka_webhooks_total",
    "shukka_work_due",
    "shukka_effects_waiting",
    "shukka_needs_attention",
    "shukka_circuit_open",
    "shukka_work_late_seconds",
    "shukka_effects_late_seconds",
    "shukka_database_reachable",
}


def test_alive_and_ready(site: Site) -> None:
    assert site.get("/healthz", key=None).json() == {"status": "ok"}
    ready = site.get("/readyz", key=None)
    assert (ready.status_code, ready.json()["checks"]) == (200, {"database": "ok", "migrations": "ok", "broker": "ok"})


def test_a_schema_that_is_behind_is_not_ready(site: Site) -> None:
    site.world.execute("UPDATE alembic_version SET version_num = '0000'")
    answer = site.get("/readyz", key=None)
    assert answer.status_code == 503
    assert "shukka migrate" in answer.json()["checks"]["migrations"]


def test_before_the_tables_are_there_a_request_comes_again_later(site: Site) -> None:
    """A web process that is started before its migrations have run has made no mistake: it was a 500 that says so."""
    site.world.execute("ALTER TABLE shop_order RENAME TO not_yet")
    try:
        answer = site.order(document("S-1"))
    finally:
        site.world.execute("ALTER TABLE not_yet RENAME TO shop_order")
    assert problem(answer, 503)
    assert answer.headers["retry-after"]
    assert site.order(document("S-1")).status_code == 202


@pytest.fixture
def away(site: Site) -> Site:
    """The site with neither database nor broker."""
    world = site.world
    house = replace(
        world.house,
        engine=connect("postgresql://nobody@/nothing?host=/nowhere"),
        bell=Bell(make_broker("unix:///nowhere/socket", consumer=False), {}),
    )
    site.app = create_app(house)
    site._client = httpx.AsyncClient(
        transport=httpx.ASGITransport(site.app, raise_app_exceptions=False), base_url="http://shukka"
    )
    return site


def test_without_its_engines_it_is_alive_and_not_ready(away: Site) -> None:
    assert away.get("/healthz", key=None).status_code == 200
    answer = away.get("/readyz", key=None)
    assert answer.status_code == 503
    assert {name for name, state in answer.json()["checks"].items() if state != "ok"} == {"database", "broker"}
    assert away.get("/metrics", key=None).status_code == 200


def test_without_the_broker_it_stays_in_the_balancer_and_says_so(site: Site) -> None:
    """Orders are stored and go on without it: taking the intake out would be the greater harm."""
    site.app = create_app(
        replace(site.world.house, bell=Bell(make_broker("unix:///nowhere/socket", consumer=False), {}))
    )
    site._client = httpx.AsyncClient(transport=httpx.ASGITransport(site.app), base_url="http://shukka")
    answer = site.get("/readyz", key=None)
    assert (answer.status_code, answer.json()["status"], answer.json()["degraded"]) == (200, "degraded", ["broker"])


def test_without_the_database_nothing_is_acknowledged(away: Site) -> None:
    for answer in (away.order(document("S-1")), away.get("/v1/orders/salon/S-1"), away.hook({})):
        assert "send the same request again" in problem(answer, 503)["detail"]
        assert int(answer.headers["retry-after"]) >= 1


def test_metrics_are_named_shukka(site: Site) -> None:
    site.order(document("S-1"))
    site.order(document("S-2", totals={"grand_total": 1}))
    site.hook({}, headers={"webhook-signature": "v1,none"})
    site.hook({})
    site.world.execute(
        "INSERT INTO circuit (kind, target, probe_at, failures, code) VALUES"
        " ('supplier.instruct', 'maker-a', now() + interval '9 s', 7, 'unreachable'),"
        " ('supplier.instruct', 'maker-b', now() - interval '1 hour', 7, 'unreachable')"
    )
    text = site.get("/metrics", key=None).text
    assert {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE shukka_")} >= {
        name.removesuffix("_total") if f"# TYPE {name} " not in text else name for name in METRICS
    }
    for sample in (
        'shukka_intake_total{ending="accepted"}',
        'shukka_intake_total{ending="refused"}',
        'shukka_webhooks_total{kind="supplier",status="401"}',
        'shukka_work_due{stage="accept"} 1.0',
        'shukka_needs_attention{what="quarantined"} 1.0',
        'shukka_circuit_open{target="supplier.instruct maker-a"} 1.0',
    ):
        assert sample in text
    assert "maker-b" not in text, "whoever found it open has long ended"


def test_unknown_pages_and_methods_are_problems_too(site: Site) -> None:
    problem(site.get("/v1/nothing"), 404)
    refused = site.run(lambda: site.request("DELETE", "/v1/orders"))
    assert problem(refused, 405)["detail"] == "What is here is asked by GET, POST."
    assert refused.headers["allow"] == "GET, POST"


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_monitors_may_ask_for_the_head_alone(site: Site, path: str) -> None:
    assert site.run(lambda: site.request("HEAD", path, key=None)).status_code == 200


def test_openapi_describes_what_is_served(site: Site) -> None:
    schema = site.get("/openapi.json", key=None).json()
    assert schema["openapi"].startswith("3.1")
    assert set(schema["paths"]) >= {
        "/v1/orders",
        "/v1/orders:batch",
        "/v1/orders/{shop}/{number}",
        "/v1/orders/{shop}/{number}/cancel",
        "/v1/preview",
        "/v1/webhooks/suppliers/{supplier}",
        "/v1/webhooks/payments/{gateway}",
        "/healthz",
        "/readyz",
        "/metrics",
    }
    taking_in = schema["paths"]["/v1/orders"]["post"]
    assert taking_in["security"] == [{"key": []}]
    refusals = [status for status in taking_in["responses"] if status[0] in "45"]
    assert refusals == ["401", "404", "429", "500", "503", "400", "409", "408", "413", "422"]
    for status in refusals:
        assert taking_in["responses"][status] == {"$ref": f"#/components/responses/{status}"}
        assert list(schema["components"]["responses"][status]["content"]) == ["application/problem+json"]
    assert "application/problem+json" in taking_in["responses"]["default"]["content"]
    order = schema["components"]["schemas"]["OrderDocument"]
    assert order["additionalProperties"] is False
    assert {"shop", "number", "placed_at", "lines"} <= set(order["required"])


def operations(schema: dict[str, Any]) -> dict[str, tuple[str, dict[str, Any]]]:
    """(path, operation) by operation id."""
    listed = [(path, one) for path, found in schema["paths"].items() for one in found.values()]
    named = {one["operationId"]: (path, one) for path, one in listed}
    assert len(named) == len(listed)
    return named


def test_every_operation_says_how_it_is_called_proven_and_answered(site: Site) -> None:
    schema = site.get("/openapi.json", key=None).json()
    assert [one["url"] for one in schema["servers"]] == ["/"]
    named = operations(schema)
    assert {"accept_order", "read_order", "preview_order", "cancel", "supplier_webhook", "metrics"} <= named.keys()
    assert all(name.replace("_", "").isalpha() for name in named)
    for path, operation in named.values():
        proof = [] if not path.startswith("/v1/") else [{"signature" if "/webhooks/" in path else "key": []}]
        needs_none = [{}] if path == "/v1/promise" else []  # where the profile makes it public
        assert operation["security"] == proof + needs_none, path
        assert len(operation["tags"]) == 1
        assert operation["tags"][0] in {tag["name"] for tag in schema["tags"]}
        for status, answer in operation["responses"].items():
            for media, content in answer.get("content", {}).items():
                assert content["schema"] or media == "*/*", f"{path} {status} {media}"
    assert list(named["metrics"][1]["responses"]["200"]["content"]) == ["text/plain"]


def test_every_operation_names_the_headers_that_it_reads(site: Site) -> None:
    """A client that is made of the schema can send the key of the contract, and is told of an answer without a body."""
    named = operations(site.get("/openapi.json", key=None).json())
    read: dict[str, set[str]] = {}
    for name, (_, operation) in named.items():
        for one in operation.get("parameters", ()):
            if one["in"] == "header":
                assert not one["required"] or "/webhooks/" in named[name][0], name
                read.setdefault(one["name"], set()).add(name)
    keyed = {"accept_order", "issue_document", "issue_statement", "issue_quotation", "act_on_items", "supplier_says"}
    asked = {one.name.replace(":", "_").replace("-", "_") for one in actions()}
    assert read["Idempotency-Key"] == keyed | asked
    assert read["If-None-Match"] == {"read_promise", "read_document"}
    assert all("304" in named[name][1]["responses"] for name in read["If-None-Match"])
    assert list(named["read_document"][1]["responses"]["410"]["content"]) == ["application/problem+json"]


def test_every_example_is_of_its_own_schema(site: Site) -> None:
    """Every JSON request and answer has one, every refusal and every event; that of an order is the contract's."""
    schema = site.get("/openapi.json", key=None).json()
    contents = [schema["components"]["responses"][status]["content"] for status in schema["components"]["responses"]]
    contents += [event["post"]["requestBody"]["content"] for event in schema["webhooks"].values()]
    for _, operation in operations(schema).values():
        answers = [answer for status, answer in operation["responses"].items() if status.startswith("2")]
        contents += [part["content"] for part in (operation.get("requestBody", {"content": {}}), *answers)]
    shown = 0
    for content in contents:
        for media, one in content.items():
            if media.endswith("json"):
                name = one["schema"].get("$ref", "").rpartition("/")[2]
                of_schema = schema["components"]["schemas"].get(name, {}).get("examples", [])
                for example in [one["example"]] if "example" in one else of_schema:
                    whole = {**one["schema"], "components": schema["components"]}
                    jsonschema_rs.validator_for(whole, validate_formats=True).validate(example)
                    shown += 1
                assert "example" in one or of_schema, name
    assert shown > 120
    assert EXAMPLES["OrderDocument"] == EXAMPLE
    assert EXAMPLES.keys() <= {*schema["components"]["schemas"], *operations(schema)}, "an example of nothing"


def test_the_reference_loads_nothing_and_names_no_other_host(site: Site) -> None:
    """/docs: every operation, event and schema, on a machine that reaches nothing, under a policy that lets it load nothing."""
    schema = site.get("/openapi.json", key=None).json()
    page = site.get("/docs", key=None)
    policy = dict(part.strip().split(" ", 1) for part in page.headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy.keys() == {"default-src", "style-src", "base-uri", "form-action", "frame-ancestors"}
    (style,) = re.findall(r"<style>(.*?)</style>", page.text, re.DOTALL)
    assert policy["style-src"] == f"'sha256-{base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()}'"
    assert not re.search(r"<(script|img|link|iframe|object|form)\b|@import|url\(|style=", page.text)
    links = {*re.findall(r"(?:href|src)=[\"']([^\"']*)", page.text)}
    assert {link for link in links if not link.startswith("#")} == {"/openapi.json"}
    anchors = {*re.findall(r'id="([^"]+)"', page.text)}
    assert {link[1:] for link in links if link.startswith("#")} <= anchors
    assert {*operations(schema), *schema["components"]["schemas"]} <= anchors
    assert len(page.content) < 300_000


def test_no_request_takes_the_name_of_an_answer(site: Site) -> None:
    """One would be described as the other."""
    described = site.get("/openapi.json", key=None).json()["components"]["schemas"]
    modules = (shapes_module, order_shapes, list_shapes, mail_shapes, supplier_shapes)
    there = [one for module in modules for one in vars(module).values()]
    shapes = [one for one in there if isinstance(one, type) and issubclass(one, Shape)]
    told = [one for one in shapes if one.__name__ in described and one is not Shape]
    assert {"OrderReference", "Order"} & {one.__name__ for one in told}
    for shape in told:
        assert described[shape.__name__]["additionalProperties"] is True, shape


def holds_to(schema: dict[str, Any], name: str, answer: Any) -> None:
    """``answer`` is of the shape that the schema calls ``name``."""
    shape = {"$ref": f"#/components/schemas/{name}", "components": schema["components"]}
    jsonschema_rs.validator_for(shape).validate(answer)


def test_an_order_that_went_its_way_is_shown_in_the_published_shape(site: Site) -> None:
    """Held, waiting, shipped and delivered; to storefronts and to operators; and what storefronts are sent of it."""
    schema = site.get("/openapi.json", key=None).json()
    world = site.world
    world.enrol("storefront", "listener", url="https://shop.example/hooks")
    holds_to(schema, "OrderReference", site.order(document("S-1")).json())
    site.order(document("S-2", remarks="至急お電話ください。"))
    site.order(document("S-3", payment={"method": "bank_transfer"}))
    world.settle()
    world.at(world.clock.now() + timedelta(days=5))
    for shipment in world.rows("SELECT id, supplier FROM shipment WHERE state IN ('instructed', 'acknowledged')"):
        world.tell(world.shipped(shipment.id, shipment.supplier))
    world.settle()
    for number in ("S-1", "S-2", "S-3"):
        for key in (site.storefront, site.operator):
            holds_to(schema, "ShownOrder", site.get(f"/v1/orders/salon/{number}", key=key).json())
    holds_to(schema, "Preview", site.post("/v1/preview", document("S-9")).json())
    holds_to(schema, "BatchResults", site.post("/v1/orders:batch", {"orders": [document("S-1"), {}]}).json())
    told = world.rows("SELECT payload FROM effect WHERE kind = 'storefront.event'")
    assert {"order.state_changed", "order.held", "shipment.state_changed"} <= {row.payload["type"] for row in told}
    assert {row.payload["type"] for row in told} <= schema["webhooks"].keys()
    for message in world.storefronts.messages.values():
        sent = {"type": message.type, "timestamp": message.at.isoformat(), "data": message.data}
        holds_to(schema, "Event", sent)
    holds_to(schema, "Health", site.get("/healthz", key=None).json())


def test_over_real_http(site: Site) -> None:
    with (
        served(site.app) as url,
        httpx.Client(base_url=url, headers={"authorization": f"Bearer {site.storefront}"}) as http,
    ):
        assert http.post("/v1/orders", json=document("S-1")).status_code == 202
        assert http.post("/v1/orders", json=document("S-1")).status_code == 200
        assert http.get("/v1/orders/salon/S-1").json()["state"] == "accepted"
        assert http.post("/v1/orders", content=(b"{" for _ in range(3))).status_code == 400, "chunked"
        assert http.post("/v1/orders", content=b"x" * 1_048_577).status_code == 413
        assert http.get("/v1/orders/salon/%00").status_code == 404


def test_whatever_the_schema_allows_is_answered(site: Site) -> None:
    """Every operation of the published schema, valid and invalid: no 5xx, and every refusal is a problem document."""
    headers = {"authorization": f"Bearer {site.storefront}"}
    with served(site.app) as url:
        schema = schemathesis.openapi.from_url(f"{url}/openapi.json")
        operations: list[Any] = [result.ok() for result in schema.get_all_operations() if isinstance(result, Ok)]
        for operation in operations:
            valid = operation.as_strategy()
            invalid = operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)

            @settings(
                max_examples=8, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
            )
            @given(case=valid | invalid if operation.body or operation.query else valid)
            def answers(case: Any) -> None:
                answer = case.call(base_url=url, headers=headers)
                case.validate_response(answer, checks=[not_a_server_error, response_schema_conformance])
                if answer.status_code >= 400:
                    assert answer.headers["content-type"][0].startswith("application/problem+json"), answer.headers

            answers()
    assert len(operations) >= 11


def test_the_example_of_a_quotation_is_issued(site: Site) -> None:
    """DOC-06: its schema takes any object for the order, so only the door says whether it is one: it has an address and, for a card, a
    token."""
    assert site.post("/v1/quotations", EXAMPLES["QuotationWish"]).status_code == 201


def test_what_the_contract_names_of_an_order_is_published(site: Site) -> None:
    """A client that is made of the schema knows each field by its name and type, those to an operator's key too."""
    described = site.get("/openapi.json", key=None).json()["components"]["schemas"]
    named = {
        "ShownOrder": "state condition hold holds payment shipments points totals awaits timeline mails "
        "customer ship_to remarks lines instructions",
        "Money": "method state authorized captured refunded gateway pay_by expires_at instructions attempts",
        "Attempt": "kind key amount outcome code at",
        "EarnedPoints": "used earned state",
        "OrderedLine": "name sku",
        "Instruction": "kind says for",
        "Preview": "shop currency totals points payment shipments holds mails problems",
        "Sums": "goods member_discount coupon_discount shipping fees tax tax_total before_points points_used grand_total",
        "TaxOfRate": "rate base tax",
        "PlannedPoints": "earned by_line",
        "PointsOfLine": "line rate base points",
        "PlannedPayment": "method gateway fee release_when pay_by remind_at cancel_at",
    }
    missing = {name: {*fields.split()} - described[name]["properties"].keys() for name, fields in named.items()}
    assert not any(missing.values()), missing


def test_how_each_gateway_is_acknowledged_is_published(site: Site) -> None:
    """Some want a 200 always, and all of them hear it of a notice that was known; it was described as a refusal."""
    schema = site.get("/openapi.json", key=None).json()
    _, operation = operations(schema)["payment_notice"]
    notice = Notice("n-1", STANDS)
    answered = {gateway.acknowledge([notice], new).status for gateway in GATEWAYS.values() for new in (True, False)}
    assert answered == {int(status) for status in operation["responses"] if status.startswith("2")}
