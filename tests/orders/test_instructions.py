"""STO-02, DLV-02, INT-16: what a supplier is told beyond the goods."""

from __future__ import annotations

from typing import Any

import pytest

from pipelines.orders.instructions import supplier_instructions
from pipelines.rules.order import Order
from pipelines.rules.wish import Wish, wish
from tests.rules.build import SHOPS, an_order, day

REUSE = SHOPS["reuse"]


def told_of(order: Order) -> dict[str, Any]:
    """Whoever can keep all of it."""
    return supplier_instructions(order, REUSE, wish(order, REUSE))


def test_the_wish_and_what_is_for_the_supplier() -> None:
    """Not what is for accounting, nor what an operator had to read."""
    told = told_of(an_order("reuse", remarks="11/28午前中着希望。コマ詰め 手首周り16cm。領収書希望。裏口へ"))
    assert told["delivery"] == {"date": "2026-11-28", "slot": "AM"}
    assert [(one["kind"], one["says"], one["for"]) for one in told["instructions"]] == [
        ("desired_date", "11/28午前中着希望", "supplier"),
        ("desired_slot", "11/28午前中着希望", "supplier"),
        ("work_order", "コマ詰め 手首周り16cm", "supplier"),
    ]


def test_the_field_is_the_wish_where_the_remarks_say_none() -> None:
    """DLV-02."""
    order = an_order("reuse", delivery_date=day("2026-11-28"), delivery_slot="14-16")
    assert told_of(order) == {
        "delivery": {"date": "2026-11-28", "slot": "14-16"},
        "instructions": [],
    }


@pytest.mark.parametrize("remarks", ["11/28までに届けてください", "11/28以降に届けてください", "至急お願いします"])
def test_only_one_day_is_a_date(remarks: str) -> None:
    """Whoever labels the parcel must not take the last day that is good for the day that is wished for."""
    told = told_of(an_order("reuse", remarks=remarks))
    assert (told["delivery"]["date"], told["instructions"][0]["says"]) == (None, remarks)


def test_a_day_that_cannot_be_kept_is_in_no_word_of_it() -> None:
    """DLV-04: the time of day stays, without the words around it that name the day."""
    order = an_order("reuse", remarks="11/20の14-16時着希望。コマ詰め 手首周り16cm")
    told = supplier_instructions(order, REUSE, Wish(None, "14-16"))
    assert told["delivery"] == {"date": None, "slot": "14-16"}
    assert [(one["kind"], one["says"]) for one in told["instructions"]] == [
        ("desired_slot", "14-16"),
        ("work_order", "コマ詰め 手首周り16cm"),
    ]
