"""Ask again (再指示): a supplier that is silent, refused or could not be reached is told once more."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final

from pydantic import Field

from pipelines.orders.action import About, Action, Case, Request
from pipelines.orders.actions.reroute import SHIPMENT
from pipelines.orders.schema import MANY_LINES
from pipelines.orders.unsent import about, is_overdue, not_waiting
from pipelines.rules.explain import Refusal, Sentence
from pipelines.suppliers.instructions import instruct_key

_NOT_TOLD: Final = Sentence(
    "出荷{shipment}はまだ{supplier}に指示していません。予定の時刻に自動的に指示します。",
    "{supplier} was not told of {shipment} yet: it is, by itself, when its time has come.",
)
_UNDER_WAY: Final = Sentence(
    "出荷{shipment}の指示は{supplier}に送信中です。届くまで自動的に送信し直します。",
    "The instruction for {shipment} is on its way to {supplier}, and is sent until it arrives.",
)


class SupplierAsked(Request):
    """A shipment of which its supplier is told once more."""

    shipment: Annotated[str, SHIPMENT]
    reason: Annotated[str, Field(default="", max_length=500, pattern=MANY_LINES, description="Kept with the request")]


def stands(case: Case) -> Sequence[Refusal]:
    """The supplier was told, or cannot be; and something waits to be sent."""
    if refused := not_waiting(case):
        return refused
    shipment = about(case)
    if not shipment.is_untold:
        return []
    told = case.order.effects.get(instruct_key(shipment.id, shipment.again))
    named = {"shipment": shipment.id, "supplier": shipment.supplier}
    if told is None:
        return [Refusal(_NOT_TOLD, named, ways_out=("release", "shipments:reroute"))]
    if told.state in ("pending", "done") and not is_overdue(case.order, shipment, told):
        return [Refusal(_UNDER_WAY, named, ways_out=("shipments:reroute",))]
    return []


ACTION = Action(
    name="shipments:ask_again",
    label=Sentence("出荷元に再度指示する", "Ask the supplier again"),
    says=Sentence(
        "同じ出荷元に出荷指示を送り直し、回答をあらためて待ちます。一部発送済みの場合は残りを催促します。",
        "The supplier gets the instruction once more, and its answer is waited for anew; where a part has left, it is asked for the "
        "rest.",
    ),
    about=About.SHIPMENT,
    model=SupplierAsked,
    wakes="order.ask_again",
    stands=stands,
)
