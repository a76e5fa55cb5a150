"""States of every entity and the moves between them that are allowed.

One explicit table an entity. ``pipelines.engine`` is the one place that enforces them (``run``, and ``ledger`` for lots) and
records each move with its cause. Standard library only: rules may import this module.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class OrderState(StrEnum):
    """Where an order stands (注文状態)."""

    ACCEPTED = "accepted"
    AWAITING_PAYMENT = "awaiting_payment"  # 入金待ち
    AUTHORIZED = "authorized"  # 決済承認済み
    RELEASED = "released"  # 出荷指示済み
    PARTLY_SHIPPED = "partly_shipped"  # 一部発送済み
    SHIPPED = "shipped"  # 発送済み
    DELIVERED = "delivered"  # 配達完了
    UNDELIVERED = "undelivered"  # 未達: 返送・紛失
    CANCELLED = "cancelled"  # キャンセル


#: Where all that is to leave of an order has left.
ALL_LEFT = frozenset({OrderState.SHIPPED, OrderState.DELIVERED, OrderState.UNDELIVERED})


class Condition(StrEnum):
    """Orthogonal to the state: does the order move, wait for a human, or rest for good?"""

    RUNNING = "running"
    HELD = "held"  # 保留
    DONE = "done"


class PaymentState(StrEnum):
    """Where the money of an order stands (決済状態)."""

    PENDING = "pending"
    AUTHORIZED = "authorized"  # 仮売上
    CAPTURED = "captured"  # 実売上
    PARTLY_REFUNDED = "partly_refunded"
    REFUNDED = "refunded"
    VOIDED = "voided"  # 仮売上取消
    FAILED = "failed"
    EXPIRED = "expired"
    NEEDS_REVIEW = "needs_review"


class ShipmentState(StrEnum):
    """The supplier's answer to a shipment (出荷状態)."""

    PLANNED = "planned"
    INSTRUCTED = "instructed"  # 出荷指示済み
    ACKNOWLEDGED = "acknowledged"
    SHIPPED = "shipped"
    BACKORDERED = "backordered"  # 取り寄せ
    REFUSED = "refused"
    CANCELLED = "cancelled"


class CallOff(StrEnum):
    """What became of our asking a supplier not to ship after all (出荷停止): an axis apart from the shipment's own state."""

    REQUESTED = "requested"
    ACCEPTED = "accepted"
    REFUSED = "refused"


class TrackingState(StrEnum):
    """The parcel's own movement, an axis apart from the supplier's answer (配送状況)."""

    ACCEPTED = "accepted"
    IN_TRANSIT = "in_transit"
    OUT_FOR_DELIVERY = "out_for_delivery"
    ATTEMPT_FAILED = "attempt_failed"
    HELD = "held"
    ADDRESS_PROBLEM = "address_problem"  # 住所不明
    REFUSED = "refused"  # 受取拒否
    DAMAGED = "damaged"  # 破損
    RETURNING = "returning"  # 返送中
    AT_STORE = "at_store"  # 店舗保管: kept for a visit (STO-01)
    DELIVERED = "delivered"
    RETURNED = "returned"
    LOST = "lost"


class LotState(StrEnum):
    """Where a lot of points stands (PTS-05)."""

    PENDING = "pending"  # 有効待ち
    VALID = "valid"  # 有効
    USED = "used"
    EXPIRED = "expired"  # 有効期限切れ
    HELD = "held"  # 保留
    VOID = "void"  # 無効


class ReturnState(StrEnum):
    """Where a return stands (返品状態, A.12)."""

    REQUESTED = "requested"  # 受付済み
    REFUSED = "refused"
    APPROVED = "approved"
    AWAITING_GOODS = "awaiting_goods"  # 返送待ち
    EXPIRED = "expired"
    RECEIVED = "received"
    INSPECTED = "inspected"  # 検品済み
    REJECTED = "rejected"
    SENT_BACK = "sent_back"  # 返送済み
    REFUNDED = "refunded"
    REPLACED = "replaced"
    EXCHANGED = "exchanged"
    CLOSED = "closed"  # an operator ended it, or its customer withdrew it: nothing comes of it


#: Returns that something is still to become of: their pieces are in no other.
LIVE_RETURNS = frozenset(
    {
        ReturnState.REQUESTED,
        ReturnState.APPROVED,
        ReturnState.AWAITING_GOODS,
        ReturnState.RECEIVED,
        ReturnState.INSPECTED,
        ReturnState.REJECTED,
    }
)
#: Returns whose pieces came back for others, and no money: no change of the order's lines tells of them.
GIVEN_ANEW = frozenset({ReturnState.REPLACED, ReturnState.EXCHANGED})


