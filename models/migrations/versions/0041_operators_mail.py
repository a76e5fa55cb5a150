"""where an operator has mail: samples of mails are sent there, and nowhere else"""

import sqlalchemy as sa
from alembic import op

revision = "0041"
down_revision = "0040"


def upgrade() -> None:
    op.add_column("operator_account", sa.Column("mail", sa.String(), nullable=True))


def downgrade() -> None:
    op.drop_column("operator_account", "mail")
