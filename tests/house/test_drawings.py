"""The pictures in the documents are those of the code."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.states import ALLOWED_MOVES, BEGINS
from pipelines.drawing import PAGES, year
from pipelines.year import draw
from tests.rules.build import plain_shop

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("name", PAGES)
def test_what_is_drawn_is_what_is_enforced(name: str) -> None:
    assert (DOCS / f"{name}.md").read_text("utf-8") == PAGES[name]()


def test_the_drawn_year_is_the_shops_calendar() -> None:
    """CUT-02, CUT-03: docs/promise.md shows it."""
    drawn = (DOCS / "pictures" / "year-salon-2026.svg").read_text("utf-8")
    assert drawn == year("salon", "2026")
    for says in (
        "2026-11-20: dispatch, until 15:00",
        "2026-11-21: closed weekday",
        "2026-09-22: national holiday",  # citizens' holiday
        "2026-12-30: closed by the shop, its supplier or the pickup",
    ):
        assert f"<title>{says}</title>" in drawn


def test_a_year_with_other_cutoffs_and_a_pickup() -> None:
    """CUT-01: a day with another cutoff stands out, and so does one on which only the carrier is closed."""
    shop = plain_shop(
        '[calendar]\ncutoffs = { fri = "12:00" }\n[suppliers.warehouse]\ncarrier = "yamato"\n'
        "[pickups.yamato]\nclosed_dates = [2026-11-25]"
    )
    drawn = draw(shop, "warehouse", 2026)
    assert "2026-11-20: dispatch, another cutoff, until 12:00" in drawn
    assert "2026-11-25: closed by the shop, its supplier or the pickup" in drawn


def test_every_entity_begins_somewhere_and_reaches_all_of_its_states() -> None:
    for entity, moves in ALLOWED_MOVES.items():
        reached = set(BEGINS[entity])
        while (further := reached | {new for old in reached for new in moves[old]}) != reached:
            reached = further
        assert reached == set(moves), entity
