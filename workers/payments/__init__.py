"""Payment gateways (決済代行), one file each, found by name.

A file declares ``GATEWAY = Gateway(...)`` (``pipelines.gateway``): its settings, the adapter, what it can do, how its notices
are read and acknowledged. Its name is what a shop's ``payment.gateways`` and the URL of its notices call it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from pipelines.gateway import Gateway
from pipelines.methods import METHODS, Asks
from pipelines.plugins import Registry
from pipelines.shops import Shop

GATEWAYS: Final[Registry[Gateway[Any]]] = Registry("gateways", Gateway, __name__, "gateway")
"""Every gateway by name."""


def used(shops: Iterable[Shop]) -> dict[str, Gateway[Any]]:
    """The gateways of the methods that ``shops`` allow."""
    return {gateway.name: gateway for _, gateway in _connections(shops)}


def asked(shops: Iterable[Shop]) -> dict[str, Gateway[Any]]:
    """Those of them that are asked for something, so that their adapters are needed."""
    return {
        gateway.name: gateway
        for method, gateway in _connections(shops)
        if METHODS[method].asked(gateway) is not Asks.NOTHING
    }


def _connections(shops: Iterable[Shop]) -> Iterator[tuple[str, Gateway[Any]]]:
    for shop in shops:
        for method in shop.payment.allowed:
            if (gateway := shop.gateway_for(method)) is not None:
                yield method, gateway
