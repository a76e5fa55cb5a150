"""The partners as a peer's steps see them: at once and without a network, as the engine's benchmark has them, or over HTTP and SMTP."""

from __future__ import annotations

import smtplib
import threading
import time
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

import orjson

from benchmarks.peers.books import Charge
from benchmarks.peers.place import Place
from benchmarks.world import tracking_number
from workers.clock import SettableClock
from workers.http.signing import signed_headers


class Partners(Protocol):
    """What a step touches of the world; each raises where it fails, and the queue tries again under the same key."""

    def authorize(self, charge: Charge) -> str:
        """The gateway's name of what it authorized."""
        ...

    def capture(self, charge: Charge) -> None:
        """Take the money."""
        ...

    def instruct(self, told: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Tell a supplier; its news, where it has some at once."""
        ...

    def deliver(self, sender: str, recipient: str, raw: bytes) -> None:
        """Hand a mail to the mail server."""
        ...

    def tell(self, event: Mapping[str, Any]) -> None:
        """Tell the storefront of a move."""
        ...


class AtOnce:
    """A gateway that agrees and suppliers that ship, the moment they are asked; nobody is told of moves, no mail leaves."""

    def __init__(self, clock: SettableClock) -> None:
        self._clock = clock

    def authorize(self, charge: Charge) -> str:
        return f"at-{charge.order}"

    def capture(self, charge: Charge) -> None:
        return None

    def instruct(self, told: Mapping[str, Any]) -> Mapping[str, Any] | None:
        return {
            "shipment": told["shipment"],
            "carrier": "yamato",
            "tracking_number": tracking_number(told["shipment"]),
            "shipped_at": self._clock.now().isoformat(),
        }

    def deliver(self, sender: str, recipient: str, raw: bytes) -> None:
        raise AssertionError("no mail leaves on the engine's path")

    def tell(self, event: Mapping[str, Any]) -> None:
        raise AssertionError("nobody is told of moves on the engine's path")


class OverTheNetwork:
    """Connections of each thread's own, kept open: one to each partner, and one to the mail server."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._own = threading.local()

    def authorize(self, charge: Charge) -> str:
        asked = {"order": charge.order, "amount": charge.amount, "token": charge.token, "method": "card"}
        return str(self._ask("/v1/authorizations", charge.key, asked)["id"])

    def capture(self, charge: Charge) -> None:
        self._ask(f"/v1/authorizations/{charge.reference}/capture", charge.key, {"amount": charge.amount})

    def _ask(self, path: str, key: str, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        headers = {"authorization": f"Bearer {self._place.secret}", "idempotency-key": key, **JSON}
        payment: Mapping[str, Any] = orjson.loads(self._send(self._place.gateway, path, orjson.dumps(asked), headers))[
            "payment"
        ]
        return payment

    def instruct(self, told: Mapping[str, Any]) -> Mapping[str, Any] | None:
        self._post(self._place.suppliers, instruction(told))
        return None

    def tell(self, event: Mapping[str, Any]) -> None:
        self._post(self._place.storefront, event)

    def _post(self, url: str, message: Mapping[str, Any]) -> None:
        self._send(url, "/", *signed(message, self._place.secret))

    def _send(self, url: str, path: str, body: bytes, headers: Mapping[str, str]) -> bytes:
        """What is answered. Raises HTTPException, OSError; whoever asked is asked anew over another connection."""
        open_ones: dict[str, HTTPConnection] = self._own.__dict__.setdefault("http", {})
        partner = open_ones.pop(url, None) or HTTPConnection(urlsplit(url).netloc, timeout=30)
        partner.request("POST", path, body, dict(headers))
        answer = partner.getresponse()
        said = answer.read()
        if answer.status >= 400:
            raise HTTPException(answer.status, said)
        open_ones[url] = partner
        return said

    def deliver(self, sender: str, recipient: str, raw: bytes) -> None:
        server: smtplib.SMTP | None = getattr(self._own, "smtp", None)
        if server is None:
            server = self._own.smtp = smtplib.SMTP("127.0.0.1", int(self._place.smtp), timeout=30)
        try:
            server.sendmail(sender, [recipient], raw, mail_options=EIGHT_BIT)
        except (smtplib.SMTPException, OSError):
            self._own.smtp = None
            raise


JSON: Final = {"content-type": "application/json"}
EIGHT_BIT: Final = ("BODY=8BITMIME",)


def instruction(told: Mapping[str, Any]) -> Mapping[str, Any]:
    """The message by which a supplier is told, under a key of its own."""
    return {"key": f"{told['shipment']}:requested", "type": "shipment.requested", "data": told}


def signed(message: Mapping[str, Any], secret: str) -> tuple[bytes, Mapping[str, str]]:
    """Body and headers of a message (``key``, ``type``, ``data``) as it travels (Standard Webhooks)."""
    data = message["data"]
    body = orjson.dumps({"type": message["type"], "timestamp": data.get("at"), "data": data})
    headers = signed_headers([secret], message["key"], int(time.time()), body)
    return body, {**JSON, **headers}


def partners(place: Place, clock: SettableClock) -> Partners:
    """Those of this ``place``."""
    return OverTheNetwork(place) if place.is_whole else AtOnce(clock)
