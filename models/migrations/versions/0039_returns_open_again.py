"""points that an exchange left are kept with its return: they go back where that order is cancelled"""

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision = "0038"


def upgrade() -> None:
    op.add_column("return_request", sa.Column("rest", sa.Integer(), server_default="0", nullable=False))
    op.execute(
        "UPDATE return_request q SET rest = l.amount FROM point_lot l "
        "WHERE l.source = concat_ws(chr(58), 'return', q.id, 'rest')"
    )
    op.create_check_constraint(op.f("ck_return_request_rest"), "return_request", "rest >= 0")
