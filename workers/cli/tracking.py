"""``shukka tracking``: whether a number can be one of a carrier, and where the parcel can be followed."""

from __future__ import annotations

import sys
from typing import Annotated

import orjson
import typer

from pipelines.carriers import carrier
from workers.cli.terminal import out, plain


def tracking(
    named: Annotated[
        str, typer.Argument(metavar="CARRIER", help="A carrier in any spelling, as yamato or ヤマト運輸.")
    ],
    number: Annotated[str, typer.Argument(help="The number as it was written down.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Check a tracking number; needs no running service. Exit 1 if it cannot be right."""
    known = carrier(named)
    reason = known.check(number)
    answer = {
        "carrier": known.name,
        "number": known.normalise(number),
        "valid": reason is None,
        "reason": reason,
        "url": known.url(number) if reason is None else None,
    }
    if as_json:
        sys.stdout.buffer.write(orjson.dumps(answer) + b"\n")
    else:
        says = reason or answer["url"] or "looks right; there is no page"
        out.print(plain(f"{known.english} {answer['number']}: {says}"), soft_wrap=True)
    raise typer.Exit(0 if reason is None else 1)
