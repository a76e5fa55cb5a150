"""The effect loop: lease with a fencing token, perform with no transaction open, record the outcome, wake who waits.

An outcome is recorded before its channel takes the next effect, many channels to a commit: when the plug is pulled, at
most the one effect in flight on each channel is in doubt, and it is repeated under the same key.

Leasing goes on while channels are slow, and a target has a share of them only (``workers.effects.targets``).
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterable, Sequence
from typing import Any

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from models.database import glance, is_passing
from models.store import circuits, leases
from models.store.circuits import ClosedRow, OpenRow
from models.store.leases import HeldRow, PostponedRow
from pipelines.engine.run import describe
from pipelines.ports import Clock, Outcome, Verdict
from workers.effects.effect import Job, Lease, Performer, real_seconds
from workers.effects.recording import Done, Ending, Recorder, kept
from workers.effects.shift import LOOK_EVERY, Shift
from workers.effects.targets import DATABASE_AWAY, PAUSE, Target
from workers.grouping import Group
from workers.metrics import EFFECT_SECONDS
from workers.near import Rings
from workers.tracing import Traces

log = structlog.get_logger(__name__)

#: Seconds an effect stays with the process that leased it, in the database's time; renewed while it is worked on, so
#: that a killed process holds nothing back for longer.
LEASE = 20.0
#: Targets of a kind of which more is remembered than that they fail.
KNOWN = 1000
#: How often it is renewed while it lasts.
RENEWALS = 4


class EffectLoop:
    """Performs effects of the kinds it was given; one per process and event loop."""

    def __init__(
        self,
        engine: Engine,
        clock: Clock,
        bell: Rings,
        performers: Sequence[Performer[Any]],
        *,
        lease: float = LEASE,
        pause: float = PAUSE,
        traces: Traces | None = None,
    ) -> None:
        """``lease``: seconds that a lease lasts unless it is renewed. ``pause``: seconds that a target which fails is first
        left alone. ``traces``: where attempts are recorded, if they are."""
        self._engine = engine
        self._lease_seconds = lease
        self._pause = pause
        self._traces = traces
        self._performers = {p.kind: p for p in performers}
        self._recorders = {
            p.kind: Recorder(
                engine,
                clock,
                bell,
                p.kind,
                gathers=p.effect.gathers,
                wakes=p.effect.wakes,
                ending=Ending(p.effect.unknowns, p.effect.tried_for),
            )
            for p in performers
        }
        self._groups = {kind: Group(recorder.record) for kind, recorder in self._recorders.items()}
        self._targets: dict[str, dict[str, Target]] = {p.kind: {} for p in performers}
        self._shifts: dict[str, Shift] = {}
        self._drains: dict[str, asyncio.Task[None]] = {}
        self._rung: set[str] = set()
        self._stopping = False

    def stop(self) -> None:
        """Begin nothing new: what is under way ends and is recorded, the rest is given back at once."""
        self._stopping = True
        for shift in self._shifts.values():
            shift.wake.set()

    async def ended(self, seconds: float) -> None:
        """Stop, wait for what is under way, and after ``seconds`` break it off; nothing is left leased."""
        self.stop()
        if drains := list(self._drains.values()):
            _, slow = await asyncio.wait(drains, timeout=seconds)
            for drain in slow:
                drain.cancel()
            await asyncio.gather(*slow, return_exceptions=True)

    def ring(self, kind: str) -> None:
        """Something of ``kind`` may be due: drain it, or let the drain under way look again. In the loop's own thread."""
        self._rung.add(kind)
        if kind in self._shifts:
            self._shifts[kind].rung()
        if kind not in self._drains and not self._stopping:
            self._drains[kind] = asyncio.create_task(self._answer(kind))

    async def _answer(self, kind: str) -> None:
        try:
            while kind in self._rung and not self._stopping:
                self._rung.discard(kind)
                if performed := await self.drain(kind):
                    log.debug("effects.performed", kind=kind, count=performed)
        except Exception as error:  # noqa: BLE001 - the boundary of a drain; recorded. Nothing is lost, the clock rings again
            away = is_passing(error)
            said = log.warning if away else log.error
            said("database.away" if away else "effects.drain_failed", kind=kind, error=describe(error))
        finally:
            del self._drains[kind]

    async def drain(self, kind: str, *, batch: int = 200) -> int:
        """Perform what is due until nothing is; how many were performed.

        At most ``batch`` are leased at once. A slow effect holds up its own channel only, a slow target its own share.
        """
        targets = self._targets[kind]
        shift = self._shifts[kind] = Shift(self._performers[kind], targets, self._pause, batch)
        renewing = asyncio.create_task(self._renew(shift))
        try:
            await self._lead(shift)
        finally:
            renewing.cancel()
            del self._shifts[kind]
            await asyncio.shield(self._leave(shift))
            if len(targets) > KNOWN:
                for name in [name for name, target in targets.items() if target.is_idle]:
                    del targets[name]
        return shift.performed

    async def _lead(self, shift: Shift) -> None:
        """Begin what may begin, and lease more while there are channels for it."""
        while True:
            shift.wake.clear()
            if shift.changed:
                await self._note(shift)
            self._begin(shift)
            if not self._stopping and shift.wants_more() and await self._look(shift):
                continue
            if shift.fault is not None:
                raise shift.fault
            if shift.changed:
                continue
            if not shift.under_way and (self._stopping or not shift.wants_more()):
                return
            with contextlib.suppress(
                TimeoutError
            ):  # not wait_for, which forgets a cancel that meets what it waited for
                async with asyncio.timeout(LOOK_EVERY):
                    await shift.wake.wait()

    def _begin(self, shift: Shift) -> None:
        while not self._stopping and not shift.is_full() and (found := shift.next()):
            task = asyncio.create_task(self._channel(shift, *found))
            shift.under_way.add(task)

    async def _channel(self, shift: Shift, target: Target, job: Job[Any]) -> None:
        """Perform a job, and one after the other for as long as some may begin."""
        group = self._groups[shift.performer.kind]
        going_on: tuple[Target, Job[Any]] | None = (target, job)
        try:
            while going_on:
                target, job = going_on
                outcome = await self._asked(shift, target, job)
                held = (job.id, job.token)
                shift.recording.add(held)
                self._begin(shift)  # the target has room again: recording is none of its business
                await group.submit(Done(job, outcome))
                shift.performed += 1
                del shift.held[held]
                shift.recording.discard(held)
                going_on = None if self._stopping else shift.next()
        except Exception as fault:  # noqa: BLE001 - carried to the drain, which raises it
            shift.fault = fault
        finally:
            if task := asyncio.current_task():
                shift.under_way.discard(task)
            shift.wake.set()

    async def _asked(self, shift: Shift, target: Target, job: Job[Any]) -> Outcome:
        """What an attempt brought; its target has learned from it."""
        outcome, began = None, time.perf_counter()
        try:
            outcome = await self._safely(shift.performer, job)
            return outcome
        finally:
            if outcome is not None:
                seconds = time.perf_counter() - began
                EFFECT_SECONDS.labels(job.kind, outcome.verdict).observe(seconds)
            if self._traces is not None and outcome is not None:
                about = shift.performer.effect.orders(job.row)
                self._traces.effect(job.kind, about, target.name, job.attempts, outcome, seconds)
            if target.ended(outcome):
                shift.changed.append(target)
                shift.wake.set()

    async def _look(self, shift: Shift) -> bool:
        """Lease more; whether there was any."""
        without = shift.look()
        looking = asyncio.create_task(asyncio.to_thread(self._lease, shift.performer, shift.batch, without))
        try:
            jobs = await asyncio.shield(looking)
        except SQLAlchemyError as error:
            if not shift.under_way or not is_passing(error):
                raise
            jobs = []  # what is under way has outcomes to record first
        except asyncio.CancelledError:
            # A statement that was sent is not called back: what it leased is ours, and is given back with the rest.
            await asyncio.wait([looking])
            if looking.exception() is None:
                shift.take(looking.result(), without)
            raise
        shift.take(jobs, without)
        await self._give_back(shift, _surplus(shift))
        return bool(jobs)

    def _lease(self, performer: Performer[Any], batch: int, without: frozenset[str]) -> list[Job[Any]]:
        until = real_seconds() + self._lease_seconds  # counted from before the database counts
        with glance(self._engine) as connection:
            leased = leases.lease(connection, performer.kind, batch, self._lease_seconds, without)
        rows = performer.effect.load(self._engine, [one.subject_id for one in leased]) if leased else {}
        return [
            Job(
                one.subject_id,
                performer.kind,
                one.token,
                one.attempts,
                rows[one.subject_id],
                Lease(until),
                one.unknowns,
                one.age,
            )
            for one in leased
            if one.subject_id in rows
        ]

    async def _renew(self, shift: Shift) -> None:
        """Keep the leases of what waits and what is under way."""
        kind = shift.performer.kind
        while True:
            await asyncio.sleep(self._lease_seconds / RENEWALS)
            held = dict(shift.held)
            if held:
                until = real_seconds() + self._lease_seconds
                try:
                    kept = await asyncio.to_thread(self._extend, kind, [HeldRow(*one) for one in held])
                except SQLAlchemyError as error:
                    log.warning("effects.not_renewed", kind=kind, error=describe(error))
                    continue
                for one in kept:
                    held[one].lease.until = until

    def _extend(self, kind: str, held: Sequence[HeldRow]) -> list[HeldRow]:
        with self._engine.begin() as connection:
            return leases.renew(connection, kind, held, self._lease_seconds)

    async def _note(self, shift: Shift) -> None:
        """Write down which circuits opened and closed, give back what waits for those that are open, and give up what has waited for
        them long enough."""
        changed, shift.changed = shift.changed, []
        targets = {target.name: target for target in changed}
        try:
            await asyncio.to_thread(self._tell, shift.performer.kind, targets)
        except SQLAlchemyError as error:
            log.warning("circuits.not_told", kind=shift.performer.kind, error=describe(error))
        await self._give_back(shift, _surplus(shift))
        try:
            await asyncio.to_thread(self._give_up, shift.performer.kind, [t for t in targets.values() if t.is_open])
        except SQLAlchemyError as error:
            log.warning("effects.not_given_up", kind=shift.performer.kind, error=describe(error))

    def _tell(self, kind: str, targets: dict[str, Target]) -> None:
        failing = [one for one in targets.values() if one.is_open]
        with self._engine.begin() as connection:
            circuits.open_(connection, [OpenRow(kind, t.name, t.pause, t.failures, t.code) for t in failing])
            circuits.close(connection, [ClosedRow(kind, t.name) for t in targets.values() if not t.is_open])
        for one in targets.values():
            log.warning("circuit.open" if one.is_open else "circuit.closed", kind=kind, target=one.name, code=one.code)

    def _give_up(self, kind: str, failing: Sequence[Target]) -> None:
        for target in failing:
            if given_up := self._recorders[kind].give_up(target.name, target.code):
                log.warning("effects.given_up", kind=kind, target=target.name, count=given_up, code=target.code)

    async def _give_back(self, shift: Shift, rows: Iterable[PostponedRow]) -> None:
        """Due again now, for whoever comes next; while the database is away, once the leases have run out."""
        kind, given = shift.performer.kind, list(rows)

        def give_back() -> None:
            with self._engine.begin() as connection:
                leases.postpone(connection, kind, given)

        if given:
            try:
                await asyncio.to_thread(give_back)
            except SQLAlchemyError as error:
                log.warning("effects.not_given_back", kind=kind, count=len(given), error=describe(error))

    async def _leave(self, shift: Shift) -> None:
        """Whatever ended the drain: break off what is under way and give back all that is held. An outcome that is being
        recorded takes its lease with it."""
        under_way = list(shift.under_way)
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)
        begun = shift.begun()
        rows = [PostponedRow(*held, 0.0, held in begun) for held in shift.held if held not in shift.recording]
        await self._give_back(shift, rows)

    async def _safely(self, performer: Performer[Any], job: Job[Any]) -> Outcome:
        effect = performer.effect
        try:
            async with asyncio.timeout(effect.total) as limit:
                return kept(await performer.perform(job))
        except Exception as error:  # noqa: BLE001 - the boundary: a fault of an adapter is an unknown outcome, recorded
            told = {
                "kind": job.kind,
                "id": job.id,
                "target": effect.target(job.row),
                "order_ids": effect.orders(job.row),
            }
            if isinstance(error, TimeoutError) and limit.expired():
                log.warning("effect.late", **told)
                return Outcome(effect.late, code="total_time", says=f"it was not done within {effect.total:g} seconds")
            if is_passing(error):  # our own database: nobody outside was asked, and what was written has a key
                log.warning("effect.database_away", error=describe(error), **told)
                return Outcome(
                    Verdict.RETRY, code=DATABASE_AWAY, says="the database was away, or others were in the way"
                )
            log.error("effect.failed", error=type(error).__name__, **told)
            return Outcome(Verdict.UNKNOWN, code=type(error).__name__)


def _surplus(shift: Shift) -> list[PostponedRow]:
    return [
        PostponedRow(job.id, job.token, 0.0, begun=False, target=target.name) for target, job in list(shift.surplus())
    ]
