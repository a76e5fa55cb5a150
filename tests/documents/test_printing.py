"""What is printed: the same bytes for the same data, whatever anybody wrote, and each paper's own words (A.13, B.1.4)."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from datetime import date
from typing import Any

import orjson
import pytest
from PIL import Image, ImageChops
from pypdf import PageObject, PdfReader

from pipelines.documents.facts import SaleFacts
from pipelines.documents.kinds import Kind
from pipelines.documents.paper import issued
from pipelines.documents.parcel_papers import shows_prices
from pipelines.documents.parties import named, ship_to_of
from pipelines.documents.sample import sample
from pipelines.documents.writing import Wish, write
from tests.documents.orders import SENT, facts_of, printed, text_of
from tests.world import SHOPS, a_line, document
from workers.documents.fonts import MISSING, printable
from workers.documents.typesetter import Typesetter, typesetter


def paper(kind: str, facts: SaleFacts, shop: str = "salon", **wish: Any) -> dict[str, Any]:
    return issued(write(Wish(Kind(kind), **wish), facts, SHOPS[shop], SENT).to_json(), "TEST-1", SENT.date())


def test_the_same_data_gives_the_same_bytes_in_another_press() -> None:
    content = paper("receipt", facts_of())
    assert typesetter().pdf(content) == Typesetter().pdf(orjson.loads(orjson.dumps(content)))


def test_it_is_an_archive_file_that_can_be_read_aloud() -> None:
    """PDF/A-3a and PDF/UA-1 by its own words; tagged, titled, in Japanese, the font inside."""
    reader = PdfReader(io.BytesIO(typesetter().pdf(paper("receipt", facts_of()))))
    said = reader.xmp_metadata
    assert said is not None
    xmp = said.stream.get_data().decode()
    assert "<pdfaid:part>3" in xmp
    assert "<pdfuaid:part>1" in xmp
    assert reader.trailer["/Root"]["/Lang"] == "ja-JP"
    assert reader.trailer["/Root"]["/MarkInfo"]["/Marked"]
    assert reader.metadata is not None
    assert reader.metadata.title == "領収書 TEST-1"
    assert all("NotoSansCJK" in font for font in _fonts(reader))


@pytest.mark.parametrize("kind", ["receipt", "invoice"])
def test_totals_are_never_alone_on_a_page(kind: str) -> None:
    """documents.md 5: rows stand above them, under a heading of their own; of however many there are."""
    for count in (*range(13, 27), *range(52, 66)):
        lines = [a_line(str(number), 1, 1_000) for number in range(1, count + 1)]
        pages = [page.extract_text() for page in _pages(typesetter().pdf(paper(kind, facts_of("salon", *lines))))]
        ends = next(page for page in pages if "消費税額は税率ごと" in page)
        assert f"商品 {count} " in ends, count
        assert all("品名" in page for page in pages), count
        assert [sum(f"商品 {number} " in page for page in pages) for number in range(1, count + 1)] == [1] * count


@pytest.mark.parametrize(
    ("sku", "lines"),
    [
        ("ABCDEFGHJKLMN1234567890", ["ABCDEFGHJKLMN1234", "567890"]),
        ("SHAMPOO-1L-BLACK-LIMITED-2026", ["SHAMPOO-1L-BLACK-", "LIMITED-2026"]),
        ("SKU-1", ["SKU-1"]),
    ],
)
def test_a_stock_number_never_lies_over_the_name_beside_it(sku: str, lines: list[str]) -> None:
    """SPL-01: what is picked is found by it."""
    raw = document("S-1", a_line("1", 2, 1_000, sku=sku), shop="salon")
    (page,) = _pages(typesetter().pdf(sample(raw, SHOPS, Wish(Kind.PICK_LIST))))
    text = page.extract_text().replace("\u200b", "").partition("確認")[2].partition("商品")[0]
    assert text.split() == lines


def test_of_several_labels_each_says_which_it_is() -> None:
    """documents.md 5: page n of N, where there are more than one."""
    for count, pages in ((1, []), (40, ["1/2", "2/2"])):
        raw = document("S-1", *(a_line(str(n), 1, 1_000) for n in range(1, count + 1)))
        pdf = typesetter().pdf(sample(raw, SHOPS, Wish(Kind.DELIVERY_NOTE, label=True)))
        assert re.findall(r"\d/\d", re.sub(r"\s", "", "|".join(one.extract_text() for one in _pages(pdf)))) == pages


def _pages(pdf: bytes) -> list[PageObject]:
    return list(PdfReader(io.BytesIO(pdf)).pages)


def _fonts(reader: PdfReader) -> set[str]:
    return {
        str(font.get_object()["/BaseFont"]) for page in reader.pages for font in page["/Resources"]["/Font"].values()
    }


HOSTILE = {
    "markup": '*bold* #panic("x") $y$ #{ while true {} } @ref <label> `code` \\ // comment',
    "html": "<script>alert(1)</script>",
    "long": "あ" * 10_000,
    "long latin": "W" * 10_000,
    "right to left": "\u202eabc\u202c שלום",
    "emoji": "お祝い🎉👨‍👩‍👧",
    "combined": "か\u3099き\u309a\u0301",
    "surrogate": "\ud83c",
    "quotes": '"\'\\"}],{[',
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_whatever_somebody_wrote_is_only_text(text: str) -> None:
    facts = facts_of("salon", a_line("1", 1, 1_000))
    (line,) = facts.order.lines
    order = replace(facts.order, lines=(replace(line, name=text),), customer=replace(facts.order.customer, name=text))
    content = paper("receipt", replace(facts, order=order), addressee=text, purpose=text[:40])
    pdf = typesetter().pdf(content)
    assert len(PdfReader(io.BytesIO(pdf)).pages) <= 2
    assert "¥1,7" in text_of(pdf), "the figures are there"


def test_markup_comes_out_as_it_was_written() -> None:
    assert '*x*#panic("x")$y$' in printed(paper("receipt", facts_of(), addressee='*x*#panic("x")$y$'))


def test_a_character_that_the_font_lacks_is_replaced_and_said() -> None:
    assert printable("髙﨑濵𠮷鷗①㈱") == ("髙﨑濵𠮷鷗①㈱", False)
    assert printable("祝🎉") == (f"祝{MISSING}", True)
    text = printed(paper("receipt", facts_of(), addressee="祝🎉会"))
    assert f"祝{MISSING}会様" in text
    assert "印刷できない文字" in text


@pytest.mark.parametrize(
    ("asked", "name", "honorific"),
    [
        ("株式会社しゅっか商店", "株式会社しゅっか商店", "御中"),
        ("㈱見本", "㈱見本", "御中"),
        ("髙橋 﨑子", "髙橋 﨑子", "様"),
        ("髙橋様", "髙橋", "様"),
        ("見本商店 御中", "見本商店", "御中"),
        ("株式会社見本 様 御中", "株式会社見本", "御中"),
        ("髙橋様様", "髙橋", "様"),
    ],
)
def test_one_honorific_never_two(asked: str, name: str, honorific: str) -> None:
    to = named(asked, "ja")
    assert (to.name, to.honorific) == (name, honorific)


@pytest.mark.parametrize(
    ("kind", "name", "asked", "honorific"),
    [
        ("individual", "髙橋 﨑子 様", None, "様"),
        ("organisation", "サロン髙橋 御中", None, "御中"),
        ("organisation", "サロン髙橋", "見本商店 御中", "御中"),
        ("organisation", "サロン髙橋", "髙橋 﨑子", "様"),
    ],
)
def test_a_parcels_note_has_one_honorific_whoever_wrote_it(
    kind: str, name: str, asked: str | None, honorific: str
) -> None:
    """One that the order's own name or the asked one ends in is not said twice."""
    order = facts_of().order
    to = ship_to_of(replace(order, ship_to=replace(order.ship_to, kind=kind, name=name)), "ja", asked)
    assert (to.name, to.honorific) == ((asked or name).removesuffix(f" {honorific}"), honorific)
    assert to.address


