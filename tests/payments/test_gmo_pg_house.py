"""Orders paid through GMO-PG in a whole house: what customers are mailed, and what releases their goods."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy import Engine

from pipelines.gateway import Answer
from pipelines.shops import PACKAGED, parse_shop
from tests.outside import SetClock
from tests.payments.providers import Fake, served
from tests.payments.test_gmo_pg import settings
from tests.web.site import Site
from tests.world import ENVIRONMENT, FRIDAY_MORNING, SHOPS, World, a_line, document
from workers.clock import AnyClock
from workers.installation import INSTALLATION
from workers.mail.rendering import Renderer
from workers.payments.asking import unknown
from workers.payments.gmo_pg import GmoPg as Adapter
from workers.sandbox.gateways.gmo_pg import SHOP_ID, SHOP_PASS, GmoPg
from workers.sandbox.gateways.ledger import Kind

SETTINGS = {"GMO_PG_SHOP_ID": SHOP_ID, "GMO_PG_SHOP_PASS": SHOP_PASS, "GMO_PG_RETURN_URL": "https://shop.example/back"}


class Losing(Adapter):
    """An adapter whose worker loses the next answers to refunds."""

    loses = 0

    async def refund_after(self, *, key: str, order: str, reference: str, amount: int, before: int) -> Answer:
        """Done, and not known to be."""
        answer = await super().refund_after(key=key, order=order, reference=reference, amount=amount, before=before)
        self.loses -= 1
        return answer if self.loses < 0 else unknown("lost", "the worker died")


@dataclass
class Till:
    """A shop that takes cards, PayPay and slips through GMO, and the customers of its order."""

    world: World
    site: Site
    fake: Fake
    adapter: Losing

    def order(self, number: str, method: str, token: str = "") -> None:
        payment = {"method": method} | ({"token": token} if token else {})
        self.world.take(document(number, a_line(), shop="reuse", payment=payment))
        self.world.settle()

    def buyer(self, act: str, number: str) -> None:
        self.world.clock.advance(minutes=1)
        self.fake.buyer(act, order=f"reuse/{number}")

    def told(self, body: bytes) -> bytes:
        """What Shukka answers to a notice; it is acted on then."""
        headers = {"content-type": "application/x-www-form-urlencoded"}
        path = "/v1/webhooks/payments/gmo_pg"
        answer = self.site.run(lambda: self.site.request("POST", path, key=None, content=body, headers=headers))
        assert answer.status_code == 200
        self.world.settle()
        content: bytes = answer.content
        return content

    def notice(self) -> bytes:
        """The last that GMO posted."""
        return self.fake.notices(int(time.time()))[-1][1]

    def state(self, number: str) -> tuple[str, str]:
        shown: dict[str, Any] = self.world.show(number, "reuse")
        return shown["state"], shown["payment"]["state"]


class SameClock:
    """The fake's clock shows what the world's does."""

    def __init__(self) -> None:
        self.shows: SetClock = SetClock(FRIDAY_MORNING)

    def now(self) -> datetime:
        return self.shows.now()


@pytest.fixture
def till(engine: Engine, database_url: str, renderer: Renderer, tmp_path: Path) -> Iterator[Till]:
    text = (PACKAGED / "reuse.toml").read_text("utf-8")
    for method in ("paypay", "konbini"):
        assert f'{method} = "sandbox"' in text
        text = text.replace(f'{method} = "sandbox"', f'{method} = "gmo_pg"')
    text = text.replace("gateways = {", 'gateways = { card = "gmo_pg",')
    shops = {**SHOPS, "reuse": parse_shop("reuse", text, INSTALLATION)}
    clock = SameClock()
    with served(GmoPg(), tmp_path / "journal", clock=cast("AnyClock", clock)) as fake:
        adapter = Losing(settings(fake.url))
        with World(engine, database_url, renderer, shops=shops, gateways={"gmo_pg": adapter}) as world:
            clock.shows = world.clock
            world.house = replace(world.house, environment={**ENVIRONMENT, **SETTINGS, "GMO_PG_URL": fake.url})
            site = Site(world)
            yield Till(world, site, fake, adapter)
            site.close()
            world._asyncio.run(adapter.aclose())


def moves(till: Till, number: str) -> list[Kind]:
    return [move.kind for move in till.fake.moves(f"reuse/{number}")]


def links(till: Till, template: str) -> str:
    """The text of the one mail of ``template``."""
    (mail,) = [mail for mail in till.world.postbox.mails if mail["X-Shukka-Template"] == template]
    part = mail.get_body(("plain",))
    assert part is not None
    return str(part.get_content())


def test_a_card_is_held_once_the_return_page_tells_that_its_customer_passed(till: Till) -> None:  # PAY-02, 2.2
    till.order("R-1", "card", "tok_3ds")
    assert till.state("R-1") == ("awaiting_payment", "pending")
    assert "Tds2BrwStart.idPass?AccessID=" in links(till, "payment_instructions")
    till.buyer("authenticate", "R-1")
    reference = till.world.rows("SELECT reference FROM payment")[0][0]
    assert till.told(f"ShopID={SHOP_ID}&OrderID={reference}&At=1".encode()) == b"0"
    assert till.state("R-1") == ("released", "authorized")
    assert moves(till, "R-1") == [Kind.HOLD]


def test_a_card_whose_customer_closed_the_browser_is_held_at_the_last_look(till: Till) -> None:  # 2.9
    till.order("R-1", "card", "tok_3ds")
    till.buyer("authenticate", "R-1")
    till.world.at(till.world.clock.now() + timedelta(hours=2))
    assert till.state("R-1") == ("released", "authorized")


def test_a_card_whose_customer_never_passed_is_let_go(till: Till) -> None:
    till.order("R-1", "card", "tok_3ds")
    till.world.at(till.world.clock.now() + timedelta(hours=2))
    assert till.state("R-1")[0] == "cancelled"
    assert moves(till, "R-1") == []


def test_a_forged_notice_releases_nothing_and_the_true_one_is_looked_up(till: Till) -> None:  # 9, 28
    till.order("R-1", "konbini")
    forged = till.notice().replace(b"Status=REQSUCCESS", b"Status=PAYSUCCESS")
    assert till.told(forged) == b"0"
    assert till.state("R-1") == ("awaiting_payment", "pending")
    till.buyer("pay", "R-1")
    for _ in range(2):
        assert till.told(till.notice()) == b"0"
    assert till.state("R-1") == ("released", "captured")
    assert till.told(b"ShopID=tshop00000001&ErrCode=E00&ErrInfo=E00000000") == b"0"
    assert moves(till, "R-1") == [Kind.TAKE]
    assert till.world.broken() == {}


def test_a_slip_whose_number_shows_no_order_is_paid_by_notice_too(till: Till) -> None:  # 2.3
    """The order's number is too long for an OrderID: the payment is found by the reference that GMO was given."""
    number = "ORDER-2026-11-20-000000001"
    till.order(number, "konbini")
    till.buyer("pay", number)
    assert till.told(till.notice()) == b"0"
    assert till.state(number) == ("released", "captured")
    assert till.world.broken() == {}


