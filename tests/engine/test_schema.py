"""The schema: migrations build what the models say, and every invariant can fail."""

from __future__ import annotations

import threading

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, text

from models.checking import QUERIES, look
from models.database import connect
from models.invariants import INVARIANTS
from models.migrations import upgrade
from models.schema import metadata
from models.store.revision import is_current, newest
from models.store.watermarks import standing
from tests.checking import UNTOLD, checked
from tests.conftest import Running
from tests.world import World, a_line, document


def test_migrations_build_what_the_models_say(engine: Engine) -> None:
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, metadata) == []


def test_migrating_twice_changes_nothing(engine: Engine) -> None:
    upgrade(engine)
    with engine.connect() as connection:
        assert is_current(connection)
        assert MigrationContext.configure(connection).get_current_revision() == newest()


def test_processes_that_start_together_migrate_one_after_the_other(running: Running) -> None:
    running.execute("CREATE DATABASE shukka_fresh")
    engines = [connect(running.database_url("shukka_fresh")) for _ in range(3)]
    faults: list[BaseException] = []

    def run(engine: Engine) -> None:
        try:
            upgrade(engine)
        except Exception as fault:  # noqa: BLE001 - shown by the assertion below
            faults.append(fault)

    threads = [threading.Thread(target=run, args=(one,)) for one in engines]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with engines[0].connect() as connection:
        assert is_current(connection)
    assert faults == []
    for one in engines:
        one.dispose()
    running.execute("DROP DATABASE shukka_fresh WITH (FORCE)")


ADJUSTED = (
    "INSERT INTO order_adjustment (order_id, sequence, key, kind, reason, amounts, money, points, rank_spend, at) "
    "SELECT id, 1, 'key', 'return', 'test', '{{\"lines\": []}}', {money}, 0, 0, now() FROM shop_order WHERE number = 'S-1'"
)
TRANSFERRED = (
    "INSERT INTO point_transfer (shop, customer_id, lot_id, order_id, source, kind, debit, credit, amount, at) "
    "SELECT shop, customer_id, id, order_id, 'planted', '{kind}', '{debit}', '{credit}', 1, now() FROM point_lot LIMIT 1"
)
POSTED = """INSERT INTO posted_coupon (shop, customer_id, code, points, due_on, made_at, posted_at, posted_by, used_at, code_key, way,
             order_id, used_order_id)
             SELECT shop, customer_id, 'THX', 100, '2026-11-30', placed_at, placed_at, 'planted', placed_at, '{code_key}',
                    'mail', id, id FROM shop_order WHERE number = 'S-1'"""
