"""DLV-01, DLV-02, INT-16: days that customers wish for, as they write them; a day in doubt is left to a person."""

from __future__ import annotations

import pytest

from tests.rules.build import SHOPS, an_order, day
from tests.rules.remarks.read import reading, understood

#: The remarks, and the day or days they mean.
WISHED = [
    # figures
    ("11/25着希望", "2026-11-25"),
    ("１１／２５着希望", "2026-11-25"),
    ("11 / 25 着希望", "2026-11-25"),
    ("11-25着希望", "2026-11-25"),
    ("11.25着希望", "2026-11-25"),
    ("2026/11/25着希望", "2026-11-25"),
    ("2026.11.25 着希望", "2026-11-25"),
    ("配達希望日 2026-11-25 でお願いします。", "2026-11-25"),
    ("20261125着希望", "2026-11-25"),
    # Japanese
    ("11月25日着希望", "2026-11-25"),
    ("１１月２５日着希望", "2026-11-25"),
    ("11月 25日 着希望", "2026-11-25"),
    ("2026年11月25日にお届けください", "2026-11-25"),
    ("希望日：２０２６年１１月２５日（水）", "2026-11-25"),
    ("今年11月25日着でお願いします", "2026-11-25"),
    ("来年1月8日に配送希望", "2027-01-08"),
    ("1月8日に配送希望", "2027-01-08"),  # the next one after the order
    ("十二月一日に届けてください", "2026-12-01"),
    ("二十五日着でお願いします", "2026-11-25"),
    # the era
    ("令和8年11月25日着希望", "2026-11-25"),
    ("令和８年１２月１日（火）着希望", "2026-12-01"),
    ("R8.11.25着希望", "2026-11-25"),
    ("R8/11/25 必着", "2026-11-25"),
    # a day of the month
    ("25日着希望", "2026-11-25"),
    ("２５日にお届けください", "2026-11-25"),
    ("今月25日に納品お願いします", "2026-11-25"),
    ("来月8日着希望", "2026-12-08"),
    # with its weekday
    ("25日(水)着でお願いします", "2026-11-25"),
    ("11/25（水曜）に配達願います", "2026-11-25"),
    ("25日水曜日着希望", "2026-11-25"),
    ("11月25日の水曜日に届けてください", "2026-11-25"),
    ("11/23(月・祝)着希望", "2026-11-23"),
    ("11/28(土)着希望", "2026-11-28"),
    # seen from the day of the order
    ("明日着希望", "2026-11-21"),
    ("明後日必着でお願いします", "2026-11-22"),
    ("あさって着でお願いします", "2026-11-22"),
    ("来週月曜着希望", "2026-11-23"),
    ("来週の水曜日に届けてください", "2026-11-25"),
    ("再来週の火曜日着希望", "2026-12-01"),
    ("火曜着でお願いします", "2026-11-24"),
    ("今度の木曜日にお届けください", "2026-11-26"),
    # how it is wished for
    ("11/25納品希望です", "2026-11-25"),
    ("11/25必着", "2026-11-25"),
    ("11月25日必着厳守でお願いいたします。", "2026-11-25"),
    ("お届け日は11/25希望です。", "2026-11-25"),
    ("【配達希望】11月25日", "2026-11-25"),
    ("＜配送希望日＞２０２６／１１／２５", "2026-11-25"),
    ("★11/25着希望★", "2026-11-25"),
    ("11月25日到着指定", "2026-11-25"),
    ("11/25頃着希望", "2026-11-25"),
    ("できれば11/25着希望", "2026-11-25"),
    ("可能でしたら11月25日に届けていただけると助かります。", "2026-11-25"),
    ("11/25着でお願いできますか？", "2026-11-25"),
    ("11月25日に受け取りたいです", "2026-11-25"),
    ("必ず11/25に届けてください", "2026-11-25"),
    ("納期：11/25", "2026-11-25"),
    ("25日でお願いします", "2026-11-25"),
    ("11月25日", "2026-11-25"),  # nothing else is there
    ("11/25", "2026-11-25"),
    ("配達希望日\r\n11月25日", "2026-11-25"),
    ("希望配達日：\n\n　25日", "2026-11-25"),
    ("11月25日\nお届け希望", "2026-11-25"),
    # no later than, no earlier than, between
    ("11月25日までに届けてください", "../2026-11-25"),
    ("11/25迄に納品お願いします", "../2026-11-25"),
    ("遅くとも11/25までにお届けください", "../2026-11-25"),
    ("25日以降に配達をお願いします", "2026-11-25/.."),
    ("明日以降の配達を希望します", "2026-11-21/.."),
    ("来週月曜日以降でお願いします", "2026-11-23/.."),
    ("来週月曜〜水曜着希望", "2026-11-23/2026-11-25"),
    ("11/25~11/27の間にお届けください", "2026-11-25/2026-11-27"),
    ("11月25日〜27日着希望", "2026-11-25/2026-11-27"),
    ("11/25-27着希望", "2026-11-25/2026-11-27"),
    ("11月25日から27日の間に配達をお願いします", "2026-11-25/2026-11-27"),
    # at once
    ("最短でお願いします", "earliest"),
    ("至急お願いします！", "earliest"),
    ("なるべく早くお届けください", "earliest"),
    # English
    ("Please deliver on Nov 25", "2026-11-25"),
    ("Please deliver on November 25th, 2026.", "2026-11-25"),
    ("please deliver on wednesday, nov. 25", "2026-11-25"),
    ("Deliver on the 25th please", "2026-11-25"),
    ("Delivery date: 25 November", "2026-11-25"),
    ("Could you deliver on the 25th of November?", "2026-11-25"),
    ("I would like to receive it on Nov 25 (Wed)", "2026-11-25"),
    ("Please deliver on 11/25/2026", "2026-11-25"),
    ("Please deliver by 11/25, thank you", "../2026-11-25"),
    ("I need it no later than Nov 25", "../2026-11-25"),
    ("Please deliver on Nov 25 or later", "2026-11-25/.."),
    ("Please deliver between Nov 24 and Nov 26", "2026-11-24/2026-11-26"),
    ("Nov 24 - Nov 26 please", "2026-11-24/2026-11-26"),
    ("Please deliver tomorrow", "2026-11-21"),
    ("Please deliver next Tuesday", "2026-11-24"),
    ("Tomorrow please", "2026-11-21"),
    ("As soon as possible please", "earliest"),
]


