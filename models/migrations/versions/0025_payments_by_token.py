"""payments by their token: what a gateway's notice names where it knows neither order nor payment as we do"""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    op.create_index(
        "ix_payment_token", "payment", ["gateway", "token"], postgresql_where=sa.text("token IS NOT NULL")
    )
