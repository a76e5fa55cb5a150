"""Work on the goods before dispatch: a watch's band fitted to a wrist (バンド調整, コマ詰め, 手首周り 16cm) (STO-02).

Whoever does the work reads the customer's own words; nothing is made of them but that there is work, and its lead time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from pipelines.rules.remarks.claim import Claim
from pipelines.rules.remarks.recogniser import Recogniser, Remark
from pipelines.rules.remarks.text import without
from pipelines.rules.remarks.words import PARTICLES

_BAND: Final = r"(?:(?:腕?時計|ウォッチ)の?)?(?:(?:メタル|革|レザー)?(?:ベルト|バンド|ブレスレット|ブレス)|コマ|駒|腕時計|時計|サイズ)"
_FITTED: Final = r"(?:調整|調節|詰め(?!合)|つめ|詰(?!め?合)|直し|お直し|カット|外し|抜き|短く|合わせ)"
_WORK: Final = (
    rf"{_BAND}(?:の)?(?:サイズ|長さ)?(?:を|の|は)?\s?(?:\d{{1,2}}\s?(?:コマ|駒|個|つ)(?:を|分)?\s?)?{_FITTED}"
)
_NO: Final = (
    r"(?:不要|なし|無し|いりません|要りません|必要(?:ありません|ございません|ない|なし)|結構です|しないで|せず)"
)
_DECLINED: Final = re.compile(
    rf"{_WORK}(?:は|も|を)?\s?(?:特に)?\s?{_NO}(?:で(?:す|お願いします))?"
    r"|(?<![A-Za-z])(?:no|without) (?:band|bracelet|strap|watch|size) (?:adjustment|sizing|work)(?: (?:needed|required|necessary))?(?![A-Za-z])",
    re.IGNORECASE,
)
_ASKED: Final = re.compile(
    rf"{_WORK}|(?<![A-Za-z])(?:adjust(?:ment)?|re-?siz(?:e|ing)|siz(?:e|ing)|shorten(?:ing)?|fit) (?:of )?(?:the |my |this )?(?:watch |metal )?(?:band|bracelet|strap|belt)(?![A-Za-z])"
    r"|(?<![A-Za-z])(?:watch |band |bracelet |strap ){1,3}(?:adjustment|re-?sizing|sizing)(?![A-Za-z])"
    r"|(?<![A-Za-z])(?:remove|take out) (?:\d{1,2}|one|two|three|four|five|a few) links?(?![A-Za-z])",
    re.IGNORECASE,
)
_SIZE: Final = re.compile(
    r"(?:手首|腕|リスト)の?(?:周り|回り|廻り|まわり|周囲|周|回|サイズ|太さ)?(?:の(?:サイズ|長さ))?\s?(?:は|が|:|=)?\s?(?:約|およそ)?\s?\d{1,3}(?:\.\d{1,2})?\s?(?:cm|mm|センチ(?:メートル)?|ミリ(?:メートル)?)"
    r"|(?<![A-Za-z])wrist(?: (?:size|circumference|measures|measurement|is|of|about|around|approx\.?)){0,4}[:\s]{0,2}\d{1,3}(?:\.\d{1,2})?\s?(?:cm|mm|inch(?:es)?|in)(?![A-Za-z])",
    re.IGNORECASE,
)

_WORDS: Final = (
    r"\d{1,3}(?:\.\d{1,2})?\s?(?:cm|mm|センチ|ミリ|コマ|駒|個|つ|本|inch(?:es)?)(?:分|程度|くらい|ぐらい|ほど)?|程度|くらい|ぐらい|ほど|位|約|分",
    r"余り?の?(?:コマ|駒)|余った(?:コマ|駒)|(?:コマ|駒)|同封|(?:少し|やや|若干)?(?:ゆる|緩|きつ|キツ|ユル)め|ぴったり|ジャスト|ちょうど|少し|余裕(?:を?(?:持た|もた)せて)?|指\d?本",
    r"(?:に|で)?合わせて|(?:調整|調節|詰め)(?:して|を)?|手首|腕|周り|回り|サイズ|長さ|手首サイズ|作業|なので|してから|入れて|送って|発送|出荷|て(?=くだ|下さ|ほし|欲し|いただ|頂)",
    r"(?:watch|band|bracelet|strap|fit|size|wrist|adjust(?:ed|ment)?|so|that|it|snug(?:ly)?|loose(?:ly)?|include|spare|links?|before|shipping|about|around|to)",
)


def recognise(remark: Remark) -> Iterator[Claim]:
    """Work asked for, sizes for it, and work declined."""
    declined = [Claim(f.start(), f.end(), RECOGNISER.kind, declined=True) for f in _DECLINED.finditer(remark.text)]
    yield from declined
    text = without(remark.text, declined)
    for pattern in (_ASKED, _SIZE):
        yield from (Claim(f.start(), f.end(), RECOGNISER.kind, whole=False) for f in pattern.finditer(text))


RECOGNISER: Final = Recogniser("work_order", "supplier", recognise, (*_WORDS, *PARTICLES))
