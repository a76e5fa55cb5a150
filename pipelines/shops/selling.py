"""Profile sections about money asked for: price, shipping, coupons, points, ranks (A.8 to A.11)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from pipelines.shops.section import Count, Days, FromList, Rounding, Section, Share
from pipelines.values.coupon_key import coupon_key
from pipelines.values.money import Yen

CouponKind = Literal["amount", "percent", "points"]


class FeeStep(Section):
    """One step of a fee table."""

    up_to: Yen = Field(description="The step holds up to this amount of yen, inclusive")
    fee: Yen = Field(description="Yen, in the shop's price display")


_COD_EX_TAX: Final = tuple(
    FeeStep(up_to=up_to, fee=fee) for up_to, fee in ((10_000, 300), (30_000, 400), (100_000, 600), (300_000, 1_000))
)
_COD_TAX_INCLUDED: Final = tuple(FeeStep(up_to=step.up_to, fee=step.fee * 110 // 100) for step in _COD_EX_TAX)


class Price(Section):
    """Prices and consumption tax."""

    display: Literal["ex_tax", "tax_included"] = Field(
        default="ex_tax", description="Whether unit prices, fees and coupon values are ex tax or tax included (TAX-03)"
    )
    rounding: Rounding = Field(
        default="floor", description="Rounding of consumption tax, once per rate (TAX-01, B.1.2)"
    )
    tax_unit: Literal["order", "billing_month"] = Field(
        default="billing_month",
        description="What the tax of a monthly bill is: the sum of what its orders stated, each an invoice of its own, or rounded "
        "once per rate on the bill (TAX-02)",
    )
    member_discount_percent: Annotated[int, Field(ge=0, le=100)] = Field(
        default=0, description="Percent off every unit price for members, before coupons (CPN-07)"
    )
    member_discount_rounding: Rounding = Field(
        default="floor", description="Rounding of the discounted unit price (CPN-07)"
    )
    points_treatment: Literal["discount", "payment"] = Field(
        default="discount", description="On an invoice, used points reduce the price or are a means of payment (B.1.3)"
    )
    cod_fee: Annotated[tuple[FeeStep, ...], FromList] = Field(
        default=(),
        description="Cash-on-delivery fee by goods and shipping, tax included, before the fee (B.6.6); empty: "
        "300/400/600/1,000 yen ex tax up to 10,000/30,000/100,000/300,000 yen",
    )

    @property
    def cod_steps(self) -> tuple[FeeStep, ...]:
        """The fee table in force, lowest step first."""
        if self.cod_fee:
            return self.cod_fee
        return _COD_EX_TAX if self.display == "ex_tax" else _COD_TAX_INCLUDED

    @model_validator(mode="after")
    def _ascending(self) -> Self:
        limits = [step.up_to for step in self.cod_fee]
        if limits != sorted(set(limits)):
            raise ValueError("cod_fee: the steps must have rising up_to amounts")
        return self


class Shipping(Section):
    """The shipping fee, charged once an order (SPL-03), at the standard tax rate (TAX-08)."""

    fee: Yen = Field(default=0, description="Yen an order, in the shop's price display")
    free_from: Yen | None = Field(
        default=None,
        description="Free from this amount of goods after discounts, before points, as priced (TAX-04); unset: never",
    )
    charge_after_change: bool = Field(
        default=False,
        description="Whether the fee falls due when the customer gives goods back and what is kept no longer reaches "
        "free_from; goods the shop cannot supply never cost it",
    )
    individual_surcharge: dict[str, Yen] = Field(
        default={},
        description='Extra yen for an individual recipient by prefecture, "*" for any other; no row: held for a quote '
        "(INT-04). Used where intake.individuals is surcharge",
    )


class CouponOffer(Section):
    """A coupon that the shop itself knows, by its code: `[coupons.offers.AUTUMN]` (CPN-01)."""

    kind: CouponKind = Field(description="Yen off, percent off, or points credited (PTS-15)")
    value: Annotated[int, Field(ge=1, le=9_999_999)] = Field(description="Yen, percent or points by kind")
    from_on: date | None = Field(default=None, description="First day of orders that may use it; unset: any")
    until_on: date | None = Field(default=None, description="Last day of orders that may use it; unset: any")
    minimum_goods: Yen = Field(
        default=0,
        description="Least yen of the lines it applies to, after the member discount, in the shop's price display",
    )
    ranks: Annotated[tuple[str, ...], FromList] = Field(
        default=(), description="Ranks whose members may use it; none: everybody"
    )
    skus: Annotated[tuple[str, ...], FromList] = Field(
        default=(), description="Only lines of these SKUs are discounted; none: all lines"
    )
    excluded_flags: Annotated[tuple[str, ...], FromList] = Field(
        default=(), description="Lines with one of these flags, such as sale, are not discounted"
    )
    maximum_discount: Annotated[int, Field(ge=1, le=99_999_999)] | None = Field(
        default=None, description="Most yen a percentage takes off; unset: no limit"
    )
    once_per_customer: bool = Field(
        default=True, description="A customer may use it in one order; a coupon of points always (PTS-15)"
    )

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if self.kind == "percent" and self.value > 100:
            raise ValueError("value: must be 100 or less for a percentage")
        if self.from_on is not None and self.until_on is not None and self.until_on < self.from_on:
            raise ValueError("until_on: must not be before from_on")
        if self.maximum_discount is not None and self.kind != "percent":
            raise ValueError("maximum_discount: is for percentages; leave it out, the value is the limit")
        if self.kind == "points" and not self.once_per_customer:
            raise ValueError("once_per_customer: leave it out, a coupon of points is always good once (PTS-15)")
        return self


class Coupons(Section):
    """Coupons (A.10)."""

    max_per_order: Annotated[int, Field(ge=0, le=20)] = Field(
        default=1, description="Coupons accepted in the coupon field of one order (CPN-03)"
    )
    kinds: Annotated[tuple[CouponKind, ...], FromList] = Field(
        default=("amount", "percent"),
        description="Accepted kinds: yen off, percent off, points credited; none: no discounts at all (CPN-05, CPN-06)",
    )
    offers: dict[str, CouponOffer] = Field(
        default={},
        description="The shop's own coupons by code; spelling (case, full width, spaces around it) does not matter",
    )
    codes: Literal["any", "offers"] = Field(
        default="any",
        description="Whether a code that no offer names is taken on the storefront's word, or refused (CPN-01)",
    )
    once_per_customer: Annotated[tuple[CouponKind, ...], FromList] = Field(
        default=("points",),
        description="Kinds that a customer may use once a code where no offer says otherwise; points always (PTS-15)",
    )
    recover_on: Annotated[tuple[Literal["cancel", "short", "return"], ...], FromList] = Field(
        default=("return",),
        description="Changes after the order that void its coupons: the whole discount is taken back once, from what is "
        "refunded (CPN-04); any other change gives back what the lines cost with it",
    )
    return_on_cancel: bool = Field(
        default=True,
        description="A coupon comes back when the whole order is cancelled before dispatch, but not when it was left "
        "unpaid for the second time (CAN-04); points of a coupon stay with the customer (PTS-15)",
    )

    @model_validator(mode="after")
    def _told_apart(self) -> Self:
        seen: dict[str, str] = {}
        for code, offer in self.offers.items():
            if (twin := seen.setdefault(coupon_key(code), code)) != code:
                raise ValueError(f"offers: {twin} and {code} are one code, since spelling does not matter; keep one")
            if offer.kind not in self.kinds:
                raise ValueError(f"offers: {code} is of the kind {offer.kind}, which coupons.kinds does not list")
        return self

    @cached_property
    def offers_by_key(self) -> dict[str, tuple[str, CouponOffer]]:
        """(code as the profile writes it, offer) by the code's key."""
        return {coupon_key(code): (code, offer) for code, offer in self.offers.items()}


