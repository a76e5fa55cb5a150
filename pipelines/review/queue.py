"""What waits for a human, read and said: the one list behind ``shukka attention``, ``GET /v1/review`` and the console."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

from sqlalchemy import Connection

from models.states import HoldReason
from models.store import review
from models.store.review import ANY, ItemPlace, ItemRow, Which
from pipelines.errors import Invalid, NotFound, Problem
from pipelines.review.kinds import ASKED_GATEWAY, ASKED_SUPPLIER, HOLD, HOLD_LABEL, KINDS, OWN
from pipelines.rules.holds import Hold
from pipelines.values.calendar import in_japan
from pipelines.values.cursor import Cursor, read_cursor

#: Where choices that are no action of an order are asked for.
ACT_URL: Final = "/v1/review:act"
#: Reasons whose attempts are those at a gateway.
_OF_MONEY: Final = frozenset(
    {
        HoldReason.PAYMENT_UNKNOWN,
        HoldReason.PAYMENT_DIFFERS,
        HoldReason.CAPTURE_FAILED,
        HoldReason.REFUND_FAILED,
        HoldReason.VOID_FAILED,
        HoldReason.AUTHORIZATION_ENDS,
        HoldReason.AUTHORIZATION_LOST,
    }
)


@dataclass(frozen=True, slots=True)
class Seen:
    """What somebody may see: things of ``shops``; with None everything, what is of no shop included."""

    shops: tuple[str, ...] | None = None


ALL: Final = Seen()


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that waits, with the words of its kind."""

    row: ItemRow

    @property
    def hold(self) -> Hold | None:
        """The hold that it is, if it is one."""
        if self.row.kind != HOLD:
            return None
        told = self.row.told
        return Hold(
            HoldReason(told["reason"]), told["shipment"], told["lines"], told["amount"], told["facts"], told["id"]
        )

    @property
    def which(self) -> str:
        """Its name for people: its order where it is an order's own, else what it goes by."""
        row = self.row
        order = f"{row.shop or '?'}/{row.number or '?'}"
        if row.kind in (HOLD, "refused_order"):
            return order
        if row.kind == "work":
            return f"{row.told['stage']} of {order if row.number else row.told['subject']}"
        return row.key

    @property
    def choices(self) -> tuple[str, ...]:
        """What may safely be asked of it, the most fitting first."""
        hold = self.hold
        if hold:
            return hold.kind.answered_by
        named = KINDS[self.row.kind].choices
        return named if self.row.number else tuple(one for one in named if one in OWN)

    def label(self, locale: str) -> str:
        """What it is."""
        return (HOLD_LABEL if self.row.kind == HOLD else KINDS[self.row.kind].label).says(locale)

    def says(self, locale: str) -> str:
        """Why it waits, in ``locale`` (ja, else en)."""
        hold = self.hold
        return hold.says(locale) if hold else KINDS[self.row.kind].says.says(locale, **self._values(locale))

    def way_out(self, locale: str) -> str:
        """What a person does about it."""
        hold = self.hold
        if hold:
            return hold.kind.way_out.says(locale)
        return KINDS[self.row.kind].way_out.says(locale, which=self.which)

    def tried(self, locale: str) -> str | None:
        """What was tried already; None for nothing."""
        hold = self.hold
        if hold is None:
            tried = KINDS[self.row.kind].tried
            return tried.says(locale, **self._values(locale)) if tried else None
        if hold.reason in _OF_MONEY and self.row.told["asked"]:
            return ASKED_GATEWAY.says(locale, count=self.row.told["asked"])
        return ASKED_SUPPLIER.says(locale, count=self.row.told["again"]) if self.row.told["again"] else None

    def shown(self, locale: str) -> dict[str, Any]:
        """It as JSON."""
        row, hold = self.row, self.hold
        return {
            "kind": row.kind,
            "key": row.key,
            "label": self.label(locale),
            "which": self.which,
            "shop": row.shop,
            "order": row.number,
            "since": in_japan(row.since).isoformat(),
            "reason": hold.reason if hold else None,
            "says": self.says(locale),
            "tried": self.tried(locale),
            "way_out": self.way_out(locale),
            "choices": [{"action": name, "url": self._url(name)} for name in self.choices],
            "assigned": row.operator,
            "notes": [dict(one) for one in row.notes],
        }

    def _url(self, action: str) -> str:
        row = self.row
        if action in OWN:
            return ACT_URL
        return f"/v1/orders/{quote(row.shop or '', safe='')}/{quote(row.number or '', safe='')}/{action}"

    def _values(self, locale: str) -> Mapping[str, object]:
        told = self.row.told
        if self.row.kind == "transfer":
            return {**told, "sum": _sum(told, locale)}
        if self.row.kind == "posting":
            late = told["late"]
            overdue = (f"({late}日超過)" if locale == "ja" else f", {late} days overdue") if late else ""
            return {**told, "order": f"{self.row.shop}/{self.row.number}", "overdue": overdue}
        if self.row.kind == "job" and told["error"] is None:
            return {**told, "error": "終わっていません" if locale == "ja" else "has not ended"}
        return told


def _sum(told: Mapping[str, Any], locale: str) -> str:
    """What a transfer brought, or took back."""
    if told["amount"] is not None:
        return f"{told['amount']}円の入金" if locale == "ja" else f"{told['amount']} yen in"
    if told["taken_back"] is not None:
        return f"{told['taken_back']}円の取消" if locale == "ja" else f"{told['taken_back']} yen taken back"
    return "金額なし" if locale == "ja" else "no amount"


def waiting(connection: Connection, now: datetime, which: Which = ANY, seen: Seen = ALL) -> list[Item]:
    """All that waits at ``now``, the Clock's, the longest first."""
    return [Item(row) for row in review.waiting(connection, now, which, shops=seen.shops)]


def page(
    connection: Connection, now: datetime, which: Which, seen: Seen, *, cursor: str | None, limit: int
) -> tuple[list[Item], str | None]:
    """Up to ``limit`` of it, and the cursor of the next page, None behind the last. Raises Invalid for a cursor that no page gave."""
    after = None if cursor is None else _place(cursor)
    found = review.waiting(connection, now, which, shops=seen.shops, after=after, limit=limit + 1)
    items = [Item(row) for row in found[:limit]]
    return items, _cursor(items) if len(found) > limit else None


def named(connection: Connection, now: datetime, kind: str, key: str, seen: Seen) -> Item:
    """The one thing that waits under this kind and key; raises NotFound where nothing does, or where it may not be seen."""
    found = waiting(connection, now, Which(kind, key), seen) if kind in review.KINDS else []
    item = next(iter(found), None)
    if item is None:
        raise NotFound(f"nothing waits as {kind} {key}")
    return item


def _cursor(items: Sequence[Item]) -> str:
    last = next(reversed(items)).row.place
    return Cursor(last.since, [last.kind, last.key]).written()


def _place(word: str) -> ItemPlace:
    try:
        since, (kind, key) = read_cursor(word, str, str)
    except ValueError:
        raise Invalid([Problem("cursor", "must be `next` of the page before")]) from None
    return ItemPlace(since, str(kind), str(key))
