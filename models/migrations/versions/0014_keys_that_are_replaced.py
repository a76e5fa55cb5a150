"""keys that are replaced: the one before counts until a date; a name whose client was revoked may be given again"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.add_column("client", sa.Column("old_key_hash", sa.LargeBinary))
    op.add_column("client", sa.Column("old_until", sa.DateTime(timezone=True)))
    op.drop_constraint(op.f("uq_client_kind_name"), "client")
    op.create_index("uq_client_kind_name", "client", ["kind", "name"], unique=True, postgresql_where="revoked_at IS NULL")