class Points(Section):
    """Loyalty points; one point is one yen (A.8)."""

    rate: Share = Field(default=Decimal(0), description="Base rate on goods ex tax after coupons (PTS-01, PTS-02)")
    flag_rates: dict[str, Share] = Field(
        default={}, description="Rates that hold for lines with a flag, before rank and base rate (PTS-01, RNK-05)"
    )
    rounding_scope: Literal["line", "rate_group", "order"] = Field(
        default="rate_group", description="What is summed before earned points are floored (PTS-03)"
    )
    earn_base_minus_points: bool = Field(
        default=False, description="Whether points used lessen the amount that earns (PTS-02)"
    )
    use_cap: Count | None = Field(default=None, description="Most points used in an order (PTS-07); unset: no cap")
    activation_event: Literal["ordered", "shipped", "delivered"] = Field(
        default="shipped", description="Event that makes pending points valid (PTS-05)"
    )
    activation_delay_days: Days = Field(default=0, description="Days from that event to validity (B.8)")
    activate_on: Literal["all_shipped", "each_shipment"] = Field(
        default="all_shipped", description="With several parcels, which dispatch counts (SPL-05)"
    )
    expiry_months: Annotated[int, Field(ge=0, le=120)] = Field(
        default=0, description="Ordinary points last this many months from the last acquisition (PTS-11); 0: for ever"
    )
    expiry_notice_days: Days = Field(default=30, description="Days before expiry the customer is reminded")
    registration_grant: Count = Field(default=0, description="Points on registration, valid at once (PTS-08)")
    birthday_grant: Count = Field(default=0, description="Points in the birth month, once a year (PTS-09)")
    review_grant: Count = Field(
        default=0, description="Points for the review of a product that was shipped to the customer, once (PTS-10)"
    )
    product_separator: Annotated[str, Field(max_length=8)] = Field(
        default="",
        description="A SKU's part before it is the product that its variants share, where the order's line names none "
        "(PTS-10); empty: each SKU is a product",
    )
    first_order_coupon_points: Count = Field(
        default=0,
        description="Points of the thank-you coupon, a code that is posted after the first order (CUT-05); 0: none",
    )
    first_order_coupon_business_days: Days = Field(
        default=5, description="Business days from the first order to that coupon (CUT-05)"
    )
    first_order_coupon_valid_days: Days = Field(
        default=180, description="Days from its posting on which the code can be entered (CUT-05); 0: for ever"
    )
    return_expired: Literal["lost", "regrant"] = Field(
        default="lost", description="Used points whose lot expired before a cancel are lost or granted anew (PTS-12)"
    )
    regrant_days: Days = Field(default=30, description="Validity of points granted anew (PTS-12)")
    clawback: Literal["negative_balance", "deduct_from_refund"] = Field(
        default="negative_balance", description="How spent points of returned goods are recovered (PTS-13)"
    )


