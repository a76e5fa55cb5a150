"""Card gateways (決済代行), one module each, found by name.

A module offers ``build(settings) -> PaymentGateway``; its name is what a shop profile calls the gateway.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import cast

from pipelines.errors import Misconfigured
from pipelines.ports import PaymentGateway

NAMES: tuple[str, ...] = tuple(sorted(module.name for module in pkgutil.iter_modules(__path__)))
"""Every gateway there is."""


def build(name: str, settings: Mapping[str, str]) -> PaymentGateway:
    """The gateway ``name`` made from ``settings`` (names as in the environment).

    Raises Misconfigured for a name that no module has and for a setting that the gateway misses.
    """
    if name not in NAMES:
        raise Misconfigured("payment.gateway", f"{name!r} is no gateway; there is {', '.join(NAMES)}")
    make = cast("Callable[[Mapping[str, str]], PaymentGateway]", import_module(f"{__name__}.{name}").build)
    return make(settings)