RETURNED = (
    "INSERT INTO return_request (id, order_id, state, remedy, asked_at, asked_by, because, answer, rest) "
    "SELECT '{id}', id, '{state}', 'refund', now(), 'planted', '[]', '', 0 FROM shop_order WHERE number = 'S-1'"
)
#: All pieces of S-1 in each of its returns.
PIECES = [
    "INSERT INTO return_line (return_id, line, reason, quantity, condition, cost_on) "
    "SELECT id, '1', 'defect', 2, '{}', 'shop' FROM return_request"
]
PLANTED = {
    "order_has_payment": ["UPDATE payment SET amount = amount + 1"],
    "goods_go_for_money": ["UPDATE payment SET state = 'voided'"],
    "payment_entries": ["UPDATE payment_entry SET captured = captured + 1"],
    "repriced_payment": [
        "UPDATE payment SET amount = amount + 1",
        "UPDATE shop_order SET grand_total = grand_total + 1",
    ],
    "payment_history_agrees": ["UPDATE payment SET state = 'needs_review'"],
    "payment_state_fits_sums": ["UPDATE payment SET state = 'refunded'"],
    "history_agrees": ["UPDATE shop_order SET state = 'delivered' WHERE number = 'S-1'"],
    "history_is_a_chain": ["DELETE FROM transition WHERE entity = 'order' AND to_state = 'authorized'"],
    "history_is_allowed": [
        "UPDATE transition SET from_state = 'cancelled' WHERE entity = 'order' AND to_state = 'shipped'"
    ],
    "history_is_numbered": ["UPDATE shop_order SET sequence = sequence - 1"],
    "returned_goods_left": [
        ADJUSTED.format(money=0).replace("[]", '[{"line": "1", "quantity": 3}]'),
    ],
    "captured_goods_left": [
        "UPDATE payment SET authorized = amount, captured = amount FROM shop_order o WHERE o.id = order_id AND o.number = 'S-2'"
    ],
    "rests_without_money_out": [
        "UPDATE payment SET state = 'authorized'",
        "UPDATE shop_order SET state = 'delivered', condition = 'done'",
        "DELETE FROM work",
        "UPDATE effect SET state = 'done'",
    ],
    "cancelled_money_returned": [
        "UPDATE shop_order SET state = 'cancelled', condition = 'done' WHERE number = 'S-2'",
        "DELETE FROM work",
    ],
    "adjustments_agree_with_lines": [
        "UPDATE order_line l SET cancelled = 1 FROM shop_order o WHERE o.id = l.order_id AND o.number = 'S-2'"
    ],
    "adjustments_within_order": [ADJUSTED.format(money=9_999_999)],
    "adjusted_money": [ADJUSTED.format(money=1), "DELETE FROM work"],
    "shipments_cover_lines": ["DELETE FROM shipment_line"],
    "lines_agree_with_shipments": ["UPDATE order_line SET shipped = 0"],
    "shipped_is_complete": ["UPDATE shipment_line SET shipped = 0"],
    "parcels_told": ["DELETE FROM mail WHERE template = 'shipment_shipped'"],
    "points_balance": ["UPDATE point_balance SET valid = valid + 1"],
    "points_lots": ["UPDATE point_lot SET remaining = remaining - 1 WHERE state = 'valid'"],
    "points_lot_ledger": ["UPDATE point_lot SET amount = amount + 1"],
    "points_earned_as_priced": ["UPDATE point_lot SET amount = amount + 1 WHERE kind = 'purchase'"],
    "points_gone": ["UPDATE point_lot SET gone = gone + 1"],
    "points_taken_back_once": [
        TRANSFERRED.format(kind="owe", debit="valid", credit="clawed_back").replace(", 1, ", ", amount + 1, ")
    ],
    "points_negative_by_clawback": ["UPDATE point_lot SET owed = 1"],
    "points_activated_once": ["UPDATE shop_order SET state = 'cancelled' WHERE number = 'S-1'"],
    "points_final": [TRANSFERRED.format(kind="revive", debit="expired", credit="valid")],
    "points_closed": ["UPDATE customer SET withdrawn_at = now()"],
    "points_returned_once": [TRANSFERRED.format(kind="return", debit="used", credit="valid")],
    "points_used_within_order": [TRANSFERRED.format(kind="use", debit="valid", credit="used")],
    "posted_code_once": [POSTED.format(code_key="thx-2")],
    "posted_code_or_points": [POSTED.format(code_key="thx-3")],
    "coupons_recorded": [
        "INSERT INTO coupon_use (order_id, code_key, shop, customer_id, kind, once, at) "
        "SELECT id, 'autumn', shop, customer_id, 'amount', true, now() FROM shop_order WHERE number = 'S-2'"
    ],
    "coupon_points_credited": ["UPDATE point_lot SET kind = 'coupon'"],
    "told_after_the_end": [
        "UPDATE shop_order SET state = 'cancelled' WHERE number = 'S-1'",
        "UPDATE mail SET template = 'order_cancelled' WHERE template = 'order_accepted'",
        "UPDATE mail SET template = 'payment_reminder' WHERE template = 'shipment_shipped'",
    ],
    "ends_told": [
        "UPDATE shop_order SET state = 'cancelled' WHERE number = 'S-1'",
        "INSERT INTO transition (order_id, entity, entity_id, from_state, to_state, cause, at) "
        "SELECT id, 'order', number, 'accepted', 'cancelled', 'for no reason', now() FROM shop_order WHERE number = 'S-1'",
    ],
    "effects_attempted": [
        "INSERT INTO effect_lease (kind, subject_id, due_at, attempts, token) VALUES ('mail.send', 0, now() - interval '2 h', 0, 0)"
    ],
    "leases_end": [
        "UPDATE effect SET recorded_at = now() - interval '2 h'",
        "INSERT INTO effect_lease (kind, subject_id, due_at, attempts, token) "
        "SELECT kind, id, now() + interval '15 s', 1, 1 FROM effect LIMIT 1",
    ],
    "effects_reachable": [
        "INSERT INTO effect_lease (kind, subject_id, due_at, attempts, token) VALUES ('mail.send', 0, now(), 0, 0)"
    ],
    "effects_end_with_their_items": [
        "INSERT INTO effect_item (key, effect_id, order_id, state) "
        "SELECT 'planted', id, order_id, 'pending' FROM effect WHERE state = 'done' LIMIT 1"
    ],
    "unique_items_live": [
        "INSERT INTO unique_allocation (shop, sku, order_id) SELECT 'salon', 'BAG', id FROM shop_order WHERE number = 'S-2'",
        "UPDATE shop_order SET state = 'cancelled' WHERE number = 'S-2'",
    ],
    "held_for_a_reason": ["UPDATE shop_order SET condition = 'held' WHERE number = 'S-2'"],
    "nothing_forgotten": ["UPDATE shop_order SET state = 'authorized' WHERE number = 'S-2'", "DELETE FROM work"],
    "shipments_watched": ["DELETE FROM work WHERE stage = 'dispatch'"],
    "parcels_watched": ["DELETE FROM work WHERE stage = 'notify'"],
    "documents_numbered": ["INSERT INTO document_counter (shop, kind, last) VALUES ('salon', 'receipt', 1)"],
    "pieces_return_once": [
        RETURNED.format(id="RT-1", state="requested"),
        RETURNED.format(id="RT-2", state="requested"),
        *PIECES,
    ],
    "refunded_returns_are_booked": [RETURNED.format(id="RT-1", state="refunded")],
    "replacements_are_linked": [RETURNED.format(id="RT-1", state="exchanged")],
    "returns_end": [RETURNED.format(id="RT-1", state="received")],
    "suppressed_get_no_mail": [
        "UPDATE mail SET sent_at = now() + interval '1 h' WHERE envelope_to <> ''",
        "INSERT INTO mail_suppression (shop, mailbox, scope, reason, since) SELECT 'salon', sha256(convert_to(substring(envelope_to "
        "from '^(.*)@') || '@' || lower(substring(envelope_to from '[^@]*$')), 'UTF8')), 'all', 'unknown_user', now() "
        "FROM mail WHERE order_id IS NOT NULL LIMIT 1",
    ],
    "bounced_for_a_reason": ["UPDATE mail SET state = 'bounced'"],
}


def test_every_invariant_is_planted_below() -> None:
    assert set(PLANTED) == {invariant.name for invariant in INVARIANTS}
    assert all(invariant.says for invariant in INVARIANTS)


def test_every_invariant_can_fail_and_an_incremental_check_sees_it_too(world: World) -> None:
    """Two sound orders, one shipped and one on its way, and a watermark; then somebody breaks the rows, each time others."""
    world.take(document("S-1", a_line(quantity=2)), document("S-2"))
    world.settle()
    world.ship_all("S-1")
    assert world.broken() == {}
    assert checked(world.engine) == {}
    asked = {one.name: one for one in INVARIANTS}
    for name, statements in PLANTED.items():
        with world.engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
            since = standing(connection, QUERIES)
            assert since is not None
            for statement in statements:
                assert connection.execute(text(statement)).rowcount > 0, name
            for whole_or_not in (None, since):
                found = {one.name for one, _ in look(connection, whole_or_not, UNTOLD, among=[asked[name]])}
                assert found == {name}, (name, whole_or_not)
