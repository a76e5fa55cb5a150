"""The outside world's journals: what each of its processes saw and did, written down before it answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from workers.sandbox.journal import read

Record = Mapping[str, Any]
Key = tuple[str, str]
"""An order: shop and number."""


@dataclass(frozen=True, slots=True)
class Journals:
    """What everybody outside saw and did, oldest first: ``events`` are what storefronts were told, ``kills`` which mails were held
    by some process when one was killed."""

    storefront: Sequence[Record] = ()
    gateway: Sequence[Record] = ()
    suppliers: Sequence[Record] = ()
    bank: Sequence[Record] = ()
    sink: Sequence[Record] = ()
    events: Sequence[Record] = ()
    kills: Sequence[Record] = ()

    @classmethod
    def read(cls, folder: Path) -> Self:
        """The journals in ``folder``, ``<process>.jsonl`` each; one that is missing counts as empty."""
        names = ("storefront", "gateway", "suppliers", "bank", "sink", "events", "kills")
        return cls(**{name: list(read(folder / f"{name}.jsonl")) for name in names})

    @property
    def mails(self) -> list[Record]:
        """Every mail that the sink took, copies too."""
        return [one for one in self.sink if one["kind"] == "mail"]

    @property
    def instructions(self) -> list[Record]:
        """Every request to ship that a supplier took for the first time."""
        asked = (one for one in self.suppliers if one["kind"] == "instruction")
        return [one for one in asked if one.get("type", "shipment.requested") == "shipment.requested"]


def key_of(record: Record) -> Key:
    """The order that a record is about."""
    return record["shop"], record["number"]


def name_of(key: Key) -> str:
    """``<shop>/<number>``, as mails and gateways name an order."""
    return "/".join(key)
