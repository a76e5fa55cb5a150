"""The inquiry services that come with Shukka, by the conformance suite and by pages of their carriers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from pipelines.inquiries.inquiry import Sighting, Unanswered
from tests.inquiries.conformance import NOW, Bench, InquiryConformance
from tests.inquiries.conftest import Pages
from tests.rules.build import at
from tests.world import tracking_number
from workers.inquiries import INQUIRIES, japan_post, pages, yamato

NUMBERS = [tracking_number(44_441_370_000 + place) for place in range(20)]


@pytest.mark.parametrize("name", sorted(INQUIRIES), scope="class")
class TestServices(InquiryConformance):
    @pytest.fixture
    def bench(self, name: str, pages: Pages) -> Iterator[Bench]:
        inquiry: Any = INQUIRIES[name]
        setting = next(iter(inquiry.settings.model_fields))
        for number in NUMBERS:
            pages.scanned(number)
        asks = inquiry.open(inquiry.settings(**{setting: pages.url(name)}))
        yield Bench(inquiry, asks, pages, NUMBERS)
        asks.close()


def test_a_block_without_a_history_tells_its_state_alone() -> None:
    page = """<div class="parts-tracking-invoice-block"><h3 class="tracking-invoice-block-title">1件目：4444-1375-8703</h3>
      <h4 class="tracking-invoice-block-state-title">配達完了 ▶</h4></div>
      <div><h3 class="tracking-invoice-block-title">2件目：444413758704</h3>
      <h4 class="tracking-invoice-block-state-title">伝票番号誤り</h4></div>"""
    assert yamato.read(page, NOW) == {"444413758703": [Sighting("配達完了", None)], "444413758704": []}


def test_a_page_that_closes_nothing_is_read_as_a_browser_would() -> None:
    page = """<table summary=履歴情報><tr><th>状態発生日<th>配送履歴<tr><td>2027/01/01 08:10<td>引受<td><td>京橋郵便局<td>東京都<tr><td>104-0061
      <tr><td>2027/01/01 19:00<td>お届け先に<br>お届け済み<td><td>渋谷郵便局<tr><td>150-0001</table><p>以上"""
    assert japan_post.read(page, NOW) == [
        Sighting("引受", at("2027-01-01T08:10:00")),
        Sighting("お届け先にお届け済み", at("2027-01-01T19:00:00")),
    ]


@pytest.mark.parametrize("page", ["", "<html>", "ただいまメンテナンス中です", "<table summary='履歴情報'></table>"])
def test_a_page_that_says_nothing_is_no_answer(page: str) -> None:
    with pytest.raises(Unanswered, match="layout"):
        japan_post.read(page, NOW)
    assert yamato.read(page, NOW) == {}


@pytest.mark.parametrize(
    ("text", "is_at"),
    [
        ("2026/10/02 14:30", "2026-10-02T14:30:00"),
        ("2026年10月2日 9:05", "2026-10-02T09:05:00"),
        ("10月02日 14:30", "2026-10-02T14:30:00"),
        ("01/02 08:00", "2027-01-02T08:00:00"),
        ("01/01", "2027-01-01T23:59:00"),
        ("01月02日", "2027-01-02T09:00:00"),  # today: not later than now
        ("12/31 23:59", "2026-12-31T23:59:00"),
        ("02/29 10:00", None),  # of no year that can be meant
        ("本日中", None),
        ("13月45日", None),
    ],
)
def test_when_a_page_says_that_it_was(text: str, is_at: str | None) -> None:
    assert pages.moment(text, NOW) == (None if is_at is None else at(is_at))
