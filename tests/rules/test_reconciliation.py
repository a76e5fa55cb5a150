"""What becomes of a payment in a gateway's own list, beside the books (PAY-05)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from models.states import PaymentState
from pipelines.gateway import Listed, Snapshot
from pipelines.rules.reconciliation import GRACE, Booked, Fate, compare, missing
from tests.rules.build import at

NOW = at("2026-11-20 12:00:00")
P = PaymentState
AUTHORIZED = Booked("pay_1", P.AUTHORIZED, 1_000, 0, 0, 0, 0, open=False)
CAPTURED = replace(AUTHORIZED, state=P.CAPTURED, captured=1_000)
OVER = replace(AUTHORIZED, state=P.VOIDED)


def listed(state: P, captured: int = 0, refunded: int = 0, reference: str = "pay_1", **changes: int) -> Listed:
    begun = changes.pop("begun", 120)
    told = Snapshot(reference, state, 1_000, captured, refunded, NOW, fee=changes.pop("fee", None))
    return Listed(told, ("salon", "S-1"), NOW - timedelta(minutes=begun))


@pytest.mark.parametrize(
    ("one", "booked", "fate"),
    [
        (listed(P.AUTHORIZED), AUTHORIZED, Fate.AGREES),
        (listed(P.CAPTURED, 1_000), CAPTURED, Fate.AGREES),
        (listed(P.CAPTURED, 1_000, fee=36), CAPTURED, Fate.TELL),
        (listed(P.CAPTURED, 1_000, fee=36), replace(CAPTURED, fee=36), Fate.AGREES),
        (listed(P.CAPTURED, 1_000), AUTHORIZED, Fate.TELL),
        (listed(P.PARTLY_REFUNDED, 1_000, 300), CAPTURED, Fate.TELL),
        (listed(P.CAPTURED, 1_000), replace(CAPTURED, refunded=300, refunded_by_hand=300), Fate.AGREES),
        (listed(P.NEEDS_REVIEW, 1_000), CAPTURED, Fate.TELL),
        (listed(P.VOIDED), AUTHORIZED, Fate.TELL),
        (listed(P.AUTHORIZED), replace(AUTHORIZED, open=True), Fate.WAIT),
        (listed(P.AUTHORIZED), OVER, Fate.VOID),
        (listed(P.PENDING), OVER, Fate.VOID),
        (listed(P.AUTHORIZED, reference="pay_2"), AUTHORIZED, Fate.VOID),
        (listed(P.PENDING, reference="pay_2"), CAPTURED, Fate.VOID),
        (listed(P.CAPTURED, 1_000, reference="pay_2"), CAPTURED, Fate.HUMAN),
        (listed(P.REFUNDED, 1_000, 1_000, reference="pay_2"), CAPTURED, Fate.AGREES),
        (listed(P.EXPIRED, reference="pay_2"), CAPTURED, Fate.AGREES),
        (listed(P.AUTHORIZED), None, Fate.VOID),
        (listed(P.PENDING), None, Fate.VOID),
        (listed(P.CAPTURED, 1_000), None, Fate.HUMAN),
        (listed(P.FAILED), None, Fate.AGREES),
        (listed(P.AUTHORIZED, begun=29), None, Fate.WAIT),
        (listed(P.AUTHORIZED, begun=30), None, Fate.VOID),
        (listed(P.AUTHORIZED, reference="pay_2", begun=29), AUTHORIZED, Fate.WAIT),
    ],
)
def test_what_becomes_of_a_listed_payment(one: Listed, booked: Booked | None, fate: Fate) -> None:
    """An authorization without an order, or beside its order's own, is voided after N minutes; what was taken is a human's."""
    found = compare(one, booked, NOW, known_shop=True)
    assert found.fate is fate
    assert bool(found.says) == (fate in (Fate.TELL, Fate.VOID, Fate.HUMAN))
    assert bool(found.choices) == (fate is Fate.HUMAN), "a human reads what may safely be done"


@pytest.mark.parametrize("booked", [None, CAPTURED], ids=["of no order", "beside the order's payment"])
def test_a_human_reads_what_the_customer_is_still_out_of(booked: Booked | None) -> None:
    """PAY-05: 1,000 yen were taken, and 300 of them went back already."""
    one = listed(P.PARTLY_REFUNDED, 1_000, 300, reference="pay_2")
    assert compare(one, booked, NOW, known_shop=True).says.startswith("700 yen were taken")


def test_another_sellers_payment_on_the_same_account_is_none_of_ours() -> None:
    assert compare(listed(P.CAPTURED, 1_000), None, NOW, known_shop=False).fate is Fate.NOT_OURS


@pytest.mark.parametrize(
    ("booked", "fate"),
    [
        (AUTHORIZED, Fate.HUMAN),
        (CAPTURED, Fate.HUMAN),
        (OVER, Fate.AGREES),
        (replace(AUTHORIZED, open=True), Fate.AGREES),
        (replace(AUTHORIZED, state=P.PENDING, authorized=0), Fate.AGREES),
    ],
)
def test_what_a_gateway_does_not_list(booked: Booked, fate: Fate) -> None:
    assert missing(booked).fate is fate


def test_the_grace_is_half_an_hour() -> None:
    assert timedelta(minutes=30) == GRACE
