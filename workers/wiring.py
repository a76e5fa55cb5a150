"""The composition root: the one place where settings become engines, adapters, shops and clocks."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Final, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from models.database import DECIDE, EFFECTS, INTAKE, Limits, connect, glance
from models.store import orders, pickups
from pipelines.engine.run import Runner
from pipelines.errors import Misconfigured, ShukkaError
from pipelines.gateway import Adapter
from pipelines.orders.act import actions
from pipelines.ports import Clock
from pipelines.route import STAGES
from pipelines.shops import Shop, load_shops
from pipelines.shops.fulfilling import AUTO
from pipelines.suppliers.channel import Sender
from pipelines.suppliers.instructions import MAIL, WEBHOOK
from workers import payments
from workers.bounces import MAIL_PROVIDERS
from workers.broker import Bell, make_broker
from workers.channels import CHANNELS
from workers.effects import queues
from workers.inquiries.services import services
from workers.installation import INSTALLATION
from workers.mail.overrides import read as read_overrides
from workers.mail.rendering import Renderer
from workers.settings import Settings, load, read
from workers.tracing import Traces, traces_of
from workers.web.links import Links

T = TypeVar("T")


@dataclass(frozen=True)
class House:
    """What every process of Shukka stands on; ``environment`` is where adapters find their own settings."""

    settings: Settings
    engine: Engine
    shops: Mapping[str, Shop]
    clock: Clock
    bell: Bell
    renderer: Renderer
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)
    farewells: list[Callable[[], Awaitable[None]]] = field(default_factory=list, repr=False)
    """What takes leave of the world once a worker has ended everything."""
    traces: Traces | None = None
    """What records traces; None where no collector is named."""

    def need_links(self) -> None:
        """Raise Misconfigured where mails have links that nobody could open."""
        if self.settings.links is None:
            name = "SHUKKA_PUBLIC_URL" if not self.settings.shukka_public_url else "SHUKKA_LINK_SECRET"
            says = "it is not set, so no customer could name the account for a refund; `shukka up` sets both it and"
            other = ({"SHUKKA_PUBLIC_URL", "SHUKKA_LINK_SECRET"} - {name}).pop()
            raise Misconfigured(name, f"{says} {other}")

    def need_shops(self) -> None:
        """Raise Misconfigured where a shop has no profile any more whose orders are not over: nobody could decide them, and no list
        of any shop would have them. A database that cannot be asked now says nothing of that."""
        for one in self._known(orders.live_of_others):
            says = f"there is no such profile, and orders of the shop are not over ({one.orders}, {one.number} among them); keep it until they are"
            raise Misconfigured(f"{one.shop}.toml", says)

    def need_stores(self) -> None:
        """Raise Misconfigured where a profile dropped a store that live orders are called to (STO-01): nobody would know where their
        goods are. A database that cannot be asked now says nothing of that."""
        for one in self._known(pickups.awaited_at):
            if one.store not in self.shops[one.shop].stores:
                says = f"orders are called to it ({one.orders}, {one.number} among them); keep the section until they are over"
                raise Misconfigured(f"{one.shop}.toml: stores.{one.store}", says)

    def _known(self, ask: Callable[[Connection, Sequence[str]], Sequence[T]]) -> Sequence[T]:
        """What the database says of our shops; nothing while it is away: whoever works with it waits for it."""
        try:
            with glance(self.engine) as connection:
                return ask(connection, list(self.shops))
        except SQLAlchemyError:
            return ()

    @cached_property
    def links(self) -> Links | None:
        """What signs the links in mails and opens them; None where no public address is set."""
        return self.settings.links

    def effects(self) -> Engine:
        """Connections for the effect loop alone: what decisions wait for keeps no outcome from being recorded."""
        return connect(self.settings.need_database(), EFFECTS, application="shukka-effects")

    def runner(self, observe: Callable[[str, str, float], None] = lambda stage, phase, seconds: None) -> Runner:
        """The decide loop, with mails rendered by the templates; refuses to start if any mail cannot be."""
        self.renderer.check()
        trace = self.traces.stage if self.traces is not None else None
        return Runner(self.engine, self.shops, self.renderer, self.clock, observe, time.perf_counter, STAGES, trace)

    def gateways(self) -> dict[str, Adapter]:
        """The adapters of the gateways that are asked for the shops' methods; raises Misconfigured for a missing setting."""
        return {
            name: gateway.build(read(gateway.settings, self.environment))
            for name, gateway in payments.asked(self.shops.values()).items()
        }

    def need_gateways(self) -> None:
        """Raise Misconfigured for a missing setting of a gateway that is asked; no adapter is built."""
        for gateway in payments.asked(self.shops.values()).values():
            read(gateway.settings, self.environment)

    def notice_secrets(self) -> dict[str, Sequence[str]]:
        """The secrets of those gateways' notices that have them in their settings; raises Misconfigured for a missing
        one."""
        return {
            name: gateway.secrets(read(gateway.settings, self.environment))
            for name, gateway in payments.used(self.shops.values()).items()
            if gateway.secrets is not None
        }

    def mail_doors(self) -> dict[str, object]:
        """The settings of those providers whose reports of mails are heard; raises Misconfigured for one that is wrong."""
        given = {one.name: (one, read(one.settings, self.environment)) for one in MAIL_PROVIDERS.values()}
        return {name: settings for name, (one, settings) in given.items() if settings != one.settings()}

    def channels(self) -> dict[str, Sender]:
        """The supplier channels that the shops use, opened; raises Misconfigured for a missing setting."""
        named = {supplier.channel for shop in self.shops.values() for supplier in shop.suppliers.values()} - {AUTO}
        used = {name: CHANNELS[name] for name in sorted(named | {WEBHOOK, MAIL})}
        return {name: channel.open(read(channel.settings, self.environment), self) for name, channel in used.items()}


#: What each process allows the database; the worker's effects have an engine of their own.
_LIMITS: Final[Mapping[str, Limits]] = {"web": INTAKE}


def build(settings: Settings, application: str) -> House:
    """Connect nothing yet; raise Misconfigured for whatever could not work."""
    actions()  # raises for a declaration, or a plug-in's, that no stage would hear
    asked = frozenset(name for one, _ in services(os.environ) for name in one.carriers)
    shops = load_shops(settings.shops_dir, replace(INSTALLATION, asked=asked))
    overrides = read_overrides(settings.shops_dir, shops)
    return House(
        settings=settings,
        engine=connect(settings.need_database(), _LIMITS.get(application, DECIDE), application=f"shukka-{application}"),
        shops=shops,
        clock=settings.clock,
        bell=Bell(make_broker(settings.need_broker(), consumer=False), queues()),
        renderer=Renderer(settings.mail_from, settings.mail_domain, overrides=overrides, links=settings.links),
        environment=settings.environment,
        traces=traces_of(application),
    )


def build_or_exit(application: str, complete: Callable[[House], object] = lambda house: None) -> House:
    """``build`` from the environment for a process of its own; what cannot work is one line and exit 2.

    ``complete`` raises Misconfigured for what only this process needs.
    """
    try:
        house = build(load(), application)
        complete(house)
        return house
    except ShukkaError as refused:
        print(f"shukka {application}: {refused}", file=sys.stderr)
        raise SystemExit(2) from None
