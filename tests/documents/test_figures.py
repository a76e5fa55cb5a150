"""The figures of documents: every published vector, and the books whatever happened to an order (B.1.2, B.1.3, TAX-09)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.documents.figures import Figures, Item, figures, given_back, sale
from pipelines.documents.kinds import Kind
from pipelines.documents.paper import Addressee, Document
from pipelines.documents.parties import issuer_of
from pipelines.documents.tables import body, notes
from pipelines.documents.words import WORDS
from pipelines.rules.money.adjustments import Adjustment, adjust, goodwill, totals_after
from pipelines.rules.money.stamp_duty import stamp_duty
from pipelines.rules.money.tax import needs_return_invoice
from pipelines.rules.order import Line
from tests.documents.orders import SENT, facts_of, printed
from tests.examples import examples
from tests.world import SHOPS, a_line

VECTORS = json.loads(Path(__file__).with_name("vectors.json").read_text("utf-8"))
PAPERS = [one for one in VECTORS if one["kind"] != "stamp"]
STAMPS = [one for one in VECTORS if one["kind"] == "stamp"]
WORDS_JA = WORDS["ja"]


def of(vector: dict[str, Any]) -> Figures:
    """A vector's rows through the figures of a document."""
    told = vector["input"]
    items = [
        Item(one["name"], one["qty"], one["unit"], one["qty"] * one["unit"], one["rate"], shares=one["share"])
        for one in told["lines"]
    ]
    display = "ex_tax" if told["prices"] == "ex" else "tax_included"
    return figures(items, display=display, rounding=told["rounding"], reduction=told["discount"])


@pytest.mark.parametrize("vector", PAPERS, ids=lambda one: one["id"])
def test_a_vector_is_met_to_the_yen(vector: dict[str, Any]) -> None:
    found, wanted = of(vector), vector["printed"]
    rates = [{"rate": r.rate, "discount": r.reduction, "ex": r.ex, "tax": r.tax, "incl": r.incl} for r in found.rates]
    assert rates == wanted["rates"]
    assert list(found.reductions) == wanted["line_discounts"]
    assert [item.amount for item in found.items] == wanted["line_amounts"]
    assert (found.tax_total, found.total) == (wanted["tax_total"], wanted["total"])
    assert needs_return_invoice(found.total) == vector.get("must_issue", needs_return_invoice(found.total))


@pytest.mark.parametrize("vector", PAPERS, ids=lambda one: one["id"])
def test_a_vector_is_printed_to_the_yen(vector: dict[str, Any]) -> None:
    found, wanted, shop = of(vector), vector["printed"], SHOPS["clinic"]
    display = "ex_tax" if vector["input"]["prices"] == "ex" else "tax_included"
    text = printed(
        Document(
            kind=Kind(vector["kind"]),
            layout="receipt" if vector["kind"] == "receipt" else "letter",
            locale="ja",
            title=WORDS_JA[vector["kind"]],
            issuer=issuer_of(shop, "ja"),
            addressee=Addressee("株式会社見本", "御中"),
            transaction_on=SENT.date(),
            amount=found.total,
            amount_label=WORDS_JA["amount_received"],
            notes=list(notes(found, WORDS_JA)),
            **body(found, {}, display, WORDS_JA),
        )
    )
    for one in wanted["rates"]:
        reduced = "（軽減税率）" if one["rate"] == 8 else ""
        assert f"{one['rate']}%対象{reduced}¥{one['ex']:,}¥{one['tax']:,}¥{one['incl']:,}" in text
    assert f"合計¥{found.ex_total:,}¥{wanted['tax_total']:,}¥{wanted['total']:,}" in text
    for line, amount in zip(vector["input"]["lines"], wanted["line_amounts"], strict=True):
        mark = "※" if line["rate"] == 8 else ""
        assert f"{line['name']}{mark}{line['qty']:,}{line['unit']:,}{amount:,}".replace(" ", "") in text
    assert ("※印は軽減税率" in text) == any(one["rate"] == 8 for one in vector["input"]["lines"])


def test_notes_round_for_themselves_and_the_invoice_once() -> None:
    """D09: the notes' taxes come to 516, the invoice's to 517."""
    vector = next(one for one in PAPERS if one["id"] == "D09")
    assert sum(note["tax_total"] for note in vector["delivery_notes"]) == vector["sum_of_notes_tax"] == 516
    assert of(vector).tax_total == 517


