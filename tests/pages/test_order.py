"""The customer's page of one order (``/o/{token}``): opened by the link of every mail, by nobody else's, and acted on once."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes, policy
from html import unescape
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest

from models.states import LotState, OrderState, ReturnState, TrackingState
from pipelines.customers.order_page import PURPOSE, page_link
from pipelines.documents.kinds import ISSUED
from pipelines.methods import Receipt
from pipelines.ports import MailIntent
from tests.returns.counter import Counter, pieces
from tests.web.site import Site
from tests.web.test_supplier_page import Page, page
from tests.world import World, a_line, document
from workers.allowance import Allowance
from workers.mail import samples
from workers.mail.rendering import CUSTOMER_MAILS, Renderer
from workers.web import pages
from workers.web.links import Links
from workers.web.pages.html import LANGUAGES, words


@pytest.fixture
def site(world: World) -> Iterator[Site]:
    """S-1 of salon waits for its transfer."""
    world.take(document("S-1", a_line("1", 2, 6_000), payment={"method": "bank_transfer"}))
    world.settle()
    site = Site(world)
    yield site
    site.close()


def links(world: World) -> Links:
    found = world.house.links
    assert found is not None
    return found


def path(world: World, number: str = "S-1", shop: str = "salon") -> str:
    """Where the order's page is."""
    until = world.clock.now() + timedelta(days=1)
    return f"/o/{links(world).token(PURPOSE, f'{shop}/{number}', until)}"


def mailed(world: World) -> set[str]:
    """The links to pages of orders in all mails so far."""
    base, found = re.escape(links(world).base), set[str]()
    for mail in world.postbox.mails:
        for part in ("plain", "html"):
            body = mail.get_body((part,))
            assert body is not None
            told = re.findall(rf"{base}(/o/[\w-]+)", body.get_content())
            if mail["X-Shukka-Template"] in CUSTOMER_MAILS:
                assert len(told) == 1, f"{mail['X-Shukka-Template']} leads to the page"
            else:
                assert not told, f"{mail['X-Shukka-Template']} is not the customer's"
            found.update(told)
    return found


def look(site: Site, where: str, status: int = 200) -> Page:
    return page(site.get(where, key=None), status)


def press(site: Site, where: str, **fields: str) -> httpx.Response:
    """Press a button, and let what it asks be decided."""
    answer = send(site, where, **fields)
    site.world.settle()
    return answer


def send(site: Site, where: str, **fields: str) -> httpx.Response:
    headers = {"content-type": "application/x-www-form-urlencoded"}
    return site.run(lambda: site.request("POST", where, key=None, content=urlencode(fields), headers=headers))


def test_every_mail_of_an_order_has_the_same_link_and_it_opens_the_page(site: Site) -> None:
    world = site.world
    world.tell(world.deposit("S-1", 13_200))
    world.settle()
    world.ship_all("S-1")
    (where,) = mailed(world)
    shown = look(site, where)
    for told in ("S-1", "商品 1", "発送いたしました", "13,200円", "サロン髙橋 御中"):
        assert told in shown.text
    for private in ("takahashi@example.jp", "M-1", "052-000-0000"):
        assert private not in shown.text, "no more of a customer than the page needs"
    assert shown.language == "ja"
    assert look(site, f"{where}?lang=en").language == "en"
    assert "Your order has left" in look(site, f"{where}?lang=en").text


def test_what_was_given_back_by_hand_is_shown_once(site: Site) -> None:
    """It is a part of what was refunded."""
    world = site.world
    world.tell(world.deposit("S-1", 13_200))
    world.settle()
    world.ship_all("S-1")
    lines = [{"line": "1", "quantity": 1}]
    world.tell(world.ask("order.return_lines", "S-1", lines=lines, fault="shop"))
    world.settle()
    world.tell(world.ask("refund.by_hand", "S-1", amount=6_600, reference="T-1"))
    world.settle()
    assert re.search(r"ご返金額\s*6,600円", look(site, path(world)).text)


