"""CUT-05: the thank-you coupon is a code in a letter; it brings points when its customer enters it, and only then."""

from __future__ import annotations

import re
from typing import Any

import pytest

from pipelines.customers.schema import CustomerFactsDocument
from pipelines.customers.tell import tell
from pipelines.orders.intake import Ending
from pipelines.points.jobs import JOBS
from pipelines.points.thanks import new_code
from pipelines.rules.money.coupons import is_made_here
from pipelines.values.coupon_key import coupon_key
from tests.rules.build import at
from tests.web.site import Site, fields, problem
from tests.world import World, document
from workers.periodic import Timekeeper

THANKS = [job for job in JOBS if job.name == "points.thanks"]
AUTUMN = "2026-09-17 10:00:00"


def run_at(world: World, moment: str) -> None:
    world.clock.set(at(moment))
    Timekeeper(world.engine, world.shops, world.runner.renderer, world.clock, jobs=THANKS).look()
    world.perform("mail.send")
    assert world.broken() == {}


def tell_of(world: World, **facts: Any) -> None:
    tell(world.engine, world.shops["clinic"], world.clock, "M-1", CustomerFactsDocument(**facts), by_operator=True)


def order(number: str, code: str | None = None, value: int = 3_000, **changes: Any) -> dict[str, Any]:
    placed = changes.pop("placed_at", "2026-09-17T10:00:00+09:00")
    coupons = [{"code": code, "kind": "points", "value": value}] if code else []
    return document(number, shop="clinic", placed_at=placed, coupons=coupons, **changes)


def letters(world: World) -> list[Any]:
    return list(world.rows("SELECT * FROM posted_coupon ORDER BY id"))


@pytest.fixture
def thanked(world: World) -> World:
    """The first order of M-1 on 2026-09-17, and the letter that is due."""
    world.clock.set(at(AUTUMN))
    world.take(order("C-1"))
    world.settle()
    run_at(world, "2026-09-29 00:00:00")
    return world


def enter(world: World, number: str = "C-2", **changes: Any) -> Any:
    """An order that enters the code of the first letter, now."""
    placed = world.clock.now().isoformat()
    (answer,) = world.submit(order(number, changes.pop("code", letters(world)[0].code), placed_at=placed, **changes))
    return answer


def test_the_letter_is_due_after_five_business_days(world: World) -> None:
    """The published vector: 2026-09-17, with three holidays and a weekend between, is 2026-09-29."""
    world.clock.set(at(AUTUMN))
    world.take(order("C-1"))
    run_at(world, "2026-09-28 23:59:59")
    assert letters(world) == []
    run_at(world, "2026-09-29 00:00:00")
    (letter,) = letters(world)
    assert (letter.way, letter.due_on.isoformat(), letter.points) == ("post", "2026-09-29", 3_000)
    assert (world.balance(shop="clinic")[1], len(world.postbox.mails)) == (0, 0)


def test_a_customer_is_thanked_once(thanked: World) -> None:
    thanked.clock.set(at("2026-10-01 12:00:00"))
    thanked.take(order("C-2", placed_at="2026-10-01T12:00:00+09:00"))
    run_at(thanked, "2026-10-20 12:00:00")
    assert len(letters(thanked)) == 1


def test_who_was_credited_before_gets_no_code(world: World) -> None:
    """Never both."""
    world.clock.set(at(AUTUMN))
    world.take(order("C-1"))
    world.grant(3_000, shop="clinic", kind="thanks")
    world.execute("UPDATE point_lot SET source = 'thanks:M-1' WHERE kind = 'thanks'")
    run_at(world, "2026-09-29 00:00:00")
    assert letters(world) == []


@pytest.mark.parametrize("ending", ["cancelled", "withdrawn", "guest"])
def test_who_is_not_thanked(world: World, ending: str) -> None:
    world.clock.set(at(AUTUMN))
    world.take(order("C-1"))
    if ending == "cancelled":
        world.tell(world.ask("order.cancel", "C-1", "clinic", operator=True))
    elif ending == "withdrawn":
        tell_of(world, withdrawn=True)
    else:
        world.execute("UPDATE shop_order SET customer_id = ''")
    world.settle()
    world.clock.set(at("2026-10-20 12:00:00"))
    Timekeeper(world.engine, world.shops, world.runner.renderer, world.clock, jobs=THANKS).look()
    assert letters(world) == []


def test_who_wants_no_letters_gets_a_mail(world: World) -> None:
    """CON-04."""
    world.clock.set(at(AUTUMN))
    world.take(order("C-1"))
    tell_of(world, postal_stop=True)
    run_at(world, "2026-09-29 00:00:00")
    (letter,) = letters(world)
    (mail,) = world.postbox.mails
    assert (letter.way, letter.posted_by, mail["X-Shukka-Template"]) == ("mail", "mail", "coupon_issued")
    assert letter.code in mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]


def test_who_stops_letters_before_it_was_posted_gets_a_mail_too(thanked: World) -> None:
    tell_of(thanked, postal_stop=True)
    run_at(thanked, "2026-09-30 00:00:00")
    assert [(one.way, one.posted_by) for one in letters(thanked)] == [("mail", "mail")]
    assert len([m for m in thanked.postbox.mails if m["X-Shukka-Template"] == "coupon_issued"]) == 1
    run_at(thanked, "2026-10-01 00:00:00")
    assert len([m for m in thanked.postbox.mails if m["X-Shukka-Template"] == "coupon_issued"]) == 1


