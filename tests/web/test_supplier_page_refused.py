"""What the maker's page shows of what it refused: the words that were typed, each fault with its field, and a page whatever came."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest

from pipelines.values.colour import contrast_with_white
from tests.web.site import Site
from tests.web.test_supplier_page import NUMBER, WRONG, Page, page, post, press, token
from tests.world import a_line, document
from workers.web import pages
from workers.web.pages.html import LANGUAGES


@pytest.fixture
def shipment(site: Site) -> str:
    """Three pieces of one line."""
    site.world.take(document("S-1", a_line("1", 3)))
    site.world.settle()
    return site.world.shipments()[0]


def kept(answer: httpx.Response, field: str) -> str:
    """What stands in a field of the page, by its id."""
    (told,) = [one for one in Page(answer.text).fields if one.get("id") == field]
    assert told.get("aria-invalid") != "true" or told["aria-describedby"], "the fault is told with its field"
    return told["value"]


def test_a_wrong_number_changes_nothing_else_of_a_parcel(site: Site, shipment: str) -> None:
    """Who corrects the number of one piece out of three reports that piece, and not all of them."""
    path = f"/s/{token(site.world, shipment)}"
    answer = press(site, path, "ship", carrier="yamato", tracking_number=WRONG, **{"pieces:1": "1", "open:1": "3"})
    assert answer.status_code == 422
    assert (kept(answer, "ship-1"), kept(answer, "tracking_number")) == ("1", WRONG)


@pytest.mark.parametrize(
    ("act", "typed", "stands"),
    [
        (
            "delay",
            {"expected_on": "2031-01-01", "reason": "材料待ち"},
            {"expected_on": "2031-01-01", "delay_reason": "材料待ち"},
        ),
        ("short", {"pieces:1": "9"}, {"short-1": "9", "ship-1": "3"}),
        (
            "ship",
            {"tracking_number": NUMBER, "pieces:1": "9"},
            {"ship-1": "9", "short-1": "0", "tracking_number": NUMBER},
        ),
    ],
)
def test_what_was_typed_stands_in_its_form_when_it_is_refused(
    site: Site, shipment: str, act: str, typed: dict[str, str], stands: dict[str, str]
) -> None:
    answer = press(site, f"/s/{token(site.world, shipment)}", act, **typed)
    page(answer, 422)
    assert {name: kept(answer, name) for name in stands} == stands


def test_a_number_that_is_put_right_goes_by_the_carrier_of_its_row(site: Site, shipment: str) -> None:
    """The third cell of what was pasted; a row that names nothing in the list stands in the box again."""
    where = f"/s/{token(site.world, shipment)}/today"
    told = {"listed": shipment, "carrier": "sagawa"}
    answer = post(site, where, pasted=f"S-1\t{WRONG}\tyamato\nS-7\t{NUMBER}\tyamato", **told)
    assert f'<input type="hidden" name="carrier:{shipment}" value="yamato">' in answer.text
    assert f">S-7\t{NUMBER}\tyamato</textarea>" in answer.text
    post(site, where, **{f"number:{shipment}": NUMBER, f"carrier:{shipment}": "yamato"}, **told)
    (parcel,) = site.world.show("S-1")["shipments"][0]["parcels"]
    assert (parcel["carrier"], parcel["tracking_number"]) == ("yamato", NUMBER)


def test_where_a_file_was_sent_the_language_is_changed(site: Site, shipment: str) -> None:
    path = f"/s/{token(site.world, shipment)}"
    answer = site.get(f"{path}/file?lang=en", key=None)
    assert (answer.status_code, answer.headers["location"]) == (303, f"{path}/today?lang=en")


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_too_large_is_a_page(site: Site, shipment: str, language: str) -> None:
    path = f"/s/{token(site.world, shipment)}"
    sent = [("file", ("numbers.csv", b"x" * 9_000_000, "text/csv"))]
    answers = [
        post(site, f"{path}/today?lang={language}", pasted="x" * 300_000),
        site.run(lambda: site.request("POST", f"{path}/file?lang={language}", key=None, files=sent)),
    ]
    for answer in answers:
        assert page(answer, 413).language == language


def test_where_the_keyboard_is_can_be_seen() -> None:
    """The frame of what has the focus against white and the ground of a page: 3 : 1 (WCAG 1.4.11)."""
    style = (Path(pages.__file__).parent / "style.css").read_text("utf-8")
    (ring,) = re.findall(r":focus-visible \{ outline: 3px solid (#[0-9a-f]{6})", style)
    (ground,) = re.findall(r"--ground: (#[0-9a-f]{6})", style)
    assert contrast_with_white(ring) / contrast_with_white(ground) >= 3