@pytest.mark.parametrize("asked", ["様", " 御中", "\u3000", "様 御中"])
@pytest.mark.parametrize("kind", ["receipt", "invoice", "delivery_note"])
def test_a_document_is_never_made_out_to_nobody(kind: str, asked: str) -> None:
    """B.1.4: who asks for an honorific alone gets the name of the remarks, else of the order."""
    remarks = "領収書の発行をお願いします。宛名は株式会社見本でお願いします。"
    content = paper(kind, facts_of("salon", remarks=remarks), addressee=asked)
    assert content["addressee"]["name"] == ("株式会社見本" if kind == "receipt" else "サロン髙橋")


def test_a_receipt_says_how_it_was_paid() -> None:
    """DOC-05: a card's names it, so that it needs no stamp (B.1.5)."""
    text = printed(paper("receipt", facts_of()))
    assert "理美容品代として（クレジットカード利用）" in text
    assert "貼付不要" in text


@pytest.mark.parametrize(("price", "stamp"), [(49_000, False), (60_000, True)])
def test_a_transfers_receipt_has_a_place_for_its_stamp(price: int, stamp: bool) -> None:
    """B.1.5: it goes on paper into the parcel; from 50,000 yen ex tax 200 yen."""
    facts = replace(facts_of("salon", a_line("1", 1, price)), method="bank_transfer")
    assert ("収入印紙¥200" in printed(paper("receipt", facts))) is stamp


