"""The decide loop: claim, gather, decide, apply.

A batch is one transaction with a fixed number of statements. What a stage decides for an order is applied as a whole
or not at all. An event with which its order cannot be decided is quarantined (``apart``); an order whose decision fails all the
same is set aside with a back-off and never takes its batch with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Final

import structlog
from psycopg import errors as pg
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from models.database import is_away, is_passing
from models.mail_packing import pack
from models.states import ALLOWED_MOVES, may_move
from models.store import mails, work
from models.store.mails import NewMailRow
from models.store.orders import OrderRow
from models.store.shipments import SupplierRow
from models.store.work import ClaimRow, FailureRow
from models.subject import ORDER, Subject
from pipelines.engine.admit import FIRST_STAGE
from pipelines.engine.apart import decide_apart, quarantine, without
from pipelines.engine.apply import BatchResult, StaleFacts, apply, sum_of
from pipelines.engine.decision import Decision
from pipelines.engine.facts import Facts, Need
from pipelines.engine.following import Pass
from pipelines.engine.gather import facts_of, with_capacity
from pipelines.engine.ledger import Ledger, asks, for_decisions
from pipelines.engine.parts import in_parts
from pipelines.engine.stage import Stage
from pipelines.errors import IllegalMove, ShukkaError, Undeclared, Unknown, Unreachable
from pipelines.orders.admission import replacing, store_orders
from pipelines.ports import Clock, MailIntent, MailRenderer, RenderedMail
from pipelines.shops import Shop

log = structlog.get_logger(__name__)

#: Orders a batch: a smaller one costs throughput (docs/performance.md), a larger one holds its locks longer.
BATCH = 500
_NO_FAULTS: Final[Mapping[int, str]] = {}


@dataclass(frozen=True)
class Runner:
    """Runs stages over batches. ``observe`` is told (stage, phase, seconds) for metrics, ``trace`` (stage, the ids of the orders that
    were decided, seconds) for traces.

    Stages of ``route`` are decided in the same pass as the stage that they follow at once.
    """

    engine: Engine
    shops: Mapping[str, Shop]
    renderer: MailRenderer
    clock: Clock
    observe: Callable[[str, str, float], None] = lambda stage, phase, seconds: None
    timer: Callable[[], float] = lambda: 0.0
    route: Mapping[str, Stage] = field(default_factory=dict)
    trace: Callable[[str, Sequence[int], float], None] | None = None

    @cached_property
    def _limited(self) -> Sequence[SupplierRow]:
        return with_capacity(self.shops)

    def run_batch(self, stage: Stage, limit: int = BATCH) -> BatchResult:
        """Decide up to ``limit`` due orders of ``stage`` in one transaction.

        If the batch fails as a whole (a constraint, a deadlock, facts that another order of it made stale, a fault in what one
        order wants written), its orders are decided again in ever smaller parts, so that one of them alone ends set aside.
        """
        try:
            return self._attempt(stage, limit, None)
        except _Refused as refused:
            parts = in_parts(
                refused.subjects,
                lambda part: [self._attempt(stage, len(part), part)],
                lambda subject, error: self._alone(stage, subject, error),
            )
        return sum_of(parts)

    def _alone(self, stage: Stage, subject: Subject, refused: Exception) -> BatchResult:
        """Decide an order that the database refused without one of the events it has, or set it aside. No event is to blame where
        others were in the way: without it, and a moment later, anything might succeed."""
        if not isinstance(refused, _Refused):
            raise refused
        for event in () if refused.is_passing else refused.events:
            try:
                return self._attempt(stage, 1, [subject], {event: refused.error})
            except _Refused:
                continue
        self._set_aside(stage, [FailureRow(*subject, refused.error)])
        return BatchResult(claimed=1)

    def _set_aside(self, stage: Stage, failures: Sequence[FailureRow]) -> None:
        with self.engine.begin() as connection:
            work.set_aside(connection, stage.name, failures)

    def _attempt(
        self, stage: Stage, limit: int, only: Sequence[Subject] | None, faults: Mapping[int, str] = _NO_FAULTS
    ) -> BatchResult:
        """One transaction over up to ``limit`` due subjects, or ``only`` these; ``faults`` are events to quarantine unread."""
        now = self.clock.now()
        # What was refused, and what failed before, is decided by its stage alone: no trouble of a later one keeps it back.
        whole, alone = Pass(stage, self.route if only is None else {}), Pass(stage, {})
        started = self.timer()
        taken: Sequence[_Taken] = ()
        batch: Sequence[Facts] = ()
        try:
            with self.engine.begin() as connection:
                claimed = work.claim(connection, stage.name, now, limit, only, early=stage.early)
                if not claimed:
                    return BatchResult()
                taken = _taken(stage, claimed)
                batch = facts_of(connection, whole, [one.order for one in taken], now, limited=self._limited)
                for facts, one in zip(batch, taken, strict=True):
                    facts.subjects, facts.places = one.subjects, one.places
                gathered = self.timer()
                passes = [alone if one.attempts else whole for one in taken]
                decisions, failures = self._decide(passes, [without(facts, faults) for facts in batch], now)
                for decision in decisions if faults else ():
                    quarantine(decision, faults)
                new_mails = self._render(
                    dict(zip((facts.id for facts in batch), passes, strict=True)), decisions, failures, now
                )
                decided = self.timer()
                sound = [d for d in decisions if d.facts.id not in failures]
                ledger = for_decisions(connection, sound, now)
                kept = self._book(ledger, sound, batch, failures)
                sound = [d for d in sound if d.facts.id in kept]
                new_mails = [row for row in new_mails if row.order_id in kept]
                result = apply(connection, stage, sound, new_mails, ledger, now)
                if replacements := [(new, d.facts.shop) for d in sound for new in d.new_orders]:
                    taken_in = [replacing(new, self.shops[shop]) for new, shop in replacements]
                    store_orders(connection, self.shops, taken_in, Ledger(connection, now), now)
                    result.stages.add(FIRST_STAGE)
                work.set_aside(connection, stage.name, _failure_rows(batch, failures))
        except Exception as error:
            if not taken or is_away(error):
                raise
            log.warning("batch.refused", stage=stage.name, orders=len(taken), error=describe(error))
            subjects = [subject for one in taken for subject in one.subjects]
            in_the_way = isinstance(error, StaleFacts) or is_passing(error)
            raise _Refused(subjects, describe(error), _events(batch), is_passing=in_the_way) from error
        ended = self.timer()
        self.observe(stage.name, "gather", gathered - started)
        self.observe(stage.name, "decide", decided - gathered)
        self.observe(stage.name, "apply", ended - decided)
        if self.trace is not None:
            self.trace(stage.name, [d.facts.id for d in sound], ended - started)
        result.claimed = len(taken)
        if len(taken) < len(claimed):
            result.stages.add(stage.name)  # something may be left for which this batch had no room
        return result

    def _decide(
        self, passes: Sequence[Pass], batch: Sequence[Facts], now: datetime
    ) -> tuple[list[Decision], dict[int, str]]:
        decisions: list[Decision] = []
        failures: dict[int, str] = {}
        for one, facts in zip(passes, batch, strict=True):
            try:
                if facts.unknown:
                    raise Unknown(facts.unknown)
                decisions.append(self.decided(one, facts, now))
            except Exception as error:  # noqa: BLE001 - the boundary that keeps one order from its batch; recorded
                failures[facts.id] = describe(error)
                log.error("decision.failed", stage=one.stage.name, order_id=facts.id, error=describe(error))
        return decisions, failures

    def decided(self, of: Pass, facts: Facts, now: datetime) -> Decision:
        """What the stages of a pass decide: the first alone where one that follows cannot, and without the events with which
        it cannot."""

        def decide(known: Facts) -> Decision:
            decision = of.decision(known, self.shops[known.shop], now)
            enforce(decision)
            return decision

        try:
            return decide(facts)
        except Exception as error:  # noqa: BLE001 - the boundary that keeps one event from its order; raised again if it is none
            log.warning("decision.apart", stage=of.stage.name, order_id=facts.id, error=describe(error))
            if of.follows:
                return self.decided(Pass(of.stage, {}), facts, now)
            return decide_apart(facts, decide, describe, error)

    def _book(
        self, ledger: Ledger, decisions: Sequence[Decision], batch: Sequence[Facts], failures: dict[int, str]
    ) -> set[int]:
        """Carry out on the ledger what decisions ask of points; the orders whose decisions hold. The others stay due: another
        process has an order whose lot would move."""
        kept = {decision.facts.id for decision in decisions}
        for decision in filter(asks, decisions):
            try:
                ledger.carry_out(decision)
            except Exception as error:  # noqa: BLE001 - as above
                kept.discard(decision.facts.id)
                failures[decision.facts.id] = describe(error)
                log.error("points.refused", order_id=decision.facts.id, error=describe(error))
        return kept - ledger.postpone({facts.id for facts in batch})

    def _render(
        self, passes: Mapping[int, Pass], decisions: list[Decision], failures: dict[int, str], now: datetime
    ) -> list[NewMailRow]:
        """Render the mails of all decisions. One with a mail that cannot be rendered is taken again without the events that make
        it so; where it is no event's fault, its order counts as failed."""
        rendered: list[_Rendered] = []
        for index, decision in enumerate(decisions):
            facts = decision.facts
            try:
                try:
                    rendered += self._rendered(decision)
                except Exception as error:  # noqa: BLE001 - the boundary that keeps one event from its order; raised again if it is none
                    log.warning("mail.apart", order_id=facts.id, error=describe(error))
                    decisions[index] = self._apart(passes[facts.id], facts, now, error)
                    rendered += self._rendered(decisions[index])
            except Exception as error:  # noqa: BLE001 - as above
                failures[facts.id] = describe(error)
                log.error("mail.unrenderable", order_id=facts.id, error=describe(error))
        return _mail_rows([one for one in rendered if one.order_id not in failures], now)

    def _rendered(self, decision: Decision) -> list[_Rendered]:
        facts = decision.facts
        return [
            _Rendered(self.renderer.render(intent, shop=facts.shop, number=facts.number), facts.id, intent.shipment)
            for intent in decision.mails
        ]

    def _apart(self, of: Pass, facts: Facts, now: datetime, error: Exception) -> Decision:
        """The decision without the events whose mails cannot be rendered."""

        def decide(known: Facts) -> Decision:
            decision = self.decided(of, known, now)
            self._rendered(decision)
            return decision

        return decide_apart(facts, decide, describe, error)


