"""Delivering ready mails to an SMTP server over a pool of kept connections."""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final, Protocol

from pipelines.errors import Unreachable
from pipelines.ports import Outcome, Verdict
from workers.mail.lines import Lines, with_line_ends
from workers.mail.smtp_connection import Connection, NoConnection, SmtpServer, connect

_MAILBOX = re.compile(r'(?:"(?:[^"\\]|\\.)*"|[^\s<>"]+)@[^\s<>"]+')


class Deliverable(Protocol):
    """A mail that is ready to go, such as `pipelines.ports.RenderedMail`.

    ``envelope_from`` may be empty (no bounces wanted); ``envelope_to`` is quoted where its local part asks for it;
    ``raw`` is the whole message.
    """

    @property
    def envelope_from(self) -> str: ...
    @property
    def envelope_to(self) -> str: ...
    @property
    def raw(self) -> bytes: ...


#: Seconds after which a connection carries no further mail: what made one mail slow there is not handed on to the next.
SLOW: Final = 5.0


#: Seconds for the reply to a whole message, which a server may look through before it takes it (RFC 5321, 4.5.3.2.6): who gives up sooner
#: sends the mail once more.
TAKING: Final = 100.0


class SmtpPool:
    """At most ``size`` connections to one server, kept open between mails and replaced when they die.

    ``timeout`` bounds each step (connecting, one reply), ``taking`` the reply to a whole message, in seconds. A connection is given up after
    ``mails_per_connection`` mails, after one that took longer than ``slow`` seconds, and after ``max_idle`` seconds without one,
    before the server does so. ``hello`` is
    the name this side gives in EHLO; ``tls`` replaces the system's trust store for smtps and smtp+starttls. A pool
    belongs to one event loop. Raises Misconfigured for a wrong ``url``; no message ever repeats the URL.
    """

    def __init__(
        self,
        url: str,
        *,
        size: int = 8,
        timeout: float = 20,
        taking: float = TAKING,
        mails_per_connection: int = 100,
        max_idle: float = 30,
        slow: float = SLOW,
        hello: str | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._server = SmtpServer.from_url(url)
        self._timeout = timeout
        self._taking = taking
        self._mails_per_connection = mails_per_connection
        self._max_idle = max_idle
        self._slow = slow
        self._hello = hello
        self._tls = tls
        self._slots = asyncio.Semaphore(size)
        self._idle: list[Connection] = []
        self._closed = False

    def __repr__(self) -> str:
        return f"SmtpPool({self._server})"

    async def deliver(self, mail: Deliverable, held: Callable[[], bool] = lambda: True) -> Outcome:
        """Hand ``mail`` over and say what became of it; never raises for what the network or the server does.

        ``held`` is asked right before the end of the message leaves, of a short one the whole: False keeps it back, since another
        process may be sending the mail by now.

        OK        the server took it; ``reference`` is its reply
        DECLINED  it refused this mail for good (5xx); ``code`` is the SMTP code, or "address" for an unusable envelope;
                  ``data["recipient"]`` is what it said of the recipient, where that is what it refused
        RETRY     it has surely not taken it: a 4xx, no connection ("connect"), silence before the final dot ("lost",
                  "timeout"), not held any more ("lease_ended"), or it wants other credentials ("auth"), which is no
                  fault of the mail
        UNKNOWN   silence after the final dot, or the last byte of a chunk: the mail may be on its way
        """
        try:
            sender, recipient = _path(mail.envelope_from or None), _path(mail.envelope_to)
        except ValueError as problem:
            return Outcome(Verdict.DECLINED, code="address", says=str(problem))
        message = with_line_ends(mail.raw)
        async with self._slots:
            try:
                return await self._deliver(sender, recipient, message, held)
            except NoConnection as problem:
                return Outcome(Verdict.RETRY, code=problem.code, says=problem.says)

    async def check(self) -> None:
        """Raises Unreachable, with one sentence, unless the server lets us in and answers now."""
        async with self._slots:
            try:
                for fresh in (False, True):
                    async with self._connection(fresh=fresh) as connection:
                        if await connection.is_alive():
                            return
            except NoConnection as problem:
                raise Unreachable(problem.says) from None
        raise Unreachable(f"The mail server {self._server} does not answer.")

    async def aclose(self) -> None:
        """Take leave of the server on every idle connection; a busy one closes when its mail is done."""
        self._closed = True
        idle, self._idle = self._idle, []
        await asyncio.gather(*(connection.quit() for connection in idle))

    async def _deliver(self, sender: bytes, recipient: bytes, message: Lines, held: Callable[[], bool]) -> Outcome:
        """Over a kept connection if there is one; if that turns out dead, at once again over a fresh one."""
        async with self._connection() as connection:
            kept = connection.mails > 0
            outcome = await connection.transact(sender, recipient, message, held)
        if kept and connection.lost and outcome.verdict is Verdict.RETRY:
            async with self._connection(fresh=True) as connection:
                outcome = await connection.transact(sender, recipient, message, held)
        return outcome

    @asynccontextmanager
    async def _connection(self, *, fresh: bool = False) -> AsyncIterator[Connection]:
        connection = (None if fresh else await self._take_idle()) or await self._open()
        began = time.monotonic()
        try:
            yield connection
        except BaseException:  # cancelled in the middle: what the server says next belongs to a mail we gave up
            connection.drop()
            raise
        if connection.lost or time.monotonic() - began > self._slow:
            connection.drop()
        elif self._closed or connection.mails >= self._mails_per_connection:
            await connection.quit()
        else:
            connection.idle_since = time.monotonic()
            self._idle.append(connection)

    async def _take_idle(self) -> Connection | None:
        """The connection used last, if it can still be used. Those below it age until they are given up here."""
        while self._idle:
            connection = self._idle.pop()
            if connection.lost:
                connection.drop()
            elif time.monotonic() - connection.idle_since > self._max_idle:
                await connection.quit()
            else:
                return connection
        return None

    async def _open(self) -> Connection:
        if self._hello is None:  # asked once: this may query DNS
            self._hello = await asyncio.to_thread(socket.getfqdn)
        if self._tls is None and self._server.scheme != "smtp":  # built once: this reads hundreds of certificates
            self._tls = await asyncio.to_thread(ssl.create_default_context)
        return await connect(self._server, timeout=self._timeout, taking=self._taking, hello=self._hello, tls=self._tls)


def _path(address: str | None) -> bytes:
    """What goes between the angle brackets; None is the null sender. Raises ValueError with a sentence."""
    if address is None:
        return b""
    if not (address.isascii() and address.isprintable() and _MAILBOX.fullmatch(address)):
        raise ValueError("An address of the envelope cannot be sent over SMTP; quote its local part or correct it.")
    return address.encode("ascii")
