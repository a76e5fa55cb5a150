"""The preview of a return over HTTP: the contract's answer, every field of the request, and nothing stored."""

from __future__ import annotations

import copy
from typing import Any

import jsonschema_rs
import pytest

from pipelines.returns.examples import ANSWERED, ASKED
from tests.web.site import Site, fields


def asking(**changes: Any) -> dict[str, Any]:
    return {**copy.deepcopy(ASKED), **changes}


def of_apparel() -> dict[str, Any]:
    """7 days after arrival, with a coupon of 1,000 yen."""
    lines = [{"line": "1", "sku": "KNIT-M", "name": "ニット", "quantity": 2, "unit_price": 6_000, "tax_rate": 10}]
    coupons = [{"code": "AUTUMN", "kind": "amount", "value": 1_000}]
    return ordering(shop="apparel", lines=lines, coupons=coupons)


def ordering(**changes: Any) -> dict[str, Any]:
    return asking(order={**copy.deepcopy(ASKED["order"]), **changes})


def of_line(**changes: Any) -> dict[str, Any]:
    return asking(lines=[{**ASKED["lines"][0], **changes}])


def test_the_published_example_is_what_is_answered(site: Site) -> None:
    """Its request and its answer hold to the published schema, and nothing is stored."""
    answer = site.post("/v1/returns/preview", ASKED, key=site.operator)
    assert (answer.status_code, answer.json()) == (200, ANSWERED)
    schema = site.get("/openapi.json", key=None).json()
    for name, told in (("ReturnPreviewDocument", ASKED), ("ReturnPreview", ANSWERED)):
        assert schema["components"]["schemas"][name]["examples"] == [told]
        shape = {"$ref": f"#/components/schemas/{name}", "components": schema["components"]}
        jsonschema_rs.validator_for(shape).validate(told)
    assert site.world.states() == {}


@pytest.mark.parametrize(
    ("asked", "named"),
    [
        (asking(colour="red"), ["colour"]),
        (asking(lines=[]), ["lines"]),
        (asking(dispatched_at="yesterday"), ["dispatched_at"]),
        (asking(dispatched_at=None), ["dispatched_at"]),
        (asking(dispatched_at="2026-10-31T23:59:59+09:00"), ["dispatched_at"]),
        (asking(delivered_at="2026-11-02T14:59:59+09:00"), ["delivered_at"]),
        (ordering(shop="nowhere"), ["order.shop"]),
        (ordering(lines=[]), ["order.lines"]),
        (ordering(assume={"colour": "red"}), ["order.assume.colour"]),
        (asking(order=[]), ["order"]),
        (of_line(reason="bored"), ["lines[0].reason"]),
        (of_line(condition=["haunted"]), ["lines[0].condition[0]"]),
        (of_line(remedy="apology"), ["lines[0].remedy"]),
        (of_line(quantity=0), ["lines[0].quantity"]),
    ],
)
def test_what_is_no_request_is_422(site: Site, asked: dict[str, Any], named: list[str]) -> None:
    assert fields(site.post("/v1/returns/preview", asked, key=site.operator)) == named


@pytest.mark.parametrize(
    ("asked", "named"),
    [
        (of_line(line="9"), ["lines[0].line"]),
        (of_line(quantity=2), ["lines[0].quantity"]),
        (of_line(remedy="replacement"), ["lines[0].remedy"]),
    ],
)
def test_what_the_order_does_not_have_is_a_problem_in_a_complete_answer(
    site: Site, asked: dict[str, Any], named: list[str]
) -> None:
    shown = site.post("/v1/returns/preview", asked, key=site.operator).json()
    assert [one["field"] for one in shown["problems"]] == named
    assert (shown["lines"][0]["allowed"], set(shown["refund"].values())) == (False, {0})
    assert shown["lines"][0]["because"]


def test_without_a_moment_it_is_asked_now(site: Site) -> None:
    """RET-02: the last second of the seventh day, and the first of the eighth."""
    asked = of_apparel()
    del asked["asked_at"]
    allowed = []
    for now in ("2026-11-10 23:59:59", "2026-11-11 00:00:00"):
        site.world.at(now)
        allowed.append(site.post("/v1/returns/preview", asked).json()["lines"][0]["allowed"])
    assert allowed == [True, False]


def test_an_order_that_has_not_left_and_one_that_nobody_reported_delivered(site: Site) -> None:
    """A.16.9: one day to 愛知県 and one more."""
    asked = of_apparel()
    waiting = site.post("/v1/returns/preview", {**asked, "dispatched_at": None, "delivered_at": None}).json()
    assert (waiting["lines"][0]["allowed"], waiting["lines"][0]["apply_by"]) == (False, None)
    assumed = site.post("/v1/returns/preview", {**asked, "delivered_at": None}).json()
    assert assumed["lines"][0]["apply_by"] == "2026-11-11"


def test_points_and_coupons(site: Site) -> None:
    """CPN-04, PTS-12, PTS-13: what the order says it used, it used; the goods' points are earned no longer."""
    asked = {**of_apparel(), "asked_at": "2026-11-10T23:59:59+09:00"}
    plain = site.post("/v1/returns/preview", asked).json()["refund"]
    assert (plain["coupon_recovered"], plain["points_returned"], plain["points_taken_back"]) == (1_000, 0, 52)
    asked["order"]["points"] = {"use": 1_000}
    shown = site.post("/v1/returns/preview", asked).json()["refund"]
    assert shown["points_returned"] > 0
    assert shown["money"] + shown["points_returned"] == plain["money"]


def test_a_key_sees_its_own_shops_alone(site: Site) -> None:
    assert site.post("/v1/returns/preview", ASKED, key=None).status_code == 401
    assert fields(site.post("/v1/returns/preview", ASKED)) == ["order.shop"]
    assert site.post("/v1/returns/preview", ASKED, key=site.stranger).status_code == 200
