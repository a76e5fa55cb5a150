"""returns as their own machine, and a hold for one that came back and that nobody settles"""

import re

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0031"
down_revision = "0030"

_STATES = (
    "requested",
    "refused",
    "approved",
    "awaiting_goods",
    "expired",
    "received",
    "inspected",
    "rejected",
    "sent_back",
    "refunded",
    "replaced",
    "exchanged",
    "closed",
)


def _listed(words: tuple[str, ...]) -> str:
    return ", ".join(f"'{word}'" for word in words)


def _widen(constraint: str, table: str, column: str, word: str) -> None:
    """Let ``column`` hold ``word`` too, beside whatever it may hold already."""
    stands = (
        op.get_bind()
        .execute(sa.text("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = :name"), {"name": constraint})
        .scalar_one()
    )
    words = tuple(sorted({*re.findall(r"'([a-z_]+)'", stands), word}))
    op.drop_constraint(op.f(constraint), table)
    op.create_check_constraint(op.f(constraint), table, f"{column} IN ({_listed(words)})")


def upgrade() -> None:
    op.create_table(
        "return_request",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("remedy", sa.String(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("asked_by", sa.String(), nullable=False),
        sa.Column("goods_by", sa.Date(), nullable=True),
        sa.Column("waits_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("because", postgresql.JSONB(), nullable=False),
        sa.Column("answer", sa.String(), nullable=False),
        sa.Column("replacement", sa.String(), nullable=True),
        sa.CheckConstraint(f"state IN ({_listed(_STATES)})", name=op.f("ck_return_request_state")),
        sa.CheckConstraint("remedy IN ('refund', 'replacement', 'exchange')", name=op.f("ck_return_request_remedy")),
        sa.ForeignKeyConstraint(["order_id"], ["shop_order.id"], name=op.f("fk_return_request_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_return_request")),
        sa.UniqueConstraint("order_id", "replacement", name=op.f("uq_return_request_order_id_replacement")),
        postgresql_with={"fillfactor": 75},
    )
    op.create_index(op.f("ix_return_request_order_id"), "return_request", ["order_id"])
    op.create_index(
        "ix_return_request_live", "return_request", ["waits_until"], postgresql_where=sa.text("waits_until IS NOT NULL")
    )
    op.create_table(
        "return_line",
        sa.Column("return_id", sa.String(), nullable=False),
        sa.Column("line", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("condition", postgresql.ARRAY(sa.TEXT()), nullable=False),
        sa.Column("cost_on", sa.String(), nullable=False),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_return_line_quantity")),
        sa.CheckConstraint(
            "reason IN ('defect', 'wrong_item', 'damaged', 'unwanted', 'not_authentic')",
            name=op.f("ck_return_line_reason"),
        ),
        sa.CheckConstraint("cost_on IN ('customer', 'shop')", name=op.f("ck_return_line_cost_on")),
        sa.ForeignKeyConstraint(["return_id"], ["return_request.id"], name=op.f("fk_return_line_return_id")),
        sa.PrimaryKeyConstraint("return_id", "line", "reason", name=op.f("pk_return_line")),
    )
    _widen("ck_transition_entity", "transition", "entity", "return")
    _widen("ck_order_hold_reason", "order_hold", "reason", "return_unsettled")