def test_what_the_remarks_ask_for_is_on_the_receipt() -> None:
    """DOC-02: 宛名 and 但し書き out of the remarks."""
    facts = facts_of(
        "salon", remarks="領収書の発行をお願いします。宛名は株式会社見本、但し書きは備品代でお願いします。"
    )
    text = printed(paper("receipt", facts))
    assert "株式会社見本御中" in text
    assert "備品代として" in text


def test_an_invoice_has_all_that_the_law_asks_for() -> None:
    """B.1.4: issuer with number, day of supply, lines with the reduced rate marked, sums and tax by rate, recipient."""
    facts = facts_of("clinic", a_line("1", 2, 1_234, name="手袋"), a_line("2", 1, 987, name="ゼリー", tax_rate=8))
    text = printed(paper("invoice", facts, "clinic"))
    for said in (
        "株式会社クリニックサプライ",
        "登録番号T6120001113618",
        "取引日2026年11月1日",
        "手袋21,2342,468",
        "ゼリー※1987987",
        "※印は軽減税率（8%）対象品目です",
        "10%対象¥2,468¥247¥2,715",
        "8%対象（軽減税率）¥987¥79¥1,066",
        f"{facts.order.ship_to.name}御中".replace(" ", ""),
    ):
        assert said in text, said


def test_a_return_invoice_names_both_days_and_the_money() -> None:
    """B.1.4: the day of the refund and that of the supply."""
    facts = facts_of("clinic", a_line("1", 1, 11_000, name="コート"), returned=True)
    text = printed(paper("return_invoice", facts, "clinic"))
    assert "返還日2026年11月1日" in text
    assert "元の取引日2026年11月1日" in text
    assert "10%対象¥11,000¥1,100¥12,100" in text
    assert "ご返金額¥12,100" in text


@pytest.mark.parametrize(
    ("supplier", "profile", "shown"),
    [
        ("warehouse", {}, True),
        ("warehouse", {"note_prices": False}, False),
        ("maker-a", {}, False),  # never unless told to
        ("maker-a", {"maker_prices": True}, True),
    ],
)
def test_a_makers_parcel_shows_no_prices(supplier: str, profile: dict[str, bool], shown: bool) -> None:
    shop = SHOPS["clinic"]
    shop = shop.model_copy(update={"documents": shop.documents.model_copy(update=profile)})
    assert shows_prices(supplier, shop) is shown
    facts = facts_of("clinic", a_line("1", 1, 3_210, supplier=supplier))
    text = printed(write(Wish(Kind.DELIVERY_NOTE), facts, shop, SENT))
    assert ("3,210" in text) is shown
    assert "本書は領収書ではありません" in text