@pytest.mark.parametrize("vector", STAMPS, ids=lambda one: one["id"])
def test_stamp_duty(vector: dict[str, Any]) -> None:
    told = vector["input"]
    received = told["method"] in ("cash", "bank_transfer")
    due = stamp_duty(
        ex_tax=told["ex"],
        with_tax=told["incl"],
        tax_shown=told["tax_shown"],
        paper=told["paper"],
        money_received=received,
    )
    assert due == vector["stamp"]


@pytest.mark.parametrize(
    ("with_tax", "duty"),
    [
        (49_999, 0),
        (50_000, 200),
        (1_000_000, 200),
        (1_000_001, 400),
        (2_000_001, 600),
        (3_000_001, 1_000),
        (5_000_001, 2_000),
        (10_000_000, 2_000),
        (10_000_001, 4_000),
        (20_000_001, 6_000),
        (30_000_001, 10_000),
        (50_000_001, 20_000),
        (100_000_001, 40_000),
        (200_000_001, 60_000),
        (300_000_001, 100_000),
        (500_000_001, 150_000),
        (1_000_000_000, 150_000),
        (1_000_000_001, 200_000),
    ],
)
def test_the_steps_of_stamp_duty_where_the_tax_is_not_shown(with_tax: int, duty: int) -> None:
    assert stamp_duty(ex_tax=0, with_tax=with_tax, tax_shown=False, paper=True, money_received=True) == duty


@pytest.mark.parametrize(
    ("treatment", "rates", "paid_in_points"),
    [("discount", {8: 530, 10: 539}, 0), ("payment", {8: 540, 10: 550}, 21)],
    ids=["reduction", "means of payment"],
)
def test_the_tax_agencys_own_receipt_with_points(treatment: str, rates: dict[int, int], paid_in_points: int) -> None:
    """B.1.3: 540 at 8 % and 550 at 10 %, 21 points used."""
    lines = [a_line("1", 1, 540, tax_rate=8), a_line("2", 1, 550)]
    facts = facts_of("reuse", *lines)
    sums = facts.breakdown.__class__(
        **{name: getattr(facts.breakdown, name) for name in facts.breakdown.__slots__}
        | {"points_used": 21, "grand_total": facts.breakdown.grand_total - 21}
    )
    found = sale(facts.order.lines, sums, (), treatment, WORDS_JA)
    assert {one.rate: one.incl for one in found.figures.rates} == rates
    assert found.paid_in_points == paid_in_points
    assert (found.received, found.other) == (1_069, 0)


KINDS = st.sampled_from(["cancel", "short", "return", "fault"])


