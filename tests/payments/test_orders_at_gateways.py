"""Orders of a shop whose gateways are KOMOJU and PayPay, through the whole house: what a buyer does there moves the order here."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy import Engine

from pipelines.customers.erase import forget
from pipelines.engine.inbox import notice_event
from pipelines.shops import load_shops
from tests.outside import SetClock
from tests.payments.providers import Fake, served
from tests.rules.build import at
from tests.world import FRIDAY_MORNING, World, a_line, document
from workers.clock import AnyClock
from workers.installation import INSTALLATION
from workers.mail.rendering import Renderer
from workers.payments import GATEWAYS
from workers.payments.komoju import Settings as KomojuSettings
from workers.payments.paypay import Settings as PayPaySettings
from workers.sandbox.gateways.komoju import SECRET_KEY, WEBHOOK_SECRET, Komoju
from workers.sandbox.gateways.ledger import Kind
from workers.sandbox.gateways.paypay import API_KEY, API_SECRET, MERCHANT, PayPay

PROFILES = Path(__file__).parents[2] / "pipelines" / "shops"
#: No profile of the house has coupons beside a method whose late money lets an order stand again.
COUPONS = """[coupons]
kinds = ["amount"]

[coupons.offers.ONCE]
kind = "amount"
value = 500

[coupons.offers.OFTEN]
kind = "amount"
value = 500
once_per_customer = false

