"""DLV-01, DLV-04: which of a customer's wishes go with the goods."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import pytest

from pipelines.rules.remarks import DeliveryWindow
from pipelines.rules.wish import Wish, as_written, carried
from tests.rules.build import SHOPS, day


@dataclass(frozen=True)
class Sent:
    arrive_on: date | None
    supplier: str = "warehouse"
    backorder: bool = False


ON = DeliveryWindow(day("2026-11-24"), day("2026-11-24"))
UNTIL = DeliveryWindow(None, day("2026-11-24"))
FROM = DeliveryWindow(day("2026-11-24"), None)
SOONEST = DeliveryWindow()


@pytest.mark.parametrize(
    ("shop", "window", "sent", "goes"),
    [
        ("reuse", ON, Sent(day("2026-11-24")), True),
        ("reuse", ON, Sent(day("2026-11-25")), False),  # DLV-04
        ("reuse", ON, Sent(None, backorder=True), True),  # nobody knows yet
        ("reuse", UNTIL, Sent(day("2026-11-24")), True),
        ("reuse", UNTIL, Sent(day("2026-11-25")), False),
        ("reuse", FROM, Sent(day("2026-11-25")), True),
        ("clinic", ON, Sent(day("2026-11-24")), True),
        ("clinic", ON, Sent(day("2026-11-25")), False),  # best effort that came to nothing
        ("clinic", ON, Sent(day("2026-11-24"), backorder=True), False),  # DLV-01
        ("clinic", ON, Sent(None, backorder=True), False),
        ("clinic", ON, Sent(day("2026-11-24"), supplier="maker-a"), False),
        ("clinic", SOONEST, Sent(day("2026-11-25"), supplier="maker-a"), True),  # what every order gets
    ],
)
def test_a_day_that_cannot_be_kept_is_asked_of_nobody(
    shop: str, window: DeliveryWindow, sent: Sent, goes: bool
) -> None:
    assert carried(Wish(window, "AM"), SHOPS[shop], sent) == Wish(window if goes else None, "AM")


def test_a_document_says_it_as_it_was_written() -> None:
    assert as_written({"date": "2026-11-24", "slot": "AM"}) == Wish(ON, "AM")
    assert as_written({"date": None, "slot": None}) == as_written(None) == Wish()
