"""What speaks against a claim: another that says something else, no word of a wish, what nobody read beside it.

A wrong reading is worse than none. A claim in doubt is given up, and a person reads the sentence.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from pipelines.rules.remarks.claim import Claim
from pipelines.rules.remarks.part import Part, clauses, unread
from pipelines.rules.remarks.text import Span, within
from pipelines.rules.remarks.words import COURTESY, DELIVERY, PARTICLES, vocabulary

_DAY_OR_TIME: Final = frozenset({"desired_date", "desired_slot"})
#: An operator looks at every word of coupons before the money: giving up a code would only let the order go on.
_NEVER: Final = "coupon_codes"
#: Words that make a day or a time a wish; beside another kind of instruction those of delivery alone.
_DELIVERED: Final = re.compile(r"届|着|配達|配送|宅配|納品|納入|納期|受け?取|deliver|arriv|receiv", re.IGNORECASE)
_WISHED: Final = re.compile(
    rf"{_DELIVERED.pattern}|希望|指定|[でに]お?願い|\b(?:reach|get|have|want|need|prefer|please)", re.IGNORECASE
)
#: Beside a day: it is the goods' leaving that is meant, or something else that is sent.
_SENT: Final = re.compile(r"発送|出荷|(?<!配)送|\b(?:ship|send|sent|dispatch|mail)", re.IGNORECASE)
#: In what nobody read: words about a day or a time, which a wish may depend on.
_ABOUT_TIME: Final = re.compile(
    r"(?<!\d)\d{1,2}\s?(?:[日月時/]|$|か|or(?![a-z]))|曜|日時|日程|時間|[のか]日|日[にはをでが]|当日|同日|週末|月末|明日|休(?!憩)|午前|午後|夕方"
    r"|\b(?:mon|tues|wednes|thurs|fri|satur|sun)day|\b(?:jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec)[a-z]*\.? \d"
    r"|\b(?:day|date|time|weekend|week|tomorrow|today|morning|afternoon|evening|closed|away)s?\b",
    re.IGNORECASE,
)
#: Words that take back what was said, wherever they stand.
_TAKEN_BACK: Final = re.compile(
    r"やっぱり|やはり|取り?消|撤回|訂正|間違|キャンセル|変更|ではなく|じゃなく|でなく|以外|除[くい]"
    r"|\b(?:actually|instead|cancel|changed?|mistake|except|unless|rather)\b",
    re.IGNORECASE,
)
#: Words that deny.
_DENIED: Final = re.compile(
    r"不[可要]|不在(?!時|の(?:時|際|場合|とき))|無理|困[るり]|だめ|ダメ|駄目|(?<![A-Za-z])NG(?![A-Za-z])|避け|やめ|止め|難し|ません|ない|けど|ですが"
    r"|\b(?:not|no|never|but|if|can't|cannot|don't|won't|without)\b|n't",
    re.IGNORECASE,
)

_FULL_STOP: Final = re.compile(r"[。!?;]|\.(?!\d)")


def doubted(plain: str, parts: Sequence[Part]) -> Iterator[Claim]:
    """The claims to give up; some may come twice."""
    claims = [claim for part in parts for claim in part.claims]
    yield from _contradicting(claims)
    left = unread(plain, parts)
    if any(claim.kind in _DAY_OR_TIME for claim in claims):
        yield from _no_wish(plain, claims, is_all_read=not left)
    if left:
        yield from _shaken(plain, claims, left)


def _contradicting(claims: Sequence[Claim]) -> Iterator[Claim]:
    for kind in {claim.kind for claim in claims if claim.kind}:
        of_kind = [claim for claim in claims if claim.kind == kind]
        asked = [claim for claim in of_kind if not claim.declined]
        if len(asked) < len(of_kind) and asked:
            yield from (claim for claim in of_kind if claim.declined or kind != _NEVER)
        if all(claim.detail for claim in asked):
            yield from asked
        if kind in _DAY_OR_TIME and any(claim.value != of_kind[0].value for claim in of_kind):
            yield from of_kind


def _no_wish(plain: str, claims: Sequence[Claim], *, is_all_read: bool) -> Iterator[Claim]:
    """Days and times that may not be meant as a wish for delivery."""
    beside = list(within(clauses(plain, claims), claims))
    for place, (span, inside) in enumerate(beside):
        kinds = {claim.kind for claim in inside if claim.kind}
        if not kinds & _DAY_OR_TIME:
            continue
        alone = kinds <= _DAY_OR_TIME
        around = (beside[n] for n in (place - 1, place + 1) if 0 <= n < len(beside))
        said = (
            kinds >= _DAY_OR_TIME
            or _says(_WISHED if alone else _DELIVERED, plain, span, inside)
            or any(_is_label(plain, *one) for one in around)
        )
        sent = _says(_SENT, plain, span, inside)
        for claim in inside:
            if claim.kind in _DAY_OR_TIME and (sent or not (said or _stands(claim, alone and is_all_read))):
                yield claim


def _stands(claim: Claim, nothing_else: bool) -> bool:
    """Whether a day or a time is a wish without a word that says so."""
    return claim.wish == "said" or (claim.wish == "may" and nothing_else)


def _is_label(plain: str, span: Span, inside: Sequence[Claim]) -> bool:
    """Whether a clause is nothing but words of delivery: a heading, or the rest of a wish that a line break cut off."""
    return (
        not inside
        and bool(_DELIVERED.search(plain, *span))
        and vocabulary(COURTESY, DELIVERY, PARTICLES).knows(plain, span, ())
    )


def _says(pattern: re.Pattern[str], plain: str, span: Span, claims: Sequence[Claim]) -> bool:
    start, end = span
    for claim in claims:
        if pattern.search(plain, start, claim.start):
            return True
        start = claim.end
    return bool(pattern.search(plain, start, end))


def _shaken(plain: str, claims: Sequence[Claim], left: Sequence[Span]) -> Iterator[Claim]:
    """Claims that depend on what nobody read."""
    about_time = any(_ABOUT_TIME.search(plain, *span) for span in left)
    taken_back = any(_TAKEN_BACK.search(plain, *span) for span in left)
    denied = [span for span in left if _DENIED.search(plain, *span)]
    for claim in claims:
        time = claim.kind in _DAY_OR_TIME
        if (
            claim.kind
            and claim.kind != _NEVER
            and (taken_back or (time and about_time) or any(_denies(plain, one, claim) for one in denied))
        ):
            yield claim


def _denies(plain: str, span: Span, claim: Claim) -> bool:
    """Whether words that deny stand in the claim's sentence. A line may end within a sentence: a day is denied across its
    end, anything else only by words that go on from it."""
    between = plain[min(span[1], claim.end) : max(span[0], claim.start)]
    if _FULL_STOP.search(between):
        return False
    return "\n" not in between or claim.kind in _DAY_OR_TIME or _DENIED.match(plain, span[0], span[1]) is not None
