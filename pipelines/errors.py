"""The error tree. A user's mistake carries one clear sentence per field and the way out; a crash is something else."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One refused field: a JSON path such as ``lines[0].quantity`` and a sentence that says what would be right."""

    field: str
    message: str


class ShukkaError(Exception):
    """Root of everything Shukka raises on purpose."""


class Invalid(ShukkaError):
    """What came in is no order, no event, no profile: every problem is listed (HTTP 422, exit 2)."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(f"{p.field}: {p.message}" for p in self.problems))


class Conflict(ShukkaError):
    """The same key stands for something else already, or a rule refuses the change now (HTTP 409); ``ways_out`` names the
    actions that are possible instead."""

    def __init__(self, detail: str, *, rule: str | None = None, ways_out: Sequence[str] = ()) -> None:
        self.detail = detail
        self.rule = rule
        self.ways_out = tuple(ways_out)
        super().__init__(detail)


class NotFound(ShukkaError):
    """Absent or forbidden: the two look the same from outside (HTTP 404)."""


class Misconfigured(ShukkaError):
    """A setting, a shop profile, a template or an adapter is missing or wrong: Shukka refuses to start.

    ``where`` names the file, variable or key; ``reason`` is one sentence with the way out.
    """

    def __init__(self, where: str, reason: str) -> None:
        self.where = where
        self.reason = reason
        super().__init__(f"{where}: {reason}")


class IllegalMove(ShukkaError):
    """A stage asked for a state change that the tables of ``models.states`` do not allow: a bug, never applied."""


class Unknown(ShukkaError):
    """An order stands in a state, or is held for a reason, that only a newer version knows: it is left as it is."""


class Unreachable(ShukkaError):
    """An engine or a peer cannot be reached now; the work stays where it is and is tried again."""


class Undeclared(ShukkaError):
    """A stage read facts, or named a stage, that it does not declare: a bug, nothing of it is applied."""


class Raced(ShukkaError):
    """Another process stored, or holds, what this one was about to write: look again, once ``orders`` (ids) are free."""

    def __init__(self, orders: Collection[int] = ()) -> None:
        self.orders = frozenset(orders)
        super().__init__("another process was faster")
