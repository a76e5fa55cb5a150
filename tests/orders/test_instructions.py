"""STO-02, DLV-02, INT-16: what a supplier is told beyond the goods."""

from __future__ import annotations

import pytest

from pipelines.orders.instructions import supplier_instructions
from tests.rules.build import SHOPS, an_order, day

REUSE = SHOPS["reuse"]


def test_the_wish_and_what_is_for_the_supplier() -> None:
    """Not what is for accounting, nor what an operator had to read."""
    told = supplier_instructions(
        an_order("reuse", remarks="11/28午前中着希望。コマ詰め 手首周り16cm。領収書希望。裏口へ"), REUSE
    )
    assert told["delivery"] == {"date": "2026-11-28", "slot": "AM"}
    assert [(one["kind"], one["says"], one["for"]) for one in told["instructions"]] == [
        ("desired_date", "11/28午前中着希望", "supplier"),
        ("desired_slot", "11/28午前中着希望", "supplier"),
        ("work_order", "コマ詰め 手首周り16cm", "supplier"),
    ]


def test_the_field_is_the_wish_where_the_remarks_say_none() -> None:
    """DLV-02."""
    order = an_order("reuse", delivery_date=day("2026-11-28"), delivery_slot="14-16")
    assert supplier_instructions(order, REUSE) == {
        "delivery": {"date": "2026-11-28", "slot": "14-16"},
        "instructions": [],
    }


@pytest.mark.parametrize("remarks", ["11/28までに届けてください", "11/28以降に届けてください", "至急お願いします"])
def test_only_one_day_is_a_date(remarks: str) -> None:
    """Whoever labels the parcel must not take the last day that is good for the day that is wished for."""
    told = supplier_instructions(an_order("reuse", remarks=remarks), REUSE)
    assert (told["delivery"]["date"], told["instructions"][0]["says"]) == (None, remarks)
