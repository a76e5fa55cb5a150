"""EMS (国際スピード郵便) of Japan Post: numbers in the international form of the post (S10)."""

from __future__ import annotations

from pipelines.carriers.carrier import Carrier
from pipelines.carriers.japan_post import PAGE, WORDS
from pipelines.carriers.numbers import s10

CARRIER = Carrier(
    name="ems",
    japanese="日本郵便（EMS）",
    english="Japan Post EMS",
    spellings=("EMS (JA)", "国際スピード郵便", "EMS 国際スピード郵便", "Express Mail Service"),
    fault=s10,
    page=PAGE,
    words=WORDS,
)
