"""The shape of an order document: types and bounds of every field, and with them the published JSON schema.

Everything is strict: no text for numbers, no true for 1, no unknown field. Texts carry no control characters.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Final, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    StringConstraints,
    WithJsonSchema,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from pipelines.methods import METHODS
from pipelines.values.moment import read_day, read_moment
from pipelines.values.money import MOST_YEN, UnitYen

#: The longest JSON text of one order, in bytes.
MOST_BYTES: Final = 1_048_576
#: The most points that one order may ask to use.
MOST_POINTS: Final = 9_999_999

ONE_LINE: Final = r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]*$"
MANY_LINES: Final = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$"
ORDER_NUMBER: Final = r"^[^\s\x00-\x1f\x7f-\x9f/\\]+$"  # it stands in URLs: /v1/orders/{shop}/{number}
COUNTRY: Final = r"^[A-Z]{2}$"


def _rate(value: object) -> Decimal:
    wrong = ValueError('Must be a share between 0 and 1 with at most four decimals, such as "0.01" for 1 %.')
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise wrong
    text = repr(value) if isinstance(value, float) else str(value)
    if not re.fullmatch(r"[01](\.\d{1,4})?", text, re.ASCII) or Decimal(text) > 1:
        raise wrong
    return Decimal(text)


def _integer(value: object) -> object:
    """Literals compare by value, and 10.0 == 10 and False == 0: only a true integer may pass."""
    if type(value) is not int:
        raise ValueError("Must be a whole number (no text, no decimals, no true or false).")
    return value


def one_line(longest: int, shortest: int = 0, pattern: str = ONE_LINE) -> Any:
    """Bounds of a text: characters, and by default no line of its own."""
    return StringConstraints(min_length=shortest, max_length=longest, pattern=pattern)


Time = Annotated[datetime, BeforeValidator(read_moment), WithJsonSchema({"type": "string", "format": "date-time"})]
Day = Annotated[date, BeforeValidator(read_day), WithJsonSchema({"type": "string", "format": "date"})]
Rate = Annotated[
    Decimal,
    BeforeValidator(_rate),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "pattern": r"^[01](\.[0-9]{1,4})?$"},
                {"type": "number", "minimum": 0, "maximum": 1},
            ]
        }
    ),
]


class _NameOfMethod:
    """The name of a payment method; the published schema lists those there are when it is made."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(_known_method, core_schema.str_schema(strict=True))

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"type": "string", "enum": list(METHODS)}


def _known_method(name: str) -> str:
    if name not in METHODS:
        raise ValueError(f"Must be {METHODS.choice()}.")
    return name


PaymentMethod = Annotated[str, _NameOfMethod]
Availability = Literal["in_stock", "backorder", "made_to_order", "unique"]
TaxRate = Annotated[Literal[0, 8, 10], BeforeValidator(_integer)]
Key = Annotated[str, one_line(64, 1)]
Name = Annotated[str, one_line(200, 1)]


