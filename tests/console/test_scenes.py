"""Ten scenes of an operator's day (docs/scenes.md), each from Today to its end in a real browser: under six clicks, without SQL and
without the command line; with scripts, and without."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from models.database import connect
from tests.chromium import NEEDED, Visit
from tests.conftest import Running, fresh_database
from tests.console.browser import Console
from tests.console.day import BOUNCED, Day, day
from tests.console.looks import enter, picture
from tests.web.site import served
from tests.world import World
from workers.mail.rendering import Renderer
from workers.web.api.views import show_order

pytestmark = NEEDED

MOST_CLICKS = 5
CORRECTED = "takahashi@example.jp"


@dataclass
class Walk:
    """One operator's way through pages, with what was pressed on it."""

    page: Any
    name: str
    clicks: list[str] = field(default_factory=list)

    def press(self, name: str, role: str = "link", *, within: str = "main") -> None:
        """Press a link or a button by its name."""
        self.clicks.append(name)
        self.page.locator(within).get_by_role(role, name=name, exact=True).first.click()

    def press_at(self, place: str) -> None:
        """Press what stands at a place of the page."""
        self.clicks.append(place)
        self.page.locator(place).first.click()

    def search(self, words: str) -> None:
        """Type into the search box and press Enter, which counts."""
        self.page.fill("#q", words)
        self.clicks.append(f"search {words}")
        with self.page.expect_navigation():
            self.page.keyboard.press("Enter")

    def look_and_do(self, action: str) -> None:
        """Look at what the request would do, and do it: two clicks."""
        self.press("内容を確認する", "button")
        self.page.locator('main [name="digest"]').wait_for(state="attached")
        self.show()
        self.press(action, "button")

    def show(self) -> None:
        """Keep a picture of the page."""
        picture(self.page, f"scene-{self.name}")

    def fill(self, **typed: str) -> None:
        """Type into fields of the request, dots written as two strokes."""
        for name, text in typed.items():
            place = self.page.locator(f'main [name="{name.replace("__", ".")}"]:not([type="hidden"])').first
            if place.evaluate("one => one.tagName") == "SELECT":
                place.select_option(text)
            else:
                place.fill(text)

    def reads(self, *words: str) -> None:
        """The page says so."""
        told = self.page.inner_text("main")
        for one in words:
            assert one in told, (one, told)


@dataclass
class Desk:
    """An operator before the console, with the day behind it."""

    lived: Day
    base: str
    driven: Visit
    page: Any

    @property
    def world(self) -> World:
        return self.lived.world

    def act(self, scene: Callable[[Walk], None], name: str) -> None:
        """Play a scene from Today on, and let what was asked for happen."""

        def play(browser: Any) -> None:
            walk = Walk(self.page, name)
            self.page.goto(f"{self.base}/console")
            scene(walk)
            assert len(walk.clicks) <= MOST_CLICKS, walk.clicks

        self.driven(play)
        self.world.settle()

    def shown(self, number: str, shop: str) -> Mapping[str, Any]:
        """An order with all that an operator of its shop sees."""
        profile = self.world.shops[shop]
        with self.world.engine.connect() as connection:
            found = show_order(connection, shop, number, self.world.clock.now(), "ja", profile=profile, inside=True)
        assert found is not None
        return found


@pytest.fixture(
    scope="module", params=[True, pytest.param(False, marks=pytest.mark.long)], ids=["scripts", "no scripts"]
)
def desk(running: Running, template: str, renderer: Renderer, driven: Visit, request: Any) -> Iterator[Desk]:
    """Ten to noon, once for all scenes."""
    with fresh_database(running, template) as url:
        engine = connect(url, application="shukka-test")
        with day(engine, url, renderer) as lived:
            console = Console(lived.world)
            with served(console.app) as base:
                desk = Desk(lived, base, driven, None)

                def sit_down(browser: Any) -> None:
                    desk.page = enter(lived.world, base, browser, java_script_enabled=request.param)
                    desk.page.set_default_timeout(10_000)

                driven(sit_down)
                yield desk
                driven(lambda _: desk.page.context.close())
            console.close()
        engine.dispose()


def test_at_ten_to_noon_what_must_leave(desk: Desk) -> None:
    """One click: the row of the clinic's warehouse, whose cutoff comes next, is a list of what leaves today."""

    def scene(walk: Walk) -> None:
        walk.reads("12:00")
        walk.press_at("#f-clinic-warehouse-due")
        walk.reads("C-16", "C-21")
        walk.show()
        assert "C-17" not in walk.page.inner_text("main")

    desk.act(scene, "leaves")


def test_why_is_c17_not_today(desk: Desk) -> None:
    """One search: the goods come in on Tuesday, and the rule that says so stands beside the day (SPL-02)."""

    def scene(walk: Walk) -> None:
        walk.search("C-17")
        walk.reads("11月24日(火)", "お取り寄せ商品は11月24日(火)に入荷の予定のため", "backorder")
        walk.show()

    desk.act(scene, "why")


def test_a_customer_calls_with_a_wrong_address(desk: Desk) -> None:
    """Four clicks: found, another house number typed, looked at, done; the warehouse is told anew."""

    def scene(walk: Walk) -> None:
        walk.search("S-38")
        walk.press("届け先を変更する")
        walk.fill(ship_to__line1="栄3-15-33", reason="お客様からお電話")
        walk.look_and_do("届け先を変更する")

    desk.act(scene, "address")
    assert desk.shown("S-38", "salon")["ship_to"]["line1"] == "栄3-15-33"


