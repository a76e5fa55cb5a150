"""What a carrier sees of parcels of which their supplier's channel has no word, as far as its inquiry page shows it."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from pathlib import Path

from tests.sandbox.world import running
from workers.clock import TOKYO
from workers.inquiries.yamato import INQUIRY
from workers.sandbox.courier import Event
from workers.sandbox.http_client import HttpClient
from workers.sandbox.journal import Journal
from workers.sandbox.scans import Scanner, scans_of
from workers.sandbox.shipping_plan import Sending

NUMBER, OTHER = "444413758703", "123456789013"
LEFT = datetime(2026, 11, 20, 10, tzinfo=TOKYO)


def story(*happened: tuple[str, dict[str, str]]) -> list[Sending]:
    """Hour by hour."""
    found = []
    for hour, (type_, data) in enumerate(happened):
        at = LEFT + timedelta(hours=hour)
        found.append(Sending(at, Event(f"SH-1:{hour}", type_, at.isoformat(), {"shipment": "SH-1", **data})))
    return found


STORY = story(
    ("shipment.shipped", {"tracking_number": NUMBER}),
    ("shipment.shipped", {"tracking_number": OTHER}),
    ("shipment.tracking_updated", {"tracking_number": OTHER, "status": "in_transit"}),
    ("shipment.delivered", {}),
)


def test_what_a_channel_has_no_word_for_its_carrier_sees() -> None:
    """A delivery is that of every parcel, and what the supplier says itself nobody says twice."""
    seen = [(one["number"], one["word"]) for one in scans_of(STORY, {"shipment.shipped"})]
    assert seen == [(OTHER, "輸送中"), (NUMBER, "配達完了"), (OTHER, "配達完了")]
    assert [one["word"] for one in scans_of(STORY, {"shipment.shipped", "shipment.delivered"})] == ["輸送中"]


def test_the_carrier_s_page_shows_what_was_seen_so_far(tmp_path: Path) -> None:
    """Read by the service that reads the real page."""
    with running("carriers", tmp_path / "carriers") as pages:
        asks = INQUIRY.open(INQUIRY.settings(shukka_inquiry_yamato_url=f"{pages.url}/yamato"))

        async def scan() -> None:
            async with Journal(tmp_path / "suppliers") as journal, HttpClient() as client:
                scanner = Scanner(pages.url, client, journal)
                for one in scans_of(STORY, {"shipment.shipped"}):
                    await scanner.scan(one)

        asyncio.run(scan())
        told = asks.ask([NUMBER, OTHER], LEFT + timedelta(days=1))
        asks.close()
    assert {number: [one.word for one in seen] for number, seen in told.items()} == {
        NUMBER: ["配達完了"],
        OTHER: ["輸送中", "配達完了"],
    }
