"""Remarks that say that there is nothing to say: 特になし, 特にございません, 日時指定なし, none, no special requests."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from pipelines.rules.remarks.claim import Claim

_NONE: Final = r"(?:(?:ござい|御座い|あり)ません|無し|なし|ナシ|無い(?:です)?|ない(?:です)?|無)"
_ABOUT: Final = r"(?:備考(?:欄)?|連絡事項|特記事項|その他|コメント|要望|ご?希望|指定|(?:配達|配送|お?届け)?(?:日時?|時間帯?|日付)の?(?:ご?希望|指定))"
_NOTHING: Final = re.compile(
    rf"(?:{_ABOUT}(?:は|:)?\s?)?(?:特に|とくに|特段|別段|別に|特)(?:の?{_ABOUT}(?:は|も|が)?)?\s?{_NONE}(?:です|でございます)?(?![一-龠ぁ-んァ-ヶ])"
    rf"|{_ABOUT}(?:は|も|が|:)?\s?{_NONE}(?:です|でございます)?(?![一-龠ぁ-んァ-ヶ])"
    r"|(?:日時|時間帯?|日にち)?(?:は|も)?(?:いつでも|何時でも)(?:いい|良い|よい|大丈夫|構いません|かまいません|結構|OK)(?:です)?|(?:全て|すべて)?お任せ(?:します|いたします|致します)",
    re.IGNORECASE,
)
_ALONE: Final = re.compile(
    rf"\s*(?:{_NONE}(?:です)?|無|特に|none|n/?a|nil|no|nothing|no thanks?)[\s.。、!\-]*", re.IGNORECASE
)
_ENGLISH: Final = re.compile(
    r"(?<![A-Za-z])(?:nothing (?:special|in particular|to add|else|more|to say)(?: (?:to say|to add|really))?"
    r"|no (?:special |particular |other |further )?(?:remarks?|comments?|requests?|notes?|instructions?|wishes|preferences?)"
    r"|any ?time is (?:fine|ok|okay|good))(?![A-Za-z])",
    re.IGNORECASE,
)


WORDS: Final = (r"は|です", r"(?:to|at|all|i|we|have|this time)")
"""Words around."""


def recognise(text: str) -> Iterator[Claim]:
    """Words that ask for nothing; a bare なし is only that where it is all there is."""
    if _ALONE.fullmatch(text):
        yield Claim(0, len(text), "")
        return
    for pattern in (_NOTHING, _ENGLISH):
        for found in pattern.finditer(text):
            yield Claim(found.start(), found.end(), "")
