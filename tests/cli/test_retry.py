"""``shukka retry``: after a fault all that it cost is tried again, counted first and told apart by what it has in common."""

from __future__ import annotations

import re

import orjson
import pytest

from models.store import effects, given_up
from models.store.given_up import Which
from pipelines.engine.announce import Subscriber, of_refused
from pipelines.route import WOKEN_BY
from tests.cli.console import in_process
from tests.world import World, document

GATEWAY_DOWN = "UPDATE effect SET state = 'needs_review', outcome = jsonb_build_object('code', CAST(:code AS text)), finished_at = :at"


@pytest.fixture
def after_a_fault(database: World) -> World:
    """Five authorizations and two instructions that were given up, a mail that bounced and one event that nobody could read."""
    world = database
    world.take(*(document(f"S-{n}", customer=f"M-{n}") for n in range(3)))
    world.take(*(document(f"C-{n}", shop="clinic", customer=f"M-{n}") for n in range(2)))
    world.settle()
    world.execute("DELETE FROM effect_lease")
    world.execute(
        GATEWAY_DOWN + " WHERE kind = 'payment.authorize'", code="gateway_timeout", at="2026-11-20T09:00:00+09:00"
    )
    world.execute(
        GATEWAY_DOWN
        + " WHERE kind = 'supplier.instruct' AND order_id IN (SELECT id FROM shop_order WHERE shop = 'salon')",
        code="http_503",
        at="2026-11-20T11:00:00+09:00",
    )
    world.execute("UPDATE mail SET state = 'failed', code = '550' WHERE id = (SELECT min(id) FROM mail)")
    return world


Told = tuple[int, str, str]


def told(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *arguments: str) -> Told:
    return in_process(capsys, monkeypatch, "retry", *arguments)


def due(world: World) -> dict[str, int]:
    """What is due again, by kind."""
    return {
        row.kind: row.number for row in world.rows("SELECT kind, count(*) AS number FROM effect_lease GROUP BY kind")
    }


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("effect", "99999999999999999999"), "Invalid value for 'ID'"),
        (("mail", "0"), "Invalid value for 'ID'"),
        (("--reason", "\udcff"), "argument 3: holds bytes that are no UTF-8"),
    ],
)
def test_what_can_be_no_id_and_no_reason_is_a_sentence(
    database: World,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    says: str,
) -> None:
    """The last is a byte of another encoding, as a shell hands it over."""
    code, said, complained = told(capsys, monkeypatch, *arguments)
    assert (code, said) == (2, "")
    assert "Traceback" not in complained
    assert says in complained


