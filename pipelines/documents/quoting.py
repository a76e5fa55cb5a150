"""A quotation (見積書) of what is not ordered yet, from an order that is only planned (DOC-06)."""

from __future__ import annotations

from datetime import date

from pipelines.documents.figures import sale
from pipelines.documents.paper import Document
from pipelines.documents.parties import addressee_of
from pipelines.documents.sale_papers import quotation
from pipelines.documents.words import WORDS
from pipelines.documents.writing import Wish, locale_of
from pipelines.orders.plan import Plan
from pipelines.shops import Shop


def quoted(planned: Plan, shop: Shop, wish: Wish, on: date) -> Document:
    """The quotation of a planned order on a day, Asia/Tokyo, made out to whom the wish names, else as the order says."""
    order, locale = planned.order, locale_of(wish, planned.order)
    of = sale(order.lines, planned.breakdown, (), shop.price.points_treatment, WORDS[locale])
    to = addressee_of(order, locale, wish.addressee, with_address=True)
    return quotation(of.figures, shop, on, locale, to, shop.price.display)
