"""What a file format is: the columns of what comes back, and how what goes out is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from pipelines.files.label import Fault, Label

if TYPE_CHECKING:
    from pipelines.shops.supplier_files import SupplierFiles

SHIPMENT: Final = "shipment"
NUMBER: Final = "tracking_number"
SHIPPED_ON: Final = "shipped_on"
CARRIER: Final = "carrier"
LINE: Final = "line"
QUANTITY: Final = "quantity"
NAME: Final = "name"
DELETED: Final = "deleted"
"""What a column of a result may be about. ``name`` is the consignee's, where a tool brings no id back; ``deleted`` marks a slip
that was taken back."""

SLASHES: Final = "YYYY/MM/DD"
DIGITS: Final = "YYYYMMDD"
LOOSE: Final = "any"
"""Forms of a day: with two digits each, without signs (a time may follow), or any that names year, month and day in this order."""


@dataclass(frozen=True, slots=True)
class Results:
    """How the numbers come back (送り状番号の取込).

    ``names``: headings by what they are about, as ``table.plain`` writes them or not. ``positions``: columns, from 1, by how many
    there are; what has another number of columns is read by its header alone. ``days`` are the forms of a day, which must be there
    if ``day_needed``. ``digits``: how many a number has in this tool, None for whatever its carrier gives. ``numbered`` are columns
    by their place in a row of any length, below a ``header`` or not.
    """

    names: Mapping[str, Sequence[str]]
    positions: Mapping[int, Mapping[str, int]] = field(default_factory=dict)
    days: Sequence[str] = (SLASHES,)
    day_needed: bool = True
    digits: int | None = None
    numbered: Mapping[str, int] = field(default_factory=dict)
    header: bool = True


@dataclass(frozen=True, slots=True)
class Written:
    """Labels as a file's bytes: the parts, each within the tool's limits, of those that can be printed; and why others cannot
    (shipment -> faults), which are held."""

    parts: Sequence[bytes]
    held: Mapping[str, Sequence[Fault]]


Write = Callable[[Sequence[Label], "SupplierFiles"], Written]


@dataclass(frozen=True, slots=True)
class FileFormat:
    """One tool's files. ``name`` is what commands, URLs and profiles call it, ``names`` what people do; ``carrier`` the one whose
    numbers it brings, None where the supplier's profile says it. ``write`` is None for a tool that is read only; ``results`` is how
    they are read, as a supplier's profile has it. ``once`` is what of the settings a file has once and not in each row: labels of shops
    that agree in it may stand in one file."""

    name: str
    names: str
    carrier: str | None
    results: Callable[[SupplierFiles], Results]
    write: Write | None = None
    once: Callable[[SupplierFiles], object] = lambda settings: settings


def nothing(settings: SupplierFiles) -> object:
    """What a file has once whose rows say all that a profile says."""
    return None


def fixed(results: Results) -> Callable[[SupplierFiles], Results]:
    """Columns that no profile changes."""
    return lambda settings: results
