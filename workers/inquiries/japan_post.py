"""Japan Post's inquiry page (郵便追跡サービス): one number a call, for parcels and EMS alike.

``SHUKKA_INQUIRY_JAPAN_POST_URL=https://trackings.post.japanpost.jp/services/srv/search/direct``. Its layout is known from public readers of
the page and was not tried against the live one. What happens abroad is told by the clocks there, and taken as Japan's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from pydantic import BaseModel, Field

from pipelines.inquiries.inquiry import Inquiry, Sighting, Unanswered
from workers.inquiries.pages import Site, elements, moment

_HISTORY: Final = "履歴情報"
_NOT_FOUND: Final = ("お問い合わせ番号が見つかりません", "入力桁数に誤りがあります")


class Settings(BaseModel):
    """Where the page is."""

    shukka_inquiry_japan_post_url: str | None = Field(
        default=None, pattern=r"^https?://", description="write it as https://host/services/srv/search/direct"
    )


class JapanPostPage:
    """Asks the page."""

    def __init__(self, settings: Settings) -> None:
        self._url = settings.shukka_inquiry_japan_post_url or ""
        self._site = Site()

    def ask(self, numbers: Sequence[str], now: datetime) -> Mapping[str, Sequence[Sighting]]:
        """What happened to one parcel after the other. Raises Unanswered."""
        return {
            number: read(self._site.page("GET", self._url, {"reqCodeNo1": number, "locale": "ja"}), now)
            for number in numbers
        }

    def close(self) -> None:
        """Give connections back."""
        self._site.close()


def read(page: str, now: datetime) -> list[Sighting]:
    """The rows of the history, oldest first. Raises Unanswered for a page that has none and does not say that there is no such number."""
    cells: list[str] = []
    seen: list[Sighting] = []
    for one in elements(page):
        if _HISTORY not in one.within:
            continue
        if one.tag == "td":
            cells.append(one.text)
        elif one.tag == "tr":
            if len(cells) > 1 and cells[1]:  # the second row of a pair has the postal code alone
                seen.append(Sighting(cells[1], moment(cells[0], now)))
            cells = []
    if not seen and not any(says in page for says in _NOT_FOUND):
        raise Unanswered("layout")
    return seen


INQUIRY = Inquiry("japan_post", ("japan_post", "ems"), Settings, JapanPostPage)
