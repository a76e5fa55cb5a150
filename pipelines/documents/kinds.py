"""The kinds of document, and how each is numbered."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Kind(StrEnum):
    """What is written of an order, of a month, or before there is an order."""

    RECEIPT = "receipt"  # 領収書
    INVOICE = "invoice"  # 適格請求書
    RETURN_INVOICE = "return_invoice"  # 適格返還請求書
    DELIVERY_NOTE = "delivery_note"  # 納品書
    PICK_LIST = "pick_list"  # ピッキングリスト
    STATEMENT = "statement"  # 請求書（締め）
    QUOTATION = "quotation"  # 見積書


#: What is issued of an order for its customer; the shop's storefront hears of it.
ISSUED: Final = (Kind.RECEIPT, Kind.INVOICE, Kind.RETURN_INVOICE, Kind.DELIVERY_NOTE)
#: What is issued of an order at all: a pick list is for those alone who send the goods.
OF_AN_ORDER: Final = (*ISSUED, Kind.PICK_LIST)

_LETTERS: Final = {
    Kind.RECEIPT: "R",
    Kind.INVOICE: "I",
    Kind.RETURN_INVOICE: "C",
    Kind.DELIVERY_NOTE: "D",
    Kind.PICK_LIST: "P",
    Kind.STATEMENT: "S",
    Kind.QUOTATION: "Q",
}


def number_of(shop: str, kind: Kind, sequence: int, copy: int = 1) -> str:
    """The number of a shop's ``sequence``-th document of a kind (``SALON-R-000123``), or of its ``copy``-th issue (``-2``)."""
    number = f"{shop.upper()}-{_LETTERS[kind]}-{sequence:06d}"
    return number if copy == 1 else f"{number}-{copy}"
