"""The storefront's process against a small Shukka: every order acknowledged once, over faults and kill -9."""

from __future__ import annotations

import asyncio
import json
import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.sandbox.world import Running, eventually, running
from workers.sandbox.http_server import CUT, Reply, Request, serving

KEYS = {"reuse": "reuse-key", "salon": "salon-key"}
FAST = ("--clock", "2026-11-20T08:00:00+09:00", "--clock-rate", "72000", "--hours", "9", "--seed", "3")


class SmallShukka:
    """Intake with real semantics: durable by key, 200 for a repetition, 409 for other content, 422 for what is wrong."""

    def __init__(self, *, faults: bool = False) -> None:
        self.orders: dict[tuple[str, str], bytes] = {}
        self.posts: Counter[str] = Counter()
        self.cancelled: set[str] = set()
        self.transfers: list[dict[str, Any]] = []
        self._faults = faults

    async def handle(self, request: Request) -> Reply | None:
        if request.path == "/transfers":
            self.transfers.append(request.json())
            return Reply(202, {"reference": "FT1"})
        if request.path != "/v1/orders":
            return self._about_one(request)
        order = request.json()
        identity = (order["shop"], order["number"])
        if request.headers["authorization"] != f"Bearer {KEYS[order['shop']]}":
            return Reply(401)
        if (
            "surprise" in order
            or not order["lines"]
            or order["payment"]["method"] == "cash"
            or "T" not in order["placed_at"]
        ):
            return Reply(422)
        self.posts[order["number"]] += 1
        tries = self.posts[order["number"]]
        if self._faults and tries == 1:
            return Reply(503)
        if self._faults and tries == 2:
            return Reply(429, {}, {"retry-after": "1"})
        known = self.orders.setdefault(identity, request.body)
        if self._faults and tries == 3:
            return CUT
        if known != request.body:
            return Reply(409)
        return Reply(200 if tries > 1 else 202, {"shop": order["shop"], "number": order["number"], "state": "accepted"})

    def _about_one(self, request: Request) -> Reply:
        number = request.path.split("/")[4]
        if request.path.endswith("/cancel"):
            self.cancelled.add(number)
            return Reply(202)
        return Reply(200, {"state": "awaiting_payment", "totals": {"grand_total": 1_000}})


def play(
    tmp_path: Path, shukka: SmallShukka, *options: str, orders: int = 40, until: Callable[[Running], bool] | None = None
) -> Running:
    """Run a storefront to its end, or kill it once ``until`` holds."""
    keys = tmp_path / "keys.json"
    keys.write_text(json.dumps(KEYS))

    async def scenario() -> Running:
        async with serving(shukka.handle) as port:
            url = f"http://127.0.0.1:{port}"
            flags = ("--url", url, "--bank-url", url, "--key-file", str(keys), "--orders", str(orders))
            with running("storefront", tmp_path / "journal", *flags, *FAST, *options, room="demo") as storefront:
                if until is None:
                    await eventually(lambda: storefront.process.poll() is not None)
                    assert storefront.process.returncode == 0
                else:
                    await eventually(lambda: until(storefront))
                    storefront.kill()
                return storefront

    return asyncio.run(scenario())


def test_every_order_is_posted_and_acknowledged_once(tmp_path: Path) -> None:
    shukka = SmallShukka()
    storefront = play(tmp_path, shukka, "--fault", "cancel_rate=0", "--fault", "unpaid_rate=0")
    acknowledged = [(record["shop"], record["number"]) for record in storefront.records("ack")]
    assert len(set(acknowledged)) == len(acknowledged) == 40
    assert set(acknowledged) == shukka.orders.keys()
    assert set(shukka.posts.values()) == {1}
    by_transfer = [json.loads(body) for body in shukka.orders.values()]
    expected = {order["number"] for order in by_transfer if order["payment"]["method"] == "bank_transfer"}
    assert {transfer["number"] for transfer in shukka.transfers} == expected
    assert {transfer["amount"] for transfer in shukka.transfers} == {1_000}


def test_what_is_not_acknowledged_is_posted_again_as_it_was(tmp_path: Path) -> None:
    shukka = SmallShukka(faults=True)
    storefront = play(tmp_path, shukka, orders=10)
    assert [record["status"] for record in storefront.records("ack")] == [200] * 10
    assert storefront.records("refused") == []
    assert len(shukka.orders) == 10


def test_orders_that_are_wrong_on_purpose_are_refused_and_repeated_ones_taken_once(tmp_path: Path) -> None:
    shukka = SmallShukka()
    switches = ("--fault", "invalid_rate=1", "--fault", "duplicate_rate=1", "--fault", "cancel_rate=1")
    storefront = play(tmp_path, shukka, *switches, orders=12)
    assert [record["status"] for record in storefront.records("invalid")] == [422] * 12
    assert sorted(record["status"] for record in storefront.records("ack")) == [200] * 12 + [202] * 12
    assert len(shukka.orders) == len(shukka.cancelled) == 12
    assert shukka.transfers == []


def test_a_storefront_that_closes_ends_once_what_was_begun_is_answered(tmp_path: Path) -> None:
    shukka = SmallShukka()

    def closed(storefront: Running) -> bool:
        if storefront.records("ack") and not storefront.records("finished"):
            storefront.process.send_signal(signal.SIGUSR1)
        return storefront.process.poll() is not None

    storefront = play(tmp_path, shukka, "--clock-rate", "7200", until=closed)
    acknowledged = {(record["shop"], record["number"]) for record in storefront.records("ack")}
    assert acknowledged == shukka.orders.keys()
    assert 0 < len(acknowledged) < 40
    assert len(storefront.records("finished")) == 1


def test_a_storefront_killed_at_noon_goes_on_and_leaves_no_order_out(tmp_path: Path) -> None:
    shukka = SmallShukka()
    slower = ("--clock-rate", "20000")
    play(tmp_path, shukka, *slower, until=lambda storefront: len(storefront.records("ack")) >= 10)
    storefront = play(tmp_path, shukka)
    acknowledged = {(record["shop"], record["number"]) for record in storefront.records("ack")}
    assert acknowledged == shukka.orders.keys()
    assert len(acknowledged) == 40


NOBODY_CANCELS = ("--fault", "cancel_rate=0", "--fault", "unpaid_rate=0")


def test_who_pays_twice_makes_two_transfers_of_the_whole_sum(tmp_path: Path) -> None:
    shukka = SmallShukka()
    play(tmp_path, shukka, *NOBODY_CANCELS, "--fault", "twice_paid_rate=1")
    transfers = Counter(transfer["number"] for transfer in shukka.transfers)
    assert set(transfers.values()) == {2}


def test_who_pays_late_has_cancelled_and_pays_nevertheless(tmp_path: Path) -> None:
    shukka = SmallShukka()
    play(tmp_path, shukka, *NOBODY_CANCELS, "--fault", "late_paid_rate=1")
    paid = {transfer["number"] for transfer in shukka.transfers}
    assert paid
    assert paid == shukka.cancelled


def test_who_cancels_in_a_race_asks_twice_at_once(tmp_path: Path) -> None:
    shukka = SmallShukka()
    storefront = play(tmp_path, shukka, *NOBODY_CANCELS, "--fault", "race_rate=1", orders=10)
    assert Counter(record["number"] for record in storefront.records("cancel")) == dict.fromkeys(shukka.cancelled, 2)
    assert len(shukka.cancelled) == 10
