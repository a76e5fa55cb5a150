"""西濃運輸: ten digits, whose check digit no source tells (B.12); Kangaroo Magic II is its label program."""

from __future__ import annotations

from pipelines.carriers.carrier import Carrier, Status
from pipelines.carriers.numbers import digits


def _fault(number: str) -> str | None:
    return digits(number, 10)


CARRIER = Carrier(
    name="seino",
    japanese="西濃運輸",
    english="Seino Transportation",
    spellings=("Seino (JA)", "西濃", "セイノー", "セイノースーパーエクスプレス", "カンガルー便", "カンガルー通販便"),
    fault=_fault,
    page="https://track.seino.co.jp/cgi-bin/gnpquery.pgm?GNPNO1={n}",
    slots={"AM": "1", "PM": "2"},
    words={
        Status.ACCEPTED: ("受付",),
        Status.IN_TRANSIT: ("発送", "中継"),
        Status.OUT_FOR_DELIVERY: ("持出", "配達"),
        Status.ATTEMPT_FAILED: ("持戻",),
        Status.DELIVERED: ("配達済みです",),
        Status.UNKNOWN_NUMBER: ("入力されたお問合せ番号が見当りません",),
    },
    phrases={Status.DELIVERED: ("配達済み",), Status.UNKNOWN_NUMBER: ("未登録", "誤り")},
)
