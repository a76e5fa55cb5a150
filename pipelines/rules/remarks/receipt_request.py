"""A receipt asked for (領収書希望), with whom it is made out to (宛名) and for what (但し書き), or declined (領収書不要) (DOC-02)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from pipelines.rules.remarks.claim import Claim
from pipelines.rules.remarks.recogniser import Recogniser, Remark
from pipelines.rules.remarks.text import Text, without
from pipelines.rules.remarks.words import PARTICLES

_RECEIPT: Final = r"(?:手書きの?|紙の)?(?:領収[書証]|レシート)(?:の?(?:発行|同封|添付|送付|用紙))?"
_NO: Final = (
    r"(?:不要|いりません|要りません|いらない|要らない|必要(?:では)?(?:ありません|ございません|ない|なし)|結構です|無用"
    r"|(?:発行|同封|添付|送付)?(?:しないで|せず|無し|なし)|(?:入れ|付け|つけ|送ら)ないで|(?:入れ|付け|つけ)ず|無し|なし)"
)
_DECLINED: Final = re.compile(
    rf"{_RECEIPT}(?:に関して|について)?(?:は|も|を|が)?、?\s?(?:今回は?|特に)?\s?{_NO}(?:で(?:す|お願いします)|でございます)?"
    r"|(?<![A-Za-z])(?:no|without(?: an?| the)?|(?:i |we )?(?:don't|do not|don’t) (?:need|want|require)(?: an?| the| any)?|no need (?:for|of)(?: an?| the)?)"
    r" (?:paper |printed )?receipts?(?: (?:is |are )?(?:needed|required|necessary|please))?(?![A-Za-z])"
    r"|(?<![A-Za-z])(?:(?:the|a|paper) )?receipts? (?:is |are )?(?:not |un)(?:needed|required|necessary)(?![A-Za-z])",
    re.IGNORECASE,
)
_ASKED: Final = re.compile(
    rf"{_RECEIPT}|(?<![A-Za-z])(?:(?:the|a|an|paper|printed|official) ){{0,3}}receipts?(?![A-Za-z])", re.IGNORECASE
)
#: A name or a purpose is whatever stands in quotes, or up to a sign, another's words, or a request that follows.
_FREE: Final = (
    r"(?:[「『\"](?P<quoted>[^「」『』\"\n\x00]{1,60})[」』\"]"
    r"|(?:[(\[](?![株有合医社財学同名資]\)))?(?P<free>(?:\([株有合医社財学同名資]\)|[^、。,;\n\x00「」『』\"()\[\]]){1,60}?)[)\]]?)"
    r"(?=\s?(?:(?:(?:さま|様)宛)?(?:て|と|で|に|名義で|名で)?\s?(?:お願い|お願|願い|ください|下さい|希望|発行|ご?記[入載]|書いて|して|の領収|領収|です)"
    r"|但し?書?き?|宛名|(?:で|に|と)?(?:[、。,;\n\x00」』\"()\[\]]|$)))"
)
_ADDRESSEE: Final = re.compile(
    rf"(?:お?宛て?名(?:書き)?|名義)(?:に関して|について)?\s?[::は=をに]{{0,2}}\s?{_FREE}", re.IGNORECASE
)
_MADE_OUT_TO: Final = re.compile(
    r"(?<![A-Za-z])(?:made out to|addressed to|issued to|in the name of|(?:the )?addressee(?: is|:)?)[ :]{0,2}[\"']?(?P<free>[^,.;\n\x00\"']{1,60})[\"']?",
    re.IGNORECASE,
)
_SUFFIXED: Final = re.compile(
    r"(?P<free>[^、。,;\n\x00「」『』\"()\[\] はをのもで]{1,60}?)(?:様|さま)?宛(?:て)?(?=[のでにと])"
)
_PROVISO: Final = re.compile(
    rf"(?:但し?書き?|ただし書き?|但書)\s?[::は=をに]{{0,2}}\s?{_FREE}"
    r"|(?:但し|但)\s?[::は]?\s?[「『]?(?P<as>[^、。,;\n\x00「」『』\"]{1,40}?代)[」』]?(?=として|で)|(?P<proviso>お?品代)(?=として|で|と)",
    re.IGNORECASE,
)
#: A free text with such words is no name: it asks for something, takes back what was said, or follows a heading that was left blank.
#: Nor are signs, or a particle alone.
_NO_NAME: Final = re.compile(
    r"届|配達|配送|納品|着希望|不要|不在|ません|ないで|以外|場合|キャンセル|クーポン|please|deliver"
    r"|よろしく|宜しく|宛て?名|但し?書|ただし書|^[\W_]*$|^[のはをがにでともへ]$",
    re.IGNORECASE,
)

_WORDS: Final = (
    r"が(?=必要|ほし|欲し|いる|要|あ)",
    r"同封|添付|発行|送付|郵送|用意|準備|必要(?:です)?|要(?=$|\W|です)|入れて|付けて|つけて|送って|一緒に|出して|(?:に|で)?ご?(?:記入|記載)|書いて|いる(?:ので)?",
    r"として|名義|名で|商品|荷物|箱|中|上様|銀行振込|振込|の方|作成|は|ほしい|様|さま",
    r"(?:include|enclose|attach|issue|send|need(?:ed)?|want(?:ed)?|require(?:d)?|parcel|box|package|order|in|inside|put|add|have|get|would like)",
)


def recognise(remark: Remark) -> Iterator[Claim]:
    """Receipts asked for or declined; names and purposes, which only count beside one that is asked for."""
    declined = [Claim(f.start(), f.end(), RECOGNISER.kind, declined=True) for f in _DECLINED.finditer(remark.text)]
    text = without(remark.text, declined)
    asked = [Claim(found.start(), found.end(), RECOGNISER.kind) for found in _ASKED.finditer(text)]
    yield from (*declined, *asked)
    if asked:
        yield from _details(without(text, asked), remark.source)


def _details(text: str, source: Text) -> Iterator[Claim]:
    """Names and purposes as they were written: NFKC would turn a letter of a name into another."""
    ends = 0
    found = [(f, "addressee") for pattern in (_ADDRESSEE, _MADE_OUT_TO, _SUFFIXED) for f in pattern.finditer(text)]
    found += [(f, "proviso") for f in _PROVISO.finditer(text)]
    for match, name in sorted(found, key=lambda one: one[0].start()):
        group = next(name for name, words in match.groupdict().items() if words is not None)
        words = source.quote(match.span(group))
        if match.start() >= ends and words and not _NO_NAME.search(match[group]):
            ends = match.end()
            yield Claim(match.start(), match.end(), RECOGNISER.kind, {name: words}, detail=True)


RECOGNISER: Final = Recogniser("receipt_request", "accounting", recognise, (*_WORDS, *PARTICLES))