[delivery]"""
POINTS = "\n[points]\nrate = 0.01\n"
CHOSEN = 'gateways = { card = "komoju", konbini = "komoju", bank_transfer = "komoju", paypay = "paypay" }\n'


@dataclass
class Shop:
    """The house, and both gateways beside it."""

    world: World
    komoju: Fake
    paypay: Fake
    there: SetClock
    """The gateways' clock, which shows what the house's does."""
    read: dict[str, int] = field(default_factory=dict)

    def go_on_to(self, moment: datetime) -> None:
        """Go on to ``moment``, here and there."""
        self.there.set(moment)
        self.world.at(moment)

    def order(self, method: str, number: str = "R-1", token: str | None = None, **more: Any) -> str:
        placed = self.world.clock.now().isoformat()
        payment = {"method": method} | ({"token": token} if token else {})
        self.world.take(
            document(number, more.pop("line", a_line()), shop="reuse", payment=payment, placed_at=placed, **more)
        )
        self.world.settle()
        return f"reuse/{number}"

    def hear(self, gateway: str) -> None:
        """Every notice that the gateway has not sent yet comes in, a little later."""
        self.there.advance(minutes=1)
        self.world.clock.advance(minutes=1)
        fake, declared = getattr(self, gateway), GATEWAYS[gateway]
        assert declared.read_notices is not None
        secrets = [WEBHOOK_SECRET] if gateway == "komoju" else []
        sent = fake.notices(0)[self.read.get(gateway, 0) :]
        self.read[gateway] = len(fake.notices(0))
        now = self.world.clock.now()
        for headers, body in sent:
            notices = declared.read_notices(headers, body, secrets, now)
            self.world.tell(*(notice_event(one, gateway=gateway, shops=("reuse",), now=now) for one in notices))
        self.world.settle()

    def payment(self) -> dict[str, Any]:
        found: dict[str, Any] = self.world.show("R-1", "reuse")["payment"]
        return found

    def state(self) -> str:
        return str(self.world.show("R-1", "reuse")["state"])

    def holds(self) -> list[str]:
        return [hold["reason"] for hold in self.world.show("R-1", "reuse")["holds"]]

    def mail(self, template: str) -> str:
        """Text of the one mail of ``template``."""
        (found,) = (one for one in self.world.postbox.mails if one["X-Shukka-Template"] == template)
        body = found.get_body(("plain",))
        assert body is not None
        return str(body.get_content())


@pytest.fixture
def shop(
    tmp_path: Path, engine: Engine, database_url: str, renderer: Renderer, request: pytest.FixtureRequest
) -> Iterator[Shop]:
    profiles = tmp_path / "shops"
    shutil.copytree(PROFILES, profiles, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    profile = profiles / "reuse.toml"
    lines = profile.read_text("utf-8").splitlines(keepends=True)
    chosen = [CHOSEN if line.startswith("gateways = ") else line for line in lines]
    text = "".join(chosen)
    if getattr(request, "param", None) == "coupons":
        text = text[: text.index("[coupons]")] + COUPONS + text.partition("[delivery]")[2]
    if getattr(request, "param", None) == "points":
        text += POINTS
    profile.write_text(text.replace('"amazon_pay", ', "").replace(', "loan"', ""), "utf-8")
    shops = load_shops(profiles, INSTALLATION)
    there = SetClock(FRIDAY_MORNING)
    clock = cast("AnyClock", there)
    with (
        served(Komoju(), tmp_path / "komoju", clock=clock) as komoju,
        served(PayPay(), tmp_path / "paypay", clock=clock) as paypay,
    ):
        keys = {"komoju_secret_key": SECRET_KEY, "komoju_webhook_secret": WEBHOOK_SECRET}
        access = {"paypay_api_key": API_KEY, "paypay_api_secret": API_SECRET, "paypay_merchant_id": MERCHANT}
        gateways = {
            "komoju": GATEWAYS["komoju"].build(
                KomojuSettings.model_validate({**keys, "komoju_url": f"{komoju.url}/api/v1"})
            ),
            "paypay": GATEWAYS["paypay"].build(PayPaySettings.model_validate({**access, "paypay_url": paypay.url})),
        }
        with World(engine, database_url, renderer, shops=shops, gateways=gateways) as world:
            yield Shop(world, komoju, paypay, there)
            assert world.broken() == {}


def test_a_wallet_is_agreed_to_held_and_taken_with_the_goods(shop: Shop) -> None:  # PAY-03, PAY-06
    order = shop.order("paypay")
    assert (shop.state(), shop.payment()["state"]) == ("awaiting_payment", "pending")
    url = shop.payment()["instructions"]["url"]
    assert url in shop.mail("payment_instructions")
    shop.paypay.buyer("agree", url=url)
    shop.hear("paypay")
    assert (shop.state(), shop.payment()["state"]) == ("released", "authorized")
    shop.world.ship_all("R-1", shop="reuse")
    assert shop.payment()["state"] == "captured"
    assert [move.kind for move in shop.paypay.moves(order)] == [Kind.HOLD, Kind.TAKE]


def test_a_wallet_that_nobody_agreed_to_ends_the_order_and_a_lost_notice_does_not(shop: Shop) -> None:
    shop.order("paypay")
    until = datetime.fromisoformat(shop.payment()["instructions"]["until"])
    shop.go_on_to(until)
    assert shop.state() == "cancelled"

    order = shop.order("paypay", "R-2")
    shown = shop.world.show("R-2", "reuse")["payment"]["instructions"]
    shop.paypay.buyer("agree", url=shown["url"])
    shop.go_on_to(shop.there.now() + timedelta(minutes=6))
    assert shop.world.show("R-2", "reuse")["payment"]["state"] == "authorized"
    assert len(shop.paypay.moves(order, Kind.HOLD)) == 1


def test_a_number_is_paid_at_a_till(shop: Shop) -> None:  # PAY-08
    order = shop.order("konbini")
    number = shop.payment()["instructions"]["number"]
    assert number in shop.mail("payment_instructions")
    shop.hear("komoju")
    assert shop.payment()["state"] == "pending", "'authorized' is a slip that is out, and no cash"
    shop.komoju.buyer("pay", order=order)
    shop.hear("komoju")
    assert (shop.state(), shop.payment()["state"]) == ("released", "captured")
    (taken,) = shop.komoju.moves(order)
    assert (taken.kind, taken.amount) == (Kind.TAKE, shop.payment()["captured"])


def test_whoever_opened_an_account_is_reminded_of_it_and_not_of_the_page(shop: Shop) -> None:  # PAY-07
    order = shop.order("bank_transfer")
    page = shop.payment()["instructions"]["url"]
    assert page in shop.mail("payment_instructions")
    shop.there.advance(minutes=2)
    shop.komoju.buyer("choose", order=order)
    shop.hear("komoju")
    assert shop.payment()["instructions"]["account"]["number"] == "1234567"
    for day in (21, 22, 23, 24, 25, 26):
        shop.go_on_to(at(f"2026-11-{day} 12:00:00"))
    assert "1234567" in shop.mail("payment_reminder")


def test_a_card_of_an_order_that_is_cancelled_is_released(shop: Shop) -> None:  # CAN-04
    order = shop.order("card", token="tok_test_ok")
    assert shop.payment()["state"] == "authorized"
    shop.world.tell(shop.world.ask("order.cancel", "R-1", "reuse", reason="changed my mind", operator=True))
    shop.world.settle()
    assert (shop.state(), shop.payment()["state"]) == ("cancelled", "voided")
    assert [move.kind for move in shop.komoju.moves(order)] == [Kind.HOLD, Kind.RELEASE]


def test_a_card_that_is_declined_ends_the_order_without_a_reason(shop: Shop) -> None:  # PAY-04
    shop.order("card", token="tok_test_insufficient_funds")
    assert shop.state() == "cancelled"
    assert "insufficient" not in shop.mail("payment_failed")


def _pay_late(shop: Shop, order: str) -> None:
    """Someone pays at the till after the cancel: a slip may have been scanned before it was called off."""
    shop.komoju.buyer("pay", order=order, late=True)
    shop.hear("komoju")


def test_cash_that_comes_after_the_unpaid_cancel_lets_the_order_stand_again(shop: Shop) -> None:  # PAY-08
    order = shop.order("konbini")
    shop.go_on_to(at("2026-11-24 07:00:00"))
    assert (shop.state(), shop.payment()["state"]) == ("cancelled", "expired")
    _pay_late(shop, order)
    assert (shop.state(), shop.payment()["state"]) == ("authorized", "captured")
    assert "再開" in shop.mail("order_reopened")
    shown = shop.world.show("R-1", "reuse")
    assert [(one["from"], one["to"]) for one in shown["timeline"] if one["entity"] == "order"][-2:] == [
        ("awaiting_payment", "cancelled"),
        ("cancelled", "authorized"),
    ]
    shop.world.ship_all("R-1", shop="reuse")
    assert shop.state() == "shipped"
    assert [move.kind for move in shop.komoju.moves(order)] == [Kind.TAKE], "nothing was given back"


def test_cash_that_comes_after_the_item_was_sold_to_another_goes_back(shop: Shop) -> None:  # PAY-08, INT-10
    order = shop.order("konbini")
    shop.go_on_to(at("2026-11-24 07:00:00"))
    shop.order("card", "R-2", token="tok_test_ok")
    _pay_late(shop, order)
    assert (shop.state(), shop.payment()["state"], shop.holds()) == ("cancelled", "captured", ["refund_due"])
    assert shop.world.show("R-2", "reuse")["state"] == "authorized"


def test_of_two_orders_of_one_item_that_are_paid_late_at_once_one_stands_again(shop: Shop) -> None:  # PAY-08, INT-10
    """Each alone might: what the first takes the second has no more, and neither keeps anybody waiting."""
    first = shop.order("konbini")
    shop.go_on_to(at("2026-11-24 07:00:00"))
    second = shop.order("konbini", "R-2")
    shop.go_on_to(at("2026-11-28 07:00:00"))
    assert {state for state, _ in shop.world.states().values()} == {"cancelled"}
    for order in (first, second):
        shop.komoju.buyer("pay", order=order, late=True)
    shop.hear("komoju")
    found = shop.world.states()
    assert (found["R-1"], found["R-2"]) == (("authorized", "running"), ("cancelled", "held"))
    assert [hold["reason"] for hold in shop.world.show("R-2", "reuse")["holds"]] == ["refund_due"]
    assert shop.world.broken() == {}


def _uses(shop: Shop) -> list[tuple[str, str | None]]:
    """(order, why its coupon came back)."""
    rows = shop.world.rows(
        "SELECT o.number, u.returned_because FROM coupon_use u JOIN shop_order o ON o.id = u.order_id ORDER BY o.id"
    )
    return [(row.number, row.returned_because) for row in rows]


@pytest.mark.parametrize("shop", ["coupons"], indirect=True)
@pytest.mark.parametrize("code", ["ONCE", "OFTEN"])
def test_an_order_that_stands_again_uses_its_coupon_again(shop: Shop, code: str) -> None:  # PAY-08, CAN-04
    order = shop.order("konbini", coupons=[{"code": code, "kind": "amount", "value": 500}])
    shop.go_on_to(at("2026-11-24 07:00:00"))
    assert (shop.state(), _uses(shop)) == ("cancelled", [("R-1", "unpaid")])
    _pay_late(shop, order)
    assert (shop.state(), _uses(shop)) == ("authorized", [("R-1", None)])
    assert shop.world.broken() == {}


@pytest.mark.parametrize("shop", ["coupons"], indirect=True)
@pytest.mark.parametrize(("code", "state"), [("ONCE", "cancelled"), ("OFTEN", "authorized")])
def test_money_for_an_order_whose_coupon_another_uses_since(
    shop: Shop, code: str, state: str
) -> None:  # PAY-08, CPN-01
    """What is good once is used up: the money goes back, as it does where the item is another's."""
    coupon = {"code": code, "kind": "amount", "value": 500}
    order = shop.order("konbini", coupons=[coupon])
    shop.go_on_to(at("2026-11-24 07:00:00"))
    shop.order("card", "R-2", token="tok_test_ok", coupons=[coupon], line=a_line(sku="SKU-9"))
    _pay_late(shop, order)
    assert shop.state() == state
    assert _uses(shop) == [("R-1", "unpaid" if state == "cancelled" else None), ("R-2", None)]
    assert shop.holds() == (["refund_due"] if state == "cancelled" else [])
    assert shop.world.broken() == {}


