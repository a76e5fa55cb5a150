"""The pacemaker: rings for whatever is due and nobody rang for, so that a flushed Redis heals within about a second."""

from __future__ import annotations

import threading
import time
from typing import Final

import structlog

from models.database import glance, is_away
from models.store import leases, mails, work
from pipelines.engine.run import describe
from pipelines.route import STAGES
from workers import inbound_files, reconciliation
from workers.bounces import mailbox
from workers.effects import queues
from workers.inquiries import asking
from workers.logs import configure
from workers.periodic import Timekeeper
from workers.process.keeper import tell_ready
from workers.right_time import ClockWatch
from workers.stopping import SIGNALS, STOP_WITHIN, Stop
from workers.wiring import House, build_or_exit

log = structlog.get_logger(__name__)

#: Real seconds between two looks. A look is two index probes a stage and a kind.
PERIOD = 0.5
#: Real seconds between two looks whether a job is behind that waits for others: gateways, disks, a mail server.
SLOW = 2.0
#: The jobs that a house has where its settings or its shops name what for.
_SOMETIMES: Final = {inbound_files.JOB: inbound_files.job, mailbox.JOB: mailbox.job, asking.JOB: asking.job}
#: Real seconds between two rings of one bell: work that is being done needs no second ring.
PATIENCE = 0.5


def due(house: House) -> tuple[set[str], set[str]]:
    """The stages and the kinds of effect that have something due now."""
    with glance(house.engine) as connection:
        stages = work.due_stages(connection, list(STAGES), house.clock.now())
        return set(stages), set(leases.due_kinds(connection, list(queues())))


class Pacemaker:
    """Looks for due work and rings. It holds nothing: several may run, and one that was away catches up at once."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._rung: dict[str, float] = {}

    def look(self) -> tuple[set[str], set[str]]:
        """Ring once for every stage and kind with something due; what it rang for."""
        stages, effects = due(self._house)
        stages = {name for name in stages if self._may_ring(name)}
        effects = {name for name in effects if self._may_ring(name)}
        self._house.bell.ring(stages, effects)
        return stages, effects

    def _may_ring(self, name: str) -> bool:
        now = time.monotonic()
        if now - self._rung.get(name, -PATIENCE) < PATIENCE:
            return False
        self._rung[name] = now
        return True

    def run(self, stop: threading.Event) -> None:
        """Look until ``stop``; a database that is away is waited for, and no fault ends the clock.

        In the main thread signals set ``stop``: it is asked for and never waited on, since a handler could not set what this
        very thread holds the lock of.
        """
        clock = ClockWatch(self._house.engine)
        while not stop.is_set():
            time.sleep(PERIOD)
            try:
                self.look()
                clock.look()
            except Exception as error:  # noqa: BLE001 - the boundary of the loop; recorded. Nothing is lost, it looks again
                said = log.warning if is_away(error) else log.error
                said("clock.database_away" if is_away(error) else "clock.failed", error=describe(error))


def timekeeper(house: House) -> Timekeeper:
    """The periodic jobs of ``house``. It has the others rest that the house could have and has none of, so that nobody is called to one that
    failed until its setting was taken out."""
    return Timekeeper(
        house.engine,
        house.shops,
        house.renderer,
        house.clock,
        lambda: house.bell.ring(effects={mails.SEND}),
        resting=[name for name, job in _SOMETIMES.items() if job(house) is None],
    )


def reconciler(house: House) -> Timekeeper:
    """The nightly reconciliation, which waits for gateways."""
    return Timekeeper(
        house.engine, house.shops, house.renderer, house.clock, jobs=(reconciliation.job(house),), period=SLOW
    )


def inbound(house: House) -> Timekeeper:
    """The look into suppliers' folders, which waits for disks; raises Misconfigured where there should be folders and are none."""
    jobs = [one for one in [inbound_files.job(house)] if one is not None]
    return Timekeeper(house.engine, house.shops, house.renderer, house.clock, jobs=jobs, period=SLOW)


def bounces(house: House) -> Timekeeper:
    """The look into the mailbox of reports, which waits for its server; raises Misconfigured for what names no mailbox."""
    jobs = [one for one in [mailbox.job(house)] if one is not None]
    return Timekeeper(house.engine, house.shops, house.renderer, house.clock, jobs=jobs, period=SLOW)


def inquiries(house: House) -> Timekeeper:
    """The questions to carriers, which wait for their services; raises Misconfigured for a wrong setting of one."""
    jobs = [one for one in [asking.job(house)] if one is not None]
    return Timekeeper(house.engine, house.shops, house.renderer, house.clock, jobs=jobs, period=SLOW)


def _complete(house: House) -> None:
    """Raise Misconfigured for what this process needs: each night it asks the gateways, too."""
    house.need_gateways()
    inbound(house)
    bounces(house)
    inquiries(house)


def main(stop_within: float = STOP_WITHIN) -> None:
    """The clock process: the pacemaker, and beside it, so that a long job never stops it, the periodic jobs. Told to stop, it
    has ended ``stop_within`` seconds later."""
    configure()
    house = build_or_exit("clock", _complete)
    stop = threading.Event()
    Stop(stop_within).on(*SIGNALS, then=stop.set)
    # A gateway that is slow to tell its list, or a folder that hangs, keeps no other job waiting.
    keepers = {
        "jobs": timekeeper(house),
        "reconciliation": reconciler(house),
        "files": inbound(house),
        "bounces": bounces(house),
        "inquiries": inquiries(house),
    }
    threads = [threading.Thread(target=one.run, args=(stop,), name=name) for name, one in keepers.items()]
    for thread in threads:
        thread.start()
    tell_ready()
    Pacemaker(house).run(stop)
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()
