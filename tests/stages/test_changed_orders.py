"""Every stage may be due when something else has moved the order meanwhile: a cancel, a hold, a return, late news."""

from __future__ import annotations

from typing import Any

import pytest

from models.states import Condition, HoldReason, OrderState, PaymentState, ShipmentState
from pipelines.engine.run import enforce
from pipelines.route import ROUTE, STAGES
from pipelines.rules.holds import Hold
from tests.stages.build import decide, facts, lot, mails, payment, shipment

#: A shipment, and the money, as they may stand in each state of an order.
STANDS: dict[OrderState, list[tuple[ShipmentState | None, PaymentState]]] = {
    OrderState.ACCEPTED: [(None, PaymentState.PENDING)],
    OrderState.AWAITING_PAYMENT: [(None, PaymentState.PENDING), (None, PaymentState.NEEDS_REVIEW)],
    OrderState.AUTHORIZED: [(None, PaymentState.AUTHORIZED), (ShipmentState.PLANNED, PaymentState.CAPTURED)],
    OrderState.RELEASED: [
        (ShipmentState.INSTRUCTED, PaymentState.AUTHORIZED),
        (ShipmentState.ACKNOWLEDGED, PaymentState.AUTHORIZED),
        (ShipmentState.REFUSED, PaymentState.AUTHORIZED),
    ],
    OrderState.PARTLY_SHIPPED: [(ShipmentState.ACKNOWLEDGED, PaymentState.CAPTURED)],
    OrderState.SHIPPED: [(ShipmentState.SHIPPED, PaymentState.CAPTURED)],
    OrderState.DELIVERED: [(ShipmentState.SHIPPED, PaymentState.CAPTURED)],
    OrderState.UNDELIVERED: [(ShipmentState.SHIPPED, PaymentState.CAPTURED)],
    OrderState.CANCELLED: [
        (None, PaymentState.PENDING),
        (None, PaymentState.VOIDED),
        (ShipmentState.CANCELLED, PaymentState.AUTHORIZED),
        (ShipmentState.INSTRUCTED, PaymentState.REFUNDED),
    ],
}
CASES = [
    pytest.param(stage.name, state, condition, *stood, id=f"{stage.name} {state} {condition} {stood[0]} {stood[1]}")
    for stage in ROUTE
    for state, all_stood in STANDS.items()
    for stood in all_stood
    for condition in Condition
]


def standing(state: str, condition: str, goods: str | None, money: str) -> Any:
    holds = [Hold(HoldReason.REQUEST_NOT_MET)] if condition == Condition.HELD else []
    return facts(
        state=state,
        condition=condition,
        holds=holds,
        shipments=(shipment(state=goods),) if goods else (),
        payment=payment(money, 1100),
        lots=(lot(),),
    )


@pytest.mark.parametrize(("stage", "state", "condition", "goods", "money"), CASES)
def test_a_stage_that_is_due_late_harms_nothing(
    stage: str, state: str, condition: str, goods: str | None, money: str
) -> None:
    decision = decide(STAGES[stage], standing(state, condition, goods, money))
    enforce(decision)
    if state == OrderState.CANCELLED:
        assert decision.order_state is None, "what is cancelled stays so"
        assert not {"order_accepted", "dispatch_planned", "payment_instructions"} & set(mails(decision))
        assert not decision.new_lots, "nothing is earned any more"
        assert not decision.new_shipments
    if condition == Condition.HELD and not decision.closed_holds:
        assert decision.condition in (None, Condition.HELD), "only what answers a hold ends it"
        assert not decision.new_shipments
        assert [one.kind for one in decision.effects if one.kind == "supplier.instruct"] == []


def test_an_order_cancelled_before_it_was_accepted_is_not_accepted() -> None:
    """CAN-03: neither confirmed, nor given points, nor held for what its remarks say."""
    decision = decide(STAGES["accept"], facts(state="cancelled", condition="done"))
    assert (decision.moves, decision.mails, decision.new_lots, decision.work) == ([], [], [], [])
