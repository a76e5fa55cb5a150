"""The decide loop: claim, gather, decide, apply. The one writer of state.

A batch is one transaction with a fixed number of statements. What a stage decides for an order is applied as a whole
or not at all; an order whose decision fails is set aside with a back-off and never takes its batch with it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import structlog
from psycopg import errors as pg
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from models.database import json_array
from models.mail_packing import pack
from models.states import Condition, OrderState, may_move
from models.store import admit as store
from models.store import claim as queue
from models.store import write
from pipelines.engine import announce
from pipelines.engine import ledger as points
from pipelines.engine.gather import facts_of
from pipelines.engine.ledger import Ledger
from pipelines.engine.stage import Decision, Facts, Stage
from pipelines.errors import IllegalMove, ShukkaError
from pipelines.orders.repricing import coupon_rows, repricing_rows
from pipelines.ports import Clock, MailIntent, MailRenderer
from pipelines.shops import Shop

log = structlog.get_logger(__name__)

#: Orders a batch: a smaller one costs throughput (docs/performance.md), a larger one holds its locks longer.
BATCH = 500


@dataclass(slots=True)
class BatchResult:
    """What a batch did: orders claimed and decided, and whose bells should ring now."""

    claimed: int = 0
    decided: int = 0
    stages: set[str] = field(default_factory=set)
    effects: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Runner:
    """Runs stages over batches. ``observe`` is told (stage, phase, seconds) for metrics."""

    engine: Engine
    shops: Mapping[str, Shop]
    renderer: MailRenderer
    clock: Clock
    observe: Callable[[str, str, float], None] = lambda stage, phase, seconds: None
    timer: Callable[[], float] = lambda: 0.0

    def run_batch(self, stage: Stage, limit: int = BATCH) -> BatchResult:
        """Decide up to ``limit`` due orders of ``stage`` in one transaction.

        If the database refuses the batch as a whole (a constraint, a deadlock), its orders are decided again in ever
        smaller parts, so that one of them alone ends set aside.
        """
        try:
            return self._attempt(stage, limit, None)
        except _Refused as refused:
            return self._in_parts(stage, refused.orders)

    def _in_parts(self, stage: Stage, orders: Sequence[int]) -> BatchResult:
        total = BatchResult()
        parts = [list(orders)]
        while parts:
            part = parts.pop()
            try:
                result = self._attempt(stage, len(part), part)
            except _Refused as refused:
                if len(part) == 1:
                    self._set_aside(stage, [(part[0], refused.error)])
                else:
                    parts += [part[: len(part) // 2], part[len(part) // 2 :]]
                continue
            total.claimed += result.claimed
            total.decided += result.decided
            total.stages |= result.stages
            total.effects |= result.effects
        return total

    def _set_aside(self, stage: Stage, failures: Sequence[tuple[int, str]]) -> None:
        with self.engine.begin() as connection:
            queue.set_aside(connection, stage.name, failures)

    def _attempt(self, stage: Stage, limit: int, only: Sequence[int] | None) -> BatchResult:
        now = self.clock.now()
        started = self.timer()
        claimed: list[Any] = []
        try:
            with self.engine.begin() as connection:
                claimed = queue.claim(connection, stage.name, now, limit, only)
                if not claimed:
                    return BatchResult()
                batch = facts_of(connection, stage, claimed, now)
                gathered = self.timer()
                decisions, failures = self._decide(stage, batch, now)
                mails = self._render(decisions, failures)
                decided = self.timer()
                sound = [d for d in decisions if d.facts.id not in failures]
                ledger = points.for_decisions(connection, sound, now)
                kept = self._book(ledger, sound, batch, failures)
                rendered = [row for row in mails if row[1] in kept] if len(kept) < len(decisions) else mails
                result = apply(connection, stage, [d for d in sound if d.facts.id in kept], rendered, ledger, now)
                if failures:
                    queue.set_aside(connection, stage.name, list(failures.items()))
        except DBAPIError as error:
            if not claimed or _is_away(error):
                raise
            log.warning("batch.refused", stage=stage.name, orders=len(claimed), error=type(error.orig).__name__)
            raise _Refused([row[0] for row in claimed], describe(error)) from error
        ended = self.timer()
        self.observe(stage.name, "gather", gathered - started)
        self.observe(stage.name, "decide", decided - gathered)
        self.observe(stage.name, "apply", ended - decided)
        result.claimed = len(claimed)
        return result

    def _decide(self, stage: Stage, batch: Sequence[Facts], now: datetime) -> tuple[list[Decision], dict[int, str]]:
        decisions: list[Decision] = []
        failures: dict[int, str] = {}
        for facts in batch:
            try:
                decision = stage.decide(facts, self.shops[facts.shop], now)
                enforce(decision)
                decisions.append(decision)
            except Exception as error:  # noqa: BLE001 - the boundary that keeps one order from its batch; recorded
                failures[facts.id] = describe(error)
                log.error("decision.failed", stage=stage.name, order_id=facts.id, error=describe(error))
        return decisions, failures

    def _book(
        self, ledger: Ledger, decisions: Sequence[Decision], batch: Sequence[Facts], failures: dict[int, str]
    ) -> set[int]:
        """Carry out on the ledger what decisions ask of points; the orders whose decisions hold. The others stay due: another
        process has an order whose lot would move."""
        kept: set[int] = set()
        for decision in decisions:
            try:
                ledger.carry_out(decision)
                kept.add(decision.facts.id)
            except Exception as error:  # noqa: BLE001 - as above
                failures[decision.facts.id] = describe(error)
                log.error("points.refused", order_id=decision.facts.id, error=describe(error))
        return kept - ledger.postpone({facts.id for facts in batch})

    def _render(self, decisions: Sequence[Decision], failures: dict[int, str]) -> list[tuple[Any, ...]]:
        """Render the mails of all decisions; an order whose mail cannot be rendered counts as failed."""
        rows: list[tuple[Any, ...]] = []
        for decision in decisions:
            facts = decision.facts
            try:
                for intent in decision.mails:
                    rows.append(_rendered(self.renderer, intent, facts.shop, facts.number, facts.id))
            except Exception as error:  # noqa: BLE001 - as above
                failures[facts.id] = describe(error)
                log.error("mail.unrenderable", order_id=facts.id, error=describe(error))
        return _packed([row for row in rows if row[1] not in failures])


def _is_away(error: DBAPIError) -> bool:
    """Whether the database could not be reached or was ending: nothing is wrong with the orders. A deadlock or a
    statement that took too long is the batch's own, and so is everything that is no operational error."""
    of_the_batch = isinstance(error.orig, pg.DeadlockDetected | pg.QueryCanceled)
    return isinstance(error.orig, pg.OperationalError | pg.InterfaceError) and not of_the_batch


