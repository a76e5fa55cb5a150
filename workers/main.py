"""The worker: ``dramatiq workers.main``. Fails at boot unless shops, mails, gateways and actors are complete."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType

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
from workers.metrics import serve_worker_metrics, stage_seconds
from workers.process.service import READY_FILE
from workers.settings import Settings, load
from workers.wiring import House, build

# How quickly a bell is heard and a lost connection is taken up again, in milliseconds; dramatiq's defaults are a
# second and three.
os.environ.setdefault("dramatiq_worker_timeout", "50")
os.environ.setdefault("dramatiq_restart_delay", "500")


#: Seconds that effects under way may take to end when the process is to end.
STOP = 6.0


class _Loops(Middleware):
    """Builds the effect loop once the process's event loop runs, and gives its connections back at the end."""

    def __init__(self, house: House, drains: Drains, decide: Callable[[str], None]) -> None:
        self._house = house
        self._drains = drains
        self._loop: EffectLoop | None = None
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._decide = decide
        check_performed(ASKED)
        self._performers = [performer for effect in EFFECTS.values() for performer in effect.ready(house)]

    def after_worker_boot(self, broker: dramatiq.Broker, worker: dramatiq.Worker) -> None:
        """The worker looks for itself where no bell comes."""
        lookout = Lookout(self._house, self._decide, actors.performing(self.loop))
        threading.Thread(target=lookout.run, args=(self._stopped,), name="lookout", daemon=True).start()

    def before_worker_shutdown(self, broker: dramatiq.Broker, worker: dramatiq.Worker) -> None:
        """Drains end after what they are at, so that a stop takes a moment and leaves nothing in doubt."""
        self._drains.stopping.set()
        self._stopped.set()
        thread = get_event_loop_thread()
        if self._loop is not None and thread is not None:
            asyncio.run_coroutine_threadsafe(self._loop.ended(STOP), thread.loop).result()

    def loop(self) -> EffectLoop:
        """The effect loop of this process."""
        with self._lock:
            if self._loop is None:
                house = self._house
                self._loop = EffectLoop(house.effects(), house.clock, house.bell, self._performers)
            return self._loop


def make(settings: Settings) -> dramatiq.Broker:
    """A broker with every actor declared; raises Misconfigured for whatever is missing."""
    house = build(settings, "worker")
    broker = make_broker(settings.need_broker(), consumer=True)
    drains = Drains()
    decide = actors.deciding(house, house.runner(stage_seconds), drains)
    loops = _Loops(house, drains, decide)
    broker.add_middleware(loops)
    actors.declare_stages(broker, decide)
    actors.declare_effects(broker, actors.performing(loops.loop))
    actors.declare_intake(broker, house)
    actors.check_complete(broker)
    return broker


def _stop_once() -> None:
    """One SIGTERM ends this process in good order, and all that follow say the same: who signals the whole process group, as
    honcho does, and the master that passes the signal on would else be taken for somebody who has lost patience."""
    stop = signal.getsignal(signal.SIGTERM)
    told = False

    def once(number: int, frame: FrameType | None) -> None:
        nonlocal told
        if not told and callable(stop):
            told = True
            stop(number, frame)

    if callable(stop):
        signal.signal(signal.SIGTERM, once)


def _boot() -> dramatiq.Broker:
    configure()
    _stop_once()
    try:
        made = make(load())
    except ShukkaError as refused:
        print(f"shukka worker: {refused}", file=sys.stderr)
        raise SystemExit(2) from None
    serve_worker_metrics()
    # What was built at boot stays for good: without looking it over again and again a decision takes a quarter less.
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)  # a batch makes far more objects than the 700 it would wait for
    dramatiq.set_broker(made)
    if told := os.environ.get(READY_FILE):
        Path(told).touch(mode=0o600)
    return made


if os.environ.get("SHUKKA_NO_BOOT") != "1":
    broker = _boot()