class HoldReason(StrEnum):
    """Why an order waits for a human (保留理由); ``pipelines.rules.holds.KINDS`` has the words and ways out of each."""

    # seen when it was accepted
    INDIVIDUAL_NOT_DELIVERABLE = "individual_not_deliverable"
    QUOTE_NEEDED = "quote_needed"
    BLOCKED_CUSTOMER = "blocked_customer"
    SAME_MAILBOX = "same_mailbox"
    COUPONS_IN_REMARKS = "coupons_in_remarks"
    NEEDS_HUMAN = "needs_human"
    REQUEST_NOT_MET = "request_not_met"
    # money
    PAYMENT_UNKNOWN = "payment_unknown"
    PAYMENT_DIFFERS = "payment_differs"
    DEPOSIT_MISMATCH = "deposit_mismatch"
    UNEXPECTED_DEPOSIT = "unexpected_deposit"
    REFUND_DUE = "refund_due"
    REFUND_FAILED = "refund_failed"
    CAPTURE_FAILED = "capture_failed"
    VOID_FAILED = "void_failed"
    AUTHORIZATION_ENDS = "authorization_ends"
    AUTHORIZATION_LOST = "authorization_lost"
    # suppliers and parcels
    SUPPLIER_UNREACHABLE = "supplier_unreachable"
    SUPPLIER_REFUSED = "supplier_refused"
    SUPPLIER_SHORT = "supplier_short"
    SUPPLIER_SILENT = "supplier_silent"
    DISPATCH_LATE = "dispatch_late"
    CANCEL_REFUSED = "cancel_refused"
    SHIPPED_AFTER_CANCEL = "shipped_after_cancel"
    RETURNED_UNDELIVERED = "returned_undelivered"
    TRANSIT_ACCIDENT = "transit_accident"
    PARCEL_PROBLEM = "parcel_problem"
    DELIVERY_OVERDUE = "delivery_overdue"
    COD_UNCOLLECTED = "cod_uncollected"
    COD_AFTER_CANCEL = "cod_after_cancel"
    RETURN_OVERDUE = "return_overdue"
    RETURN_UNSETTLED = "return_unsettled"


_O, _P, _S, _L, _R = OrderState, PaymentState, ShipmentState, LotState, ReturnState

ORDER_MOVES: Mapping[str, frozenset[str]] = {
    _O.ACCEPTED: frozenset({_O.AWAITING_PAYMENT, _O.AUTHORIZED, _O.CANCELLED}),
    _O.AWAITING_PAYMENT: frozenset({_O.AUTHORIZED, _O.CANCELLED}),
    _O.AUTHORIZED: frozenset({_O.RELEASED, _O.PARTLY_SHIPPED, _O.SHIPPED, _O.CANCELLED}),
    _O.RELEASED: frozenset({_O.PARTLY_SHIPPED, _O.SHIPPED, _O.DELIVERED, _O.CANCELLED}),
    _O.PARTLY_SHIPPED: frozenset({_O.SHIPPED, _O.DELIVERED}),
    # cancelled: cash on delivery that nobody received in time (PAY-09)
    _O.SHIPPED: frozenset({_O.DELIVERED, _O.UNDELIVERED, _O.CANCELLED}),
    # "delivered" was said of the way back to the shipper (B.4.3)
    _O.DELIVERED: frozenset({_O.SHIPPED, _O.UNDELIVERED}),
    _O.UNDELIVERED: frozenset({_O.SHIPPED, _O.DELIVERED, _O.CANCELLED}),  # found, or sent again; or as above
    # delivered: it was received and paid for after all, and the sale stands (PAY-09); authorized: its money came after the
    # unpaid cancel, and the goods are still free (PAY-08)
    _O.CANCELLED: frozenset({_O.DELIVERED, _O.AUTHORIZED}),
}

PAYMENT_MOVES: Mapping[str, frozenset[str]] = {
    _P.PENDING: frozenset({_P.AUTHORIZED, _P.CAPTURED, _P.VOIDED, _P.FAILED, _P.EXPIRED, _P.NEEDS_REVIEW}),
    _P.AUTHORIZED: frozenset({_P.CAPTURED, _P.VOIDED, _P.EXPIRED, _P.NEEDS_REVIEW}),
    # pending: cash on delivery that was not collected after all
    _P.CAPTURED: frozenset({_P.PENDING, _P.PARTLY_REFUNDED, _P.REFUNDED, _P.NEEDS_REVIEW}),
    _P.PARTLY_REFUNDED: frozenset({_P.PARTLY_REFUNDED, _P.REFUNDED, _P.NEEDS_REVIEW}),
    _P.REFUNDED: frozenset({_P.PARTLY_REFUNDED}),  # a deposit came after everything had gone back
    _P.VOIDED: frozenset({_P.CAPTURED}),  # money that arrives after the cancel; it is then refunded (CAN-03)
    # captured: its goods were on their way when the gateway, or a lender, took its word back, and the money came in another way (SPL-04)
    _P.FAILED: frozenset({_P.VOIDED, _P.CAPTURED}),
    _P.EXPIRED: frozenset({_P.CAPTURED}),
    # pending: nobody knew whether it was begun, and it was, so that its customer is to act; expired: it was, and nobody did
    _P.NEEDS_REVIEW: frozenset({_P.PENDING, _P.AUTHORIZED, _P.CAPTURED, _P.VOIDED, _P.REFUNDED, _P.FAILED, _P.EXPIRED}),
}

