"""what became of mails after they were sent, and addresses that get no more"""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"

_MOMENT = sa.DateTime(timezone=True)
_IDENTITY = sa.Identity(always=True)


def upgrade() -> None:
    op.add_column("mail", sa.Column("shop", sa.String(), nullable=True))
    op.drop_constraint(op.f("ck_mail_state"), "mail")
    states = "'queued', 'sent', 'failed', 'needs_review', 'bounced', 'suppressed'"
    op.create_check_constraint(op.f("ck_mail_state"), "mail", f"state IN ({states})")
    op.create_table(
        "mail_bounce",
        sa.Column("id", sa.BigInteger(), _IDENTITY, nullable=False),
        sa.Column("mail_id", sa.BigInteger(), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=True),
        sa.Column("shop", sa.String(), nullable=False),
        sa.Column("mailbox", sa.LargeBinary(), nullable=False),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("kind", "reason", "status", "diagnostic", "action")),
        sa.Column("needs_human", sa.Boolean(), nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("recorded_at", _MOMENT, server_default=sa.func.now(), nullable=False),
        sa.Column("seen_at", _MOMENT, nullable=True),
        sa.Column("seen_by", sa.String(), nullable=True),
        sa.CheckConstraint("kind IN ('bounce', 'delay', 'complaint', 'suppressed')", name=op.f("ck_mail_bounce_kind")),
        sa.ForeignKeyConstraint(["mail_id"], ["mail.id"], name=op.f("fk_mail_bounce_mail_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail_bounce")),
    )
    op.create_index(op.f("ix_mail_bounce_mail_id"), "mail_bounce", ["mail_id"])
    op.create_index(op.f("ix_mail_bounce_order_id"), "mail_bounce", ["order_id"])
    op.create_index(op.f("ix_mail_bounce_shop_mailbox"), "mail_bounce", ["shop", "mailbox"])
    unseen = sa.text("needs_human AND seen_at IS NULL")
    op.create_index("ix_mail_bounce_unseen", "mail_bounce", ["id"], postgresql_where=unseen)
    op.create_table(
        "mail_suppression",
        sa.Column("id", sa.BigInteger(), _IDENTITY, nullable=False),
        sa.Column("shop", sa.String(), nullable=False),
        sa.Column("mailbox", sa.LargeBinary(), nullable=False),
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("since", _MOMENT, nullable=False),
        sa.Column("recorded_at", _MOMENT, server_default=sa.func.now(), nullable=False),
        sa.Column("ends_at", _MOMENT, nullable=True),
        sa.Column("released_at", _MOMENT, nullable=True),
        sa.Column("released_by", sa.String(), nullable=True),
        sa.CheckConstraint("scope IN ('all', 'advertising')", name=op.f("ck_mail_suppression_scope")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail_suppression")),
    )
    standing = sa.text("released_at IS NULL")
    op.create_index(
        "uq_mail_suppression_open", "mail_suppression", ["shop", "mailbox"], unique=True, postgresql_where=standing
    )
