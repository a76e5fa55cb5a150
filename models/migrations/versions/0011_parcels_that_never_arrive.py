"""parcels that never arrive: how they fare, what holds their order and where it ends; tracking numbers are looked up"""

import re

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

_ORDER = ("accepted", "awaiting_payment", "authorized", "released", "partly_shipped", "shipped", "delivered", "undelivered",
          "cancelled")  # fmt: skip
_PARCEL = ("accepted", "in_transit", "out_for_delivery", "attempt_failed", "held", "address_problem", "refused", "damaged",
           "returning", "delivered", "returned", "lost")  # fmt: skip
_REASONS = ("parcel_problem", "delivery_overdue")


def upgrade() -> None:
    _one_of("shop_order", "state", _ORDER)
    _one_of("parcel", "tracking_status", _PARCEL)
    known = op.get_bind().scalar(
        sa.text("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'ck_order_hold_reason'")
    )
    _one_of("order_hold", "reason", tuple(sorted({*re.findall(r"'(\w+)'", known), *_REASONS})))
    op.create_index("ix_parcel_tracking_number", "parcel", ["tracking_number"])


def _one_of(table: str, column: str, names: tuple[str, ...]) -> None:
    listed = ", ".join(f"'{name}'" for name in names)
    op.drop_constraint(op.f(f"ck_{table}_{column}"), table)
    op.create_check_constraint(op.f(f"ck_{table}_{column}"), table, f"{column} IN ({listed})")
