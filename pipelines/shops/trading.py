"""Profile sections about the deal: intake, payment, cancel, remarks, returns, documents (A.1 to A.3, A.12, A.13)."""

from __future__ import annotations

import re
from datetime import time
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, Field, field_validator, model_validator

from pipelines.shops.section import ONE_LINE, Account, Count, Days, FromList, MethodName, Section, TimeOfDay
from pipelines.values.money import Yen

_GATEWAYS: Final = {"card": "sandbox", "bank_transfer": "bank"}


def _with_defaults(gateways: dict[str, str]) -> dict[str, str]:
    return {**_GATEWAYS, **gateways}


#: A part of an account, as customers read it.
_Told = Annotated[str, Field(min_length=1, max_length=100, pattern=ONE_LINE)]


class BankAccount(Section):
    """The account customers transfer to (銀行振込)."""

    bank: _Told = Field(description="Name of the bank")
    branch: _Told = Field(description="Name and number of the branch")
    kind: _Told = Field(default="普通", description="普通 or 当座")
    number: Annotated[str, Field(pattern=r"^[0-9]{7}$")] = Field(description="Seven digits")
    holder: _Told = Field(description="Account holder in kana")


class Payment(Section):
    """Payment methods and deadlines (A.2)."""

    methods: dict[Account, Annotated[tuple[MethodName, ...], FromList]] = Field(
        default={"local": ("card",)}, description="Methods allowed by account type (PAY-01, PAY-03)"
    )
    gateways: Annotated[dict[MethodName, str], AfterValidator(_with_defaults)] = Field(
        default=_GATEWAYS,
        description="Gateway by payment method; what a profile leaves out keeps its default. A method whose gateway is "
        "missing, or cannot do what the method needs, is not connected: such an order is refused",
    )
    minimum_gateway_amount: Yen = Field(default=50, description="Least yen a gateway takes; 1 to 49 never (PAY-13)")
    capture_policy: Literal["first_shipment_full", "last_shipment_full", "per_shipment"] = Field(
        default="first_shipment_full", description="When an authorization is captured (SPL-04)"
    )
    authorization_ends: Literal["hold", "capture", "renew"] = Field(
        default="hold",
        description="Before an authorization ends whose goods have not left: a person decides, the whole sum is captured, or "
        "the gateway holds it anew (SPL-04)",
    )
    authorization_act_days: Annotated[int, Field(ge=1, le=30)] = Field(
        default=3, description="Days before that end at which this is done"
    )
    authorization_warning_days: Annotated[int, Field(ge=1, le=30)] = Field(
        default=5, description="Days before that end at which storefronts are told of it (payment.expiring)"
    )
    confirm_minutes: Annotated[int, Field(ge=5, le=10_080)] = Field(
        default=60,
        description="Minutes a customer has for the page of a card's issuer (3-D Secure) or of a wallet, and a gateway for its "
        "answer; then the order is cancelled (PAY-05)",
    )
    accept_debit: bool = Field(default=True, description="Whether debit cards are accepted (PAY-02)")
    accept_prepaid: bool = Field(default=True, description="Whether prepaid cards are accepted (PAY-02)")
    bank_transfer_days: Days = Field(
        default=7, description="Days to pay after the order's, to the end of the day (PAY-07)"
    )
    konbini_days: Days = Field(default=3, description="Days to pay at a store after the order's (PAY-08)")
    konbini_grace_hours: Annotated[int, Field(ge=0, le=72)] = Field(
        default=6, description="Hours a late store notice is waited for before the cancel (B.6.5)"
    )
    reopen_days: Annotated[int, Field(ge=0, le=90)] = Field(
        default=7,
        description="Days after the unpaid cancel in which a store's late notice makes the order stand again, if its goods are "
        "free (PAY-08); 0: the money goes back",
    )
    konbini_maximum: Yen = Field(default=299_999, description="Most yen a store takes (B.6.5)")
    konbini_stores: Annotated[tuple[str, ...], FromList] = Field(
        default=(),
        description="Store chains that a customer may choose, in payment.token; without: any, and the gateway's own (PAY-08)",
    )
    lenders: Annotated[tuple[str, ...], FromList] = Field(
        default=(),
        description="Lenders that a customer may choose, in payment.token; without: any, and the gateway's own (PAY-03)",
    )
    loan_business_days: Annotated[int, Field(ge=1, le=60)] = Field(
        default=3, description="Business days, the order's day included, to get the loan approved (PAY-10)"
    )
    bank_transfer_reminder_days: Days = Field(
        default=2, description="Days before the deadline to remind; 0: never (PAY-07)"
    )
    konbini_reminder_days: Days = Field(default=1, description="Days before the deadline to remind; 0: never")
    remind_at: TimeOfDay = Field(default=time(10), description="Time of day of reminders")
    cod_maximum: Yen = Field(default=300_000, description="Most yen a carrier collects (PAY-09, B.5.1)")
    cod_unclaimed_days: Annotated[int, Field(ge=1, le=90)] = Field(
        default=7, description="Days from dispatch after which an undelivered parcel counts as unclaimed (PAY-09)"
    )
    cod_collects: Literal["first", "last"] = Field(
        default="first",
        description="Which of an order's shipments collects the whole amount: the first or the last to be instructed (PAY-09)",
    )
    cod_reminder_days: Days = Field(
        default=2,
        description="Days before the last day to receive on which the customer is reminded; 0: never (PAY-09)",
    )
    cod_redelivery_wait_days: Days = Field(
        default=1,
        description="Days that a parcel which is being brought, or kept for a redelivery, is waited for beyond those (PAY-09)",
    )
    cod_return_days: Annotated[int, Field(ge=1, le=90)] = Field(
        default=14, description="Days in which an unclaimed parcel is to be back before a human looks for it (PAY-09)"
    )
    deferred_maximum: Yen = Field(default=55_000, description="Most yen that can be paid after delivery (B.6.9)")
    transfer_tolerance: Yen = Field(default=0, description="Yen a transfer may differ without a hold (B.6.7)")
    bank: BankAccount | None = Field(default=None, description="Account for transfers")

    @model_validator(mode="before")
    @classmethod
    def _renamed(cls, table: object) -> object:
        if isinstance(table, dict) and "gateway" in table:
            raise ValueError(f'gateway: each method has its own; write [payment.gateways] card = "{table["gateway"]}"')
        if isinstance(table, dict) and "gateway_methods" in table:
            raise ValueError("gateway_methods: leave it out; [payment.gateways] names the methods' gateways")
        return table

    @property
    def allowed(self) -> frozenset[str]:
        """Every method that is allowed for anyone."""
        return frozenset(method for listed in self.methods.values() for method in listed)

    def allowed_to(self, account: str) -> tuple[str, ...]:
        """The methods that customers with such an account may choose; none where the shop has no such accounts."""
        return next((listed for kind, listed in self.methods.items() if kind == account), ())

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if not any(self.methods.values()):
            raise ValueError("methods: allow at least one payment method")
        return self


