"""``shukka check``: what stands still in the database is found there, and with ``--journals`` what the world saw is judged too."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from tests.cli.conftest import database  # noqa: F401 - a fixture
from tests.cli.console import in_process
from tests.world import World, document
from workers.audit.judge import Violation
from workers.audit.registry import of_database

HOURS_AGO = "now() - interval '3 hours'"


@pytest.mark.parametrize(
    ("change", "judge"),
    [
        ("UPDATE effect_lease SET due_at = now() + interval '9 s', attempts = 1", "effects_end"),  # leased, and no end
        (f"UPDATE effect_lease SET due_at = {HOURS_AGO}", "effects_end"),  # never attempted
        (f"UPDATE effect_lease SET due_at = {HOURS_AGO}, attempts = 1", "effects_end"),  # nobody takes it again
        (f"UPDATE effect_lease SET due_at = {HOURS_AGO}", "effects_attempted"),
        (
            f"WITH old AS (UPDATE effect SET recorded_at = {HOURS_AGO})"
            " UPDATE effect_lease SET due_at = now() + interval '9 s', attempts = 1",
            "leases_end",
        ),
        (
            "INSERT INTO work (stage, subject_kind, subject_id, order_id, due_at, attempts, error)"
            " SELECT 'split', 'order', id::text, id, now(), 2, 'KeyError' FROM shop_order",
            "work_decided",
        ),
        ("UPDATE effect SET state = 'needs_review'", "outcomes_known"),
        (
            "INSERT INTO inbox_event (source, event_id, type, body, at, state) VALUES ('bank', '1', 'deposit.received', '{}', now(), 'pending')",
            "news_read",
        ),
        (
            "INSERT INTO transition (order_id, entity, entity_id, from_state, to_state, cause, at)"
            " SELECT id, 'condition', id, 'held', 'held', 'operator', now() FROM shop_order UNION ALL"
            " SELECT id, 'condition', id, 'held', 'held', 'operator', now() FROM shop_order",
            "history_is_a_chain",
        ),
    ],
)  # fmt: skip
def test_what_stands_still_is_found(world: World, change: str, judge: str) -> None:
    world.take(document("S-1"))
    world.decide("accept", "authorize")
    before = {one.judge for one in _found(world)}
    world.execute(change)
    assert judge in {one.judge for one in _found(world)} - before


def test_an_event_that_a_storefront_has_not_answered_wakes_no_order(world: World) -> None:
    """It is sent for three days: an order that nothing else will ever wake was found once they were over."""
    world.enrol("storefront", "shop", url="https://shop.example/hook", shops=["salon"])
    world.take(document("S-1", delivery={"date": "2026-12-10", "slot": None}))
    world.kinds.remove("storefront.event")
    world.settle()
    assert world.broken() == {}
    world.execute("DELETE FROM work")
    assert world.value("SELECT count(*) FROM effect WHERE state = 'pending'") > 0
    assert world.broken()["nothing_forgotten"] == 1


@pytest.mark.parametrize(("probed", "is_found"), [("10 s", False), ("301 s", True)])
def test_an_open_circuit_excuses_for_as_long_as_somebody_probes_it(world: World, probed: str, is_found: bool) -> None:
    """What is found where no worker is left that would ask its target."""
    world.take(document("S-1"))
    world.decide("accept", "authorize")
    world.execute(
        "INSERT INTO circuit (kind, target, probe_at, failures, code)"
        " VALUES ('payment.authorize', 'sandbox', now() - CAST(:probed AS interval), 9, 'unreachable')",
        probed=probed,
    )
    world.execute(f"UPDATE effect_lease SET due_at = {HOURS_AGO} WHERE kind = 'payment.authorize'")
    assert ("effects_attempted" in world.broken()) is is_found


def test_what_was_released_is_held_no_longer(world: World) -> None:
    world.take(document("S-4", remarks="クーポン AUTUMN と WINTER を使います"))  # CPN-03
    world.settle()
    assert [one for one in _found(world) if one.judge == "holds_answered"] == []
    world.execute(
        """INSERT INTO inbox_event (source, event_id, type, order_id, body, at, state)
           SELECT 'client:1', '1', 'order.release', order_id, '{}', opened_at + interval '1 s', 'applied' FROM order_hold"""
    )
    found = [one.says for one in _found(world) if one.judge == "holds_answered"]
    assert found == ["salon/S-4: was released by an operator and is still held for coupons_in_remarks"]


def _found(world: World) -> list[Violation]:
    with world.engine.connect() as connection:
        return list(of_database(connection, world.clock.now()))


def test_the_journals_of_a_run_are_judged_with_its_database(
    database: World,  # noqa: F811 - the fixture
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    acknowledged = [{"kind": "ack", "shop": "salon", "number": n} for n in ("S-1", "S-2")]
    lines = [orjson.dumps(one) + b"\n" for one in (*acknowledged, {"kind": "finished"})]
    (tmp_path / "storefront.jsonl").write_bytes(b"".join(lines))
    database.take(document("S-1"))
    database.settle()
    code, out, err = in_process(
        capsys, monkeypatch, "check", "--journals", str(tmp_path), "--until", "2026-11-20T09:00+09:00"
    )
    assert (code, out) == (1, "")
    assert "FAILS orders_kept: salon/S-2 was acknowledged and is lost\n" in err
    code, _, err = in_process(capsys, monkeypatch, "check", "--journals", str(tmp_path), "--until", "noon")
    assert (code, "--until" in err) == (2, True)
