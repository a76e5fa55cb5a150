"""Split: shipments with their promised dates, once, and only for what may go."""

from __future__ import annotations

from base64 import b32encode
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from typing import Any

import pytest

from models.states import Condition
from pipelines.changes.plans import shipment_id
from pipelines.engine.draft import OrderDraft
from pipelines.rules.order import Order
from pipelines.shops import Shop
from pipelines.stages import accept
from pipelines.stages.split import STAGE
from tests.rules.build import a_line, an_order, at, day, shop_with
from tests.stages.build import NOW, but, decide, facts, goes_to, mails, moves, payment, reasons, shipment


def test_one_shipment_a_source() -> None:
    """SPL-01: makers send their own."""
    order = an_order("clinic", a_line("1", supplier="maker-a"), a_line("2"), a_line("3", supplier="maker-a"))
    decision = decide(STAGE, facts(order, state="authorized"))
    assert [(s.supplier, [line for line, _ in s.lines], s.state) for s in decision.new_shipments] == [
        ("maker-a", ["1", "3"], "planned"),
        ("warehouse", ["2"], "planned"),
    ]
    assert mails(decision) == []
    assert goes_to(decision) == ["dispatch"]
    assert moves(decision) == ["shipment: None -> planned"] * 2


@pytest.mark.parametrize(("shop", "shipments"), [("clinic", [["1"], ["2"]]), ("apparel", [["1", "2"]])])
def test_back_orders_go_apart_where_the_shop_allows_it(shop: str, shipments: list[list[str]]) -> None:
    """SPL-03."""
    order = an_order(shop, a_line("1"), a_line("2", availability="backorder", expected_on=day("2026-12-10")))
    decision = decide(STAGE, facts(order, state="authorized"))
    assert [[line for line, _ in s.lines] for s in decision.new_shipments] == shipments
    assert decision.new_shipments[-1].state == "backordered"
    assert decision.new_shipments[-1].dispatch_on == day("2026-12-10")


def test_a_back_order_without_a_date_promises_nothing_and_is_asked_for_at_once() -> None:
    order = an_order("clinic", a_line(availability="backorder"))
    (planned,) = decide(STAGE, facts(order, state="authorized")).new_shipments
    assert (planned.dispatch_on, planned.instruct_at) == (None, NOW)
    assert planned.because


@pytest.mark.parametrize(
    ("placed", "dispatch_on"),
    [("2026-11-20 15:00:00", "2026-11-20"), ("2026-11-20 15:00:01", "2026-11-24")],
)
def test_every_date_carries_its_reasons(placed: str, dispatch_on: str) -> None:
    """CUT-01: salon until 15:00, inclusive; 23 November is a holiday."""
    (planned,) = decide(
        STAGE, facts(an_order("salon", placed_at=placed), state="authorized"), now=at(placed)
    ).new_shipments
    assert planned.dispatch_on == day(dispatch_on)
    assert planned.because[0]["rule"] == "cutoff"
    assert all(reason["says"] for reason in planned.because)


@pytest.mark.parametrize("method", ["bank_transfer", "konbini", "loan"])
@pytest.mark.parametrize(
    ("came", "decided", "leaves"),
    [
        ("2026-11-20 14:59:59", "2026-11-20 14:59:59", "2026-11-20"),
        ("2026-11-20 15:00:01", "2026-11-20 15:00:01", "2026-11-24"),
        ("2026-11-20 14:59:59", "2026-11-20 15:00:01", "2026-11-20"),  # decided a moment after it was confirmed
        ("2026-11-20 15:00:00", "2026-11-20 23:00:00", "2026-11-20"),  # inclusive to the second, after an outage too
        ("2026-11-20 10:00:00", "2026-11-24 16:00:00", "2026-11-24"),  # never in the past
        ("2026-11-21 10:00:00", "2026-11-20 10:00:00", "2026-11-20"),  # a sender's clock that is fast is not believed
        (None, "2026-11-20 15:00:01", "2026-11-24"),  # confirmed by a version that did not keep when
    ],
)
def test_a_prepaid_order_counts_from_its_money(method: str, came: str | None, decided: str, leaves: str) -> None:
    """CUT-01: the moment at which the money was confirmed is held against the cutoff, not the one of the decision."""
    shop = "salon" if method == "bank_transfer" else "reuse"
    order = an_order(shop, method=method, placed_at="2026-11-16 10:00:00")
    money = payment("captured", 1_760, method=method, as_of=at(came) if came else None)
    paid = facts(order, state="authorized", payment=money)
    (planned,) = decide(STAGE, paid, now=at(decided)).new_shipments
    assert planned.dispatch_on == day(leaves)


