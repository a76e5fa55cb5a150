"""What came in is a boundary: an event with which its order cannot be decided is quarantined, and the order goes on without it."""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Mapping, Sequence

from pipelines.engine.decision import Decision
from pipelines.engine.facts import EventFacts, Facts, Need
from pipelines.errors import Misconfigured

#: What a decision says of an event that the order is decided without.
QUARANTINED = "quarantined"


def without(facts: Facts, left_out: Collection[int]) -> Facts:
    """The same facts, but for the events whose ids are ``left_out``."""
    if not left_out:
        return facts
    fewer = copy.copy(facts)
    fewer.events = [event for event in facts.events if event.id not in left_out]
    return fewer


def quarantine(decision: Decision, faults: Mapping[int, str]) -> Decision:
    """A decision that was taken without the events in ``faults`` says why, by event id."""
    decision.events += [(event, QUARANTINED, why) for event, why in faults.items()]
    return decision


def decide_apart(
    facts: Facts, decide: Callable[[Facts], Decision], describe: Callable[[BaseException], str], error: Exception
) -> Decision:
    """Decide an order again that raised ``error``, without the events that are to blame for it.

    ``decide`` decides on facts, ``describe`` words a reason. Raises ``error`` where the order cannot be decided without any
    event either, or where a profile or adapter is to blame: then nothing is wrong with what came in.
    """
    events: Sequence[EventFacts] = facts.events if Need.EVENTS in facts.needs else ()
    if not events or isinstance(error, Misconfigured):
        raise error
    try:
        decide(without(facts, {event.id for event in events}))
    except Exception:  # noqa: BLE001 - the order itself cannot be decided; the first error says why
        raise error from None
    faults: dict[int, str] = {}
    waiting = {event.id for event in events}
    for event in sorted(events, key=lambda one: one.id):
        waiting.discard(event.id)
        try:
            decide(without(facts, waiting | faults.keys()))
        except Misconfigured:
            raise
        except Exception as fault:  # noqa: BLE001 - the boundary that keeps one event from its order; recorded
            faults[event.id] = describe(fault)
    return quarantine(decide(without(facts, faults)), faults)
