"""Where a contender's processes find everything: handed down in the environment, as a twelve-factor application's is."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import cache, cached_property, wraps
from typing import Final, Self, TypeVar

from benchmarks.peers.job import START
from pipelines.shops import Shop, load_shops
from workers.clock import SettableClock
from workers.installation import INSTALLATION
from workers.mail.rendering import Renderer

_PREFIX: Final = "PEERS_"
Made = TypeVar("Made")


@dataclass(frozen=True)
class Place:
    """``database`` and ``redis`` as SQLAlchemy and redis-py take them; ``anchor`` the real moment (Unix seconds) of the Clock's start.

    ``gateway``, ``suppliers``, ``storefront`` (URLs) and ``smtp`` (a port) are the partners of the whole path, with the ``secret`` of all
    signatures; empty where gateway and suppliers answer at once and no mail leaves.
    ``program``: the module of the peer, for its web process.
    """

    database: str
    redis: str
    anchor: str
    gateway: str = ""
    suppliers: str = ""
    storefront: str = ""
    smtp: str = ""
    secret: str = ""
    program: str = ""

    @classmethod
    def here(cls) -> Self:
        """What the environment says. Raises KeyError for what is missing."""
        return cls(**{name: os.environ[_PREFIX + name.upper()] for name in cls.__dataclass_fields__})

    def environment(self) -> Mapping[str, str]:
        """What ``here`` reads again in another process."""
        return {_PREFIX + name.upper(): value for name, value in asdict(self).items()}

    @property
    def libpq(self) -> str:
        """The database as libpq takes it."""
        return self.database.replace("postgresql+psycopg://", "postgresql://")

    @property
    def is_whole(self) -> bool:
        """Whether this is the whole path, with partners over the network."""
        return bool(self.gateway)


def once(make: Callable[[], Made]) -> Callable[[], Made]:
    """What ``make`` makes, made at the first call and once, however many threads come first together."""
    lock, made = threading.Lock(), cache(make)

    @wraps(make)
    def given() -> Made:
        with lock:
            return made()

    return given


class House:
    """What every process of a peer has once: profiles, renderer, Clock."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.clock = SettableClock(START, 1.0, float(place.anchor))

    @cached_property
    def shops(self) -> Mapping[str, Shop]:
        """Profiles by name."""
        return load_shops(installation=INSTALLATION)

    @cached_property
    def renderer(self) -> Renderer:
        """Shukka's own renderer, every template of which is compiled already."""
        renderer = Renderer("orders@shukka.example", "shukka.example")
        renderer.check()
        return renderer
