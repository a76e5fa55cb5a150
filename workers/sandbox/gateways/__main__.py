"""Serve one fake gateway until SIGTERM."""

from __future__ import annotations

import asyncio
import contextlib
import importlib

from workers.sandbox import process
from workers.sandbox.faults import Faults
from workers.sandbox.gateways.provider import FAULTS, Provider, Served
from workers.sandbox.http_client import HttpClient
from workers.sandbox.http_server import serving
from workers.sandbox.journal import Journal

_TICK = 0.2


async def main() -> None:
    """Serve, and let time pass at the provider."""
    options = process.parser("workers.sandbox.gateways", "A fake of a real payment gateway.")
    options.add_argument("name", help="which gateway, such as stripe")
    options.add_argument("--webhook-url", help="where its notices are posted")
    arguments = options.parse_args()
    faults = Faults(FAULTS, seed=arguments.seed)
    faults.set_flags(arguments.fault)
    made: type[Provider] = importlib.import_module(f"workers.sandbox.gateways.{arguments.name}").PROVIDER
    stop = process.stop_signal()
    async with Journal(arguments.journal) as journal, HttpClient() as client:
        clock = process.clock_of(arguments)
        served = Served(made(), journal, clock, faults, client, notices=arguments.webhook_url, seed=arguments.seed)
        async with serving(served.handle, arguments.port) as port:
            process.announce(port)
            while not stop.is_set():
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), _TICK)
                await served.tick()
        await served.aclose()


if __name__ == "__main__":
    process.run(main)
