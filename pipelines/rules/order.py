"""The order as the rules see it: plain frozen values, quick to build, free of any framework.

Money is integer yen, in the shop's price display (ex tax or tax included); times are aware, in Asia/Tokyo.
``pipelines.orders.document`` makes an ``Order`` from JSON and is the only place that validates one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Final, Literal


@dataclass(frozen=True, slots=True)
class Line:
    """One order line (明細). ``unit_price`` is yen in the shop's price display, ``tax_rate`` percent (0, 8 or 10).

    ``availability`` is in_stock, backorder, made_to_order or unique; ``points_rate`` (0..1) overrides every other
    rate and is a snapshot taken at order time (PTS-04). ``product`` is what variants share, None where nobody named it.
    ``supplier`` is empty until one is chosen (``rules.routing``). ``weight_g`` and ``size_cm`` (length, width and height together) are of one
    piece as it is packed, None where nobody told.
    """

    line: str
    sku: str
    name: str
    quantity: int
    unit_price: int
    tax_rate: int = 10
    supplier: str = "warehouse"
    availability: str = "in_stock"
    expected_on: date | None = None
    points_rate: Decimal | None = None
    flags: frozenset[str] = frozenset()
    product: str | None = None
    weight_g: int | None = None
    size_cm: int | None = None


@dataclass(frozen=True, slots=True)
class Customer:
    """Who ordered. ``id`` is empty for a guest (INT-07); ``account`` is local, partner_web or partner_claims."""

    id: str
    name: str
    email: str
    account: str = "local"
    rank: str | None = None


@dataclass(frozen=True, slots=True)
class ShipTo:
    """Where the goods go, a snapshot taken at order time. ``kind`` is organisation or individual (INT-04)."""

    kind: str
    name: str
    postal_code: str
    region: str
    city: str
    line1: str
    line2: str = ""
    phone: str = ""
    country: str = "JP"


@dataclass(frozen=True, slots=True)
class Pickup:
    """Goods are called to the shop's ``store``, to be seen on ``visit_on`` (STO-01)."""

    store: str
    visit_on: date


#: Where goods go that are called to a store, before its profile is asked.
TO_BE_NAMED: Final = ShipTo("organisation", "", "", "", "", "")


@dataclass(frozen=True, slots=True)
class Coupon:
    """A coupon: ``kind`` amount (yen off), percent (percent off) or points (credits points, PTS-15)."""

    code: str
    kind: str
    value: int


@dataclass(frozen=True, slots=True)
class Exchange:
    """What goods that came back count for (RET-06): ``credit`` yen in the shop's price display are taken off the goods that are taken for
    them, ``fee`` yen ex tax are due beside the difference (TAX-05)."""

    credit: int
    fee: int


@dataclass(frozen=True, slots=True)
class Order:
    """One order as the storefront sent it, normalised. ``shown_total`` is what the customer was shown to pay. ``replaces`` is the number
    of the order of which it replaces goods, and ``exchange`` what those count for: no storefront can send one."""

    shop: str
    number: str
    placed_at: datetime
    channel: str
    locale: str
    customer: Customer
    ship_to: ShipTo
    lines: tuple[Line, ...]
    coupons: tuple[Coupon, ...] = ()
    points_use: int | Literal["all"] = 0
    method: str = "card"
    token: str | None = field(default=None, repr=False)
    delivery_date: date | None = None
    delivery_slot: str | None = None
    remarks: str = ""
    shown_total: int | None = None
    replaces: str | None = None
    exchange: Exchange | None = None
    pickup: Pickup | None = None

    @property
    def called_to(self) -> str | None:
        """The store that its goods are called to (STO-01)."""
        return None if self.pickup is None else self.pickup.store
