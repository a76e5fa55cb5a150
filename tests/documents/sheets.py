"""Every document of a shop by every method on one picture, for looking: ``python -m tests.documents.sheets [FOLDER]``."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from PIL import Image, ImageDraw, ImageFont

from pipelines.documents.kinds import Kind
from pipelines.documents.sample import sample
from pipelines.documents.writing import Wish
from pipelines.errors import Conflict, Invalid
from tests.world import SHOPS, a_line, document
from workers.documents.fonts import paths
from workers.documents.typesetter import typesetter

_ACROSS: Final = 4
_WIDE: Final = 300
_HIGH: Final = 424
_HEAD: Final = 26
#: A customer of each kind of account that a shop knows, so that each of its methods is somebody's.
_ACCOUNTS: Final = ("local", "partner_web", "partner_claims")


def orders(shop: str) -> dict[str, dict[str, Any]]:
    """An order by each method that the shop takes."""
    found = {}
    kind = {"availability": "unique"} if shop == "reuse" else {}
    lines = [
        a_line("1", 1, 12_800, name="見本の商品", **kind),
        a_line("2", 1, 3_240, name="見本の食品", tax_rate=8, supplier="warehouse" if kind else "maker-a", **kind),
    ]
    for account, methods in SHOPS[shop].payment.methods.items():
        for method in methods:
            made = document("S-1", *lines, shop=shop, payment={"method": method, "token": "tok_ok"})
            if method not in ("card", "paypay", "amazon_pay"):
                made["payment"].pop("token")
            made["customer"]["account"] = account
            found.setdefault(method, made)
    return found


def papers(shop: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each document that the shop writes, under what it is: receipts by method, all else of the first method that has it."""
    sold = orders(shop)
    for kind in Kind:
        for method, raw in sold.items():
            try:
                content = sample(raw, SHOPS, Wish(kind))
            except (Conflict, Invalid):
                continue
            yield (f"{kind} {method}" if kind == Kind.RECEIPT else str(kind)), content
            if kind != Kind.RECEIPT:
                break
    yield "delivery_note label", sample(next(iter(sold.values())), SHOPS, Wish(Kind.DELIVERY_NOTE, label=True))
    yield "receipt en", sample(next(iter(sold.values())), SHOPS, Wish(Kind.RECEIPT, locale="en"))


def sheet(shop: str) -> Image.Image:
    """The first page of each, four across."""
    made = list(papers(shop))
    rows = -(-len(made) // _ACROSS)
    drawn = Image.new("RGB", (_ACROSS * (_WIDE + 12), rows * (_HIGH + _HEAD + 12)), "#e6e8eb")
    pen, font = ImageDraw.Draw(drawn), ImageFont.truetype(str(paths()[0]), 14)
    for at, (name, content) in enumerate(made):
        x, y = at % _ACROSS * (_WIDE + 12) + 6, at // _ACROSS * (_HIGH + _HEAD + 12) + 4
        page = Image.open(io.BytesIO(next(iter(typesetter().pictures(content)))))
        page.thumbnail((_WIDE, _HIGH))
        pen.text((x, y), name, fill="#1d2530", font=font)
        drawn.paste(page, (x, y + _HEAD))
    return drawn.quantize(64)


def main() -> None:
    folder = Path(next(iter(sys.argv[1:]), "docs/pictures/documents"))
    for shop in SHOPS:
        sheet(shop).save(folder / f"all-{shop}.png", optimize=True)


if __name__ == "__main__":
    main()
