"""Promise over HTTP: the contract's example, who may ask, what is refused, and how long an answer is kept."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine

from tests.rules.build import shop_with
from tests.web.site import Site, fields
from tests.world import SHOPS, World, document
from workers.mail.rendering import Renderer

ASKED = {"shop": "salon", "region": "愛知県", "at": "2026-11-20T13:37:00+09:00", "locale": "en"}


def test_the_contracts_example(site: Site) -> None:
    """CUT-01; nobody's key is asked for, since the profile makes it public."""
    answer = site.get("/v1/promise", params=ASKED, key=None)
    shown = answer.json()
    assert answer.status_code == 200
    assert shown.pop("because")[0] == {
        "rule": "cutoff",
        "says": "Ordered by the 15:00 cutoff: planned for dispatch on the same day, Fri 20 Nov 2026.",
    }
    assert shown == {
        "shop": "salon",
        "supplier": "warehouse",
        "at": "2026-11-20T13:37:00+09:00",
        "dispatch_on": "2026-11-20",
        "arrive_on": "2026-11-21",
        "order_by": "2026-11-20T15:00:00+09:00",
        "seconds_left": 4980,
        "same_day": True,
    }
    assert answer.headers["cache-control"] == "public, max-age=4980"
    assert answer.headers["access-control-allow-origin"] == "*"


def test_now_is_asked_where_no_moment_is_named(site: Site) -> None:
    site.world.at("2026-11-20 15:00:01")
    shown = site.get("/v1/promise", params={"shop": "salon"}).json()
    assert (shown["at"], shown["dispatch_on"]) == ("2026-11-20T15:00:01+09:00", "2026-11-24")
    assert shown["arrive_on"] is None


def test_the_same_promise_is_not_sent_twice(site: Site) -> None:
    """RFC 9110: the validator stays while the promise does, and changes with it."""
    asked = {"shop": "salon", "region": "愛知県"}
    site.world.at("2026-11-20 13:37:00")
    first = site.get("/v1/promise", params=asked)
    tag = {"if-none-match": first.headers["etag"]}
    site.world.at("2026-11-20 14:59:30")
    again = site.get("/v1/promise", params=asked, headers=tag)
    assert (again.status_code, again.content, again.headers["cache-control"]) == (304, b"", "public, max-age=30")
    site.world.at("2026-11-20 15:00:01")
    assert site.get("/v1/promise", params=asked, headers=tag).status_code == 200
    assert site.get("/v1/promise", params=asked, headers={"if-none-match": "*"}).status_code == 304


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"shop": ""}, ["shop"]),
        ({"region": "Atlantis"}, ["region"]),
        ({"method": "loan"}, ["method"]),  # not at this shop
        ({"method": "shells"}, ["method"]),
        ({"at": "tomorrow"}, ["at"]),
        ({"at": "2026-11-20T13:37:00"}, ["at"]),
        ({"availability": "perhaps", "expected_on": "soon"}, ["availability", "expected_on"]),
        ({"colour": "red"}, ["colour"]),
    ],
)
def test_wrong_parameters_are_named(site: Site, wrong: dict[str, str], named: list[str]) -> None:
    answer = site.get("/v1/promise", params={**ASKED, **wrong}, key=None)
    assert (fields(answer), answer.headers["content-type"]) == (named, "application/problem+json")


def test_what_stands_twice_and_an_unescaped_plus(site: Site) -> None:
    assert fields(site.get("/v1/promise?shop=salon&shop=clinic")) == ["shop"]
    assert site.get("/v1/promise?shop=salon&at=2026-11-20T13:37:00+09:00").json()["seconds_left"] == 4980


def test_a_shop_that_is_not_public_answers_its_own_keys_alone(site: Site) -> None:
    asked = {**ASKED, "shop": "clinic"}
    assert site.get("/v1/promise", params=asked, key=None).status_code == 401
    assert fields(site.get("/v1/promise", params=asked, key=site.stranger)) == ["shop"]
    mine = site.get("/v1/promise", params=asked)
    assert (mine.status_code, mine.headers["cache-control"], mine.headers["vary"]) == (
        200,
        "private, max-age=37380",
        "Authorization",
    )
    assert "access-control-allow-origin" not in mine.headers


def test_nothing_is_back_ordered_where_every_item_is_one_of_a_kind(site: Site) -> None:
    """INT-10: the promise is that of the order, whose lines are one of a kind whatever is claimed of them."""
    asked = {**ASKED, "shop": "reuse", "method": "card"}
    claimed = {**asked, "availability": "backorder"}
    answers = [site.get("/v1/promise", params=one, key=site.stranger).json() for one in (asked, claimed)]
    assert answers[0]["dispatch_on"] == answers[1]["dispatch_on"] is not None


def test_a_cart_is_answered_by_the_parcel(site: Site) -> None:
    """SPL-01, SPL-03."""
    cart = {
        "shop": "clinic",
        "region": "東京都",
        "at": "2026-11-20T10:00:00+09:00",
        "lines": [
            {"sku": "GLOVES", "quantity": 3},
            {"sku": "CHAIR", "supplier": "maker-a"},
            {"sku": "LAMP", "availability": "backorder", "expected_on": "2026-12-10"},
        ],
    }
    answer = site.post("/v1/promise", cart)
    shown = answer.json()
    assert [(one["supplier"], one["dispatch_on"], one["lines"]) for one in shown["parcels"]] == [
        ("warehouse", "2026-11-20", [{"line": 0, "sku": "GLOVES", "quantity": 3}]),
        ("maker-a", "2026-11-20", [{"line": 1, "sku": "CHAIR", "quantity": 1}]),
        ("warehouse", "2026-12-10", [{"line": 2, "sku": "LAMP", "quantity": 1}]),
    ]
    assert answer.headers["cache-control"] == "no-store"
    frozen = [{"sku": "ICE", "supplier": None, "flags": ["frozen"], "weight_g": 900, "size_cm": 60}, {"sku": "GEL"}]
    parted = site.post("/v1/promise", {**cart, "lines": frozen}).json()
    assert [one["supplier"] for one in parted["parcels"]] == ["warehouse"]
    assert fields(site.post("/v1/promise", {**cart, "lines": [{"weight_g": 0}]})) == ["lines[0].weight_g"]
    assert fields(site.post("/v1/promise", {**cart, "lines": []})) == ["lines"]
    assert fields(site.post("/v1/promise", {**cart, "lines": [{"quantity": 0}]})) == ["lines[0].quantity"]


def test_a_day_that_is_full_is_promised_to_nobody_else(engine: Engine, database_url: str, renderer: Renderer) -> None:
    """What is planned already counts, and an answer is kept for seconds alone."""
    limited = shop_with("salon", **{"[suppliers.warehouse]": "[suppliers.warehouse]\ncapacity = 1"})
    asked = {"shop": "salon", "region": "愛知県"}
    with World(engine, database_url, renderer, shops={**SHOPS, "salon": limited}) as world:
        site = Site(world)
        before = site.get("/v1/promise", params=asked)
        assert (before.json()["dispatch_on"], before.headers["cache-control"]) == ("2026-11-20", "public, max-age=30")
        world.take(document("S-1"))
        world.settle()
        assert site.get("/v1/promise", params=asked).json()["dispatch_on"] == "2026-11-24"
        shown = site.post("/v1/preview", document("S-2", customer="M-2")).json()
        assert shown["shipments"][0]["dispatch_on"] == "2026-11-24"
        site.close()
