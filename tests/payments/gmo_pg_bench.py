"""A fake GMO-PG whose days pass, and an adapter that asks it, for tests of what becomes of money."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl

from models.states import PaymentState
from pipelines.gateway import Answer, Snapshot
from tests.payments.gateway_bench import PAYER, new_order, stands
from tests.payments.providers import Fake, served
from tests.payments.test_gmo_pg import MORNING, connect
from workers.clock import SettableClock
from workers.payments.gmo_pg import GmoPg
from workers.sandbox.gateways.gmo_pg import GmoPg as FakeGmoPg
from workers.sandbox.gateways.ledger import Kind

P = PaymentState
AMOUNT: Final = 13_970


class House:
    """One adapter's calls; another with other settings is a part of it. Connections last until ``close``."""

    def __init__(self, fake: Fake, **settings: object) -> None:
        self.fake = fake
        self._runner = asyncio.Runner()
        self._adapter = connect(fake.url, **settings)
        self._parts: list[House] = []

    def other(self, **settings: object) -> House:
        self._parts.append(House(self.fake, **settings))
        return self._parts[-1]

    def close(self) -> None:
        for part in self._parts:
            part.close()
        self._runner.run(self._adapter.aclose())
        self._runner.close()

    def run(self, call: Callable[[GmoPg], Awaitable[Any]]) -> Any:
        async def called() -> Any:
            return await call(self._adapter)

        return self._runner.run(called())

    def authorize(self, order: str, token: str = "tok_ok", amount: int = AMOUNT, method: str = "card") -> Answer:
        key = f"{order}:authorize"
        answer: Answer = self.run(
            lambda gmo: gmo.authorize(key=key, order=order, amount=amount, token=token, method=method)
        )
        return answer

    def slip(self, order: str, until: datetime = MORNING + timedelta(days=3, hours=20), choice: str = "") -> Answer:
        asked = {"key": f"{order}:register", "order": order, "method": "konbini", "amount": AMOUNT, "payer": PAYER}
        answer: Answer = self.run(lambda gmo: gmo.register(**asked, until=until, choice=choice))
        return answer

    def held(self, token: str = "tok_ok") -> str:
        """The reference of a fresh hold."""
        return stands(self.authorize(new_order(), token)).reference

    def sold(self, amount: int = AMOUNT) -> str:
        """The reference of a fresh sale."""
        reference = self.held()
        stands(self.do("capture", reference, amount=amount))
        return reference

    def do(self, what: str, reference: str, **asked: int) -> Answer:
        """Capture, void, refund, refund_after or renew."""
        given = {"key": f"salon/S-1:{what}", "order": "salon/S-1", "reference": reference, **asked}
        answer: Answer = self.run(lambda gmo: getattr(gmo, what)(**given))
        return answer

    def look(self, reference: str) -> Snapshot:
        return stands(self.run(lambda gmo: gmo.lookup(order="", reference=reference)))

    def calls(self, since: int = 0) -> list[tuple[str, str]]:
        """(call, JobCd) of every request from the one numbered ``since``, searches left out."""
        found = []
        for request in list(self.fake.requests)[since:]:
            name = request.path.removeprefix("/payment/").removesuffix(".idPass")
            told = dict(parse_qsl(request.body.decode("ascii")))
            if not name.startswith("Search") and not told.get("OrderID", "").startswith("N"):
                found.append((name, told.get("JobCd", "")))
        return found


@contextmanager
def serve(journal: Path, *, cancel_word: bool = False) -> Iterator[House]:
    """A house whose fake's clock stands at MORNING."""
    clock = SettableClock(MORNING, 1.0, time.time())
    with served(FakeGmoPg(cancel_word=cancel_word), journal, clock=clock) as fake:
        made = House(fake, gmo_pg_cancel="CANCEL" if cancel_word else "VOID")
        try:
            yield made
        finally:
            made.close()


def moves(house: House, order: str) -> list[tuple[Kind, int]]:
    return [(move.kind, move.amount) for move in house.fake.moves(order)]
