"""Who may have which document until when, by rule id (DOC-01 to DOC-05, B.10)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from typing import Any

import pytest

from pipelines.documents.facts import Change, Issued, SaleFacts
from pipelines.documents.kinds import Kind
from pipelines.documents.permission import Answer, may_issue, returned_total, subjects
from pipelines.documents.writing import Wish, write
from pipelines.rules.money.adjustments import FAULT, SHORT, adjust
from tests.documents.orders import SENT, facts_of
from tests.world import SHOPS, a_line


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}+09:00")


def asked(kind: Kind, facts: SaleFacts, shop: str, now: datetime = SENT, **profile: Any) -> Answer:
    known = SHOPS[shop]
    return may_issue(kind, facts, known.model_copy(update=profile), now)


def paid(method: str, shop: str = "reuse") -> SaleFacts:
    """A paid order by that method, which left on 2026-11-01 at 16:00."""
    return replace(facts_of(shop, a_line("1", 1, 20_000)), method=method)


RECEIPTS = [
    ("reuse", "card", True, "DOC-02"),
    ("reuse", "paypay", True, "DOC-02"),
    ("reuse", "amazon_pay", True, "DOC-02"),
    ("reuse", "bank_transfer", True, "DOC-02"),  # enclosed, or posted on request
    ("reuse", "konbini", False, "DOC-02"),  # the store's slip
    ("reuse", "cod", False, "DOC-02"),  # the carrier's slip
    ("reuse", "loan", False, "DOC-02"),  # the lender's
    ("clinic", "card", True, "DOC-01"),
    ("clinic", "direct_debit", False, "DOC-01"),  # the statement
    ("clinic", "claims_offset", False, "DOC-01"),
    ("clinic", "bank_transfer", False, "DOC-01"),  # only card payers
    ("salon", "none", False, "DOC-05"),  # all by points: nothing received
]


@pytest.mark.parametrize(("shop", "method", "allowed", "rule"), RECEIPTS)
def test_who_writes_the_receipt(shop: str, method: str, allowed: bool, rule: str) -> None:
    answer = asked(Kind.RECEIPT, paid(method, shop), shop)
    assert (answer.allowed, answer.because[0].rule) == (allowed, rule)


@pytest.mark.parametrize(
    ("now", "allowed"),
    [
        ("2026-11-01T16:00:00", True),
        ("2026-11-30T23:59:59", True),  # the last second of the 30th day, the dispatch day counted
        ("2026-12-01T00:00:00", False),
    ],
)
def test_thirty_days_count_the_dispatch_day(now: str, allowed: bool) -> None:
    """DOC-02, B.10: dispatched 2026-11-01, last day 2026-11-30."""
    answer = asked(Kind.RECEIPT, paid("card"), "reuse", at(now))
    assert (answer.allowed, answer.until) == (allowed, date(2026, 11, 30))


def test_the_days_count_from_the_last_parcel() -> None:
    """SPL-06"""
    facts = paid("card")
    later = replace(facts.parcels[0], place=2, key="2", sent_at=at("2026-11-05T10:00:00"))
    answer = asked(Kind.RECEIPT, replace(facts, parcels=[*facts.parcels, later]), "reuse")
    assert answer.until == date(2026, 12, 4)


@pytest.mark.parametrize(
    ("sent", "taken_out", "allowed"),
    [
        ({"1": 2, "2": 1}, {}, True),
        ({"1": 2}, {}, False),
        ({"1": 1, "2": 1}, {}, False),
        ({"1": 2}, {"2": 1}, True),
    ],
    ids=["all", "a line is to leave", "a piece is to leave", "the rest was taken out"],
)
def test_an_invoice_is_written_once_all_that_it_states_has_left(
    sent: dict[str, int], taken_out: dict[str, int], allowed: bool
) -> None:
    """DOC-05: it states what was supplied; goods that were never sent would stand on it for good."""
    facts = facts_of("clinic", a_line("1", 2, 3_000), a_line("2", 1, 5_000))
    gone = [Change(1, SENT, adjust(facts.breakdown, [], SHORT, taken_out.items()))] if taken_out else []
    facts = replace(facts, changes=gone, parcels=[replace(facts.parcels[0], lines=sent)])
    answer = asked(Kind.INVOICE, facts, "clinic")
    assert (answer.allowed, answer.because[0].rule) == (allowed, "DOC-04" if allowed else "DOC-05")


def issued(facts: SaleFacts, kind: Kind = Kind.RECEIPT) -> SaleFacts:
    return replace(facts, issued=[Issued("DC-1", kind, "", "REUSE-R-000001", 1, SENT)])


@pytest.mark.parametrize(
    ("shop", "method", "again"),
    [("reuse", "card", False), ("reuse", "bank_transfer", True), ("clinic", "card", True), ("salon", "card", True)],
)
def test_once_or_again(shop: str, method: str, again: bool) -> None:
    """DOC-02: once where customers fetch it themselves; DOC-01: else again, as a copy."""
    assert asked(Kind.RECEIPT, issued(paid(method, shop)), shop).allowed is again


def test_before_the_goods_left_there_is_no_receipt_to_fetch() -> None:
    assert not asked(Kind.RECEIPT, replace(paid("card"), parcels=()), "reuse").allowed
    assert asked(Kind.RECEIPT, replace(paid("bank_transfer"), parcels=()), "reuse").allowed, "it is enclosed"


def test_money_that_is_not_there_has_no_receipt() -> None:
    """DOC-05."""
    assert asked(Kind.RECEIPT, replace(paid("card"), captured=0), "reuse").because[0].rule == "DOC-05"
    back = facts_of("salon", a_line("1", 1, 20_000), returned=True)
    assert not asked(Kind.RECEIPT, back, "salon").allowed, "all of it went back"


def test_of_a_cancelled_order_nothing_was_sold() -> None:
    """CAN-04: also where its goods had left, as those that nobody received, and whatever was captured of it."""
    gone = replace(paid("card", "clinic"), cancelled_at=SENT)
    for kind in (Kind.RECEIPT, Kind.INVOICE):
        assert asked(kind, gone, "clinic").because[0].rule == "CAN-04"
    assert asked(Kind.DELIVERY_NOTE, gone, "clinic").allowed, "the parcel left all the same"
    assert not asked(Kind.RETURN_INVOICE, gone, "clinic").allowed, "no invoice says that anything was supplied"


@pytest.mark.parametrize(("price", "must"), [(9_090, False), (9_091, True)])
def test_an_invoice_that_was_issued_before_a_cancel_is_taken_back(price: int, must: bool) -> None:
    """B.1.4: two pieces at 10 % and one at 8 %, of which one came back before, 500 yen of shipping; the cancel takes back all else, from
    10,000 yen with tax as it must (9,090 + 909 = 9,999)."""
    facts = facts_of("clinic", a_line("1", 2, price), a_line("2", 1, 100, tax_rate=8))
    issued = Issued("DC-1", Kind.INVOICE, "", "CLINIC-I-000001", 1, SENT)
    back = Change(1, SENT, adjust(facts.breakdown, [], FAULT, [("1", 1), ("2", 1)]))
    gone = replace(facts, issued=[issued], changes=[back], cancelled_at=at("2026-11-20T12:00:00"), captured=0)
    answer = asked(Kind.RETURN_INVOICE, gone, "clinic")
    assert (answer.allowed, answer.subject, answer.must) == (True, "cancel", must)
    assert subjects(Kind.RETURN_INVOICE, gone) == ["change-1", "cancel"]
    whole = returned_total(gone, gone.given_back[0], SHOPS["clinic"]) + returned_total(
        gone, gone.given_back[1], SHOPS["clinic"]
    )
    assert whole == facts.breakdown.grand_total, "all that the invoice states"
    paper = write(Wish(Kind.RETURN_INVOICE, subject="cancel"), gone, SHOPS["clinic"], SENT)
    assert "CLINIC-I-000001" in dict(paper.details).values()
    assert [one.amount for one in paper.after] == [0], "nothing had been paid"


def test_an_invoice_needs_a_registration_and_a_supply() -> None:
    """DOC-04, B.1.4; TAX-02: what is billed by the month is invoiced there."""
    clinic = paid("card", "clinic")
    assert asked(Kind.INVOICE, clinic, "clinic").allowed
    assert asked(Kind.INVOICE, clinic, "clinic", registration_number=None).because[0].rule == "DOC-04"
    assert asked(Kind.INVOICE, replace(clinic, parcels=()), "clinic").because[0].rule == "DOC-05"
    assert asked(Kind.INVOICE, replace(clinic, method="direct_debit"), "clinic").because[0].rule == "TAX-02"


@pytest.mark.parametrize(("price", "must"), [(9_999, False), (10_000, True)])
def test_a_return_invoice_is_due_from_ten_thousand_yen(price: int, must: bool) -> None:
    """B.1.4; vectors D12 and D13."""
    back = facts_of("reuse", a_line("1", 1, price), returned=True)
    registered = {"registration_number": "T6120001113618"}
    answer = asked(Kind.RETURN_INVOICE, back, "reuse", **registered)
    assert (answer.allowed, answer.must) == (True, must)
    assert not asked(Kind.RETURN_INVOICE, paid("card"), "reuse", **registered).allowed, "nothing came back"


def test_a_parcel_has_a_note_once_it_left() -> None:
    """DOC-03."""
    facts = paid("card")
    assert asked(Kind.DELIVERY_NOTE, facts, "reuse").subject == facts.parcels[0].subject
    assert not asked(Kind.DELIVERY_NOTE, replace(facts, parcels=()), "reuse").allowed


@pytest.mark.parametrize(
    ("kind", "rule", "says"),
    [
        (Kind.RECEIPT, "DOC-05", "of the whole order"),
        (Kind.INVOICE, "DOC-05", "of the whole order"),
        (Kind.DELIVERY_NOTE, "DOC-03", "No parcel of this order is called so"),
        (Kind.RETURN_INVOICE, "DOC-05", "No change of this order is called so"),
    ],
)
def test_what_names_nothing_of_the_order_is_refused_as_that(kind: Kind, rule: str, says: str) -> None:
    """Nobody who asks for the receipt of one parcel is given, for ever, one of the whole order; nor is it said that no parcel has
    left where one has."""
    facts = facts_of("clinic", a_line("1", 1, 20_000), returned=True)
    answer = may_issue(kind, facts, SHOPS["clinic"], SENT, "SH-another/1")
    assert (answer.allowed, answer.because[0].rule) == (False, rule)
    assert says in answer.because[0].says
