"""``make bench``: every part after the other, one table, and with ``--json`` and ``--svg`` a file of the figures and a picture of some.

``--short``: a small form of each part, in minutes, to see that it works; its figures mean little.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from rich.console import Console

from benchmarks import cost, cutoff, engine_path, growth, idle, intake, leak, path, several
from benchmarks.drawing import draw
from benchmarks.part import Part, as_json, show

#: What takes long comes last.
PARTS: Final[Sequence[Part]] = tuple(
    one.PART for one in (engine_path, cost, several, path, idle, intake, cutoff, growth, leak)
)


def measured(part: Part, short: bool, console: Console) -> dict[str, Any]:
    """Take a part's figures and print them; what they are for a file."""
    began = time.perf_counter()
    with console.status(f"{part.name}: {part.says}"):
        figures = show(console, part, part.measure(short))
    return {**as_json(part, figures), "seconds": round(time.perf_counter() - began, 1)}


def main() -> int:
    """Measure and print; 1 where a part broke its word, after all others."""
    options = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    options.add_argument("--only", default="", help=f"parts by commas: {', '.join(part.name for part in PARTS)}")
    options.add_argument("--short", action="store_true")
    options.add_argument("--json", type=Path)
    options.add_argument("--svg", type=Path)
    given = options.parse_args()
    console, told, broken = Console(width=140), [], False
    only = {name for name in given.only.split(",") if name}
    if unknown := only - {part.name for part in PARTS}:
        options.error(f"no such part: {', '.join(sorted(unknown))}")
    for part in PARTS:
        if only and part.name not in only:
            continue
        try:
            told.append(measured(part, given.short, console))
        except Exception:  # noqa: BLE001 - the boundary that keeps one part from the others; recorded
            broken = True
            console.print_exception(max_frames=8)
        if given.json:  # after each, since all take hours
            given.json.write_text(json.dumps(told, indent=1, ensure_ascii=False))
    if given.svg:
        given.svg.write_text(draw(told))
    return int(broken)


if __name__ == "__main__":
    raise SystemExit(main())
