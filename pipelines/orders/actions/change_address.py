"""Change the address (届け先変更): the goods go elsewhere, as long as none of them has left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Final

from pydantic import Field

from models.states import OrderState
from pipelines.errors import Problem
from pipelines.orders.action import Action, Case, Request
from pipelines.orders.schema import MANY_LINES, ShipToDocument
from pipelines.rules.explain import Refusal, Sentence
from pipelines.rules.money.pricing import individual_surcharge
from pipelines.rules.order import Order, ShipTo
from pipelines.rules.refusals import ship_to_problems

_BEFORE: Final = (OrderState.ACCEPTED, OrderState.AWAITING_PAYMENT, OrderState.AUTHORIZED, OrderState.RELEASED)
_TOO_LATE: Final = Sentence(
    "現在の注文状態は{state}です。届け先を変更できるのは、商品が発送されるまでです。",
    "Now the order is {state}: its address can be changed until goods have left.",
)
_NEVER: Final = Sentence(
    "このショップでは、ご注文後に届け先を変更できません。キャンセルのうえ、あらためてご注文いただきます。",
    "This shop changes no address after the order: cancel it, and let the customer order anew.",
)


_STORE: Final = Sentence(
    "取り寄せ先の店舗は変更できません。キャンセルのうえ、あらためてご注文いただきます。",
    "The store that goods were called to cannot be changed: cancel the order, and let the customer order anew.",
)


class AddressChanged(Request):
    """Where the goods go from now on."""

    ship_to: Annotated[ShipToDocument, Field(description="The whole address, as in an order")]
    reason: Annotated[
        str, Field(default="", max_length=500, pattern=MANY_LINES, description="Kept with the old address")
    ]


def stands(case: Case) -> Sequence[Refusal]:
    """The shop changes addresses, and nothing has left."""
    order = case.order
    if order.facts.pickup is not None:
        return [Refusal(_STORE, rule="STO-01", ways_out=("cancel",))]
    if not case.shop.intake.address_changes:
        return [Refusal(_NEVER, rule="CAN-02", ways_out=("cancel",))]
    if order.state in _BEFORE:
        return []
    return [Refusal(_TOO_LATE, {"state": order.state}, rule="INT-09", ways_out=("lines:cancel", "lines:return"))]


def faults(case: Case, asked: AddressChanged) -> Sequence[Problem]:
    """An address that intake would refuse, the one that the order has, and one to which it would cost another sum or could
    not be delivered: the amount is agreed, so that is another order (CAN-02)."""
    before, after = case.order.facts.order, readdressed(case.order.facts.order, asked)
    if problems := ship_to_problems(after, case.shop):
        return problems
    if before.ship_to == after.ship_to:
        return [Problem("ship_to", "is the address that the order has")]
    if individual_surcharge(before, case.shop) != individual_surcharge(after, case.shop):
        return [Problem("ship_to", "costs another fee than was agreed: cancel the order and take it anew (CAN-02)")]
    if case.order.facts.breakdown.rules.agreed_fee is not None and before.ship_to.region != after.ship_to.region:
        return [
            Problem(
                "ship_to.region", "the fee was agreed for another region: cancel the order and take it anew (CAN-02)"
            )
        ]
    if "individual" == after.ship_to.kind != before.ship_to.kind and any(
        "business_address_only" in line.flags for line in after.lines
    ):
        return [Problem("ship_to.kind", "some of the goods cannot be delivered to an individual (INT-04)")]
    return []


def readdressed(order: Order, asked: AddressChanged) -> Order:
    """``order`` as if it had been placed with the address asked for."""
    return replace(order, ship_to=ShipTo(**asked.ship_to.model_dump()))


ACTION = Action(
    name="address:change",
    label=Sentence("届け先を変更する", "Change the address"),
    says=Sentence(
        "発送前の商品の届け先を変更します。指示済みの出荷元には新しい届け先で指示し直し、お客様にお知らせします。",
        "The goods go to another address: suppliers that were told get a new instruction, and the customer is told of address and "
        "days.",
    ),
    model=AddressChanged,
    wakes="order.change_address",
    stands=stands,
    faults=faults,
)
