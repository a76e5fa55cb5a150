"""Coupon codes of any spelling (CPN-03): クーポン:AUTUMN、WINTER, クーポン「秋割」と「冬得」, coupon codes: autumn, a bare VIP20.

A word of a coupon without a code is read too, with no codes: the amount stays open until an operator has said which coupons
the order has.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from pipelines.rules.remarks.claim import Claim
from pipelines.rules.remarks.recogniser import Recogniser, Remark
from pipelines.rules.remarks.text import without
from pipelines.rules.remarks.words import PARTICLES

if TYPE_CHECKING:
    from pipelines.shops import Shop

_TRIGGER: Final = re.compile(
    r"(?:(?:割引|優待|会員)?クーポン(?:コード|番号|券|名)?|(?:割引|優待|プロモ(?:ーション)?|キャンペーン)コード)(?:\s?\d{1,2}(?=\s?[::]))?|コード(?=\s?[::])"
    r"|(?<![A-Za-z])(?:(?:coupons?|promo(?:tion)?|discount|vouchers?)(?: ?codes?)|coupons?|vouchers?)(?![A-Za-z])",
    re.IGNORECASE,
)
_NO: Final = re.compile(
    r"(?:割引)?クーポン(?:コード)?(?:は|の?利用は?|の?使用は?|も)?\s?(?:使いません|使わない|使用しません|利用しません|不要|なし|無し|ありません)(?:です)?"
    r"|(?<![A-Za-z])no (?:coupons?|vouchers?)(?: codes?)?(?![A-Za-z])",
    re.IGNORECASE,
)
_CONNECTS: Final = re.compile(r"\s{0,4}(?:[::=]|は|が|を|の|(?:is|are)(?![A-Za-z]))?\s{0,4}", re.IGNORECASE)
_QUOTED: Final = re.compile(r"[「『\"'(\[【<“‘]([^「」『』\"'()\[\]【】<>“”‘’。\n\x00]{1,64})[」』\"')\]】>”’]")
_IN_QUOTES: Final = re.compile(r"[^、,・/+&]+")
_ASCII: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]{0,62}[A-Za-z0-9])?(?![A-Za-z0-9_-])")
#: A Japanese code goes on up to a sign or a particle that belongs to a code.
_JAPANESE: Final = re.compile(
    r"(?![\x00-\x7f])\w(?:(?![をでのにはがとへ])[\w%-]){1,31}(?=\s{0,4}(?:[、,・/&+\n。|]|と|を|で(?:す|お|の)|の(?:\d|二|両|利|適)|$))"
)
_BETWEEN: Final = re.compile(r"\s{0,4}(?P<sign>[、,・/&+]|と|および|及び|(?:and)(?![A-Za-z]))?\s{0,4}", re.IGNORECASE)
_RUN: Final = re.compile(r"(?<![A-Za-z0-9_-])[A-Za-z0-9_-]{3,64}(?![A-Za-z0-9_-])")
_COUNT: Final = re.compile(r"\d{1,2}\s?(?:枚|つ|個|点|種類?)")
_USED: Final = re.compile(r"使|利用|適用|併用")
_LETTER: Final = re.compile(r"[A-Za-z]")

#: What follows the word coupon and is no code.
_NO_CODE_JA: Final = re.compile(
    "使|利用|適用|入力|記入|併用|あり|有|無|な|不要|もら|お願|希望|付|忘|いただ|頂|期限|コード|番号|以下|次|下記|上記|何|ど|全|すべて|まだ|って"
    "|あれ|場合|入れ|も|まとめ|両方|間に合|反映|効|割引|引"
)
_NO_CODE_EN: Final = re.compile(
    r"(?:a|about|above|after|all|also|an|and|any|apply|applied|applies|are|as|at|be|been|before|below|both|but|by|can|cannot|check|codes?"
    r"|could|coupons?|did|discount|do|does|don|door|for|forgot|from|get|give|good|had|has|have|help|how|i|if|in|is|it|its|later|leave|like"
    r"|me|missed|my|need|no|not|of|off|on|one|or|order|our|please|pls|price|product|promo|purchase|put|regards|remove|should|so|some|still"
    r"|thanks?|that|the|them|then|these|they|this|to|too|total|two|use|used|using|valid|vouchers?|was|we|were|what|when|which|will|with"
    r"|without|works?|would|you|your)",
    re.IGNORECASE,
)
#: Capitals that are no code.
_SHOUTED: Final = re.compile(
    r"PLEASE|THANKS?|RECEIPT|DELIVERY?|LEAVE|DOOR|WITH|FROM|DATE|TIME|CALL|BEFORE|AFTER|NONE|NOTHING|SPECIAL|HELLO|ORDER|FRONT|BACK|HOUSE"
    r"|HOME|ROOM|FLOOR|GATE|BELL|RING|ASAP|URGENT|TODAY|TOMORROW|MORNING|EVENING|AFTERNOON|THIS|THAT|YOUR|HTTPS?|PHONE|E?MAIL|JAPAN|TOKYO"
    r"|GIFT|WRAP"
)
_SHORTEST_BARE: Final = 4

_WORDS: Final = (
    r"(?:使用|利用|適用|併用|使|入力|記入)(?:いたい|います|って|用|え|い|する|したい|させて)?|(?:割引|クーポン|コード|番号)(?:コード|券|番号)?",
    r"両方(?:とも)?|全部|すべて|全て|まとめて|以上|(?:\d{1,2}|[一二三四五])(?:つ|枚|個|点|種類)(?:とも)?|(?:計|合計)|下記|以下|次の?|よう|値引き?|引いて|(?:入れ|入力し?)忘れ(?:ました)?",
    r"(?:use|using|apply|both|codes?|coupons?|vouchers?|promo|discount|would like|want|two|three|two of them|following|them|too)",
)


def recognise(remark: Remark) -> Iterator[Claim]:
    """Coupons declined, codes after a word of coupons, then codes that stand by themselves."""
    declined = [Claim(f.start(), f.end(), RECOGNISER.kind, declined=True) for f in _NO.finditer(remark.text)]
    text = without(remark.text, declined)
    named = list(_named(text))
    yield from (*declined, *named, *_bare(without(text, named), remark.shop))


def _named(text: str) -> Iterator[Claim]:
    """Each word of coupons, with the codes that follow it."""
    place = 0
    while found := _TRIGGER.search(text, place):
        codes, place = _listed(text, found.end())
        yield Claim(found.start(), place, RECOGNISER.kind, tuple(codes), whole=False)


def _listed(text: str, place: int) -> tuple[list[str], int]:
    """The codes that follow ``place``, and where they end."""
    codes: list[str] = []
    end = place
    connected = _CONNECTS.match(text, place)
    place = connected.end() if connected else place
    parted = True
    while (found := _codes_at(text, place, parted=parted)) is not None:
        more, end = found
        codes += more
        between = _BETWEEN.match(text, end)
        place, parted = (between.end(), between["sign"] is not None) if between else (end, False)
    return codes, end


def _codes_at(text: str, place: int, *, parted: bool) -> tuple[list[str], int] | None:
    """The code at ``place``, or those in quotes; a Japanese one without quotes only after a sign that parts two codes."""
    if quoted := _QUOTED.match(text, place):
        codes = _in_quotes(quoted[1])
        return (codes, quoted.end()) if codes else None
    if found := _ASCII.match(text, place):
        is_code = len(found[0]) > 1 and (_LETTER.search(found[0]) or len(found[0]) >= _SHORTEST_BARE)
        return ([found[0]], found.end()) if is_code and _NO_CODE_EN.fullmatch(found[0]) is None else None
    if parted and (found := _JAPANESE.match(text, place)) and _NO_CODE_JA.match(found[0]) is None:
        return [found[0]], found.end()
    return None


def _in_quotes(quoted: str) -> list[str]:
    codes = [one.strip() for one in _IN_QUOTES.findall(quoted)]
    return [code for code in codes if code and _COUNT.fullmatch(code) is None]


def _bare(text: str, shop: Shop) -> Iterator[Claim]:
    """The shop's own codes, capitals and figures that look like a code, and what is said to be used."""
    offers = tuple(shop.coupons.offers_by_key)
    if offers:
        yield from (_one(found, (found[0],)) for found in _any_of(offers).finditer(text))
    is_used = _USED.search(text) is not None
    for found in _RUN.finditer(text):
        code = found[0]
        if code.upper() == code and _LETTER.search(code) and len(code) >= _SHORTEST_BARE:
            if _SHOUTED.fullmatch(code) is None:
                yield _one(found, (code,))
        elif is_used and _LETTER.match(code) and _NO_CODE_EN.fullmatch(code) is None:
            yield _one(found, (code,), whole=True)
    for found in _QUOTED.finditer(text):
        if is_used and (codes := _in_quotes(found[1])):
            yield _one(found, tuple(codes), whole=True)


def _one(found: re.Match[str], codes: tuple[str, ...], *, whole: bool = False) -> Claim:
    return Claim(found.start(), found.end(), RECOGNISER.kind, codes, whole=whole)


@lru_cache(maxsize=64)
def _any_of(codes: tuple[str, ...]) -> re.Pattern[str]:
    """Any of these codes, by itself."""
    listed = "|".join(re.escape(code) for code in sorted(codes, key=len, reverse=True))
    return re.compile(rf"(?<![A-Za-z0-9_-])(?:{listed})(?![A-Za-z0-9_-])", re.IGNORECASE)


RECOGNISER: Final = Recogniser("coupon_codes", "operator", recognise, (*_WORDS, *PARTICLES))