@dataclass(slots=True)
class _Taken:
    """An order of a batch, for what of it the stage is due, and how often that was in vain."""

    order: OrderRow
    subjects: list[Subject]
    places: list[str]
    attempts: int


def _taken(stage: Stage, claimed: Iterable[tuple[OrderRow, ClaimRow]]) -> list[_Taken]:
    """The orders that were claimed, each once: it has one decision at a time. A stage of orders decides about all that is
    due of one together; of any other subject it takes one, and the rest waits for the next batch."""
    taken: dict[int, _Taken] = {}
    for order, claim in claimed:
        one = taken.get(order.id)
        if one is None:
            one = taken[order.id] = _Taken(order, [], [], claim.attempts)
        if stage.subject == ORDER or not one.subjects:
            one.subjects.append(Subject(claim.subject_kind, claim.subject_id))
            one.places.append(claim.place)
            one.attempts = max(one.attempts, claim.attempts)
    return list(taken.values())


def _events(batch: Sequence[Facts]) -> list[int]:
    """Ids of the events that a batch read, the newest first."""
    read = (facts.events for facts in batch if Need.EVENTS in facts.needs)
    return sorted((event.id for events in read for event in events), reverse=True)


def _failure_rows(batch: Sequence[Facts], failures: Mapping[int, str]) -> list[FailureRow]:
    return [
        FailureRow(*subject, failures[facts.id])
        for facts in batch
        if facts.id in failures
        for subject in facts.subjects
    ]


