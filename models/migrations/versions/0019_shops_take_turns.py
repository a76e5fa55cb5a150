"""the shop of what waits, so that one shop's ten thousand do not delay another's ten"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    for table in ("work", "effect_lease"):
        op.add_column(table, sa.Column("shop", sa.String(), server_default="", nullable=False))
    op.execute("UPDATE work w SET shop = o.shop FROM shop_order o WHERE o.id = w.order_id")
    op.execute(
        "UPDATE effect_lease l SET shop = o.shop FROM effect e JOIN shop_order o ON o.id = e.order_id"
        " WHERE e.id = l.subject_id AND e.kind = l.kind"
    )
    op.execute(
        "UPDATE effect_lease l SET shop = o.shop FROM mail m JOIN shop_order o ON o.id = m.order_id"
        " WHERE m.id = l.subject_id AND l.kind = 'mail.send'"
    )
    op.drop_index("ix_work_stage_due_at", "work")
    op.create_index("ix_work_stage_shop_due_at", "work", ["stage", "shop", "due_at"])
    op.drop_index("ix_effect_lease_kind_due_at", "effect_lease")
    op.create_index("ix_effect_lease_kind_shop_due_at", "effect_lease", ["kind", "shop", "due_at"])
