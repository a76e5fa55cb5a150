"""What is of no single order, and what is for the shelves: statements (TAX-02), quotations (DOC-06), pick lists (SPL-01)."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

from pipelines.values.calendar import JST
from tests.documents.orders import text_of
from tests.retention.test_retention import night
from tests.web.site import Site, problem
from tests.world import a_line, document

NOVEMBER = {"kind": "statement", "shop": "clinic", "customer": "M-1", "month": "2026-11"}


def asked(**changes: Any) -> dict[str, Any]:
    """A statement's wish, without what its path says already."""
    return {name: told for name, told in {**NOVEMBER, **changes}.items() if name != "kind"}


def sold_by_debit(site: Site, number: str, price: int) -> None:
    told = document(number, a_line("1", 1, price, sku=number), shop="clinic", payment={"method": "direct_debit"})
    told["customer"]["account"] = "partner_web"
    site.world.take(told)
    site.world.settle()
    site.world.ship_all(number, shop="clinic")


def test_a_months_statement_is_issued_once_it_is_over_and_stays_as_it_is(site: Site) -> None:
    """TAX-02: numbered, tax once per rate over the month; a copy says what the first said, whatever changed since."""
    for number, price in (("S-1", 333), ("S-2", 333), ("S-3", 333)):
        sold_by_debit(site, number, price)
    early = problem(site.post("/v1/statements", asked()), 409)
    assert "TAX-02" in early["detail"]
    site.world.at("2026-12-01 00:00:00")
    assert site.post("/v1/statements", asked(customer="M-404")).status_code == 404
    assert site.post("/v1/statements", asked(shop="reuse")).status_code == 404, "a key sees its own shops"
    for month, says in (
        ("2026-13", "Must be a month written YYYY-MM, such as 2026-11."),
        ("2026-1", "Must be a month written YYYY-MM, such as 2026-11."),
        ("２０２６-10", "Must be a month written YYYY-MM, such as 2026-11."),
        ("0000-10", "Must be a month written YYYY-MM, such as 2026-11."),
        ("9999-12", "Must lie between the years 2001 and 2098."),
    ):
        refused = problem(site.post("/v1/statements", asked(month=month)), 422)
        assert refused["errors"] == [{"field": "month", "message": says}], month

    made = site.post("/v1/statements", asked(), headers={"Idempotency-Key": "november"})
    assert made.status_code == 201, made.text
    assert (made.json()["number"], made.json()["reissue"]) == ("CLINIC-S-000001", False)
    assert site.post("/v1/statements", asked(), headers={"Idempotency-Key": "november"}).json() == made.json()
    for wish in ({"customer": "M-2"}, {"addressee": "別の会社"}, {"locale": "en"}):
        other = site.post("/v1/statements", asked(**wish), headers={"Idempotency-Key": "november"})
        assert other.status_code == 409, wish
    first = site.get(made.json()["url"]).content
    text = text_of(first)
    shipping = site.world.show("S-1", "clinic")["totals"]["shipping"] * 3
    base = 999 + shipping
    tax = (base * 10 + 50) // 100
    assert f"10%対象¥{base:,}¥{tax:,}¥{base + tax:,}" in text
    assert all(number in text for number in ("S-1", "S-2", "S-3", "M-1"))

    back = {"lines": [{"line": "1", "quantity": 1}], "fault": "shop", "reason": "broken"}
    assert site.post("/v1/orders/clinic/S-3/lines:return", back, key=site.operator).status_code == 202
    site.world.settle()
    assert site.world.show("S-3", "clinic")["adjustments"]
    copy = site.post("/v1/statements", asked()).json()
    assert (copy["number"], copy["reissue"]) == ("CLINIC-S-000001-2", True)
    assert f"¥{base + tax:,}" in text_of(site.get(copy["url"]).content)
    assert "再発行" in text_of(site.get(copy["url"]).content)
    assert site.get(made.json()["url"]).content == first, "the same bytes for ever"
    assert site.world.value("SELECT last FROM document_counter WHERE kind = 'statement'") == 1
    assert site.world.broken() == {}


