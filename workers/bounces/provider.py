"""What a provider's file declares, and what all of them read alike."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

from pipelines.bounces.report import Action, Finding, Kind, Original, Report

S = TypeVar("S", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Heard:
    """One report; ``event_id`` is the same however often its sender repeats it. ``fault`` says why it cannot be read; such a one is kept
    for the operator."""

    event_id: str
    report: Report
    fault: str | None = None


@dataclass(frozen=True, slots=True)
class MailProvider(Generic[S]):
    """A provider that reports what became of mails.

    ``settings`` are variables of the environment, all with a default; while none is set its door is closed (401). ``read`` proves a
    request and reads it: of (headers by small name, body, settings, now in UTC); raises SignatureRefused, NotJson for what cannot prove
    anything, and Unreachable where who signed it cannot be asked now. ``reads_afar``: reading may wait for the network.
    """

    name: str
    settings: type[S]
    read: Callable[[Mapping[str, str], bytes, S, datetime], Sequence[Heard]]
    reads_afar: bool = False


def unread(event_id: str, fault: str) -> Heard:
    """What is proven and cannot be read."""
    return Heard(event_id, Report(Original(), ()), fault)


def digest_of(body: bytes) -> str:
    """The id of what has none of its own: the same sent again has it too."""
    return f"sha256:{hashlib.sha256(body).hexdigest()[:40]}"


def text_of(told: Any, *path: str) -> str:
    """The text at ``path`` of what was decoded from JSON, a number as its digits; "" where there is none."""
    for name in path:
        told = told.get(name) if isinstance(told, dict) else None
    return str(told) if isinstance(told, str | int) and not isinstance(told, bool) else ""


def rows_of(told: Any, *path: str) -> list[dict[str, Any]]:
    """The objects in the list at ``path``; none where there is no list."""
    for name in path:
        told = told.get(name) if isinstance(told, dict) else None
    return [one for one in told if isinstance(one, dict)] if isinstance(told, list) else []


def original_of(*message_ids: str, headers: Mapping[str, str] | None = None) -> Original:
    """The mail by its ids, with or without their angle brackets, and by the headers that were returned."""
    known = headers or {}
    ids = [f"<{one.strip().strip('<>')}>" for one in (known.get("message-id", ""), *message_ids) if one.strip()]
    return Original(list(dict.fromkeys(ids)), known.get("x-shukka-order", ""), known.get("x-shukka-template", ""))


def softened(finding: Finding) -> Finding:
    """A failure that its provider calls passing: never the end of an address."""
    if finding.kind is Kind.BOUNCE and finding.hard:
        return replace(finding, hard=False, action=Action.RETRY_LATER)
    return finding