SHIPMENT_MOVES: Mapping[str, frozenset[str]] = {
    _S.BACKORDERED: frozenset({_S.PLANNED, _S.INSTRUCTED, _S.ACKNOWLEDGED, _S.SHIPPED, _S.REFUSED, _S.CANCELLED}),
    # planned: given to another supplier before its own was told
    _S.PLANNED: frozenset(
        {_S.PLANNED, _S.BACKORDERED, _S.INSTRUCTED, _S.ACKNOWLEDGED, _S.SHIPPED, _S.REFUSED, _S.CANCELLED}
    ),
    # planned: it is asked for anew, of its supplier or of another one
    _S.INSTRUCTED: frozenset({_S.PLANNED, _S.ACKNOWLEDGED, _S.SHIPPED, _S.REFUSED, _S.CANCELLED}),
    _S.ACKNOWLEDGED: frozenset({_S.PLANNED, _S.SHIPPED, _S.REFUSED, _S.CANCELLED}),
    _S.REFUSED: frozenset({_S.PLANNED, _S.SHIPPED, _S.INSTRUCTED, _S.CANCELLED}),
    _S.SHIPPED: frozenset(),
    _S.CANCELLED: frozenset({_S.SHIPPED}),  # the parcel had left before the cancel reached the supplier
}

LOT_MOVES: Mapping[str, frozenset[str]] = {
    _L.PENDING: frozenset({_L.VALID, _L.VOID, _L.HELD}),
    _L.VALID: frozenset({_L.USED, _L.EXPIRED, _L.HELD, _L.VOID}),
    _L.HELD: frozenset({_L.VALID, _L.VOID, _L.USED}),  # used: the held rest is void, and what was used may come back
    _L.USED: frozenset({_L.VALID}),  # points come back to their own lot (PTS-12)
    _L.EXPIRED: frozenset(),
    _L.VOID: frozenset(),
}

RETURN_MOVES: Mapping[str, frozenset[str]] = {
    _R.REQUESTED: frozenset({_R.REFUSED, _R.APPROVED, _R.CLOSED}),
    _R.APPROVED: frozenset({_R.AWAITING_GOODS}),
    _R.AWAITING_GOODS: frozenset({_R.EXPIRED, _R.RECEIVED, _R.CLOSED}),
    _R.RECEIVED: frozenset({_R.INSPECTED, _R.CLOSED}),
    _R.INSPECTED: frozenset({_R.REJECTED, _R.REFUNDED, _R.REPLACED, _R.EXCHANGED, _R.CLOSED}),
    _R.REJECTED: frozenset({_R.SENT_BACK, _R.CLOSED}),
    _R.EXPIRED: frozenset({_R.RECEIVED}),  # they had come in time, and it was written down late
    # the order that was to leave for its goods was cancelled, or they came back
    _R.REPLACED: frozenset({_R.INSPECTED}),
    _R.EXCHANGED: frozenset({_R.INSPECTED}),
    **{ended: frozenset() for ended in (_R.REFUSED, _R.SENT_BACK, _R.REFUNDED, _R.CLOSED)},
}

ALLOWED_MOVES: Mapping[str, Mapping[str, frozenset[str]]] = {
    "order": ORDER_MOVES,
    "payment": PAYMENT_MOVES,
    "shipment": SHIPMENT_MOVES,
    "lot": LOT_MOVES,
    "return": RETURN_MOVES,
}

#: In which states an entity may begin.
BEGINS: Mapping[str, frozenset[str]] = {
    "order": frozenset({_O.ACCEPTED}),
    "payment": frozenset({_P.PENDING}),
    "shipment": frozenset({_S.PLANNED, _S.BACKORDERED}),
    "lot": frozenset({_L.PENDING, _L.VALID}),
    "return": frozenset(
        {_R.REQUESTED, _R.INSPECTED}
    ),  # inspected: pieces of another one that did not pass with the rest
}

#: The event by which storefronts hear of an entity's moves; of an entity that is not named here they hear nothing.
ANNOUNCED_AS: Mapping[str, str] = {
    "order": "order.state_changed",
    "payment": "payment.state_changed",
    "shipment": "shipment.state_changed",
    "lot": "points.changed",
    "return": "return.state_changed",
}


def may_move(entity: str, old: str, new: str) -> bool:
    """True if ``entity`` (a key of ``ALLOWED_MOVES``) may go from ``old`` to ``new``; nothing else may move at all."""
    return new in ALLOWED_MOVES.get(entity, {}).get(old, frozenset())
