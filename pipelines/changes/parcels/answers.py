"""What a supplier says of a shipment before it leaves (受注確認・お断り・遅延・欠品)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, timedelta
from typing import Final

from models.states import CallOff, HoldReason, OrderState, ShipmentState
from pipelines.changes.parcels.news import News
from pipelines.changes.promises import tell_of_day
from pipelines.engine.facts import EventFacts
from pipelines.engine.shipment_draft import ShipmentDraft
from pipelines.orders.arrivals import arrival
from pipelines.rules.explain import says
from pipelines.rules.holds import Hold
from pipelines.rules.parcels import too_much
from pipelines.values.calendar import in_japan

_DELAY: Final = "supplier_delay"
#: The fact of a shortage when it was said.
_SAID_AT: Final = "said_at"
#: How far ahead a supplier can know a day.
_FARTHEST: Final = timedelta(days=366)


def acknowledged(news: News, shipment: ShipmentDraft, event: EventFacts) -> None:
    """The supplier has the instruction."""
    if shipment.is_unanswered:
        shipment.move(ShipmentState.ACKNOWLEDGED, event.type)
        news.draft.applied(event)
    else:
        news.draft.ignored(event, f"the shipment is {shipment.state} already")


def refused(news: News, shipment: ShipmentDraft, event: EventFacts) -> None:
    """The supplier does not ship it: a human takes the lines out."""
    if not shipment.is_before_shipped:
        news.draft.ignored(event, f"the shipment is {shipment.state} already")
        return
    why = str(event.body.get("reason") or "no reason given")
    shipment.refuse(why, event.type)
    said = {"supplier": shipment.supplier, "why": why}
    if news.draft.state != OrderState.CANCELLED:
        news.hold(Hold(HoldReason.SUPPLIER_REFUSED, shipment.id, facts=said))
    news.draft.applied(event)


def delayed(news: News, shipment: ShipmentDraft, event: EventFacts) -> None:
    """The supplier gave another date, or says that it has none. The newest word counts; the customer hears of each date once,
    in the shop's words, and of none that is over by now."""
    if _is_off(news, shipment):
        news.draft.ignored(event, "it is cancelled")
        return
    if shipment.plan_as_of is not None and event.at <= shipment.plan_as_of:
        news.draft.ignored(event, "newer news is known")
        return
    expected = date.fromisoformat(event.body["expected_on"]) if event.body.get("expected_on") else None
    if expected is not None and (fault := _no_such_day(expected, in_japan(event.at).date())):
        news.draft.quarantined(event, fault)
        return
    promised, locale = shipment.dispatch_on, news.draft.facts.locale
    sentence = says(f"{_DELAY}.dated", locale, day=expected) if expected else says(f"{_DELAY}.undated", locale)
    planned = [b for b in shipment.because if b["rule"] != _DELAY]
    arrive_on = arrival(news.draft.facts, news.shop, shipment, expected) if expected else None
    shipment.plan_anew(event.at, expected, arrive_on, [*planned, {"rule": _DELAY, "says": sentence}])
    news.draft.applied(event)
    has_left = not shipment.is_before_shipped or bool(news.draft.parcels_of(shipment.id))
    is_over = expected is not None and expected < in_japan(news.now).date()
    if expected != promised and not has_left and not is_over:
        about, why = f"{shipment.id}:{expected}:{event.at.isoformat()}", says(f"{_DELAY}.why", locale)
        tell_of_day(news.draft, news.shop, news.now, shipment, promised, about=about, why=why)


def cancel_accepted(news: News, shipment: ShipmentDraft, event: EventFacts) -> None:
    """The supplier does not ship what it was asked not to; if a parcel comes all the same, that is news of its own."""
    if _answered(news, shipment, event, CallOff.ACCEPTED):
        news.lift(HoldReason.CANCEL_REFUSED, shipment, event.type)


def cancel_refused(news: News, shipment: ShipmentDraft, event: EventFacts) -> None:
    """The supplier ships what it was asked not to: a human has the order, until the parcel itself is the news."""
    if _answered(news, shipment, event, CallOff.REFUSED) and not news.draft.parcels_of(shipment.id):
        news.hold(Hold(HoldReason.CANCEL_REFUSED, shipment.id, facts={"supplier": shipment.supplier}))