class Cancel(Section):
    """Self-service cancel (A.3)."""

    policy: Literal["never", "until_released", "windows"] = Field(
        default="until_released",
        description="never (CAN-01), until goods are released (CAN-06), or windows by method (CAN-03)",
    )
    until_paid: Annotated[tuple[MethodName, ...], FromList] = Field(
        default=("bank_transfer", "loan"),
        description="With windows: methods cancellable until the money is confirmed or the loan approved (CAN-03)",
    )
    pull_in_minutes: Days = Field(
        default=15, description="With windows: minutes a store pull-in order stays cancellable, inclusive (CAN-03)"
    )


class Intake(Section):
    """What is accepted as an order (A.1)."""

    channels: Annotated[tuple[str, ...], FromList] = Field(default=("web",), description="Accepted channels (INT-06)")
    placed_ahead_minutes: Annotated[int, Field(ge=0, le=1440)] = Field(
        default=10,
        description="Minutes by which the storefront's clock may be ahead; an order from further in the future is refused",
    )
    guest_orders: bool = Field(default=False, description="Whether a customer number may be missing (INT-07)")
    domestic_only: bool = Field(default=True, description="Ship to Japan only (INT-08)")
    mail_syntax_policy: Literal["strict", "carrier_legacy"] = Field(
        default="carrier_legacy",
        description="strict refuses non-conforming mail addresses; carrier_legacy takes every order (INT-02)",
    )
    prohibited_flags: Annotated[tuple[str, ...], FromList] = Field(
        default=(), description="Lines with such a flag are refused (INT-05)"
    )
    every_item_unique: bool = Field(
        default=False,
        description="Every item is one of a kind, whatever the storefront says of availability (`backorder`, `made_to_order` and "
        "an `expected_on` are void): each line is `unique`; one piece a line, sold once (INT-10)",
    )
    address_changes: bool = Field(
        default=True,
        description="Whether an operator may correct the address until goods have left, at the price that was agreed; customers "
        "never may. false: it stays as it was ordered, as clinic and reuse publish (CAN-02, INT-09)",
    )
    individuals: Literal["welcome", "surcharge"] = Field(
        default="welcome", description="surcharge: an individual recipient pays shipping.individual_surcharge (INT-04)"
    )
    marks_window_days: Days = Field(default=365, description="Window in which a customer's marks count (INT-14)")
    max_undelivered_returns: Count = Field(
        default=2, description="Unclaimed or refused parcels in the window that hold the next order (INT-14); 0: never"
    )
    max_customer_returns: Count = Field(
        default=3, description="Customer's-reason returns in the window that hold the next order (INT-14); 0: never"
    )
    max_customer_cancels: Count = Field(
        default=0,
        description="Customer's-reason cancels, and parcels not received that were to be paid for on delivery, in the window "
        "that hold the next order and propose methods_after_cancels to the operator (INT-15); 0: never",
    )
    methods_after_cancels: Annotated[tuple[MethodName, ...], FromList] = Field(
        default=("card", "bank_transfer"),
        description="Payment methods proposed for such a customer, of those that the shop allows (INT-15)",
    )
    one_account_per_mailbox: bool = Field(
        default=False,
        description="A mail address is one account's, until that is withdrawn: another is told 409, and the first order of "
        "another waits for a human (INT-01)",
    )