@pytest.mark.parametrize("shop", ["points"], indirect=True)
@pytest.mark.parametrize(("elsewhere", "state"), [(0, "authorized"), (100, "authorized"), (101, "cancelled")])
def test_an_order_that_stands_again_uses_its_points_again_if_they_are_still_there(
    shop: Shop, elsewhere: int, state: str
) -> None:  # PAY-08, PTS-12
    """Of 600 points it used 500, which went back as it was cancelled; another order has used some since."""
    shop.world.grant(600, "C-1", "reuse")
    order = shop.order("konbini", customer="C-1", points={"use": 500})
    assert shop.world.balance("C-1", "reuse")[1] == 100
    shop.go_on_to(at("2026-11-24 07:00:00"))
    assert (shop.state(), shop.world.balance("C-1", "reuse")[1]) == ("cancelled", 600)
    if elsewhere:
        line = a_line(sku="SKU-9")
        shop.order("card", "R-2", token="tok_test_ok", customer="C-1", points={"use": elsewhere}, line=line)
    _pay_late(shop, order)
    left = 600 - elsewhere - (0 if state == "cancelled" else 500)
    assert (shop.state(), shop.world.balance("C-1", "reuse")[1]) == (state, left)
    assert shop.holds() == (["refund_due"] if state == "cancelled" else [])
    assert shop.world.broken() == {}