class _Refused(ShukkaError):
    """The database refused a whole batch; which of its orders is to blame is not known yet."""

    def __init__(self, orders: Sequence[int], error: str) -> None:
        self.orders = orders
        self.error = error
        super().__init__(error)


class StaleFacts(ShukkaError):
    """Decisions were taken on an older version of their orders: the batch is dropped and taken again."""


def describe(error: BaseException) -> str:
    """An error for rows and logs: its type and, for our own and the database's, what they name; no personal data."""
    if isinstance(error, DBAPIError) and isinstance(error.orig, pg.Error):
        constraint = error.orig.diag.constraint_name
        return f"{type(error.orig).__name__}{f' {constraint}' if constraint else ''}"
    if isinstance(error, IllegalMove):
        return f"IllegalMove: {error}"
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
        if move.entity != "condition" and move.old is not None and not may_move(move.entity, move.old, move.new):
            raise IllegalMove(f"{move.entity}: {move.old} -> {move.new} is not allowed")


def apply(
    connection: Connection,
    stage: Stage,
    decisions: Sequence[Decision],
    mails: Sequence[tuple[Any, ...]],
    ledger: Ledger,
    now: datetime,
) -> BatchResult:
    """Write all decisions of a batch: state, history, next work, effects. A fixed number of statements.

    ``ledger`` has carried out what they ask of points; moves of the orders' own lots become moves of the decisions.
    """
    lots = ledger.write_books()
    for decision in decisions:
        decision.moves += lots.pop(decision.facts.id, ())
    ledger.write_history(lots)
    changed = [d for d in decisions if d.moves or d.hold is not None]
    written = write.orders(
        connection,
        [
            (d.facts.id, d.facts.version, d.state, d.condition or d.facts.condition, hold, len(d.moves))
            for d, hold in zip(changed, json_array([_hold(d) for d in changed]), strict=True)
        ],
    )
    if written != len(changed):
        raise StaleFacts(f"{len(changed) - written} orders moved on while they were decided")
    _write_payments(connection, decisions)
    _write_shipments(connection, decisions)
    write.transitions(
        connection,
        [(d.facts.id, m.entity, m.id, m.old, m.new, m.cause, now) for d in decisions for m in d.moves],
    )
    write.mails(connection, [(*row, now) for row in mails])
    intents = [(d.facts.id, e) for d in decisions for e in d.effects]
    write.effects(
        connection,
        [
            (e.key, e.kind, order_id, e.shipment, payload, e.wakes)
            for (order_id, e), payload in zip(intents, json_array([dict(e.payload) for _, e in intents]), strict=True)
        ],
    )
    announced = announce.announcements(decisions, announce.subscribers(connection), now)
    write.effects(connection, announced)
    _write_adjustments(connection, decisions, now)
    write.events(connection, [event for d in decisions for event in d.events])
    write.marks(
        connection,
        [(d.facts.shop, d.facts.customer_id, kind, source, now) for d in decisions for kind, source in d.marks],
    )
    write.return_coupons(connection, [(d.facts.id, *coupon, now) for d in decisions for coupon in d.returned_coupons])
    write.repricings(connection, repricing_rows(decisions, now))
    write.use_coupons(connection, coupon_rows(decisions, now))
    write.free_unique_items(connection, [(d.facts.id, sku) for d in decisions for sku in d.frees_items])
    queue.finish(connection, stage.name, [d.facts.id for d in decisions])
    queue.schedule(connection, [(name, d.facts.id, due) for d in decisions for name, due in d.work])
    return BatchResult(
        decided=len(decisions),
        stages={name for d in decisions for name, due in d.work if due <= now},
        effects={e.kind for _, e in intents}
        | ({"mail.send"} if mails else set())
        | ({announce.KIND} if announced else set()),
    )