@pytest.mark.parametrize(("remarks", "wished"), WISHED)
def test_a_day_is_read(remarks: str, wished: str) -> None:
    assert understood(remarks) == {"desired_date": wished}


@pytest.mark.parametrize(
    "remarks",
    [
        # the sentence says no
        "25日は休診日のため受け取れません",
        "24日以外でお願いします",
        "25日の配達は避けてください",
        "25日着は困ります",
        "25日には届けないでください",
        "11/25は不在です",
        "11月25日\n不在です",
        "11/25着 受け取れません",
        "11/25着\n受け取れません",
        "Please do not deliver on Nov 25",
        "Not on Nov 25 please",
        "Deliver any day except Nov 25",
        "We are closed on Nov 25",
        # two days
        "11月25日か26日に配達希望",
        "11/25(水)または11/26(木)着希望",
        "11/25、26着希望",
        "25日は不在のため26日着希望",
        "11/25着希望ですが、難しければ26日でもいいです",
        "11/25着希望。26日でも可",
        "11/25着希望。なるべく早くお願いします",
        "Deliver on Nov 25 or Nov 26",
        "Deliver on Nov 24 and Nov 26",
        "11月25日と26日に届けてください",
        "11/27~11/25着希望",
        "Please deliver on Nov 25. Nov 26 is fine too",
        # no day at all
        "11月31日着希望",
        "31日着希望",
        "13/45",
        "令和8年2月30日着希望",
        "商品 1-2-3 について",
        "電話 052-000-0000",
        # over, or so far that it may be a slip
        "11/10着希望",
        "2025/11/25着希望",
        "令和7年11月25日着希望",
        "2027年5月1日着希望",
        "15日着希望",
        "20日着希望",
        # several readings
        "週末に届けてください",
        "来週中に届けてください",
        "月末までに届けてください",
        "来週日曜着希望",  # a week may begin on Sunday
        "金曜着希望",  # today, or in a week
        "Can you deliver on Friday?",
        "Please deliver on 5/12/2026",
        "Please deliver before Nov 25",
        "1/2",  # the second of January, or one of two
        "25日",
        "明日",
        # another day than the weekday written beside it
        "25日(木)着でお願いします",
        "11/24(祝)着希望",
        "Please deliver on Thursday, Nov 25",
        # a day that clinics may not be open on, without its weekday
        "11/23着希望",
        "11月28日着希望",
        # a question
        "11/25に届きますか？",
        "11/25着は可能でしょうか",
        # another day than the goods' arrival
        "11月25日に発送してください",
        "25日出荷希望",
        "Please ship on Nov 25",
        # a length of time, a number
        "3日以内に届けてください",
        "3日後に届けてください",
        "10日分です",
        "毎週火曜に届けてください",
        "毎月25日に届けてください",
        # half a wish
        "11/25着希望、と書きましたが変更したいです",
        "11/25着希望。午後は誰もいません",
    ],
)
def test_a_day_in_doubt_is_left_to_a_person(remarks: str) -> None:
    """A wrong reading is worse than none: the whole sentence is shown, and no day is planned by it."""
    found = understood(remarks)
    assert set(found) == {"unread"}
    assert reading(remarks).window is None


