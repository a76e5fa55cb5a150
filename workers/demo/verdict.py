"""The verdict on a trial: where the orders stand, what is stuck, which promises were broken."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine

from models import invariants
from workers.demo import audit, standing
from workers.demo.trial import Trial


@dataclass(frozen=True, slots=True)
class Verdict:
    """``reasons``: state -> (orders, why they stand there). ``mails``: the sink's, by template, each mail once.

    ``repeated``: mails that came twice because their sender was cut off after the final dot. ``stuck`` and
    ``violations`` are sentences.
    """

    by_state: Mapping[str, int]
    reasons: Mapping[str, Sequence[tuple[int, str]]]
    mails: Mapping[str, int]
    repeated: int
    slowest: Sequence[tuple[str, str, float]]
    stuck: Sequence[str]
    violations: Sequence[str]

    @property
    def is_good(self) -> bool:
        """True if nothing is stuck and every promise was kept."""
        return not self.stuck and not self.violations


def judge(trial: Trial, until: datetime) -> Verdict:
    """Read journals and database of a trial whose news stopped at ``until`` and whose processes have ended."""
    journals = audit.Journals.read(trial.world.journals)
    with trial.engine.connect() as connection:
        books = audit.Books.read(connection)
        stuck, slowest = standing.stuck(connection, until), standing.slowest(connection)
        reasons, by_state = standing.reasons(connection), standing.glance(connection, until).by_state
    return Verdict(
        by_state=by_state,
        reasons=reasons,
        mails=_by_template(journals.sink),
        repeated=audit.repeated_mails(journals.sink),
        slowest=slowest,
        stuck=stuck,
        violations=[*audit.violations(journals, books, until), *broken_invariants(trial.engine)],
    )


def broken_invariants(engine: Engine) -> list[str]:
    """One sentence for every invariant of the database that does not hold."""
    return list(_broken(engine))


def _broken(engine: Engine) -> Iterator[str]:
    with engine.connect() as connection:
        for invariant, rows in invariants.violations(connection):
            yield f"{invariant.name}: {invariant.says}; {len(rows)} rows break this, the first is {dict(rows[0])}"


def _by_template(sink: Sequence[audit.Record]) -> Mapping[str, int]:
    mails = {record["message_id"]: str(record["template"]) for record in sink if record["kind"] == "mail"}
    return dict(Counter(mails.values()).most_common())
