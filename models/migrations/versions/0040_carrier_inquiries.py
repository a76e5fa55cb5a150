"""when each carrier was last asked how a parcel fares"""

import sqlalchemy as sa
from alembic import op

revision = "0040"
down_revision = "0039"


def upgrade() -> None:
    op.create_table(
        "carrier_inquiry",
        sa.Column("shipment_id", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["shipment_id", "key"],
            ["parcel.shipment_id", "parcel.key"],
            name=op.f("fk_carrier_inquiry_shipment_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("shipment_id", "key", name=op.f("pk_carrier_inquiry")),
        postgresql_with={"fillfactor": 75},
    )
