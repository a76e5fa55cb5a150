"""Money that has no way back: the customer is asked for an account, names it on a page, and an operator pays it out (PAY-07,
PAY-08, B.6.5)."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from datetime import timedelta

import httpx
import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from models.store.erasures import erase_orders
from tests.web.site import Site
from tests.world import World, a_line, document
from workers.cli.main import app
from workers.web.links import Links

TYPED = {
    "bank": "見本銀行",
    "branch": "本店",
    "kind": "普通",
    "number": "１２３−４５６７",
    "holder": "やまだ ハナコ",
}
ACCOUNT = {"bank": "見本銀行", "branch": "本店", "kind": "普通", "number": "1234567", "holder": "ヤマダ ハナコ"}


@pytest.fixture
def site(world: World) -> Iterator[Site]:
    """S-1 was paid by transfer and shipped; a line worth 4,400 yen came back."""
    world.take(document("S-1", a_line("1", 1, 6_000), a_line("2", 1, 4_000), payment={"method": "bank_transfer"}))
    world.settle()
    world.tell(world.deposit("S-1", 11_000))
    world.settle()
    world.ship_all("S-1")
    world.tell(world.ask("order.return_lines", "S-1", lines=[{"line": "2", "quantity": 1}], fault="shop"))
    world.settle()
    site = Site(world)
    yield site
    site.close()


def links(world: World) -> Links:
    found = world.house.settings.links
    assert found is not None
    return found


def link(world: World) -> str:
    """The path of the link in the mail."""
    (mail,) = [one for one in world.postbox.mails if one["X-Shukka-Template"] == "refund_account_needed"]
    part = mail.get_body(("plain",))
    assert part is not None
    found = re.search(rf"{re.escape(links(world).base)}(/r/\S+)", part.get_content())
    assert found is not None
    return found[1]


def get(site: Site, path: str) -> httpx.Response:
    return site.get(path, key=None)


def post(site: Site, path: str, **typed: str) -> httpx.Response:
    return site.run(lambda: site.request("POST", path, key=None, data={**TYPED, **typed}))


def test_a_customer_names_the_account_and_the_operator_pays_it_out(site: Site) -> None:
    path = link(site.world)
    page = get(site, path)
    assert (page.status_code, "4,400" in page.text, "<script" in page.text) == (200, True, False)
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["referrer-policy"] == "no-referrer"
    kept = post(site, path)
    assert kept.status_code == 200
    assert "1234567" not in kept.text, "only its end is ever shown again"
    row = site.world.rows("SELECT bank, branch, kind, number, holder FROM refund_account")[0]
    assert dict(row._mapping) == ACCOUNT
    shown = site.get("/v1/orders/salon/S-1", key=site.operator).json()["refund_account"]
    assert {name: shown[name] for name in ACCOUNT} == ACCOUNT
    assert "refund_account" not in site.get("/v1/orders/salon/S-1").json(), "no storefront reads it"


def test_who_is_erased_leaves_no_account(site: Site) -> None:
    """CON-07: with the order's other personal data; so does retention, by the same statement."""
    post(site, link(site.world))
    with site.world.engine.begin() as connection:
        (order,) = connection.execute(text("SELECT id FROM shop_order")).scalars()
        assert erase_orders(connection, [order], [])["refund_accounts"] == 1
    assert site.world.rows("SELECT number FROM refund_account") == []


def test_another_word_of_the_customer_holds(site: Site) -> None:
    path = link(site.world)
    post(site, path)
    post(site, path, number="7654321")
    assert [row.number for row in site.world.rows("SELECT number FROM refund_account")] == ["7654321"]


@pytest.mark.parametrize(
    ("field", "typed"),
    [("number", "123456"), ("number", "12345678"), ("holder", "山田 花子"), ("holder", "ア" * 31), ("kind", "定期")]
    + [(field, " ") for field in ("bank", "branch")],
)
def test_what_is_no_account_is_asked_for_again_and_not_kept(site: Site, field: str, typed: str) -> None:
    page = post(site, link(site.world), **{field: typed})
    assert (page.status_code, page.text.count('class="wrong"')) == (422, 1)
    assert site.world.rows("SELECT number FROM refund_account") == []


def test_a_link_that_does_not_open_says_nothing(site: Site) -> None:
    """Forged, ended, for another page, about an order there is not: one answer."""
    world, path = site.world, link(site.world)
    now = world.clock.now()
    later = now + timedelta(days=1)
    signed = links(world)
    wrong = [
        f"{path[:-1]}{'A' if path[-1] != 'A' else 'B'}",
        f"/r/{signed.token('refund_account', 'salon/S-1', now)}",
        f"/r/{signed.token('another_page', 'salon/S-1', later)}",
        f"/r/{signed.token('refund_account', 'salon/S-9', later)}",
        f"/r/{signed.token('refund_account', 'nowhere/S-1', later)}",
        "/r/-",
    ]
    answers = [*(get(site, one) for one in wrong), *(post(site, one) for one in wrong)]
    assert {(one.status_code, one.text) for one in answers} == {(404, answers[0].text)}


def test_once_it_is_given_back_nothing_is_asked_any_more(site: Site) -> None:
    world, path = site.world, link(site.world)
    world.tell(world.ask("refund.by_hand", "S-1", amount=4_400, reference="T-1"))
    world.settle()
    assert "<form" not in get(site, path).text
    post(site, path)
    assert world.rows("SELECT number FROM refund_account") == []
    assert world.postbox.templates("salon/S-1").count("refund_account_needed") == 1


def test_payouts_are_listed_with_their_accounts_until_they_are_recorded(
    site: Site, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = site.world
    monkeypatch.setenv("DATABASE_URL", database_url)

    def listed() -> list[dict[str, str]]:
        shown = CliRunner().invoke(app, ["payments", "payouts", "--csv"])
        assert shown.exit_code == 0, shown.output
        return list(csv.DictReader(io.StringIO(shown.stdout.removeprefix("\ufeff"))))

    (before,) = listed()
    assert (before["order"], before["amount"], before["number"]) == ("salon/S-1", "4400", "")
    post(site, link(world))
    (row,) = listed()
    assert {name: row[name] for name in ACCOUNT} == ACCOUNT
    world.tell(world.ask("refund.by_hand", "S-1", amount=4_400, reference="T-1"))
    world.settle()
    assert listed() == []


def test_a_link_that_opens_nothing_and_a_form_that_is_none_are_pages(site: Site) -> None:
    """Whoever comes by an old mail reads a sentence."""
    large = post(site, link(site.world), bank="x" * 10_000)
    for answer, status in ((get(site, "/r/none"), 404), (large, 413)):
        assert (answer.status_code, answer.headers["content-type"]) == (status, "text/html; charset=utf-8")
        assert "<h1>" in answer.text


def test_a_wrong_field_says_what_would_be_right(site: Site) -> None:
    page = post(site, link(site.world), number="12345", holder="山田 花子").text
    assert "7桁の数字でご入力ください。" in page
    assert "カナでご入力ください。" in page
