"""Who looks at what waits, and what they write down: what may be asked of the review queue, and its answers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from models.states import HoldReason
from models.store import review
from models.store.review import AssignmentRow, NoteRow, Which
from pipelines.doors import question
from pipelines.errors import Invalid, Problem
from pipelines.orders.schema import MANY_LINES, Key, one_line
from pipelines.review.queue import Item, Seen, named

PAGE: Final = 50
MOST: Final = 200


class ReviewQuery(BaseModel):
    """What may be asked of the queue; what is left out is any."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    shop: Key | None = Field(default=None, description="Left out: every shop of the key")
    kind: Annotated[str, one_line(32)] | None = Field(default=None, description=", ".join(review.KINDS))
    reason: Annotated[str, one_line(64)] | None = Field(default=None, description="Of holds: the reason")
    assigned: Key | None = Field(default=None, description=f"Who has it; `{review.NOBODY}` for what nobody has")
    cursor: Annotated[str, one_line(300)] | None = Field(default=None, description="`next` of the page before")
    limit: int = Field(default=PAGE, ge=1, le=MOST, description="Items a page")

    @property
    def which(self) -> Which:
        """What is meant."""
        return Which(self.kind, None, self.reason, self.assigned)


class _Asked(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class ReviewKey(_Asked):
    """One thing that waits."""

    kind: Annotated[str, one_line(32, 1)]
    key: Annotated[str, one_line(200, 1)]


class ReviewAssign(ReviewKey):
    """Somebody looks at it."""

    operator: Key | None = Field(description="Who; null gives it back to nobody")


class ReviewNoteDocument(ReviewKey):
    """Something to remember about it."""

    says: Annotated[str, one_line(2000, 1, MANY_LINES)]


class ReviewAct(_Asked):
    """One action on many things that wait."""

    items: Annotated[list[ReviewKey], Field(min_length=1, max_length=MOST)]
    action: Key = Field(description="One of the `choices`: an action of orders, or retry, assign, dismiss, posted")
    body: dict[str, Any] = Field(default={}, description="The action's own request")


def query_asked(raw: Mapping[str, str]) -> ReviewQuery:
    """The question; raises Invalid naming each wrong parameter."""
    asked = question(ReviewQuery, raw)
    if asked.kind is not None and asked.kind not in review.KINDS:
        raise Invalid([Problem("kind", f"must be one of {', '.join(review.KINDS)}")])
    if asked.reason is not None and asked.reason not in set(HoldReason):
        raise Invalid([Problem("reason", "is no reason to hold an order")])
    return asked


def assign(connection: Connection, now: datetime, asked: ReviewAssign, seen: Seen) -> Item:
    """Let ``operator`` look at it, or nobody. Raises NotFound."""
    named(connection, now, asked.kind, asked.key, seen)
    if asked.operator is None:
        review.give_back(connection, asked.kind, asked.key)
    else:
        review.assign(connection, [AssignmentRow(asked.kind, asked.key, asked.operator, now)])
    return named(connection, now, asked.kind, asked.key, seen)


def write_down(connection: Connection, now: datetime, asked: ReviewNoteDocument, by: str, seen: Seen) -> Item:
    """Keep a note with it, for good. Raises NotFound."""
    order_id = named(connection, now, asked.kind, asked.key, seen).row.order_id
    review.note(connection, [NoteRow(asked.kind, asked.key, order_id, by, asked.says, now)])
    return named(connection, now, asked.kind, asked.key, seen)
