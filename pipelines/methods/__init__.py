"""Payment methods (支払方法), one file each, found by name.

A file declares ``METHOD = Method(...)``: all that a method is. When the money is secured, what is asked of a gateway for it,
until when the customer must act, what a capture, a cancel and a refund mean, what it costs and how much it carries.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from pipelines.gateway import BuyerMust, Capability, Gateway
from pipelines.plugins import Registry
from pipelines.values.calendar import JST

if TYPE_CHECKING:
    from pipelines.shops.shop import Shop


class Secured(StrEnum):
    """What has to come before goods are released."""

    AUTHORIZATION = "authorization"  # the gateway holds the amount
    PAYMENT = "payment"  # the money is in (PAY-07, PAY-08)
    APPROVAL = "approval"  # a lender agreed (PAY-10)
    BILL = "bill"  # nothing: it is collected on the month's bill (PAY-12)
    NOTHING = "nothing"  # nothing: it is collected later, or there is nothing to pay (PAY-09, PAY-13)

    @property
    def is_awaited(self) -> bool:
        """Whether the goods wait for the customer's money or the lender's word, so that dates count from then (CUT-01)."""
        return self in (Secured.PAYMENT, Secured.APPROVAL)

    @property
    def release_when(self) -> str:
        """The contract's word for it: ``authorized``, ``paid``, ``approved`` or ``at_once``."""
        return _RELEASE_WHEN[self]


_RELEASE_WHEN: Final = {
    Secured.AUTHORIZATION: "authorized",
    Secured.PAYMENT: "paid",
    Secured.APPROVAL: "approved",
    Secured.BILL: "at_once",
    Secured.NOTHING: "at_once",
}


class Asks(StrEnum):
    """What a gateway is asked when the order comes in."""

    NOTHING = "nothing"
    AUTHORIZE = "authorize"
    REGISTER = "register"


_ABLE: Final = {Asks.AUTHORIZE: Capability.AUTHORIZES, Asks.REGISTER: Capability.REGISTERS_SLIPS}


class Capture(StrEnum):
    """When the money is taken."""

    ON_DISPATCH = "on_dispatch"  # with the parcels, by the profile's capture_policy (PAY-06, SPL-04)
    BY_NOTICE = "by_notice"  # the customer pays, and the gateway or the bank says so
    ON_DELIVERY = "on_delivery"  # the carrier hands the goods over against it
    ON_BILL = "on_bill"
    NEVER = "never"


class Refund(StrEnum):
    """How money goes back to the customer."""

    GATEWAY = "gateway"  # the way it came, where the gateway can; else by hand
    BY_HAND = "by_hand"  # a human pays it out
    ON_BILL = "on_bill"  # the bill of the month in which it is given back is less by it (PAY-12)


class LateMoney(StrEnum):
    """What becomes of money that comes for an order that awaits none any more."""

    REOPEN = "reopen"  # an order that was cancelled for want of it stands again, if its goods are free; else as below (PAY-08)
    REFUND = "refund"  # it is due back, by the method's route (CAN-03, PAY-07, PAY-08)
    HUMAN = "human"  # nobody awaited it: a human finds out what it is


class Receipt(StrEnum):
    """Who writes the customer's receipt (A.13)."""

    SHOP = "shop"
    CARRIER = "carrier"
    STORE = "store"
    LENDER = "lender"
    PROVIDER = "provider"
    BILL = "bill"
    NONE = "none"


_DAY_ENDS: Final = time(23, 59, 59)


@dataclass(frozen=True, slots=True)
class Terms:
    """Until when the customer must act; a method without a deadline has none of the three.

    ``pay_by``: the last day to pay or to get approved, in Japan.  ``remind_at``: when one who has not is reminded.
    ``cancel_at``: when the unpaid order is cancelled, a grace for late notices included.
    """

    pay_by: date | None = None
    remind_at: datetime | None = None
    cancel_at: datetime | None = None

    @property
    def payable_until(self) -> datetime | None:
        """The last moment at which a slip may be paid: 23:59:59 of its last day in Japan, whatever grace the cancel gives to a
        notice that comes late (PAY-08, B.6.5); None where there is no deadline."""
        return datetime.combine(self.pay_by, _DAY_ENDS, JST) if self.pay_by is not None else self.cancel_at


