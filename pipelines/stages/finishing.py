"""When an order comes to rest: asked by whichever of the last two stages, money or points, comes last."""

from __future__ import annotations

from models.states import Condition, LotState, OrderState, PaymentState
from pipelines.stage import Decision, Facts


def finish(decision: Decision, facts: Facts) -> None:
    """Settle a shipped order as done once its money is taken and no points wait; the stage was told payment and lots."""
    if decision.state not in (OrderState.SHIPPED, OrderState.DELIVERED):
        return
    money = decision.payment.state if decision.payment and decision.payment.state else facts.money.state
    activated = {move.lot for move in decision.lot_moves}
    waiting = [lot for lot in facts.lots if lot.state == LotState.PENDING and lot.id not in activated]
    running = (decision.condition or facts.condition) == Condition.RUNNING
    if running and money != PaymentState.AUTHORIZED and not waiting:
        decision.settle(Condition.DONE, "nothing left to do")
