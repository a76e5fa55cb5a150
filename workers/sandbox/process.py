"""What every process of the simulated world does alike: options, the ready line, a clean stop."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import orjson
import uvloop

from pipelines.errors import Invalid, Misconfigured, Problem
from workers.clock import AnyClock, from_settings
from workers.sandbox.agenda import Agenda
from workers.sandbox.faults import Faults
from workers.sandbox.http_server import Handler, Reply, Request, serving


def parser(module: str, about: str) -> argparse.ArgumentParser:
    """Options that all processes share: ``--port``, ``--journal``, ``--fault``, ``--seed`` and the clock's three."""
    options = argparse.ArgumentParser(prog=f"python -m {module}", description=about)
    options.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0 takes a free one")
    options.add_argument("--journal", type=Path, required=True, help="append-only JSON lines of what was seen and done")
    options.add_argument("--fault", action="append", default=[], metavar="NAME=VALUE", help="set a fault switch")
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--clock", metavar="ISO", help="time at which the clock starts; the present if left out")
    options.add_argument("--clock-rate", type=float, default=1.0, help="business seconds in a real second")
    options.add_argument("--clock-anchor", type=float, metavar="EPOCH", help="real time at which the clock starts")
    return options


def clock_of(arguments: argparse.Namespace) -> AnyClock:
    """The clock the options ask for. Raises Misconfigured."""
    return from_settings(arguments.clock, arguments.clock_rate, arguments.clock_anchor)


def range_of(word: str) -> tuple[float, float]:
    """``"20,90"`` as (20.0, 90.0), an option's type. Raises ArgumentTypeError."""
    low, _, high = word.partition(",")
    try:
        bounds = float(low), float(high or low)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{word!r} must be two numbers such as 20,90") from None
    if not 0 <= bounds[0] <= bounds[1]:
        raise argparse.ArgumentTypeError(f"{word!r} must go from the smaller to the larger number")
    return bounds


def run(main: Callable[[], Awaitable[None]]) -> None:
    """Run ``main`` to its end; a wrong setting ends the process with one sentence and exit code 2.

    What it writes, journals and mails, is for its own user: real people's addresses may be in them.
    """
    os.umask(0o077)
    try:
        uvloop.run(_coroutine(main))
    except Misconfigured as error:
        sys.exit(_refused(str(error)))
    except Invalid as error:
        sys.exit(_refused("; ".join(f"{problem.field} {problem.message}" for problem in error.problems)))
    except OSError as error:
        sys.exit(_refused(f"cannot start: {error}"))


def announce(port: int | None, **more: object) -> None:
    """Tell the starter, in one line of JSON on stdout, that requests are served now."""
    sys.stdout.write(orjson.dumps({"ready": True, "port": port, **more}).decode() + "\n")
    sys.stdout.flush()


def stop_signal() -> asyncio.Event:
    """An event set by SIGTERM or SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    return stop


async def serve_with(handler: Handler, agenda: Agenda, port: int, stop: asyncio.Event) -> None:
    """Serve requests and the agenda until ``stop``; an agenda that fails ends the process."""
    async with serving(handler, port) as bound:
        announce(bound)
        work, asked_to_stop = asyncio.create_task(agenda.run()), asyncio.create_task(stop.wait())
        await asyncio.wait({work, asked_to_stop}, return_when=asyncio.FIRST_COMPLETED)
        asked_to_stop.cancel()
        if work.done():
            work.result()
        work.cancel()
        await asyncio.wait({work})


def change_faults(faults: Faults, request: Request) -> Reply:
    """Answer ``POST /_faults``: the switches after the change, or 422 with the field that is wrong."""
    try:
        return Reply(200, faults.set(request.json()))
    except ValueError as error:
        return Reply(400, {"error": {"code": "json", "message": str(error)}})
    except Invalid as error:
        return Reply(422, {"errors": [_shown(problem) for problem in error.problems]})


async def _coroutine(main: Callable[[], Awaitable[None]]) -> None:
    await main()


def _refused(sentence: str) -> int:
    sys.stderr.write(sentence + "\n")
    return 2


def _shown(problem: Problem) -> dict[str, str]:
    return {"field": problem.field, "message": problem.message}