def rows(shown: Page) -> dict[str, str]:
    """What the page says beside each word."""
    found = re.findall(r"<dt>([^<]*)</dt><dd>(.*?)</dd>", shown.source, re.DOTALL)
    return {word: re.sub(r"<[^>]+>", "", value) for word, value in found}


def yen(told: str) -> int:
    """A sum of money or points as the page writes it."""
    return int(re.sub(r"[^0-9-]", "", told))


def test_the_rows_of_the_money_add_up_to_the_total_after_every_change(world: World) -> None:
    """INT-13, RET-02: the goods are those that are left; what was taken out is named apart, and points are what is earned by now."""
    world.grant(3_000)
    lines = (a_line("1", 3, 3_000), a_line("2", 1, 1_290, tax_rate=8), a_line("3", 1, 5_000))
    world.take(document("S-1", *lines, points={"use": 500}))
    world.settle()
    site, where = Site(world), path(world)
    ask = world.ask
    for what, body in (
        (None, {}),
        ("order.cancel_lines", {"lines": [{"line": "1", "quantity": 1}], "fault": "shop", "reason": ""}),
        ("shipped", {}),
        ("order.return_lines", {"lines": [{"line": "3", "quantity": 1}], "fault": "shop"}),
        ("refund.goodwill", {"amount": 300, "reason": "scratched"}),
    ):
        if what == "shipped":
            world.ship_all("S-1")
        elif what is not None:
            world.tell(ask(what, "S-1", operator=True, by="ops", **body))
            world.settle()
        shown = look(site, where)
        row = rows(shown)
        goods = re.findall(
            r'<tr><td class="name">[^<]*</td><td class="number">[^<]*</td><td class="number">([^<]*)</td></tr>',
            shown.source,
        )
        assert sum(map(yen, goods)) == yen(row["商品合計"])
        parts = ("商品合計", "送料", "手数料", "消費税", "当店からの返金", "ご利用済みの付与ポイント相当額")
        total = sum(yen(row[word]) for word in parts if word in row) - yen(row.get("ポイントご利用", "0"))
        assert total == yen(row["お支払い合計"])
        assert ("ご注文から除いた商品" in shown.text) == (what is not None)
        assert yen(row["獲得ポイント"].partition("(")[0]) == sum(world.balance()) - 3_000 + yen(row["ポイントご利用"])
    assert "当店からの返金" in row
    site.close()


def test_who_is_to_pay_or_to_visit_a_store_reads_by_when(world: World) -> None:
    """PAY-07, STO-01."""
    goods = a_line(availability="unique", unit_price=50_000, flags=["pull_in"])
    pickup = {"store": "store-1", "visit_on": "2026-11-28"}
    world.take(document("R-1", goods, shop="reuse", pickup=pickup, payment={"method": "bank_transfer"}))
    world.settle()
    site, where = Site(world), path(world, "R-1", "reuse")
    row = rows(look(site, where))
    assert row["お支払い期限"] == "11月27日(金)"
    assert row["ご来店店舗"].startswith("リユースブティック 丸の内店")
    assert row["ご来店日"] == "11月28日(土)"
    world.tell(world.deposit("R-1", 50_000, "reuse"))
    world.settle()
    assert "お支払い期限" not in rows(look(site, where))
    site.close()


def test_a_new_day_of_dispatch_stands_alone(world: World) -> None:
    """What was the reason for another day is none any more."""
    world.take(document("S-1"))
    world.settle()
    site, where = Site(world), path(world)
    assert "当日11月20日(金)の出荷" in look(site, where).text
    (shipment,) = world.shipments()
    for expected, says in (("2026-11-26", "11月26日(木)の出荷を予定"), (None, "出荷日はまだ決まっていません")):
        world.clock.advance(minutes=1)
        world.tell(world.news("shipment.delayed", shipment, expected_on=expected))
        world.settle()
        shown = look(site, where).text
        assert says in shown
        assert "当日11月20日(金)の出荷" not in shown
    site.close()


