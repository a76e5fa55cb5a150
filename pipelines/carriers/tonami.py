"""トナミ運輸: no rule of its numbers is published."""

from __future__ import annotations

from pipelines.carriers.carrier import Carrier

CARRIER = Carrier(
    name="tonami",
    japanese="トナミ運輸",
    english="Tonami Transportation",
    spellings=("Tonami (JA)", "トナミ"),
    page="https://trc1.tonami.co.jp/trc/search3/excSearch3?id[0]={n}",
)