@pytest.mark.parametrize(
    ("remarks", "unread"),
    [
        ("11月25日着希望\n裏口へ", "裏口へ"),
        ("11/25着希望。不在の場合は宅配ボックスへ", "不在の場合は宅配ボックスへ"),
        ("11/25着でお願いします、呼び鈴は二回鳴らしてください", "呼び鈴は二回鳴らしてください"),
        ("Please deliver on Nov 25. Ring the bell twice", "Ring the bell twice"),
    ],
)
def test_a_clear_wish_stands_beside_what_nobody_read(remarks: str, unread: str) -> None:
    """INT-16: and what nobody read is shown."""
    found = understood(remarks)
    assert (found["desired_date"], found["unread"]) == ("2026-11-25", unread)


def test_a_shop_may_take_closed_days_as_any_other() -> None:
    """Salons are open when their supplier is not."""
    assert understood("11/23着希望", "salon") == {"desired_date": "2026-11-23"}


@pytest.mark.parametrize(
    ("field", "found"),
    [("2026-11-25", {"desired_date": "2026-11-25"}), ("2026-11-26", {"unread": "11/25着希望"})],
)
def test_remarks_and_field_must_agree(field: str, found: dict[str, str]) -> None:
    assert understood("11/25着希望", delivery_date=day(field)) == found


def test_at_once_and_on_a_day_are_two_things() -> None:
    assert understood("至急お願いします", delivery_date=day("2026-11-25")) == {"unread": "至急お願いします"}


@pytest.mark.parametrize(
    ("placed_on", "remarks", "wished"),
    [
        ("2026-12-28", "1/8着希望", "2027-01-08"),
        ("2026-12-28", "5日着希望", "2027-01-05"),  # next month's, and near
        ("2026-12-28", "来月5日着希望", "2027-01-05"),
        ("2027-02-26", "2/29着希望", None),
        ("2028-02-25", "2/29着希望", "2028-02-29"),
        ("2026-11-22", "来週火曜着希望", None),  # on a Sunday: in two days, or in nine
        ("2026-11-25", "今週金曜着希望", "2026-11-27"),
        ("2026-11-25", "今週月曜着希望", None),  # over
        ("2026-11-25", "Please deliver next Friday", None),  # in two days, or in nine
    ],
)
def test_what_a_day_means_depends_on_the_day_of_the_order(placed_on: str, remarks: str, wished: str | None) -> None:
    found = understood(remarks, placed_at=f"{placed_on} 10:00:00")
    assert found == ({"unread": remarks} if wished is None else {"desired_date": wished})


def test_the_day_of_the_order_is_japans() -> None:
    """23:30 in UTC is the next morning in Tokyo."""
    order = an_order("clinic", remarks="明日着希望", placed_at="2026-11-24 08:30:00")
    assert str(reading("明日着希望", placed_at="2026-11-24 08:30:00").window) == "2026-11-25"
    assert order.placed_at.utcoffset() is not None


@pytest.mark.parametrize("shop", sorted(SHOPS))
def test_every_packaged_shop_reads_days(shop: str) -> None:
    assert understood("11月25日着希望", shop) == {"desired_date": "2026-11-25"}