class _Document(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class CustomerDocument(_Document):
    """Who ordered."""

    id: Annotated[str, one_line(64)] | None = Field(description="Customer number; null or empty for a guest")
    name: Name
    email: Annotated[str, one_line(254, 3)] = Field(description="Kept as received, non-conforming local parts too")
    account: Literal["local", "partner_web", "partner_claims"] = "local"
    rank: Key | None = Field(default=None, description="Rank at order time; null: the shop's lowest")


class ShipToDocument(_Document):
    """Where the goods go."""

    kind: Literal["organisation", "individual"] = "organisation"
    name: Name
    postal_code: Annotated[str, one_line(16, 1)] = Field(description="460-0008, 4600008 or 〒460 0008")
    region: Annotated[str, one_line(64, 1)] = Field(description="Prefecture: 愛知県, Aichi, Aichi-ken or JP-23")
    city: Annotated[str, one_line(100, 1)]
    line1: Annotated[str, one_line(200, 1)]
    line2: Annotated[str, one_line(200)] = ""
    phone: Annotated[str, one_line(32)] = ""
    country: Annotated[str, StringConstraints(pattern=COUNTRY)] = "JP"


PieceGrams = Annotated[
    Annotated[int, Field(ge=1, le=10_000_000)] | None, Field(description="Grams of one packed piece")
]
PieceSize = Annotated[
    Annotated[int, Field(ge=1, le=10_000)] | None,
    Field(description="Length, width and height of one packed piece together, in cm"),
]


class LineDocument(_Document):
    """One order line."""

    line: Key = Field(description="Unique within the order")
    sku: Annotated[str, one_line(100, 1)]
    name: Name
    product: Key | None = Field(
        default=None, description="What variants (colours, sizes) have in common; reviews earn by it"
    )
    quantity: int = Field(ge=1, le=9999)
    unit_price: UnitYen = Field(description="Yen, ex tax or tax included as the shop's profile says")
    tax_rate: TaxRate = Field(default=10, description="Percent: 10 standard, 8 reduced, 0 untaxed")
    supplier: Key | None = Field(default="warehouse", description="Who sends it; null: the shop chooses")
    availability: Availability = "in_stock"
    expected_on: Day | None = Field(default=None, description="When a back-order is expected in stock")
    points_rate: Rate | None = Field(default=None, description="Share of the price given in points; null: the shop's")
    flags: list[Annotated[str, one_line(40, 1)]] = Field(default=[], max_length=20)
    weight_g: PieceGrams = None
    size_cm: PieceSize = None


class CouponDocument(_Document):
    """One coupon."""

    code: Key
    kind: Literal["amount", "percent", "points"]
    value: UnitYen = Field(description="Yen, percent or points by kind")


class PointsDocument(_Document):
    """Points the customer wants to use."""

    use: Annotated[int, Field(ge=0, le=MOST_POINTS)] | Literal["all"] = 0


class PaymentDocument(_Document):
    """How the customer pays."""

    method: PaymentMethod
    token: Annotated[str, one_line(512, 1)] | None = Field(
        default=None, description="The gateway's token, never a card number"
    )


class DeliveryDocument(_Document):
    """The customer's wish."""

    date: Day | None = None
    slot: Annotated[str, one_line(40, 1)] | None = Field(default=None, description="AM, 14-16, ...")


class PickupDocument(_Document):
    """Goods that are called to a store instead of being sent to an address (STO-01)."""

    store: Key = Field(description="A store of the shop's profile")
    visit_on: Day = Field(description="The day of the visit, on which the store is open")


class TotalsDocument(_Document):
    """What the customer was shown."""

    grand_total: Annotated[int, Field(ge=0, le=MOST_YEN)] | None = None


class OrderDocument(_Document):
    """An order as a storefront sends it (``POST /v1/orders``)."""

    shop: Key
    number: Annotated[str, one_line(64, 1, ORDER_NUMBER)] = Field(description="The shop's own order number")
    placed_at: Time
    channel: Annotated[str, one_line(32, 1)] = "web"
    locale: Literal["ja", "en"] = "ja"
    customer: CustomerDocument
    ship_to: ShipToDocument | None = Field(default=None, description="May be left out with a pickup, and only then")
    lines: list[LineDocument] = Field(min_length=1, max_length=200)
    coupons: list[CouponDocument] = Field(default=[], max_length=20)
    points: PointsDocument = PointsDocument()
    payment: PaymentDocument
    delivery: DeliveryDocument = DeliveryDocument()
    remarks: Annotated[str, one_line(2000, 0, MANY_LINES)] = ""
    totals: TotalsDocument = TotalsDocument()
    pickup: PickupDocument | None = None


class AssumeDocument(_Document):
    """What a preview takes for granted instead of looking it up."""

    paid_at: Time | None = Field(default=None, description="When the money came in, or the loan was approved")
    points_balance: Annotated[int, Field(ge=-9_999_999, le=9_999_999)] = 0
    rank: Key | None = None
    now: Time | None = Field(default=None, description="The order's placed_at unless given")
    used_coupons: list[Key] = Field(
        default=[], max_length=100, description="Codes of coupons that the customer has used in other orders"
    )


class PreviewDocument(OrderDocument):
    """An order with assumptions (``POST /v1/preview``)."""

    assume: AssumeDocument = AssumeDocument()


class PromiseDocument(_Document):
    """What every question for a promise says."""

    shop: Key
    region: Annotated[str, one_line(64)] = Field(
        default="", description="Prefecture, spelled as in an order; left out: not known, and no arrival is promised"
    )
    method: PaymentMethod = Field(default="card", description="A method that waits for money counts from when it is in")
    at: Time | None = Field(default=None, description="The moment of the order; left out: now")
    locale: Literal["ja", "en"] = Field(default="ja", description="Language of the reasons")


class ProductDocument(PromiseDocument):
    """What a product page asks."""

    supplier: Key = "warehouse"
    availability: Availability = "in_stock"
    expected_on: Day | None = Field(default=None, description="When a back-order is expected in stock")


class CartLineDocument(_Document):
    """A line of a cart: of an order line, what says how it travels."""

    sku: Annotated[str, one_line(100)] = ""
    quantity: int = Field(default=1, ge=1, le=9999)
    supplier: Key | None = Field(default="warehouse", description="Who sends it; null: the shop chooses")
    availability: Availability = "in_stock"
    expected_on: Day | None = Field(default=None, description="When a back-order is expected in stock")
    flags: list[Annotated[str, one_line(40, 1)]] = Field(default=[], max_length=20)
    weight_g: PieceGrams = None
    size_cm: PieceSize = None


class CartPickupDocument(_Document):
    """A store to which a cart is called."""

    store: Key
    visit_on: Day | None = Field(default=None, description="The day of the visit, to ask whether it can be met")


class CartDocument(PromiseDocument):
    """What a cart asks: one answer a parcel, by the split that its order would get."""

    lines: Annotated[list[CartLineDocument], Field(min_length=1, max_length=200)]
    pickup: CartPickupDocument | None = Field(default=None, description="Called to a store, whose region then counts")
