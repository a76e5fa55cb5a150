"""A line to a mail server that offers what a test wants, and what is delivered over it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any, TypeVar

import pytest
import uvloop

from pipelines.ports import Outcome, RenderedMail
from tests.mail.raw_sink import Sink
from workers.mail.smtp import SmtpPool

T = TypeVar("T")

SHORT = 0.2


def mail(to: str = "takahashi@example.jp", *, sender: str = "shop@salon.example", raw: bytes = b"") -> RenderedMail:
    return RenderedMail(
        message_id="<1@salon.example>",
        template="order_accepted",
        envelope_from=sender,
        envelope_to=to,
        subject="ご注文",
        raw=raw or b"Subject: order\r\n\r\nThank you.\r\n",
    )


class Line:
    """Runs coroutines on an event loop that the service may have, before mail servers that offer the same extensions."""

    def __init__(self, runner: asyncio.Runner, offers: Sequence[str]) -> None:
        self._runner = runner
        self.offers = offers

    @property
    def steps(self) -> Sequence[str]:
        """The steps of one mail, up to the end of its message."""
        return ("MAIL", "RCPT", "BODY", ".") if self.is_chunked else ("MAIL", "RCPT", "DATA", "BODY", ".")

    @property
    def is_chunked(self) -> bool:
        return "CHUNKING" in self.offers

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(coroutine)

    def sink(self, script: Mapping[str, Sequence[str]] | None = None, **options: Any) -> Sink:
        return Sink(script or {}, offers=self.offers, **options)


LINES = {
    "plain": (asyncio.new_event_loop, ()),
    "plain, uvloop": (uvloop.new_event_loop, ()),
    "PIPELINING": (asyncio.new_event_loop, ("PIPELINING",)),
    "PIPELINING and CHUNKING": (asyncio.new_event_loop, ("PIPELINING", "CHUNKING")),
    "PIPELINING and CHUNKING, uvloop": (uvloop.new_event_loop, ("PIPELINING", "CHUNKING")),
}


#: What comes before the first mail, or instead of it, is the same whatever the server offers.
ON_A_PLAIN_LINE = pytest.mark.parametrize("line", ["plain"], indirect=True)


async def deliver(sink: Sink, *mails: RenderedMail, timeout: float = 5, **options: Any) -> list[Outcome]:
    """The outcomes of ``mails``, one after the other over one pool."""
    async with sink:
        pool = SmtpPool(options.pop("url", None) or sink.url, timeout=timeout, **options)
        outcomes = [await pool.deliver(one) for one in mails or (mail(),)]
        await pool.aclose()
        return outcomes
