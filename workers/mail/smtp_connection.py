"""One SMTP connection, and one mail over it, step by step.

The one question that matters when a delivery fails is whether the server may have taken the mail, and the answer turns
on a single moment: when the final dot left us. Before it nothing was taken, so trying again is safe (RETRY). After it,
silence or a lost connection leaves the mail in doubt (UNKNOWN). A reply settles it either way. aiosmtplib reports both
kinds of silence alike, so it opens the connection, and the steps of a transaction are driven here, over ``smtp_wire``.

The envelope goes over the wire exactly as given: aiosmtplib's own ``mail`` and ``rcpt`` parse addresses once more,
which is where quotes such as those of ``"a..b"@docomo.ne.jp`` get lost (B.7.2).
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import cast
from urllib.parse import unquote, urlsplit

import aiosmtplib
from aiosmtplib.protocol import SMTPProtocol

from pipelines.errors import Misconfigured
from pipelines.ports import Outcome, Verdict
from workers.mail.lines import Lines, dots_doubled
from workers.mail.smtp_wire import Reply, Silence, SmtpWire

_DEFAULT_PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}
_NEEDS_CREDENTIALS = frozenset({530, 534, 535, 538})
_SERVICE_CLOSING = 421

_ADDRESS_IN_TEXT = re.compile(r'(?:"[^"]*"|[^\s<>"]+)@[^\s<>"]+')
_LONGEST_TEXT = 200

#: The hundred of the reply by which a step is granted, where it is not the second.
_EXPECTED = {"DATA": 3}

_QUIT_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """Where mails are handed over; ``repr`` never shows the credentials."""

    host: str
    port: int
    scheme: str
    user: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)

    @classmethod
    def from_url(cls, url: str) -> SmtpServer:
        """``smtp://``, ``smtps://`` or ``smtp+starttls://``, then ``[user:password@]host[:port]``.

        Reserved characters in user and password are percent-encoded. Raises Misconfigured, never quoting the URL.
        """
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError:
            host, port, parts = None, None, urlsplit("smtp:")
        if parts.scheme not in _DEFAULT_PORTS:
            raise Misconfigured("SMTP_URL", "it must begin with smtp://, smtps:// or smtp+starttls://")
        if not host or parts.path not in ("", "/") or parts.query or parts.fragment:
            reason = "it must read smtp://user:password@host:port; percent-encode other characters in user and password"
            raise Misconfigured("SMTP_URL", reason)
        user = unquote(parts.username) if parts.username else None
        password = unquote(parts.password or "") if user else None
        return cls(host, port or _DEFAULT_PORTS[parts.scheme], parts.scheme, user, password)

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class NoConnection(Exception):
    """No mail could even be begun. ``code`` is "connect" or "auth"; ``says`` is one sentence without secrets."""

    def __init__(self, code: str, says: str) -> None:
        self.code = code
        self.says = says
        super().__init__(says)


class _Refused(Exception):
    """The server answered a step with a code that ends the transaction."""

    def __init__(self, step: str, code: int, text: str) -> None:
        self.step = step
        self.code = code
        self.text = text
        super().__init__(step, code)


class _Silent(Exception):
    """No reply to a step: the connection was "lost", the reply came too late ("timeout") or was no SMTP ("protocol")."""

    def __init__(self, step: str, code: str) -> None:
        self.step = step
        self.code = code
        super().__init__(step, code)


class Connection:
    """An open, logged-in connection that carries one mail at a time.

    Where the server offers PIPELINING (RFC 2920), the commands before the message go together; where it offers CHUNKING (RFC 3030), the
    message goes as one chunk, without DATA and its dots. ``mails`` counts the mails begun on it; ``idle_since`` is the owner's note of
    when it was last used (monotonic seconds). Once `lost`, it is good for nothing but `drop`. ``taking``: seconds for the reply to a whole
    message.
    """

    def __init__(self, wire: SmtpWire, offers: Collection[str], taking: float) -> None:
        self._wire = wire
        self._taking = taking
        self._sizes, self._8bit = "size" in offers, "8bitmime" in offers
        self._together, self._chunks = "pipelining" in offers, "chunking" in offers
        self.mails = 0
        self.idle_since = 0.0

    @property
    def lost(self) -> bool:
        """True once either side has closed it."""
        return self._wire.lost

    async def transact(
        self, sender: bytes, recipient: bytes, message: Lines, held: Callable[[], bool] = lambda: True
    ) -> Outcome:
        """Hand one mail over. ``sender`` and ``recipient`` go between the angle brackets of MAIL FROM and RCPT TO as
        they are; the dots of ``message`` are its own. Its end leaves only while the mail is ``held``."""
        self.mails += 1
        begin = [
            ("MAIL", b"MAIL FROM:<" + sender + b">" + self._options(message)),
            ("RCPT", b"RCPT TO:<" + recipient + b">"),
        ]
        try:
            if self._chunks:
                await self._begin(begin)
                # The last line end is what a final dot is to DATA: until the server has it, it has not the chunk.
                body, end = b"BDAT %d LAST\r\n" % len(message) + message[:-2], message[-2:]
            else:
                await self._begin([*begin, ("DATA", b"DATA")])
                body, end = dots_doubled(message), b".\r\n"
            is_short = len(body) + len(end) <= self._wire.room
            if not is_short:
                await self._send(body)
            if not held():
                self.drop()
                return Outcome(Verdict.RETRY, code="lease_ended", says="It was held too long to be sent from here.")
            await (self._send_at_once(body + end) if is_short else self._end(end))
        except _Refused as refusal:
            await self._reset(refusal)
            return _refused(refusal)
        except _Silent as silence:
            self.drop()
            return Outcome(Verdict.RETRY, code=silence.code, says=f"No answer to {silence.step}: {silence.code}.")
        return await self._final_reply()

    async def is_alive(self) -> bool:
        """True if the server answers now."""
        try:
            await self._step("NOOP", b"NOOP")
        except (_Refused, _Silent):
            self.drop()
            return False
        return True

    async def quit(self) -> None:
        """Take leave and close; the server gets a moment to answer."""
        with suppress(Silence, TimeoutError):
            self._wire.ask(b"QUIT")
            async with asyncio.timeout(_QUIT_SECONDS):
                await self._wire.reply()
        self.drop()

    def drop(self) -> None:
        """Close at once, discarding what is not sent yet: a polite close might still send the final dot."""
        self._wire.drop()

    def _options(self, message: bytes) -> bytes:
        size = b" SIZE=%d" % len(message) if self._sizes else b""
        return size + b" BODY=8BITMIME" if self._8bit and not message.isascii() else size

    async def _begin(self, commands: Sequence[tuple[str, bytes]]) -> None:
        """The commands before the message: each asked once the one before was granted, or all together."""
        if not self._together:
            for step, command in commands:
                await self._step(step, command)
            return
        self._ask(commands[0][0], *(command for _, command in commands))
        refusal: _Refused | None = None
        code = 0
        for step, _ in commands:
            try:
                code, text = await self._reply(step)
            except _Silent:
                if refusal is None:
                    raise
                self.drop()  # what was refused stays refused
                break
            if refusal is None and code // 100 != _EXPECTED.get(step, 2):
                refusal = _Refused(step, code, text)
        if refusal is not None:
            if code // 100 == _EXPECTED["DATA"]:
                await self._end_without_message(refusal)
            raise refusal

    async def _end_without_message(self, refusal: _Refused) -> None:
        """The server waits for a message although nobody is to have it (RFC 2920, 3.1): a dot alone ends that. Where it may know of a
        recipient, it gets no dot either."""
        if refusal.step != "RCPT":
            self.drop()
            return
        with suppress(_Silent):
            self._ask("the end", b".")
            await self._reply("the end")

    async def _step(self, step: str, command: bytes) -> None:
        """One command and its reply, which must grant it."""
        self._ask(step, command)
        code, text = await self._reply(step)
        if code // 100 != _EXPECTED.get(step, 2):
            raise _Refused(step, code, text)

    def _ask(self, step: str, *commands: bytes) -> None:
        try:
            self._wire.ask(*commands)
        except Silence as silence:
            raise _Silent(step, silence.code) from silence

    async def _reply(self, step: str) -> Reply:
        try:
            return await self._wire.reply()
        except Silence as silence:
            raise _Silent(step, silence.code) from silence

    async def _send(self, body: bytes) -> None:
        """Send the message without its end, until the last byte of it has left this process. A server may refuse it before it has
        all."""
        try:
            self._wire.expect()
            self._wire.write(body)
            await self._wire.flushed()
        except Silence as silence:
            raise _Silent("the message", silence.code) from silence
        if self._wire.answered:
            code, text = await self._reply("the message")
            self.drop()
            raise _Refused("the message", code, text) if code // 100 in (4, 5) else _Silent("the message", "protocol")

    async def _end(self, end: bytes) -> None:
        """The point of no return. Raises _Silent only if the end surely stayed here."""
        try:
            self._wire.write(end)
        except Silence as silence:
            raise _Silent("the message", "lost") from silence

    async def _send_at_once(self, whole: bytes) -> None:
        """A short message with its end, which leaves at once or not at all: nothing of it may wait here while the mail is no longer held.
        Raises _Silent only if the end surely stayed here."""
        self._wire.expect()
        await self._end(whole)
        if not await self._wire.left_at_once():
            raise _Silent("the message", "lost")

    async def _final_reply(self) -> Outcome:
        try:
            code, text = await self._wire.reply(self._taking)
        except Silence as silence:
            self.drop()
            return Outcome(Verdict.UNKNOWN, code=silence.code, says=f"No answer to the whole message: {silence.code}.")
        if code // 100 == 2:
            return Outcome(Verdict.OK, reference=_shown(text))
        if code == _SERVICE_CLOSING or code // 100 not in (4, 5):
            self.drop()
        if code // 100 not in (4, 5):
            return Outcome(Verdict.UNKNOWN, code="protocol", says=f"A strange answer to the whole message: {code}.")
        return _refused(_Refused("the message", code, text))

    async def _reset(self, refusal: _Refused) -> None:
        """Make the connection fit for the next mail, or close it where the two sides no longer agree."""
        if refusal.code == _SERVICE_CLOSING or refusal.code // 100 not in (4, 5):
            self.drop()
            return
        try:
            await self._step("RSET", b"RSET")
        except (_Refused, _Silent):
            self.drop()


async def connect(
    server: SmtpServer, *, timeout: float, taking: float, hello: str | None = None, tls: ssl.SSLContext | None = None
) -> Connection:
    """Connect, upgrade to TLS, say EHLO as ``hello`` (this machine's name unless given) and log in.

    ``timeout`` in seconds for each of these, ``taking`` for the reply to a whole message. Raises NoConnection.
    """
    client = aiosmtplib.SMTP(
        hostname=server.host,
        port=server.port,
        timeout=timeout,
        local_hostname=hello,
        use_tls=server.scheme == "smtps",
        start_tls=server.scheme == "smtp+starttls",
        tls_context=tls,
    )
    try:
        await _greet(client, server)
        if server.user is not None:
            await _log_in(client, server)
        if client.protocol is None or client.protocol.transport is None or not client.is_connected:
            raise NoConnection("connect", f"The mail server {server} closed the connection after its greeting.")
    except BaseException:
        _drop(client, client.protocol)
        raise
    return Connection(SmtpWire(client.protocol.transport, timeout), client.esmtp_extensions, taking)


async def _greet(client: aiosmtplib.SMTP, server: SmtpServer) -> None:
    try:
        await client.connect()
        await client.ehlo()
    except (aiosmtplib.SMTPException, OSError, ValueError) as problem:
        raise NoConnection("connect", f"No connection to the mail server {server}: {_why(problem)}.") from problem


async def _log_in(client: aiosmtplib.SMTP, server: SmtpServer) -> None:
    # The causes are not chained: what was said while logging in may hold the credentials.
    try:
        await client.login(server.user or "", server.password or "")
    except (aiosmtplib.SMTPServerDisconnected, aiosmtplib.SMTPTimeoutError, OSError) as problem:
        raise NoConnection("connect", f"No login to the mail server {server}: {_why(problem)}.") from None
    except aiosmtplib.SMTPResponseException as problem:
        says = f"The mail server {server} answered {problem.code} to the login; check user and password in SMTP_URL."
        raise NoConnection("auth", says) from None
    except (aiosmtplib.SMTPException, ValueError):
        says = f"The mail server {server} offers no login over {server.scheme}; check SMTP_URL."
        raise NoConnection("auth", says) from None


def _drop(client: aiosmtplib.SMTP, protocol: SMTPProtocol | None) -> None:
    if protocol is not None and protocol.transport is not None:
        cast(asyncio.WriteTransport, protocol.transport).abort()
    client.close()


def _refused(refusal: _Refused) -> Outcome:
    says = f"The mail server answered {refusal.code} to {refusal.step}: {_shown(refusal.text)}"
    if refusal.code in _NEEDS_CREDENTIALS:
        return Outcome(Verdict.RETRY, code="auth", says=says)
    if refusal.code // 100 == 5:
        return Outcome(Verdict.DECLINED, code=str(refusal.code), says=says, data=_of_recipient(refusal))
    return Outcome(Verdict.RETRY, code=str(refusal.code), says=says)


def _of_recipient(refusal: _Refused) -> dict[str, str]:
    """What a server said of the recipient, ``{"recipient": sentence}``, where it is the recipient that it refused."""
    return {"recipient": f"{refusal.code} {_shown(refusal.text)}"} if refusal.step == "RCPT" else {}


def _shown(text: str) -> str:
    """A server's words for an operator: on one line, not too long, and without the addresses servers like to quote."""
    printable = text if text.isprintable() else "".join(one if one.isprintable() else " " for one in text)
    return _ADDRESS_IN_TEXT.sub("(address)", printable)[:_LONGEST_TEXT]


def _why(problem: Exception) -> str:
    if isinstance(problem, aiosmtplib.SMTPResponseException):
        return f"it answered {problem.code}"
    if isinstance(problem, TimeoutError):
        return "it did not answer in time"
    cause = problem.__cause__ if isinstance(problem.__cause__, OSError) else problem
    return getattr(cause, "strerror", None) or str(cause).rstrip(".") or type(cause).__name__
