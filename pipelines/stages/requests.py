"""Requests of operators about one order (依頼): each is granted or refused whole, on what the one before it left."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from pipelines.engine.stage import Decision, EventFacts, Facts
from pipelines.errors import Problem


def answer(
    facts: Facts,
    stage: str,
    now: datetime,
    refusals: Callable[[EventFacts], list[Problem]],
    grant: Callable[[Decision, EventFacts], None],
) -> Decision:
    """Grant the first request that can be, and refuse those before it with every reason; what comes after it waits for
    the next decision of ``stage``, since facts are those of the order as it was."""
    decision = Decision(facts)
    for event in facts.events:
        if problems := refusals(event):
            refuse(decision, event, problems)
            continue
        grant(decision, event)
        decision.events.append((event.id, "applied", None))
        break
    if len(facts.events) > len(decision.events):
        decision.next(stage, now)
    return decision


def refuse(decision: Decision, event: EventFacts, problems: Iterable[Problem]) -> None:
    """The request is not granted; why is kept with it."""
    decision.events.append((event.id, "refused", "; ".join(problem.message for problem in problems)))


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
