"""Switches for what goes wrong in the simulated world, set by flag or while the process runs."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping

from pipelines.errors import Invalid, Problem


def seeded(*parts: object) -> random.Random:
    """A generator that depends on ``parts`` alone, so that a run can be repeated."""
    return random.Random(":".join(map(str, parts)))  # noqa: S311 - a simulation, no secret comes from here


class Faults:
    """Named switches, each a number: a rate from 0 to 1 where the name ends in ``_rate``, else seconds or minutes."""

    def __init__(self, defaults: Mapping[str, float], *, seed: object = 0) -> None:
        self._values = dict(defaults)
        self._chance = seeded("faults", seed)

    def __getitem__(self, name: str) -> float:
        return self._values[name]

    def strikes(self, name: str) -> bool:
        """True as often as the rate ``name`` says."""
        rate = self._values[name]
        return rate > 0 and self._chance.random() < rate

    def set(self, changes: Mapping[str, object]) -> dict[str, float]:
        """Change switches by name and answer all of them. Raises Invalid, changing none, for a wrong name or value."""
        problems = [Problem(name, says) for name, value in changes.items() if (says := self._refusal(name, value))]
        if problems:
            raise Invalid(problems)
        self._values.update({name: float(str(value)) for name, value in changes.items()})
        return dict(self._values)

    def set_flags(self, flags: Iterable[str]) -> None:
        """The same from ``name=value`` words of a command line. Raises Invalid."""
        self.set({name: value for name, _, value in (flag.partition("=") for flag in flags)})

    def _refusal(self, name: str, value: object) -> str | None:
        if name not in self._values:
            return f"is no fault of this process; it knows {', '.join(self._values)}"
        try:
            number = float(str(value))
        except ValueError:
            return "must be a number"
        highest = 1.0 if name.endswith("_rate") else 1_000_000.0
        return None if 0 <= number <= highest else f"must be from 0 to {highest:.0f}"
