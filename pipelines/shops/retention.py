"""The profile's section about how long what is personal is kept."""

from __future__ import annotations

from typing import Annotated, Final, Self

from pydantic import Field, model_validator

from pipelines.shops.section import Section

#: The books' own time (B.1.4): seven years from two months after the business year's end, so up to eight years and two
#: months after the order.
BOOKS_DAYS: Final = 2985
#: A mail that was agreed to is provable for a month after it went (B.7.4).
LEAST_DAYS: Final = 31

_Kept = Annotated[int, Field(ge=LEAST_DAYS, le=36_600)]


class Retention(Section):
    """How many whole days after its own what is personal is kept, at least until the order has ended and nothing of it moved for
    thirty days. Money, points and history stay for good (docs/security.md)."""

    mails_days: _Kept = Field(
        default=400, description="Bodies of mails, from the day of the order; they cannot be sent again after that"
    )
    events_days: _Kept = Field(
        default=400, description="What received events said, from the day of the order; their ids stay"
    )
    payloads_days: _Kept = Field(
        default=400,
        description="Files for suppliers and what partners answered in words, from the day of the order; files that suppliers sent, "
        "from the day they came, for the longest time of any shop",
    )
    photos_days: _Kept = Field(
        default=400, description="Photos that customers sent of goods to come back, from the day of the order"
    )
    quarantine_days: _Kept = Field(
        default=180,
        description="Events in quarantine that nobody took up, from the day they came; no order's that is open",
    )
    refused_orders_days: _Kept = Field(
        default=180, description="Orders from the broker that were refused, from the day they came"
    )
    documents_days: Annotated[int, Field(ge=BOOKS_DAYS, le=36_600)] = Field(
        default=3000,
        description="Names, addresses, telephone numbers and remarks of orders, and the documents that were issued of them, from the day of the order: 2985 at the least, "
        "which is seven years from two months after the end of a business year (B.1.4)",
    )

    @model_validator(mode="after")
    def _the_person_last(self) -> Self:
        if (
            longest := max(self.mails_days, self.events_days, self.payloads_days, self.photos_days)
        ) > self.documents_days:
            raise ValueError(f"documents_days: something that names the customer is kept for {longest} days")
        return self
