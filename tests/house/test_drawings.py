"""The pictures in the documents are those of the code."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.states import ALLOWED_MOVES, BEGINS
from pipelines.drawing import PAGES

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("name", PAGES)
def test_what_is_drawn_is_what_is_enforced(name: str) -> None:
    assert (DOCS / f"{name}.md").read_text("utf-8") == PAGES[name]()


def test_every_entity_begins_somewhere_and_reaches_all_of_its_states() -> None:
    for entity, moves in ALLOWED_MOVES.items():
        reached = set(BEGINS[entity])
        while (further := reached | {new for old in reached for new in moves[old]}) != reached:
            reached = further
        assert reached == set(moves), entity
