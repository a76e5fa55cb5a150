"""Wishes that a shop does not meet and answers at once: gift wrapping, a choice of carrier (DLV-05)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from pipelines.rules.remarks.claim import Claim
from pipelines.rules.remarks.recogniser import Recogniser, Remark
from pipelines.rules.remarks.text import without
from pipelines.rules.remarks.words import DELIVERY, PARTICLES

GIFT_WRAPPING: Final = "gift_wrapping"
CARRIER_CHOICE: Final = "carrier_choice"

_WRAPPING: Final = (
    r"(?:(?:ギフト|プレゼント|贈答|贈り物)用?の?(?:ラッピング|包装|梱包|仕様|ボックス|袋)|ラッピング|包装|(?:お)?熨斗|(?:お)?のし(?:紙)?(?=[をのはも希付つ、。]|$)"
    r"|(?<![A-Za-z])(?:(?:the|as|a) ){0,2}(?:gift|present)[ -]?wrap(?:ping|ped|s)?(?![A-Za-z]))"
)
_NO: Final = (
    r"(?:不要|なし|無し|いりません|要りません|必要(?:ありません|ございません|ない|なし)|結構です|しないで|せず)"
)
_DECLINED: Final = re.compile(
    rf"{_WRAPPING}(?:は|も|を)?\s?{_NO}(?:で(?:す|お願いします))?"
    r"|(?<![A-Za-z])(?:no|without|(?:i |we )?(?:don't|do not) need(?: any)?) (?:gift|present)[ -]?wrap(?:ping)?(?: (?:needed|required|necessary))?(?![A-Za-z])",
    re.IGNORECASE,
)
_TOPICS: Final = (
    (GIFT_WRAPPING, re.compile(_WRAPPING, re.IGNORECASE)),
    (
        CARRIER_CHOICE,
        re.compile(
            r"(?:クロネコ)?ヤマト(?:運輸)?(?:の?宅急便)?|クロネコ(?:宅急便)?|佐川(?:急便)?|ゆうパック|ゆうぱっく|日本郵便|西濃(?:運輸)?|福山通運"
            r"|(?<![A-Za-z])(?:yamato|kuroneko|sagawa|japan post|yu-?pack|seino|fukuyama|fedex|dhl)(?: (?:transport|express))?(?![A-Za-z])",
            re.IGNORECASE,
        ),
    ),
)
_WORDS: Final = (
    r"便|運送(?:会社|業者)|配送業者|宅配業者|発送|出荷|送って|使って|利用(?:して)?|指定|包んで|して|付けて|つけて|用|なので|(?:お?誕生日|記念日|クリスマス|母の日|父の日|敬老の日|結婚祝い|お?祝い)の?|贈り物|プレゼント|ギフト|を使い",
    r"(?:ship(?:ped|ping)?|send|sent|use|using|via|by|courier|carrier|wrap(?:ped)?|gift|present)",
)


def recognise(remark: Remark) -> Iterator[Claim]:
    """Each wish of either topic; wrapping that is declined asks for nothing."""
    declined = [Claim(found.start(), found.end(), "") for found in _DECLINED.finditer(remark.text)]
    yield from declined
    text = without(remark.text, declined)
    for topic, pattern in _TOPICS:
        yield from (Claim(found.start(), found.end(), RECOGNISER.kind, topic) for found in pattern.finditer(text))


RECOGNISER: Final = Recogniser("not_offered", "customer", recognise, (*_WORDS, *DELIVERY, *PARTICLES))
