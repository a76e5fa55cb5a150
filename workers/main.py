"""The worker: ``dramatiq workers.main:boot``. Fails at boot unless shops, mails, gateways and actors are complete."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
import sys
import threading
from collections.abc import Callable

import dramatiq
from dramatiq.asyncio import get_event_loop_thread
from dramatiq.middleware import Middleware

from pipelines.errors import ShukkaError
from pipelines.route import ASKED
from workers import actors
from workers.broker import make_broker
from workers.draining import Drains
from workers.effects import EFFECTS, check_performed
from workers.effects.loop import EffectLoop
from workers.logs import configure
from workers.lookout import Lookout
from workers.metrics import count_statements, serve_worker_metrics, stage_seconds
from workers.near import NearBell
from workers.process.keeper import tell_ready
from workers.settings import Settings, load
from workers.stopping import Stop, stop_of_worker
from workers.tracing import Bells
from workers.waiting import Patience
from workers.wiring import House, build

# How soon a lost connection is taken up again, in milliseconds; dramatiq's default is three seconds.
os.environ.setdefault("dramatiq_restart_delay", "500")


#: Seconds in which servers hear that we go.
LEAVE_WITHIN = 1.0


class _Loops(Middleware):
    """Builds the effect loop once the process's event loop runs, and gives its connections back at the end."""

    def __init__(self, house: House, near: NearBell, drains: Drains, decide: Callable[[str], None], stop: Stop) -> None:
        self._house = house
        self._near = near
        self._drains = drains
        self._stop = stop
        self._effects = house.effects()
        self._loop: EffectLoop | None = None
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._decide = decide
        check_performed(ASKED)
        self._performers = [performer for effect in EFFECTS.values() for performer in effect.ready(house)]

    def after_worker_boot(self, broker: dramatiq.Broker, worker: dramatiq.Worker) -> None:
        """The worker goes on by itself, and looks for itself where no bell comes."""
        perform, queues = actors.performing(self.loop), worker.consumer_whitelist
        self._near.begin(self._decide, perform, lambda queue: not queues or queue in queues)
        lookout = Lookout(self._house, self._decide, perform, self._effects)
        threading.Thread(target=lookout.run, args=(self._stopped,), name="lookout", daemon=True).start()
        tell_ready()  # and not before: a thread that could not begin would be waited for, for ever

    def before_worker_shutdown(self, broker: dramatiq.Broker, worker: dramatiq.Worker) -> None:
        """Drains end after what they are at, so that a stop takes a moment and leaves nothing in doubt."""
        self._near.stop()
        self._drains.stopping.set()
        self._stopped.set()
        thread = get_event_loop_thread()
        if self._loop is not None and thread is not None:
            asyncio.run_coroutine_threadsafe(self._ended(self._loop), thread.loop).result()

    async def _ended(self, loop: EffectLoop) -> None:
        """End what is under way, then take leave of the servers that were spoken to; one that does not listen is left."""
        await loop.ended(self._stop.finishing())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LEAVE_WITHIN):
                await asyncio.gather(*(leave() for leave in self._house.farewells), return_exceptions=True)

    def loop(self) -> EffectLoop:
        """The effect loop of this process."""
        with self._lock:
            if self._loop is None:
                house, effects = self._house, self._effects
                count_statements("effects", effects)
                self._loop = EffectLoop(effects, house.clock, self._near, self._performers, traces=house.traces)
            return self._loop


def make(settings: Settings, stop: Stop) -> dramatiq.Broker:
    """A broker with every actor declared, whose worker ends as ``stop`` says; raises Misconfigured for whatever is missing."""
    house = build(settings, "worker")
    house.need_links()
    house.need_shops()
    house.need_stores()
    count_statements("decide", house.engine)
    broker = make_broker(settings.need_broker(), consumer=True)
    if house.traces is not None:
        broker.add_middleware(Bells(house.traces))
    drains = Drains()
    near = NearBell(house.bell)
    decide = actors.deciding(near, house.runner(stage_seconds), drains)
    loops = _Loops(house, near, drains, decide, stop)
    broker.add_middleware(loops)
    broker.add_middleware(Patience())
    actors.declare_stages(broker, decide)
    actors.declare_effects(broker, actors.performing(loops.loop))
    actors.declare_intake(broker, house)
    actors.check_complete(broker)
    return broker


def _stops(stop: Stop) -> None:
    """The signals that dramatiq's process ends by begin ``stop``; it is asked to end by the first alone."""
    ask = signal.getsignal(signal.SIGTERM)
    if callable(ask):
        stop.on(signal.SIGTERM, signal.SIGHUP, then=lambda: ask(signal.SIGTERM, None))


def boot() -> None:
    """Make this process a worker, of which dramatiq runs the rest; what is missing is one line and exit 2."""
    configure()
    stop = stop_of_worker()
    _stops(stop)
    try:
        settings = load()
        made = make(settings, stop)
    except ShukkaError as refused:
        print(f"shukka worker: {refused}", file=sys.stderr)
        raise SystemExit(2) from None
    serve_worker_metrics(settings.shukka_worker_metrics_host, settings.shukka_worker_metrics_port)
    # What was built at boot stays for good: without looking it over again and again a decision takes a quarter less.
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)  # a batch makes far more objects than the 700 it would wait for
    dramatiq.set_broker(made)
