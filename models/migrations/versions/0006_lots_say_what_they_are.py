"""lots say what they are"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

#: What was read out of a lot's source until now.
FROM_SOURCE = """
UPDATE point_lot SET
  line = substring(source FROM '^order:[0-9]+(?::repriced:[0-9]+)?:earn:(.*)$'),
  repriced = coalesce(substring(source FROM '^order:[0-9]+:repriced:([0-9]+):earn')::int, 0)
WHERE kind = 'purchase'
"""
REPLACED = """
UPDATE point_lot SET replaces = substring(source FROM ':regrant:([0-9]+)$')::bigint WHERE kind = 'regrant'
"""
#: Points expired or void count for their own lot, those taken back for the lot that their source names.
GONE = """
UPDATE point_lot l SET gone = g.points
FROM (SELECT CASE WHEN kind IN ('clawback', 'owe') THEN substring(source FROM ':([0-9]+)$')::bigint ELSE lot_id END AS lot,
             sum(amount) AS points
      FROM point_transfer WHERE credit IN ('expired', 'void') OR kind IN ('clawback', 'owe') GROUP BY 1) g
WHERE l.id = g.lot
"""
#: Moves of lots were not all counted. Never fewer than before: what was announced keeps its number.
COUNTED = """
UPDATE shop_order o SET sequence = t.moves
FROM (SELECT order_id, count(*) AS moves FROM transition GROUP BY order_id) t
WHERE t.order_id = o.id AND t.moves > o.sequence
"""


def upgrade() -> None:
    op.add_column("point_lot", sa.Column("line", sa.String(), nullable=True))
    op.add_column("point_lot", sa.Column("repriced", sa.Integer(), server_default="0", nullable=False))
    op.add_column("point_lot", sa.Column("replaces", sa.BigInteger(), nullable=True))
    op.add_column("point_lot", sa.Column("gone", sa.Integer(), server_default="0", nullable=False))
    op.create_check_constraint(op.f("ck_point_lot_gone"), "point_lot", "gone >= 0 AND repriced >= 0")
    for statement in (FROM_SOURCE, REPLACED, GONE, COUNTED):
        op.get_bind().exec_driver_sql(statement)  # as it stands: a colon names no parameter
    op.drop_index("ix_point_lot_owed", table_name="point_lot")
    op.drop_index("ix_point_lot_open", table_name="point_lot")
    holding = sa.text("remaining > 0 OR held > 0 OR owed > 0")
    op.create_index("ix_point_lot_open", "point_lot", ["shop", "customer_id"], postgresql_where=holding)
