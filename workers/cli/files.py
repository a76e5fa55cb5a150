"""``shukka files ...``: what a supplier has to send as files of its label program, and the numbers that come back."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import orjson
import typer

from pipelines.errors import Invalid, Problem
from workers.cli.database import opened
from workers.cli.given_file import read_whole
from workers.cli.named import need_supplier
from workers.cli.terminal import out, plain, table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipelines.suppliers.file_import import Imported

app = typer.Typer(help="Files of suppliers' label programs.", no_args_is_help=True)

_SUPPLIER = typer.Option("--supplier", help="The supplier's name in order lines.")


@app.callback()
def files() -> None:
    """Files of suppliers' label programs."""


@app.command()
def export(
    supplier: Annotated[str, _SUPPLIER],
    form: Annotated[str, typer.Option("--format", help="b2, ehiden3, yupri, kangaroo, csv, ...")],
    folder: Annotated[Path, typer.Option("--out", help="The folder that gets the files; made if it is not there.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Write what the supplier was told of and has not sent yet; nothing is marked, and the same again gives the same bytes. Exit 1
    if a shipment is held because no label can be printed for it."""
    from pipelines.files import FORMATS
    from pipelines.shops import load_shops
    from pipelines.suppliers.file_export import export as export_files
    from workers.installation import INSTALLATION
    from workers.settings import load

    if form not in FORMATS:
        raise Invalid([Problem("--format", f"there is no format {form}; the formats are {', '.join(FORMATS)}")])
    shops = load_shops(load().shops_dir, INSTALLATION)
    with opened("files").connect() as connection:
        found = export_files(connection, shops, supplier, FORMATS[form])
    if not found.shipments:
        need_supplier(shops, supplier)
    _write(folder, found.files)
    held = [
        {"shipment": shipment, "field": fault.field, "reason": fault.reason}
        for shipment, faults in found.held.items()
        for fault in faults
    ]
    if as_json:
        files_ = [{"file": str(folder / name), "bytes": len(data)} for name, data in found.files.items()]
        written = {"supplier": supplier, "format": form, "files": files_, "shipments": found.shipments, "held": held}
        sys.stdout.buffer.write(orjson.dumps(written) + b"\n")
    else:
        for name in found.files:
            out.print(plain(folder / name))
        if held:
            out.print(table(("held", "field", "why"), [one.values() for one in held]))
        out.print(
            plain(f"{found.shipments - len(found.held)} shipments in {len(found.files)} files, {len(found.held)} held")
        )
    raise typer.Exit(1 if held else 0)


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="The file, as the label program or the warehouse wrote it.")],
    supplier: Annotated[str, _SUPPLIER],
    form: Annotated[str, typer.Option("--format", help="A format, or auto.")] = "auto",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would become of each row.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Read tracking numbers: each row once, however often the file comes; exit 1 if a row was quarantined."""
    from models.store.shipments import ships
    from pipelines.shops import load_shops
    from pipelines.suppliers.file_import import import_file
    from workers.installation import INSTALLATION
    from workers.settings import load

    settings, data, engine = load(), read_whole(file, "such file"), opened("files")
    shops = load_shops(settings.shops_dir, INSTALLATION)
    with engine.connect() as connection:
        # What is read as another's would wait for an operator row by row, and no later file could say it right.
        if not ships(connection, supplier):
            need_supplier(shops, supplier)
    imported = import_file(
        engine,
        settings.clock,
        shops,
        data,
        supplier=supplier,
        form=form,
        file=str(file),
        dry_run=dry_run,
    )
    if as_json:
        sys.stdout.buffer.write(orjson.dumps(imported.to_json()) + b"\n")
    else:
        _print(imported, dry_run)
    raise typer.Exit(1 if imported.quarantined else 0)


def _write(folder: Path, files_: Mapping[str, bytes]) -> None:
    """Write each file whole or not at all. Raises Invalid for a folder that cannot be written to."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in files_.items():
            part = folder / f".{name}.part"
            part.write_bytes(data)
            os.replace(part, folder / name)
    except OSError as fault:
        raise Invalid([Problem("--out", f"{folder}: {fault.strerror or fault}")]) from None


def _print(imported: Imported, dry_run: bool) -> None:
    if imported.quarantined:
        rows = [(row.record, row.field, row.code, row.reason) for row in imported.quarantined]
        out.print(table(("row", "field", "code", "why"), rows))
    counts = f"{imported.applied} applied, {imported.known} known, {imported.pending} without a number"
    nothing = "; nothing was stored" if dry_run else ""
    out.print(
        plain(f"{imported.format}: {imported.rows} rows: {counts}, {len(imported.quarantined)} quarantined{nothing}")
    )
