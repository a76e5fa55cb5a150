"""The audit finds every broken promise, and nothing where all were kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from workers.clock import TOKYO
from workers.demo.audit import IN_DOUBT, Books, Journals, repeated_mails, violations

NOON = datetime(2026, 11, 19, 12, 0, tzinfo=TOKYO)
KEY = ("salon", "S-1")

ACK = {"kind": "ack", "shop": "salon", "number": "S-1", "status": 202}
FINISHED = {"kind": "finished"}
AUTHORIZED = {
    "kind": "operation", "key": "salon/S-1:authorize", "operation": "authorize", "status": 201,
    "answer": {"id": "auth_1", "order": "salon/S-1", "amount": 1000},
}  # fmt: skip
CAPTURED = {
    "kind": "operation", "key": "salon/S-1:capture", "operation": "capture", "status": 200,
    "answer": {"id": "capture_1", "authorization": "auth_1", "amount": 1000},
}  # fmt: skip
INSTRUCTED = {
    "kind": "instruction", "supplier": "warehouse", "id": "SH-1:requested", "type": "shipment.requested",
    "shipment": "SH-1", "shop": "salon", "order": "S-1",
    "plan": [{"at": NOON.isoformat(), "copies": 1, "event": {"id": "SH-1:shipment.shipped:1", "type": "shipment.shipped"}}],
}  # fmt: skip
REPORTED = {"kind": "delivered", "id": "SH-1:shipment.shipped:1", "type": "shipment.shipped"}
TRANSFER = {
    "kind": "transfer", "reference": "FT1",
    "transfer": {"shop": "salon", "number": "S-1", "amount": 1000},
}  # fmt: skip
PAID = {"kind": "delivered", "id": "deposit:FT1", "type": "deposit.received"}


def mail(message_id: str, template: str, shipment: str | None = None) -> dict[str, Any]:
    return {
        "kind": "mail", "message_id": message_id, "template": template, "order": "salon/S-1", "shipment": shipment,
    }  # fmt: skip


CONFIRMED = mail("<1@x>", "order_accepted")
TOLD = mail("<2@x>", "shipment_shipped", "SH-1")
CUT = {"kind": "cut", "message_id": "<9@x>"}

KEPT = Journals(
    storefront=[ACK, FINISHED],
    gateway=[AUTHORIZED, CAPTURED],
    suppliers=[INSTRUCTED, REPORTED],
    bank=[TRANSFER, PAID],
    sink=[CONFIRMED, TOLD],
)
BOOKS = Books(
    orders=Counter([KEY]),
    sent={"<1@x>": "order_accepted", "<2@x>": "shipment_shipped"},
    parcels={"SH-1": 1},
    captured={KEY: 1000},
)


def test_a_day_on_which_every_promise_was_kept_has_no_violation() -> None:
    assert violations(KEPT, BOOKS, NOON) == []


def refused(record: Mapping[str, Any]) -> dict[str, Any]:
    return {**record, "status": 402}


def of(record: Mapping[str, Any], **answer: object) -> dict[str, Any]:
    return {**record, "key": f"{record['key']}:again", "answer": {**record["answer"], **answer}}


@pytest.mark.parametrize(
    ("journals", "says"),
    [
        ({"storefront": [ACK]}, "storefront: it did not finish; some orders were never answered"),
        ({"storefront": [ACK, {**ACK, "number": "S-2"}, FINISHED], "sink": [CONFIRMED, TOLD, {**CONFIRMED, "message_id": "<3@x>", "order": "salon/S-2"}]}, "salon/S-2: was acknowledged and is lost"),
        ({"storefront": [FINISHED]}, "salon/S-1: is stored and was never acknowledged"),
        ({"storefront": [ACK, {**ACK, "kind": "invalid", "field": "lines"}, FINISHED]}, "salon/S-1: an order with a wrong lines was acknowledged"),
        ({"gateway": [AUTHORIZED, CAPTURED, refused(CAPTURED)]}, "gateway: salon/S-1:capture was performed 2 times"),
        ({"gateway": [AUTHORIZED, of(AUTHORIZED, id="auth_2"), CAPTURED]}, "gateway: salon/S-1 was authorized 2 times"),
        ({"gateway": [of(AUTHORIZED, amount=2000), CAPTURED, of(CAPTURED)]}, "gateway: salon/S-1 was captured 2 times"),
        ({"gateway": [of(AUTHORIZED, amount=999), CAPTURED]}, "gateway: salon/S-1 was captured for 1000 yen and authorized for 999"),
        ({"suppliers": [INSTRUCTED, REPORTED, INSTRUCTED]}, "warehouse: SH-1:requested was acted on 2 times"),
        ({"suppliers": [INSTRUCTED, REPORTED, {**INSTRUCTED, "id": "SH-1:asked-again"}]}, "suppliers: SH-1 was sent out 2 times"),
        ({"sink": [CONFIRMED, TOLD, CONFIRMED]}, "sink: <1@x> came again although nobody was cut off"),
        ({"sink": [CONFIRMED, TOLD, mail("<3@x>", "order_accepted")]}, "sink: salon/S-1 got 2 different mails order_accepted"),
    ],
)  # fmt: skip
def test_what_the_journals_show(journals: dict[str, Any], says: str) -> None:
    found = violations(replace(KEPT, **journals), BOOKS, NOON)
    assert says in found
    assert len(found) == 1 or "acted on" in says, found


@pytest.mark.parametrize(
    ("books", "says"),
    [
        ({"orders": Counter([KEY, KEY])}, "salon/S-1: is stored 2 times"),
        ({"sent": {**BOOKS.sent, "<4@x>": "order_delivered"}}, "sink: <4@x> (order_delivered) is called sent and never arrived"),
        ({"parcels": {}}, "suppliers: SH-1 left in 1 parcels and 0 are known"),
        ({"captured": {}}, "bank: salon/S-1 paid 1000 yen and the books say 0"),
    ],
)  # fmt: skip
def test_what_the_database_does_not_know(books: dict[str, Any], says: str) -> None:
    assert violations(KEPT, replace(BOOKS, **books), NOON) == [says]


def test_an_order_must_be_confirmed_and_its_parcel_told() -> None:
    silent = violations(replace(KEPT, sink=[]), replace(BOOKS, sent={}), NOON)
    assert silent == [
        "sink: salon/S-1 was acknowledged and never confirmed by mail",
        "sink: SH-1 left in 1 parcels and 0 were told to the customer",
    ]


def test_what_was_called_off_may_be_asked_of_another_instead() -> None:
    called_off = {**INSTRUCTED, "id": "SH-1:first"}
    instead = {**INSTRUCTED, "instead": True}
    assert violations(replace(KEPT, suppliers=[called_off, instead, REPORTED]), BOOKS, NOON) == []


def test_an_order_that_was_cancelled_before_it_was_looked_at_is_told_so_and_nothing_else() -> None:
    sink = [mail("<1@x>", "order_cancelled"), TOLD]
    assert violations(replace(KEPT, sink=sink), replace(BOOKS, sent={}), NOON) == []


@pytest.mark.parametrize(
    ("became", "says"),
    [
        ("quarantined", []),
        ("ignored", []),
        ("applied", ["suppliers: SH-1:contradiction.shipped_twice:1 contradicts what is known, and is applied"]),
        (None, ["suppliers: SH-1:contradiction.shipped_twice:1 contradicts what is known, and is lost"]),
    ],
)
def test_a_contradiction_is_no_parcel_and_must_change_nothing(became: str | None, says: list[str]) -> None:
    false = {"kind": "delivered", "id": "SH-1:contradiction.shipped_twice:1", "type": "shipment.shipped"}
    books = replace(BOOKS, news={false["id"]: became} if became else {})
    assert violations(replace(KEPT, suppliers=[INSTRUCTED, REPORTED, false]), books, NOON) == says


def test_money_is_taken_only_for_goods_that_left() -> None:
    early = NOON - timedelta(minutes=1)
    assert violations(KEPT, BOOKS, early) == ["gateway: salon/S-1 was captured and nothing was ever shipped"]


def test_a_supplier_may_be_asked_again_after_it_refused() -> None:
    event = {"id": "SH-1:shipment.refused:1", "type": "shipment.refused"}
    no = {**INSTRUCTED, "id": "SH-1:first", "plan": [{"at": NOON.isoformat(), "copies": 1, "event": event}]}
    assert violations(replace(KEPT, suppliers=[no, INSTRUCTED, REPORTED]), BOOKS, NOON) == []


@pytest.mark.parametrize(
    ("between", "repeated", "excused"),
    [
        ([CUT], 1, True),  # its sender was cut off after the final dot and could not know
        ([], 0, False),
        ([*(mail(f"<{n}@y>", "order_delivered") for n in range(IN_DOUBT)), CUT], 0, False),  # that was long before
        ([CUT, CONFIRMED], 1, False),  # once more than the cut explains
    ],
)
def test_a_mail_may_come_again_only_after_a_cut(between: list[dict[str, Any]], repeated: int, excused: bool) -> None:
    sink = [CONFIRMED, TOLD, *between, CONFIRMED]
    found = violations(replace(KEPT, sink=sink), BOOKS, NOON)
    assert found == ([] if excused else ["sink: <1@x> came again although nobody was cut off"])
    assert repeated_mails(sink) == repeated


def test_journals_are_read_from_their_files_and_a_missing_one_is_empty(tmp_path: Path) -> None:
    for name, record in (("sink", CONFIRMED), ("storefront", FINISHED)):
        (tmp_path / f"{name}.jsonl").write_bytes(orjson.dumps(record) + b"\n")
    assert Journals.read(tmp_path) == Journals(
        storefront=[FINISHED], gateway=[], suppliers=[], bank=[], sink=[CONFIRMED]
    )
