"""When an order comes to rest: asked by whichever stage ends what it waited for, money, points or a human."""

from __future__ import annotations

from models.states import Condition, LotState, OrderState, PaymentState
from pipelines.engine.stage import Decision, Facts


def finish(decision: Decision, facts: Facts) -> None:
    """Settle an order as done that nothing holds: one that was cancelled, or one that has shipped once its money is taken
    and no points wait. The stage was told payment and lots."""
    if (decision.condition or facts.condition) == Condition.RUNNING and _is_over(decision, facts):
        decision.settle(Condition.DONE, "nothing left to do")


def _is_over(decision: Decision, facts: Facts) -> bool:
    if decision.state not in (OrderState.SHIPPED, OrderState.DELIVERED):
        return decision.state == OrderState.CANCELLED
    money = decision.payment.state if decision.payment and decision.payment.state else facts.money.state
    activated = {asked.lot for asked in decision.lot_moves}
    waiting = [lot for lot in facts.lots if lot.state == LotState.PENDING and lot.id not in activated]
    return money != PaymentState.AUTHORIZED and not waiting
