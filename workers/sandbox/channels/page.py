"""A simulated supplier with a mailbox and a browser: reads its instructions there and answers on the signed page that they link to
(contract ``/s/{token}``), by the same forms as a person."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import partial
from html import unescape
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from pipelines.errors import Unreachable
from workers.sandbox.channels.channel import CANCEL, CANCEL_ACCEPTED, REQUESTED, Told
from workers.sandbox.courier import Courier, Event
from workers.sandbox.http_client import HttpClient

_LINK: Final = re.compile(r"https?://\S+/s/[^\s<>\"]+")
_DAY: Final = re.compile(r"<dd>\w{3} (\d{1,2} \w{3} \d{4})</dd>")
_PIECES: Final = re.compile(r'id="ship-\d+"[^>]*name="pieces:([^"]+)" value="(\d+)"')
_GOODS: Final = re.compile(
    r'<tr><td>(.*?)<br><span class="hint">(.*?)</span></td><td class="number">\d+</td><td class="number">(\d+)</td>'
)
_ONCE: Final = re.compile(r'name="once" value="([0-9a-f]+)"')
_ADDRESS: Final = re.compile(r"〒\s?\d{3}-?\d{4}")
#: What the page takes: the type of the news -> its button.
_BUTTONS: Final[Mapping[str, str]] = {
    "shipment.acknowledged": "acknowledge",
    "shipment.refused": "refuse",
    "shipment.delayed": "delay",
    "shipment.short": "short",
    "shipment.shipped": "ship",
    CANCEL_ACCEPTED: "cancel_accepted",
}


class Page:
    """A supplier by ``mail`` or ``portal``, which is its ``name``: it is written to at ``address``, whose mails lie as files in ``mailbox``."""

    says = frozenset(_BUTTONS)

    def __init__(self, name: str, mailbox: Path, address: str, *, client: HttpClient, courier: Courier) -> None:
        self.name = name
        self._mailbox = mailbox
        self._address = address
        self._client = client
        self._courier = courier
        self._read: set[str] = set()
        self._open: set[str] = set()
        self._links: dict[str, str] = {}
        self._times: dict[str, int] = {}
        self._messages: dict[str, str] = {}

    async def look(self) -> Sequence[Told]:
        """The mails that came since; of an instruction what its page shows."""
        found = []
        for file in sorted(self._mailbox.glob("*.eml")):
            if file.name in self._read:
                continue
            told = await self._told(message_from_bytes(file.read_bytes(), policy=policy.default))
            self._open.add(file.name)
            if told is not None:
                found.append(told)
        return found

    def took(self) -> None:
        """Those mails are read."""
        self._read |= self._open
        self._open.clear()

    async def say(self, event: Event) -> None:
        """Press the button; a page that will not have it (409, 422, 404) has turned it away for good."""
        attempt = partial(self._press, event)
        await self._courier.until_heard(event, attempt, via="page", over=lambda status: status in (404, 409, 422))

    async def _told(self, mail: EmailMessage) -> Told | None:
        template, shipment = str(mail["X-Shukka-Template"]), str(mail["X-Shukka-Shipment"])
        if self._address not in str(mail["To"]) or template not in ("supplier_instruction", "supplier_cancel"):
            return None
        message_id = str(mail["Message-ID"])
        if template == "supplier_cancel":
            return Told(f"{shipment}:cancel:{message_id}", CANCEL, {"shipment": shipment})
        part = mail.get_body(("plain",))
        text = part.get_content() if part is not None else ""
        link = _LINK.search(text)
        if link is None:
            return None
        self._links[shipment] = link.group()
        page = await self._page(shipment)
        if message_id not in self._messages:
            again = self._times[shipment] = self._times.get(shipment, 0) + 1
            self._messages[message_id] = f"{shipment}:requested" + (f":{again}" if again > 1 else "")
        shop, _, number = str(mail["X-Shukka-Order"]).partition("/")
        shown = {"shop": shop, "order": number, "shipment": shipment, **shown_on(page)}
        noted = {"message_id": message_id, "tells_address": _ADDRESS.search(text) is not None}
        return Told(self._messages[message_id], REQUESTED, shown, noted)

    async def _page(self, shipment: str) -> str:
        answer = await self._client.request("GET", f"{self._links[shipment]}?lang=en", {})
        if not answer.ok:
            raise Unreachable(f"the page of {shipment} answers {answer.status}")
        return answer.body.decode()

    async def _press(self, event: Event) -> int:
        shipment = event.data["shipment"]
        try:
            page = await self._page(shipment)
            once = _ONCE.search(page)
            if once is None:
                return 409  # the page shows no form: nothing of it is open any more
            form = {"once": once.group(1), "act": _BUTTONS[event.type], **_FIELDS[event.type](event.data, page)}
            head = {"content-type": "application/x-www-form-urlencoded"}
            link = f"{self._links[shipment]}?lang=en"
            status = (await self._client.request("POST", link, head, urlencode(form).encode())).status
        except Unreachable:
            return 0
        return 200 if status == 303 else status  # the page is shown anew


def shown_on(page: str) -> dict[str, Any]:
    """What the page of one shipment (in English) says of it: when it leaves, and its lines with the pieces that are open."""
    day = _DAY.search(page)
    goods = [(unescape(name), unescape(sku)) for name, sku, count in _GOODS.findall(page) if int(count)]
    lines = [
        {"line": unescape(line), "sku": sku, "name": name, "quantity": int(count)}
        for (line, count), (name, sku) in zip(_PIECES.findall(page), goods, strict=True)
    ]
    return {
        "dispatch_on": None
        if day is None
        else datetime.strptime(f"{day.group(1)} +0900", "%d %b %Y %z").date().isoformat(),
        "lines": lines,
    }


def _pieces(data: Mapping[str, Any], page: str) -> dict[str, str]:
    lines = {f"pieces:{unescape(line)}": "0" for line, _ in _PIECES.findall(page)}
    return lines | {f"pieces:{one['line']}": str(one["quantity"]) for one in data.get("lines", ())}


def _departure(data: Mapping[str, Any], page: str) -> dict[str, str]:
    return {"carrier": data["carrier"], "tracking_number": data["tracking_number"] or "", **_pieces(data, page)}


_FIELDS: Final[Mapping[str, Callable[[Mapping[str, Any], str], dict[str, str]]]] = {
    "shipment.acknowledged": lambda data, page: {},
    "shipment.refused": lambda data, page: {"reason": data["reason"]},
    "shipment.delayed": lambda data, page: {"expected_on": data["expected_on"] or "", "reason": data["reason"]},
    "shipment.short": _pieces,
    "shipment.shipped": _departure,
    CANCEL_ACCEPTED: lambda data, page: {},
}
