"""Somebody else in a partner's place: takes every connection and answers each request with the same bytes."""

from __future__ import annotations

import asyncio
import re
import threading
from types import TracebackType
from typing import Final, Self

_LENGTH: Final = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")


def reply(status: str, *headers: str) -> bytes:
    """An HTTP answer without a body, after which the connection is closed."""
    return "\r\n".join((f"HTTP/1.1 {status}", *headers, "content-length: 0", "connection: close", "", "")).encode()


class Impostor:
    """Listens on ``127.0.0.1:port`` in a thread of its own; ``answered`` counts the requests that it answered."""

    def __init__(self, answer: bytes) -> None:
        self.port = 0
        self.answered = 0
        self._answer = answer
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="impostor", daemon=True)

    def __enter__(self) -> Self:
        """Begin to listen. Raises OSError where no port is free."""
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(30)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Listen no more; who is connected is cut off."""
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(30)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        (listener,) = self._server.sockets
        _, self.port = listener.getsockname()

    async def _close(self) -> None:
        self._server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            if length := _LENGTH.search(head):
                await reader.readexactly(int(length[1]))
            writer.write(self._answer)
            await writer.drain()
            self.answered += 1
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # whoever asked is gone: nothing was answered
        finally:
            writer.close()
