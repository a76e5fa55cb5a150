"""how much a client may ask, where it is not what every client may"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    for column in ("requests_per_minute", "orders_per_minute", "burst_seconds"):
        op.add_column("client", sa.Column(column, sa.Integer(), nullable=True))