def test_a_return_that_is_taken_off_a_bill_says_so(world: World) -> None:
    """PAY-12: nothing was refunded."""
    told = document("C-1", a_line("1", 1, 50_000), shop="clinic", payment={"method": "direct_debit"})
    told["customer"]["account"] = "partner_web"
    world.take(told)
    world.settle()
    world.ship_all("C-1", shop="clinic")
    counter = Counter(world, "clinic", "C-1").arrive()
    one = counter.open(pieces(reason="defect"))
    if counter.state(one) == "requested":
        counter.ask("returns:approve", one)
    counter.ask("returns:receive", one)
    counter.ask("returns:inspect", one, passes=True)
    counter.ask("returns:refund", one, reason="no other left")
    site = Site(world)
    shown = look(site, path(world, "C-1", "clinic")).text
    site.close()
    assert "確認した月のご請求から差し引きます" in shown
    assert "ご返金の手続き" not in shown


@pytest.mark.parametrize("locale", LANGUAGES)
def test_without_a_public_address_or_days_a_mail_has_no_link_and_with_them_the_same_bytes_again(
    world: World, locale: str
) -> None:
    shop, at = world.shops["salon"], world.clock.now()
    given = page_link(shop, "S-1", at)
    assert given is not None
    assert page_link(shop.model_copy(update={"order_page_days": 0}), "S-1", at) is None
    plain = samples.sample("order_accepted", locale)
    intent = replace(plain, context={**plain.context, "order_page": given})
    address = "orders@shop.example"
    signing, without = Renderer(address, "shop.example", links=links(world)), Renderer(address, "shop.example")

    def text(renderer: Renderer, told: MailIntent) -> str:
        raw = renderer.render(told, shop="salon", number="S-1").raw
        body = message_from_bytes(raw, policy=policy.default).get_body(("plain",))
        assert body is not None
        return str(body.get_content())

    assert f"{links(world).base}/o/" in text(signing, intent)
    assert "/o/" not in text(without, intent)
    assert "/o/" not in text(signing, plain)
    again = [signing.render(intent, shop="salon", number="S-1").raw for _ in range(2)]
    assert again[0] == again[1]


def test_no_other_link_opens_anything(site: Site) -> None:
    """One that is forged, has ended, is for another page or of no order: all the same page, which says nothing."""
    world = site.world
    now, sign = world.clock.now(), links(world)
    good = sign.token(PURPOSE, "salon/S-1", now + timedelta(days=1))
    forged = good[:-2] + ("AA" if good[-2:] != "AA" else "BB")
    wrong = [
        forged,
        "x" * 40,
        sign.token(PURPOSE, "salon/S-1", now),
        sign.token("supplier", "salon/S-1", now + timedelta(days=1)),
        sign.token(PURPOSE, "salon/S-2", now + timedelta(days=1)),
        sign.token(PURPOSE, "clinic/S-1", now + timedelta(days=1)),
        sign.token(PURPOSE, "nowhere/S-1", now + timedelta(days=1)),
        sign.token(PURPOSE, "salon", now + timedelta(days=1)),
    ]
    assert len({look(site, f"/o/{one}", 404).text for one in wrong}) == 1
    assert press(site, f"/o/{forged}", act="cancel").status_code == 404
    assert world.states()["S-1"][0] == "awaiting_payment"


def test_whoever_was_forgotten_has_no_page(site: Site) -> None:
    world = site.world
    where = path(world)
    world.execute("""UPDATE order_document SET document = jsonb_set(document::jsonb, '{customer,email}', '""')::json""")
    look(site, where, 404)