def test_a_card_order_counts_from_the_order() -> None:
    """CUT-01: when its issuer answered changes nothing."""
    order = an_order("salon", placed_at="2026-11-20 14:59:59")
    held = facts(order, state="authorized", payment=payment("authorized", 1_760, as_of=at("2026-11-20 16:00:00")))
    (planned,) = decide(STAGE, held, now=at("2026-11-20 16:00:00")).new_shipments
    assert planned.dispatch_on == day("2026-11-20")


@pytest.mark.parametrize(
    ("requests", "hold", "sent", "next_stages"),
    [
        ("strict", ["request_not_met"], ["request_not_met"], []),
        ("clear", [], ["request_not_met"], ["dispatch"]),
        ("best_effort", [], [], ["dispatch"]),
    ],
)
def test_a_wish_that_cannot_be_met(requests: str, hold: list[str], sent: list[str], next_stages: list[str]) -> None:
    """DLV-04: a strict shop asks a human before the goods may go, the others say so or ignore it."""
    shop = shop_with("reuse", **{"[delivery]": f'[delivery]\nrequests = "{requests}"'})
    order = an_order("reuse", delivery_date=day("2026-11-20"))
    decision = decide(STAGE, facts(order, state="authorized"), shop=shop)
    assert (reasons(decision), mails(decision), goes_to(decision)) == (hold, sent, next_stages)
    assert len(decision.new_shipments) == 1


@pytest.mark.parametrize(
    ("why", "order", "standing", "told"),
    [
        ("confirmed with its plan", an_order("salon"), {}, []),
        ("the next open day has come", an_order("salon"), {"now": at("2026-11-24 09:00")}, ["dispatch_planned"]),
        (
            "a back-order's day is the same",
            an_order("clinic", a_line(availability="backorder", expected_on=day("2026-12-10"))),
            {"now": at("2026-11-24 09:00")},
            [],
        ),
        ("money was awaited", an_order("salon", method="bank_transfer"), {}, ["dispatch_planned"]),
        ("a human had it first (INT-16)", an_order("salon", remarks="裏口へお願いします"), {}, ["dispatch_planned"]),
    ],
)
def test_a_plan_is_told_once(why: str, order: Order, standing: dict[str, Any], told: list[str]) -> None:
    """CON-01, CUT-01: what the confirmation told and what still holds is not written about again."""
    known = facts(order, state="authorized")
    confirmed = decide(accept.STAGE, facts(order), now=known.accepted_at).mails[0]
    assert bool(confirmed.context["shipments"]) == (why not in {"money was awaited", "a human had it first (INT-16)"})
    assert mails(decide(STAGE, known, **{"now": known.accepted_at, **standing})) == told, why


@pytest.mark.parametrize(
    ("released", "dispatch_on"), [("2026-11-20 15:00:00", "2026-11-20"), ("2026-11-20 17:00:00", "2026-11-24")]
)
@pytest.mark.parametrize("in_this_pass", [True, False])
def test_a_released_order_is_planned_from_its_release(released: str, dispatch_on: str, in_this_pass: bool) -> None:
    """CUT-01, INT-16: placed at 10:00; the hold that a stage of the same pass lifted is over now."""
    known = facts(state="authorized", released_at=None if in_this_pass else at(released))
    stage = replace(STAGE, decide=_lifted) if in_this_pass else STAGE
    standing = but(known, condition="held") if in_this_pass else known
    decision = decide(stage, standing, now=at(released))
    (planned,) = decision.new_shipments
    assert planned.dispatch_on == day(dispatch_on)
    assert planned.because[0]["says"].startswith("Check completed")


