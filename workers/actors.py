"""Actors: one a stage, one an effect kind, made from the route; and the storefront's way in over the broker."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

import dramatiq
import structlog
from dramatiq.asyncio import get_event_loop_thread
from sqlalchemy.exc import SQLAlchemyError
from tenacity import Retrying, retry_if_exception, wait_exponential_jitter

from models.database import is_away, is_passing
from models.store.orders import OrderKey
from pipelines.engine import announce
from pipelines.engine.run import BATCH, Runner, describe
from pipelines.engine.stage import Stage
from pipelines.errors import Misconfigured, Problem, Raced
from pipelines.orders.message import keep, take_in_or_keep
from pipelines.route import ASKED, ROUTE, STAGES
from workers.broker import INTAKE, WAKE, effect_actor, stage_actor
from workers.draining import Drains
from workers.effects import queues
from workers.effects.loop import EffectLoop
from workers.near import Rings
from workers.wiring import House

log = structlog.get_logger(__name__)

#: Seconds a drain goes on before it rings itself again, so that no stage keeps a thread for ever.
SLICE = 20.0


@contextmanager
def away_is_no_fault(name: str) -> Iterator[None]:
    """A database that is away, or where others were in the way, is one line in the log: nothing is lost, and the clock rings
    again."""
    try:
        yield
    except SQLAlchemyError as error:
        if is_away(error):
            log.warning("database.away", actor=name, error=describe(error))
        elif is_passing(error):
            log.warning("database.busy", actor=name, error=describe(error))
        else:
            raise


def drain_stage(stage: Stage, runner: Runner, bell: Rings, stopping: threading.Event) -> None:
    """Decide batches of ``stage`` until nothing is due or the time slice ends; ring for what follows after each."""
    ends = time.monotonic() + SLICE
    while not stopping.is_set():
        result = runner.run_batch(stage)
        bell.ring(result.stages, result.effects, about=result.claimed)
        if result.claimed < BATCH // 2:  # others may hold a part of what was shared out to this batch
            return
        if time.monotonic() > ends:
            bell.ring({stage.name}, about=result.claimed)
            return


def deciding(bell: Rings, runner: Runner, drains: Drains) -> Callable[[str], None]:
    """What drains a stage by its name, once at a time in this process, and rings for what follows by ``bell``."""

    def decide(name: str) -> None:
        stage = STAGES[name]
        with away_is_no_fault(name):
            drains.run(name, lambda: drain_stage(stage, runner, bell, drains.stopping))

    return decide


def declare_stages(broker: dramatiq.Broker, decide: Callable[[str], None]) -> None:
    """An actor for every stage of the route, all on the one wake queue; ``decide`` drains a stage."""
    for stage in ROUTE:
        dramatiq.actor(broker=broker, actor_name=stage_actor(stage.name), queue_name=WAKE)(partial(decide, stage.name))


def performing(loop_of: Callable[[], EffectLoop]) -> Callable[[str], None]:
    """What hands a bell on to the process's effect loop, from any thread; ``loop_of`` gives it once its event loop runs."""

    def perform(kind: str) -> None:
        thread = get_event_loop_thread()
        if thread is None:
            raise Misconfigured("broker", "the AsyncIO middleware is missing")
        thread.loop.call_soon_threadsafe(loop_of().ring, kind)

    return perform


def declare_effects(broker: dramatiq.Broker, perform: Callable[[str], None]) -> None:
    """An actor for every kind of effect, whose thread is free again once ``perform`` has handed the bell on."""
    for kind, queue in queues().items():
        dramatiq.actor(broker=broker, actor_name=effect_actor(kind), queue_name=queue)(partial(perform, kind))


def declare_intake(broker: dramatiq.Broker, house: House) -> None:
    """``orders.accept`` on queue ``intake``: an order as a dict. What cannot be accepted is kept with its reasons.

    The message is acknowledged when the actor returns, so it stays here until the database took the order: one that is away,
    or where others are in the way, is waited for, without end. Whatever else there is about a message, the actor never raises for it: dramatiq would lose
    it, and write all of it into the log.
    """

    def accept(*arguments: Any, **named: Any) -> None:
        for attempt in Retrying(
            retry=retry_if_exception(_passes), wait=wait_exponential_jitter(multiplier=0.1, max=5.0)
        ):
            with attempt:
                _accept(house, arguments, named)

    dramatiq.actor(broker=broker, actor_name="orders.accept", queue_name=INTAKE, time_limit=float("inf"))(accept)


def _passes(error: BaseException) -> bool:
    """Whether the same again succeeds some time."""
    return isinstance(error, Raced) or is_passing(error)


def _accept(house: House, arguments: tuple[Any, ...], named: Mapping[str, Any]) -> None:
    given, began = [*arguments, *named.values()], time.perf_counter()
    if len(given) == 1 and named.keys() <= {"order"}:
        refused = take_in_or_keep(house.engine, house.shops, house.clock, *given)
    else:
        refused = (Problem("order", f"orders.accept takes one argument, the order as a dict; {len(given)} came."),)
        keep(house.engine, house.clock, {"args": list(arguments), "kwargs": dict(named)}, refused)
    if refused:
        log.warning("order.refused", fields=[p.field for p in refused])
        house.bell.ring(effects=[announce.KIND])
    else:
        if house.traces is not None:
            (order,) = given
            taken = [OrderKey(order["shop"], order["number"])]
            house.traces.intake(house.engine, taken, time.perf_counter() - began)
        house.bell.ring(stages=["accept"])


def check_complete(broker: dramatiq.Broker) -> None:
    """Refuse to start unless every stage and every kind of effect has its actor."""
    wanted = {stage_actor(s.name) for s in ROUTE} | {effect_actor(k) for k in ASKED} | {"orders.accept"}
    missing = sorted(wanted - broker.get_declared_actors())
    if missing:
        raise Misconfigured("workers.actors", f"no actor for {', '.join(missing)}")
