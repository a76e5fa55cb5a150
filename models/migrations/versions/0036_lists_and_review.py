"""what orders are found by, and who looks at what waits for a human"""

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"

#: How orders from before are found: as ``pipelines.values.search_term`` has it of those that come.
_MARKS = (
    " -_.,/#'`\"()[]‐‑‒–—―−ーｰ~〜・、。\t\r\n\u3000\u00ad\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e"
    "\u2060\u2066\u2067\u2068\u2069\ufeff"
)
_OLD = "髙﨑嵜濵濱邊邉齋齊澤廣國櫻眞德惠瀧嶋嶌"
_USUAL = "高崎崎浜浜辺辺斎斉沢広国桜真徳恵滝島島"
#: Longer words are cut: an entry of the index must fit on its page.
_LONGEST = 100


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''").replace("%", "%%") + "'"


def _plain(text: str) -> str:
    """SQL: ``text`` without what spellings of numbers and names differ in."""
    folded = f"lower(normalize({text}, NFKC))"
    return f"left(translate({folded}, {_quoted(_OLD + _MARKS)}, {_quoted(_USUAL)}), {_LONGEST})"


def _mail(text: str) -> str:
    return f"left(lower(normalize({text}, NFKC)), {_LONGEST})"


def _phone(text: str) -> str:
    """SQL: a number as it is dialled in Japan, without marks."""
    dialled = f"translate(normalize({text}, NFKC), {_quoted(_MARKS)}, '')"
    return f"left(regexp_replace({dialled}, '^\\+810?', '0'), {_LONGEST})"


_TERMS = f"""
INSERT INTO order_term (shop, term, placed_at, order_id)
SELECT DISTINCT o.shop, x.term COLLATE "C", o.placed_at, o.id
FROM shop_order o JOIN order_document d ON d.order_id = o.id
CROSS JOIN LATERAL (SELECT d.document->'customer' AS c, d.document->'ship_to' AS t OFFSET 0) j
CROSS JOIN LATERAL (
  VALUES ('n' || {_plain("o.number")}), ('c' || {_plain("o.customer_id")}), ('p' || {_plain("j.c->>'name'")}),
         ('p' || {_plain("j.t->>'name'")}), ('m' || {_mail("j.c->>'email'")}), ('t' || {_phone("j.t->>'phone'")})
  UNION ALL SELECT ('s' || {_plain("l.sku")}) FROM order_line l WHERE l.order_id = o.id) x(term)
WHERE length(x.term) > 1
ORDER BY o.id ON CONFLICT DO NOTHING
"""



def upgrade() -> None:
    op.create_table(
        "order_term",
        sa.Column("shop", sa.String(), nullable=False),
        sa.Column("term", sa.String(collation="C"), nullable=False),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("shop", "term", "placed_at", "order_id", name=op.f("pk_order_term")),
    )
    op.create_index(
        op.f("ix_order_term_order_id"),
        "order_term",
        ["order_id"],
        postgresql_using="brin",
        postgresql_with={"pages_per_range": 32, "autosummarize": True},
    )
    op.create_index(op.f("ix_shop_order_shop_placed_at_id"), "shop_order", ["shop", "placed_at", "id"])
    op.create_index(
        "ix_shop_order_live", "shop_order", ["shop", "placed_at", "id"], postgresql_where=sa.text("condition <> 'done'")
    )
    op.execute(_TERMS)
    for table, given_up in (("effect", "state = 'needs_review'"), ("mail", "state = 'needs_review' OR state = 'failed'")):
        op.add_column(
            table, sa.Column("given_up", sa.Boolean(), sa.Computed(given_up, persisted=True), nullable=False)
        )
        op.create_index(f"ix_{table}_given_up", table, ["id"], postgresql_where=sa.text("given_up"))
    op.create_table(
        "review_assignment",
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("operator", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("kind", "key", name=op.f("pk_review_assignment")),
    )
    op.create_table(
        "review_note",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=True),
        sa.Column("operator", sa.String(), nullable=False),
        sa.Column("says", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review_note")),
    )
    op.create_index(op.f("ix_review_note_order_id"), "review_note", ["order_id"])
    op.create_index(op.f("ix_review_note_kind_key"), "review_note", ["kind", "key"])