class RemarkRule(Section):
    """How order remarks are read (INT-16): recognisers by name, or a pattern where a shop needs its own words. What none of
    them reads waits for a person; thanks, greetings and "nothing special" never do. Each table has recognisers or a pattern."""

    recognisers: Annotated[
        tuple[
            Literal["desired_date", "desired_slot", "receipt_request", "work_order", "coupon_codes", "not_offered"], ...
        ],
        FromList,
    ] = Field(
        default=(),
        description="desired_date and desired_slot: a day (11/25, 25日(水), 明日, 来週月曜, 25日まで, Nov 25) and a time of day "
        "wished for (DLV-01, DLV-02); receipt_request: a receipt, whom it is made out to and what for, or none (DOC-02); "
        "work_order: work before dispatch such as コマ詰め 手首16cm (STO-02); coupon_codes: codes of any spelling, which hold "
        "the order before its amount is fixed (CPN-03); not_offered: gift wrapping and a choice of carrier, answered by "
        "mail (DLV-05)",
    )
    lead_days: Days = Field(default=0, description="Business days a work order adds before dispatch (STO-02)")
    closed_days: Literal["ask", "take"] = Field(
        default="ask",
        description="What a desired_date on a closed day of the calendar means: ask a person, unless its weekday is written "
        "too, or take it as any other",
    )
    pattern: str | None = Field(
        default=None,
        description="Python regular expression for a shop's own words, case-insensitive, tried before the recognisers on the "
        "NFKC-normalised text; it reads whatever it matches, also a sentence that says no",
    )
    action: Literal["desired_date", "receipt_request", "work_order", "coupons", "answer", "ignore"] | None = Field(
        default=None,
        description="What a pattern means: desired_date reads the one date in it, coupons holds the order before its amount "
        "is fixed, work_order adds lead_days, receipt_request is for accounting, answer replies by mail, ignore drops it",
    )

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, pattern: str | None) -> str | None:
        if pattern is None:
            return None
        try:
            compiled = re.compile(pattern)
        except re.error as error:
            raise ValueError(f"is no regular expression: {error}") from None
        if compiled.match(""):
            raise ValueError("must not match empty text")
        return pattern

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if (self.pattern is None) == (not self.recognisers):
            raise ValueError("recognisers: name them, or write a pattern: one of the two")
        if (self.pattern is None) != (self.action is None):
            raise ValueError("action: a pattern has one, and recognisers have none")
        return self


class Documents(Section):
    """Receipts (領収書), invoices, delivery notes and what else is written of an order (A.13, docs/documents.md)."""

    receipt_methods: Annotated[tuple[MethodName, ...], FromList] = Field(
        default=("card", "paypay", "amazon_pay", "bank_transfer"),
        description="Methods the shop writes receipts for (DOC-01, DOC-02)",
    )
    receipt_once: bool = Field(
        default=False,
        description="A receipt of a method that is taken at dispatch is issued a single time (DOC-02)",
    )
    receipt_days: Days = Field(
        default=0,
        description="Days from the last dispatch, its day included, to fetch such a receipt (DOC-02); 0: no limit",
    )
    mark_reissue: bool = Field(default=True, description="From the second copy on a document says 再発行 (DOC-01)")
    purpose: Annotated[str, Field(min_length=1, max_length=40, pattern=ONE_LINE)] = Field(
        default="商品代として", description="但し書き of a receipt, where the customer names none (DOC-05)"
    )
    purpose_en: Annotated[str, Field(min_length=1, max_length=40, pattern=ONE_LINE)] = Field(
        default="Goods", description="The same of a receipt in English"
    )
    issuer: Annotated[str, Field(max_length=100, pattern=ONE_LINE)] = Field(
        default="", description="Registered name of who issues documents; empty: the shop's name"
    )
    issuer_postal_code: Annotated[str, Field(max_length=10, pattern=ONE_LINE)] = Field(
        default="", description="Postal code of the issuer"
    )
    issuer_address: Annotated[str, Field(max_length=120, pattern=ONE_LINE)] = Field(
        default="", description="Address of the issuer"
    )
    seal: Annotated[tuple[Annotated[str, Field(pattern=r"^\S{1,6}$")], ...], FromList, Field(max_length=4)] = Field(
        default=(), description="Columns of the square seal (角印), from right to left; empty: no seal"
    )
    logo: Annotated[str, Field(max_length=65_536, pattern=r"^(<svg[\s>][\s\S]*</svg>\s*)?$")] = Field(
        default="", description="Logo over documents, as the text of an SVG file; empty: none"
    )
    note_prices: bool = Field(default=True, description="Delivery notes show prices (DOC-03)")
    maker_prices: bool = Field(
        default=False, description="Delivery notes of parcels that a maker sends show prices too (SPL-01)"
    )
    quotation_days: Annotated[int, Field(ge=1, le=365)] = Field(
        default=30, description="Days that a quotation is valid (DOC-06)"
    )