class _Refused(ShukkaError):
    """A whole batch failed; which of its subjects, or of the ``events`` that it read, is to blame is not known yet, or nobody if it is a
    passing one (``is_passing``)."""

    def __init__(self, subjects: Sequence[Subject], error: str, events: Sequence[int], *, is_passing: bool) -> None:
        self.subjects = subjects
        self.events = events
        self.error = error
        self.is_passing = is_passing
        super().__init__(error)


def describe(error: BaseException) -> str:
    """An error for rows and logs: its type and, for our own and the database's, what they name; no personal data."""
    if isinstance(error, DBAPIError) and isinstance(error.orig, pg.Error):
        constraint = error.orig.diag.constraint_name
        return f"{type(error.orig).__name__}{f' {constraint}' if constraint else ''}"
    if isinstance(error, IllegalMove | Undeclared | Unknown | StaleFacts | Unreachable):
        return f"{type(error).__name__}: {error}"
    where = ""
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        where = f" at {code.co_filename.rsplit('/', 1)[-1]}:{trace.tb_lineno}"
        trace = trace.tb_next
    return f"{type(error).__name__}{where}"


def enforce(decision: Decision) -> None:
    """Raise IllegalMove if the decision asks for a move that the tables of ``models.states`` do not allow."""
    for move in decision.moves:
        if move.entity == "condition":
            continue
        if move.entity not in ALLOWED_MOVES:
            raise IllegalMove(f"{move.entity}: no table of states is of such an entity")
        if move.old is not None and not may_move(move.entity, move.old, move.new):
            raise IllegalMove(f"{move.entity}: {move.old} -> {move.new} is not allowed")


