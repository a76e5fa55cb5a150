"""``Shop``: the whole configuration of one shop, frozen once loaded."""

from __future__ import annotations

import re
from datetime import date, time
from decimal import Decimal
from functools import cached_property
from typing import Annotated, Any, Final, Literal, Self

from pydantic import Field, field_validator, model_validator

from pipelines.gateway import Gateway
from pipelines.shops.fulfilling import Carrier, Delivery, PromiseSection, Split, Supplier
from pipelines.shops.installation import Installation
from pipelines.shops.retention import Retention
from pipelines.shops.returning import Returns
from pipelines.shops.schedule import WEEKDAYS, Calendar, Pickup, Schedule
from pipelines.shops.section import ONE_LINE, Days, FromList, Section
from pipelines.shops.selling import Coupons, Points, Price, Ranks, Shipping
from pipelines.shops.slots import kept_by_all
from pipelines.shops.stores import PullIn, Store
from pipelines.shops.trading import Cancel, Documents, Intake, Payment, RemarkRule
from pipelines.values.calendar import BusinessCalendar
from pipelines.values.colour import LEGIBLE, contrast_with_white
from pipelines.values.dispatch_days import DispatchDays
from pipelines.values.mail_address import addr_spec
from pipelines.values.money import Currency
from pipelines.values.registration_number import check as check_registration_number
from pipelines.values.registration_number import normalise

_UNLISTED_SUPPLIER = Supplier()

_SAFE_URL: Final = re.compile(r"https://[^\s\"'<>\\]+")

Text = Annotated[str, Field(max_length=200, pattern=ONE_LINE)]


