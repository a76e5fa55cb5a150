"""What news a carrier's answer is (B.4.3), and how often it is asked."""

from __future__ import annotations

from datetime import timedelta

import pytest

from models.states import TrackingState
from models.store.carrier_inquiries import UnderWayRow
from pipelines.carriers import carrier
from pipelines.inquiries.answers import last_word, news
from pipelines.inquiries.inquiry import Sighting
from pipelines.rules.dates.inquiry import PAUSES
from tests.rules.build import at

LEFT, NOW = at("2026-11-20T15:40:00"), at("2026-11-24T10:00:00")


def parcel(status: str | None = None, as_of: str | None = None, left: str = "2026-11-20T15:40:00") -> UnderWayRow:
    heard = None if as_of is None else at(as_of)
    return UnderWayRow("SH-1", "444413758703", "warehouse", "444413758703", at(left), status, heard, False)


def seen(*words: str) -> list[Sighting]:
    """Scans an hour apart from when the parcel left."""
    return [Sighting(word, LEFT + timedelta(hours=hour)) for hour, word in enumerate(words)]


@pytest.mark.parametrize(
    ("by", "words", "fares"),
    [
        ("yamato", ["荷物受付", "発送", "配達完了"], "配達完了"),
        ("yamato", ["荷物受付", "持戻（ご不在）", "配達完了"], "配達完了"),
        ("yamato", ["発送", "返品", "配達完了"], "returned"),  # to the shipper
        ("yamato", ["発送", "返品", "輸送中", "配達完了（宅配ボックス）"], "returned"),
        ("yamato", ["発送", "返品"], "返品"),
        ("japan_post", ["引受", "差出人に返送", "お届け先にお届け済み"], "returned"),
        ("japan_post", ["引受", "持ち出し中", "お届け先にお届け済み"], "お届け先にお届け済み"),
        ("yamato", [], "unknown_number"),
    ],
)
def test_how_a_parcel_fares_by_all_that_was_seen(by: str, words: list[str], fares: str) -> None:
    assert last_word(carrier(by), seen(*words)).word == fares


@pytest.mark.parametrize(
    ("known", "answer", "told"),
    [
        (parcel(), seen("荷物受付"), "荷物受付"),
        (parcel(), seen("荷物受付", "なぞの状態"), "なぞの状態"),  # a person reads it
        (parcel(), seen("伝票番号発行"), None),  # printed, not handed over
        (parcel("accepted", "2026-11-20T15:40:00"), seen("荷物受付"), None),
        (parcel("accepted", "2026-11-20T15:39:00"), seen("荷物受付"), "荷物受付"),  # scanned again
        (parcel("in_transit", "2026-11-21T08:00:00"), [Sighting("輸送中", None)], None),
        (parcel("accepted", "2026-11-21T08:00:00"), [Sighting("配達完了", None)], "配達完了"),
        (parcel(left="2026-11-22T10:00:01"), [], None),  # not scanned yet
        (parcel(left="2026-11-22T10:00:00"), [], "unknown_number"),
        (parcel(left="2026-11-22T10:00:00"), seen("伝票番号未登録"), "伝票番号未登録"),
        (parcel("in_transit", "2026-11-21T08:00:00"), [], None),  # carriers forget
    ],
)
def test_what_is_news(known: UnderWayRow, answer: list[Sighting], told: str | None) -> None:
    event = news(carrier("yamato"), known, answer, NOW)
    assert (None if event is None else event.body["status"]) == told


def test_news_is_of_the_moment_that_the_carrier_says_and_the_same_answer_is_the_same_news() -> None:
    first = news(carrier("yamato"), parcel(), seen("荷物受付", "発送"), NOW)
    again = news(carrier("yamato"), parcel("accepted", "2026-11-20T15:40:00"), seen("荷物受付", "発送"), NOW)
    assert first is not None
    assert again is not None
    assert (first.at, first.supplier, first.source) == (LEFT + timedelta(hours=1), "warehouse", "carrier:yamato")
    assert first.event_id == again.event_id


def test_what_ended_is_asked_after_no_more() -> None:
    ended = {"delivered", "returned", "lost", "damaged", "at_store"}
    assert set(PAUSES) == {"", *TrackingState} - ended
    assert max(PAUSES.values()) <= timedelta(hours=12)