def no_deadline(shop: Shop, placed_at: datetime) -> Terms:
    """The terms of a method for which nobody is waited."""
    return Terms()


@dataclass(frozen=True, kw_only=True)
class Method:
    """A payment method. Amounts are yen.

    ``names``: what customers read, by locale ("ja", "en").
    ``needs``: what the shop's gateway for it must be able to do, else the method is not connected and refused at intake.
    ``asks``: asked where that gateway can; what the gateway answers is then what the customer must do.  ``instructions``:
    what the customer must do where no gateway was asked (a transfer to the shop's own account).  ``instructs``: whether the
    customer is written to before the money is there.  ``needs_token``: the storefront must send the gateway's token.
    ``choices``: what a customer may choose among, sent as the token (a store chain, a lender); none listed: anything, and
    what is not sent is the gateway's default.
    ``terms``: for an order of the shop that can be paid from an aware moment on, that of the order itself where no hold keeps
    it.  ``unpaid_reason``, ``unpaid_rule``: the reason code of the cancel of whoever did not act in time (CAN-05), and the
    rule that asks for it.  ``limit``: the most yen it carries, refused in the words
    of ``too_much``.  ``fee``: in the shop's price display, for goods and shipping with tax, before the fee itself (B.6.6).
    ``lacks``: (parameter of ``payment``, reason) where a profile that allows it misses something.  ``unclaimed_at``: from
    when a parcel that left on a day and was not delivered counts as unclaimed (PAY-09).
    """

    name: str
    names: Mapping[str, str]
    secured_by: Secured
    capture: Capture
    refund: Refund
    receipt: Receipt
    late_money: LateMoney = LateMoney.HUMAN
    asks: Asks = Asks.NOTHING
    needs: frozenset[Capability] = frozenset()
    needs_token: bool = False
    choices: Callable[[Shop], Sequence[str]] = lambda shop: ()
    instructs: bool = False
    instructions: Callable[[Shop], BuyerMust | None] = lambda shop: None
    terms: Callable[[Shop, datetime], Terms] = no_deadline
    unpaid_reason: str = "unpaid"
    unpaid_rule: str = "PAY-07"
    limit: Callable[[Shop], int | None] = lambda shop: None
    too_much: str = "This method is possible up to {most:,} yen; choose another."
    fee: Callable[[Shop, int], int] | None = None
    lacks: Callable[[Shop], tuple[str, str] | None] = lambda shop: None
    unclaimed_at: Callable[[Shop, date], datetime] | None = None

    @property
    def needs_gateway(self) -> bool:
        """Whether nothing can be paid without asking one."""
        return _ABLE.get(self.asks) in self.needs

    def asked(self, gateway: Gateway[Any] | None) -> Asks:
        """What is really asked of ``gateway``."""
        able = gateway is not None and _ABLE.get(self.asks) in gateway.capabilities
        return self.asks if able else Asks.NOTHING

    def asked_at(self, shop: Shop) -> str | None:
        """The gateway that the shop asks for money by this method; None where it asks none."""
        gateway = shop.gateway_for(self.name)
        return gateway.name if gateway is not None and self.asked(gateway) is not Asks.NOTHING else None

    def terms_of(self, shop: Shop, placed_at: datetime, heard_at: datetime) -> Terms:
        """The terms of an order that reached us at ``heard_at``: its days count from the order, and from then where they would have been
        over by then. Nobody could tell its customer before how to pay."""
        terms = self.terms(shop, placed_at)
        is_over = terms.payable_until is not None and terms.payable_until <= heard_at
        return self.terms(shop, heard_at) if is_over else terms

    def misses(self, gateway: Gateway[Any] | None) -> frozenset[Capability]:
        """What the method needs and ``gateway``, the shop's for it, cannot do."""
        return self.needs - (gateway.capabilities if gateway else frozenset())


METHODS: Final = Registry("methods", Method, __name__, "payment method")
"""Every payment method by name."""


def agreed(method: str, grand_total: int) -> Method:
    """How an order is paid: by its ``method``, or by ``none`` where nothing is left to pay (PAY-13)."""
    return METHODS[method if grand_total else "none"]
