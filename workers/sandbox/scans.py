"""What a carrier sees of parcels of which their supplier's channel has no word for (配送状況): a page or a file of numbers says that they
left, and no more. Shukka asks the carrier (``workers.sandbox.carriers``)."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

import orjson

from pipelines.errors import Unreachable
from workers.sandbox.http_client import HttpClient
from workers.sandbox.journal import Journal
from workers.sandbox.shipping_plan import Sending

_SHIPPED: Final = "shipment.shipped"
#: The word of a carrier by a supplier's news, or by the status that it tells.
_WORDS: Final = {"in_transit": "輸送中", "out_for_delivery": "配達中", "shipment.delivered": "配達完了"}

Scan = Mapping[str, str]


def scans_of(sendings: Sequence[Sending], says: Collection[str]) -> Iterator[Scan]:
    """What a carrier sees of a plan whose supplier ``says`` only that much: ``shipment``, ``number``, ``word`` and when (``at``)."""
    numbers = [one.event.data.get("tracking_number") for one in sendings if one.event.type == _SHIPPED]
    for one in sendings:
        data = one.event.data
        word = _WORDS.get(data.get("status") or one.event.type)
        if word is None or one.event.type in says:
            continue
        for number in [data["tracking_number"]] if data.get("tracking_number") else numbers:
            if number is not None:
                yield {"shipment": data["shipment"], "number": number, "word": word, "at": one.at.isoformat()}


class Scanner:
    """Tells the carriers at ``url`` the history of each parcel, as far as it was seen."""

    def __init__(self, url: str, client: HttpClient, journal: Journal) -> None:
        self._url = url
        self._client = client
        self._journal = journal
        self._seen: dict[str, list[Scan]] = {}

    async def scan(self, scan: Scan) -> None:
        """The parcel was seen once more, and the journal says so; a carrier that cannot be reached learns of it with the next."""
        history = self._seen.setdefault(scan["number"], [])
        history.append(scan)
        told: dict[str, Any] = {
            "number": scan["number"],
            "history": [{k: one[k] for k in ("word", "at")} for one in history],
        }
        with suppress(Unreachable):
            await self._client.request(
                "POST", f"{self._url}/_parcels", {"content-type": "application/json"}, orjson.dumps(told)
            )
        identity = f"{scan['shipment']}:{scan['number']}:{scan['word']}"
        await self._journal.write({"kind": "scanned", "id": identity, "type": "shipment.tracking_updated"})
