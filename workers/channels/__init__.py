"""Ways to reach a supplier (倉庫, メーカー), one module each, found by name.

A module offers ``build(settings) -> SupplierChannel``; its name is what a shop profile calls the channel.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import cast

from pipelines.errors import Misconfigured
from pipelines.ports import SupplierChannel

NAMES: tuple[str, ...] = tuple(sorted(module.name for module in pkgutil.iter_modules(__path__)))
"""Every channel there is."""


def build(name: str, settings: Mapping[str, str]) -> SupplierChannel:
    """The channel ``name`` made from ``settings`` (names as in the environment).

    Raises Misconfigured for a name that no module has and for a setting that the channel misses.
    """
    if name not in NAMES:
        raise Misconfigured("suppliers.channel", f"{name!r} is no channel; there is {', '.join(NAMES)}")
    make = cast("Callable[[Mapping[str, str]], SupplierChannel]", import_module(f"{__name__}.{name}").build)
    return make(settings)
