"""The steps of the job for peers whose tasks are plain functions: open a transaction, commit, touch the world, open the next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker

from benchmarks.peers.books import SENT, Books
from benchmarks.peers.partners import partners
from benchmarks.peers.place import House, Place
from models.mail_packing import unpack

#: Connections a process keeps: as many as it has threads at most.
POOL: Final = 16


@dataclass
class Followed:
    """What a step leaves to be queued: the mails (Message-IDs) and events that must leave, and suppliers' news that came at once."""

    mails: list[str] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    news: list[Mapping[str, Any]] = field(default_factory=list)

    def follow(self, books: Books) -> None:
        """Add what leaves once ``books`` are committed; on the engine path nothing does."""
        if books.house.place.is_whole:
            self.mails += books.mails
            self.events += books.events


class Steps:
    """One a process; safe to call from its threads."""

    def __init__(self, place: Place) -> None:
        self.house = House(place)
        self._partners = partners(place, self.house.clock)
        engine = create_engine(place.database, pool_size=POOL, max_overflow=0)
        self._sessions = sessionmaker(engine, autoflush=False)

    def warm_up(self) -> None:
        """Compile what is compiled once."""
        assert self.house.renderer
        assert self.house.shops

    def take(self, raw: Mapping[str, Any]) -> tuple[int, Followed]:
        """Store an order; its id. Raises Invalid, ValueError."""
        left = Followed()
        with self._books(left) as books:
            order_id = books.take(raw)
        return order_id, left

    def order_of(self, shipment: str) -> int | None:
        """The order of a shipment that a supplier names."""
        with self._books(Followed()) as books:
            return books.order_of(shipment)

    def authorize(self, order_id: int) -> Followed:
        """Ask the gateway, confirm the order."""
        left = Followed()
        with self._books(left) as books:
            charge = books.to_authorize(order_id)
        if charge is not None:
            reference = self._partners.authorize(charge)
            with self._books(left) as books:
                books.authorized(order_id, reference)
        return left

    def split(self, order_id: int) -> Followed:
        """Plan shipments."""
        left = Followed()
        with self._books(left) as books:
            books.split(order_id)
        return left

    def dispatch(self, order_id: int) -> Followed:
        """Tell the suppliers."""
        left = Followed()
        with self._books(left) as books:
            told = books.instructions(order_id)
        found = [self._partners.instruct(one) for one in told]
        left.news = [one for one in found if one is not None]
        with self._books(left) as books:
            books.instructed(order_id)
        return left

    def notify(self, order_id: int, news: Mapping[str, Any]) -> Followed:
        """Hear that goods have left, tell the customer."""
        left = Followed()
        with self._books(left) as books:
            books.shipped(order_id, news)
        return left

    def settle(self, order_id: int) -> Followed:
        """Take the money."""
        left = Followed()
        with self._books(left) as books:
            charge = books.to_capture(order_id)
        if charge is not None:
            self._partners.capture(charge)
            with self._books(left) as books:
                books.captured(order_id)
        return left

    def reward(self, order_id: int) -> Followed:
        """Points become valid."""
        left = Followed()
        with self._books(left) as books:
            books.reward(order_id)
        return left

    def send(self, message_id: str) -> None:
        """Hand a mail to the mail server."""
        with self._books(Followed()) as books:
            mail = books.mail(message_id)
            if mail is not None and mail.packed is not None:
                self._partners.deliver(mail.envelope_from, mail.envelope_to, unpack(mail.packed))
                mail.state, mail.sent_at = SENT, self.house.clock.now()

    def tell(self, event: Mapping[str, Any]) -> None:
        """Tell the storefront of a move."""
        self._partners.tell(event)

    @contextmanager
    def _books(self, left: Followed) -> Iterator[Books]:
        with self._sessions.begin() as session:
            books = Books(session, self.house)
            yield books
        left.follow(books)


def steps() -> Steps:
    """Those of this process, as the environment says."""
    made = Steps(Place.here())
    made.warm_up()
    return made
