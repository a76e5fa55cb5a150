"""Customers of shops, and what of their past later orders must know (INT-14)."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from models.order import CustomerMark
from models.store.statement import columns, insert, reader, values, writer


class CustomerKey(NamedTuple):
    """A customer of a shop."""

    shop: str
    customer_id: str


class MarkRow(NamedTuple):
    """Something a customer did; ``source`` makes it count once."""

    shop: str
    customer_id: str
    kind: str
    source: str
    at: datetime


_marks = f"""
SELECT {columns(MarkRow, "m")} FROM customer_mark m
JOIN (SELECT DISTINCT * FROM {values(CustomerKey, CustomerMark)}) AS v USING (shop, customer_id)
WHERE m.at >= %(since)s
"""
#: The marks of customers that were made from ``since`` on.
marks = reader(CustomerKey, _marks, MarkRow)
add_marks = writer(MarkRow, insert(MarkRow, CustomerMark, conflict="(source, kind) DO NOTHING"))
