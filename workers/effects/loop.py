"""The effect loop: lease with a fencing token, perform with no transaction open, record the outcome, wake who waits.

An outcome is recorded before its channel takes the next effect, many channels to a commit: when the plug is pulled, at
most the one effect in flight on each channel is in doubt, and it is repeated under the same key.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_exponential_jitter

from models.mail_packing import UnknownDictionary, unpack
from models.store import claim as queue
from models.store import lease as store
from pipelines.ports import Clock, Instruction, Outcome, PaymentGateway, SupplierChannel, Verdict
from workers.broker import Bell
from workers.grouping import Group
from workers.http.targets import refuse_private
from workers.mail import message

log = structlog.get_logger(__name__)

#: Seconds an effect stays with the process that leased it, in the database's time; renewed while it is worked on, so
#: that a killed process holds nothing back for longer.
LEASE = 20.0
RENEW_EVERY = 5.0
#: Seconds between two looks for more while slow effects of a kind are still under way.
LOOK_EVERY = 0.2
#: Channels opened beyond what waits at first.
SPARE = 4
#: Seconds an outcome is tried to be recorded while the database is away.
RECORD_FOR = 300.0
LONGEST_PAUSE = 600.0
#: Attempts after which an unknown outcome, and a mere refusal to talk, go before a human.
UNKNOWN_ATTEMPTS = 12
RETRY_ATTEMPTS = 400


@dataclass(frozen=True, slots=True)
class Job:
    """One leased effect: what its row says, under which token it is held, and the how-manieth attempt this is."""

    id: int
    token: int
    attempts: int
    row: Any


@dataclass(frozen=True, slots=True)
class Done:
    """A job with its outcome."""

    job: Job
    outcome: Outcome


Perform = Callable[[Job], Awaitable[Outcome]]
Load = Callable[[Engine, Sequence[int]], Mapping[int, Any]]


@dataclass(frozen=True, slots=True)
class Performer:
    """How effects of one kind are loaded and performed. ``channels`` is how many run side by side."""

    kind: str
    load: Load
    perform: Perform
    channels: int


class _Shift:
    """What one drain holds: jobs that wait, jobs that are leased at all, and when it last looked for more."""

    def __init__(self, performer: Performer, batch: int, ends: float) -> None:
        self.performer = performer
        self.batch = batch
        self.waiting: deque[Job] = deque()
        # By token too: a lease that ran out may be taken again here before the first holder is back.
        self.held: dict[tuple[int, int], Job] = {}
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

    def __init__(self, engine: Engine, clock: Clock, bell: Bell, performers: Sequence[Performer]) -> None:
        self._engine = engine
        self._clock = clock
        self._bell = bell
        self._performers = {p.kind: p for p in performers}
        self._recorders = {p.kind: Group(self._recorder(p.kind)) for p in performers}
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
        renewing = asyncio.create_task(self._renew(shift))
        # Some more than there is work for: they take up what comes in while the others are slow.
        wanted = min(shift.performer.channels, len(shift.waiting) + SPARE)
        channels = [self._channel(shift) for _ in range(wanted)]
        ends = await asyncio.gather(*channels, return_exceptions=True)
        renewing.cancel()
        for fault in ends:
            if fault is not None:
                raise fault
        if shift.waiting:
            await asyncio.to_thread(self._give_back, kind, list(shift.waiting))
        return shift.performed

    async def _channel(self, shift: _Shift) -> None:
        while not self._stopping:
            if not shift.waiting and not await self._look(shift):
                if not shift.held or shift.over:
                    return
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(shift.idle.wait(), LOOK_EVERY)
                continue
            job = shift.waiting.popleft()
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

    async def _lease_more(self, shift: _Shift) -> list[Job]:
        try:
            return await asyncio.to_thread(self._lease, shift.performer, shift.batch)
        except DBAPIError:
            if not shift.held:
                raise
            return []  # what is under way has outcomes to record first

    async def _renew(self, shift: _Shift) -> None:
        """Keep the leases of what waits and what is under way."""
        while True:
            await asyncio.sleep(RENEW_EVERY)
            held = list(shift.held)
            if held:
                try:
                    await asyncio.to_thread(self._extend, shift.performer.kind, held)
                except DBAPIError as error:
                    log.warning("effects.not_renewed", kind=shift.performer.kind, error=type(error.orig).__name__)

    def _extend(self, kind: str, held: Sequence[tuple[int, int]]) -> None:
        with self._engine.begin() as connection:
            store.postpone(connection, kind, [(*lease, LEASE) for lease in held])

    def _lease(self, performer: Performer, batch: int) -> list[Job]:
        with self._engine.begin() as connection:
            leased = store.lease(connection, performer.kind, batch, LEASE)
        rows = performer.load(self._engine, [r[0] for r in leased]) if leased else {}
        return [Job(subject, token, attempts, rows[subject]) for subject, token, attempts in leased if subject in rows]

    def _give_back(self, kind: str, jobs: Sequence[Job]) -> None:
        """Leased and not begun: due again now, for whoever comes next."""
        with self._engine.begin() as connection:
            store.postpone(connection, kind, [(job.id, job.token, 0.0) for job in jobs])

    async def _safely(self, performer: Performer, job: Job) -> Outcome:
        try:
            return await performer.perform(job)
        except Exception as error:  # noqa: BLE001 - the boundary: a fault of an adapter is an unknown outcome, recorded
            log.error("effect.failed", kind=performer.kind, id=job.id, error=type(error).__name__)
            return Outcome(Verdict.UNKNOWN, code=type(error).__name__)

    def _recorder(self, kind: str) -> Callable[[Sequence[Done]], Sequence[None]]:
        finish = self._finish_mails if kind == store.MAIL else self._finish_effects

        @retry(
            retry=retry_if_exception_type(DBAPIError),
            wait=wait_exponential_jitter(multiplier=0.1, max=2.0),
            stop=stop_after_delay(RECORD_FOR),
            reraise=True,
        )
        def record(done: Sequence[Done]) -> Sequence[None]:
            # Repeating this is safe: a recorded outcome took its lease with it. Not repeating it would not be:
            # the effect happened, and the database was only away for a moment.
            finish(kind, done)
            return [None] * len(done)

        return record

    def _finish_mails(self, kind: str, done: Sequence[Done]) -> None:
        ended = [(d.job.id, d.job.token, _mail_state(d), d.outcome.code) for d in done if _is_final(d)]
        with self._engine.begin() as connection:
            store.finish_mails(connection, ended)
            store.postpone(connection, kind, _postponed(done))

    def _finish_effects(self, kind: str, done: Sequence[Done]) -> None:
        ended = [
            (d.job.id, d.job.token, _effect_state(d), orjson.dumps(_outcome_json(d.outcome)).decode())
            for d in done
            if _is_final(d)
        ]
        with self._engine.begin() as connection:
            woken = store.finish_effects(connection, kind, ended)
            now = self._clock.now()
            queue.schedule(connection, [(stage, order_id, now) for order_id, stage in woken if stage])
            store.postpone(connection, kind, _postponed(done))
        self._bell.ring(stages={stage for _, stage in woken if stage})


def _is_final(done: Done) -> bool:
    if done.outcome.verdict in (Verdict.OK, Verdict.DECLINED):
        return True
    limit = UNKNOWN_ATTEMPTS if done.outcome.verdict == Verdict.UNKNOWN else RETRY_ATTEMPTS
    return done.job.attempts >= limit


def _effect_state(done: Done) -> str:
    return {Verdict.OK: "done", Verdict.DECLINED: "declined"}.get(done.outcome.verdict, "needs_review")


def _mail_state(done: Done) -> str:
    return {Verdict.OK: "sent", Verdict.DECLINED: "failed"}.get(done.outcome.verdict, "needs_review")


def _outcome_json(outcome: Outcome) -> dict[str, Any]:
    return {
        "verdict": outcome.verdict,
        "reference": outcome.reference,
        "code": outcome.code,
        "says": outcome.says,
        "data": dict(outcome.data),
    }


def _postponed(done: Sequence[Done]) -> list[tuple[int, int, float]]:
    """Back-off of what did not end: the other side's word, else doubling from a second, with jitter."""
    later = []
    for d in done:
        if not _is_final(d):
            pause = d.outcome.retry_after
            if pause is None:
                pause = min(LONGEST_PAUSE, 2.0 ** min(d.job.attempts - 1, 10)) * random.uniform(0.8, 1.2)  # noqa: S311
            later.append((d.job.id, d.job.token, pause))
    return later


