"""INT-16: whatever the remarks are, every word is read or shown, once; and no remark makes the reading slow."""

from __future__ import annotations

import re
import time
import unicodedata
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.rules.remarks import RECOGNISERS, read
from pipelines.rules.remarks.part import unread
from pipelines.rules.remarks.reading import claims_on, parts_of
from pipelines.rules.remarks.text import Text
from tests.examples import examples
from tests.rules.build import SHOPS, an_order, plain_shop

EVERYTHING = plain_shop(f"[[remarks]]\nrecognisers = {[*RECOGNISERS]}".replace("'", '"'))
WORD = re.compile(r"[^\W_]")

PIECES = [
    *(
        "11/25",
        "25日",
        "11月25日",
        "２５日(水)",
        "明日",
        "来週月曜",
        "週末",
        "Nov 25",
        "the 25th",
        "14-16時",
        "午前中",
        "夕方",
        "18時以降",
        "5pm",
    ),
    *(
        "着希望",
        "必着",
        "に届けてください",
        "まで",
        "以降",
        "~",
        "から",
        "か",
        "以外",
        "は",
        "で",
        "、",
        "。",
        "\n",
        "　",
        " ",
        "?",
        "(",
        "」",
        "「",
    ),
    *(
        "領収書",
        "不要",
        "希望",
        "宛名",
        "但し書き",
        "山田商店",
        "コマ詰め",
        "手首16cm",
        "クーポン",
        "AUTUMN",
        "秋割",
        "ラッピング",
        "ヤマト",
    ),
    *(
        "please",
        "deliver",
        "on",
        "no",
        "not",
        "receipt",
        "coupon",
        "特になし",
        "よろしくお願いします",
        "裏口へ",
        "ﾊﾟ",
        "㍿",
        "①",
        "が̈",
        "😊",
        "\x00",
        "Ⅳ",
    ),
]
REMARKS = st.lists(st.sampled_from(PIECES), max_size=14).map("".join) | st.text(max_size=60)


#: Remarks whose last sentence has come to its end, so that one after it is another; no question.
ENDED = st.builds(
    lambda said, end: said.replace("?", "").rstrip() + end, REMARKS, st.sampled_from(["。", "\n", "。\n"])
)


@given(REMARKS)
@settings(max_examples=examples(1_500), deadline=None)
def test_every_word_is_read_or_shown(remarks: str) -> None:
    order = an_order("plain", remarks=remarks)
    text = Text(remarks)
    plain, claims = text.plain, claims_on(text, order, EVERYTHING)
    assert all(one.end <= other.start for one, other in pairwise(claims)), "claims overlap"

    parts = parts_of(plain, claims)
    shown = unread(plain, parts)
    held = [claim for part in parts for claim in part.claims]
    read_spans = [part.span for part in parts if part.is_read] + [(claim.start, claim.end) for claim in held]
    for word in WORD.finditer(plain):
        is_read = any(start <= word.start() < end for start, end in read_spans)
        is_shown = any(start <= word.start() < end for start, end in shown)
        assert is_read != is_shown, f"{word[0]!r} of {plain!r} is {'both' if is_read else 'neither'}"


@given(REMARKS)
@settings(max_examples=examples(1_000), deadline=None)
def test_what_is_shown_stands_in_the_remarks(remarks: str) -> None:
    reading = read(an_order("plain", remarks=remarks), EVERYTHING)
    for one in reading.instructions:
        assert one.says
        assert all(quote in remarks or one.kind != "unread" for quote in one.says.split(" / "))
        assert one.for_ in {"supplier", "operator", "customer", "accounting"}
    assert len({(one.kind, str(one.value)) for one in reading.instructions if one.kind != "unread"}) == sum(
        one.kind != "unread" for one in reading.instructions
    )


@given(
    ENDED, st.sampled_from(["", "いつもお世話になっております。"]), st.sampled_from(["", "\nよろしくお願いします。"])
)
@settings(max_examples=examples(500), deadline=None)
def test_politeness_changes_nothing_but_its_place(remarks: str, before: str, after: str) -> None:
    """Thanks before and after neither hide nor reveal a code, a receipt or work."""
    kinds = {"coupon_codes", "receipt_request", "work_order", "not_offered"}

    def found(text: str) -> set[str]:
        return {one.kind for one in read(an_order("plain", remarks=text), EVERYTHING).instructions} & kinds

    assert found(remarks) == found(f"{before}{remarks}{after}")


#: What asks for nothing, however often it is said.
COURTESY = ("お願いします", "よろしく")
HOSTILE = [
    *(
        "日",
        "1",
        "11/25",
        "1-",
        "1/",
        "1.",
        "25日",
        "月",
        "一",
        "(",
        "「",
        "「a」",
        "\n",
        " ",
        " \n",
        "、",
        "。",
        ".",
        "?",
        "A",
        "A-",
        "a b ",
        "クーポン",
    ),
    *(
        "クーポン:",
        "領収書",
        "宛名",
        "宛名は",
        "ベルト",
        "コマ詰め",
        "手首",
        "お願いします",
        "よろしく",
        "please ",
        "deliver ",
        "between ",
        "Nov ",
        "14:",
        "14時",
        "午前",
    ),
    *("着希望", "から", "~", "㍿", "\uff9f", "\u0300", "ﷺ", "不要", "なし", "特に", "No ", "receipt ", "the the "),
]


@pytest.mark.parametrize("noise", HOSTILE)
def test_no_remark_makes_the_reading_slow(noise: str) -> None:
    """Four times the longest remarks an order may carry, read by everything there is: the time grows as the text does. A
    pattern that looks back and forth would take sixteen times as long for four times the text."""
    assert _seconds((noise * 8_000)[:8_000]) < 8 * _seconds((noise * 8_000)[:2_000]), noise


def _seconds(remarks: str) -> float:
    """Of this thread's own work, the quickest of some readings."""
    spent = []
    for _ in range(3):
        began = time.thread_time()
        read(an_order("plain", remarks=remarks), EVERYTHING)
        spent.append(time.thread_time() - began)
    return min(spent)


@pytest.mark.parametrize("shop", sorted(SHOPS))
@pytest.mark.parametrize("noise", HOSTILE)
def test_noise_is_held_and_never_raises(shop: str, noise: str) -> None:
    found = read(an_order(shop, remarks=(noise * 2_000)[:2_000]), SHOPS[shop])
    says_something = any(letter.isalnum() for letter in unicodedata.normalize("NFKC", noise)) and noise not in COURTESY
    assert bool(found.instructions) == says_something