def test_cash_for_an_order_whose_customer_was_forgotten_meanwhile_goes_back(shop: Shop) -> None:  # PAY-08, CON-06
    """Nobody knows any more where its goods would go."""
    order = shop.order("konbini", customer="C-1")
    shop.go_on_to(at("2026-11-24 07:00:00"))
    assert shop.state() == "cancelled"
    world = shop.world
    assert forget(world.engine, world.shops["reuse"], world.clock, "C-1", by="operations")["waits_for"] == []
    mails = len(world.postbox.mails)
    _pay_late(shop, order)
    assert (shop.state(), shop.payment()["state"], shop.holds()) == ("cancelled", "captured", ["refund_due"])
    assert len(world.postbox.mails) == mails


@pytest.mark.parametrize("shop", ["coupons"], indirect=True)
def test_a_coupon_that_was_kept_does_not_keep_an_order_from_standing_again(shop: Shop) -> None:  # PAY-08, CAN-04
    """Left unpaid twice, it does not come back: the second order has it still."""
    coupon = {"code": "OFTEN", "kind": "amount", "value": 500}
    shop.order("konbini", "R-0", coupons=[coupon], line=a_line(sku="SKU-9"))
    shop.go_on_to(at("2026-11-24 07:00:00"))
    order = shop.order("konbini", coupons=[coupon])
    shop.go_on_to(at("2026-11-28 07:00:00"))
    assert (shop.state(), _uses(shop)) == ("cancelled", [("R-0", "unpaid"), ("R-1", None)])
    _pay_late(shop, order)
    assert shop.state() == "authorized"
    assert shop.world.broken() == {}