@st.composite
def histories(draw: st.DrawFn) -> tuple[Any, list[Adjustment], str]:
    """An order of any shop, changed any number of times."""
    shop = draw(st.sampled_from(["salon", "apparel", "reuse", "clinic"]))
    unique = shop == "reuse"
    lines = [
        a_line(
            str(at),
            1 if unique else draw(st.integers(1, 5)),
            draw(st.integers(60, 30_000)),
            tax_rate=draw(st.sampled_from([8, 10])),
            sku=f"SKU-{at}",
        )
        for at in range(1, draw(st.integers(1, 4)) + 1)
    ]
    coupons = (
        [{"code": "A", "kind": "amount", "value": draw(st.integers(1, 900))}] if shop in ("salon", "apparel") else []
    )
    used = draw(st.integers(0, 2_000)) if shop != "clinic" else 0
    facts = facts_of(shop, *lines, coupons=coupons, points={"use": used}, assume={"points_balance": used})
    left = {line.line: line.quantity for line in facts.order.lines}
    changes: list[Adjustment] = []
    for _ in range(draw(st.integers(0, 4))):
        paid = facts.breakdown.grand_total - sum(one.money for one in changes)
        if draw(st.booleans()) and paid > 1:
            changes.append(goodwill(draw(st.integers(1, max(1, paid // 4)))))
            continue
        open_ = [line for line, pieces in left.items() if pieces]
        if not open_:
            break
        line = draw(st.sampled_from(open_))
        pieces = draw(st.integers(1, left[line]))
        left[line] -= pieces
        changes.append(adjust(facts.breakdown, changes, draw(KINDS), [(line, pieces)]))
    return facts, changes, draw(st.sampled_from(["discount", "payment"]))


@settings(max_examples=examples(300), deadline=None)
@given(histories())
def test_a_sale_is_the_orders_books(history: tuple[Any, list[Adjustment], str]) -> None:
    """Whatever was cancelled, returned or given back: what a document says was received is what the books say is due, by rate
    the amounts add up, and without points and goodwill the taxes are the stored ones."""
    facts, changes, treatment = history
    found, left = (
        sale(facts.order.lines, facts.breakdown, changes, treatment, WORDS_JA),
        totals_after(facts.breakdown, changes),
    )
    assert found.received == left["grand_total"]
    assert found.figures.total - found.paid_in_points + found.other == found.received
    assert all(one.ex + one.tax == one.incl for one in found.figures.rates)
    amounts = sum(item.amount for item in found.figures.items)
    assert amounts == left["goods"] + left["shipping"] + left["fees"]
    if not any(one.lump for one in found.figures.rates):
        assert [(one.rate, one.tax) for one in found.figures.rates] == [
            (one["rate"], one["tax"]) for one in left["tax"]
        ]
    if not changes:
        assert found.other == 0


@settings(max_examples=examples(200), deadline=None)
@given(histories())
def test_what_is_given_back_and_what_is_left_are_the_whole_sale(history: tuple[Any, list[Adjustment], str]) -> None:
    """B.1.4: return invoices of all changes and what is left of the order add up to the order, before points and goodwill."""
    facts, changes, _ = history
    plain = [one for one in changes if one.kind != "goodwill"]
    if plain != changes:
        return
    whole = sale(facts.order.lines, facts.breakdown, (), "payment", WORDS_JA).figures
    left = sale(facts.order.lines, facts.breakdown, changes, "payment", WORDS_JA).figures
    back = [
        given_back(facts.order.lines, facts.breakdown, changes[:at], one, "payment", WORDS_JA)
        for at, one in enumerate(changes)
    ]
    assert left.total + sum(one.total for one in back) == whole.total
    assert left.tax_total + sum(one.tax_total for one in back) == whole.tax_total


@pytest.mark.parametrize(
    ("shop", "prices", "short", "ex", "tax"),
    [("clinic", (1_004, 1_001), "2", 1_004, 100), ("salon", (105, 105, 105), "3", 810, 81)],
)
def test_an_invoice_without_what_was_missing_rounds_what_is_on_it(
    shop: str, prices: tuple[int, ...], short: str, ex: int, tax: int
) -> None:
    """B.1.2, INT-13: once per rate, shipping included; and it is what was captured."""
    facts = facts_of(shop, *(a_line(str(at), 1, price) for at, price in enumerate(prices, 1)))
    changes = [adjust(facts.breakdown, (), "short", [(short, 1)])]
    found = sale(facts.order.lines, facts.breakdown, changes, "discount", WORDS_JA)
    assert [(one.ex, one.tax, one.incl) for one in found.figures.rates] == [(ex, tax, ex + tax)]
    assert (found.received, found.other) == (ex + tax, 0)


def test_a_line_keeps_its_pieces() -> None:
    """Pieces that are gone are no longer on the document."""
    facts = facts_of("salon", a_line("1", 3, 1_000))
    found = sale(
        facts.order.lines, facts.breakdown, [adjust(facts.breakdown, (), "cancel", [("1", 2)])], "discount", WORDS_JA
    )
    goods = [item for item in found.figures.items if item.role == "goods"]
    line: Line = facts.order.lines[0]
    assert [(item.name, item.quantity, item.amount) for item in goods] == [(line.name, 1, 1_000)]


def test_no_stamp_is_due_on_more_than_was_received() -> None:
    """B.1.3, B.1.5: 60,000 yen with tax, of which third-party points paid 11,000."""
    assert stamp_duty(ex_tax=54_546, with_tax=49_000, tax_shown=True, paper=True, money_received=True) == 0
    assert stamp_duty(ex_tax=54_546, with_tax=60_000, tax_shown=True, paper=True, money_received=True) == 200