def admit(connection: Connection, accepted: Sequence[tuple[Any, ...]], now: datetime) -> dict[tuple[str, str], int]:
    """Write newly accepted orders (rows of ``models.store.admit.orders``) and make them due at the first stage.

    Returns ids by (shop, number); an order that another process stored meanwhile is missing.
    """
    ids = store.orders(connection, accepted)
    write.transitions(
        connection, [(i, "order", number, None, OrderState.ACCEPTED, "intake", now) for (_, number), i in ids.items()]
    )
    listening = announce.subscribers(connection)
    write.effects(connection, announce.of_new_orders([(i, *key) for key, i in ids.items()], listening, now))
    queue.schedule(connection, [("accept", i, now) for i in ids.values()])
    return ids


def announce_refusal(
    connection: Connection,
    identity: str,
    shop: str,
    number: str | None,
    problems: Sequence[Mapping[str, str]],
    now: datetime,
) -> None:
    """Tell the storefronts of ``shop`` of an order from the broker that was refused."""
    listening = announce.subscribers(connection)
    write.effects(connection, announce.of_refused(identity, shop, number, problems, listening, now))


def queue_mails(
    connection: Connection, renderer: MailRenderer, intents: Sequence[tuple[str, MailIntent]], now: datetime
) -> int:
    """Queue mails that are about no order, as (shop, intent); one that was queued before is not queued again.

    A mail that cannot be rendered is left out and logged: it must not keep the others back.
    """
    rows = []
    for shop, intent in intents:
        try:
            rows.append(_rendered(renderer, intent, shop, "", None))
        except ShukkaError as error:
            log.error("mail.unrenderable", shop=shop, template=intent.template, error=describe(error))
    return write.mails(connection, [(*row, now) for row in _packed(rows)])


