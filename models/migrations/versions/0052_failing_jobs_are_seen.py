"""job: until when it was to be done, since when it fails, and how it failed last

Whoever still runs the version before writes none of these: what fails or hangs there is seen once a newer clock has the job.
"""

import sqlalchemy as sa
from alembic import op

revision = "0052"
down_revision = "0051"


def upgrade() -> None:
    op.add_column("job", sa.Column("due_until", sa.DateTime(timezone=True)))
    op.add_column("job", sa.Column("failing_since", sa.DateTime(timezone=True)))
    op.add_column("job", sa.Column("error", sa.String()))