def mail_performer(deliver: Callable[[Any], Awaitable[Outcome]], channels: int) -> Performer:
    """Delivers stored mails; ``deliver`` is an SMTP pool's."""

    def load(engine: Engine, ids: Sequence[int]) -> Mapping[int, Any]:
        with engine.connect() as connection:
            return {row[0]: row for row in store.load_mails(connection, ids)}

    async def perform(job: Job) -> Outcome:
        try:
            raw = message.encoded(unpack(job.row[4]))
        except UnknownDictionary as reason:  # a process of the newer version will send it
            return Outcome(Verdict.RETRY, code="dictionary", says=str(reason))
        return await deliver(ReadyMail(job.row[2], job.row[3], raw))

    return Performer(store.MAIL, load, perform, channels)


@dataclass(frozen=True, slots=True)
class ReadyMail:
    """A stored mail, unpacked and encoded: what the SMTP pool delivers."""

    envelope_from: str
    envelope_to: str
    raw: bytes


def payment_performers(gateways: Mapping[str, PaymentGateway], channels: int = 16) -> list[Performer]:
    """Performs the four things a gateway does; an earlier attempt is looked up by its key before it is repeated."""

    async def authorize(job: Job, gateway: PaymentGateway) -> Outcome:
        row = job.row
        return await gateway.authorize(
            key=row.key, order=f"{row.shop}/{row.number}", amount=row.payload["amount"], token=row.token or ""
        )

    async def capture(job: Job, gateway: PaymentGateway) -> Outcome:
        row = job.row
        return await gateway.capture(key=row.key, authorization=row.reference, amount=row.payload["amount"])

    async def void(job: Job, gateway: PaymentGateway) -> Outcome:
        return await gateway.void(key=job.row.key, authorization=job.row.reference)

    async def refund(job: Job, gateway: PaymentGateway) -> Outcome:
        row = job.row
        return await gateway.refund(key=row.key, authorization=row.reference, amount=row.payload["amount"])

    def performer(kind: str, act: Callable[[Job, PaymentGateway], Awaitable[Outcome]]) -> Performer:
        async def perform(job: Job) -> Outcome:
            gateway = gateways[job.row.gateway]
            known = await gateway.lookup(key=job.row.key) if job.attempts > 1 else None
            return known if known is not None else await act(job, gateway)

        return Performer(kind, load_effects, perform, channels)

    acts = {"authorize": authorize, "capture": capture, "void": void, "refund": refund}
    return [performer(f"payment.{name}", act) for name, act in acts.items()]


