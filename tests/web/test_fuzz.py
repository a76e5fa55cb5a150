"""Random input over all doors: never a fault, no neighbour harmed, nothing stuck, and no card number kept or logged.

A few hundred in ``make test``; ``make fuzz N=20000`` (``SHUKKA_FUZZ``) tries so many, ``SHUKKA_FUZZ_SEED`` others.
"""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from pipelines.orders.act import actions
from pipelines.orders.message import take_in_or_keep
from pipelines.values.card_number import mask
from tests.web.site import Site
from tests.web.stored import everything_stored
from tests.web.strange import CARDS, Strange
from tests.world import document

COUNT = int(os.environ.get("SHUKKA_FUZZ", "400"))
SEED = int(os.environ.get("SHUKKA_FUZZ_SEED", "8"))
#: Names that we give by a digest; one in some thousands has a run of digits like a card's.
_DIGEST = re.compile(r"(?<![0-9a-z])([0-9a-f]{40}|[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})(?![0-9a-z])")
#: Requests after which the house digests what it was told.
BETWEEN = 20

#: Good requests of the actions, by name; what is not here is tried with an empty one.
ASKED: dict[str, Any] = {
    "cancel": {"reason": "changed my mind"},
    "release": {"reason": "looked at it"},
    "coupons": {"coupons": [{"code": "AUTUMN", "kind": "amount", "value": 500}]},
    "lines:cancel": {"lines": [{"line": "1", "quantity": 1}]},
    "lines:return": {"lines": [{"line": "1", "quantity": 1}], "reason": "defect"},
    "refunds": {"amount": 100, "reference": "20261120-1"},
    "refunds:goodwill": {"amount": 100, "reason": "a scratch"},
    "collected": {"amount": 11_000, "reference": "2026-11"},
    "mails:resend": {"mail": 1, "to": "hana@example.jp"},
    "address:change": {"ship_to": document()["ship_to"], "reason": "moved"},
    "shipments:ask_again": {"shipment": "SH-1", "reason": "nobody answers"},
    "shipments:reroute": {"shipment": "SH-1", "supplier": "maker-b", "reason": "sold out"},
    "shipments:ship": {"shipment": "SH-1", "carrier": "yamato", "tracking_number": "444413758703"},
}
NUMBER, NAMED = frozenset({("number",)}), frozenset({("shop",), ("number",)})


