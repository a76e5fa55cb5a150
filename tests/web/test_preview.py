"""Preview over HTTP: the contract's example to the letter (it may say more), and nothing stored."""

from __future__ import annotations

import copy

from tests.contract import EXAMPLE, PLAN
from tests.web.site import Site, fields


def test_the_contracts_example(site: Site) -> None:
    answer = site.post("/v1/preview", EXAMPLE)
    assert answer.status_code == 200
    shown = answer.json()
    because = shown["shipments"][0].pop("because")
    assert because[0]["rule"] == "cutoff"
    assert all(reason["says"] for reason in because)
    assert {name: shown[name] for name in PLAN} == PLAN
    assert site.world.states() == {}


def test_what_it_shows_is_what_is_charged(site: Site) -> None:
    """The same code: the previewed total is accepted, any other is not."""
    order = copy.deepcopy(EXAMPLE)
    order["totals"]["grand_total"] = site.post("/v1/preview", {**EXAMPLE, "totals": {}}).json()["totals"]["grand_total"]
    site.world.at("2026-11-20 14:59:30")
    assert site.order(order).status_code == 202
    wrong = {**order, "number": "S-2", "totals": {"grand_total": order["totals"]["grand_total"] + 1}}
    assert fields(site.order(wrong)) == ["totals.grand_total"]


def test_assumptions_change_it(site: Site) -> None:
    assumed = {**EXAMPLE, "totals": {}, "points": {"use": "all"}, "assume": {"points_balance": 1_000, "rank": "VIP"}}
    shown = site.post("/v1/preview", assumed).json()
    assert (shown["totals"]["points_used"], shown["points"]["by_line"][0]["rate"]) == (1_000, "0.05")


def test_a_refusal_of_the_shop_is_a_problem_in_a_complete_answer(site: Site) -> None:
    shown = site.post("/v1/preview", {**EXAMPLE, "payment": {"method": "loan"}, "totals": {"grand_total": 1}}).json()
    assert [p["field"] for p in shown["problems"]] == ["payment.method", "totals.grand_total"]
    assert shown["totals"]["grand_total"] == 13_970


def test_what_is_no_order_is_422(site: Site) -> None:
    assert fields(site.post("/v1/preview", {**EXAMPLE, "shop": "nowhere"})) == ["shop"]
    assert fields(site.post("/v1/preview", {**EXAMPLE, "assume": {"colour": "red"}})) == ["assume.colour"]
