"""parcels are watched: those that left before their delivery was waited for are looked at once, and waited for from then on"""

from alembic import op

revision = "0017"
down_revision = "0016"

_WAKE = """
INSERT INTO work (stage, subject_kind, subject_id, order_id, due_at, attempts)
SELECT DISTINCT 'notify', 'order', o.id::text, o.id, o.accepted_at, 0
FROM shop_order o JOIN parcel p ON p.order_id = o.id
WHERE o.state IN ('partly_shipped', 'shipped')
  AND (p.tracking_status IS NULL OR p.tracking_status NOT IN ('delivered', 'returned', 'lost', 'damaged'))
  AND NOT EXISTS (SELECT FROM work w WHERE w.stage = 'notify' AND w.subject_id IN (o.id::text, p.shipment_id))
ON CONFLICT DO NOTHING
"""


def upgrade() -> None:
    op.execute(_WAKE)
