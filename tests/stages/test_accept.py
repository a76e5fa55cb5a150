"""Accept: confirm, hold what a human must see, and let go on what needs no human."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from pipelines.rules.marks import Mark
from pipelines.stages.accept import STAGE
from tests.rules.build import a_line, an_order
from tests.stages.build import NOW, but, decide, facts, goes_to, mails, moves, reasons


def test_a_plain_order_is_confirmed_and_goes_on() -> None:
    """CON-01, PTS-05."""
    decision = decide(STAGE, facts(an_order("salon", a_line(price=10_000))))
    assert (mails(decision), goes_to(decision), moves(decision)) == (["order_accepted"], ["authorize"], [])
    (lot,) = decision.new_lots
    assert (lot.amount, lot.state, lot.source) == (100, "pending", "order:7:earn")


@pytest.mark.parametrize(
    ("rule", "shop", "changes", "hold", "goes_on"),
    [
        ("INT-16", "salon", {"remarks": "裏口へお願いします"}, "needs_human", ["authorize"]),
        ("CPN-03", "salon", {"remarks": "クーポン：AUTUMN、WINTER"}, "coupons_in_remarks", []),
        ("INT-04", "clinic", {"kind": "individual"}, "quote_needed", []),
        (
            "INT-04",
            "clinic",
            {"kind": "individual", "flags": frozenset({"business_address_only"})},
            "individual_not_deliverable",
            [],
        ),
    ],
)
def test_what_a_human_must_see_is_held(
    rule: str, shop: str, changes: dict[str, Any], hold: str, goes_on: list[str]
) -> None:
    """INT-16 blocks the goods only; CPN-03 and INT-04 keep the amount open, so nothing is authorized."""
    order = an_order(shop, a_line(flags=changes.pop("flags", frozenset())), remarks=changes.pop("remarks", ""))
    order = replace(order, ship_to=replace(order.ship_to, **changes))
    decision = decide(STAGE, facts(order))
    assert hold in reasons(decision), rule
    assert goes_to(decision) == goes_on
    assert mails(decision) == ["order_accepted", "order_held"]
    assert moves(decision) == ["condition: running -> held"]


def test_a_wish_that_the_shop_does_not_meet_is_answered_at_once() -> None:
    """DLV-05: by mail, and the order goes on."""
    decision = decide(STAGE, facts(an_order("reuse", remarks="佐川急便でお願いします。ラッピング希望", locale="ja")))
    assert (mails(decision), goes_to(decision), decision.holds) == (
        ["order_accepted", "not_offered"],
        ["authorize"],
        [],
    )
    assert decision.mails[-1].context["wishes"] == [
        {"says": "佐川急便でお願いします", "because": "運送会社のご指定は承っておりません。"},
        {"says": "ラッピング希望", "because": "ギフト包装は承っておりません。"},
    ]


@pytest.mark.parametrize(
    ("marks", "held"),
    [
        ([("undelivered_returns", 1), ("undelivered_returns", 364)], True),
        ([("undelivered_returns", 1), ("undelivered_returns", 366)], False),
        ([("undelivered_returns", 1), ("customer_returns", 1)], False),
        ([("customer_returns", 1)] * 3, True),
        ([], False),
    ],
)
def test_a_customer_with_a_history_is_looked_at(marks: list[tuple[str, int]], held: bool) -> None:
    """INT-14: two undelivered or three returned parcels within 365 days."""
    known = but(facts(), marks=[Mark(kind, NOW - timedelta(days=days)) for kind, days in marks])
    decision = decide(STAGE, known)
    assert (reasons(decision) == ["blocked_customer"]) is held
    assert goes_to(decision) == ([] if held else ["authorize"])


def test_a_guest_earns_no_points() -> None:
    order = an_order("salon", a_line(price=10_000))
    decision = decide(STAGE, facts(replace(order, customer=replace(order.customer, id=""))))
    assert decision.new_lots == []
