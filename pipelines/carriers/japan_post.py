"""日本郵便: parcels and Letter Pack have 12 digits, registered mail 11, all with 7DR; Yu-Pri R is its label program."""

from __future__ import annotations

from pipelines.carriers.carrier import Carrier, Status
from pipelines.carriers.numbers import digits, is_s10, mod7, s10

PAGE = "https://trackings.post.japanpost.jp/services/srv/search/direct?locale=ja&reqCodeNo1={n}"
WORDS = {
    Status.ACCEPTED: ("引受",),
    Status.IN_TRANSIT: ("中継", "到着", "発送", "通過", "最寄局・最寄店送付", "国際交換局", "転送"),
    Status.OUT_FOR_DELIVERY: ("持ち出し中", "配達局から出発"),
    Status.ATTEMPT_FAILED: ("ご不在のため持ち戻り", "ご不在"),
    Status.ADDRESS_PROBLEM: ("調査中",),
    Status.REFUSED: ("受取辞退",),
    Status.HELD: ("保管", "配達希望受付", "コンビニエンスストアに引渡"),
    Status.DELIVERED: ("お届け先にお届け済み", "窓口でお渡し", "お届け済み", "配達完了"),
    Status.RETURNING: ("差出人に返送",),
    Status.RETURNED: ("差出人に返送済み",),
    Status.UNKNOWN_NUMBER: ("お問い合わせ番号が見つかりません",),
}


def _fault(number: str) -> str | None:
    """International mail of the post has the S10 form, whatever its service."""
    if is_s10(number):
        return s10(number)
    if len(number) == 11:
        return digits(number, 11) or mod7(number)
    return digits(number, 12, or_also="(registered mail 11) ") or mod7(number)


CARRIER = Carrier(
    name="japan_post",
    japanese="日本郵便",
    english="Japan Post",
    spellings=(
        "Japan Post (JA)",
        "日本郵政",
        "郵便局",
        "ゆうパック",
        "ゆうパケット",
        "ゆうメール",
        "レターパック",
        "レターパックプラス",
        "レターパックライト",
        "クリックポスト",
        "Yu-Pack",
        "Yu-Packet",
        "Yu-Mail",
        "Letter Pack",
        "Click Post",
        "JP Post",
    ),
    fault=_fault,
    page=PAGE,
    # 20-21 was given up in April 2024.
    slots={"AM": "51", "12-14": "52", "14-16": "53", "16-18": "54", "18-20": "55", "19-21": "57"},
    storage_days=7,
    words=WORDS,
)
