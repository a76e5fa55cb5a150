"""The shapes of answers about mails that came back, and addresses that get no more."""

from __future__ import annotations

from datetime import datetime

from workers.web.shapes import Shape


class Suppression(Shape):
    """An address that gets no more mails of the shop: none at all, or (``advertising``) none that is about no order. ``address`` is ""
    once no mail names it any more; ``ends_at`` is null until it is released; ``kept_back`` counts mails that were not sent."""

    id: int
    shop: str
    address: str
    scope: str
    reason: str
    since: datetime
    ends_at: datetime | None
    kept_back: int


class SuppressionList(Shape):
    """The newest 1,000."""

    suppressions: list[Suppression]


class Released(Shape):
    """A suppression that was let go of."""

    id: int
    shop: str


class Heard(Shape):
    """Reports of mails that were read from a webhook, and how many of them were new."""

    reports: int
    new: int
