"""The composition root: the one place where settings become engines, adapters, shops and clocks."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sqlalchemy import Engine

from models.database import connect
from pipelines.engine.run import Runner
from pipelines.errors import Misconfigured, ShukkaError
from pipelines.orders.act import actions
from pipelines.ports import Clock, PaymentGateway
from pipelines.shops import Shop, load_shops
from pipelines.shops.fulfilling import AUTO
from pipelines.suppliers.channel import Sender
from pipelines.suppliers.instructions import MAIL, WEBHOOK
from workers import payments
from workers.broker import Bell, make_broker
from workers.channels import CHANNELS
from workers.effects import queues
from workers.mail.rendering import Renderer
from workers.settings import Settings, load, read


@dataclass(frozen=True)
class House:
    """What every process of Shukka stands on."""

    settings: Settings
    engine: Engine
    shops: Mapping[str, Shop]
    clock: Clock
    bell: Bell
    renderer: Renderer

    def runner(self, observe: Callable[[str, str, float], None] = lambda stage, phase, seconds: None) -> Runner:
        """The decide loop, with mails rendered by the templates; refuses to start if any mail cannot be."""
        self.renderer.check()
        return Runner(self.engine, self.shops, self.renderer, self.clock, observe, time.perf_counter)

    def gateways(self) -> dict[str, PaymentGateway]:
        """The gateways that the shops name; raises Misconfigured for an unknown one or a missing secret."""
        built: dict[str, PaymentGateway] = {}
        for shop in self.shops.values():
            name = shop.payment.gateway
            if name not in built:
                built[name] = payments.build(name, self.settings.for_adapters)
            if shop.payment.capture_policy == "per_shipment" and not built[name].multicapture:
                raise Misconfigured(
                    f"shops/{shop.key}.toml: payment.capture_policy",
                    f"per_shipment needs a gateway that captures several times; {name} does not (SPL-04)",
                )
        return built

    def channels(self) -> dict[str, Sender]:
        """The supplier channels that the shops use, opened; raises Misconfigured for a missing setting."""
        named = {supplier.channel for shop in self.shops.values() for supplier in shop.suppliers.values()} - {AUTO}
        used = {name: CHANNELS[name] for name in sorted(named | {WEBHOOK, MAIL})}
        return {name: channel.open(read(channel.settings, os.environ), self) for name, channel in used.items()}


def build(settings: Settings, application: str) -> House:
    """Connect nothing yet; raise Misconfigured for whatever could not work."""
    actions()  # raises for a declaration, or a plug-in's, that no stage would hear
    return House(
        settings=settings,
        engine=connect(settings.need_database(), application=f"shukka-{application}"),
        shops=load_shops(settings.shops_dir, channels=CHANNELS),
        clock=settings.clock,
        bell=Bell(make_broker(settings.need_broker(), consumer=False), queues()),
        renderer=Renderer(settings.mail_from, settings.mail_domain),
    )


def build_or_exit(application: str) -> House:
    """``build`` from the environment for a process of its own; what cannot work is one line and exit 2."""
    try:
        return build(load(), application)
    except ShukkaError as refused:
        print(f"shukka {application}: {refused}", file=sys.stderr)
        raise SystemExit(2) from None