def test_an_order_is_cancelled_once_however_often_it_is_pressed(site: Site) -> None:
    """CAN-01: by the customer's own rules, through the one door of all actions."""
    where = path(site.world)
    once = Page("").hidden(site.get(where, key=None).text, "once")
    answers = [send(site, where, act="cancel", once=once) for _ in range(2)]
    site.world.settle()
    assert [one.status_code for one in answers] == [303, 303]
    assert site.world.states()["S-1"][0] == "cancelled"
    assert site.world.value("SELECT count(*) FROM inbox_event WHERE type = 'order.cancel'") == 1
    shown = look(site, f"{where}?said=cancel")
    assert "ご注文はキャンセルとなりました" in shown.text
    assert "キャンセルする" not in shown.text


@pytest.mark.parametrize(
    ("payment", "before"),
    [
        ({"method": "card", "token": "tok_ok"}, "領収書は、発送後にこのページで発行できます。"),
        ({"method": "bank_transfer"}, "領収書は商品に同封するか、郵送いたします。"),
    ],
    ids=["fetched here", "on paper"],
)
def test_nobody_is_told_to_wait_for_a_receipt_of_a_cancelled_order(
    site: Site, payment: dict[str, str], before: str
) -> None:
    """DOC-02: there is none to come."""
    site.world.take(document("R-1", a_line("1", 1, 6_000, flags=["pull_in"]), shop="reuse", payment=payment,
                             pickup={"store": "store-1", "visit_on": "2026-11-28"}))  # fmt: skip
    site.world.settle()
    where = path(site.world, "R-1", "reuse")
    assert before in look(site, where).text
    assert press(site, where, act="cancel", once="1").status_code == 303
    site.world.settle()
    assert site.world.states()["R-1"][0] == "cancelled"
    assert "領収書" not in look(site, where).text


def test_a_cancel_that_comes_with_the_dispatch_changes_nothing(site: Site) -> None:
    """CAN-06: what has left is not cancelled, whichever of the two was pressed first."""
    world = site.world
    where = path(world)
    world.tell(world.deposit("S-1", 13_200))
    world.settle()
    world.ship_all("S-1")
    refused = press(site, where, act="cancel", once="1")
    assert refused.status_code == 409
    assert 'role="alert"' in refused.text
    assert world.states()["S-1"][0] == "shipped"
    assert world.broken() == {}


@pytest.mark.parametrize(
    ("addressee", "purpose", "says"),
    [
        ("<b>見本</b> 4242 4242 4242 4242", "備品代", {"宛名は100文字以内"}),
        ("<b>見本</b>", "備" * 41, {"但し書きは40文字以内"}),
        ("見" * 101, "備" * 41, {"宛名は100文字以内", "但し書きは40文字以内"}),
    ],
)
@pytest.mark.parametrize("locale", LANGUAGES)
def test_a_receipt_that_is_refused_loses_nothing_that_was_typed(
    site: Site, locale: str, addressee: str, purpose: str, says: set[str]
) -> None:
    """What is wrong is said at its field, and what is in the others stays."""
    world = site.world
    world.take(document("S-2", a_line("1", 1, 6_000), customer="M-2"))
    world.settle()
    world.ship_all("S-2")
    where = path(world, "S-2")
    refused = press(
        site, f"{where}?lang={locale}", act="document", kind="receipt", addressee=addressee, purpose=purpose
    )
    assert refused.status_code == 422
    typed = dict(re.findall(r'<input id="(addressee|purpose)"[^>]* value="([^"]*)"', refused.text))
    assert {name: unescape(told) for name, told in typed.items()} == {"addressee": addressee, "purpose": purpose}
    assert refused.text.count('aria-invalid="true"') == refused.text.count('class="fault"') == len(says)
    assert locale != "ja" or all(one in refused.text for one in says)
    assert press(site, where, act="document", kind="receipt", addressee="見本", purpose="備品代").status_code == 303


