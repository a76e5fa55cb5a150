"""What a shop publishes about returns and exchanges (返品・交換, A.12), as data: one table of terms for each group of reasons."""

from __future__ import annotations

from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from pipelines.shops.section import CalendarDay, Days, FromList, MethodName, Section
from pipelines.values.money import Yen

ReturnReason = Literal["defect", "wrong_item", "damaged", "unwanted", "not_authentic"]
ReturnRemedy = Literal["refund", "replacement", "exchange"]
ReturnCondition = Literal[
    "unopened",
    "opened",
    "unused",
    "tried_on",
    "used",
    "soiled",
    "damaged",
    "smell",
    "washed",
    "repaired",
    "tag_lost",
    "box_lost",
    "manual_lost",
    "accessory_lost",
    "certificate",
]
"""What may be the matter with goods that are to come back; ``certificate``: proof comes with them (RET-05)."""


class ReturnWindow(Section):
    """Days after a day that is itself not counted (B.10)."""

    days: Days = Field(description="How many; the last one still counts, to its end")
    since: Literal["arrival", "dispatch", "purchase"] = Field(
        default="arrival",
        description="The day they follow: arrival as tracking says, else `delivery.delivered_after_days` after the planned "
        "one; dispatch of the line's last parcel; the day of the order",
    )


class ReturnTerms(Section):
    """The terms of returns for some reasons. A reason that stands in none is not accepted."""

    reasons: Annotated[tuple[ReturnReason, ...], FromList, Field(min_length=1)] = Field(
        description="What the customer may say"
    )
    rule: Annotated[str, Field(min_length=1, max_length=40)] = Field(
        default="RET", description="What answers cite as their rule: an id of the shop's own published terms"
    )
    windows: Annotated[tuple[ReturnWindow, ...], FromList] = Field(
        default=(ReturnWindow(days=7),),
        description="Until when a return is to be asked for: the earliest of these; empty: no limit",
    )
    goods_back: ReturnWindow | None = Field(
        default=None, description="Until when the goods are to be back at the shop (RET-03); unset: no limit"
    )
    remedies: Annotated[tuple[ReturnRemedy, ...], FromList, Field(min_length=1)] = Field(
        default=("refund",), description="What the customer may have, the usual one first"
    )
    exchange_for: Literal["anything", "equal_or_higher"] = Field(
        default="anything",
        description="What an exchange may be for. A difference is charged as a new payment and never paid back (RET-06); "
        "anything: goods of less value too, and the rest of what was paid is given in points",
    )
    cost_on: Literal["customer", "shop"] = Field(
        default="customer",
        description="Who bears the cost. On the customer: `returns.customer_fee` is due, and a coupon's discount is recovered "
        "(CPN-04)",
    )
    approve: Literal["automatic", "human"] = Field(
        default="human", description="Whether a return that these terms allow is approved at once or by a person"
    )
    refused_conditions: Annotated[tuple[ReturnCondition, ...], FromList] = Field(
        default=(), description="Goods of which one of these is said do not come back"
    )
    required_conditions: Annotated[tuple[ReturnCondition, ...], FromList] = Field(
        default=(), description="What must be said of the goods, as certificate (RET-05)"
    )
    refused_flags: Annotated[tuple[str, ...], FromList] = Field(
        default=(), description="Lines with one of these flags, such as sale or non_returnable, do not come back"
    )
    discontinued_months: Annotated[int, Field(ge=0, le=120)] | None = Field(
        default=None,
        description="Months after the day in `returns.discontinued` for which a discontinued product still comes back "
        "(RET-06); unset: it does not matter",
    )
    maximum_price: Yen | None = Field(
        default=None,
        description="Dearest price of one piece, in the shop's price display, that may come back (RET-03); unset: any",
    )
    methods: Annotated[tuple[MethodName, ...], FromList] = Field(
        default=(), description="Payment methods whose orders may come back (RET-03); empty: all"
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.exchange_for != "anything" and "exchange" not in self.remedies:
            raise ValueError('exchange_for: there is no exchange; add "exchange" to remedies')
        if both := set(self.refused_conditions) & set(self.required_conditions):
            raise ValueError(f"required_conditions: {sorted(both)[0]} is in refused_conditions too; keep one")
        for name, listed in (("reasons", self.reasons), ("remedies", self.remedies)):
            if twice := next((one for one in listed if listed.count(one) > 1), None):
                raise ValueError(f"{name}: {twice} is named twice; keep one")
        return self


#: What holds where a shop shows no terms: the law's eight days from delivery, its day counted, are seven after it (RET-09,
#: B.10). The buyer sends back at his own cost what is right, and the shop answers for what is not.
STATUTORY: Final = (
    ReturnTerms(reasons=("defect", "wrong_item", "damaged"), rule="RET-09", cost_on="shop"),
    ReturnTerms(reasons=("unwanted",), rule="RET-09"),
)


class Returns(Section):
    """Returns and exchanges (A.12, docs/returns.md). Without terms the law's hold: eight days from delivery (RET-09)."""

    terms: Annotated[tuple[ReturnTerms, ...], FromList] = Field(
        default=(), description="The shop's published terms, by reason; empty: it shows none"
    )
    customer_fee: Yen = Field(
        default=0,
        description="Yen ex tax that a return or exchange at the customer's cost costs, once a request (TAX-05)",
    )
    undelivered_fee: Yen = Field(
        default=0,
        description="Yen ex tax kept back, once a settlement, of what a parcel that came back undelivered gives back (長期不在・受取拒否, "
        "RET-08); 0: no deduction. Nothing is of what was lost or broken on the way (RET-07)",
    )
    answer_days: Days = Field(
        default=3, description="Days in which a person answers a return that waits for one; after them it is approved"
    )
    goods_wait_days: Days = Field(
        default=30, description="Days from the approval for which goods are waited for where the terms give no day"
    )
    inspect_days: Days = Field(
        default=7,
        description="Days in which goods that came back are inspected and settled; after them the order is held",
    )
    address: str = Field(
        default="", description="Where goods go back to, as mails say it; unset: customers ask `support_mail`"
    )
    discontinued: dict[str, CalendarDay] = Field(
        default={}, description="Day on which a product, by its SKU or what its variants share, was announced to end"
    )

    @model_validator(mode="before")
    @classmethod
    def _renamed(cls, table: object) -> object:
        old = {"window_days", "window_from", "goods_back_days", "reasons", "remedy", "maximum_price", "methods"}
        if isinstance(table, dict) and (found := sorted((old | {"refused_flags"}) & table.keys())):
            raise ValueError(f"{found[0]}: terms go by reason; write [[returns.terms]] (docs/returns.md)")
        return table

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        named = [reason for one in self.terms for reason in one.reasons]
        if twice := next((one for one in named if named.count(one) > 1), None):
            raise ValueError(f"terms: {twice} stands in two tables; keep one")
        if self.customer_fee and all(one.cost_on == "shop" for one in self.published):
            raise ValueError('customer_fee: nobody pays it; some terms need cost_on = "customer"')
        return self

    @property
    def published(self) -> tuple[ReturnTerms, ...]:
        """The terms that hold."""
        return self.terms or STATUTORY

    def terms_for(self, reason: str) -> ReturnTerms | None:
        """The terms of a reason; None where the shop does not accept it."""
        return next((terms for terms in self.published if reason in terms.reasons), None)
