"""An action (操作): what an operator, or a customer through the storefront, may ask of an order. It is data before it is code.

From its declaration come the route and its published schema (``workers.web.api.actions``), ``shukka act``, and what
`pipelines.orders.act` says: which actions are possible now and why the others are not, and what one would do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from pipelines import doors
from pipelines.engine.draft import OrderDraft
from pipelines.engine.facts import ReturnFacts
from pipelines.engine.shipment_draft import ShipmentDraft
from pipelines.errors import Problem
from pipelines.orders.schema import MANY_LINES
from pipelines.rules.explain import Refusal, Sentence
from pipelines.shops import Shop


class About(StrEnum):
    """What of an order an action is about. A request about a shipment names it in its field ``shipment``; one about a return
    comes with its id beside it (`pipelines.orders.act.Asking`)."""

    ORDER = "order"
    SHIPMENT = "shipment"
    PAYMENT = "payment"
    RETURN = "return"


@dataclass(frozen=True, slots=True)
class Case:
    """An order as an action finds it: as it stands, its shop, the moment, whether an operator asks, and the shipment or the
    return it is about, if it is about one."""

    order: OrderDraft
    shop: Shop
    now: datetime
    by_operator: bool = True
    shipment: ShipmentDraft | None = None
    returned: ReturnFacts | None = None


class Request(BaseModel):
    """What every request is: strict, without unknown fields."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Reason(Request):
    """A request that needs nothing but, perhaps, a word of why."""

    reason: Annotated[str, Field(default="", max_length=500, pattern=MANY_LINES, description="Kept with the request")]


Asked = TypeVar("Asked", bound=BaseModel)


def _nothing(case: Case) -> Sequence[Refusal]:
    return ()


def _no_faults(case: Case, asked: BaseModel) -> Sequence[Refusal | Problem]:
    return ()


def _never(order: OrderDraft) -> bool:
    return False


def _first(order: OrderDraft, asked: BaseModel) -> int:
    return 0


@dataclass(frozen=True, slots=True)
class Action(Generic[Asked]):
    """One action.

    ``name`` says it in ``shukka act`` and makes its `path`; ``label`` is on its button, ``says`` what it does.
    ``model`` is the request; ``roles`` the kinds of client that may ask. ``wakes`` is the event that a stage consumes; the
    stage decides under the order's lock and asks `refusals` again.

    ``stands`` is asked first, of the order alone: what it refuses is a conflict (409), whatever the request says. ``faults``
    names what is wrong with this request (422), or what the shop's rules refuse of it (409). ``exhausted`` refuses where every request would be faulty, since nothing is
    left that it could name. All are pure and may use what that stage is told.
    ``is_done`` tells that an order stands already where the action leads: asking again is then no conflict and does nothing.
    ``same`` is what makes two requests the same one where no Idempotency-Key does, and ``turn`` how often what is asked for was left
    again for something else: it is then asked for anew. ``opens`` makes the id of what it opens from the request's own; it is answered
    at once (201). ``has_window``: it may be asked for a time that can end while a request waits to be
    decided, which is then judged by the moment at which it was asked; so is all that is about a return.
    """

    name: str
    label: Sentence
    says: Sentence
    model: type[Asked]
    wakes: str
    stands: Callable[[Case], Sequence[Refusal]]
    faults: Callable[[Case, Asked], Sequence[Refusal | Problem]] = _no_faults
    exhausted: Callable[[Case], Sequence[Refusal]] = _nothing
    about: About = About.ORDER
    roles: tuple[str, ...] = ("operator",)
    is_done: Callable[[OrderDraft], bool] = _never
    same: Callable[[Asked], str] | None = None
    turn: Callable[[OrderDraft, Asked], int] = _first
    opens: Callable[[str], str] | None = None
    has_window: bool = False

    @property
    def path(self) -> str:
        """Where it is asked for over HTTP, below ``/v1``."""
        if self.about == About.RETURN:
            return f"/returns/{{return_id}}/{self.name.rpartition(':')[2]}"
        return f"/orders/{{shop}}/{{number}}/{self.name}"

    def read(self, raw: object) -> Asked:
        """The request; raises Invalid with every fault of its form, and for a card number in it."""
        return doors.read(self.model, raw)

    def heard(self, body: Mapping[str, Any]) -> Asked:
        """The request that an event of this action carries (`pipelines.orders.act` makes its body). Raises Invalid."""
        return doors.formed(self.model, {name: body[name] for name in self.model.model_fields if name in body})

    def is_open(self, case: Case) -> bool:
        """Whether there is a request that could be granted."""
        return not (self.stands(case) or self.exhausted(case))

    def refusals(self, case: Case, asked: Asked) -> list[Refusal | Problem]:
        """Why ``asked`` cannot be granted as the order stands; none if it can. Where a Refusal is, no Problem is."""
        return [*(self.stands(case) or self.faults(case, asked))]
