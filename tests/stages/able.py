"""A gateway that can do everything there is, and shops that name it: for policies that few real ones allow."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from pipelines.gateway import CaptureRules, Gateway
from pipelines.shops import PACKAGED, Shop, parse_shop
from pipelines.shops.installation import Installation
from workers.channels import CHANNELS
from workers.payments import GATEWAYS
from workers.payments.sandbox import SandboxGateway


class NoSettings(BaseModel):
    """It needs none."""


class Able(SandboxGateway):
    """Renews beside all that the sandbox does; nobody asks it here."""

    async def renew(self, *, key: str, order: str, reference: str, amount: int) -> Any:
        raise AssertionError("nobody asks it here")


GATEWAY = Gateway("able", NoSettings, Able, captures=CaptureRules(several=True), read_notices=lambda *_: [])
_INSTALLATION = Installation({**GATEWAYS, "able": GATEWAY}, CHANNELS)


def able_shop(key: str, **swaps: str) -> Shop:
    """A packaged shop whose file says something else, where the gateway ``able`` is installed."""
    text = (PACKAGED / f"{key}.toml").read_text("utf-8")
    for old, new in swaps.items():
        assert old in text
        text = text.replace(old, new)
    return parse_shop(key, text, _INSTALLATION)
