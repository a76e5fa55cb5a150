"""The verdict on a trial: where the orders stand, what is stuck, which promises were broken."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from pipelines.shops import Shop
from pipelines.values.calendar import in_japan
from workers.audit.journals import Journals
from workers.audit.mails import repeated_mails
from workers.audit.registry import audit, stuck
from workers.demo import standing
from workers.demo.promises import Promise, first_days, promises
from workers.demo.standing import Awaited, Returned, Taken
from workers.demo.told import Told, told_and_answered
from workers.demo.trial import Trial
from workers.web.api.views import show_order


@dataclass(frozen=True, slots=True)
class Verdict:
    """``reasons``: state -> (orders, why they stand there). ``mails``: the sink's, by template, each mail once.

    ``repeated``: mails that came twice because their sender was cut off after the final dot. ``stuck`` and
    ``violations`` are sentences. ``awaits`` is what orders wait for, ``promised`` the shipments that were to leave on the day it
    ended, ``money`` what was taken by each method, ``story`` the order with most to tell as ``GET`` shows it to an operator; ``behind`` how many seconds of the Clock an
    order was taken in, or work was done, late at most; ``channels`` what suppliers were told and answered; ``returns`` what came back and what became of it; ``sighted`` of how
    many parcels each carrier was asked and told something new; ``replacing`` are those of ``by_state`` that leave for goods that came back.
    """

    by_state: Mapping[str, int]
    reasons: Mapping[str, Sequence[tuple[int, str]]]
    mails: Mapping[str, int]
    repeated: int
    slowest: Sequence[tuple[str, str, float]]
    stuck: Sequence[str]
    violations: Sequence[str]
    awaits: Sequence[Awaited] = ()
    promised: Sequence[Promise] = ()
    money: Sequence[Taken] = ()
    story: Mapping[str, Any] | None = None
    behind: float = 0.0
    channels: Sequence[Told] = ()
    replacing: Mapping[str, int] = field(default_factory=dict)
    returns: Sequence[Returned] = ()
    sighted: Sequence[tuple[str, int]] = ()

    @property
    def is_good(self) -> bool:
        """True if nothing is stuck and every promise was kept."""
        return not self.stuck and not self.violations

    @property
    def late(self) -> Sequence[Promise]:
        """What was promised for the day and has not left."""
        return [one for one in self.promised if not one.is_kept]


def judge(trial: Trial, until: datetime) -> Verdict:
    """Read journals and database of a trial whose news stopped at ``until`` and whose processes have ended."""
    journals = Journals.read(trial.world.journals)
    with trial.engine.connect() as connection:
        found = audit(connection, journals, until, trial.service.shops)
        slowest = standing.slowest(connection)
        reasons, by_state = standing.reasons(connection), standing.glance(connection, until).by_state
        awaits, money = standing.awaited(connection), standing.taken(connection)
        returns, sighted = standing.returned(connection), standing.sighted(connection)
        replacing = standing.replacing(connection)
        behind = max(trial.behind, standing.intake_behind(connection))
        today = in_japan(until).date()
        promised = [one for one in promises(connection, first_days(journals.suppliers), today) if one.day == today]
        story = _story(connection, trial.service.shops, until)
    return Verdict(
        by_state=by_state,
        reasons=reasons,
        mails=_by_template(journals),
        repeated=repeated_mails(journals.sink, journals.kills),
        slowest=slowest,
        stuck=[str(one) for one in found if stuck(one)],
        violations=[str(one) for one in found if not stuck(one)],
        awaits=awaits,
        promised=promised,
        money=money,
        story=story,
        behind=behind,
        replacing=replacing,
        channels=told_and_answered(journals.suppliers),
        returns=returns,
        sighted=sighted,
    )


def _story(connection: Connection, shops: Mapping[str, Shop], now: datetime) -> Mapping[str, Any] | None:
    name = standing.richest(connection)
    if name is None:
        return None
    shop, number = name
    return show_order(connection, shop, number, now, "en", profile=shops[shop], inside=True)


def _by_template(journals: Journals) -> Mapping[str, int]:
    mails = {record["message_id"]: str(record["template"]) for record in journals.mails}
    return dict(Counter(mails.values()).most_common())
