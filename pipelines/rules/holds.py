"""Holds (保留): why an order waits for a human, what that keeps back, and what answers it (A.1, A.10).

A hold is a value: its reason and what it is about. What is said of it, in Japanese and in English, and its ways out are those
of its kind. Orders that are held run no further than the hold allows; ``holds`` finds those of an order that comes in.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from models.states import HoldReason
from pipelines.rules.hold_kinds import KINDS, Blocks, HoldKind
from pipelines.rules.marks import Counters
from pipelines.rules.money.pricing import individual_surcharge
from pipelines.rules.order import Order
from pipelines.rules.remarks import read

if TYPE_CHECKING:
    from pipelines.shops import Shop

#: The fact under which a hold that is older than its kind keeps the sentence that it was opened with.
SAID: Final = "said"


@dataclass(frozen=True, slots=True)
class Hold:
    """One reason why an order waits for a human.

    It is about ``shipment`` (its id), ``lines`` (pieces by line) and ``amount`` (yen) where it names them; ``facts`` are what
    else its sentence says. ``id`` is the stored row's, None before it is written; two holds that say the same are equal.
    """

    reason: HoldReason
    shipment: str | None = None
    lines: Mapping[str, int] = field(default_factory=dict)
    amount: int | None = None
    facts: Mapping[str, str | int] = field(default_factory=dict)
    id: int | None = field(default=None, compare=False)

    @property
    def kind(self) -> HoldKind:
        """What every hold of this reason blocks, says and is answered by."""
        return KINDS[self.reason]

    @property
    def blocks(self) -> Blocks:
        """``authorize``: the amount may still change; ``release``: the money may be taken, goods wait; ``shipment``: those of its
        shipment wait."""
        return self.kind.blocks

    def answered_by(self, action: str) -> bool:
        """Whether the action of that name is a way out."""
        return action in self.kind.answered_by

    def says(self, locale: str) -> str:
        """The sentence for people, in ``locale`` (ja, else en)."""
        if SAID in self.facts:
            return str(self.facts[SAID])
        return self.kind.says.says(locale, **self.facts, **self._about(locale))

    def tells(self, locale: str) -> str:
        """What the customer is told of it, in ``locale`` (ja, else en)."""
        return self.kind.tells.says(locale, **self._about(locale))

    def lacks(self) -> frozenset[str]:
        """Names of facts that its sentence has a place for and that are not there."""
        return frozenset() if SAID in self.facts else self.kind.names - self.facts.keys() - self._about("en").keys()

    def _about(self, locale: str) -> dict[str, Any]:
        about: dict[str, Any] = {}
        if self.shipment is not None:
            about["shipment"] = self.shipment
        if self.lines:
            about["lines"] = ", ".join(self.lines)
            pieces = "明細{0}が{1}点" if locale == "ja" else "{1} of line {0}"
            about["pieces"] = ("、" if locale == "ja" else ", ").join(
                pieces.format(line, count) for line, count in self.lines.items()
            )
        if self.amount is not None:
            about["amount"] = self.amount
        return about


def lets_others_go(open_holds: Collection[Hold]) -> bool:
    """Whether an order that is held for ``open_holds`` is held for single shipments of it, and its others leave on their day (SPL-02)."""
    return bool(open_holds) and all(hold.blocks == "shipment" and hold.shipment is not None for hold in open_holds)


def holds(
    order: Order, shop: Shop, *, counted: Counters | None = None, shares_mailbox: bool = False
) -> tuple[Hold, ...]:
    """Every reason to hold ``order``, the most fundamental first.

    ``counted``: what the shop counts of the customer (INT-14, INT-15). ``shares_mailbox``: the order brings a new customer whose
    mailbox another account has (INT-01).
    """
    found: list[Hold] = []
    if order.ship_to.kind == "individual":
        if barred := {line.line: line.quantity for line in order.lines if "business_address_only" in line.flags}:
            found.append(Hold(HoldReason.INDIVIDUAL_NOT_DELIVERABLE, lines=barred))  # INT-04
        if individual_surcharge(order, shop) is None:
            found.append(Hold(HoldReason.QUOTE_NEEDED))  # INT-04
    if shares_mailbox:
        found.append(Hold(HoldReason.SAME_MAILBOX))  # INT-01
    if counted is not None and counted.reached():
        found.append(Hold(HoldReason.BLOCKED_CUSTOMER, facts=counted.figures()))  # INT-14, INT-15
    if order.remarks:
        reading = read(order, shop)
        if coupons := reading.words("coupon_codes"):
            # the operator applies them and the order is priced again before the amount is fixed (CPN-03)
            found.append(Hold(HoldReason.COUPONS_IN_REMARKS, facts={"words": coupons}))
        if unread := reading.words("unread"):
            found.append(Hold(HoldReason.NEEDS_HUMAN, facts={"words": unread}))  # INT-16
    return tuple(found)
