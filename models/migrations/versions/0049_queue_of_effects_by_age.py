"""since when an effect is being tried: what ends by time is given up so long after it was asked for, or asked for again

The queue is small. Whoever still runs the version before leaves the column to its default.
"""

import sqlalchemy as sa
from alembic import op

revision = "0049"
down_revision = "0048"


def upgrade() -> None:
    op.add_column(
        "effect_lease",
        sa.Column("opened_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
    )
