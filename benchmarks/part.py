"""What ``make bench`` is made of: each part measures one subject and says what it leaves out."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Self

from rich.console import Console
from rich.text import Text

#: Greatest difference between several measurements of one figure, as a share of their median, that it may have and still be trusted.
STEADY: Final = 0.15
#: Measurements of which one may be wrong on either side.
_ENOUGH: Final = 5


class Figure(NamedTuple):
    """A number with its unit; ``spread``: highest minus lowest of several runs as a share of their median, None for one run."""

    name: str
    value: float
    unit: str
    spread: float | None = None

    @classmethod
    def of(cls, name: str, values: Sequence[float], unit: str) -> Self:
        """The median of several measurements with their spread."""
        return cls(name, statistics.median(values), unit, spread(values))

    @property
    def told(self) -> str:
        """The number in three digits with its unit."""
        digits = 0 if abs(self.value) >= 100 else 1 if abs(self.value) >= 10 else 2
        return f"{self.value:,.{digits}f} {self.unit}".rstrip()


def spread(values: Sequence[float]) -> float | None:
    """Highest minus lowest as a share of the median, of five and more without the two extremes; None for fewer than two, or a median
    of zero."""
    middle, ordered = statistics.median(values), sorted(values)
    kept = ordered[1:-1] if len(ordered) >= _ENOUGH else ordered
    return (kept[-1] - kept[0]) / abs(middle) if len(kept) > 1 and middle else None


def percentile(values: Sequence[float], part: float) -> float:
    """The value that ``part`` (0 to 1) of ``values`` do not exceed. Raises ValueError for no values."""
    ordered = sorted(values)
    if not ordered:
        raise ValueError("nothing was measured")
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


@dataclass(frozen=True)
class Part:
    """A subject: what its figures say and leave out, and how they are taken; ``measure`` is told whether a short form will do."""

    name: str
    says: str
    leaves_out: str
    measure: Callable[[bool], Iterable[Figure]]


def show(console: Console, part: Part, figures: Iterable[Figure]) -> list[Figure]:
    """Print a part's figures as each is taken, since all of them may take an hour, and what they leave out."""
    console.print(f"[bold]{part.name}[/bold]: {part.says}", highlight=False)
    found = []
    for one in figures:
        found.append(one)
        varies = "" if one.spread is None else f"± {50 * one.spread:.0f} %"
        console.print(Text(f" {one.name:<60} {one.told:<16} {varies}".rstrip()))
    console.print(f"left out: {part.leaves_out}\n", style="dim", highlight=False)
    return found


def as_json(part: Part, figures: Sequence[Figure]) -> dict[str, Any]:
    """A part with its figures for a file."""
    return {
        "part": part.name,
        "says": part.says,
        "leaves_out": part.leaves_out,
        "figures": [one._asdict() for one in figures],
    }