def test_what_people_typed_is_shown_as_text(site: Site) -> None:
    world = site.world
    world.take(document("S-2", a_line("1", 1, name="<script>alert(1)</script>{{ 7*7 }}"), customer="M-2"))
    world.settle()
    raw = site.get(path(world, "S-2"), key=None).text
    assert "<script>alert(1)" not in raw
    assert "&lt;script&gt;alert(1)" in raw
    assert "{{ 7*7 }}" in raw
    odd = look(site, f"{path(world, 'S-2')}?said=<b>&lang=xx")
    assert "<b>" not in odd.text


def test_a_receipt_is_issued_once_and_loaded_as_often_as_one_likes(world: World) -> None:
    """DOC-02: two clicks give one receipt; another order's link loads it not."""
    world.take(document("S-1", a_line("1", 1)), document("S-2", a_line("1", 1)))
    world.settle()
    world.ship_all("S-1", "S-2")
    site = Site(world)
    where = path(world)
    answers = [
        press(site, where, act="document", kind="receipt", subject="", addressee=name) for name in ("見本商店", "別人")
    ]
    assert [one.status_code for one in answers] == [303, 303]
    assert world.value("SELECT count(*) FROM document") == 1
    assert world.value("SELECT content->'addressee'->>'name' FROM document") == "見本商店"
    told = re.search(r"/documents/(DC-\w+)", site.get(where, key=None).text)
    assert told is not None
    file = site.get(f"{where}/documents/{told[1]}", key=None)
    assert (file.status_code, file.headers["cache-control"], file.content[:5]) == (200, "no-store", b"%PDF-")
    assert site.get(f"{path(world, 'S-2')}/documents/{told[1]}", key=None).status_code == 404
    card = press(site, path(world, "S-2"), act="document", kind="receipt", subject="", addressee="4111111111111111")
    assert card.status_code == 422, "INT-17"
    site.close()


def test_a_link_that_is_pressed_too_often_waits(world: World) -> None:
    world.take(document("S-1"))
    site = Site(world)
    where, may = path(world), Allowance(requests_per_minute=12, orders_per_minute=1, burst_seconds=10)
    site.app.state.shukka.clients.may = may
    assert [site.get(where, key=None).status_code for _ in range(3)] == [200, 200, 429]
    site.close()


def test_both_languages_say_the_same_things_and_every_state_has_its_words() -> None:
    folder = Path(pages.__file__).parent
    said = [set(tomllib.loads((folder / f"order_words.{one}.toml").read_text("utf-8"))) for one in LANGUAGES]
    assert said[0] == said[1]
    told = words("ja", "order_words")
    needed = {
        *(f"state_{one}" for one in OrderState),
        *(f"tracking_{one}" for one in TrackingState),
        *(f"return_{one}" for one in ReturnState),
        *(f"lot_{one}" for one in LotState),
        *(f"kind_{one}" for one in ISSUED),
        *(f"receipt_{one}" for one in Receipt if one is not Receipt.SHOP),
    }
    assert needed <= set(told)


def test_the_rows_of_money_are_those_of_what_is_left(world: World) -> None:
    """What the order earned was that of the goods which are gone, and the total was less than its rows by what the shop gave back."""
    world.take(document("S-1", a_line("1", 1, 6_000), a_line("2", 1, 4_000), locale="en"))
    world.settle()
    world.ship_all("S-1")
    world.tell(world.ask("refund.goodwill", "S-1", amount=500, reason="a scratch"))
    world.tell(world.ask("order.return_lines", "S-1", lines=[{"line": "2", "quantity": 1}], fault="shop"))
    world.settle()
    site = Site(world)
    says = words("en", "order_words")
    text = " ".join(re.sub(r"<[^>]+>", " ", site.get(f"{path(world)}?lang=en", key=None).text).split())
    for word, amount in (
        ("goods_total", "¥6,000"),
        ("tax_total", "¥600"),
        ("goodwill", "-¥500"),
        ("grand_total", "¥6,100"),
    ):
        assert f"{says[word]} {amount}" in text, word
    assert f"{says['points_earned']} 60 points (valid)" in text
    site.close()
