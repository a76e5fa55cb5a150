"""Supplier channels, one file each, found by name: how a warehouse (倉庫) or maker (メーカー) is told what to ship.

A file declares ``CHANNEL = Channel(...)`` (``pipelines.suppliers.channel``): here, in the folder of plug-ins, or in another
distribution that names it under the entry points ``shukka.channels``. Its name is what a shop profile calls it.
"""

from __future__ import annotations

from typing import Any, Final

from pipelines.plugins import Registry
from pipelines.suppliers.channel import Channel

CHANNELS: Final[Registry[Channel[Any]]] = Registry("channels", Channel, __name__, "supplier channel")
"""Every channel by name."""
