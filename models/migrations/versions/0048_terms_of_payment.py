"""from when a customer's term to pay counts, where a hold kept the order from being asked for (PAY-07, PAY-08, PAY-10)

Null of every order that is there, and of each that nothing kept: theirs counts from the order.
"""

import sqlalchemy as sa
from alembic import op

revision = "0048"
down_revision = "0047"


def upgrade() -> None:
    op.add_column("payment", sa.Column("terms_from", sa.DateTime(timezone=True)))
