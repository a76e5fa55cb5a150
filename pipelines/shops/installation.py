"""What an installation has that shops' profiles choose from by name: gateways, supplier channels and file formats."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from pipelines.gateway import Gateway
from pipelines.shops.fulfilling import SupplierChannel
from pipelines.shops.supplier_files import SupplierFormat


@dataclass(frozen=True, slots=True, eq=False)
class Installation:
    """The gateways, channels and formats of files that are there, their own and those of plug-ins, by name; ``asked`` are the carriers
    that are asked how parcels fare (docs/inquiries.md). Each is equal to itself alone."""

    gateways: Mapping[str, Gateway[Any]] = field(default_factory=dict)
    channels: Mapping[str, SupplierChannel] = field(default_factory=dict)
    files: Mapping[str, SupplierFormat] = field(default_factory=dict)
    asked: Collection[str] = frozenset()
