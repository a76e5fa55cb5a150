"""The shape of what a storefront or an operator tells of a customer; strict as orders are, every field may be left out."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, WithJsonSchema

from pipelines.orders.schema import ONE_LINE, PaymentMethod

_FIRST_BIRTH = date(1900, 1, 1)


def _birth_date(value: object) -> date:
    try:
        born = date.fromisoformat(value) if isinstance(value, str) and len(value) == 10 else None
    except ValueError:
        born = None
    if born is None or born < _FIRST_BIRTH:
        raise ValueError(f"Must be a date written YYYY-MM-DD, such as 1990-11-02, from {_FIRST_BIRTH.year} on.")
    return born


BirthDate = Annotated[date, BeforeValidator(_birth_date), WithJsonSchema({"type": "string", "format": "date"})]
CustomerNumber = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=ONE_LINE)]
Text = Annotated[str, StringConstraints(max_length=254, pattern=ONE_LINE)]


class CustomerPath(BaseModel):
    """The customer that a request names in its path."""

    model_config = ConfigDict(strict=True, frozen=True)

    customer: CustomerNumber


class CustomerFactsDocument(BaseModel):
    """What is told of a customer (``PUT /v1/customers/{shop}/{id}``): what is left out stays as it is, null forgets;
    a registration and a withdrawal are told, and not forgotten."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    email: Text | None = Field(
        default=None, description="Where all mails go from now on, those of open orders too (INT-01, INT-02)"
    )
    name: Text | None = Field(default=None, description="Full name")
    locale: Literal["ja", "en"] | None = Field(
        default=None, description="Language of mails that are about no order; null: ja"
    )
    birth_date: BirthDate | None = Field(
        default=None, description="In the birth month it brings its points at once, once a calendar year (PTS-09)"
    )
    registered: Literal[True] = Field(
        default=True, description="The customer registered: it brings the registration points, once (PTS-08)"
    )
    mail_consent: bool | None = Field(
        default=None,
        description="false: no mails but those of orders; null: nobody was asked, mails about points and ranks go (CON-02)",
    )
    postal_stop: bool | None = Field(
        default=None, description="true: nothing is posted but goods (CON-04); null: nobody asked for that"
    )
    withdrawn: bool = Field(
        default=False, description="true: all points are void, open orders go on, new ones are refused (CON-06)"
    )
    allowed_methods: list[PaymentMethod] | None = Field(
        default=None,
        min_length=1,
        max_length=20,
        description="Payment methods that the shop leaves this customer, null for all; operators alone (INT-15)",
    )
