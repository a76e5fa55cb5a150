"""operators of the console with their sessions and acts, notes about orders, and parcels by the day they left"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"

_FULL: dict[str, Any] = {"postgresql_with": {"fillfactor": 75}}


def _id() -> sa.Column[Any]:
    return sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False)


def _moment(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _recorded() -> sa.Column[Any]:
    return sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False)


def upgrade() -> None:
    op.create_table(
        "operator_account",
        _id(),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("roles", sa.dialects.postgresql.JSONB(), nullable=False),
        sa.Column("password_hash", sa.String(), nullable=True),
        sa.Column("totp_secret", sa.String(), nullable=True),
        sa.Column("totp_step", sa.BigInteger(), nullable=False),
        sa.Column("locale", sa.String(), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        _moment("locked_until", nullable=True),
        _moment("disabled_at", nullable=True),
        _recorded(),
        sa.CheckConstraint("locale IN ('ja', 'en')", name=op.f("ck_operator_account_locale")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_operator_account")),
        sa.UniqueConstraint("name", name=op.f("uq_operator_account_name")),
        **_FULL,
    )
    op.create_table(
        "operator_link",
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        _moment("ends_at"),
        sa.ForeignKeyConstraint(["account_id"], ["operator_account.id"], name=op.f("fk_operator_link_account_id")),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_operator_link")),
    )
    op.create_table(
        "operator_session",
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        _moment("seen_at"),
        _moment("ends_at"),
        sa.ForeignKeyConstraint(["account_id"], ["operator_account.id"], name=op.f("fk_operator_session_account_id")),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_operator_session")),
        **_FULL,
    )
    op.create_index(op.f("ix_operator_session_account_id"), "operator_session", ["account_id"])
    op.create_table(
        "operator_act",
        _id(),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("operator", sa.String(), nullable=False),
        sa.Column("act", sa.String(), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=True),
        sa.Column("source", sa.String(), nullable=True),
        sa.Column("event_id", sa.String(), nullable=True),
        sa.Column("outcome", sa.String(), nullable=False),
        _moment("at"),
        _recorded(),
        sa.CheckConstraint(
            "outcome IN ('asked', 'applied', 'ignored', 'refused', 'quarantined', 'raced', 'lost', 'done')",
            name=op.f("ck_operator_act_outcome"),
        ),
        sa.ForeignKeyConstraint(["account_id"], ["operator_account.id"], name=op.f("fk_operator_act_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_operator_act")),
        sa.UniqueConstraint("source", "event_id", name=op.f("uq_operator_act_source_event_id")),
        **_FULL,
    )
    op.create_index(
        op.f("ix_operator_act_order_id"), "operator_act", ["order_id"], postgresql_where=sa.text("order_id IS NOT NULL")
    )
    op.create_index(
        "uq_operator_act_under_way",
        "operator_act",
        ["order_id", "version"],
        unique=True,
        postgresql_where=sa.text("outcome = 'asked'"),
    )
    op.create_table(
        "order_note",
        _id(),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("author", "text", "key")),
        _moment("at"),
        _recorded(),
        sa.ForeignKeyConstraint(["order_id"], ["shop_order.id"], name=op.f("fk_order_note_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_note")),
        sa.UniqueConstraint("key", name=op.f("uq_order_note_key")),
    )
    op.create_index(op.f("ix_order_note_order_id"), "order_note", ["order_id"])
    # A few bytes for each range of pages, in the order in which parcels come: what leaves pays nothing for it.
    op.create_index("ix_parcel_shipped_at", "parcel", ["shipped_at"], postgresql_using="brin")
