"""The shapes of what storefronts ask of the points ledger: grants, holds and their release; strict as orders are."""

from __future__ import annotations

import hashlib
from typing import Annotated, Any, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from pipelines.customers.schema import BirthDate, Text
from pipelines.orders.schema import ONE_LINE, Day

Key = Annotated[str, StringConstraints(min_length=1, max_length=255, pattern=ONE_LINE)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=ONE_LINE)]
Amount = Annotated[int, Field(ge=1, le=1_000_000)]


class _Document(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class GrantDocument(_Document):
    """Points that a storefront asks for, once by ``key``."""

    shop: Name
    customer: Name = Field(description="Customer number")
    kind: Literal["registration", "birthday", "review", "campaign", "manual"]
    key: Key = Field(description="The same key again changes nothing and is answered alike")
    amount: Amount | None = Field(default=None, description="Points of a campaign or manual grant; else the profile's")
    expires_on: Day | None = Field(
        default=None, description="Last valid day of limited-time points; needed for a campaign (PTS-11)"
    )
    birth_date: BirthDate | None = Field(default=None, description="With registration or birthday (PTS-09)")
    product: Name | None = Field(default=None, description="Reviewed product, or the SKU of a variant of it (PTS-10)")
    email: Text = Field(default="", description="Where mails about points go; empty keeps what is known")
    name: Text = ""
    locale: Literal["ja", "en"] = "ja"


class HoldDocument(_Document):
    """Points to take aside while something is looked into (PTS-05), once by ``key``: an amount, or an order's."""

    shop: Name
    customer: Name = Field(description="Customer number")
    amount: Amount | None = Field(default=None, description="So many valid points; or name an order")
    order: Name | None = Field(default=None, description="What is left of the points this order earned")
    reason: Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=ONE_LINE)]
    key: Key


class ReleaseDocument(_Document):
    """How a hold ends: the points are ``valid`` again, or ``void`` for good."""

    outcome: Literal["valid", "void"]
    shop: Name | None = Field(default=None, description="Needed where several shops have a hold of this key")


def digest(document: _Document) -> bytes:
    """What tells whether a key is used for the same again."""
    content: Any = document.model_dump(mode="json")
    return hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).digest()
