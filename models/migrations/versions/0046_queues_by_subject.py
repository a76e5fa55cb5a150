"""what waits is found by what it is about, whatever the planner makes of how many there are of its kind; lanes are of targets, too

The queues are small and their keys are made anew at once. Whoever still runs the version before finds its rows by the same columns.
"""

import sqlalchemy as sa
from alembic import op

revision = "0046"
down_revision = "0045"

_KEYS = {"effect_lease": "subject_id, kind", "work": "subject_id, subject_kind, stage"}


def upgrade() -> None:
    for table, columns in _KEYS.items():
        op.execute(f"ALTER TABLE {table} DROP CONSTRAINT pk_{table}, ADD CONSTRAINT pk_{table} PRIMARY KEY ({columns})")
    op.create_index("ix_effect_lease_lane", "effect_lease", ["kind", "shop", sa.text("coalesce(target, '')"), "due_at"])