def test_a_maker_refuses(desk: Desk) -> None:
    """Five clicks: what waits by its reason, the order, another maker, looked at, done (SPL-05)."""

    def scene(walk: Walk) -> None:
        walk.press_at("#h-clinic-supplier_refused")
        walk.press("C-22")
        walk.reads("製造終了のため")
        walk.press("出荷元を変更する")
        walk.fill(supplier="maker-b", reason="製造終了")
        walk.look_and_do("出荷元を変更する")

    desk.act(scene, "refused")
    shipments = desk.shown("C-22", "clinic")["shipments"]
    assert [one["supplier"] for one in shipments if one["state"] != "cancelled"] == ["maker-b"]
    assert desk.world.states()["C-22"] == ("released", "running")


def test_a_deposit_330_yen_short(desk: Desk) -> None:
    """Five clicks: the bank kept its fee; the shop lets it go, and the goods leave (B.6.7)."""

    def scene(walk: Walk) -> None:
        walk.press_at("#h-salon-deposit_mismatch")
        walk.press("S-33")
        walk.press("保留を解除する")
        walk.fill(reason="振込手数料330円は当店負担")
        walk.look_and_do("保留を解除する")

    desk.act(scene, "short")
    assert desk.world.states()["S-33"] == ("released", "running")


def test_a_remark_with_two_coupons(desk: Desk) -> None:
    """Four clicks: the remark stands beside the form of its reason; both coupons are applied, and the customer hears the new sum
    (CPN-03)."""

    def scene(walk: Walk) -> None:
        walk.press("要確認", within="header")
        walk.press("salon/S-35")
        walk.reads("AUTUMN と WINTER")
        walk.fill(coupons__0__code="AUTUMN", coupons__0__kind="amount", coupons__0__value="500")
        walk.fill(coupons__1__code="WINTER", coupons__1__kind="amount", coupons__1__value="300")
        walk.look_and_do("クーポンを適用する")

    desk.act(scene, "coupons")
    applied = (
        "SELECT u.code_key FROM coupon_use u JOIN shop_order o ON o.id = u.order_id WHERE o.number = 'S-35' ORDER BY 1"
    )
    assert [one.code_key for one in desk.world.rows(applied)] == ["autumn", "winter"]
    assert desk.world.states()["S-35"][1] == "running"


def test_a_parcel_is_lost(desk: Desk) -> None:
    """Five clicks: what was lost is taken back at the shop's cost, and the money goes back (RET-07)."""

    def scene(walk: Walk) -> None:
        walk.press_at("#h-salon-transit_accident")
        walk.press("S-37")
        walk.press("返品を処理する")
        walk.fill(lines__0__quantity="4", fault="shop")
        walk.look_and_do("返品を処理する")

    desk.act(scene, "lost")
    money = desk.shown("S-37", "salon")["payment"]
    assert money["refunded"] == money["captured"] > 0


def test_a_mail_bounced(desk: Desk) -> None:
    """Five clicks: the mail goes out again to the address that the customer said on the telephone, and the bounce was seen to."""

    def scene(walk: Walk) -> None:
        walk.press("要確認", within="header")
        walk.press_at('a[href*="kind=bounce"]')
        walk.fill(to=CORRECTED)
        walk.look_and_do("メールを再送する")

    desk.act(scene, "bounced")
    sent = desk.world.rows("SELECT envelope_to, state FROM mail WHERE copy_of IS NOT NULL")
    assert [tuple(one) for one in sent] == [(CORRECTED, "sent")]
    assert desk.world.value("SELECT count(*) FROM mail WHERE envelope_to = :to AND state = 'bounced'", to=BOUNCED) == 1


def test_a_card_of_which_nobody_knows(desk: Desk) -> None:
    """Three clicks: the gateway answers again, is looked up under the same key, and the order goes on (PAY-05)."""
    desk.lived.gateway.back = True

    def scene(walk: Walk) -> None:
        walk.press("要確認", within="header")
        walk.press_at('a[href*="kind=effect"]')
        walk.show()
        walk.press("再実行する", "button")
        walk.reads("完了")

    desk.act(scene, "card")
    desk.world.hurry()
    desk.world.settle()
    assert desk.world.states()["S-41"] == ("released", "running")
    assert len([one for one in desk.lived.gateway.orders if one == "salon/S-41"]) == 1


def test_the_month_ends(desk: Desk) -> None:
    """Three clicks: the month is closed by gateway and method, and the bill of whoever pays by the month is there to print (TAX-02)."""

    def scene(walk: Walk) -> None:
        walk.press("入金・決済", within="header")
        walk.press("この月を締める", "button")
        walk.reads("2026-11", "clinic/M-C-29")
        walk.show()
        walk.press("clinic/M-C-29")
        walk.reads("C-29", "14,080円")

    desk.act(scene, "month")


def test_the_day_ends_in_order(desk: Desk) -> None:
    """Nothing of the scenes waits any more but the bounce to be seen to; every act is written down; the books agree."""
    acts = [one.act for one in desk.world.rows("SELECT act FROM operator_act ORDER BY id")]
    done = ["address:change", "shipments:reroute", "release", "coupons", "lines:return", "mails:resend", "retry"]
    assert [one for one in acts if one in done] == done
    assert desk.world.value("SELECT count(*) FROM order_hold WHERE closed_at IS NULL") == 0
    assert desk.world.broken() == {}
