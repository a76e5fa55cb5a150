"""The effect loop: lease with a fencing token, perform with no transaction open, record the outcome, wake who waits.

An outcome is recorded before its channel takes the next effect, many channels to a commit: when the plug is pulled, at
most the one effect in flight on each channel is in doubt, and it is repeated under the same key.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Sequence
from typing import Any

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from models.store import leases
from models.store.leases import HeldRow, PostponedRow
from pipelines.ports import Clock, Outcome, Verdict
from workers.broker import Bell
from workers.effects.effect import Job, Lease, Performer, real_seconds
from workers.effects.recording import Done, Recorder
from workers.grouping import Group

log = structlog.get_logger(__name__)

#: Seconds an effect stays with the process that leased it, in the database's time; renewed while it is worked on, so
#: that a killed process holds nothing back for longer.
LEASE = 20.0
#: How often it is renewed while it lasts.
RENEWALS = 4
#: Seconds between two looks for more while slow effects of a kind are still under way.
LOOK_EVERY = 0.2
#: Channels opened beyond what waits at first.
SPARE = 4


class _Shift:
    """What one drain holds: jobs that wait, jobs that are leased at all, and when it last looked for more."""

    def __init__(self, performer: Performer[Any], batch: int, ends: float) -> None:
        self.performer = performer
        self.batch = batch
        self.waiting: deque[Job[Any]] = deque()
        # By token too: a lease that ran out may be taken again here before the first holder is back.
        self.held: dict[tuple[int, int], Job[Any]] = {}
        self.looking = asyncio.Lock()
        self.idle = asyncio.Event()
        self.looked = 0.0
        self.found_nothing = False
        self.performed = 0
        self._ends = ends

    @property
    def over(self) -> bool:
        """Whether the time slice has ended: nothing more is leased."""
        return time.monotonic() > self._ends


class EffectLoop:
    """Performs effects of the kinds it was given; one per process and event loop."""

    def __init__(
        self,
        engine: Engine,
        clock: Clock,
        bell: Bell,
        performers: Sequence[Performer[Any]],
        *,
        lease: float = LEASE,
    ) -> None:
        self._engine = engine
        self._lease_seconds = lease
        self._performers = {p.kind: p for p in performers}
        self._recorders = {
            p.kind: Group(Recorder(engine, clock, bell, p.kind, gathers=p.effect.gathers).record) for p in performers
        }
        self._stopping = False

    def stop(self) -> None:
        """Begin nothing new: what is under way ends and is recorded, the rest is given back at once."""
        self._stopping = True

    async def drain(self, kind: str, *, batch: int = 200, seconds: float = 30.0) -> int:
        """Perform what is due until nothing is, or the time slice ends; how many were performed.

        Channels that are free take up what comes in meanwhile: a slow effect holds up its own channel only.
        """
        shift = _Shift(self._performers[kind], batch, time.monotonic() + seconds)
        if not await self._look(shift):
            return 0
        # Some more than there is work for: they take up what comes in while the others are slow.
        wanted = min(shift.performer.channels, len(shift.waiting) + SPARE)
        renewing = asyncio.create_task(self._renew(shift))
        channels = [asyncio.create_task(self._channel(shift)) for _ in range(wanted)]
        try:
            ends = await asyncio.gather(*channels, return_exceptions=True)
        finally:
            renewing.cancel()
            for channel in channels:
                channel.cancel()
            await asyncio.shield(self._leave(shift))
        for fault in ends:
            if fault is not None:
                raise fault
        return shift.performed

    async def _leave(self, shift: _Shift) -> None:
        """Give back what is still held, whatever ended the drain; while the database is away it runs out by itself."""
        if not shift.held:
            return
        kind, waiting = shift.performer.kind, {(job.id, job.token) for job in shift.waiting}
        shift.waiting.clear()
        rows = [PostponedRow(*held, 0.0, held not in waiting) for held in shift.held]
        try:
            await asyncio.to_thread(self._give_back, kind, rows)
        except DBAPIError as error:
            log.warning("effects.not_given_back", kind=kind, count=len(rows), error=type(error.orig).__name__)

    async def _channel(self, shift: _Shift) -> None:
        while not self._stopping:
            if not shift.waiting and not await self._look(shift):
                if not shift.held or shift.over:
                    return
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(shift.idle.wait(), LOOK_EVERY)
                continue
            job = shift.waiting.popleft()
            if not job.lease.holds():  # the process was paused: whoever has it now performs it
                del shift.held[job.id, job.token]
                continue
            await self._recorders[shift.performer.kind].submit(Done(job, await self._safely(shift.performer, job)))
            del shift.held[job.id, job.token]
            shift.performed += 1
            if not shift.held:
                shift.idle.set()

    async def _look(self, shift: _Shift) -> bool:
        """Lease more, one channel at a time; whether anything waits."""
        async with shift.looking:
            soon = time.monotonic() - shift.looked < LOOK_EVERY and shift.found_nothing
            if not shift.waiting and not shift.over and not soon:
                jobs = await self._lease_more(shift)
                shift.looked, shift.found_nothing = time.monotonic(), not jobs
                shift.waiting.extend(jobs)
                shift.held.update({(job.id, job.token): job for job in jobs})
                if jobs:
                    shift.idle.clear()
        return bool(shift.waiting)

    async def _lease_more(self, shift: _Shift) -> list[Job[Any]]:
        try:
            return await asyncio.to_thread(self._lease, shift.performer, shift.batch)
        except DBAPIError:
            if not shift.held:
                raise
            return []  # what is under way has outcomes to record first

    async def _renew(self, shift: _Shift) -> None:
        """Keep the leases of what waits and what is under way."""
        while True:
            await asyncio.sleep(self._lease_seconds / RENEWALS)
            held = dict(shift.held)
            if held:
                until = real_seconds() + self._lease_seconds
                try:
                    kept = await asyncio.to_thread(self._extend, shift.performer.kind, [HeldRow(*one) for one in held])
                except DBAPIError as error:
                    log.warning("effects.not_renewed", kind=shift.performer.kind, error=type(error.orig).__name__)
                    continue
                for one in kept:
                    held[one].lease.until = until

    def _extend(self, kind: str, held: Sequence[HeldRow]) -> list[HeldRow]:
        with self._engine.begin() as connection:
            return leases.renew(connection, kind, held, self._lease_seconds)

    def _lease(self, performer: Performer[Any], batch: int) -> list[Job[Any]]:
        until = real_seconds() + self._lease_seconds  # counted from before the database counts
        with self._engine.begin() as connection:
            leased = leases.lease(connection, performer.kind, batch, self._lease_seconds)
        rows = performer.effect.load(self._engine, [one.subject_id for one in leased]) if leased else {}
        return [
            Job(one.subject_id, performer.kind, one.token, one.attempts, rows[one.subject_id], Lease(until))
            for one in leased
            if one.subject_id in rows
        ]

    def _give_back(self, kind: str, rows: Sequence[PostponedRow]) -> None:
        """Due again now, for whoever comes next."""
        with self._engine.begin() as connection:
            leases.postpone(connection, kind, rows)

    async def _safely(self, performer: Performer[Any], job: Job[Any]) -> Outcome:
        effect = performer.effect
        try:
            async with asyncio.timeout(effect.total) as limit:
                return await performer.perform(job)
        except Exception as error:  # noqa: BLE001 - the boundary: a fault of an adapter is an unknown outcome, recorded
            target = effect.target(job.row)
            if isinstance(error, TimeoutError) and limit.expired():
                log.warning("effect.late", kind=job.kind, id=job.id, target=target)
                return Outcome(effect.late, code="total_time", says=f"it was not done within {effect.total:g} seconds")
            log.error("effect.failed", kind=job.kind, id=job.id, target=target, error=type(error).__name__)
            return Outcome(Verdict.UNKNOWN, code=type(error).__name__)
