"""Requests of operators about one order (依頼): each is granted or refused whole, on what the one before it left."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from pipelines.engine.draft import OrderDraft
from pipelines.engine.facts import EventFacts, Facts
from pipelines.errors import Problem


def answer(
    draft: OrderDraft,
    now: datetime,
    refusals: Callable[[EventFacts], list[Problem]],
    grant: Callable[[EventFacts], None],
) -> None:
    """Grant the first request that can be, and refuse those before it with every reason. What comes after it waits for
    the next decision: the customer's purse, and how often the order was priced, are gathered anew for it."""
    for event in draft.waiting:
        if problems := refusals(event):
            refuse(draft, event, problems)
            continue
        grant(event)
        draft.applied(event)
        break
    if draft.waiting:
        draft.again(now)


def refuse(draft: OrderDraft, event: EventFacts, problems: Iterable[Problem]) -> None:
    """The request is not granted; why is kept with it."""
    draft.refused(event, "; ".join(problem.message for problem in problems))


def asked_lines(event: EventFacts) -> dict[str, int]:
    """Pieces by line that a request names."""
    return {str(one["line"]): int(one["quantity"]) for one in event.body["lines"]}


def missing(facts: Facts, lines: Mapping[str, int], left: Callable[[str], int], standing: str) -> list[Problem]:
    """The lines that the order does not have, or of which fewer pieces are ``left``; ``standing`` says what those are."""
    known = {share.line for share in facts.breakdown.lines}
    problems = []
    for index, (line, quantity) in enumerate(lines.items()):
        if line not in known:
            problems.append(Problem(f"lines[{index}].line", f"the order has no line {line}"))
        elif quantity > (there := left(line)):
            says = f"{there} pieces of line {line} {standing}: ask for at most so many"
            problems.append(Problem(f"lines[{index}].quantity", says))
    return problems