def test_the_code_brings_its_points_to_the_order_that_enters_it(thanked: World) -> None:
    """PTS-15: loaded and used in the same order, in any spelling."""
    code = letters(thanked)[0].code
    assert enter(thanked, code=f" {code.lower()} ", points={"use": "all"}).ending == Ending.ACCEPTED
    assert thanked.show("C-2", "clinic")["points"]["used"] == 3_000
    assert letters(thanked)[0].used_at == thanked.clock.now()
    assert thanked.broken() == {}


@pytest.mark.parametrize(
    ("changes", "field", "says"),
    [
        ({"customer": "M-2"}, "coupons[0].code", "no such coupon"),
        ({"code": "THX-2222-3333-4444"}, "coupons[0].code", "no such coupon"),
        ({"value": 9_000}, "coupons[0].value", "Must be 3000"),
    ],
    ids=["another customer's", "unknown", "worth less"],
)
def test_what_the_code_is_not(thanked: World, changes: dict[str, Any], field: str, says: str) -> None:
    (found,) = enter(thanked, **changes).problems
    assert (found.field, says in found.message) == (field, True)
    assert letters(thanked)[0].used_at is None


def test_it_is_good_once(thanked: World) -> None:
    """Its points stay with the customer when the order is cancelled, so it does not come back (CAN-04, PTS-15)."""
    enter(thanked)
    thanked.settle()
    thanked.tell(thanked.ask("order.cancel", "C-2", "clinic", operator=True))
    thanked.settle()
    assert thanked.balance(shop="clinic")[1] == 3_000
    (found,) = enter(thanked, "C-3").problems
    assert "used already" in found.message
    assert thanked.broken() == {}


def test_two_orders_of_one_moment_cannot_both_have_it(thanked: World) -> None:
    placed, code = thanked.clock.now().isoformat(), letters(thanked)[0].code
    first, second = thanked.submit(order("C-2", code, placed_at=placed), order("C-3", code, placed_at=placed))
    assert (first.ending, second.ending) == (Ending.ACCEPTED, Ending.REFUSED)
    assert thanked.broken() == {}


@pytest.mark.parametrize(("moment", "taken"), [("2027-03-28 23:59:00", True), ("2027-03-29 00:00:00", False)])
def test_it_is_good_for_180_days(thanked: World, moment: str, taken: bool) -> None:
    thanked.clock.set(at(moment))
    answer = enter(thanked)
    assert (answer.ending == Ending.ACCEPTED) is taken
    assert taken or "good until 2027-03-28" in answer.problems[0].message


def test_codes_cannot_be_guessed_or_misread() -> None:
    codes = {new_code() for _ in range(1_000)}
    assert len(codes) == 1_000
    assert all(re.fullmatch(r"THX(-[2-9A-HJKMNP-Z]{4}){3}", one) and is_made_here(coupon_key(one)) for one in codes)
    assert not is_made_here(coupon_key("THX-2026"))


@pytest.fixture
def site(thanked: World) -> Any:
    site = Site(thanked)
    yield site
    site.close()


def test_preview_says_what_intake_says(site: Site) -> None:
    code, placed = letters(site.world)[0].code, site.world.clock.now().isoformat()
    asked = order("C-2", code, placed_at=placed)
    assert site.post("/v1/preview", asked).json()["problems"] == []
    other = site.post("/v1/preview", {**asked, "customer": {**asked["customer"], "id": "M-2"}}).json()["problems"]
    assert [one["field"] for one in other] == ["coupons[0].code"]
    assert fields(site.order(order("C-2", "THX-2222-3333-4444", placed_at=placed))) == ["coupons[0].code"]


def test_operators_see_and_tick_off_letters(site: Site) -> None:
    (one,) = site.get("/v1/postings?shop=clinic", key=site.operator).json()["postings"]
    assert (one["due_on"], one["days_overdue"], one["ship_to"]["city"]) == ("2026-09-29", 0, "名古屋市中区")
    site.world.clock.set(at("2026-10-02 09:00:00"))
    (late,) = site.get("/v1/postings", key=site.operator).json()["postings"]
    assert late["days_overdue"] == 3
    for _ in range(2):
        done = site.post(f"/v1/postings/{one['id']}/done", key=site.operator)
        assert (done.status_code, done.json()["posted_by"]) == (200, "operations")
    assert site.get("/v1/postings", key=site.operator).json()["postings"] == []
    (went,) = site.get("/v1/postings?state=done", key=site.operator).json()["postings"]
    assert (went["ship_to"], went["posted_at"][:10]) == (None, "2026-10-02")


def test_storefronts_and_strangers_see_none(site: Site) -> None:
    assert problem(site.get("/v1/postings"), 404)
    for id_ in ("0", "99", "x"):
        assert problem(site.post(f"/v1/postings/{id_}/done", key=site.operator), 404)


@pytest.mark.parametrize("wrong", ["shop=nowhere", "state=posted", "limit=5", "state=open&state=done"])
def test_what_is_asked_wrongly_of_the_letters_is_named(site: Site, wrong: str) -> None:
    assert fields(site.get(f"/v1/postings?{wrong}", key=site.operator)) == [wrong.partition("=")[0]]


def test_nothing_is_posted_to_who_withdrew(site: Site) -> None:
    """CON-06."""
    tell_of(site.world, withdrawn=True)
    id_ = letters(site.world)[0].id
    assert site.get("/v1/postings", key=site.operator).json()["postings"] == []
    assert problem(site.post(f"/v1/postings/{id_}/done", key=site.operator), 409)
