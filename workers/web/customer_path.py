"""A customer's number in a path. It may hold a slash, as it may in an order, and takes the path as far as it
goes: whatever follows it in a route of its own stands before the route that ends with it."""

from __future__ import annotations

from typing import Final

from starlette.convertors import StringConvertor, register_url_convertor


class _CustomerNumber(StringConvertor):
    regex = "(?s:.+)"


register_url_convertor("customer", _CustomerNumber())

CUSTOMER: Final = "{customer:customer}"
"""Its part of a route."""
