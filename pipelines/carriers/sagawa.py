"""佐川急便: 12 digits, the last of them the check digit (7DR), or the older ten; e-hiden is its label program."""

from __future__ import annotations

from typing import Final

from pipelines.carriers.carrier import Carrier, Status
from pipelines.carriers.numbers import digits, mod7


def _fault(number: str) -> str | None:
    """The rule of the older ten digits is not known: their number is all that can be checked (B.12)."""
    if len(number) == 10:
        return digits(number, 10)
    return digits(number, 12, or_also="or, in the older form, 10 ") or mod7(number)


#: The windows that a contract does not have, by how many it has.
NOT_IN_CONTRACT: Final = {5: frozenset({"18-20", "19-21"}), 6: frozenset({"18-21"})}

CARRIER = Carrier(
    name="sagawa",
    japanese="佐川急便",
    english="Sagawa Express",
    spellings=("Sagawa (JA)", "佐川", "飛脚宅配便", "飛脚", "Sagawa Kyubin", "SGW"),
    fault=_fault,
    page="https://k2k.sagawa-exp.co.jp/p/web/okurijosearch.do?okurijoNo={n}",
    slots={
        "AM": "01",
        "12-14": "12",
        "14-16": "14",
        "16-18": "16",
        "18-20": "18",
        "18-21": "04",
        "19-21": "19",
    },
    storage_days=8,
    words={
        Status.ACCEPTED: ("集荷", "荷物受付", "出荷情報受付"),
        Status.IN_TRANSIT: ("輸送中", "幹線輸送中", "配達店到着"),
        Status.OUT_FOR_DELIVERY: ("配達中", "持出", "お届け中", "持ち出し中"),
        Status.ATTEMPT_FAILED: (
            "持戻",
            "持戻り",
            "持ち戻り",
            "不在持戻",
            "ご不在",
            "長期不在",
            "長期間不在",
            "持ち帰り",
        ),
        # A returned parcel was seen as 調査中 with its history gone: a human has to ask.
        Status.ADDRESS_PROBLEM: ("お問合せ", "調査中", "保留中"),
        Status.REFUSED: ("受取辞退", "受け取り辞退", "受取拒否", "受け取り拒否"),
        Status.HELD: ("保管", "保管中", "営業所保管"),
        Status.DELIVERED: ("配達終了", "配達完了", "お届け済", "配達済"),
        Status.RETURNING: ("返送", "差出人返送", "差出人へ返送"),
        Status.RETURNED: ("返品",),
        Status.UNKNOWN_NUMBER: ("該当なし", "登録されておりません"),
    },
    phrases={Status.UNKNOWN_NUMBER: ("お問い合せ送り状No.をお確かめください",)},
)
