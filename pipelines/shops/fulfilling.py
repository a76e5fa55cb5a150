"""Profile sections about getting goods out: split, suppliers, delivery, promise (A.4 to A.7)."""

from __future__ import annotations

from datetime import time
from typing import Annotated, Literal, Protocol, Self

from pydantic import AfterValidator, Field, model_validator

from pipelines.carriers import CARRIERS, carrier
from pipelines.shops.schedule import Schedule
from pipelines.shops.section import Days, FromList, Section, TimeOfDay
from pipelines.shops.supplier_files import SupplierFiles


def _one_of_the_carriers(word: str) -> str:
    named = carrier(word).name
    if named not in CARRIERS:
        raise ValueError(f"{word!r} is no carrier; there is {', '.join(CARRIERS)}")
    return named


Carrier = Annotated[str, AfterValidator(_one_of_the_carriers)]
"""A carrier in any spelling of it (docs/carriers.md), kept by its one name."""


Link = Literal["source", "home", "availability", "temperature", "promise", "together", "limits"]


class Split(Section):
    """How an order becomes shipments (A.4)."""

    drop_ship: bool = Field(default=False, description="Makers ship to the customer: one shipment a supplier (SPL-01)")
    allow_split_backorder: bool = Field(
        default=False, description="In-stock lines go first, back-orders when they arrive (SPL-03)"
    )
    chain: Annotated[tuple[Link, ...], FromList] = Field(
        default=("source", "home", "availability"),
        description="The links that take an order apart, in their order: source (SPL-01), home (SPL-07), availability (SPL-03), "
        "temperature (flags frozen, chilled), promise (goods that take longer to prepare), together (apart), limits (a supplier's "
        "parcel_weight_g, parcel_size_cm)",
    )
    apart: Annotated[tuple[Annotated[tuple[str, ...], FromList], ...], FromList] = Field(
        default=(),
        description="Flags that do not travel together, with the link together: one alone with nothing else, or two not with one "
        'another, `[["liquid_alone"], ["food", "chemical"]]`',
    )
    routing: Annotated[tuple[Literal["goods", "company", "day"], ...], FromList] = Field(
        default=("goods", "company", "day"),
        description="Who sends lines for which the storefront names nobody, by the first rule that decides: goods (skus), company "
        "(who sends other lines), day (who sends soonest); else the first supplier of the profile",
    )
    home: Annotated[str, Field(min_length=1, max_length=64)] = Field(
        default="warehouse", description="Where lines are gathered if the shop does not drop-ship (INT-11, SPL-07)"
    )

    @model_validator(mode="after")
    def _can_be_gone_through(self) -> Self:
        if "source" not in self.chain[:1]:
            raise ValueError("chain: must begin with source: who sends a line is known first")
        if twice := next((name for name in self.chain if self.chain.count(name) > 1), None):
            raise ValueError(f"chain: {twice} is named twice; keep one")
        if wrong := next((rule for rule in self.apart if len(set(rule)) not in (1, 2)), None):
            raise ValueError(f"apart: {list(wrong)} must be one flag or two")
        return self


class Delivery(Section):
    """Delivery wishes and transit (A.6)."""

    slots: Annotated[tuple[str, ...], FromList] | None = Field(
        default=None,
        description="Time slots an order may ask for; unset: those that every carrier keeps which the shop's suppliers may use, by "
        "their `carrier` or else the shop's `carriers` (B.4.4), all there are where neither is named; empty: free text, best effort "
        "(DLV-01, DLV-02)",
    )
    requests: Literal["strict", "clear", "best_effort"] = Field(
        default="clear",
        description="A date that cannot be met: hold the order, clear the wish and say so, or ignore it with a note "
        "(DLV-01, DLV-04)",
    )
    max_days_ahead: Days = Field(default=90, description="How far from the order a delivery date may lie; 0: no limit")
    transit_days: dict[str, Annotated[int, Field(ge=0, le=30)]] = Field(
        default={}, description="Days from dispatch to arrival by prefecture, over the built-in table (B.4.6)"
    )
    carriers: Annotated[tuple[Carrier, ...], FromList] = Field(
        default=(), description="Carriers (docs/carriers.md) whose tracking numbers are accepted (TRK-03); empty: any"
    )
    tells: Annotated[tuple[Literal["out_for_delivery", "attempt_failed", "held"], ...], FromList] = Field(
        default=(),
        description="Carriers' news that the customer hears of (parcel_waiting): brought today, not met, kept at the depot with its last day",
    )
    delivered_after_days: Days = Field(
        default=1, description="Without tracking, days after the planned arrival at which an order counts as delivered"
    )
    overdue_after_days: Annotated[int, Field(ge=1, le=365)] = Field(
        default=14,
        description="Days after the planned arrival, and after the last news of it, at which a parcel that nobody reported "
        "delivered goes before a human",
    )


