"""Words that may stand around what a recogniser has read without changing it: politeness, particles, delivery.

A sentence is understood only if each of its words is known. So none of these lists holds a word that denies, doubts,
limits or puts off: 不在, 以外, ません, 場合, not, unless.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final

from pipelines.rules.remarks.claim import Claim
from pipelines.rules.remarks.text import Span

_ASK: Final = r"お?願い?(?:を?(?:いた|致)?し(?:ます|たいです|たく(?:存じます|思います)?)|(?:を?申し上げ)ます|ね?)"
_MAY_WE: Final = r"(?:か|でしょうか)\??"
COURTESY: Final = (
    rf"(?:(?:どうぞ|何卒|なにとぞ|以上)[、,\s]?)?(?:よろしく|宜しく|ヨロシク)(?:{_ASK}|です)?",
    r"お?願い?(?:でき|出来)(?:ます" + _MAY_WE + r"|れば(?:と(?:思い|存じ)ます)?|ましたら)",
    _ASK,
    r"願います|くださいませ|くださ(?:い|ると)|下さ(?:い|ると)|いただけ(?:ます" + _MAY_WE + r"|ますと|れば|ると|たら)",
    r"頂け(?:ます" + _MAY_WE + r"|ますと|れば|ると|たら)|(?:いただ|頂)きたい(?:です)?|(?:いただ|頂)きたく",
    r"幸いです|(?:助か|たすか)ります|(?:うれし|嬉し)いです|(?:ありがた|有難|有り難)いです|幸甚です",
    r"(?:誠に)?(?:ありがとう|有難う|有り難う)(?:ございま(?:す|した))?|感謝(?:いた|致)?します",
    r"(?:いつも|毎度|平素(?:より|は)?|日頃より)?(?:大変)?お世話に?なっ?(?:て(?:おり|い)?ます|ります)|いつも",
    r"こんにち[はわ]|こんばん[はわ]|おはようございます|(?:初め|はじめ)まして|お疲れ様です|ご担当者様|担当者様",
    r"(?:お忙しい(?:ところ|中)|度々|たびたび|急で|勝手を言って|ご?面倒を?お?(?:かけ|掛け)して)",
    r"お手数(?:ですが|です|を?お?(?:かけ|掛け)(?:いた|致)?し(?:ますが|ます|て))?|(?:恐れ入り|おそれいり)ます(?:が)?",
    r"恐縮(?:です)?(?:が)?|(?:すみ|すい)ません(?:が)?|申し?訳(?:ござい|あり)ません(?:が)?|ごめんなさい",
    r"楽しみに(?:して(?:い|おり)?ます|待って(?:い|おり)?ます|お待ちして(?:い|おり)?ます)|待って(?:い|おり)?ます",
    r"(?:できれば|出来れば|できましたら|出来ましたら|可能であれば|可能でしたら|可能なら(?:ば)?)",
    r"です(?:ので)?|ます|でございます|と(?:思い|存じ)ます|どうぞ|何卒|(?<![日時])以上(?:です)?|ご?(?:対応|配慮|確認)の?(?:ほど|程)",
    r"ご?(?:手配|対応)",
    r"(?:if (?:it (?:is|'s) )?(?:at all )?possible|many thanks|thank(?:s| you)(?: (?:so|very) much| a lot)?(?: in advance| again)?)",
    r"(?:please|pls|plz|kindly|hello|hi|hey|dear (?:sir or madam|sir|madam|team|shop|all)|good (?:morning|afternoon|evening|day))",
    r"(?:(?:kind|best|warm)(?:est)? (?:regards|wishes)|(?:regards|cheers|best)|(?:very |much )?appreciated|sincerely)",
    r"(?:(?:could|can|would|will) (?:you|we|i)|i(?: would|'d) (?:like|love)(?: it)?|(?:that )?(?:would|will) be (?:great|nice|lovely|perfect|good))",
    r"(?:looking forward(?: to it)?|have a (?:nice|good|great) (?:day|one)|sorry(?: for the trouble)?|greetings)",
)
"""Whole phrases of politeness: alone they ask for nothing."""

PARTICLES: Final = (
    r"(?:が|と)(?=(?:いい|良い|よい|嬉し|うれし|助か|ありがた|有難|幸い|希望))|いい(?:です)?|良い(?:です)?|よい(?:です)?",
    r"という(?:ことで)?|にて|には|では|での|とも|から(?=お?願)|まし(?:た)?|のほう|の方|[をはにでのともへ]|し(?:て|ます|たい|たく)|たいです?|たく",
    r"(?:欲|ほ)しい(?:です)?|ご?(?:希望|要望)(?:いた|致)?(?:します|する|して(?:い|おり)?ます|です)?|有り?|あり",
    r"(?:the|an?|to|of|for|is|are|be|it|my|this|these|that|and|as|me|us|i|we|with|also|at|in|on|just|all|order|oh|so)",
)

DELIVERY: Final = (
    r"お?届け(?:希望)?(?:日時?|予定日)?(?!先)(?:て)?|お?届く(?:ように?|と)?|着く(?:ように?|と)?|着(?!払)(?:日時?|指定)?",
    r"(?:ご?(?:配達|配送|宅配)|納品|納入|到着|(?:お?受け?(?:取り?)))(?:日時?|希望日時?|時間帯?|指定日?)?|受け取りたい(?:です)?",
    r"(?:日時|日付|時間帯?|日にち|期日|日)?(?:の)?(?:希望|指定)(?:日時?|時間帯?)?(?:します|です|する)?|日時|時間帯?|日にち|日(?=[:にのは])",
    r"必着|厳守|必ず|絶対に?|確実に|是非|ぜひ|納期|間|ごろ|頃|くらい|ぐらい|あたり|もらえ(?:ると|れば|たら)|もらいたい(?:です)?|来て",
    r"(?:deliver(?:y|ed|ies|ing)?|arriv(?:e|es|al|ing)|receiv(?:e|ed|ing)|reach(?:es)?|come|get)",
    r"(?:preferred|prefer(?:ably)?|desired|requested|request(?:s|ing)?|wish(?:ed|es)?|want(?:ed)?|need(?:ed)?|hope|date|time|slot|day|have|scheduled?)",
    r"(?:parcel|package|goods|items?|delivery date|delivery time|during|around|about|here|us|them)",
)
_POLITE_QUESTION: Final = re.compile(r"\b(?:could|can|would|will) (?:you|we|i)\b|(?:ます|でしょう)か\?", re.IGNORECASE)
_WORD: Final = re.compile(r"[^\W_]")
_ASCII_LETTERS: Final = re.compile(r"[A-Za-z]")


class Vocabulary:
    """Known words, the first that fits taken; English ones stand alone."""

    def __init__(self, words: Iterable[str]) -> None:
        alternatives = [
            rf"(?<![A-Za-z]){word}(?![A-Za-z'])" if _ASCII_LETTERS.search(_bare(word)) else word for word in words
        ]
        self._known = re.compile("|".join(f"(?:{one})" for one in alternatives), re.IGNORECASE)

    def knows(self, plain: str, span: Span, claims: Sequence[Claim]) -> bool:
        """Whether every word between the ``claims``, which lie in ``span`` in order, is known."""
        place, end = span
        for claim in claims:
            if not self._fills(plain, place, claim.start):
                return False
            place = claim.end
        return self._fills(plain, place, end)

    def _fills(self, plain: str, place: int, end: int) -> bool:
        while place < end:
            if _WORD.match(plain, place):
                found = self._known.match(plain, place, end)
                if found is None or found.end() == place:
                    return False
                place = found.end()
            elif plain[place] == "?" and not _POLITE_QUESTION.search(plain, max(0, place - 200), place + 1):
                return False
            else:
                place += 1
        return True


def _bare(word: str) -> str:
    """A pattern without its escapes."""
    return re.sub(r"\\.|\(\?[:!=<]+", "", word)


@lru_cache(maxsize=256)
def vocabulary(*lists: tuple[str, ...]) -> Vocabulary:
    """The vocabulary of several lists of words."""
    return Vocabulary(word for words in lists for word in words)


def is_wordless(plain: str, span: Span) -> bool:
    """Whether there is nothing to read: signs and spaces alone."""
    return _WORD.search(plain, *span) is None
