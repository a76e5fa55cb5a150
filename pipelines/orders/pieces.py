"""Requests that name pieces of lines: their form, and which of the pieces an order has for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

from pydantic import Field

from pipelines.engine.facts import Facts
from pipelines.errors import Problem
from pipelines.orders.action import Request
from pipelines.orders.schema import ONE_LINE


class Pieces(Request):
    """Pieces of one line."""

    line: Annotated[str, Field(min_length=1, max_length=64, pattern=ONE_LINE, description="The line's id in the order")]
    quantity: Annotated[int, Field(ge=1, le=9999, description="Pieces of it")]


Lines = Annotated[list[Pieces], Field(min_length=1, max_length=200)]


def by_line(asked: Sequence[Pieces]) -> dict[str, int]:
    """Pieces by line; each line is named once (`faults`)."""
    return {one.line: one.quantity for one in asked}


def faults(
    facts: Facts, asked: Sequence[Pieces], left: Mapping[str, int], standing: str, *, field: str = "lines"
) -> list[Problem]:
    """Lines that are named twice, that the order does not have, or of which fewer pieces are ``left``; ``standing`` says
    what those are, ``field`` where the request names them."""
    named = [one.line for one in asked]
    if twice := [index for index, line in enumerate(named) if line in named[:index]]:
        return [Problem(f"{field}[{twice[0]}].line", "is named twice: add its pieces up")]
    known = {share.line for share in facts.breakdown.lines}
    problems = []
    for index, one in enumerate(asked):
        if one.line not in known:
            problems.append(Problem(f"{field}[{index}].line", f"the order has no line {one.line}"))
        elif one.quantity > (there := left.get(one.line, 0)):
            says = f"{there} pieces of line {one.line} {standing}: ask for at most so many"
            problems.append(Problem(f"{field}[{index}].quantity", says))
    return problems
