"""documents of no single order: a month's statement, a quotation; and pick lists"""

import sqlalchemy as sa
from alembic import op

revision = "0043"
down_revision = "0041"

_KINDS = "kind IN ('receipt', 'invoice', 'return_invoice', 'delivery_note', 'pick_list', 'statement', 'quotation')"


def upgrade() -> None:
    op.alter_column("document", "order_id", nullable=True)
    op.drop_constraint(op.f("ck_document_kind"), "document")
    op.create_check_constraint(op.f("ck_document_kind"), "document", _KINDS)
    op.create_check_constraint(
        op.f("ck_document_of_an_order"), "document", "(order_id IS NULL) = (kind IN ('statement', 'quotation'))"
    )
    op.create_index(
        "uq_document_of_no_order",
        "document",
        ["shop", "kind", "subject", "copy"],
        unique=True,
        postgresql_where=sa.text("order_id IS NULL"),
    )
