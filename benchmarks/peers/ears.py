"""The storefront that is told: a server that agrees to everything and counts, by order, which events it heard."""

from __future__ import annotations

import asyncio
import json
import re
import threading
from collections import Counter, defaultdict
from contextlib import suppress
from typing import Final

from workers.process.service import free_port

_LENGTH: Final = re.compile(rb"(?i)\r\ncontent-length:\s*(\d+)")
_KEY: Final = re.compile(rb"(?i)\r\nwebhook-id:\s*(\S+)")
_ANSWER: Final = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"


class Ears:
    """Listens in a thread of its own. ``heard``: by an order's number, how often which type came, each webhook-id counted once;
    ``events`` how many in all."""

    def __init__(self) -> None:
        self.port = free_port()
        self.heard: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._keys: set[bytes] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}/"

    @property
    def events(self) -> int:
        """Different events so far."""
        return len(self._keys)

    def __enter__(self) -> Ears:
        self._thread.start()
        start = asyncio.start_server(self._serve, "127.0.0.1", self.port, backlog=1000)
        asyncio.run_coroutine_threadsafe(start, self._loop).result(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            while head := await reader.readuntil(b"\r\n\r\n"):
                length, key = _LENGTH.search(head), _KEY.search(head)
                body = await reader.readexactly(int(length[1]) if length else 0)
                if key is not None and key[1] not in self._keys:
                    self._keys.add(key[1])
                    told = json.loads(body)
                    self.heard[told["data"]["number"]][told["type"]] += 1
                writer.write(_ANSWER)
                await writer.drain()
        writer.close()
