"""Each judge of the journals finds what it claims to, and nothing where every promise was kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from pipelines.shops import Shop, load_shops
from pipelines.shops.load import changed_shop
from workers.audit.books import Books, Change, Line, Money, Move, News, OrderBook, ParcelBook, ShipmentBook
from workers.audit.journals import Journals
from workers.audit.mails import repeated_mails
from workers.audit.registry import JUDGES, names, of_world
from workers.clock import TOKYO
from workers.installation import INSTALLATION

NOON = datetime(2026, 11, 19, 12, 0, tzinfo=TOKYO)
KEY = ("salon", "S-1")
SHOPS = load_shops(installation=INSTALLATION)
PLACED = {"lines": {"1": ["TEE", 2]}, "method": "card", "placed_at": NOON.isoformat(), "is_plain": True}

ACK = {"kind": "ack", "shop": "salon", "number": "S-1", "status": 202, "ordered": PLACED}
FINISHED = {"kind": "finished"}
AUTHORIZED = {
    "kind": "operation", "key": "salon/S-1:authorize", "operation": "authorize", "status": 201,
    "answer": {
        "id": "auth_1", "status": "authorized", "order": "salon/S-1", "amount": 1000,
        "expires_at": (NOON + timedelta(30)).isoformat(),
    },
}  # fmt: skip
CAPTURED = {
    "kind": "operation", "key": "salon/S-1:capture", "operation": "capture", "status": 200,
    "answer": {"id": "capture_1", "authorization": "auth_1", "amount": 1000},
}  # fmt: skip
REFUNDED = {**CAPTURED, "key": "salon/S-1:refund:1", "operation": "refund"}
INSTRUCTED = {
    "kind": "instruction", "supplier": "warehouse", "id": "SH-1:requested", "type": "shipment.requested",
    "shipment": "SH-1", "shop": "salon", "order": "S-1", "lines": [{"line": "1", "sku": "TEE", "quantity": 2}],
    "collect": None,
    "plan": [{"at": NOON.isoformat(), "copies": 1, "event": {"id": "SH-1:shipment.shipped:1", "type": "shipment.shipped", "data": {"tracking_number": "123"}}}],
    "dispatch_on": "2026-11-19",
}  # fmt: skip
REPORTED = {"kind": "delivered", "id": "SH-1:shipment.shipped:1", "type": "shipment.shipped"}
TRANSFER = {
    "kind": "transfer", "reference": "FT1",
    "transfer": {"shop": "salon", "number": "S-1", "amount": 1000},
}  # fmt: skip
TOLD_OF_TRANSFER = {"kind": "delivered", "id": "deposit:FT1", "type": "deposit.received"}
FALSE = {"kind": "delivered", "id": "SH-1:contradiction.shipped_twice:1", "type": "shipment.shipped"}


def mail(message_id: str, template: str, shipment: str | None = None, to: str = "aoi@example.jp") -> dict[str, Any]:
    return {
        "kind": "mail", "message_id": message_id, "template": template, "order": "salon/S-1", "shipment": shipment, "to": [to],
    }  # fmt: skip


CONFIRMED = mail("<1@x>", "order_accepted")
TOLD = mail("<2@x>", "shipment_shipped", "SH-1")
CUT = {"kind": "cut", "message_id": "<1@x>"}

MOVES = [
    Move(1, "order", "1", None, "accepted", "intake", NOON),
    Move(2, "order", "1", "accepted", "authorized", "card", NOON),
    Move(3, "order", "1", "authorized", "shipped", "all live shipments shipped", NOON),
]


def event(number: int, **said: object) -> dict[str, Any]:
    move = MOVES[number - 1]
    data = {
        "shop": "salon", "number": "S-1", "from": move.old, "to": move.new, "cause": move.cause, "at": NOON.isoformat(),
        "sequence": number, **said,
    }  # fmt: skip
    return {"kind": "event", "id": f"event:{number}", "type": "order.state_changed", "data": data, "to": "salon"}


EVENTS = [event(1), event(2), event(3)]
KEPT = Journals(
    storefront=[ACK, FINISHED],
    gateway=[AUTHORIZED, CAPTURED],
    suppliers=[INSTRUCTED, REPORTED],
    sink=[CONFIRMED, TOLD],
    events=EVENTS,
)
ORDER = OrderBook(
    key=KEY,
    state="shipped",
    emails=frozenset({"aoi@example.jp"}),
    lines={"1": Line("TEE", 2)},
    money=Money("sandbox", amount=1000, captured=1000),
    moves=MOVES,
    shipments=[ShipmentBook("SH-1", "warehouse", "shipped", 0, {"1": 2})],
    parcels=[ParcelBook("SH-1", "123", "in_transit")],
)
BOOKS = Books(
    orders=[ORDER],
    sent={"<1@x>": "order_accepted", "<2@x>": "shipment_shipped"},
    mails={f"<{n}@x>": template for n, template in enumerate(("order_accepted", "shipment_shipped"), 1)},
    listened=frozenset({"salon"}),
    news={"SH-1:shipment.shipped:1": "applied"},
)


def found(
    journals: Journals = KEPT, books: Books = BOOKS, until: datetime = NOON, shops: Mapping[str, Shop] = SHOPS
) -> dict[str, list[str]]:
    sentences: dict[str, list[str]] = {}
    for one in of_world(journals, books, until, shops):
        sentences.setdefault(one.judge, []).append(one.says)
    return sentences


def order(**changes: Any) -> Books:
    return replace(BOOKS, orders=[replace(ORDER, **changes)])


def test_where_every_promise_was_kept_no_judge_says_anything() -> None:
    assert found() == {}


def test_every_judge_has_a_name_of_its_own_and_says_what_it_claims() -> None:
    assert len(set(names())) == len(names())
    assert all(one.claims for one in JUDGES)


def again(record: Mapping[str, Any], **answer: object) -> dict[str, Any]:
    return {**record, "key": f"{record['key']}:again", "answer": {**record["answer"], **answer}}


CANCELLED = {"state": "cancelled", "money": Money("sandbox", amount=1000)}
COD = {"method": "cod", "money": Money(None, amount=1000)}

DELIVERED = News("supplier:warehouse", "SH-1:shipment.delivered:2", "shipment.delivered", "applied")
BY_JOURNALS: Sequence[tuple[str, dict[str, Any], str]] = [
    (
        "channels_kept",
        {"sink": [CONFIRMED, TOLD, mail("<3@x>", "supplier_instruction", "SH-1")]},
        "warehouse is to be told by auto, and was told by mail, webhook",
    ),
    (
        "channels_kept",
        {"suppliers": [{**INSTRUCTED, "channel": "portal", "tells_address": True}, REPORTED]},
        "SH-1: its mail to warehouse tells an address that only the page may show",
    ),
    (
        "news_kept",
        {"suppliers": [INSTRUCTED, {**REPORTED, "via": "page"}]},
        "shipment.shipped of SH-1 was acknowledged 1 times by page or file, and is kept 0 times",
    ),
    ("orders_kept", {"storefront": [ACK]}, "the storefront did not finish; some orders were never answered"),
    ("orders_kept", {"storefront": [ACK, {**ACK, "number": "S-2"}, FINISHED]}, "salon/S-2 was acknowledged and is lost"),
    ("orders_kept", {"storefront": [FINISHED]}, "salon/S-1 is stored and was never acknowledged"),
    ("orders_kept", {"storefront": [ACK, {**ACK, "kind": "invalid", "field": "lines"}, FINISHED]}, "salon/S-1: an order with a wrong lines was acknowledged"),
    ("orders_as_placed", {"storefront": [{**ACK, "ordered": {**PLACED, "lines": {"1": ["TEE", 3]}}}, FINISHED]}, "salon/S-1 was placed with {'1': ['TEE', 3]} and is kept with {'1': ['TEE', 2]}"),
    ("gateway_once", {"gateway": [AUTHORIZED, CAPTURED, {**CAPTURED, "status": 402}]}, "salon/S-1:capture was performed 2 times"),
    ("gateway_once", {"gateway": [AUTHORIZED, again(AUTHORIZED, id="auth_2"), CAPTURED]}, "salon/S-1 was authorized 2 times"),
    ("gateway_once", {"gateway": [AUTHORIZED, CAPTURED, again(CAPTURED)]}, "salon/S-1 was captured 2 times"),
    ("captures_earned", {"gateway": [{**AUTHORIZED, "answer": {**AUTHORIZED["answer"], "amount": 999}}, CAPTURED]}, "salon/S-1 was captured for 1000 yen and authorized for 999"),  # type: ignore[dict-item]
    ("captures_whole", {"gateway": [AUTHORIZED]}, "salon/S-1 has left, and its 1000 yen were never captured"),
    ("captures_whole", {"gateway": [AUTHORIZED, {**CAPTURED, "answer": {**CAPTURED["answer"], "amount": 999}}]}, "salon/S-1 was captured for 999 yen, and [1000] is what it came to"),  # type: ignore[dict-item]
    ("refunds_exact", {"gateway": [AUTHORIZED, CAPTURED, REFUNDED]}, "salon/S-1: 0 yen were kept and 1000 are the shop's"),
    ("gateway_agrees", {"gateway": [AUTHORIZED]}, "salon/S-1: the gateway took and gave back (0, 0), and the books say (1000, 0)"),
    ("instructions_once", {"suppliers": [INSTRUCTED, REPORTED, INSTRUCTED]}, "warehouse acted 2 times on SH-1:requested"),
    ("instructions_once", {"suppliers": [INSTRUCTED, REPORTED, {**INSTRUCTED, "id": "SH-1:other"}]}, "SH-1 was sent out 2 times"),
    ("instructions_once", {"suppliers": [INSTRUCTED, REPORTED, {**INSTRUCTED, "id": "SH-1:other", "plan": []}]}, "SH-1 was asked for 2 times, and anew 0 times"),
    ("instructions_sent", {"suppliers": [{**INSTRUCTED, "shipment": "SH-2"}]}, "salon/S-1: SH-1 is shipped, and warehouse was never told"),
    ("instructions_right", {"suppliers": [{**INSTRUCTED, "lines": [{"line": "1", "sku": "TEE", "quantity": 1}]}, REPORTED]}, "salon/S-1: SH-1 is {'1': 2}, and warehouse was told {'1': 1}"),
    ("instructions_right", {"suppliers": [{**INSTRUCTED, "lines": [{"line": "1", "sku": "HAT", "quantity": 2}]}, REPORTED]}, "salon/S-1: SH-1 is {'1': 2}, and warehouse was told {'1': 2}"),
    ("days_right", {"suppliers": [{**INSTRUCTED, "dispatch_on": "2026-11-20"}, REPORTED]}, "salon/S-1: warehouse was told to dispatch on 2026-11-20, and 2026-11-19 is its day"),
    ("days_right", {"suppliers": [{**INSTRUCTED, "dispatch_on": "2026-11-21"}, REPORTED]}, "salon/S-1: warehouse was told to dispatch on 2026-11-21, when it is closed"),
    ("cash_told", {"suppliers": [{**INSTRUCTED, "collect": {"amount": 5}}, REPORTED]}, "salon/S-1 is not paid on delivery, and {'SH-1': 5} was to be collected"),
    ("parcels_known", {"suppliers": [INSTRUCTED, REPORTED, {**REPORTED, "id": "SH-1:shipment.shipped:2"}]}, "SH-1 left in 2 parcels and 1 are known"),
    ("news_kept", {"suppliers": [INSTRUCTED, REPORTED, {**REPORTED, "id": "SH-1:shipment.delivered:2", "type": "shipment.delivered"}]}, "SH-1:shipment.delivered:2 was acknowledged and is lost"),
    ("contradictions_refused", {"suppliers": [INSTRUCTED, REPORTED, FALSE]}, f"{FALSE['id']} contradicts what is known, and is lost"),
    ("deposits_booked", {"bank": [{**TRANSFER, "transfer": {**TRANSFER["transfer"], "amount": 900}}, TOLD_OF_TRANSFER]}, "salon/S-1 paid 900 yen and the books say 1000"),  # type: ignore[dict-item]
    ("mails_arrived", {"sink": [CONFIRMED]}, "<2@x> (shipment_shipped) is called sent and never arrived"),
    ("mails_once", {"sink": [CONFIRMED, TOLD, CONFIRMED]}, "<1@x> came again although nobody was cut off or killed"),
    ("mails_known", {"sink": [CONFIRMED, TOLD, mail("<3@x>", "rank_up")]}, "<3@x> (rank_up) arrived and is nothing in the books"),
    ("mails_addressed", {"sink": [{**CONFIRMED, "to": ["ren@example.jp"]}, TOLD]}, "<1@x> (order_accepted) of salon/S-1 went to somebody else"),
    ("mails_addressed", {"sink": [CONFIRMED, TOLD, mail("<3@x>", "supplier_cancel")]}, "<3@x> (supplier_cancel) of salon/S-1 went to its customer"),
    ("mails_due", {"sink": [TOLD]}, "salon/S-1 was to be told order_accepted 1 times and was 0 times"),
    ("mails_beyond", {"sink": [CONFIRMED, TOLD, mail("<3@x>", "order_accepted")]}, "salon/S-1 was to be told order_accepted 1 times at most and was 2 times"),
    ("departures_told", {"sink": [CONFIRMED]}, "SH-1 left in 1 parcels and 0 were told to the customer"),
    ("events_told", {"events": EVENTS[:2]}, "salon/S-1: its storefront never heard of the moves [3]"),
    ("events_told", {"events": [*EVENTS, event(3, sequence=4)]}, "salon/S-1: its storefront heard of the moves [4], which were none"),
    ("events_once", {"events": [*EVENTS, {**EVENTS[2], "id": "event:other"}]}, "salon/S-1: the move 3 was told under 2 ids"),
    ("events_once", {"events": [*EVENTS, {**EVENTS[2], "data": {**EVENTS[2]["data"], "to": "delivered"}}]}, "event:3 said something else when it came again"),
    ("events_right", {"events": [*EVENTS[:2], event(3, cause="a guess")]}, "salon/S-1: of the move 3 its storefront was told ('order.state_changed', 'authorized', 'shipped', 'a guess'), and it was ('order.state_changed', 'authorized', 'shipped', 'all live shipments shipped')"),
]  # fmt: skip
BY_BOOKS: Sequence[tuple[str, Books, str]] = [
    ("orders_kept", replace(BOOKS, orders=[ORDER, ORDER]), "salon/S-1 is stored 2 times"),
    ("orders_as_placed", order(method="cod"), "salon/S-1 was to be paid by card and is kept with cod"),
    ("unique_sold_once", replace(BOOKS, orders=[replace(ORDER, key=("salon", n), lines={"1": Line("TEE", 2, 0, True)}) for n in ("S-1", "S-2")]), "TEE is one of a kind and was sold to salon/S-1, salon/S-2"),
    ("refunds_exact", order(changes=[Change("return", 300)], money=Money("sandbox", 1000, 1000, adjusted=300)), "salon/S-1: 1000 yen were kept and 700 are the shop's"),
    ("refunds_exact", order(**CANCELLED), "salon/S-1: 1000 yen were kept and 0 are the shop's"),
    ("deposits_booked", order(method="bank_transfer", money=Money(None, 1000, 1000)), "salon/S-1: the books say 1000 yen, and nobody paid them"),
    ("cash_told", order(**COD), "salon/S-1 is paid on delivery, and nobody was told to collect [1000]"),
    ("parcels_known", order(parcels=[]), "SH-1 left in 1 parcels and 0 are known"),
    ("parcels_right", order(parcels=[ParcelBook("SH-1", "999", None)]), "salon/S-1: SH-1 has the tracking numbers ['999'], which its supplier never gave"),
    ("parcels_right", order(parcels=[ParcelBook("SH-1", "123", "delivered")]), "salon/S-1: SH-1 counts as delivered, and nobody said so"),
    ("parcels_right", order(news=[DELIVERED]), "salon/S-1: SH-1 has arrived, and is ['in_transit']"),
    ("cancels_granted", order(news=[News("client:1", "1", "order.cancel", "applied")]), "salon/S-1: its cancel was granted, and it is shipped"),
    ("instructions_right", order(shipments=[]), "warehouse was told of SH-1, which nobody knows"),
]  # fmt: skip


@pytest.mark.parametrize(("judge", "journals", "says"), BY_JOURNALS)
def test_what_the_journals_show(judge: str, journals: dict[str, Any], says: str) -> None:
    assert says in found(replace(KEPT, **journals)).get(judge, ())


@pytest.mark.parametrize(("judge", "books", "says"), BY_BOOKS)
def test_what_the_books_show(judge: str, books: Books, says: str) -> None:
    bank = [TOLD_OF_TRANSFER] if judge == "deposits_booked" else []
    assert says in found(replace(KEPT, bank=bank), books).get(judge, ())


def test_money_that_nobody_awaited_is_a_humans_and_in_none_of_the_orders_numbers() -> None:
    journals = replace(KEPT, bank=[{**TRANSFER, "transfer": {**TRANSFER["transfer"], "amount": 900}}, TOLD_OF_TRANSFER])  # type: ignore[dict-item]
    assert "deposits_booked" in found(journals, BOOKS)
    assert "deposits_booked" not in found(journals, order(held=Counter(unexpected_deposit=1)))


def test_a_card_is_let_go_when_its_order_is_cancelled() -> None:
    """CAN-04; after its time the authorization ends by itself."""
    journals = replace(KEPT, gateway=[AUTHORIZED])
    says = ["salon/S-1 is cancelled, and 1000 yen are still held on its card"]
    assert found(journals, order(**CANCELLED))["voids_made"] == says
    assert "voids_made" not in found(journals, order(**CANCELLED), NOON + timedelta(31))
    void = {
        **CAPTURED,
        "key": "salon/S-1:void",
        "operation": "void",
        "answer": {"id": "v", "authorization": "auth_1", "amount": 0},
    }
    assert "voids_made" not in found(replace(KEPT, gateway=[AUTHORIZED, void]), order(**CANCELLED))


def test_every_judge_of_the_journals_is_shown_to_find_something() -> None:
    shown = {judge for judge, *_ in BY_JOURNALS} | {judge for judge, *_ in BY_BOOKS} | {"voids_made"}
    assert shown == {one.name for one in JUDGES}


@pytest.mark.parametrize("open_question", [{"is_busy": True}, {"reasons": frozenset({"capture_failed"})}])
def test_money_that_is_under_way_or_before_a_human_is_not_judged_yet(open_question: dict[str, Any]) -> None:
    assert "captures_whole" not in found(replace(KEPT, gateway=[AUTHORIZED]), order(**open_question))


def test_a_change_lessens_the_capture_or_is_given_back() -> None:
    """PAY-06: 300 of 1000 yen went before the capture, or after it."""
    changed = order(changes=[Change("short", 300)], money=Money("sandbox", 1000, 700, adjusted=300))
    less = {**CAPTURED, "answer": {"id": "c", "authorization": "auth_1", "amount": 700}}
    back = {**REFUNDED, "answer": {"id": "r", "authorization": "auth_1", "amount": 300}}
    for gateway in ([AUTHORIZED, less], [AUTHORIZED, CAPTURED, back]):
        judges = found(replace(KEPT, gateway=gateway), changed)
        assert not {"captures_whole", "refunds_exact"} & judges.keys()


def test_money_is_taken_only_for_goods_that_left() -> None:
    early = NOON - timedelta(minutes=1)
    assert found(until=early)["captures_earned"] == ["salon/S-1 was captured and nothing was ever shipped"]
    assert "captures_earned" not in found(books=order(is_early=True), until=early)


def test_the_second_of_the_cutoff_is_whole() -> None:
    """CUT-01: salon until 15:00, inclusive to the second."""
    placed = {**PLACED, "placed_at": NOON.replace(hour=15, microsecond=900_000).isoformat()}
    assert "days_right" not in found(replace(KEPT, storefront=[{**ACK, "ordered": placed}, FINISHED]))


@pytest.mark.parametrize(("says", "is_right"), [("", False), ("lead_days = 1", True), ("transfer_days = 1", True)])
def test_goods_that_come_from_elsewhere_first_leave_later(says: str, is_right: bool) -> None:
    """INT-11: whoever sends them waits for them."""
    through = f'[suppliers.maker-b]\nships_via = "warehouse"\n{says}'
    shops = {**SHOPS, "salon": changed_shop(SHOPS["salon"], through, INSTALLATION)}
    placed = [{**ACK, "ordered": {**PLACED, "sources": ["maker-b"]}}, FINISHED]
    later = [{**INSTRUCTED, "dispatch_on": "2026-11-20"}, REPORTED]
    told = found(replace(KEPT, storefront=placed, suppliers=later), shops=shops)
    assert ("days_right" not in told) is is_right


def test_what_was_called_off_or_refused_may_be_asked_for_again() -> None:
    refusal = {"id": "SH-1:shipment.refused:1", "type": "shipment.refused"}
    no = {**INSTRUCTED, "plan": [{"at": NOON.isoformat(), "copies": 1, "event": refusal}]}
    asked_anew = order(shipments=[ShipmentBook("SH-1", "warehouse", "shipped", 1, {"1": 2})])
    for before, anew in ((no, {}), (INSTRUCTED, {"instead": True})):
        second = {**INSTRUCTED, "id": "SH-1:requested:2", **anew}
        assert found(replace(KEPT, suppliers=[before, second, REPORTED]), asked_anew) == {}


@pytest.mark.parametrize("became", ["quarantined", "ignored"])
def test_a_contradiction_is_no_parcel_and_must_change_nothing(became: str) -> None:
    books = replace(BOOKS, news={**BOOKS.news, str(FALSE["id"]): became})
    assert found(replace(KEPT, suppliers=[INSTRUCTED, REPORTED, FALSE]), books) == {}


@pytest.mark.parametrize(
    ("between", "repeated", "excused"),
    [
        ([CUT], 1, True),  # its sender was cut off after the final dot and could not know
        ([], 0, False),
        ([{**CUT, "message_id": "<2@x>"}], 0, False),  # it was another mail that was cut
        ([{**CUT, "message_id": "<2@x>", "also": ["<1@x>"]}], 1, True),  # taken over that connection a moment before
        ([CUT, CONFIRMED], 1, False),  # once more than the cut explains
    ],
)
def test_a_cut_excuses_a_copy_of_the_mail_that_was_cut(between: list[Any], repeated: int, excused: bool) -> None:
    sink = [CONFIRMED, TOLD, *between, CONFIRMED]
    assert ("mails_once" in found(replace(KEPT, sink=sink))) is not excused
    assert repeated_mails(sink) == repeated


@pytest.mark.parametrize(
    ("killed", "copies", "excused"),
    [
        ([["<1@x>"]], 1, True),  # it was sent, and who sent it could not record it
        ([["<2@x>"]], 1, False),  # another one was held
        ([["<1@x>"]], 2, False),
        ([["<1@x>"], ["<1@x>", "<2@x>"]], 2, True),
    ],
)
def test_a_kill_excuses_a_copy_of_each_mail_that_was_held(killed: list[list[str]], copies: int, excused: bool) -> None:
    kills = [{"kind": "killed", "held": held} for held in killed]
    sink = [CONFIRMED, TOLD, *[CONFIRMED] * copies]
    assert ("mails_once" in found(replace(KEPT, sink=sink, kills=kills))) is not excused
    assert repeated_mails(sink, kills) == min(copies, sum("<1@x>" in held for held in killed))


#: Template -> an order whose history asks for one mail of it.
ASKED_FOR: Mapping[str, dict[str, Any]] = {
    "order_held": {"held_at_once": True},
    "payment_instructions": {
        "money": Money("sandbox", 1000, 1000, was_instructed=True),
        "moves": [*MOVES[:1], Move(2, "order", "1", "accepted", "awaiting_payment", "waits", NOON), *MOVES[2:]],
    },
    "payment_reminder": {
        "method": "bank_transfer",
        "moves": [
            MOVES[0],
            Move(2, "order", "1", "accepted", "awaiting_payment", "waits", NOON),
            Move(3, "order", "1", "awaiting_payment", "cancelled", "not paid in time (PAY-07)", NOON),
        ],
    },
    "payment_received": {"moves": [*MOVES[:1], MOVES[1]._replace(cause="deposit received"), *MOVES[2:]]},
    "payment_failed": {
        "moves": [*MOVES, Move(4, "order", "1", "shipped", "cancelled", "payment failed: declined", NOON)]
    },
    "order_cancelled": {
        "moves": [*MOVES, Move(4, "order", "1", "shipped", "cancelled", "cancelled by the customer", NOON)]
    },
    "refund_account_needed": {"held": Counter(refund_due=1)},
    "deposit_differs": {"held": Counter(deposit_mismatch=1)},
    "request_not_met": {"held": Counter(request_not_met=1)},
    "dispatch_delayed": {"held": Counter(dispatch_late=1)},
    "supplier_overdue": {"held": Counter(supplier_silent=1)},
    "dispatch_planned": {
        "held_at_once": True,
        "moves": [*MOVES, Move(4, "shipment", "SH-1", None, "planned", "split", NOON)],
    },
    "tracking_corrected": {
        "moves": [*MOVES, Move(4, "shipment", "SH-1", "instructed", "shipped", "all pieces shipped", NOON)],
        "parcels": [ParcelBook("SH-1", "1", "in_transit")],
        "news": [DELIVERED._replace(type="shipment.tracking_corrected", at=NOON + timedelta(hours=1))],
    },
    "cod_unclaimed": {
        "method": "cod",
        "parcels": [ParcelBook("SH-1", "1", "attempt_failed")],
        "moves": [*MOVES, Move(4, "order", "1", "shipped", "cancelled", "not received in 7 days (PAY-09)", NOON)],
    },
    "pickup_ready": {"is_pickup": True, "parcels": [ParcelBook("SH-1", "1", "at_store")]},
    "store_notice": {
        "is_pickup": True,
        "moves": [*MOVES, Move(4, "order", "1", "shipped", "cancelled", "no visit by 2026-12-05 (STO-01)", NOON)],
    },
    "order_delivered": {"news": [DELIVERED]},
    "parcel_returned": {"news": [DELIVERED._replace(type="shipment.returned")]},
    "transit_accident": {"news": [DELIVERED._replace(type="shipment.lost")]},
    "order_short": {"changes": [Change("short", 0)]},
    "refund_done": {"moves": [*MOVES, Move(4, "payment", "1", "captured", "partly_refunded", "refunded", NOON)]},
    "address_changed": {"readdressed": 1},
    "points_activated": {"moves": [*MOVES, Move(4, "lot", "7", "pending", "valid", "order:1:activate", NOON)]},
    "supplier_instruction": {"mailed_instructions": 1},
    "supplier_cancel": {
        "moves": [
            *MOVES,
            Move(4, "order", "1", "shipped", "cancelled", "cancelled by the customer", NOON),
            Move(5, "shipment", "SH-1", "instructed", "cancelled", "cancelled by the customer", NOON),
        ]
    },
}


@pytest.mark.parametrize("template", ASKED_FOR)
def test_a_mail_of_every_template_is_missed_if_the_history_asks_for_it(template: str) -> None:
    missed = f"salon/S-1 was to be told {template} 1 times and was 0 times"
    assert missed in found(books=order(**ASKED_FOR[template]))["mails_due"]


@pytest.mark.parametrize(
    ("template", "otherwise"),
    [
        ("dispatch_planned", {"held": Counter(request_not_met=1)}),  # the day misses the wish: request_not_met tells of it
        ("dispatch_planned", {"held_at_once": False}),  # the confirmation told of the day
        ("tracking_corrected", {"parcels": [ParcelBook("SH-1", "1", "delivered")]}),  # there is nothing left to follow
        ("tracking_corrected", {"news": [DELIVERED._replace(type="shipment.tracking_corrected", at=NOON)]}),  # one mail has both
        ("order_delivered", {"is_pickup": True}),  # the carrier brought it to a store
        ("payment_instructions", {"moves": [
            MOVES[0],
            Move(2, "order", "1", "accepted", "awaiting_payment", "waits", NOON),
            Move(3, "order", "1", "awaiting_payment", "cancelled", "not paid in time (PAY-07)", NOON + timedelta(seconds=6)),
        ]}),  # the time was over before anybody knew
        ("cod_unclaimed", {"parcels": [ParcelBook("SH-1", "1", "returning")]}),  # it cannot be received any more
    ],
)  # fmt: skip
def test_a_mail_is_not_missed_where_something_else_stood_in_its_place(template: str, otherwise: dict[str, Any]) -> None:
    told = found(books=order(**{**ASKED_FOR[template], **otherwise})).get("mails_due", [])
    assert not [says for says in told if template in says]


@pytest.mark.parametrize(
    ("template", "says", "is_due"),
    [
        ("payment_reminder", "bank_transfer_days = 7\nbank_transfer_reminder_days = 6", True),
        ("payment_reminder", "bank_transfer_days = 7\nbank_transfer_reminder_days = 7", False),
        ("payment_reminder", "bank_transfer_reminder_days = 0", False),
        ("cod_unclaimed", "cod_unclaimed_days = 3\ncod_reminder_days = 1", True),
        ("cod_unclaimed", "cod_unclaimed_days = 3\ncod_reminder_days = 2", False),  # the day on which it left
        ("cod_unclaimed", "cod_reminder_days = 0", False),
    ],
)
def test_a_reminder_is_missed_where_the_profile_has_a_day_for_it(template: str, says: str, is_due: bool) -> None:
    """PAY-07, PAY-09."""
    shops = {**SHOPS, "salon": changed_shop(SHOPS["salon"], f"[payment]\n{says}", INSTALLATION)}
    told = found(books=order(**ASKED_FOR[template]), shops=shops).get("mails_due", [])
    assert any(template in one for one in told) is is_due


LATE = DELIVERED._replace(event_id="SH-1:shipment.delayed:1", type="shipment.delayed", heard_at=NOON)
LEFT = DELIVERED._replace(event_id="SH-1:shipment.shipped:2", type="shipment.shipped", heard_at=NOON)


@pytest.mark.parametrize(
    ("news", "is_due"),
    [
        ([LATE], True),
        ([LATE, LEFT._replace(heard_at=NOON + timedelta(hours=1))], True),
        ([LATE, LEFT], False),  # both were heard at once: the goods are on their way
        ([LEFT, LATE._replace(heard_at=NOON + timedelta(hours=1))], False),
        ([LATE, LEFT._replace(event_id="SH-2:shipment.shipped:2")], True),  # others are
    ],
)
def test_a_delay_is_told_unless_the_goods_had_left_by_then(news: list[News], is_due: bool) -> None:
    told = found(books=order(news=news)).get("mails_due", [])
    assert any("dispatch_delayed" in says for says in told) is is_due


def test_who_cancelled_before_anybody_had_looked_is_told_so_and_nothing_else() -> None:
    """CAN-03."""
    moves = [MOVES[0], Move(2, "order", "1", "accepted", "cancelled", "cancelled by the customer", NOON)]
    books = order(**CANCELLED, moves=moves, parcels=[])
    assert "mails_due" not in found(replace(KEPT, sink=[mail("<1@x>", "order_cancelled")]), books)


def test_journals_are_read_from_their_files_and_a_missing_one_is_empty(tmp_path: Path) -> None:
    for name, record in (("sink", CONFIRMED), ("storefront", FINISHED)):
        (tmp_path / f"{name}.jsonl").write_bytes(orjson.dumps(record) + b"\n")
    assert Journals.read(tmp_path) == Journals(
        storefront=[FINISHED], gateway=[], suppliers=[], bank=[], sink=[CONFIRMED], events=[], kills=[]
    )
