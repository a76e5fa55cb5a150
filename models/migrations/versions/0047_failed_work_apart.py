"""work that failed has an index of its own, by when it is tried again: it no longer stands in front of what is due

The queue is small. Whoever still runs the version before reads it as a whole.
"""

import sqlalchemy as sa
from alembic import op

revision = "0047"
down_revision = "0046"


def upgrade() -> None:
    op.create_index("ix_work_fresh", "work", ["stage", "shop", "due_at"], postgresql_where=sa.text("retry_at IS NULL"))
    op.create_index(
        "ix_work_failed", "work", ["stage", "shop", "retry_at"], postgresql_where=sa.text("retry_at IS NOT NULL")
    )
    op.drop_index("ix_work_stage_shop_due_at", "work")