def test_paypay_is_opened_by_the_shops_page_and_held_by_notice(till: Till) -> None:  # PAY-03, 2.3
    till.order("R-1", "paypay")
    assert "https://shop.example/paypay?start=https" in links(till, "payment_instructions")
    till.buyer("agree", "R-1")
    assert till.told(till.notice()) == b"0"
    assert till.state("R-1") == ("released", "authorized")
    assert moves(till, "R-1") == [Kind.HOLD]


def test_a_refund_whose_answer_was_lost_is_not_given_twice_though_its_notice_was_heard_first(
    till: Till,
) -> None:  # 9, 4 and 5
    """Only what went back before it tells it from the next refund of the same amount, for GMO knows no keys."""
    till.order("R-1", "card", "tok_ok")
    till.world.ship_all("R-1", shop="reuse")
    assert till.state("R-1")[1] == "captured"
    goodwill = {"amount": 500, "reason": "a scratch", "by": "operations", "operator": True}
    till.adapter.loses = 1
    till.world.tell(till.world.ask("refund.goodwill", "R-1", shop="reuse", **goodwill))
    till.world.settle()
    assert till.told(till.notice()) == b"0"
    till.world.tell(till.world.ask("refund.goodwill", "R-1", shop="reuse", **goodwill))
    till.world.settle()
    till.world.hurry()
    till.world.settle()
    assert [move.amount for move in till.fake.moves("reuse/R-1", Kind.GIVE_BACK)] == [500, 500]
    assert till.world.show("R-1", "reuse")["payment"]["refunded"] == 1_000
    assert till.world.broken() == {}


def test_a_slip_that_was_paid_before_its_order_was_cancelled_is_due_back_without_a_notice(till: Till) -> None:  # CAN-03
    """GMO takes no slip back that was paid, and has no list: nobody would ever hear of the money."""
    till.order("R-1", "konbini")
    till.buyer("pay", "R-1")
    till.world.tell(till.world.ask("order.cancel", "R-1", shop="reuse", reason="changed my mind", operator=True))
    till.world.settle()
    assert till.state("R-1") == ("cancelled", "captured")
    assert [hold["reason"] for hold in till.world.show("R-1", "reuse")["hold"]] == ["refund_due"]
    assert till.told(till.notice()) == b"0"
    assert till.state("R-1") == ("cancelled", "captured")
    assert moves(till, "R-1") == [Kind.TAKE]
    assert till.world.broken() == {}