def test_without_yes_it_counts_by_what_is_alike_and_touches_nothing(
    after_a_fault: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code, said, _ = told(capsys, monkeypatch)
    assert code == 0
    lines = [re.sub(r"\s+", " ", line).strip() for line in said.splitlines()]
    assert lines[0] == "count what kind target shop reason first last"
    assert "3 effect payment.authorize sandbox salon gateway_timeout 2026-11-20 09:00 2026-11-20 09:00" in lines
    assert "2 effect payment.authorize sandbox clinic gateway_timeout 2026-11-20 09:00 2026-11-20 09:00" in lines
    assert "3 effect supplier.instruct warehouse salon http_503 2026-11-20 11:00 2026-11-20 11:00" in lines
    assert lines[-1] == "9 would be tried again; say --yes to do it"
    assert due(after_a_fault) == {}


@pytest.mark.parametrize(
    ("options", "again"),
    [
        (["--kind", "payment.authorize"], {"payment.authorize": 5}),
        (["--target", "warehouse"], {"supplier.instruct": 3}),
        (["--shop", "clinic", "effect"], {"payment.authorize": 2}),
        (["--reason", "http_5"], {"supplier.instruct": 3}),
        (["--since", "2026-11-20T10:00", "effect"], {"supplier.instruct": 3}),
        (["--until", "2026-11-20T10:00+09:00", "effect"], {"payment.authorize": 5}),
        (["mail"], {"mail.send": 1}),
        (["effect"], {"payment.authorize": 5, "supplier.instruct": 3}),
        (["--kind", "payment.authorize", "--shop", "salon", "--reason", "gateway"], {"payment.authorize": 3}),
        ([], {"payment.authorize": 5, "supplier.instruct": 3, "mail.send": 1}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_with_yes_all_that_is_meant_is_due_again_under_its_old_key(
    after_a_fault: World,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    options: list[str],
    again: dict[str, int],
) -> None:
    keys = after_a_fault.rows("SELECT key FROM effect ORDER BY id")
    monkeypatch.setattr("workers.effects.retrying.BATCH", 2)
    code, said, _ = told(capsys, monkeypatch, *options, "--yes")
    assert (code, said.splitlines()[-1]) == (0, f"{sum(again.values())} are due again")
    assert due(after_a_fault) == again
    assert after_a_fault.rows("SELECT key FROM effect ORDER BY id") == keys
    assert after_a_fault.value("SELECT count(*) FROM effect_lease WHERE attempts <> 1") == 0, "it may have happened"
    assert told(capsys, monkeypatch, *options, "--yes")[1] == "nothing that was given up is meant\n"


def test_quarantined_events_are_read_again(
    database: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that names no order stays where it is: nobody could read it."""
    world = database
    world.take(document())
    world.settle()
    (shipment,) = world.shipments()
    world.tell(world.shipped(shipment), world.shipped("salon/none/1"))
    world.execute("UPDATE inbox_event SET state = 'quarantined', reason = 'a fault of ours'")
    assert told(capsys, monkeypatch, "event", "--yes")[1].splitlines()[-1] == "1 are due again"
    world.settle()
    assert world.show()["state"] == "shipped"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["parcel"], "WHAT: must be effect, mail or event"),
        (["effect", "7", "--shop", "salon"], "ID: is for one alone"),
        (["effect", "7"], "ID: there is no effect 7 that was given up"),
        (["--since", "yesterday"], "--since: is no time"),
    ],
)
def test_a_mistake_is_one_line(
    database: World,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    says: str,
) -> None:
    code, _, wrong = told(capsys, monkeypatch, *arguments)
    assert code == 2
    assert says in wrong


def test_one_is_tried_again_by_its_id(
    after_a_fault: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    number = after_a_fault.value("SELECT min(id) FROM effect WHERE kind = 'payment.authorize'")
    code, said, _ = told(capsys, monkeypatch, "effect", str(number))
    assert (code, said) == (0, f"effect {number} is due again (payment.authorize)\n")
    assert due(after_a_fault) == {"payment.authorize": 1}


def test_what_attention_names_is_what_retry_means(after_a_fault: World) -> None:
    """Nothing that was given up is left out."""
    with after_a_fault.engine.connect() as connection:
        counted = sum(one.number for one in given_up.groups(connection, Which(), list(WOKEN_BY)))
    open_ = "(SELECT count(*) FROM effect WHERE state = 'needs_review')"
    mails = "(SELECT count(*) FROM mail WHERE state IN ('needs_review', 'failed'))"
    assert counted == after_a_fault.value(f"SELECT {open_} + {mails}") == 9


def test_attention_names_the_order_of_what_was_given_up(
    after_a_fault: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody can tell by a number and "554" whose mail it was."""
    code, told, _ = in_process(capsys, monkeypatch, "attention", "--json")
    mails = [one for one in map(orjson.loads, told.splitlines()) if one["what"] == "mail"]
    assert (code, bool(mails)) == (0, True)
    known = {f"{shop}/{number}" for shop, number in after_a_fault.rows("SELECT shop, number FROM shop_order")}
    assert {one["order"] for one in mails} <= known
    _, drawn, _ = in_process(capsys, monkeypatch, "attention")
    assert all(f"{one['id']} ({one['order']})" in drawn for one in mails)


def test_what_a_storefront_never_heard_of_a_refused_order_names_the_order_and_its_shop(
    database: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Contract: dead after three days, replayable. An order that was refused is none of the house's, and its event is of its shop."""
    database.enrol("storefront", "salon-shop", shops=["salon"], url="https://salon.example/hooks")
    listening = [Subscriber(database.value("SELECT id FROM client"), frozenset())]
    problems = [{"field": "lines", "message": "is missing"}]
    with database.engine.begin() as connection:
        effects.add(connection, of_refused("hash", "salon", "X-1", problems, listening, database.clock.now()))
    database.execute("DELETE FROM effect_lease")
    database.execute(GATEWAY_DOWN, code="http_500", at="2026-11-20T09:00:00+09:00")
    _, listed, _ = in_process(capsys, monkeypatch, "attention", "--json")
    (shown,) = [one for one in map(orjson.loads, listed.splitlines()) if one["what"] == "effect"]
    assert shown["order"] == "salon/X-1"
    _, counted, _ = told(capsys, monkeypatch, "--shop", "salon")
    assert "1 would be tried again" in counted
    told(capsys, monkeypatch, "--shop", "clinic", "--yes")
    assert due(database) == {}
    told(capsys, monkeypatch, "--shop", "salon", "--yes")
    assert due(database) == {"storefront.event": 1}
