"""Makes a dictionary for ``models.mail_packing`` out of the mails as they are today.

``python -m workers.mail.dictionary FILE`` writes it; when and where to is in docs/mails.md.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

import zstandard

from templates_mail import LOCALES
from workers.mail.rendering import Renderer
from workers.mail.samples import TEMPLATES, sample

_SIZE: Final = 65_536  # bytes; with twice of it mails take 3% less
_MAILS_A_TEMPLATE: Final = 16
#: What templates ask about or look up. All else is a value of one order, which a dictionary need not know.
_CODES: Final = frozenset({"method", "reason", "price_display", "carrier", "carrier_name", "slot", "change", "colour"})
_ADDRESSES: Final = frozenset({"support_mail", "mail_from", "reply_to"})
_ASCII: Final = "0123456789abcdefghijklmnopqrstuvwxyz"
_LETTERS: Final = (
    _ASCII + "あいうえおかきくけこさしすせそたちつてとなにぬねのアイウカクコシスタトナプリルン一二三東西南北山川田中"
)


def train(dictionary_id: int) -> bytes:
    """A dictionary of what the mails have in common."""
    return zstandard.train_dictionary(_SIZE, list(mails()), dict_id=dictionary_id).as_bytes()


def mails() -> Iterator[bytes]:
    """Every mail in both languages many times, each time with other values; the same ones whenever it is called."""
    chance = random.Random(1)  # noqa: S311 - no secret
    renderer = Renderer("orders@shop.example", "shop.example")
    for template in sorted(TEMPLATES):
        for locale in LOCALES:
            intent = sample(template, locale)
            for _ in range(_MAILS_A_TEMPLATE):
                another = replace(
                    intent,
                    to=f"{_word(chance, _ASCII)}@example.jp",
                    to_name=_word(chance),
                    context=_other(chance, intent.context),
                    shipment=intent.shipment and _word(chance, _ASCII),
                )
                yield renderer.render(another, shop=_word(chance, _ASCII), number=_word(chance, _ASCII)).raw


def _other(chance: random.Random, value: Any, key: str = "") -> Any:
    """``value`` with every name, number and day in it replaced by another."""
    if isinstance(value, Mapping):
        return {name: _other(chance, one, name) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_other(chance, one) for one in value] * chance.randint(1, 3)
    if isinstance(value, int):
        return chance.choice((0, chance.randrange(10 ** chance.randint(1, 6))))
    if isinstance(value, date):
        return value + timedelta(days=chance.randrange(400))
    if not isinstance(value, str) or key in _CODES:
        return value
    return f"{_word(chance, _ASCII)}@example.jp" if key in _ADDRESSES else _word(chance)


def _word(chance: random.Random, letters: str = _LETTERS) -> str:
    return "".join(chance.choices(letters, k=chance.randint(2, 12)))


if __name__ == "__main__":
    if len(sys.argv) != 2 or not Path(sys.argv[1]).stem.isdecimal():
        sys.exit("usage: python -m workers.mail.dictionary ID.zstd-dictionary")
    to = Path(sys.argv[1])
    print(f"{to.write_bytes(train(int(to.stem)))} bytes written to {to}")
