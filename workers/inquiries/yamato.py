"""Yamato's inquiry page (クロネコヤマト 荷物お問い合わせ): a form of ten numbers, one block of the answer for each.

``SHUKKA_INQUIRY_YAMATO_URL=https://toi.kuronekoyamato.co.jp/cgi-bin/tneko``. Its layout is known from public readers of the page and was
not tried against the live one; whoever has a contract for an interface of Yamato's writes a file beside this one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from pydantic import BaseModel, Field

from pipelines.carriers import carrier
from pipelines.inquiries.inquiry import Inquiry, Sighting, Unanswered
from workers.inquiries.pages import Site, elements, moment

AT_ONCE: Final = 10
"""Fields that the form has."""
_TITLE, _STATE = "tracking-invoice-block-title", "tracking-invoice-block-state-title"
_HISTORY: Final = "tracking-invoice-block-detail"
_NUMBER: Final = re.compile(r"\d{4}-?\d{4}-?\d{4}")
_MARKS: Final = "▶ "


class Settings(BaseModel):
    """Where the page is."""

    shukka_inquiry_yamato_url: str | None = Field(
        default=None, pattern=r"^https?://", description="write it as https://host/cgi-bin/tneko"
    )


class YamatoPage:
    """Asks the page."""

    def __init__(self, settings: Settings) -> None:
        self._url = settings.shukka_inquiry_yamato_url or ""
        self._site = Site()

    def ask(self, numbers: Sequence[str], now: datetime) -> Mapping[str, Sequence[Sighting]]:
        """What happened to up to ten parcels. Raises Unanswered."""
        form = {"number00": "1", **{f"number{place:02}": number for place, number in enumerate(numbers, 1)}}
        told = read(self._site.page("POST", self._url, form), now)
        if not told:
            raise Unanswered("layout")
        return {number: told[number] for number in numbers if number in told}

    def close(self) -> None:
        """Give connections back."""
        self._site.close()


def read(page: str, now: datetime) -> dict[str, list[Sighting]]:
    """What the answer's blocks tell, by number. A block without a history tells its state alone, and nothing where that is that there is
    no such number."""
    told: dict[str, list[Sighting]] = {}
    seen: list[Sighting] = []
    state = word = ""
    for one in elements(page):
        if _TITLE in one.names and (found := _NUMBER.search(one.text)):
            seen, state = told.setdefault(found[0].replace("-", ""), []), ""
        elif _STATE in one.names:
            state = one.text.strip(_MARKS)
            if not _is_no_number(state) and not seen:
                seen.append(Sighting(state, None))
        elif _HISTORY in one.within and "item" in one.names:
            word = one.text.strip(_MARKS)
        elif _HISTORY in one.within and "date" in one.names and word:
            if seen and seen[0].at is None:
                seen.clear()  # the history says when
            seen.append(Sighting(word, moment(one.text, now)))
            word = ""
    return told


def _is_no_number(state: str) -> bool:
    return carrier("yamato").status(state) == "unknown_number"


INQUIRY = Inquiry("yamato", ("yamato",), Settings, YamatoPage, at_once=AT_ONCE)
