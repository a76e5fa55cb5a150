"""What label programs have in common: dates, windows, cash on delivery, the sender, and rows of those that can be printed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from pipelines.carriers import CARRIERS
from pipelines.carriers.carrier import Carrier
from pipelines.files.cp932 import joined
from pipelines.files.file_format import Written
from pipelines.files.label import Cells, Fault, Label, in_parts

if TYPE_CHECKING:
    from pipelines.shops.supplier_files import SupplierFiles


def written(
    labels: Sequence[Label],
    fill: Callable[[Label, SupplierFiles], Cells],
    settings: SupplierFiles,
    header: Sequence[str] = (),
    *,
    most_rows: int = 0,
    most_bytes: int = 0,
) -> Written:
    """A row for each label that can be printed, in their order and by its own shop's settings, or else these; the others are held with
    what is wrong with them."""
    rows: list[Sequence[str]] = []
    held: dict[str, Sequence[Fault]] = {}
    for label in labels:
        cells = fill(label, label.settings or settings)
        if cells.faults:
            held[label.shipment] = tuple(cells.faults)
        else:
            rows.append(cells.texts)
    return Written(in_parts(rows, header, most_rows=most_rows, most_bytes=most_bytes), held)


def address(label: Label) -> tuple[str, str]:
    """(prefecture, city and street; building) of the consignee."""
    city, street, building = address_in_three(label)
    return joined((city, street)), building


def address_in_three(label: Label) -> tuple[str, str, str]:
    """(prefecture and city, street, building) of the consignee."""
    return label.to.region + label.to.city, label.to.line1, label.to.line2


def day(cells: Cells, label: Label, form: str) -> str:
    """The day on which it leaves; a label without one is held."""
    if label.dispatch_on is None:
        cells.fault("dispatch_on", "there is no day yet on which it leaves")
        return ""
    return label.dispatch_on.strftime(form)


def delivery(cells: Cells, label: Label, carrier: Carrier, form: str) -> tuple[str, str, str]:
    """(day wished for, the carrier's code of the window, what was wished in words); a window that only others have holds the
    label, since it would come at another time than was promised (B.4.4); where none was, it is words (DLV-01)."""
    wished = ""
    if label.deliver_on is not None:
        wished = label.deliver_on.strftime(form)
        if label.dispatch_on is not None and label.deliver_on < label.dispatch_on:
            cells.fault("deliver_on", f"{label.deliver_on} is before {label.dispatch_on}, when it leaves")
    if not label.slot or label.slot in carrier.slots:
        return wished, carrier.slots.get(label.slot or "", ""), ""
    if not label.best_effort and any(label.slot in other.slots for other in CARRIERS.values()):
        cells.fault("slot", f"{carrier.english} has no window {label.slot}")
        return wished, "", ""
    return wished, "", label.slot


def cash(cells: Cells, label: Label, settings: SupplierFiles, most: int) -> tuple[str, str]:
    """(amount to collect, tax in it), yen; at most ``most``, or what the contract says."""
    amount, limit = label.collect or 0, settings.cod_maximum or most
    if amount <= 0:
        cells.fault("collect", "there is nothing to collect")
    elif amount > limit:
        cells.fault("collect", f"{amount} yen are more than the {limit} that are collected")
    if not 0 <= label.tax <= amount:
        cells.fault("tax", f"{label.tax} yen of tax cannot be in {amount} yen")
    return str(amount), str(label.tax)


def need_sender(cells: Cells, settings: SupplierFiles) -> None:
    """Hold a label that says nobody as its sender."""
    if settings.sender is None:
        cells.fault("sender", "nobody is named as its sender; write [suppliers.NAME.files.sender]")
