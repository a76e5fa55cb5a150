"""payments follow what gateways say: the time of the last word, what the customer was told, answers as snapshots"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0009"
down_revision = "0008"

# What each done effect of a payment left: the sums of all that was done until then.
_STOOD = """
SELECT e.id, e.order_id, e.kind, e.finished_at, p.state, p.captured AS kept, p.refunded - p.refunded_by_hand AS back,
       coalesce(p.reference, e.outcome->>'reference') AS reference,
       coalesce(max((e.payload->>'amount')::int) FILTER (WHERE e.kind = 'payment.authorize') OVER sofar, p.authorized) AS held,
       coalesce(sum((e.payload->>'amount')::int) FILTER (WHERE e.kind = 'payment.capture') OVER sofar, 0) AS taken,
       coalesce(sum((e.payload->>'amount')::int) FILTER (WHERE e.kind = 'payment.refund') OVER sofar, 0) AS given
FROM effect e JOIN payment p ON p.order_id = e.order_id
WHERE e.state = 'done' AND e.kind IN ('payment.authorize', 'payment.capture', 'payment.void', 'payment.refund')
WINDOW sofar AS (PARTITION BY e.order_id ORDER BY e.finished_at, e.id)
"""


def upgrade() -> None:
    op.add_column("payment", sa.Column("instructions", JSONB(), nullable=True))
    op.add_column("payment", sa.Column("as_of", sa.DateTime(timezone=True), nullable=True))
    op.execute(
        f"""WITH stood AS ({_STOOD})
        UPDATE effect e SET outcome = e.outcome || jsonb_build_object('data',
            coalesce(e.outcome->'data', '{{}}'::jsonb) || jsonb_build_object('snapshot', jsonb_build_object(
                'reference', s.reference,
                'state', CASE s.kind WHEN 'payment.authorize' THEN 'authorized' WHEN 'payment.capture' THEN 'captured'
                                     WHEN 'payment.void' THEN 'voided'
                                     ELSE CASE WHEN s.given >= s.taken THEN 'refunded' ELSE 'partly_refunded' END END,
                'authorized', s.held, 'captured', s.taken, 'refunded', s.given, 'as_of', to_jsonb(s.finished_at),
                'expires_at', e.outcome->'data'->'expires_at', 'buyer', NULL, 'code', NULL, 'code_class', NULL,
                'funding', e.outcome->'data'->'funding')))
        FROM stood s WHERE s.id = e.id"""
    )
    # What the books have followed already is older than what is to come.
    op.execute(
        f"""WITH stood AS ({_STOOD})
        UPDATE payment p SET as_of = s.at
        FROM (SELECT order_id, max(finished_at) AS at FROM stood
              WHERE CASE kind WHEN 'payment.authorize' THEN state <> 'pending' WHEN 'payment.capture' THEN kept > 0
                              WHEN 'payment.void' THEN state = 'voided' ELSE given <= back END
              GROUP BY order_id) s
        WHERE s.order_id = p.order_id"""
    )
    op.execute("UPDATE payment SET gateway = NULL WHERE amount = 0")
