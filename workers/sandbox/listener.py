"""Where storefronts hear of their orders: ``python -m workers.sandbox.listener --secrets-file FILE``.

One process plays any number of them, each under its own path: ``POST /{name}`` takes a signed event and answers 200 once
``{"kind": "event", "id", "type", "data", "to"}`` is in the journal, each time that it comes. ``--secrets-file``:
JSON {"name": "whsec_..."}. ``POST /_faults`` changes the switches.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

import orjson

from workers.http.signing import SignatureRefused, verify
from workers.sandbox import process
from workers.sandbox.faults import Faults
from workers.sandbox.http_server import Reply, Request, serving
from workers.sandbox.journal import Journal

FAULTS = {
    "down_rate": 0.0,  # 503, and nothing was heard
}


class Listener:
    """Hears events; ``secrets`` are each storefront's."""

    def __init__(self, secrets: Mapping[str, str], journal: Journal, faults: Faults) -> None:
        self._secrets = secrets
        self._journal = journal
        self._faults = faults

    async def handle(self, request: Request) -> Reply | None:
        """Answer one request."""
        if request.method != "POST":
            return Reply(405)
        if request.path == "/_faults":
            return process.change_faults(self._faults, request)
        name = request.path.strip("/")
        if name not in self._secrets:
            return Reply(404)
        if self._faults.strikes("down_rate"):
            return Reply(503)
        try:
            webhook_id = verify([self._secrets[name]], request.headers, request.body, now=int(time.time()))
            said = request.json()
            record = {"kind": "event", "id": webhook_id, "type": said["type"], "data": said["data"], "to": name}
        except SignatureRefused as error:
            return Reply(401, {"detail": str(error)})
        except (ValueError, KeyError, TypeError) as error:
            return Reply(400, {"detail": f"no event: {error}"})
        await self._journal.write(record)
        return Reply(200)


async def main() -> None:
    """Serve until SIGTERM."""
    options = process.parser("workers.sandbox.listener", "Where storefronts hear of their orders.")
    options.add_argument("--secrets-file", type=Path, required=True, help='JSON {"name": "whsec_..."}')
    arguments = options.parse_args()
    faults = Faults(FAULTS, seed=arguments.seed)
    faults.set_flags(arguments.fault)
    stop = process.stop_signal()
    async with Journal(arguments.journal) as journal:
        listener = Listener(orjson.loads(arguments.secrets_file.read_bytes()), journal, faults)
        async with serving(listener.handle, arguments.port) as port:
            process.announce(port)
            await stop.wait()


if __name__ == "__main__":
    process.run(main)
