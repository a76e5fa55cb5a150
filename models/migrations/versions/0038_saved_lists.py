"""lists of orders that operators want to see again"""

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"


def upgrade() -> None:
    op.create_table(
        "operator_filter",
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("query", sa.String(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["operator_account.id"], name=op.f("fk_operator_filter_account_id")
        ),
        sa.PrimaryKeyConstraint("account_id", "name", name=op.f("pk_operator_filter")),
    )
