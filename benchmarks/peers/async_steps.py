"""The steps of the job for peers whose tasks are coroutines: ``steps`` with AsyncSession, aiohttp and aiosmtplib.

The books are the same: ``AsyncSession.run_sync`` is how SQLAlchemy's documentation brings such code into a coroutine.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Final, TypeVar

import aiohttp
import aiosmtplib
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import Session

from benchmarks.peers.books import SENT, Books, Charge
from benchmarks.peers.partners import EIGHT_BIT, AtOnce, instruction, signed
from benchmarks.peers.place import House, Place
from benchmarks.peers.steps import POOL, Followed
from models.mail_packing import unpack

Result = TypeVar("Result")

LINES: Final = 8
"""SMTP connections of a process."""


class AsyncOverTheNetwork:
    """One pool of HTTP connections a process, and some SMTP connections, all kept open; made within the loop that uses them."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._client = aiohttp.ClientSession(raise_for_status=True, timeout=aiohttp.ClientTimeout(30))
        self._free: list[aiosmtplib.SMTP] = []
        self._lines = asyncio.Semaphore(LINES)

    async def authorize(self, charge: Charge) -> str:
        """As ``Partners.authorize``."""
        asked = {"order": charge.order, "amount": charge.amount, "token": charge.token, "method": "card"}
        return str((await self._ask("/v1/authorizations", charge.key, asked))["id"])

    async def capture(self, charge: Charge) -> None:
        """As ``Partners.capture``."""
        await self._ask(f"/v1/authorizations/{charge.reference}/capture", charge.key, {"amount": charge.amount})

    async def instruct(self, told: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """As ``Partners.instruct``."""
        await self._post(self._place.suppliers, instruction(told))
        return None

    async def tell(self, event: Mapping[str, Any]) -> None:
        """As ``Partners.tell``."""
        await self._post(self._place.storefront, event)

    async def deliver(self, sender: str, recipient: str, raw: bytes) -> None:
        """As ``Partners.deliver``."""
        async with self._lines:
            line = self._free.pop() if self._free else await self._opened()
            await line.sendmail(sender, [recipient], raw, mail_options=EIGHT_BIT)
            self._free.append(line)

    async def _opened(self) -> aiosmtplib.SMTP:
        line = aiosmtplib.SMTP(hostname="127.0.0.1", port=int(self._place.smtp), timeout=30, start_tls=False)
        await line.connect()
        return line

    async def _ask(self, path: str, key: str, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        headers = {"authorization": f"Bearer {self._place.secret}", "idempotency-key": key}
        async with self._client.post(self._place.gateway + path, json=asked, headers=headers) as answer:
            payment: Mapping[str, Any] = (await answer.json())["payment"]
        return payment

    async def _post(self, url: str, message: Mapping[str, Any]) -> None:
        body, headers = signed(message, self._place.secret)
        async with self._client.post(url, data=body, headers=headers) as answer:
            await answer.read()


class AsyncSteps:
    """One a process; made and called within its loop."""

    def __init__(self, place: Place) -> None:
        self.house = House(place)
        assert self.house.renderer
        assert self.house.shops
        self._at_once = AtOnce(self.house.clock)
        self._partners = AsyncOverTheNetwork(place) if place.is_whole else None
        engine = create_async_engine(place.database, pool_size=POOL, max_overflow=0)
        self._sessions = async_sessionmaker(engine, autoflush=False)

    async def authorize(self, order_id: int) -> Followed:
        """Ask the gateway, confirm the order."""
        left = Followed()
        charge = await self._books(left, lambda books: books.to_authorize(order_id))
        if charge is not None:
            reference = await self._partners.authorize(charge) if self._partners else self._at_once.authorize(charge)
            await self._books(left, lambda books: books.authorized(order_id, reference))
        return left

    async def split(self, order_id: int) -> Followed:
        """Plan shipments."""
        left = Followed()
        await self._books(left, lambda books: books.split(order_id))
        return left

    async def dispatch(self, order_id: int) -> Followed:
        """Tell the suppliers."""
        left = Followed()
        for told in await self._books(left, lambda books: books.instructions(order_id)):
            news = await self._partners.instruct(told) if self._partners else self._at_once.instruct(told)
            left.news += [news] if news is not None else []
        await self._books(left, lambda books: books.instructed(order_id))
        return left

    async def notify(self, order_id: int, news: Mapping[str, Any]) -> Followed:
        """Hear that goods have left, tell the customer."""
        left = Followed()
        await self._books(left, lambda books: books.shipped(order_id, news))
        return left

    async def settle(self, order_id: int) -> Followed:
        """Take the money."""
        left = Followed()
        charge = await self._books(left, lambda books: books.to_capture(order_id))
        if charge is not None:
            if self._partners:
                await self._partners.capture(charge)
            await self._books(left, lambda books: books.captured(order_id))
        return left

    async def reward(self, order_id: int) -> Followed:
        """Points become valid."""
        left = Followed()
        await self._books(left, lambda books: books.reward(order_id))
        return left

    async def send(self, message_id: str) -> None:
        """Hand a mail to the mail server."""
        assert self._partners is not None
        async with self._sessions.begin() as session:
            mail = await session.run_sync(lambda within: Books(within, self.house).mail(message_id))
            if mail is not None and mail.packed is not None:
                await self._partners.deliver(mail.envelope_from, mail.envelope_to, unpack(mail.packed))
                mail.state, mail.sent_at = SENT, self.house.clock.now()

    async def tell(self, event: Mapping[str, Any]) -> None:
        """Tell the storefront of a move."""
        assert self._partners is not None
        await self._partners.tell(event)

    async def _books(self, left: Followed, do: Callable[[Books], Result]) -> Result:
        def within(session: Session) -> tuple[Books, Result]:
            books = Books(session, self.house)
            return books, do(books)

        session: AsyncSession
        async with self._sessions.begin() as session:
            books, result = await session.run_sync(within)
        left.follow(books)
        return result


class OwnLoop:
    """A loop in a thread of its own, for whoever enqueues from plain functions."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()

    def run(self, doing: Coroutine[Any, Any, Result]) -> Result:
        """What comes of it; raises what it raises."""
        return asyncio.run_coroutine_threadsafe(doing, self._loop).result(60)