class Rank(Section):
    """One level of membership."""

    name: Annotated[str, Field(min_length=1, max_length=64)] = Field(description="As orders and mails name it")
    rate: Share = Field(description="Points rate of the level (PTS-01)")
    from_spend: Yen = Field(
        default=0, description="Spend in the window, ex tax after discounts, that reaches it (RNK-05)"
    )


class Ranks(Section):
    """Membership ranks (A.9)."""

    levels: Annotated[tuple[Rank, ...], FromList] = Field(
        default=(), description="Lowest first; empty: no ranks (RNK-01)"
    )
    sample: bool = Field(
        default=False,
        description="The levels are samples, because the shop has not published its figures; answers about ranks say so (RNK-01)",
    )
    window: Literal["calendar_year", "rolling_365d"] = Field(
        default="calendar_year", description="The period whose spend counts (RNK-02)"
    )
    spend_excludes_flagged: bool = Field(
        default=True, description="Lines with a rate in points.flag_rates do not count as spend (RNK-05)"
    )
    keep_after_cancel: bool = Field(
        default=True, description="A rank once granted stays for its period although the order was cancelled (RNK-06)"
    )

    @model_validator(mode="after")
    def _rising(self) -> Self:
        names = [level.name for level in self.levels]
        spends = [level.from_spend for level in self.levels]
        if len(set(names)) < len(names):
            raise ValueError("levels: two ranks have the same name")
        if spends != sorted(set(spends)):
            raise ValueError("levels: from_spend must rise from each rank to the next")
        return self
