"""what an effect goes to, so that one target's trouble is its own; attempts by kind of failure; open circuits"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    op.add_column("effect_lease", sa.Column("target", sa.String(), nullable=True))
    op.add_column("effect_lease", sa.Column("unknowns", sa.Integer(), server_default="0", nullable=False))
    op.create_table(
        "circuit",
        sa.Column("kind", sa.String(), primary_key=True),
        sa.Column("target", sa.String(), primary_key=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("probe_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
    )