def _lifted(draft: OrderDraft, shop: Shop, now: datetime) -> None:
    draft.settle(Condition.RUNNING, "answered")
    STAGE.decide(draft, shop, now)


@pytest.mark.parametrize(
    ("released", "dispatch_on", "told"),
    [
        ("2026-11-20 14:00:00", None, []),  # the day that was planned can be kept
        ("2026-11-20 17:00:00", "2026-11-24", ["dispatch_delayed"]),
        ("2026-11-26 10:00:00", "2026-11-26", ["dispatch_delayed"]),
    ],
)
def test_what_was_planned_before_its_hold_gets_a_day_that_can_be_kept(
    released: str, dispatch_on: str | None, told: list[str]
) -> None:
    """CUT-01, DLV-04: a strict shop asks before the goods go, and its answer may take days."""
    known = facts(state="authorized", shipments=(shipment(),), released_at=at(released))
    decision = decide(STAGE, known, now=at(released))
    assert (mails(decision), goes_to(decision)) == (told, ["dispatch"])
    changed = decision.shipments.get("SH-1")
    assert (changed and changed.dispatch_on) == (dispatch_on and day(dispatch_on))
    if changed is not None:
        assert changed.instruct_at == max(at(f"{dispatch_on} 08:00:00"), at(released))


def test_a_mail_names_one_day_of_dispatch() -> None:
    """CUT-04: the reasons that a later one overrode are the operators' to read."""
    order = an_order("reuse", delivery_date=day("2026-11-28"))
    confirmed = decide(accept.STAGE, facts(order), now=order.placed_at).mails[0]
    (told,) = confirmed.context["shipments"]
    (planned,) = decide(STAGE, facts(order, state="authorized")).new_shipments
    assert [one["rule"] for one in planned.because] == ["cutoff", "desired_date", "transit"]
    assert [one["rule"] for one in told["because"]] == ["desired_date", "transit"]


def test_the_mail_names_the_wish_that_the_remarks_hold() -> None:
    """DLV-04."""
    order = an_order("reuse", remarks="11/20 14-16時着希望")
    mail = decide(STAGE, facts(order, state="authorized")).mails[0]
    assert (mail.template, mail.context["request"]) == ("request_not_met", {"date": day("2026-11-20"), "slot": "14-16"})


@pytest.mark.parametrize(
    "standing",
    [
        {"state": "accepted"},
        {"state": "cancelled", "condition": "done"},
        {"state": "authorized", "condition": "held"},
    ],
    ids=["not paid", "cancelled", "held (INT-16)"],
)
def test_what_may_not_go_is_not_split(standing: dict[str, Any]) -> None:
    decision = decide(STAGE, facts(**standing))
    assert (decision.new_shipments, decision.mails, decision.work, decision.moves) == ([], [], [], [])


def test_shipment_ids_are_the_same_on_every_run_and_tell_nothing_of_each_other() -> None:
    known = facts()
    ids = [shipment_id(known, index) for index in (1, 2, 1)]
    assert ids[0] == ids[2] != ids[1]
    assert all(one.startswith("SH-") and len(one) == 16 for one in ids)


def test_shipment_ids_are_base32_of_their_digest() -> None:
    """RFC 4648: an id that a customer was told once must never be another."""
    known = facts()
    for index in range(1, 200):
        told = f"{known.placed_at.timestamp():.6f}\x00{known.shop}\x00{known.number}\x00{index}".encode()
        assert shipment_id(known, index) == "SH-" + b32encode(sha256(told).digest())[:13].decode()


@pytest.mark.parametrize("state", ["authorized", "released", "partly_shipped"])
def test_what_was_planned_goes_on_although_some_of_it_left_meanwhile(state: str) -> None:
    """A shipment left before its supplier was told, while the order waited for this stage: the rest is instructed and watched."""
    assert goes_to(decide(STAGE, facts(state=state, shipments=(shipment(),)))) == ["dispatch"]
