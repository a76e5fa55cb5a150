"""What suppliers were told on each channel, and what they answered, from their journal."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

_SHIPPED = "shipment.shipped"


class Told(NamedTuple):
    """A channel: its ``suppliers``, and how many shipments they were ``told`` of, ``answered`` and sent; ``settled`` says what went
    otherwise."""

    channel: str
    suppliers: Sequence[str]
    told: int
    answered: int
    shipped: int
    settled: Sequence[str]


def told_and_answered(journal: Iterable[Mapping[str, Any]]) -> list[Told]:
    """Each channel of the suppliers' journal, the busiest first."""
    records = list(journal)
    heard = {one["id"]: one["type"] for one in records if one["kind"] == "delivered"}
    asked: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for one in records:
        if one["kind"] == "instruction" and one["type"] == "shipment.requested":
            asked[one["channel"]].append(one)
    settled: dict[str, Counter[str]] = defaultdict(Counter)
    for channel, what in _otherwise(records):
        settled[channel][what] += 1
    found = [_told(channel, told, heard, settled[channel]) for channel, told in asked.items()]
    return sorted(found, key=lambda one: (-one.told, one.channel))


def _told(
    channel: str, told: Sequence[Mapping[str, Any]], heard: Mapping[str, str], settled: Mapping[str, int]
) -> Told:
    said: dict[tuple[str, str], set[str]] = {(one["supplier"], one["shipment"]): set() for one in told}
    for one in told:
        ids = (sending["event"]["id"] for sending in one["plan"])
        said[one["supplier"], one["shipment"]] |= {heard[id_] for id_ in ids if id_ in heard}
    return Told(
        channel,
        sorted({supplier for supplier, _ in said}),
        len(said),
        sum(bool(types) for types in said.values()),
        sum(_SHIPPED in types for types in said.values()),
        [f"{count} {what}" for what, count in sorted(settled.items())],
    )


def _otherwise(records: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    """(channel, what went otherwise), each time."""
    for one in records:
        if one["kind"] == "file":
            for row in one["answer"]["quarantined"] or ():
                yield "files", f"row quarantined ({row['code']})"
        elif one["kind"] != "instruction":
            continue
        elif one["type"] != "shipment.requested":
            yield one["channel"], "called off" if one["effective"] else "shipped in spite of a cancel"
        elif any(sending["event"]["type"] == "shipment.refused" for sending in one["plan"]):
            yield one["channel"], "refused"
