"""entries of the books say of which shop, gateway and method they are, so that a month is added up without its orders

Those that are there are not written anew: they would lie in another order than that of their time, by which days are found.
"""

import sqlalchemy as sa
from alembic import op

revision = "0045"
down_revision = "0044"


def upgrade() -> None:
    for name in ("shop", "gateway", "method"):
        op.add_column("payment_entry", sa.Column(name, sa.String()))
