"""Inquiry services that answer with a page: how it is fetched, and what stands in it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from html.parser import HTMLParser
from typing import Final, NamedTuple

import httpx

from pipelines.inquiries.inquiry import Unanswered
from pipelines.values.calendar import JST
from workers.http.retry_after import seconds_of

#: Seconds for connecting, and between two reads.
_TIMEOUT: Final = 10.0
#: No page of ten parcels is longer.
_MOST_BYTES: Final = 2 * 1024 * 1024
_ENDLESS: Final = frozenset({"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"})
#: What a new one of itself ends, within its list or table.
_ENDS_ITSELF: Final[Mapping[str, frozenset[str]]] = {
    "li": frozenset({"ol", "ul"}),
    "tr": frozenset({"table"}),
    "td": frozenset({"tr", "table"}),
    "th": frozenset({"tr", "table"}),
}


class Site:
    """A carrier's site: one page at a time."""

    def __init__(self) -> None:
        self._client = httpx.Client(timeout=_TIMEOUT, follow_redirects=False, trust_env=False)

    def page(self, method: str, url: str, fields: Mapping[str, str]) -> str:
        """The text of the page. Raises Unanswered for what the network does, any status but 200, and a page that is no text or too long."""
        sent = {"data": fields} if method == "POST" else {"params": fields}
        try:
            with self._client.stream(method, url, **sent) as response:  # type: ignore[arg-type]
                if response.status_code != 200:
                    told = seconds_of(response.headers.get("retry-after", ""))
                    raise Unanswered(f"http_{response.status_code}", told)
                return _text(response)
        except httpx.TimeoutException:
            raise Unanswered("timeout") from None
        except httpx.InvalidURL:
            raise Unanswered("bad_url") from None
        except httpx.HTTPError:
            raise Unanswered("unreachable") from None

    def close(self) -> None:
        """Give connections back."""
        self._client.close()


def _text(response: httpx.Response) -> str:
    data = b""
    for part in response.iter_bytes():
        data += part
        if len(data) > _MOST_BYTES:
            raise Unanswered("too_long")
    try:
        return data.decode(response.charset_encoding or "utf-8")
    except (UnicodeDecodeError, LookupError):
        raise Unanswered("encoding") from None


class Element(NamedTuple):
    """One element that ended: its tag, the names it goes by, those of all around it, and the text within, its spaces as one."""

    tag: str
    names: frozenset[str]
    within: frozenset[str]
    text: str


class _Open(NamedTuple):
    tag: str
    names: frozenset[str]
    parts: list[str]


class _Reader(HTMLParser):
    """Tells each element as it ends; what was never closed ends with what is around it."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.ended: list[Element] = []
        self._open: list[_Open] = []

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        if tag in _ENDLESS:
            return
        self._end_same(tag)
        given = dict(attrs)
        names = frozenset([*(given.get("class") or "").split(), given.get("summary") or tag])
        self._open.append(_Open(tag, names, []))

    def handle_data(self, data: str) -> None:
        for one in self._open:
            one.parts.append(data)

    def handle_endtag(self, tag: str) -> None:
        if any(one.tag == tag for one in self._open):
            while self._pop() != tag:
                pass

    def close(self) -> None:
        super().close()
        while self._open:
            self._pop()

    def _end_same(self, tag: str) -> None:
        for one in reversed(self._open):
            if one.tag == tag and tag in _ENDS_ITSELF:
                self.handle_endtag(tag)
                return
            if one.tag in _ENDS_ITSELF.get(tag, ()):
                return

    def _pop(self) -> str:
        one = self._open.pop()
        within = frozenset(name for outer in self._open for name in (outer.tag, *outer.names))
        self.ended.append(Element(one.tag, one.names, within, " ".join("".join(one.parts).split())))
        return one.tag


def elements(page: str) -> Iterator[Element]:
    """The elements of a page in the order in which they end; a broken page is read as far as it goes."""
    reader = _Reader()
    reader.feed(page)
    reader.close()
    yield from reader.ended


_MOMENT: Final = re.compile(
    r"(?:(?P<year>\d{4})[/年])?(?P<month>\d{1,2})[/月](?P<day>\d{1,2})日?\s*(?:(?P<hour>\d{1,2}):(?P<minute>\d{2}))?"
)


def moment(text: str, now: datetime) -> datetime | None:
    """When ``text`` says: ``2026/10/02 14:30``, ``10月02日 14:30``, ``10/02``; in Japan's time, a day without its hour is its end, none
    after ``now``. A day without a year is the newest that is not a day after ``now``. None for what is no day."""
    found = _MOMENT.search(text)
    if found is None:
        return None
    hour, minute = (23, 59) if found["hour"] is None else (int(found["hour"]), int(found["minute"]))
    years = [int(found["year"])] if found["year"] else [now.astimezone(JST).year + step for step in (1, 0, -1)]
    for year in years:
        try:
            at = datetime(year, int(found["month"]), int(found["day"]), hour, minute, tzinfo=JST)
        except ValueError:
            continue
        if found["year"] or at <= now + timedelta(days=1):
            return min(at, now)
    return None
