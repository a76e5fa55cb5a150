"""What banks write beside a payer: words before the name, and those that say that money went back."""

from __future__ import annotations

import re
from typing import Final

from pipelines.values.payer_name import one_line, payer_name

#: 振込　ﾔﾏﾀﾞ, 振込＊ヤマダ, ﾌﾘｺﾐ1 ﾔﾏﾀﾞ, 振込IB1 ﾔﾏﾀﾞ: how the money came, and not who sent it.
_BEFORE: Final = re.compile(r"(?:お?振込(?:入金)?|フリコミ(?:ニユウキン|ニュウキン)?)(?:IB)?\d?[\s*:・]*")
_BACK: Final = ("組戻", payer_name("クミモドシ"))


def payer_in(text: str) -> str:
    """The payer in ``text``, without the words that banks put before the name."""
    line = one_line(text).strip()
    return line[found.end() :] if (found := _BEFORE.match(line)) else line


def doubt_of(text: str) -> str | None:
    """Why a human must look at it, if the text says that a transfer was called back (組戻し)."""
    line = payer_name(text)
    return "it is a transfer that was called back (組戻し)" if any(word in line for word in _BACK) else None
