"""What an order is found by: a word in the form in which its spellings are one, behind the letter of its kind.

A term is written when the order comes in, and a word that is looked for is brought into the same forms.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import Final, NamedTuple

#: Marks and spaces that spellings differ in, and what nobody sees; they go.
_MARKS: Final = (
    " -_.,/#'`\"()[]‐‑‒–—―−ーｰ~〜・、。\t\r\n\u3000\u00ad\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e"
    "\u2060\u2066\u2067\u2068\u2069\ufeff"
)
#: Old forms of characters in names become the usual ones.
_OLD: Final = "髙﨑嵜濵濱邊邉齋齊澤廣國櫻眞德惠瀧嶋嶌"
_USUAL: Final = "高崎崎浜浜辺辺斎斉沢広国桜真徳恵滝島島"
_UNMARKED: Final = str.maketrans("", "", _MARKS)
_PLAIN: Final = str.maketrans(_OLD, _USUAL, _MARKS)
_ABROAD: Final = re.compile(r"^\+810?")
#: Longer words are cut: an entry of the index must fit on its page.
_LONGEST: Final = 100


def _folded(text: str) -> str:
    return text.lower() if text.isascii() else unicodedata.normalize("NFKC", text).lower()


def _plain(text: str) -> str:
    return _folded(text).translate(_PLAIN)


def _phone(text: str) -> str:
    """A number as it is dialled in Japan, without marks."""
    return _ABROAD.sub("0", _folded(text).translate(_UNMARKED))


class Kind(NamedTuple):
    """One kind of term: its letter, the form in which a word is compared, and how many characters of its beginning are
    enough, None where it must be whole."""

    letter: str
    form: Callable[[str], str]
    beginning: int | None

    def term(self, text: str) -> str | None:
        """``text`` as a term; None where nothing is left of it."""
        word = self.form(text)[:_LONGEST]
        return self.letter + word if word else None

    def sought(self, word: str) -> tuple[str, bool] | None:
        """What is looked for where ``word`` is: the term, and whether its beginning is enough; None where too little is left."""
        term = self.term(word)
        if term is None or len(term) - 1 < (self.beginning or 1):
            return None
        return term, self.beginning is not None


NUMBER, CUSTOMER, SKU = Kind("n", _plain, 1), Kind("c", _plain, None), Kind("s", _plain, None)
NAME, MAIL, PHONE = Kind("p", _plain, 1), Kind("m", _folded, 3), Kind("t", _phone, 4)
KINDS: Final = (NUMBER, CUSTOMER, SKU, NAME, MAIL, PHONE)
