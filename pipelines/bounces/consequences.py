"""What follows from what was heard of a mail: pure, of a finding and of how often its mailbox failed for a while lately."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pipelines.bounces.report import Action, Finding, Kind

SOFT_DAYS: Final = 14
"""Days in which failures for a while are counted, and for which an address then gets no more."""
AGAIN_AFTER: Final = (4 * 3600, 24 * 3600)
"""Seconds after which a mail that failed for a while is sent again: the first time, the second time. The third failure is the last."""
ALL: Final = "all"
ADVERTISING: Final = "advertising"


@dataclass(frozen=True, slots=True)
class Consequence:
    """``is_bounced``: the mail did not arrive, and is told so. ``again_in``: seconds after which it is sent once more. ``suppress``: of
    which mails the address gets no more, ``days``: for so long, None: until it is released. ``needs_human``: somebody looks."""

    is_bounced: bool = False
    again_in: int | None = None
    suppress: str | None = None
    days: int | None = None
    needs_human: bool = False


def consequence(finding: Finding, soft_before: int) -> Consequence:
    """What follows from ``finding``; ``soft_before`` counts the failures for a while of its mailbox in the last ``SOFT_DAYS``."""
    if finding.kind is Kind.COMPLAINT:
        stops = ADVERTISING if finding.action is Action.SUPPRESS else None
        return Consequence(suppress=stops, needs_human=finding.action is Action.FIX_SENDER)
    if finding.kind is not Kind.BOUNCE:
        return Consequence()
    if finding.action is Action.SUPPRESS:
        return Consequence(is_bounced=True, suppress=ALL, needs_human=True)
    if finding.action is not Action.RETRY_LATER:
        return Consequence(is_bounced=True, needs_human=True)
    if soft_before < len(AGAIN_AFTER):
        return Consequence(again_in=AGAIN_AFTER[soft_before])
    return Consequence(is_bounced=True, suppress=ALL, days=SOFT_DAYS, needs_human=True)
