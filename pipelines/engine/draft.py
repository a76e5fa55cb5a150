"""An order that knows how it would stand: what a stage changes and reads back while it decides.

A draft is the facts of an order and what was changed of it so far. What it says of the order (``state``, ``money``,
``shipments``, ``lots`` ...) holds after those changes; ``facts`` keeps what does not change and how it stood before. Stages
change a draft by its methods alone: each of them is the one door of what it changes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Unpack
from uuid import NAMESPACE_URL, uuid5

from models.states import Condition, HoldReason, OrderState, PaymentState, may_move
from models.subject import ORDER, Subject
from pipelines.engine.decision import (
    Announcement,
    ClosedHold,
    Decision,
    Due,
    EffectIntent,
    MailCopy,
    Move,
    NewAdjustment,
    NewShipment,
    OpenedHold,
    PaymentChange,
    PaymentNumbers,
    PutOff,
    Readdressing,
)
from pipelines.engine.facts import (
    EffectFacts,
    EventFacts,
    Facts,
    LineFacts,
    MailFacts,
    Need,
    ParcelFacts,
    PaymentFacts,
    ShipmentFacts,
)
from pipelines.engine.returns_draft import ReturnsDraft
from pipelines.engine.shipment_draft import ShipmentDraft
from pipelines.errors import Undeclared
from pipelines.ports import MailIntent
from pipelines.rules.holds import Hold
from pipelines.rules.money.adjustments import FAULT, RETURN, Adjustment
from pipelines.rules.money.repricing import Repricing


class OrderDraft(ReturnsDraft):
    """One order while a stage decides about it.

    ``state``, ``condition`` and ``holds`` (none unless the order is held) are those after the changes so far. ``subject`` is
    what a stage that is not one of orders is due for.
    """

    __slots__ = (
        "_asks",
        "_consumes",
        "_effects",
        "_leads_to",
        "_money",
        "_parcels",
        "_shipments",
        "_stage",
        "condition",
        "holds",
        "state",
        "subject",
    )

    def __init__(self, facts: Facts, of: str = ORDER) -> None:
        super().__init__(facts)
        self.subject: Subject | None = None if of == ORDER else next(iter(facts.subjects), None)
        self.state = facts.state
        self.condition = facts.condition
        self.holds: Sequence[Hold] = facts.holds
        self._stage = ""
        self._leads_to: Collection[str] = ()
        self._asks: Collection[str] = ()
        self._consumes: Collection[str] = ()
        self._money: PaymentFacts | None = None
        self._effects: dict[str, EffectFacts] | None = None
        self._shipments: dict[str, ShipmentDraft] | None = None
        self._parcels: dict[tuple[str, str], ParcelFacts] | None = None

    def enter(self, stage: str, leads_to: Collection[str], asks: Collection[str], consumes: Collection[str]) -> None:
        """From now on ``stage`` decides: it may make ``leads_to`` due, ask for ``asks``, and answers the events ``consumes``."""
        self._stage, self._leads_to, self._asks, self._consumes = stage, leads_to, asks, consumes

    def decision(self) -> Decision:
        """The difference to the facts: what is to be written."""
        made = self._made
        if self._shipments is not None:
            changes = ((shipment.id, shipment.change()) for shipment in self._shipments.values())
            made.shipments = {id_: change for id_, change in changes if change is not None}
            self._count_lines()
        if self._parcels is not None:
            known = {(p.shipment, p.key): p for p in self.facts.parcels}
            made.parcels = {where: p for where, p in self._parcels.items() if known.get(where) != p}
        if made.order_state == OrderState.CANCELLED:
            left, lines = self.shipped if Need.SHIPMENTS in self.facts.needs else {}, self.facts.document["lines"]
            made.line_cancelled = {one["line"]: one["quantity"] - left.get(one["line"], 0) for one in lines}
        return made

    def _count_lines(self) -> None:
        """Pieces in all of the order's lines that changed in a shipment; a cancelled order's lines are all cancelled."""
        made = self._made
        made.line_shipped, made.line_cancelled = {}, {}
        if self.state == OrderState.CANCELLED:
            return
        if lines := {line for change in made.shipments.values() for line in change.shipped}:
            made.line_shipped = {line: pieces for line, pieces in self.shipped.items() if line in lines}
        if lines := {line for change in made.shipments.values() for line in change.cancelled}:
            made.line_cancelled = {line: pieces for line, pieces in self.cancelled.items() if line in lines}

    # The order itself.

    @property
    def held(self) -> bool:
        """Whether a human has the order."""
        return self.condition == Condition.HELD

    @property
    def stands_otherwise(self) -> bool:
        """Whether the order stands elsewhere since this decision, or has other lines."""
        return self.state != self.facts.state or bool(self._made.adjustments)

    @property
    def grand_total(self) -> int:
        """Yen of the order as it was priced last, before all changes of its lines."""
        return self.facts.grand_total if self._made.repricing is None else self._made.repricing.after.grand_total

    def move_order(self, new: OrderState, cause: str) -> None:
        """Move the order; a move to where it already stands is nothing."""
        if new != self.state:
            self._made.moves.append(Move("order", self.facts.number, self.state, new, cause))
            self.state = self._made.order_state = new

    def settle(self, condition: Condition, cause: str) -> None:
        """Change the order's condition (running, held, done)."""
        if condition != self.condition:
            self._made.moves.append(Move("condition", self.facts.number, self.condition, condition, cause))
            self.condition = self._made.condition = condition

    def reprice(self, repricing: Repricing) -> None:
        """The order costs from now on what ``repricing`` says."""
        self._made.repricing = repricing
        for key in repricing.dropped:
            self.return_coupon(key, "repriced")

    def readdress(self, change: Readdressing) -> None:
        """The order goes elsewhere from now on; ``facts`` say so already."""
        self._made.readdressing = change
        self.facts = self.facts.readdressed(change.ship_to)

    def put_off(self, change: PutOff) -> None:
        """The customer visits the store on another day from now on; ``facts`` say so already."""
        self._made.put_off = change
        self.facts = self.facts.put_off(change.visit_on)

    def return_coupon(self, key: str, reason: str) -> None:
        """The order uses the coupon ``key`` no longer."""
        self._made.returned_coupons.append((key, reason))

    def use_coupons_again(self, keys: Collection[str]) -> None:
        """The order uses the coupons ``keys``, which it had given back, after all."""
        self._made.coupons_used_again += sorted(keys)

    def free_item(self, sku: str) -> None:
        """The one-of-a-kind item ``sku`` may be sold again."""
        self._made.frees_items.append(sku)

    def stand_again(self, cause: str) -> None:
        """A cancelled order of which nothing had left is authorized after all, with all its pieces; its one-of-a-kind items are
        its own again."""
        self.move_order(OrderState.AUTHORIZED, cause)
        self.settle(Condition.RUNNING, cause)
        self._made.takes_items += [one.sku for one in self.facts.order.lines if one.availability == "unique"]
        self._made.line_cancelled = {line.line: 0 for line in self.facts.order.lines}

    def mark(self, kind: str, source: str) -> None:
        """Remember something against the customer (INT-14), once by ``source``; nothing where the order is of none."""
        if self.facts.customer_id:
            self._made.marks.append((kind, source))

    # Holds.

    def hold(self, hold: Hold, cause: str, *, anew: bool = False) -> None:
        """Put the order before a human. What it is held for already stays as it is, with its history.

        ``anew``: what was said for this reason before is no longer so. Raises Undeclared for a hold that lacks what its
        sentence says.
        """
        if lacking := hold.lacks():
            raise Undeclared(f"the hold {hold.reason} does not say its {', '.join(sorted(lacking))}")
        if anew:
            self._close([one for one in self.holds if one.reason == hold.reason and one != hold], cause)
        if hold not in self.holds:
            self.holds = [*self.holds, hold]
            self._made.opened_holds.append(OpenedHold(hold, cause))
        self.settle(Condition.HELD, cause)

    def lift(self, answered: Callable[[Hold], bool], cause: str) -> None:
        """Take away the holds that have been ``answered``; an order that was held for nothing else runs again."""
        if self.holds and (lifted := [hold for hold in self.holds if answered(hold)]):
            self._close(lifted, cause)
            if not self.holds:
                self.settle(Condition.RUNNING, cause)

    def drop_holds(self, cause: str, keep: Collection[HoldReason] = ()) -> None:
        """What held the order until now is over, but for holds made just now and reasons to ``keep``; whoever drops them says
        what its condition is."""
        self._close([one for one in self.holds if one in self.facts.holds and one.reason not in keep], cause)

    def _close(self, closed: Sequence[Hold], cause: str) -> None:
        """One that was opened in this very decision has never been."""
        made = self._made
        made.closed_holds += [ClosedHold(hold.id, cause) for hold in closed if hold.id is not None]
        made.opened_holds = [one for one in made.opened_holds if one.hold not in closed]
        self.holds = [hold for hold in self.holds if hold not in closed]

    # Money.

    @property
    def money(self) -> PaymentFacts:
        """The payment, over what the order costs by now."""
        paid = self.facts.payment if self._money is None else self._money
        return paid if self._made.repricing is None else paid._replace(amount=self.grand_total)

    @property
    def due(self) -> int:
        """Yen the customer has to pay after all changes of the order's lines."""
        return self.grand_total - sum(one.money for one in self.adjustments)

    def due_at(self, moment: datetime) -> int:
        """Yen the customer had to pay at ``moment`` (aware), after the changes of the order's lines made until then."""
        dated = zip(self.facts.adjustments, self.facts.adjusted_at, strict=False)
        later = [change.money for change, at in dated if at > moment]
        return self.due + sum(later) + sum(one.change.money for one in self._made.adjustments)

    def move_payment(self, new: PaymentState | None, cause: str, **numbers: Unpack[PaymentNumbers]) -> None:
        """Move the payment (None: it stays; a further part that went back is a move) and set its numbers; None stays. Changes add up."""
        old = self.money
        if new is not None and (new != old.state or may_move("payment", old.state, new)):
            self._made.moves.append(Move("payment", self.facts.number, old.state, new, cause))
        change = self._made.payment = self._made.payment or PaymentChange()
        change.state = new or change.state
        for name, value in numbers.items():
            if value is not None:
                setattr(change, name, value)
        self._money = change.after(self.facts.payment)

    # Shipments and parcels.

    @property
    def shipments(self) -> Collection[ShipmentDraft]:
        """The order's shipments, those that were planned just now last."""
        return (self._all_shipments() if self._shipments is None else self._shipments).values()

    def shipment(self, id_: str) -> ShipmentDraft:
        """The shipment ``id_``. Raises KeyError if the order has none of that id."""
        return self._all_shipments()[id_]

    def _all_shipments(self) -> dict[str, ShipmentDraft]:
        if self._shipments is None:
            self._shipments = {one.id: ShipmentDraft(one, self._made.moves) for one in self.facts.shipments}
        return self._shipments

    def plan(self, new: NewShipment, cause: str) -> None:
        """Plan a shipment."""
        dates = (new.dispatch_on, new.instruct_at, new.arrive_on, new.because, None)
        lines = {line: LineFacts(pieces, 0, 0) for line, pieces in new.lines}
        planned = ShipmentFacts(new.id, new.supplier, new.state, new.backorder, *dates, lines)
        self._all_shipments()[new.id] = ShipmentDraft(planned, self._made.moves)
        self._made.new_shipments.append(new)
        self._made.moves.append(Move("shipment", new.id, None, new.state, cause))

    @property
    def shipped(self) -> dict[str, int]:
        """Pieces of each line that have left, over all shipments."""
        return self._over_shipments(lambda one: one.shipped)

    @property
    def cancelled(self) -> dict[str, int]:
        """Pieces of each line that were cancelled, over all shipments."""
        return self._over_shipments(lambda one: one.cancelled)

    def _over_shipments(self, count: Callable[[LineFacts], int]) -> dict[str, int]:
        total: dict[str, int] = {}
        for shipment in self.shipments:
            for line, pieces in shipment.lines.items():
                total[line] = total.get(line, 0) + count(pieces)
        return total

    @property
    def parcels(self) -> Mapping[tuple[str, str], ParcelFacts]:
        """The order's parcels by (shipment, key)."""
        return self._all_parcels()

    def parcels_of(self, shipment: str) -> list[ParcelFacts]:
        """The parcels of one shipment."""
        return [parcel for (owner, _), parcel in self._all_parcels().items() if owner == shipment]

    def keep_parcel(self, parcel: ParcelFacts) -> None:
        """The parcel is from now on as ``parcel`` says; a new one is added."""
        self._all_parcels()[parcel.shipment, parcel.key] = parcel

    def _all_parcels(self) -> dict[tuple[str, str], ParcelFacts]:
        if self._parcels is None:
            self._parcels = {(one.shipment, one.key): one for one in self.facts.parcels}
        return self._parcels

    # Changes of the order's lines.

    @property
    def adjustments(self) -> list[Adjustment]:
        """All changes of the order's lines, those made just now last."""
        return [*self.facts.adjustments, *(one.change for one in self._made.adjustments)]

    @property
    def gone(self) -> Counter[str]:
        """Pieces of each line that all changes took out of the order."""
        pieces = Counter[str]()
        for change in self.adjustments:
            pieces.update(dict(change.lines))
        return pieces

    @property
    def is_all_gone(self) -> bool:
        """Whether the changes took every piece of every line out of the order."""
        gone = self.gone
        return all(gone[line["line"]] == line["quantity"] for line in self.facts.document["lines"])

    def came_back(self, line: str) -> int:
        """Pieces of a line that left and came back, or came to nothing."""
        return sum(dict(one.lines).get(line, 0) for one in self.adjustments if one.kind in (RETURN, FAULT))

    def adjust(self, key: str, reason: str, change: Adjustment) -> None:
        """Keep a change of the order's lines; ``key`` names what asked for it, once."""
        self._made.adjustments.append(NewAdjustment(len(self.adjustments) + 1, key, reason, change))

    # What is asked of the world, what came in, and what is next.

    @property
    def effects(self) -> Mapping[str, EffectFacts]:
        """What was asked of the world for this order, by key; what was asked just now is pending."""
        return self.facts.effects if self._effects is None else self._effects

    def ask(self, effect: EffectIntent) -> None:
        """Ask something of the world, once by its key. Raises Undeclared for a kind that this stage does not ask for."""
        if effect.kind not in self._asks:
            raise Undeclared(f"{self._stage or 'no stage'} does not ask for {effect.kind}")
        if effect.wakes is not None and effect.wakes != self._stage:
            self._check_edge(effect.wakes)
        if all(effect.key != asked.key for asked in self._made.effects):
            self._made.effects.append(effect)
            if Need.EFFECTS in self.facts.needs and effect.key not in self.effects:
                asked = EffectFacts(effect.key, effect.kind, effect.shipment, effect.payload, "pending", None)
                self._effects = {**self.effects, effect.key: asked}

    def tell(self, mail: MailIntent) -> None:
        """Send a mail; to nobody who was erased, and has no address any more."""
        if mail.to:
            self._made.mails.append(mail)

    def resend(self, mail: MailFacts, to: str, key: str) -> None:
        """Send a stored mail once more, to ``to``; once for ``key``."""
        domain = mail.message_id.rpartition("@")[2]
        copy = f"<{uuid5(NAMESPACE_URL, f'{mail.message_id}:{key}')}@{domain}"
        self._made.resent.append(MailCopy(mail.id, copy, to))

    def announce(self, type_: str, about: str, **data: object) -> None:
        """Tell storefronts what no move tells them; once ``about`` the same."""
        self._made.announced.append(Announcement(type_, about, data))

    @property
    def waiting(self) -> list[EventFacts]:
        """The received events that this stage answers and that were not answered yet."""
        if not self.facts.events:
            return []
        answered = {number for number, _, _ in self._made.events}
        return [one for one in self.facts.events if one.type in self._consumes and one.id not in answered]

    def applied(self, event: EventFacts) -> None:
        """The event did what it says."""
        self._made.events.append((event.id, "applied", None))

    def ignored(self, event: EventFacts, why: str) -> None:
        """The event says nothing new."""
        self._made.events.append((event.id, "ignored", why))

    def refused(self, event: EventFacts, why: str) -> None:
        """What the event asks for is not granted."""
        self._made.events.append((event.id, "refused", why))

    def quarantined(self, event: EventFacts, why: str) -> None:
        """The event cannot be right; an operator sees it."""
        self._made.events.append((event.id, "quarantined", why))

    def next(self, stage: str, due_at: datetime, subject: Subject | None = None) -> None:
        """Make the order, or ``subject`` of it, due at another stage, one that this stage leads to. Raises Undeclared for
        any other."""
        self._check_edge(stage)
        self._made.work.append(Due(stage, due_at, subject))

    def wake(self, due: Due) -> None:
        """Make the order due at a stage that nothing has made it due at in this decision."""
        if all(one.stage != due.stage for one in self._made.work):
            self._made.work.append(due)

    def take_up(self, stage: str, now: datetime) -> bool:
        """Whether the order is due at ``stage`` at once; then it is due there no longer."""
        if not self._made.work:
            return False
        left = [one for one in self._made.work if one.stage != stage or one.subject is not None or one.due_at > now]
        is_due, self._made.work = len(left) < len(self._made.work), left
        return is_due

    def again(self, due_at: datetime) -> None:
        """Make what this stage is due for due at it once more."""
        self._made.work.append(Due(self._stage, due_at, self.subject))

    def is_due_before(self, moment: datetime, wakes: str) -> bool:
        """Whether this stage will look at the order again before ``moment``: by what it waits for since just now, or once an
        effect under way has ended, of the kind that ``wakes`` it."""
        under_way = any(effect.kind == wakes and effect.state == "pending" for effect in self.facts.effects.values())
        due = any(due.stage == self._stage and due.due_at <= moment for due in self._made.work)
        return due or under_way or any(effect.wakes == self._stage for effect in self._made.effects)

    def await_for(self, what: str, from_: str, until: datetime, then: str, subject: Subject | None = None) -> None:
        """Wait at this stage for ``what`` from somebody; if it has not come ``until`` then, the stage does ``then``.

        A stage of orders may wait for several things side by side, each about a ``subject`` of its own.
        """
        about = subject or self.subject
        self._made.work.append(Due(self._stage, until, about, what, from_, then))

    def end_wait(self, stage: str, subject: Subject, *, planned: bool = False) -> None:
        """What ``stage`` waits for about ``subject``, or has ``planned``, has come or never will: it need not wake for it."""
        (self._made.ended_plans if planned else self._made.ended_waits).append((stage, subject))

    def _check_edge(self, stage: str) -> None:
        if stage not in self._leads_to:
            raise Undeclared(f"{self._stage or 'no stage'} does not lead to {stage}")