class PromiseSection(Section):
    """The dispatch promise that product pages ask for (docs/promise.md)."""

    public: bool = Field(
        default=False, description="Whether `/v1/promise` answers everybody, browsers included, without a key"
    )


AUTO = "auto"
FILES = "files"
"""Either of webhook and mail; and the channel that writes a format's files."""


class SupplierChannel(Protocol):
    """What a profile must know of a supplier channel of the installation."""

    @property
    def batches(self) -> bool:
        """Whether it takes many instructions in one message."""
        ...

    @property
    def fetched(self) -> bool:
        """Whether its supplier comes for its instructions, and is told once it has them."""
        ...


class Supplier(Schedule):
    """A warehouse, store or maker (倉庫, 店舗, メーカー) that sends goods."""

    channel: Annotated[str, Field(min_length=1, max_length=64)] = Field(
        default=AUTO,
        description="How it is instructed: webhook, mail, files, or another channel of the installation; auto: by webhook if it "
        "registered one, else by mail. A channel that sends files sends one a day, at the cutoff",
    )
    name: Annotated[str, Field(max_length=100, pattern=r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]*$")] = Field(
        default="", description="What its mails call it (〇〇 御中); empty: its name in order lines"
    )
    mail: str = Field(default="", description="Address of its instructions by mail")
    locale: Literal["ja", "en"] = Field(default="ja", description="Language of those mails")
    carrier: Carrier | None = Field(
        default=None, description="Carrier (docs/carriers.md) it uses, where events name none"
    )
    instead: Annotated[str | None, Field(min_length=1, max_length=64)] = Field(
        default=None,
        description="Supplier that is given a shipment which this one has not answered after all reminders; unset: a person "
        "has the order",
    )
    no_tracking: bool = Field(default=False, description="Its parcels may have no tracking number (TRK-01)")
    lead_days: Days = Field(default=0, description="Business days it needs before dispatch (INT-11)")
    ships_via: str | None = Field(
        default=None, description="Supplier its goods are transferred to and leave from (INT-11); unset: itself"
    )
    transfer_days: Days = Field(
        default=0,
        description="Business days its goods travel to the supplier of ships_via, after its lead_days (INT-11)",
    )
    capacity: Annotated[int, Field(ge=1, le=1_000_000)] | None = Field(
        default=None,
        description="Shipments it sends a day: once a day is full the next open one is promised; unset: any number",
    )
    acknowledge_within_hours: Annotated[int, Field(ge=0, le=720)] = Field(
        default=24,
        description="Hours until an unanswered instruction is asked after, and again; 0: no answer is expected",
    )
    reminders: Annotated[int, Field(ge=0, le=20)] = Field(
        default=2, description="How often it is asked after what it owes before the order goes before a person"
    )
    report_by: TimeOfDay = Field(
        default=time(20),
        description="Time of the dispatch day by which the goods are reported as left, else asked after",
    )
    late_at: TimeOfDay = Field(
        default=time(10),
        description="Time of the next open day at which goods that nobody reported count as late: the customer is told a new "
        "day, and a person has the order",
    )
    ask_date_days: Annotated[int, Field(ge=1, le=365)] = Field(
        default=14, description="Days until it is asked for the day of goods that have none, and again"
    )
    skus: Annotated[tuple[Annotated[str, Field(min_length=1, max_length=100)], ...], FromList] = Field(
        default=(), description="Beginnings of the SKUs that it keeps, for lines without a supplier (split.routing)"
    )
    parcel_weight_g: Annotated[int, Field(ge=1, le=10_000_000)] | None = Field(
        default=None, description="Grams that a parcel may weigh, with the link limits; unset: any"
    )
    parcel_size_cm: Annotated[int, Field(ge=1, le=10_000)] | None = Field(
        default=None,
        description="Length, width and height together over which a piece travels alone, with the link limits; unset: any",
    )
    files: SupplierFiles = Field(default=SupplierFiles(), description="Its label program's files (docs/files.md)")

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        if self.channel == "mail" and not self.mail:
            raise ValueError("mail: an address is needed because channel is mail")
        if self.transfer_days and self.ships_via is None:
            raise ValueError("transfer_days: goods are transferred only where ships_via names a supplier")
        return self
