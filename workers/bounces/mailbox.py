"""A mailbox into which reports come: looked into over IMAP by one clock at a time; a message is marked as seen once it is kept.

``SHUKKA_BOUNCES_URL=imaps://user:password@host:993/INBOX`` (``imap://`` without TLS). It is a mailbox for reports alone: whatever lies in it
unseen is read and marked, and what is no report is kept as that.
"""

from __future__ import annotations

import hashlib
import imaplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Self
from urllib.parse import unquote, urlsplit

import structlog

from pipelines.bounces import message
from pipelines.bounces.receiving import Told, receive
from pipelines.errors import Misconfigured, Unreachable
from pipelines.points.jobs import Period, PeriodicJob, Tools
from workers.wiring import House

log = structlog.get_logger(__name__)

JOB: Final = "bounces"
"""The job's name."""
EVERY: Final = timedelta(seconds=60)
"""How often it is looked into, by the Clock."""
_TIMEOUT: Final = 20.0
"""Seconds for an answer of the server."""
_AT_ONCE: Final = 50
"""Messages a step: each step is kept and marked before the next."""
_PORTS: Final = {"imaps": 993, "imap": 143}


@dataclass(frozen=True, slots=True)
class Mailbox:
    """Where the mailbox is, and who opens it."""

    secure: bool
    host: str
    port: int
    user: str
    password: str
    folder: str

    @classmethod
    def read(cls, url: str) -> Self:
        """Raises Misconfigured, without repeating the password, for what names no mailbox."""
        try:
            parts = urlsplit(url)
            port = parts.port or _PORTS[parts.scheme]
            host, user, password = parts.hostname or "", parts.username or "", parts.password or ""
        except (ValueError, KeyError):
            host = user = ""
        if not host or not user:
            raise Misconfigured("SHUKKA_BOUNCES_URL", "write it as imaps://user:password@host:993/INBOX")
        folder = unquote(parts.path.strip("/")) or "INBOX"
        return cls(parts.scheme == "imaps", host, port, unquote(user), unquote(password), folder)

    @contextmanager
    def opened(self) -> Iterator[imaplib.IMAP4]:
        """The server, with the folder selected. Raises Unreachable, in words without user and password, for what it or the network does."""
        doing = "does not let us in"
        try:
            server = self._connected()
            try:
                doing = "refuses the login; check user and password in SHUKKA_BOUNCES_URL"
                server.login(self.user, self.password)
                doing = "does not open the folder that SHUKKA_BOUNCES_URL names"
                quoted = self.folder.replace("\\", "\\\\").replace('"', '\\"')
                _answered(server.select(f'"{quoted}"'))
                doing = "refuses to tell what lies there, or to mark it"
                yield server
            finally:
                _take_leave(server)
        except imaplib.IMAP4.abort:  # it is an error, too
            raise Unreachable(f"{self.host}:{self.port} ended the connection") from None
        except imaplib.IMAP4.error:
            raise Unreachable(f"{self.host}:{self.port} {doing}") from None
        except OSError as error:
            raise Unreachable(f"{self.host}:{self.port} cannot be reached: {_why(error)}") from None

    def _connected(self) -> imaplib.IMAP4:
        if self.secure:
            return imaplib.IMAP4_SSL(self.host, self.port, ssl_context=ssl.create_default_context(), timeout=_TIMEOUT)
        return imaplib.IMAP4(self.host, self.port, timeout=_TIMEOUT)


def job(house: House) -> PeriodicJob | None:
    """The look into the mailbox; None where none is named."""
    url = house.settings.shukka_bounces_url
    if not url:
        return None
    mailbox = Mailbox.read(url)

    def boundary(now: datetime) -> datetime:
        return now - timedelta(seconds=now.timestamp() % EVERY.total_seconds())

    def look(tools: Tools, period: Period) -> None:
        take(house, mailbox, tools)  # what fails is logged as of any job, and tried again in a minute

    return PeriodicJob(JOB, boundary, look)


def take(house: House, mailbox: Mailbox, tools: Tools) -> int:
    """Keep every unseen message that the server gives; how many were new. What was kept is marked as seen after its commit, so that nothing is lost
    between the two; what was kept and not marked is known by its digest the next time."""
    new = 0
    with mailbox.opened() as server:
        waiting = _answered(server.uid("SEARCH", "UNSEEN")).split()
        for start in range(0, len(waiting), _AT_ONCE):
            tools.transact(lambda connection: None)  # the lease is kept, or the look ends here
            step = waiting[start : start + _AT_ONCE]
            read = {uid: raw for uid in step if (raw := _message(server, uid)) is not None}
            if len(read) < len(step):
                log.warning("bounces.unread", host=mailbox.host, messages=len(step) - len(read))
            told = [Told("mail:mailbox", hashlib.sha256(raw).hexdigest(), message.read(raw)) for raw in read.values()]
            new += sum(receive(house.engine, house.clock, told))
            if read:
                _answered(server.uid("STORE", b",".join(read).decode("ascii"), "+FLAGS.SILENT", r"(\Seen)"))
    if new:
        log.info("bounces.taken", reports=new)
    return new


def _message(server: imaplib.IMAP4, uid: bytes) -> bytes | None:
    """The message's first bytes, without marking it; None where the server does not give it: it keeps no other waiting, and is asked for
    again."""
    kind, parts = server.uid("FETCH", uid.decode("ascii"), f"(BODY.PEEK[]<0.{message.LONGEST}>)")
    given = (part[-1] for part in parts if isinstance(part, tuple)) if kind == "OK" else iter(())
    return next(given, None)


def _take_leave(server: imaplib.IMAP4) -> None:
    try:
        server.logout()
    except (OSError, imaplib.IMAP4.error):
        server.shutdown()


def _why(error: OSError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {error.verify_message.rstrip('.')}"
    return "it does not answer in time" if isinstance(error, TimeoutError) else error.strerror or type(error).__name__


def _answered(answer: tuple[str, list[bytes | None]]) -> bytes:
    """What the server said; raises imaplib's error where it said no."""
    kind, said = answer
    if kind != "OK":
        raise imaplib.IMAP4.error("the server refused a command")
    return b" ".join(part for part in said if part)
