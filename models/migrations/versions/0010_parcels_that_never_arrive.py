"""parcels that never arrive: how they fare, what holds their order and where it ends; tracking numbers are looked up"""

from alembic import op

revision = "0010"
down_revision = "0009"

_ORDER = ("accepted", "awaiting_payment", "authorized", "released", "partly_shipped", "shipped", "delivered", "undelivered",
          "cancelled")  # fmt: skip
_PARCEL = ("accepted", "in_transit", "out_for_delivery", "attempt_failed", "held", "address_problem", "refused", "damaged",
           "returning", "delivered", "returned", "lost")  # fmt: skip
_REASONS = (
    "individual_not_deliverable", "quote_needed", "blocked_customer", "coupons_in_remarks", "needs_human",
    "request_not_met", "payment_unknown", "payment_differs", "deposit_mismatch", "unexpected_deposit", "refund_due",
    "refund_failed", "capture_failed", "void_failed", "supplier_unreachable", "supplier_refused", "supplier_short",
    "shipped_after_cancel", "returned_undelivered", "transit_accident", "parcel_problem",
)  # fmt: skip


def upgrade() -> None:
    _one_of("shop_order", "state", _ORDER)
    _one_of("parcel", "tracking_status", _PARCEL)
    _one_of("order_hold", "reason", _REASONS)
    op.create_index("ix_parcel_tracking_number", "parcel", ["tracking_number"])


def _one_of(table: str, column: str, names: tuple[str, ...]) -> None:
    listed = ", ".join(f"'{name}'" for name in names)
    op.drop_constraint(op.f(f"ck_{table}_{column}"), table)
    op.create_check_constraint(op.f(f"ck_{table}_{column}"), table, f"{column} IN ({listed})")
