"""A payer's name (振込依頼人名) as banks write it: half-width kana of the Zengin system, few signs, legal forms cut short.

Names are compared in this form, whoever wrote them; the form itself is shown to nobody (B.6.7).
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from pipelines.values.spelling import HYPHENS, visible

CUT_AT: Final = 30
"""From so many half-width characters on a name may have lost its end on the way: a transfer request has room for 30."""

_HIRAGANA: Final = {code: code + 0x60 for code in range(ord("ぁ"), ord("ゖ") + 1)}
_HALF: Final = {
    **{ord(unicodedata.normalize("NFKC", chr(half))): chr(half) for half in range(0xFF66, 0xFF9E)},
    **dict(zip(map(ord, "ァィゥェォッャュョヮヵヶヰヱヲ"), "ｱｲｳｴｵﾂﾔﾕﾖﾜｶｹｲｴｵ", strict=True)),
    **{ord(hyphen): "-" for hyphen in HYPHENS},
    0x3099: "ﾞ",
    0x309A: "ﾟ",
}
#: A copied mark of voice stands alone, and NFKC makes a blank and a mark of it.
_LONE_MARKS: Final = str.maketrans({"゛": "\u3099", "゜": "\u309a"})
_FORMS: Final = {
    **dict.fromkeys(("株式会社", "(株)"), "ｶ"),
    **dict.fromkeys(("有限会社", "(有)"), "ﾕ"),
    **dict.fromkeys(("合同会社", "(同)"), "ﾄﾞ"),
    **dict.fromkeys(("合資会社", "(資)"), "ｼ"),
    **dict.fromkeys(("合名会社", "(名)"), "ﾒ"),
    **dict.fromkeys(("一般社団法人", "(一社)"), "ｼﾔ"),
    **dict.fromkeys(("医療法人", "(医)"), "ｲ"),
}
_FORM: Final = re.compile("|".join(map(re.escape, _FORMS)))
_BLANKS: Final = re.compile(r"\s+")


def one_line(text: str) -> str:
    """``text`` in NFKC and capitals, without what nobody sees: the form in which numbers are looked for."""
    return unicodedata.normalize("NFKC", visible(text)).upper()


def payer_name(name: str) -> str:
    """``name`` in the form in which it is compared: ``ヤマダ　はなこ`` and ``ﾔﾏﾀﾞ ﾊﾅｺ`` are ``ﾔﾏﾀﾞﾊﾅｺ``.

    Small kana are large ones, long vowels hyphens, a legal form its letter with the bracket of its place (``ｶ)`` in front,
    ``(ｶ`` at the end, ``(ｶ)`` between); blanks are dropped. What no kana can write, such as kanji, stays as it is.
    """
    plain = _BLANKS.sub("", one_line(name.translate(_LONE_MARKS)))
    apart = unicodedata.normalize("NFD", _FORM.sub(lambda found: _short(found, plain), plain).translate(_HIRAGANA))
    return apart.translate(_HALF)


def _short(form: re.Match[str], name: str) -> str:
    letter = _FORMS[form.group()]
    if form.start() == 0:
        return f"{letter})"
    return f"({letter}" if form.end() == len(name) else f"({letter})"


def is_same_payer(told: str, name: str) -> bool:
    """Whether a bank's ``told`` is ``name``, both as ``payer_name`` writes them: whole, since a surname alone is many people's, or
    as much of it as there is room for."""
    return bool(told) and (told == name or (len(told) >= CUT_AT and name.startswith(told)))