def _rendered(
    renderer: MailRenderer, intent: MailIntent, shop: str, number: str, order_id: int | None
) -> tuple[Any, ...]:
    """The row of a mail (``models.store.write.mails``) but for its moment, its bytes not yet packed."""
    mail = renderer.render(intent, shop=shop, number=number)
    return mail.message_id, order_id, intent.shipment, mail.template, mail.envelope_from, mail.envelope_to, mail.raw


def _packed(rows: Sequence[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """The same rows with their bytes as they are stored."""
    return [(*row[:-1], packed) for row, packed in zip(rows, pack([row[-1] for row in rows]), strict=True)]


def _hold(decision: Decision) -> list[dict[str, str]] | None:
    """The reasons to store: only an order that is held has some."""
    if (decision.condition or decision.facts.condition) != Condition.HELD:
        return None
    return decision.hold if decision.hold is not None else [dict(h) for h in decision.facts.hold]


def _write_payments(connection: Connection, decisions: Sequence[Decision]) -> None:
    rows = []
    for d in decisions:
        if d.payment is not None:
            p = d.payment
            paid = (p.authorized, p.captured, p.refunded, p.refunded_by_hand)
            rows.append((d.facts.id, p.state, *paid, p.reference, p.code, p.expires_at))
    write.payments(connection, rows)


def _write_shipments(connection: Connection, decisions: Sequence[Decision]) -> None:
    new = [(d.facts.id, s) for d in decisions for s in d.new_shipments]
    write.new_shipments(
        connection,
        [
            (s.id, order_id, s.supplier, s.state, s.backorder, s.dispatch_on, s.instruct_at, s.arrive_on, because)
            for (order_id, s), because in zip(new, json_array([list(s.because) for _, s in new]), strict=True)
        ],
    )
    write.new_shipment_lines(connection, [(s.id, line, pieces) for _, s in new for line, pieces in s.lines])
    changes = [c for d in decisions for c in d.shipments.values()]
    write.shipments(
        connection,
        [
            (c.id, c.state, c.dispatch_on, because, c.plan_as_of, c.reason)
            for c, because in zip(
                changes, json_array([None if c.because is None else list(c.because) for c in changes]), strict=True
            )
        ],
    )
    write.shipment_lines(
        connection,
        [
            (c.id, line, c.shipped.get(line), c.cancelled.get(line))
            for c in changes
            for line in sorted(c.shipped.keys() | c.cancelled.keys())
        ],
    )
    write.order_lines(
        connection,
        [
            (d.facts.id, line, d.line_shipped.get(line), d.line_cancelled.get(line))
            for d in decisions
            for line in sorted(d.line_shipped.keys() | d.line_cancelled.keys())
        ],
    )
    parcels = [(d.facts.id, p) for d in decisions for p in d.parcels.values()]
    claims = json_array([None if p.claim is None else dict(p.claim) for _, p in parcels])
    contents = json_array([dict(p.lines) for _, p in parcels])
    write.parcels(
        connection,
        [
            (
                p.shipment,
                order_id,
                p.key,
                p.shipped_at,
                claim,
                lines,
                p.carrier,
                p.tracking_number,
                p.number_as_of,
                p.tracking_status,
                p.status_as_of,
            )
            for (order_id, p), claim, lines in zip(parcels, claims, contents, strict=True)
        ],
    )


def _write_adjustments(connection: Connection, decisions: Sequence[Decision], now: datetime) -> None:
    made = [(d.facts.id, n, a) for d in decisions for n, a in enumerate(d.adjustments, len(d.facts.adjustments) + 1)]
    amounts = json_array([one.change.to_json() for _, _, one in made])
    write.adjustments(connection, [(i, n, a.key, a.reason, m, now) for (i, n, a), m in zip(made, amounts, strict=True)])
