"""What follows from what was heard of a mail, as a table."""

from __future__ import annotations

import pytest

from pipelines.bounces.consequences import ADVERTISING, ALL, SOFT_DAYS, Consequence, consequence
from pipelines.bounces.reasons import bounced, complained, plain
from pipelines.bounces.report import Finding, Kind, Reason
from workers.bounces.provider import softened

A = "a@example.org"
UNKNOWN = bounced(A, Kind.BOUNCE, "5.1.1", "550 User unknown")
FULL = bounced(A, Kind.BOUNCE, "5.2.2", "552 Mailbox full")
GONE = Consequence(is_bounced=True, suppress=ALL, needs_human=True)
SHOWN = Consequence(is_bounced=True, needs_human=True)


@pytest.mark.parametrize(
    ("finding", "soft_before", "follows"),
    [
        (UNKNOWN, 0, GONE),
        (bounced(A, Kind.BOUNCE, "5.1.2", "Host unknown"), 0, GONE),
        (FULL, 0, Consequence(again_in=4 * 3600)),
        (FULL, 1, Consequence(again_in=24 * 3600)),
        (FULL, 2, Consequence(is_bounced=True, suppress=ALL, days=SOFT_DAYS, needs_human=True)),
        (FULL, 9, Consequence(is_bounced=True, suppress=ALL, days=SOFT_DAYS, needs_human=True)),
        (bounced(A, Kind.BOUNCE, "4.4.7", "delivery time expired"), 0, Consequence(again_in=4 * 3600)),
        (bounced("a@docomo.ne.jp", Kind.BOUNCE, "5.0.0", "550 : User unknown"), 0, SHOWN),
        (bounced(A, Kind.BOUNCE, "5.7.26", "DMARC"), 0, SHOWN),
        (bounced(A, Kind.BOUNCE, "5.0.0", "no"), 0, SHOWN),
        (bounced(A, Kind.DELAY, "4.4.1", "Connection timed out"), 5, Consequence()),
        (bounced(A, Kind.DELAY, "4.1.1", "User unknown"), 0, Consequence()),
        (complained(A, "abuse"), 0, Consequence(suppress=ADVERTISING)),
        (complained(A, "not-spam"), 0, Consequence()),
        (complained(A, "auth-failure"), 0, Consequence(needs_human=True)),
        (plain(A, Kind.AUTO_REPLY), 0, Consequence()),
        (plain(A, Kind.DELIVERED, "2.0.0"), 0, Consequence()),
    ],
    ids=lambda given: f"{given.kind}-{given.reason}" if isinstance(given, Finding) else str(given),
)
def test_a_finding_has_its_consequence(finding: Finding, soft_before: int, follows: Consequence) -> None:
    assert consequence(finding, soft_before) == follows


def test_what_a_provider_calls_passing_ends_no_address() -> None:
    assert softened(UNKNOWN).reason is Reason.NO_SUCH_USER
    assert consequence(softened(UNKNOWN), 0) == Consequence(again_in=4 * 3600)
