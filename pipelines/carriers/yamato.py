"""ヤマト運輸: 12 digits, the last of them the check digit (7DR); B2 is its label program."""

from __future__ import annotations

from pipelines.carriers.carrier import Carrier, Status
from pipelines.carriers.numbers import digits, mod7


def _fault(number: str) -> str | None:
    return digits(number, 12) or mod7(number)


CARRIER = Carrier(
    name="yamato",
    japanese="ヤマト運輸",
    english="Yamato Transport",
    spellings=(
        "Yamato (JA)",
        "ヤマト",
        "クロネコヤマト",
        "クロネコ",
        "宅急便",
        "宅急便コンパクト",
        "ネコポス",
        "Kuroneko",
        "Kuroneko Yamato",
        "Ta-Q-Bin",
        "Nekopos",
    ),
    fault=_fault,
    page="https://jizen.kuronekoyamato.co.jp/jizen/servlet/crjz.b.NQ0010?id={n}",
    # No 12-14, and 20-21 was given up: older tools still send 1214 and 2021.
    slots={"AM": "0812", "14-16": "1416", "16-18": "1618", "18-20": "1820", "19-21": "1921"},
    storage_days=7,
    words={
        Status.ANNOUNCED: ("伝票番号発行",),
        Status.ACCEPTED: ("荷物受付",),
        Status.IN_TRANSIT: (
            "発送済み",
            "発送",
            "輸送中",
            "作業店通過",
            "海外荷物受付",
            "中継店通過",
            "配達店到着",
            "陸・海上切替え",
            "航空搭載",
        ),
        Status.OUT_FOR_DELIVERY: ("配達中", "持出"),
        Status.ATTEMPT_FAILED: (
            "持戻（ご不在）",
            "持戻（休業）",
            "持戻",
            "調査中（ご不在）",
            "持戻り",
            "持ち戻り",
            "ご不在",
            "長期不在",
        ),
        Status.ADDRESS_PROBLEM: ("持戻（住所不明）", "持戻（転居）", "調査中（転居先不明）", "調査中"),
        Status.REFUSED: (
            "持戻（受取ご辞退）",
            "調査中（受取ご辞退）",
            "受取拒否",
            "受け取り拒否",
            "受取辞退",
            "受け取り辞退",
        ),
        Status.HELD: (
            "保管中",
            "配達日・時間帯指定（保管中）",
            "ご来店予定（保管中）",
            "依頼受付（日・時間帯変更）",
            "依頼受付（再配達）",
            "依頼受付（保管）",
        ),
        Status.DELIVERED: (
            "配達完了",
            "配達完了（宅配ボックス）",
            "投函完了",
            "お客様引渡完了",
            "お届け完了",
        ),
        Status.RETURNING: ("返送", "転送・返送"),
        Status.RETURNED: ("返品", "返品完了"),
        Status.UNKNOWN_NUMBER: ("伝票番号誤り", "伝票番号未登録"),
    },
    phrases={Status.OUT_FOR_DELIVERY: ("お届けにあがっています",)},
)
