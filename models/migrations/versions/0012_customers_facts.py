"""what storefronts tell of customers; closed balances of those who withdrew; what earlier orders say is counted"""

import re

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012"
down_revision = "0011"

_MARKS = ("undelivered_returns", "customer_returns", "customer_cancels", "same_mailbox", "methods_decided")
#: Quotes make no other mailbox, and neither does case (INT-01); an address that was told again is compared as a whole.
_MAILBOXES = "UPDATE customer SET mailbox = lower(replace(btrim(email), '\"', '')) WHERE email <> ''"
#: A hold that is older than the figures in its sentence keeps the sentence that it was opened with.
_AS_SAID = """
UPDATE order_hold h SET facts = h.facts || jsonb_build_object('said', CASE o.locale
    WHEN 'ja' THEN 'お受け取りいただけなかったご注文、または返品が続いているため、確認が必要です。'
    ELSE 'Earlier parcels were not received or were returned repeatedly: a person has to decide.' END)
FROM shop_order o WHERE o.id = h.order_id AND h.reason = 'blocked_customer' AND NOT h.facts ? 'said'
"""


def upgrade() -> None:
    op.add_column("customer", sa.Column("mailbox", sa.String(), server_default="", nullable=False))
    op.add_column("customer", sa.Column("email_told_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("customer", sa.Column("postal_stop", sa.Boolean(), server_default="false", nullable=False))
    op.add_column("customer", sa.Column("mail_consent", sa.Boolean(), nullable=True))
    op.add_column("customer", sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("customer", sa.Column("allowed_methods", postgresql.ARRAY(sa.TEXT()), nullable=True))
    op.execute(_MAILBOXES)
    there = sa.text("mailbox <> '' AND withdrawn_at IS NULL")
    op.create_index("ix_customer_mailbox", "customer", ["shop", "mailbox"], postgresql_where=there)
    op.add_column("point_balance", sa.Column("closed", sa.Boolean(), server_default="false", nullable=False))
    _one_of("customer_mark", "kind", _MARKS)
    known = op.get_bind().scalar(
        sa.text("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'ck_order_hold_reason'")
    )
    _one_of("order_hold", "reason", tuple(sorted({*re.findall(r"'(\w+)'", known), "same_mailbox"})))
    op.execute(_AS_SAID)


def _one_of(table: str, column: str, names: tuple[str, ...]) -> None:
    listed = ", ".join(f"'{name}'" for name in names)
    op.drop_constraint(op.f(f"ck_{table}_{column}"), table)
    op.create_check_constraint(op.f(f"ck_{table}_{column}"), table, f"{column} IN ({listed})")
