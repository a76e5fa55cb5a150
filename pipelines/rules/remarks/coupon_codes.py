"""Coupon codes of any spelling (CPN-03): クーポン:AUTUMN、WINTER, クーポン「秋割」と「冬得」, coupon codes: autumn, a bare VIP20.

A word of a coupon without a code is read too, with no codes: the amount stays open until an operator has said which coupons
the order has.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from pipelines.rules.remarks.claim import Claim, Remark
from pipelines.rules.remarks.recogniser import Recogniser
from pipelines.rules.remarks.words import PARTICLES
from pipelines.values.coupon_key import coupon_key

if TYPE_CHECKING:
    from pipelines.shops import Shop

_TRIGGER: Final = re.compile(
    r"(?:割引|優待|会員)?クーポン(?:コード|番号|券|名)?|(?:割引|優待|プロモ(?:ーション)?|キャンペーン)コード|コード(?=\s?[::])"
    r"|(?<![A-Za-z])(?:(?:coupons?|promo(?:tion)?|discount|vouchers?)(?: ?codes?)|coupons?|vouchers?)(?![A-Za-z])",
    re.IGNORECASE,
)
_NO: Final = re.compile(
    r"(?:割引)?クーポン(?:コード)?(?:は|の?利用は?|の?使用は?|も)?\s?(?:使いません|使わない|使用しません|利用しません|不要|なし|無し|ありません)(?:です)?"
    r"|(?<![A-Za-z])no (?:coupons?|vouchers?)(?: codes?)?(?![A-Za-z])",
    re.IGNORECASE,
)
_CONNECTS: Final = re.compile(r"\s{0,4}(?:[::=]|は|が|を|の|(?:is|are)(?![A-Za-z]))?\s{0,4}", re.IGNORECASE)
_QUOTED: Final = re.compile(
    r"[「『\"'(\[【<“‘]\s?([^「」『』\"'()\[\]【】<>“”‘’、。,\n\x00]{1,64}?)\s?[」』\"')\]】>”’]"
)
_ASCII: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]{0,62}[A-Za-z0-9])?(?![A-Za-z0-9_-])")
#: A Japanese code goes on up to a sign or a particle that belongs to a code.
_JAPANESE: Final = re.compile(
    r"(?![\x00-\x7f])\w(?:(?![をでのにはがとへ])[\w%-]){1,31}(?=\s{0,4}(?:[、,・/&+\n。|]|と|を|で(?:す|お|の)|の(?:\d|二|両|利|適)|$))"
)
_BETWEEN: Final = re.compile(r"\s{0,4}(?P<sign>[、,・/&+]|と|および|及び|(?:and)(?![A-Za-z]))?\s{0,4}", re.IGNORECASE)
_RUN: Final = re.compile(r"(?<![A-Za-z0-9_-])[A-Za-z0-9_-]{3,64}(?![A-Za-z0-9_-])")
_USED: Final = re.compile(r"(?:使用|使|利用|適用|併用)(?:い|っ|し|す|で|を)?|お願い")
_LETTER: Final = re.compile(r"[A-Za-z]")

#: What follows the word coupon and is no code.
_NO_CODE_JA: Final = (
    *(
        "使",
        "利用",
        "適用",
        "入力",
        "記入",
        "併用",
        "あり",
        "有",
        "無",
        "な",
        "不要",
        "もら",
        "お願",
        "希望",
        "付",
        "忘",
        "いただ",
        "頂",
        "期限",
    ),
    *(
        "コード",
        "番号",
        "以下",
        "次",
        "下記",
        "上記",
        "何",
        "ど",
        "全",
        "すべて",
        "まだ",
        "って",
        "あれ",
        "場合",
        "入れ",
        "も",
        "まとめ",
        "両方",
        "間に合",
    ),
)
_NO_CODE_EN: Final = frozenset(
    [
        "a",
        "about",
        "above",
        "after",
        "all",
        "also",
        "and",
        "any",
        "apply",
        "applied",
        "applies",
        "are",
        "as",
        "at",
        "be",
        "been",
        "before",
        "below",
        "both",
        "but",
        "by",
        "can",
        "cannot",
        "check",
        "code",
        "codes",
        "could",
        "did",
        "didn",
        "discount",
        "do",
        "does",
        "don",
        "door",
        "for",
        "forgot",
        "from",
        "get",
        "give",
        "good",
        "had",
        "has",
        "have",
        "help",
        "how",
        "i",
        "if",
        "in",
        "is",
        "it",
        "its",
        "later",
        "leave",
        "like",
        "me",
        "missed",
        "my",
        "need",
        "no",
        "not",
        "of",
        "off",
        "on",
        "one",
        "or",
        "order",
        "our",
        "please",
        "pls",
        "price",
        "product",
        "purchase",
        "put",
        "regards",
        "remove",
        "should",
        "so",
        "some",
        "still",
        "thank",
        "thanks",
        "that",
        "the",
        "them",
        "then",
        "these",
        "they",
        "this",
        "to",
        "too",
        "total",
        "two",
        "use",
        "used",
        "using",
        "valid",
        "was",
        "we",
        "were",
        "what",
        "when",
        "which",
        "will",
        "with",
        "without",
        "work",
        "works",
        "would",
        "you",
        "your",
        "coupon",
        "coupons",
        "voucher",
        "vouchers",
        "promo",
    ]
)
#: Capitals that are no code.
_SHOUTED: Final = frozenset(
    [
        "PLEASE",
        "THANK",
        "THANKS",
        "RECEIPT",
        "DELIVER",
        "DELIVERY",
        "LEAVE",
        "DOOR",
        "WITH",
        "FROM",
        "DATE",
        "TIME",
        "CALL",
        "BEFORE",
        "AFTER",
        "NONE",
        "NOTHING",
        "SPECIAL",
        "HELLO",
        "ORDER",
        "FRONT",
        "BACK",
        "HOUSE",
        "HOME",
        "ROOM",
        "FLOOR",
        "GATE",
        "BELL",
        "RING",
        "ASAP",
        "URGENT",
        "TODAY",
        "TOMORROW",
        "MORNING",
        "EVENING",
        "AFTERNOON",
        "THIS",
        "THAT",
        "YOUR",
        "HTTP",
        "HTTPS",
        "PHONE",
        "EMAIL",
        "MAIL",
        "JAPAN",
        "TOKYO",
        "GIFT",
        "WRAP",
        "BOX",
    ]
)
_SHORTEST_BARE: Final = 4

_WORDS: Final = (
    r"(?:使用|利用|適用|併用|使|入力|記入)(?:いたい|います|って|用|え|い|する|したい|させて)?|(?:割引|クーポン|コード|番号)(?:コード|券|番号)?",
    r"両方(?:とも)?|全部|すべて|全て|まとめて|以上|(?:\d{1,2}|[一二三四五])(?:つ|枚|個|点|種類)(?:とも)?|(?:計|合計)|下記|以下|次の?|よう|値引き?|引いて|(?:入れ|入力し?)忘れ(?:ました)?",
    r"(?:use|using|apply|both|codes?|coupons?|vouchers?|promo|discount|would like|want|two|three|two of them|following|them|too)",
)


def recognise(remark: Remark) -> Iterator[Claim]:
    """Codes after a word of coupons, then those that stand by themselves."""
    text = remark.text
    taken: list[tuple[int, int]] = []
    for declined in _NO.finditer(text):
        taken.append((declined.start(), declined.end()))
        yield Claim(declined.start(), declined.end(), RECOGNISER.kind, declined=True)
    place = 0
    while found := _TRIGGER.search(text, place):
        place = found.end()
        if any(start < found.end() and found.start() < end for start, end in taken):
            continue
        codes, place = _listed(text, found.end())
        taken.append((found.start(), place))
        yield Claim(found.start(), place, RECOGNISER.kind, tuple(codes), whole=False)
    for claim in _bare(text, remark.shop):
        if not any(start < claim.end and claim.start < end for start, end in taken):
            yield claim


def _listed(text: str, place: int) -> tuple[list[str], int]:
    """The codes that follow, and where they end."""
    codes: list[str] = []
    end = place
    connected = _CONNECTS.match(text, place)
    place = connected.end() if connected else place
    parted = True
    while (found := _code(text, place, parted=parted)) is not None:
        code, end = found
        codes.append(code)
        between = _BETWEEN.match(text, end)
        place, parted = (between.end(), between["sign"] is not None) if between else (end, False)
    return codes, end


def _code(text: str, place: int, *, parted: bool) -> tuple[str, int] | None:
    """The code at ``place``; a Japanese one without quotes only after a sign that parts two codes."""
    if found := _QUOTED.match(text, place):
        return found[1], found.end()
    if found := _ASCII.match(text, place):
        code = found[0]
        is_code = (len(code) > 1 and _LETTER.search(code) and code.lower() not in _NO_CODE_EN) or len(
            code
        ) >= _SHORTEST_BARE
        return (code, found.end()) if is_code and code.lower() not in _NO_CODE_EN else None
    if parted and (found := _JAPANESE.match(text, place)) and not found[0].startswith(_NO_CODE_JA):
        return found[0], found.end()
    return None


def _bare(text: str, shop: Shop) -> Iterator[Claim]:
    """Capitals and figures that look like a code; the shop's own codes; what is said to be used."""
    offers = shop.coupons.offers_by_key
    is_used = _USED.search(text) is not None
    for found in _RUN.finditer(text):
        code = found[0]
        looks = code.upper() == code and _LETTER.search(code) and len(code) >= _SHORTEST_BARE and code not in _SHOUTED
        if looks or coupon_key(code) in offers:
            yield Claim(found.start(), found.end(), RECOGNISER.kind, (code,), whole=False)
        elif is_used and _LETTER.match(code) and code.lower() not in _NO_CODE_EN:
            yield Claim(found.start(), found.end(), RECOGNISER.kind, (code,))
    for found in _QUOTED.finditer(text):
        if coupon_key(found[1]) in offers or (is_used and _RUN.fullmatch(found[1]) is None):
            yield Claim(found.start(), found.end(), RECOGNISER.kind, (found[1],))


RECOGNISER: Final = Recogniser("coupon_codes", "operator", recognise, (*_WORDS, *PARTICLES))