def test_what_came_back_is_on_the_statement_of_its_month(site: Site) -> None:
    """PAY-12, B.1.4: day, original, goods, amount and tax by rate, as a return invoice has them; there is no other of it."""
    sold_by_debit(site, "C-1", 50_000)
    site.world.at("2026-12-05 10:00:00")
    back = {"lines": [{"line": "1", "quantity": 1}], "fault": "shop", "reason": "broken"}
    assert site.post("/v1/orders/clinic/C-1/lines:return", back, key=site.operator).status_code == 202
    site.world.settle()
    where = "/v1/orders/clinic/C-1/documents"
    (refused,) = [one for one in site.get(where, key=site.operator).json() if one["kind"] == "return_invoice"]
    assert not refused["allowed"]
    assert "month from 2026-12-01" in refused["because"][0]["says"]

    site.world.at("2027-01-01 09:00:00")
    first = site.post("/v1/statements", asked()).json()
    text = text_of(site.get(first["url"]).content)
    assert "ご請求金額（税込）¥55,000" in text
    assert "返還" not in text
    made = site.post("/v1/statements", asked(month="2026-12")).json()
    text = text_of(site.get(made["url"]).content)
    assert "ご返金額（税込）¥55,000" in text
    assert "C-1不良・事故（元の取引日2026年11月20日）商品11点2026/12/05−50,000−5,000" in text
    assert "10%対象返還−¥50,000−¥5,000−¥55,000" in text
    assert "本書は適格返還請求書を兼ねます" in text
    assert "登録番号T6120001113618" in text
    assert site.world.broken() == {}


def test_a_quotation_is_numbered_and_stores_no_order(site: Site) -> None:
    """DOC-06: the figures of the preview; the same order on the same day is a copy, another one has the next number."""
    order = document("Q-1", a_line("1", 2, 128_000, name="スタイリングチェア"), shop="salon")
    made = site.post("/v1/quotations", {"order": order, "addressee": "株式会社見本"})
    assert made.status_code == 201, made.text
    assert made.json()["number"] == "SALON-Q-000001"
    total = site.post("/v1/preview", order).json()["totals"]["before_points"]
    text = text_of(site.get(made.json()["url"]).content)
    assert f"¥{total:,}" in text
    assert "株式会社見本御中" in text
    assert "有効期限2026年12月20日" in text
    again = site.post("/v1/quotations", {"order": order, "addressee": "株式会社見本"}).json()
    assert (again["number"], again["reissue"]) == ("SALON-Q-000001-2", True)
    assert site.post("/v1/quotations", {"order": order}).json()["number"] == "SALON-Q-000002", "to somebody else"
    problem(site.post("/v1/quotations", {"order": {**order, "payment": {"method": "none"}}}), 422)
    problem(site.post("/v1/quotations", {"order": {**order, "shop": "reuse"}}), 422)
    assert site.world.states() == {}
    kept = site.world.shops["salon"].retention.documents_days
    for day, status in (
        (date(2026, 11, 20) + timedelta(days=kept), 200),
        (date(2026, 11, 21) + timedelta(days=kept), 410),
    ):
        night(site.world, datetime.combine(day, time(1), JST))
        assert site.get(made.json()["url"]).status_code == status, "kept for the law's time from its issue"
    assert site.world.broken() == {}


def test_a_pick_list_is_for_who_sends_the_goods_and_changes_with_its_pieces(site: Site) -> None:
    """SPL-01: of what has not left; other pieces are another list, since a copy repeats what the first said. Customers and
    storefronts have none."""
    where = "/v1/orders/salon/S-1/documents"
    site.world.take(document("S-1", a_line("1", 3, 1_000, name="手袋"), a_line("2", 1, 500, name="帽子")))
    site.world.settle()

    def listed(key: str) -> list[dict[str, Any]]:
        return [one for one in site.get(where, key=key).json() if one["kind"] == "pick_list"]

    (offered,) = listed(site.operator)
    assert (offered["allowed"], listed(site.storefront)) == (True, [])
    problem(site.post(where, {"kind": "pick_list"}), 409)
    first = site.post(where, {"kind": "pick_list"}, key=site.operator).json()
    assert first["number"] == "SALON-P-000001"
    assert site.get(first["url"]).status_code == 404, "a storefront reads none"
    text = text_of(site.get(first["url"], key=site.operator).content)
    assert "手袋3" in text
    assert "1,000" not in text, "it shows no price"
    (shipment,) = site.world.shipments()
    site.world.tell(site.world.shipped(shipment, lines=[{"line": "1", "quantity": 2}, {"line": "2", "quantity": 1}]))
    site.world.settle()
    (rest,) = listed(site.operator)
    assert rest["subject"] != offered["subject"]
    second = site.post(where, {"kind": "pick_list"}, key=site.operator).json()
    assert (second["number"], second["reissue"]) == ("SALON-P-000002", False)
    text = text_of(site.get(second["url"], key=site.operator).content)
    assert "手袋1" in text
    assert "帽子" not in text
    site.world.ship_all("S-1")
    (none,) = listed(site.operator)
    assert not none["allowed"]
    assert site.world.broken() == {}
