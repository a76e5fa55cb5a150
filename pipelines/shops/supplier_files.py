"""The profile's section about the files of a supplier: its label program, its contract, its columns (B.5)."""

from __future__ import annotations

from typing import Annotated, Literal, Protocol, Self

from pydantic import AfterValidator, Field, field_validator, model_validator

from pipelines.files.cp932 import unprintable
from pipelines.shops.section import Section
from pipelines.values.postal_code import postal_code
from pipelines.values.spelling import INVISIBLE

_Line = Annotated[str, Field(max_length=100, pattern=rf"^[^\x00-\x1f\x7f-\x9f\u2028\u2029{INVISIBLE}]*$")]


def _worded(text: str) -> str:
    if not text.strip():
        raise ValueError("must not be blank, since the label would say nothing")
    return text


#: What a label cannot do without.
_Words = Annotated[_Line, AfterValidator(_worded)]
_Column = Annotated[str, Field(min_length=1, max_length=100)] | Annotated[int, Field(ge=1, le=200)]

#: What a column that goes out may hold; "" is one that the supplier fills in.
FieldName = Literal[
    "",
    "shipment",
    "order",
    "dispatch_on",
    "deliver_on",
    "slot",
    "name",
    "postal_code",
    "region",
    "city",
    "line1",
    "line2",
    "address",
    "phone",
    "items",
    "line",
    "sku",
    "item",
    "quantity",
    "collect",
    "tax",
    "temperature",
]
ReadName = Literal["shipment", "tracking_number", "shipped_on", "carrier", "line", "quantity"]


class SupplierFormat(Protocol):
    """What a profile must know of a format of files of the installation."""

    @property
    def write(self) -> object | None:
        """How its files are written; None for one that is read only."""
        ...


class Sender(Section):
    """Who stands on the label as its sender (ご依頼主)."""

    name: _Words = Field(description="Name")
    postal_code: str = Field(description="Postal code of seven digits")
    address: _Words = Field(description="Prefecture, city, street and number")
    building: _Line = Field(default="", description="Building")
    phone: _Words = Field(description="Telephone number")

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        if postal_code(self.postal_code) is None:
            raise ValueError("postal_code: must have seven digits, as in 460-0008")
        return self


class SupplierFiles(Section):
    """How its shipments become a label program's file, and how the numbers come back (docs/files.md)."""

    format: Annotated[str, Field(min_length=1, max_length=64)] = Field(
        default="csv",
        description="Format of its files: b2, ehiden3, yupri, kangaroo, csv, or another of the installation",
    )
    sender: Sender | None = Field(default=None, description="Who sends; label programs print nothing without it")
    contents: _Words = Field(
        default="雑貨", description="What labels say is inside (品名): a class of goods, not the goods"
    )
    temperature: Literal["normal", "chilled", "frozen"] = Field(
        default="normal", description="How all of its goods travel, but for lines flagged chilled or frozen"
    )
    customer_code: Annotated[str, Field(pattern=r"^[0-9A-Z-]{0,12}$")] = Field(
        default="",
        description="The contract's customer code at the carrier (B2: who is billed; e-hiden, Kangaroo: who sends)",
    )
    freight_code: Annotated[str, Field(pattern=r"^[0-9]{0,2}$")] = Field(
        default="01", description="Freight number of the contract (B2)"
    )
    slip: Annotated[str, Field(pattern=r"^[0-9A-Z]{0,20}$")] = Field(
        default="",
        description="Kind of slip, in the tool's own code (B2 column 2, Yu-Pri R column 11, Kangaroo column 7); empty: the "
        "ordinary parcel. Cash on delivery is seen to beside it",
    )
    windows: Literal[5, 6] = Field(default=6, description="Delivery windows of the Sagawa contract (B.4.4)")
    cod_maximum: Annotated[int, Field(ge=0, le=9_999_999)] = Field(
        default=0, description="Most yen that the carrier collects; 0: the tool's own limit"
    )
    encoding: Literal["cp932", "utf-8-sig"] = Field(default="cp932", description="Encoding of csv that goes out")
    rows: Literal["shipment", "line"] = Field(default="shipment", description="What a row of csv that goes out is")
    write: dict[Annotated[str, Field(min_length=1, max_length=100)], FieldName] = Field(
        default={}, description="Columns of csv that goes out: heading = field; empty: those of docs/files.md"
    )
    read: dict[ReadName, _Column] = Field(
        default={},
        description="Columns of csv that comes back: field = heading or number; empty: those of docs/files.md",
    )
    header: bool = Field(default=True, description="Whether csv that comes back, read by numbers, has a header")

    @field_validator("write")
    @classmethod
    def _writable(cls, columns: dict[str, FieldName]) -> dict[str, FieldName]:
        if wrong := next((heading for heading in columns if unprintable(heading)), None):
            raise ValueError(f"the heading {wrong!r} has characters that a file in CP932 cannot hold")
        return columns

    @model_validator(mode="after")
    def _readable(self) -> Self:
        if self.read:
            if missing := [name for name in ("shipment", "tracking_number") if name not in self.read]:
                raise ValueError(f"read: {missing[0]} is needed")
            if len({type(column) for column in self.read.values()}) > 1:
                raise ValueError("read: name all columns by their headings or all by their numbers")
        return self