class Fuzzer:
    """Sends strange requests to a site, one kind a door."""

    def __init__(self, site: Site, seed: int) -> None:
        self.site, self.strange, self.chance = site, Strange(seed), Strange(seed).chance
        self.answered: Counter[str] = Counter()
        self.good: list[str] = []
        self.doors: tuple[Callable[[], None], ...] = (
            self.order,
            self.batch,
            self.preview,
            self.message,
            self.supplier,
            self.supplier,
            self.bank,
            self.action,
            self.grant,
            self.hold,
            self.release,
            self.customer,
            self.look,
        )

    def one(self) -> None:
        """One request at a random door."""
        self.chance.choice(self.doors)()

    def _post(self, path: str, body: Any, *, key: str = "", headers: dict[str, str] | None = None) -> httpx.Response:
        content = json.dumps(body).encode()
        return self._noted(path, self.site.post(path, key=key, content=content, headers=headers or {}))

    def _noted(self, door: str, answer: httpx.Response) -> httpx.Response:
        assert answer.status_code < 500, (door, answer.text)
        told = _DIGEST.sub("", answer.text)
        assert mask(told) == told, door
        self.answered[f"{answer.status_code // 100}xx"] += 1
        return answer

    def order(self) -> None:
        order = self.strange.spoiled(self.strange.order(), keep=NUMBER)
        key = self.chance.choice(({}, {"idempotency-key": self.chance.choice((*CARDS[:3], "k", "k" * 300))}))
        self._post("/v1/orders", order, headers=key)

    def batch(self) -> None:
        """Good neighbours are always taken."""
        good = [self.strange.order() for _ in range(3)]
        bad = self.strange.spoiled(self.strange.order(), keep=NUMBER)
        answer = self._post("/v1/orders:batch", {"orders": [good[0], bad, *good[1:]]})
        statuses = [one["status"] for one in answer.json()["results"]]
        assert [statuses[0], *statuses[2:]] == [202] * 3, (bad, answer.text)
        assert statuses[1] in {202, 409, 422}
        self.good += [one["number"] for one in good]

    def preview(self) -> None:
        assume = {"paid_at": None, "points_balance": 5, "rank": None, "now": None, "used_coupons": ["A"]}
        self._post("/v1/preview", self.strange.spoiled({**self.strange.order(), "assume": assume}))

    def message(self) -> None:
        """Over the broker nothing ever raises."""
        world = self.site.world
        order = self.strange.spoiled(self.strange.order(), keep=NUMBER)
        take_in_or_keep(
            world.engine, world.shops, world.clock, self.chance.choice((order, order, self.strange.value()))
        )

    def supplier(self) -> None:
        shipments = self.site.world.rows("SELECT id, supplier FROM shipment ORDER BY id DESC LIMIT 40")
        types = (
            "acknowledged",
            "refused",
            "delayed",
            "shipped",
            "tracking_updated",
            "delivered",
            "returned",
            "lost",
            "short",
        )
        about = self.chance.choice(shipments).id if shipments else "SH-1"
        data = {
            "shipment": about,
            "carrier": "yamato",
            "tracking_number": "444413758703",
            "shipped_at": "2026-11-20T09:00:00+09:00",
            "expected_on": "2026-11-27",
            "status": "delivered",
            "reason": "because",
            "lines": [{"line": "1", "quantity": 1}],
        }
        for name in self.chance.sample(sorted(data.keys() - {"shipment"}), 3):
            del data[name]
        event = {
            "type": f"shipment.{self.chance.choice(types)}",
            "timestamp": "2026-11-20T09:30:00+09:00",
            "data": data,
        }
        told = self.chance.choice((event, self.strange.spoiled(event)))
        self._noted("supplier", self.site.hook(None, raw=json.dumps(told).encode()))

    def bank(self) -> None:
        number = self.chance.choice(self.good or ["F-0"])
        data = {
            "shop": "salon",
            "number": number,
            "amount": 11_000,
            "reference": "r-1",
            "at": "2026-11-20T09:00:00+09:00",
        }
        notice = self.strange.spoiled(
            {"type": "deposit.received", "timestamp": "2026-11-20T09:30:00+09:00", "data": data}
        )
        self._noted("bank", self.site.hook(None, sender="bank", raw=json.dumps(notice).encode()))

    def action(self) -> None:
        name = self.chance.choice([one.name for one in actions()])
        number = self.chance.choice(self.good or ["F-0"])
        good = {**ASKED.get(name, {})}
        if "shipment" in good:
            good["shipment"] = self._shipment_of(number)
        asked = self.chance.choice((good, self.strange.spoiled(good)))
        self._post(f"/v1/orders/salon/{number}/{name}", asked, key=self.site.operator)

    def _shipment_of(self, number: str) -> str:
        """A shipment of an order; one that nobody has where it has none."""
        query = "SELECT s.id FROM shipment s JOIN shop_order o ON o.id = s.order_id WHERE o.number = :number"
        found = self.site.world.rows(query, number=number)
        return self.chance.choice(found).id if found else "SH-1"

    def grant(self) -> None:
        kind = self.chance.choice(("registration", "birthday", "review", "campaign", "manual"))
        wish = {
            "shop": "salon",
            "customer": "M-1",
            "kind": kind,
            "key": self.strange.number(),
            "amount": 5,
            "locale": "ja",
        }
        wish |= {
            "expires_on": "2026-12-31",
            "birth_date": "1990-11-02",
            "product": "P",
            "email": "a@example.jp",
            "name": "山",
        }
        self._post("/v1/points/grants", self.strange.spoiled(wish))

    def hold(self) -> None:
        wish = {"shop": "salon", "customer": "M-1", "amount": 1, "reason": "odd", "key": self.strange.number()}
        self._post("/v1/points/holds", self.strange.spoiled(wish))

    def release(self) -> None:
        key = quote(self.chance.choice((*CARDS, "F-1", "a/b", "\x00")), safe="")
        self._post(f"/v1/points/holds/{key}/release", self.strange.spoiled({"outcome": "valid", "shop": "salon"}))

    def customer(self) -> None:
        """Facts, of customers that orders know and of those that nobody does."""
        number = quote(self.chance.choice((*CARDS, "F-1", "F-2", "a b", "\x00", "𠮷")), safe="")
        facts = {
            "email": "hana@example.jp",
            "name": "花子",
            "locale": "ja",
            "birth_date": "1990-11-02",
            "registered": True,
            "mail_consent": False,
            "postal_stop": True,
            "withdrawn": self.chance.random() < 0.5,
        }
        content = json.dumps(self.chance.choice((facts, self.strange.spoiled(facts)))).encode()
        path = f"/v1/customers/salon/{number}"
        self._noted(path, self.site.put(path, content=content))

    def look(self) -> None:
        """Paths and questions hold anything."""
        named = quote(self.chance.choice((*CARDS, *self.good[:9], "\x00", "..", "𠮷", "%", "a" * 300)), safe="")
        asked = quote(self.chance.choice(("1", "-1", "x", "9" * 40, "１", CARDS[0])))
        path = self.chance.choice(
            (
                f"/v1/orders/salon/{named}",
                f"/v1/customers/salon/{named}/points?cursor={asked}&limit={asked}",
                f"/v1/customers/apparel/{named}/rank",
                f"/v1/customers/salon/{named}",
                f"/v1/orders/{named}/{named}",
            )
        )
        answer = self.site.get(path)
        assert answer.status_code < 500, path
        self.answered[f"{answer.status_code // 100}xx"] += 1


@pytest.mark.timeout(max(120, COUNT // 5))
def test_random_input_over_all_doors(site: Site, capfd: pytest.CaptureFixture[str]) -> None:
    fuzzer, world = Fuzzer(site, SEED), site.world
    for n in range(COUNT):
        fuzzer.one()
        if n % BETWEEN == BETWEEN - 1:
            world.settle()
    world.settle()
    assert min(fuzzer.answered["2xx"], fuzzer.answered["4xx"]) > COUNT // 10, fuzzer.answered
    assert set(fuzzer.good) <= set(world.states())
    assert world.rows("SELECT stage, subject_id, error FROM work WHERE error IS NOT NULL") == []
    assert world.broken() == {}
    for line in [*everything_stored(world), *"\n".join(capfd.readouterr()).splitlines()]:
        told = _DIGEST.sub("", line)
        assert mask(told) == told
        assert not any(card in line for card in CARDS)