def test_an_order_that_stood_again_and_ends_after_all_tells_of_both_ends(shop: Shop) -> None:  # PAY-08, CAN-05
    order = shop.order("konbini")
    shop.go_on_to(at("2026-11-24 07:00:00"))
    _pay_late(shop, order)
    ask = shop.world.ask("order.cancel", "R-1", "reuse", reason="changed my mind", operator=True)
    shop.world.tell(ask)
    shop.world.settle()
    assert shop.state() == "cancelled"
    told = [one["X-Shukka-Template"] for one in shop.world.postbox.mails]
    assert [one for one in told if one in ("order_cancelled", "order_reopened")] == [
        "order_cancelled",
        "order_reopened",
        "order_cancelled",
    ]
    assert shop.world.broken() == {}


@pytest.mark.parametrize(("days", "state"), [(7, "authorized"), (8, "cancelled")])
def test_how_long_after_the_cancel_late_cash_counts(shop: Shop, days: int, state: str) -> None:  # PAY-08, reopen_days
    order = shop.order("konbini")
    cancelled = at("2026-11-24 06:00:00")
    shop.go_on_to(cancelled)
    assert shop.state() == "cancelled"
    shop.go_on_to(cancelled + timedelta(days=days, minutes=-2))
    _pay_late(shop, order)
    assert shop.state() == state


def test_cash_that_comes_after_the_customers_own_cancel_goes_back(shop: Shop) -> None:  # CAN-03
    order = shop.order("konbini")
    shop.world.tell(shop.world.ask("order.cancel", "R-1", "reuse", reason="changed my mind", operator=True))
    shop.world.settle()
    _pay_late(shop, order)
    assert (shop.state(), shop.holds()) == ("cancelled", ["refund_due"])


@pytest.mark.parametrize("method", ["konbini", "bank_transfer"])
def test_cash_of_which_nobody_heard_before_the_cancel_goes_back_too(shop: Shop, method: str) -> None:
    """CAN-03, PAY-08: KOMOJU does not take back what was paid, and is asked why, since its notice may be lost."""
    order = shop.order(method)
    shop.there.advance(minutes=2)
    if method == "bank_transfer":
        shop.komoju.buyer("choose", order=order)
    shop.komoju.buyer("pay", order=order)
    shop.world.clock.advance(minutes=5)
    shop.world.tell(shop.world.ask("order.cancel", "R-1", "reuse", reason="changed my mind", operator=True))
    shop.world.settle()
    assert (shop.state(), shop.payment()["state"], shop.holds()) == ("cancelled", "captured", ["refund_due"])
    assert "10,000" in shop.mail("refund_account_needed")
