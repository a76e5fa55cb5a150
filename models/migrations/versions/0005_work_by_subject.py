"""work by subject, with named waits; the currency of money"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    _work()
    for table in ("shop_order", "payment"):
        op.add_column(table, sa.Column("currency", sa.String(), nullable=False, server_default="JPY"))
        op.alter_column(table, "currency", server_default=None)
        op.create_check_constraint(op.f(f"ck_{table}_currency"), table, "currency IN ('JPY')")


def _work() -> None:
    """All work there was is of orders, and no wait had a name."""
    op.add_column("work", sa.Column("subject_kind", sa.String(), nullable=False, server_default="order"))
    op.alter_column("work", "subject_kind", server_default=None)
    op.add_column("work", sa.Column("subject_id", sa.String()))
    op.execute("UPDATE work SET subject_id = order_id::text")
    op.alter_column("work", "subject_id", nullable=False)
    op.drop_constraint(op.f("pk_work"), "work")
    op.create_primary_key(op.f("pk_work"), "work", ["stage", "subject_kind", "subject_id"])
    op.alter_column("work", "order_id", nullable=True)
    for name in ("what", "counterparty", "consequence"):
        op.add_column("work", sa.Column(name, sa.String()))
    op.create_check_constraint(
        op.f("ck_work_order"),
        "work",
        "subject_kind <> 'order' OR (order_id IS NOT NULL AND subject_id = order_id::text)",
    )
    op.create_check_constraint(
        op.f("ck_work_wait"), "work", "(what IS NULL) = (counterparty IS NULL) AND (what IS NULL) = (consequence IS NULL)"
    )
    op.create_index("ix_work_wait", "work", ["order_id"], postgresql_where=sa.text("what IS NOT NULL"))
