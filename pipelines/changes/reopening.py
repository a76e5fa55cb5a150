"""An order that stands again: its money came after it was cancelled for want of it, and its goods are still free (PAY-08)."""

from __future__ import annotations

from datetime import datetime, timedelta

from models.states import OrderState, PaymentState
from pipelines.changes.ending import UNPAID
from pipelines.changes.points import stand_again, used_to_take_again
from pipelines.engine.draft import OrderDraft
from pipelines.methods import LateMoney, agreed
from pipelines.orders.mails import customer_mail
from pipelines.shops import Shop

_CAUSE = "paid after the cancel, and its goods are free (PAY-08)"


def reopen(draft: OrderDraft, shop: Shop, now: datetime) -> bool:
    """Let a cancelled order that is paid by now stand again, where its method and the profile say so; False where its money
    is to go back."""
    if not _may_stand_again(draft, shop, now):
        return False
    draft.stand_again(_CAUSE)
    stand_again(draft, shop, now)
    draft.use_coupons_again(draft.facts.cancel.coupons if draft.facts.cancel else ())
    draft.tell(customer_mail("order_reopened", draft.facts, shop, now))
    draft.next("split", now)
    return True


def _may_stand_again(draft: OrderDraft, shop: Shop, now: datetime) -> bool:
    """Everything is as when it was cancelled: the whole sum is there and none of it on its way back, no item and no coupon is
    another's, and the customer still has the points that went back."""
    facts, money, ended = draft.facts, draft.money, draft.facts.cancel
    if draft.state != OrderState.CANCELLED or ended is None or not ended.cause.startswith(UNPAID):
        return False
    if facts.order.replaces is not None:  # the return whose goods it replaces has gone on without it
        return False
    if not facts.order.customer.email:  # he was forgotten since, and where it would go with him (CON-06)
        return False
    if agreed(facts.method, facts.grand_total).late_money is not LateMoney.REOPEN:
        return False
    if now - ended.at > timedelta(days=shop.payment.reopen_days) or ended.taken or ended.spent:
        return False
    is_whole = (money.state, money.captured, money.refunded) == (PaymentState.CAPTURED, draft.grand_total, 0)
    is_asked = any(effect.kind == "payment.refund" for effect in draft.effects.values())
    is_spent = used_to_take_again(draft) > max(0, ended.usable)
    return is_whole and not (is_asked or is_spent or draft.adjustments or draft.holds)