class Shop(Section):
    """One shop. The file's name is its ``key``; what a file leaves out has the default printed in docs/shops.md."""

    key: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")] = Field(
        description="The shop's name in orders and URLs; taken from the file's name, never written in the file"
    )
    name: Annotated[Text, Field(min_length=1)] = Field(description="Name in Japanese mails and documents")
    name_en: Text = Field(default="", description="Name in English mails; empty: the Japanese one")
    support_mail: Text = Field(default="", description="Address customers write to")
    support_phone: Text = Field(default="", description="Telephone number of the support")
    support_hours: Text = Field(default="", description="When the support is reachable, as printed")
    support_reply_business_days: Days | None = Field(
        default=None, description="Promised reply time (OTH-01); unset: mails promise none"
    )
    site_url: Text = Field(default="", description="Address of the storefront")
    mail_from: Text = Field(
        default="",
        description="Address mails come from, in the envelope and in From; empty: MAIL_FROM of the installation",
    )
    mail_from_name: Text = Field(default="", description="Display name of the sender; empty: the shop's name")
    mail_reply_to: Text = Field(default="", description="Address customers' replies go to; empty: support_mail")
    mail_domain: Text = Field(
        default="",
        description="Domain customers are asked to let through (CON-05), one that the sender's is or lies in; empty: the "
        "sender's own",
    )
    brand_colour: Annotated[str, Field(pattern=r"^#[0-9a-fA-F]{6}$")] = Field(
        default="#0b57a4", description="Colour of mails' headings and buttons, #rrggbb, dark enough for white letters"
    )
    logo_url: Text = Field(default="", description="Address of the logo over mails, https; empty: the name alone")
    order_url: Text = Field(
        default="",
        description="Address of an order's page at the storefront, with {number} in it; empty: mails have no link",
    )
    order_page_days: Annotated[int, Field(ge=0, le=3_660)] = Field(
        default=180,
        description="Days from the order for which the link in its mails opens its page (docs/order-page.md); 0: mails have none",
    )
    operator_mail: Text = Field(
        default="",
        description="Address of the shop's operators for overdue suppliers and holds; suppliers' replies go there",
    )
    registration_number: str | None = Field(
        default=None, description="Qualified-invoice number, T and 13 digits, printed on documents (DOC-04)"
    )
    registration_kind: Literal["corporation", "individual"] = Field(
        default="corporation", description="A corporation's number must pass the check digit (B.2)"
    )
    currency: Currency = Field(default="JPY", description="Currency of every amount; yen alone so far")
    price: Price = Price()
    shipping: Shipping = Shipping()
    coupons: Coupons = Coupons()
    points: Points = Points()
    ranks: Ranks = Ranks()
    calendar: Calendar = Calendar()
    split: Split = Split()
    delivery: Delivery = Delivery()
    promise: PromiseSection = PromiseSection()
    payment: Payment = Payment()
    cancel: Cancel = Cancel()
    intake: Intake = Intake()
    returns: Returns = Returns()
    documents: Documents = Documents()
    retention: Retention = Retention()
    remarks: Annotated[tuple[RemarkRule, ...], FromList] = Field(
        default=(), description="How order remarks are read (INT-16)"
    )
    suppliers: dict[str, Supplier] = Field(
        default={"warehouse": Supplier()}, description="Suppliers by name; one that is not listed has every default"
    )

    pickups: dict[Carrier, Pickup] = Field(
        default={}, description="When carriers collect, by carrier; one that is not listed collects every day"
    )

    pull_in: PullIn = PullIn()
    stores: dict[Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")], Store] = Field(
        default={}, description="Stores that goods are called to, by name (STO-01); none: nothing is called anywhere"
    )

    @field_validator("site_url")
    @classmethod
    def _whole_address(cls, address: str) -> str:
        if address and not address.startswith(("https://", "http://")):
            raise ValueError("must begin with https://, as in https://shop.example")
        return address

    @field_validator("logo_url", "order_url")
    @classmethod
    def _safe_address(cls, address: str) -> str:
        if address and not _SAFE_URL.fullmatch(address):
            raise ValueError("must begin with https:// and hold no space or quote, as in https://shop.example/...")
        return address

    @field_validator("order_url")
    @classmethod
    def _names_the_order(cls, address: str) -> str:
        if address and (address.count("{number}") != 1 or address.count("{") + address.count("}") != 2):
            raise ValueError("must hold {number} once and no other braces, as in https://shop.example/orders/{number}")
        return address

    @field_validator("brand_colour")
    @classmethod
    def _legible(cls, colour: str) -> str:
        if contrast_with_white(colour) < LEGIBLE:
            raise ValueError(f"is too light under white letters; choose one with a contrast of {LEGIBLE} : 1 or more")
        return colour.lower()

    @model_validator(mode="after")
    def _lets_its_sender_through(self) -> Self:
        sender = self.mail_from.rpartition("@")[2].lower()
        if sender and self.mail_domain and not f".{sender}".endswith(f".{self.mail_domain.lower()}"):
            raise ValueError(f"mail_domain: mails come from {sender}, which does not lie in it")
        return self

    @field_validator("support_mail", "operator_mail", "mail_from", "mail_reply_to")
    @classmethod
    def _sendable(cls, address: str) -> str:
        return addr_spec(address) if address else address

    @field_validator("registration_number")
    @classmethod
    def _normalised(cls, number: str | None) -> str | None:
        return None if number is None else normalise(number)

    @model_validator(mode="after")
    def _registered(self) -> Self:
        if self.registration_number is not None:
            corporate = self.registration_kind == "corporation"
            if reason := check_registration_number(self.registration_number, corporate=corporate):
                raise ValueError(f"registration_number: {reason}")
        return self

    @field_validator("remarks")
    @classmethod
    def _named_once(cls, rules: tuple[RemarkRule, ...]) -> tuple[RemarkRule, ...]:
        named = [name for rule in rules for name in rule.recognisers]
        if twice := next((name for name in named if named.count(name) > 1), None):
            raise ValueError(f"{twice} is named twice; keep one")
        return rules

    @cached_property
    def business_calendar(self) -> BusinessCalendar:
        """The shop's own calendar of open days; one object a shop, since it remembers its look-ups."""
        return self._days_of(self.calendar)

    @cached_property
    def _dispatch_days(self) -> dict[str, DispatchDays]:
        return {name: self._dispatch(supplier) for name, supplier in self.suppliers.items()}

    @cached_property
    def _unlisted_dispatch_days(self) -> DispatchDays:
        return self._dispatch(_UNLISTED_SUPPLIER)

    @cached_property
    def _visit_days(self) -> dict[str, BusinessCalendar]:
        return {name: self._visits(store) for name, store in self.stores.items()}

    def visit_days(self, store: str) -> BusinessCalendar:
        """The open days of ``store``; a partner's counter is open on weekdays alone (STO-01)."""
        return self._visit_days[store]

    def _visits(self, store: Store) -> BusinessCalendar:
        closed = {WEEKDAYS.index(name) for name in store.closed_weekdays}
        on_weekdays = store.kind == "partner"
        return BusinessCalendar(
            closed | {5, 6} if on_weekdays else closed,
            on_weekdays or store.national_holidays,
            store.closed_days,
            (),
            self.calendar.added_holidays,
            self.calendar.removed_holidays,
        )

    def dispatch_days(self, supplier: str) -> DispatchDays:
        """When the goods of ``supplier`` leave: on its own open days on which its carrier collects (CUT-01 to CUT-03)."""
        return self._dispatch_days.get(supplier) or self._unlisted_dispatch_days

    def _dispatch(self, supplier: Supplier) -> DispatchDays:
        pickup = self.pickups.get(supplier.carrier) if supplier.carrier is not None else None
        collects = None if pickup is None else self._days_of(pickup)

        def cutoff_on(day: date) -> time:
            own = supplier.cutoff_on(day) or self.calendar.cutoff_on(day) or self.calendar.cutoff
            collected = None if pickup is None else pickup.cutoff_on(day)
            return own if collected is None else min(own, collected)

        return DispatchDays(
            self._days_of(supplier, collects), cutoff_on, self.calendar.cutoff_inclusive, supplier.capacity
        )

    def _days_of(self, schedule: Schedule, within: BusinessCalendar | None = None) -> BusinessCalendar:
        """The open days of the shop, a supplier (closed on the shop's closed dates too, unless open by name) or a pickup."""
        shop, closed_weekdays, national = self.calendar, schedule.closed_weekday_numbers, schedule.national_holidays
        closed, opened = schedule.closed_days, frozenset(schedule.open_dates)
        if isinstance(schedule, Supplier):
            opened |= frozenset(shop.open_dates) - closed
            closed |= shop.closed_days
        return BusinessCalendar(
            shop.closed_weekday_numbers or () if closed_weekdays is None else closed_weekdays,
            shop.national_holidays if national is None else national,
            closed,
            opened,
            shop.added_holidays,
            shop.removed_holidays,
            within,
        )

    @cached_property
    def rank_rates(self) -> dict[str, Decimal]:
        """Points rate by rank, lowest rank first; empty without ranks."""
        return {level.name: level.rate for level in self.ranks.levels}

    def connect(self, installation: Installation) -> Self:
        """This shop in ``installation``; done once, when it is loaded."""
        self.__dict__["_installation"] = installation
        return self

    @cached_property
    def _installation(self) -> Installation:
        """Nothing is there until the shop is connected. No private attribute of pydantic, which makes an AttributeError each time that it is read."""
        return Installation()

    @cached_property
    def slots(self) -> tuple[str, ...] | None:
        """The times of day that an order may ask for, none of them where its carriers have none in common; None: free text, best effort
        (DLV-01, DLV-02)."""
        listed = self.delivery.slots
        return kept_by_all(self.delivery, self.suppliers) if listed is None else listed or None

    def batches(self, channel: str) -> bool:
        """Whether the supplier channel of that name takes many instructions in one message."""
        found = self._installation.channels.get(channel)
        return found is not None and found.batches

    def is_fetched(self, channel: str) -> bool:
        """Whether suppliers of that channel come for their instructions, and are told once they have them."""
        found = self._installation.channels.get(channel)
        return found is not None and found.fetched

    def is_asked(self, carrier: str | None) -> bool:
        """Whether that carrier is asked how its parcels fare; None: nobody knows which one it is."""
        return carrier in self._installation.asked

    def gateway(self, name: str | None) -> Gateway[Any] | None:
        """What the installation's gateway ``name`` can do; None for none."""
        return self._installation.gateways.get(name) if name else None

    def gateway_for(self, method: str) -> Gateway[Any] | None:
        """The gateway that the shop uses for ``method``; None where it is not connected to one."""
        return self.gateway(self.payment.gateways.get(method))

    def least(self, gateway: Gateway[Any] | None) -> int:
        """Yen below which nothing is asked of ``gateway`` (PAY-13)."""
        return max(self.payment.minimum_gateway_amount, gateway.least if gateway else 0)

    def is_maker(self, supplier: str) -> bool:
        """Whether that supplier sends its goods itself, and is not the shop's own warehouse."""
        return self.split.drop_ship and supplier != "warehouse" and self.supplier(supplier).ships_via is None

    def supplier(self, name: str) -> Supplier:
        """The supplier's parameters, all defaults if the profile does not list it."""
        return self.suppliers.get(name, _UNLISTED_SUPPLIER)