@dataclass(frozen=True, slots=True)
class DueMail:
    """A mail that no decision asks for, of a shop, about an order or about none."""

    shop: str
    intent: MailIntent
    number: str = ""
    order_id: int | None = None


def queue_mails(
    connection: Connection, renderer: MailRenderer, due: Sequence[DueMail], now: datetime
) -> list[str | None]:
    """Queue mails; one that was queued before is not queued again. For each, why it is not queued, None if it is.

    A mail that cannot be rendered is left out and logged: it must not keep the others back.
    """
    rendered, faults = [], list[str | None]()
    for one in due:
        fault = None
        try:
            mail = renderer.render(one.intent, shop=one.shop, number=one.number)
            rendered.append(_Rendered(mail, one.order_id, one.intent.shipment, one.shop))
        except ShukkaError as error:
            fault = describe(error)
            log.error("mail.unrenderable", shop=one.shop, template=one.intent.template, error=fault)
        faults.append(fault)
    mails.add(connection, _mail_rows(rendered, now))
    return faults


@dataclass(frozen=True, slots=True)
class _Rendered:
    """A mail, and the order and shipment that it is about; ``shop`` of one that is about none."""

    mail: RenderedMail
    order_id: int | None
    shipment: str | None
    shop: str | None = None


def _mail_rows(rendered: Sequence[_Rendered], now: datetime) -> list[NewMailRow]:
    """The rows of mails, their bytes packed together."""
    return [
        NewMailRow(
            message_id=one.mail.message_id,
            order_id=one.order_id,
            shop=one.shop if one.order_id is None else None,
            shipment_id=one.shipment,
            template=one.mail.template,
            envelope_from=one.mail.envelope_from,
            envelope_to=one.mail.envelope_to,
            packed=packed,
            at=now,
        )
        for one, packed in zip(rendered, pack([one.mail.raw for one in rendered]), strict=True)
    ]
