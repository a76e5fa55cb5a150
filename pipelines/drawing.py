"""The state machine of every entity and the route as pictures, made from the tables and declarations that are enforced, so
that they cannot fall behind: ``python -m pipelines.drawing states > docs/states.md``, and ``route`` likewise; and a shop's year:
``python -m pipelines.drawing year salon 2026 > docs/pictures/year-salon-2026.svg``.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

from models.states import ALLOWED_MOVES, BEGINS
from pipelines.route import ROUTE
from pipelines.shops import load_shops
from pipelines.year import draw

_STATES = """# States

Made by `python -m pipelines.drawing states` from `models/states.py`; a test compares. Every move is recorded with its cause in the table
`transition`; any other move is refused, and the order that asked for it is set aside with the reason.
"""
_ROUTE = """# Route

Made by `python -m pipelines.drawing route` from the stages' declarations; a test compares. An arrow: the stage may make the other
due, at once, at a moment, or when an effect that it asked for has ended; where the arrow is thick, what is due at once is decided in
the same pass. Boxes with round ends are received events and the stage
they wake. A stage that names another one sets its order aside with the reason. Every stage may also wake itself again later.
"""
_TITLES = {
    "order": "Order (注文)",
    "payment": "Payment (決済)",
    "shipment": "Shipment (出荷)",
    "lot": "Lot of points (ポイント)",
    "return": "Return (返品)",
}


def machine(entity: str) -> Iterator[str]:
    """The lines of a Mermaid state diagram: begins, allowed moves, and the states from which nothing leads on."""
    yield "stateDiagram-v2"
    yield "    direction LR"
    for first in sorted(BEGINS[entity]):
        yield f"    [*] --> {first}"
    for old, after in ALLOWED_MOVES[entity].items():
        for new in sorted(after):
            yield f"    {old} --> {new}"
        if not after:
            yield f"    {old} --> [*]"


def states() -> str:
    """docs/states.md."""
    parts = [_STATES]
    for entity in ALLOWED_MOVES:
        drawn = "\n".join(machine(entity))
        parts.append(f"## {_TITLES.get(entity, entity.capitalize())}\n\n```mermaid\n{drawn}\n```\n")
    return "\n".join(parts)


def route() -> str:
    """docs/route.md."""
    arrows = [
        f"    {stage.name} {'==>' if other in stage.at_once else '-->'} {other}"
        for stage in ROUTE
        for other in stage.leads_to
    ]
    consumed = [(event, stage.name) for stage in ROUTE for event in stage.consumes]
    events = [f"    {event.replace('.', '_')}([{event}]) -.-> {stage}" for event, stage in consumed]
    drawn = "\n".join(["flowchart LR", *(f"    {stage.name}" for stage in ROUTE), *arrows, *events])
    return f"{_ROUTE}\n```mermaid\n{drawn}\n```\n"


def year(shop: str, of: str) -> str:
    """The dispatch days of the packaged shop ``shop`` in the year ``of``, at its home."""
    profile = load_shops()[shop]
    return draw(profile, profile.split.home, int(of))


PAGES = {"states": states, "route": route}


if __name__ == "__main__":
    print(year(*sys.argv[2:]) if sys.argv[1] == "year" else PAGES[sys.argv[1]](), end="")
