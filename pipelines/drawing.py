"""The state machine of every entity as a picture, made from the tables that are enforced, so that it cannot fall behind:
``python -m pipelines.drawing > docs/states.md``.
"""

from __future__ import annotations

from collections.abc import Iterator

from models.states import ALLOWED_MOVES, BEGINS

_HEAD = """# States

Made by `python -m pipelines.drawing` from `models/states.py`; a test compares. Every move is recorded with its cause in the table
`transition`; any other move is refused, and the order that asked for it is set aside with the reason.
"""
_TITLES = {
    "order": "Order (注文)",
    "payment": "Payment (決済)",
    "shipment": "Shipment (出荷)",
    "lot": "Lot of points (ポイント)",
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


def page() -> str:
    """docs/states.md."""
    parts = [_HEAD]
    for entity in ALLOWED_MOVES:
        drawn = "\n".join(machine(entity))
        parts.append(f"## {_TITLES.get(entity, entity.capitalize())}\n\n```mermaid\n{drawn}\n```\n")
    return "\n".join(parts)


if __name__ == "__main__":
    print(page(), end="")
