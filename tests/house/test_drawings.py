"""The pictures in the documents are those of the code."""

from __future__ import annotations

from pathlib import Path

from models.states import ALLOWED_MOVES, BEGINS
from pipelines.drawing import page

DOCS = Path(__file__).parents[2] / "docs"


def test_the_drawn_state_machines_are_the_enforced_ones() -> None:
    assert (DOCS / "states.md").read_text("utf-8") == page()


def test_every_entity_begins_somewhere_and_reaches_all_of_its_states() -> None:
    for entity, moves in ALLOWED_MOVES.items():
        reached = set(BEGINS[entity])
        while (further := reached | {new for old in reached for new in moves[old]}) != reached:
            reached = further
        assert reached == set(moves), entity
