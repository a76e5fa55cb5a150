"""orders whose gateway had not decided, and for which nobody waited, are looked at: since PAY-05 has a date for it they get theirs"""

from alembic import op

revision = "0051"
down_revision = "0050"

#: Nothing would wake them any more. What is decided of each is the stage's own: its gateway is asked before it is cancelled.
WAKE = """
INSERT INTO work (stage, subject_kind, subject_id, order_id, due_at, attempts, shop)
SELECT 'authorize', 'order', o.id::text, o.id, o.accepted_at, 0, o.shop
FROM shop_order o
WHERE o.state = 'awaiting_payment' AND o.condition = 'running'
  AND NOT EXISTS (SELECT FROM work w WHERE w.order_id = o.id AND w.stage = 'authorize')
  AND NOT EXISTS (SELECT FROM effect e WHERE e.order_id = o.id AND e.state = 'pending')
ON CONFLICT DO NOTHING
"""


def upgrade() -> None:
    op.execute(WAKE)