def _answered(news: News, shipment: ShipmentDraft, event: EventFacts, answer: CallOff) -> bool:
    """Whether ``event`` is the newest answer to our asking; of two that were given at one moment "no" counts."""
    if shipment.call_off is None:
        news.draft.ignored(event, "it was not asked not to ship")
        return False
    known = shipment.call_off_as_of
    if known is not None and (event.at, answer == CallOff.REFUSED) <= (known, shipment.call_off == CallOff.REFUSED):
        news.draft.ignored(event, "newer news is known")
        return False
    shipment.answer_call_off(answer, event.at)
    news.draft.applied(event)
    return True


def _is_off(news: News, shipment: ShipmentDraft) -> bool:
    """Whether nothing of the shipment is wanted any more."""
    return news.draft.state == OrderState.CANCELLED or not shipment.is_live


def _no_such_day(expected: date, said_on: date) -> str | None:
    if expected < said_on:
        return f"expected_on {expected} was over on {said_on}, when it was said"
    if expected > said_on + _FARTHEST:
        return f"expected_on {expected} is more than a year after {said_on}, when it was said"
    return None


def short(news: News, shipment: ShipmentDraft, event: EventFacts) -> None:
    """The supplier lacks pieces (INT-13): held until a human takes them out, or until all of it has left after all; of a line its
    newest word counts. The customer hears of it when they are taken out: only then is it known what is left to pay."""
    told: Mapping[str, int] | None = None
    if event.body.get("lines") is not None:
        told = {str(one["line"]): int(one["quantity"]) for one in event.body["lines"]}
    if fault := too_much({line: pieces.quantity for line, pieces in shipment.lines.items()}, [told]):
        news.draft.quarantined(event, fault)
        return
    live = {line: pieces.live if told else pieces.open for line, pieces in shipment.lines.items()}
    missing = {line: min(pieces, live[line]) for line, pieces in (told or live).items()}
    missing = {line: pieces for line, pieces in missing.items() if pieces > 0}
    if not missing or shipment.state == ShipmentState.SHIPPED or _is_off(news, shipment):
        news.draft.ignored(event, "none of it is to ship any more")
        return
    standing = _standing(news, shipment, missing, event)
    if not standing:
        news.draft.ignored(event, "newer news is known")
        return
    _replace_older(news, shipment, standing, event)
    news.draft.applied(event)


def _standing(news: News, shipment: ShipmentDraft, missing: Mapping[str, int], event: EventFacts) -> Mapping[str, int]:
    """Those of ``missing`` of whose line nothing newer is known to lack; of two that were said at one moment the more."""
    known = [(line, (_said_at(one), n)) for one in _shortages(news, shipment) for line, n in one.lines.items()]
    newer = {line for line, said in known if line in missing and said > (_moment(event), missing[line])}
    return {line: pieces for line, pieces in missing.items() if line not in newer}


def _replace_older(news: News, shipment: ShipmentDraft, missing: Mapping[str, int], event: EventFacts) -> None:
    """Hold for ``missing``, and for what was said before of other lines alone."""
    said = {"supplier": shipment.supplier, _SAID_AT: _moment(event)}
    newest, before = Hold(HoldReason.SUPPLIER_SHORT, shipment.id, missing, facts=said), _shortages(news, shipment)
    over = [one for one in before if one != newest and _said_at(one) <= _moment(event) and missing.keys() & one.lines]
    for hold in over:
        if others := {line: pieces for line, pieces in hold.lines.items() if line not in missing}:
            news.hold(replace(hold, lines=others, id=None))
    news.hold(newest)
    news.draft.lift(lambda hold: hold in over, "newer news is known")


def _shortages(news: News, shipment: ShipmentDraft) -> Sequence[Hold]:
    return [one for one in news.draft.holds if one.reason == HoldReason.SUPPLIER_SHORT and one.shipment == shipment.id]


def _said_at(shortage: Hold) -> str:
    """When the supplier said it; before anything else where that was not kept."""
    return str(shortage.facts.get(_SAID_AT, ""))


def _moment(event: EventFacts) -> str:
    return event.at.astimezone(UTC).isoformat(timespec="microseconds")