KINDS = ["receipt", "invoice", "return_invoice", "delivery_note", "pick_list", "statement", "quotation"]


@pytest.mark.parametrize("locale", ["ja", "en"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_a_sample(kind: str, locale: str) -> None:
    content = sample(document("S-1", shop="clinic"), SHOPS, Wish(Kind(kind), locale=locale))
    assert ("見本" if locale == "ja" else "Sample") in printed(content)


#: As much as an order may say (`pipelines.orders.schema`).
LONGEST = {
    "city": "見本市" * 33,
    "line1": "栄一丁目二番三号" * 25,
    "line2": "見本ビル東館三階" * 25,
    "name": "見本株式会社総務課一係" * 18,
}

EIGHT_LINES = {"line1": "栄一丁目二番三号" * 9, "line2": "見本ビル東館三階" * 9, "name": "見本株式会社総務課一係" * 3}


@pytest.mark.parametrize("locale", ["ja", "en"])
@pytest.mark.parametrize("place", [{}, EIGHT_LINES, LONGEST], ids=["short", "eight lines", "longest"])
@pytest.mark.parametrize(("kind", "label"), [("receipt", False), ("invoice", False), ("delivery_note", True)])
def test_the_mark_of_a_copy_lies_over_nothing(kind: str, label: bool, place: dict[str, str], locale: str) -> None:
    """documents.md 8: red, and everything that it is put on can be read."""
    content = paper(kind, _sent_to(place), label=label, locale=locale)
    copy = issued(content, "TEST-1", SENT.date(), "reissue")
    for first, second in zip(typesetter().pictures(content), typesetter().pictures(copy), strict=True):
        written, marked = (Image.open(io.BytesIO(one)).convert("L") for one in (first, second))
        inked = written.point(lambda light: 255 if light < 200 else 0)
        assert ImageChops.multiply(ImageChops.difference(written, marked), inked).getextrema() == (0, 0)


@pytest.mark.parametrize("kind", ["invoice", "return_invoice", "delivery_note"])
def test_the_longest_address_ends_above_the_title(kind: str) -> None:
    """Of as many lines as an order may say."""
    facts = _sent_to(LONGEST, returned=kind == "return_invoice")
    page, *_ = _pages(typesetter().pdf(paper(kind, facts)))
    heights: dict[str, float] = {}
    page.extract_text(visitor_text=lambda text, place, *_: heights.setdefault(text.strip()[:2], place[5]))
    title = next(word for word in ("請求", "適格", "納品") if word in heights)
    assert heights["御中"] > heights[title] + 20


def _sent_to(place: dict[str, str], *, returned: bool = False) -> SaleFacts:
    facts = facts_of("salon", returned=returned)
    return replace(facts, order=replace(facts.order, ship_to=replace(facts.order.ship_to, **place)))


def test_long_lists_go_on_with_their_heads_and_page_numbers() -> None:
    facts = facts_of("salon", *(a_line(str(n), 1, 1_000, name=f"品目{n}") for n in range(1, 121)))
    reader = PdfReader(io.BytesIO(typesetter().pdf(paper("delivery_note", facts))))
    pages = [page.extract_text() for page in reader.pages]
    assert len(pages) >= 3
    listing = [page for page in pages if "品目" in page]
    assert len(listing) >= 3
    assert all("品名" in page for page in listing)
    assert f"{len(pages)} / {len(pages)}" in pages.pop()


def test_a_quotation_ends_after_its_days() -> None:
    """D15: issued 2026-11-20, valid until 2026-12-20."""
    content = sample(document("S-1", shop="clinic"), SHOPS, Wish(Kind.QUOTATION))
    assert date.fromisoformat(content["transaction_on"]) == date(2026, 11, 20)
    assert "有効期限2026年12月20日" in printed(content)


def test_a_label_is_of_a_labels_size() -> None:
    content = paper("delivery_note", facts_of(), label=True)
    (page,) = PdfReader(io.BytesIO(typesetter().pdf(content))).pages
    assert [round(float(side) * 25.4 / 72) for side in (page.mediabox.width, page.mediabox.height)] == [100, 150]
