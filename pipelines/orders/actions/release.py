"""Release (保留解除): somebody looked at a held order and lets it go on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from models.states import HoldReason, OrderState, PaymentState, ShipmentState
from pipelines.changes.money import outstanding
from pipelines.changes.points import used_to_take_again
from pipelines.engine.draft import OrderDraft
from pipelines.engine.shipment_draft import ShipmentDraft
from pipelines.orders.action import Action, Case, Reason
from pipelines.orders.unsent import is_overdue
from pipelines.rules.explain import Refusal, Sentence
from pipelines.rules.holds import Hold
from pipelines.suppliers.instructions import instruct_key

_REFUNDS: Final = frozenset({HoldReason.REFUND_DUE, HoldReason.REFUND_FAILED})
_ELSEWHERE: Final = Sentence(
    "この保留は解除できません。次の操作で対応してください: {ways_out}",
    "A release does not answer what holds it: use {ways_out}.",
)
_IN_DOUBT: Final = Sentence(
    "代金を確保できたかどうかが不明のため、保留を解除できません。決済代行にもう一度問い合わせるか（`shukka retry`）、次の操作で対応してください: {ways_out}",
    "Nobody knows whether the money is held, and a release does not tell: ask the gateway again (`shukka retry`), or use {ways_out}.",
)
_UNPAID: Final = frozenset({OrderState.ACCEPTED, OrderState.AWAITING_PAYMENT})
_OWES: Final = Sentence(
    "お客様に返金すべき{amount}円が残っています。返金し、次の操作で記録してください: {ways_out}",
    "{amount} yen are still to go back to the customer: give them back and record it with {ways_out}.",
)
_NOT_HELD: Final = Sentence(
    "この注文の処理状況は{condition}で、保留されていません。", "The order is {condition}: nothing holds it."
)
_SPENT: Final = Sentence(
    "取消時にお客様へ戻した{needed}ポイントのうち、使えるのは{usable}ポイントだけです。代金を返金して記録するか、不足分を付与してから解除してください。",
    "Of {needed} points that went back at the cancel, the customer has {usable}: give the money back and record it, or grant what is missing first.",
)


def stands(case: Case) -> Sequence[Refusal]:
    """Only what is held can be let go, and only where somebody's look at it is an answer: money that is due back is no such thing."""
    order = case.order
    if not order.held:
        return [Refusal(_NOT_HELD, {"condition": order.condition})]
    if (due := owes(order)) > 0:
        return [Refusal(_OWES, {"amount": due}, ways_out=("refunds",))]
    if refused := _points_are_spent(case):
        return refused
    if order.state == OrderState.CANCELLED or lets_go(order):
        return []
    says = _IN_DOUBT if any(_is_in_doubt(order, hold) for hold in order.holds) else _ELSEWHERE
    named = dict.fromkeys(name for hold in order.holds for name in hold.kind.answered_by if name != ACTION.name)
    return [Refusal(says, ways_out=tuple(named))]


def owes(order: OrderDraft) -> int:
    """Yen that a human was asked to give back and has not, or that a cancelled order still keeps; nobody's look at it changes
    that."""
    is_asked = order.state == OrderState.CANCELLED or any(hold.reason in _REFUNDS for hold in order.holds)
    return outstanding(order) if is_asked and not stands_after_all(order) else 0


def stands_after_all(order: OrderDraft) -> bool:
    """Whether a release lets the sale of a cancelled order stand: the customer received and paid for it (PAY-09)."""
    return any(hold.reason == HoldReason.COD_AFTER_CANCEL for hold in order.holds)


def _points_are_spent(case: Case) -> Sequence[Refusal]:
    """A sale that was cancelled stands only with the points that it was partly paid with (PAY-09, PTS-12)."""
    order = case.order
    if not order.facts.customer_id or not stands_after_all(order):
        return []
    needed, usable = used_to_take_again(order), max(0, order.facts.purse.usable(case.now))
    if needed <= usable:
        return []
    return [Refusal(_SPENT, {"needed": needed, "usable": usable}, rule="PTS-12", ways_out=("refunds",))]


def lets_go(order: OrderDraft) -> list[Hold]:
    """The holds that a release lifts: those it answers, and those whose cause has gone. Cash that nothing brings in is still
    due, whoever looked at it: it is recorded, or its goods are taken back (PAY-09). Nor does a look secure money of which the
    gateway said nothing."""
    stuck = stuck_shipments(order)
    return [
        hold
        for hold in order.holds
        if not _is_in_doubt(order, hold)
        and (
            hold.answered_by(ACTION.name) or (hold.reason != HoldReason.COD_UNCOLLECTED and hold.shipment not in stuck)
        )
    ]


def _is_in_doubt(order: OrderDraft, hold: Hold) -> bool:
    """Whether the goods would wait for money of which nobody knows: only the gateway's answer, or a cancel, ends that."""
    is_unknown = hold.reason == HoldReason.PAYMENT_UNKNOWN and order.money.state == PaymentState.NEEDS_REVIEW
    return is_unknown and order.state in _UNPAID


def stuck_shipments(order: OrderDraft) -> set[str]:
    """Shipments that nothing would ever send: their supplier refused and pieces are left, or its instruction came to
    nothing, or did not arrive in time. They are asked for anew, or their lines are taken out; nobody's look at them changes that."""
    return {one.id for one in order.shipments if one.left and _is_stuck(order, one)}


def _is_stuck(order: OrderDraft, shipment: ShipmentDraft) -> bool:
    told = order.effects.get(instruct_key(shipment.id, shipment.again))
    has_failed = told is not None and (told.state in ("declined", "needs_review") or is_overdue(order, shipment, told))
    return shipment.state == ShipmentState.REFUSED or (shipment.is_untold and has_failed)


ACTION = Action(
    name="release",
    label=Sentence("保留を解除する", "Release"),
    says=Sentence(
        "確認を終えたものとして保留を解除し、注文を次の段階へ進めます。",
        "Somebody has looked at it: lift the hold and let the order go on.",
    ),
    model=Reason,
    wakes="order.release",
    stands=stands,
)