def load_effects(engine: Engine, ids: Sequence[int]) -> Mapping[int, Any]:
    """The rows of effects with what performing them needs of their orders."""
    with engine.connect() as connection:
        return {row.id: row for row in store.load_effects(connection, ids)}


@dataclass(frozen=True, slots=True)
class _Instructed:
    """An instruction's effect, its shipment, and where its supplier is reached."""

    effect: Any
    shipment: Any
    url: str | None
    secrets: Sequence[str]


def supplier_performer(channel: SupplierChannel, clock: Clock, channels: int = 16) -> Performer:
    """Hands instructions to suppliers; the address of the recipient goes from the database straight to the supplier."""

    def load(engine: Engine, ids: Sequence[int]) -> Mapping[int, Any]:
        with engine.connect() as connection:
            effects = store.load_effects(connection, ids)
            shipments = {r[0]: r for r in store.load_shipments(connection, [e.shipment_id for e in effects])}
            reached = {r[0]: r for r in store.suppliers(connection)}
        loaded = {}
        for effect in effects:
            shipment = shipments[effect.shipment_id]
            known = reached.get(shipment[1])
            loaded[effect.id] = _Instructed(effect, shipment, known[1] if known else None, known[2] if known else ())
        return loaded

    async def perform(job: Job) -> Outcome:
        work: _Instructed = job.row
        if work.url is None:
            return Outcome(Verdict.RETRY, code="no_url", says="the supplier has no URL: register one")
        return await channel.send(_instruction(work, clock), url=work.url, secrets=work.secrets)

    return Performer("supplier.instruct", load, perform, channels)


def storefront_performer(
    channel: SupplierChannel,
    *,
    allow_private: bool,
    channels: int = 16,
    refuse: Callable[..., Awaitable[str | None]] = refuse_private,
) -> Performer:
    """Posts events to storefronts, signed like everything that leaves; private targets are refused unless allowed."""

    def load(engine: Engine, ids: Sequence[int]) -> Mapping[int, Any]:
        with engine.connect() as connection:
            return {row[0]: row for row in store.load_events(connection, ids)}

    async def perform(job: Job) -> Outcome:
        _, key, payload, url, secrets = job.row
        if url is None:
            return Outcome(Verdict.DECLINED, code="client_gone", says="the storefront was revoked or has no URL")
        refused = await refuse(url, allow_private=allow_private)
        if refused is not None:
            return Outcome(Verdict.DECLINED, code="target_refused", says=refused)
        at = datetime.fromisoformat(payload["at"])
        event = Instruction(key, payload["type"], "storefront", payload["data"], at)
        return await channel.send(event, url=url, secrets=secrets)

    return Performer("storefront.event", load, perform, channels)


def _instruction(work: _Instructed, clock: Clock) -> Instruction:
    shipment_id, supplier, dispatch_on, lines = work.shipment
    document = work.effect.document
    data = {
        "shop": work.effect.shop,
        "order": work.effect.number,
        "shipment": shipment_id,
        "supplier": supplier,
        "dispatch_on": dispatch_on.isoformat() if dispatch_on else None,
        "lines": lines,
        "ship_to": document["ship_to"],
        "delivery": document.get("delivery"),
        "instructions": [],
        **work.effect.payload,
    }
    return Instruction(work.effect.key, "shipment.requested", supplier, data, clock.now())
