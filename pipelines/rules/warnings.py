"""What an order is taken with although it looks wrong: nothing is refused for it, a human may want to know (INT-02, B.9.4)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from pipelines.rules.order import Order
from pipelines.values.mail_address import nonconforming
from pipelines.values.postal_code import postal_code, prefectures_of
from pipelines.values.prefecture import prefecture

NO_ADDRESS: Final = "no_address"
"""No mail can be sent: the order was taken when less was asked of an address."""
NONCONFORMING: Final = "nonconforming"
"""The mail address can be reached in quotes only (INT-02)."""
OTHER_PREFECTURE: Final = "other_prefecture"
"""The postal code lies in another prefecture than the region (B.9.4)."""


@dataclass(frozen=True, slots=True)
class OrderWarning:
    """One thing that looks wrong: ``field`` as the contract names it, ``rule`` a stable word, ``says`` a sentence."""

    field: str
    rule: str
    says: str


def warnings(order: Order) -> tuple[OrderWarning, ...]:
    """Everything about ``order`` that a human may want to look at; it is known from the order alone, at any time."""
    return (*_mail_address(order), *_postal_code(order))


def warnings_json(order: Order) -> list[dict[str, str]]:
    """The warnings as preview and the order's own answer show them."""
    return [{"field": one.field, "rule": one.rule, "says": one.says} for one in warnings(order)]


def _mail_address(order: Order) -> Iterator[OrderWarning]:
    if not order.customer.email:  # forgotten, or no longer kept: no order comes without one
        return
    try:
        odd = nonconforming(order.customer.email)
    except ValueError as reason:
        yield OrderWarning("customer.email", NO_ADDRESS, str(reason))
        return
    if odd:
        says = "The part before the @ has misplaced dots: mails to it go out in quotes, and some servers refuse them."
        yield OrderWarning("customer.email", NONCONFORMING, says)


def _postal_code(order: Order) -> Iterator[OrderWarning]:
    to = order.ship_to
    code, region = postal_code(to.postal_code), prefecture(to.region)
    if to.country != "JP" or code is None or region is None or region in (likely := prefectures_of(code)):
        return
    says = f"The postal code {code} lies in {' or '.join(likely)}, not in {region}; compare it with the address."
    yield OrderWarning("ship_to.postal_code", OTHER_PREFECTURE, says)
