"""PAY-12 on real engines: what is given back of an order that an earlier bill has is on the bill of its own month, and whoever
reads of it reads which bill that is."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from pipelines import billing
from pipelines.documents.issue_apart import issue_statement
from pipelines.documents.keep import Request
from pipelines.documents.kinds import Kind
from pipelines.documents.writing import Wish
from tests.returns.counter import Counter, pieces
from tests.world import World, a_line, document

NOVEMBER, DECEMBER, JANUARY = date(2026, 11, 1), date(2026, 12, 1), date(2027, 1, 1)


def by_debit(world: World, number: str, *prices: int, sent: bool = True, placed_at: str | None = None) -> None:
    """An order of clinic that is paid with the month's debit, placed at ``placed_at`` or now."""
    lines = [a_line(str(at), 1, price, name=f"商品 {at}") for at, price in enumerate(prices, start=1)]
    told = document(number, *lines, shop="clinic", payment={"method": "direct_debit"})
    told["customer"]["account"] = "partner_web"
    told["placed_at"] = placed_at or world.clock.now().isoformat()
    world.take(told)
    world.settle()
    if sent:
        world.ship_all(number, shop="clinic")


class Blank:
    """Sets nothing: what is printed is no matter here."""

    def pdf(self, content: Mapping[str, Any]) -> bytes:
        return b"%PDF"


def came_back(world: World, number: str, line: str) -> None:
    lines = [{"line": line, "quantity": 1}]
    Counter(world, "clinic", number).ask("lines:return", lines=lines, fault="shop", reason="broken")


def bill_of(world: World, month: date) -> dict[str, Any]:
    with world.engine.connect() as connection:
        return billing.statement(connection, world.shops["clinic"], "M-1", month)


def listed(world: World, month: date) -> list[tuple[str, int, int]]:
    """(customer, orders, changes of earlier ones) of the bills of a month."""
    with world.engine.connect() as connection:
        found = billing.customers(connection, [world.shops["clinic"], world.shops["salon"]], month, 10)
    return [(one.customer_id, one.orders, one.changes) for one in found]


def told(world: World, template: str) -> str:
    """The newest mail of this kind."""
    mail = [one for one in world.postbox.mails if one["X-Shukka-Template"] == template][-1]
    plain = mail.get_body(("plain",))
    assert plain is not None
    return f"{mail['Subject']}\n{plain.get_content()}"


def test_a_return_of_an_earlier_month_is_on_the_bill_of_its_own(world: World) -> None:
    """PAY-12, B.1.4: November was debited and stays; December is less by it; the customer reads of it, and nothing is refunded."""
    by_debit(world, "C-1", 50_000)
    november = bill_of(world, NOVEMBER)
    assert (november["due"], november["credits"]) == (55_000, [])
    world.at("2026-12-05 10:00:00")
    by_debit(world, "C-2", 70_000)
    came_back(world, "C-1", "1")

    assert bill_of(world, NOVEMBER) == november
    december = bill_of(world, DECEMBER)
    assert [one["number"] for one in december["orders"]] == ["C-2"]
    assert december["credits"] == [
        {
            "number": "C-1",
            "placed_on": "2026-11-20",
            "method": "direct_debit",
            "made_on": "2026-12-05",
            "kind": "fault",
            "lines": [{"line": "1", "name": "商品 1", "quantity": 1}],
            "bases": [{"rate": 10, "base": 50_000}],
            "shown_tax": 5_000,
            "points_returned": 0,
            "points_kept": 0,
        }
    ]
    assert (december["total"], december["credit_total"]) == (77_000, 55_000)
    assert (december["due"], december["to_give_back"]) == (22_000, 0)
    assert (listed(world, NOVEMBER), listed(world, DECEMBER)) == ([("M-1", 1, 0)], [("M-1", 1, 1)])

    shown = world.show("C-1", "clinic")
    assert [(one["refund"], one["bill"]) for one in shown["adjustments"]] == [(55_000, "2026-12")]
    assert shown["payment"]["refunded"] == 0
    assert shown["hold"] == []
    text = told(world, "refund_done")
    assert "ご請求からの差し引きのお知らせ" in text
    assert "2026年12月分のご請求から差し引きます" in text
    assert "55,000円" in text
    assert "手続きが完了" not in text
    assert world.broken() == {}


def test_more_given_back_than_is_due_is_given_back_by_hand(world: World) -> None:
    """PAY-12: said on the bill of the month, and carried to no other."""
    by_debit(world, "C-1", 50_000, 3_000)
    world.at("2026-12-05 10:00:00")
    by_debit(world, "C-2", 10_000)
    came_back(world, "C-1", "1")
    made = bill_of(world, DECEMBER)
    assert (made["due"], made["to_give_back"]) == (0, 44_000)
    world.at("2027-01-10 10:00:00")
    assert bill_of(world, JANUARY)["to_give_back"] == 0


def test_lines_taken_out_and_whole_orders_cancelled_after_the_month(world: World) -> None:
    """INT-13, CAN-04: an order of the last day that never leaves is on its bill, and off the next one."""
    world.at("2026-11-30 18:00:00")
    by_debit(world, "C-1", 30_000, 5_000, sent=False)
    by_debit(world, "C-2", 20_000, sent=False)
    world.at("2026-12-01 09:00:00")
    november = bill_of(world, NOVEMBER)
    lines = [{"line": "2", "quantity": 1}]
    Counter(world, "clinic", "C-1").ask("lines:cancel", lines=lines, reason="out of stock")
    assert "この分は、2026年12月分のご請求に反映いたします。" in told(world, "order_short")
    Counter(world, "clinic", "C-2").ask("cancel", reason="customer_request")
    assert world.states()["C-2"][0] == "cancelled"
    assert "2026年12月分のご請求に含まれず" in told(world, "order_cancelled")
    assert bill_of(world, NOVEMBER) == november
    december = bill_of(world, DECEMBER)
    assert [(one["number"], one["kind"]) for one in december["credits"]] == [("C-1", "short"), ("C-2", "cancelled")]
    assert (december["credit_total"], december["to_give_back"]) == (27_500, 27_500)
    assert listed(world, NOVEMBER) == [("M-1", 2, 0)]
    assert listed(world, DECEMBER) == [("M-1", 0, 2)]
    assert world.broken() == {}


def test_an_order_that_comes_once_the_statement_of_its_month_was_issued_is_on_the_next(world: World) -> None:
    """PAY-12: a house that stood still at the end of November hears of its last second in December, before and after November's
    statement. What that says stays; what comes back of the late one is less on the bill that has it, as its mail says."""
    by_debit(world, "C-1", 50_000)
    world.at("2026-12-01 09:00:00")
    by_debit(world, "C-2", 10_000, placed_at="2026-11-30T23:59:59+09:00")
    november = bill_of(world, NOVEMBER)
    assert [one["number"] for one in november["orders"]] == ["C-1", "C-2"]
    with world.engine.begin() as connection:
        request = Request("november", "staff")
        wish, now = Wish(Kind.STATEMENT), world.clock.now()
        issue_statement(connection, world.shops["clinic"], "M-1", NOVEMBER, wish, request, now, Blank())
    world.at("2026-12-01 10:00:00")
    by_debit(world, "C-3", 20_000, 5_000, placed_at="2026-11-30T23:59:59.999+09:00")
    assert bill_of(world, NOVEMBER) == november
    assert listed(world, NOVEMBER) == [("M-1", 2, 0)]
    december = bill_of(world, DECEMBER)
    assert [(one["number"], one["placed_on"]) for one in december["orders"]] == [("C-3", "2026-11-30")]
    assert (december["due"], listed(world, DECEMBER)) == (27_500, [("M-1", 1, 0)])
    came_back(world, "C-3", "2")
    assert "2026年12月分のご請求から差し引きます" in told(world, "refund_done")
    december = bill_of(world, DECEMBER)
    assert (december["due"], december["credits"], listed(world, DECEMBER)) == (22_000, [], [("M-1", 1, 0)])
    world.at("2027-01-05 10:00:00")
    came_back(world, "C-3", "1")
    assert bill_of(world, JANUARY)["to_give_back"] == 22_000
    assert (bill_of(world, DECEMBER)["due"], listed(world, JANUARY)) == (22_000, [("M-1", 0, 1)])
    assert world.broken() == {}


def test_what_changes_within_the_month_is_on_its_bill_alone(world: World) -> None:
    """INT-13, TAX-02."""
    by_debit(world, "C-1", 1_004, 1_001)
    by_debit(world, "C-2", 20_000, sent=False)
    came_back(world, "C-1", "2")
    Counter(world, "clinic", "C-2").ask("cancel", reason="customer_request")
    november = bill_of(world, NOVEMBER)
    assert [one["number"] for one in november["orders"]] == ["C-1"]
    assert (november["due"], november["credits"]) == (1_004 + 100, [])
    assert "2026年11月分のご請求から差し引きます" in told(world, "refund_done")
    world.at("2026-12-05 10:00:00")
    assert bill_of(world, NOVEMBER) == november
    assert bill_of(world, DECEMBER)["credits"] == []


def test_the_end_of_a_return_says_which_bill_is_less_by_it(world: World) -> None:
    """RET-01, PAY-12: nothing was refunded, so nothing says so."""
    counter = Counter(world, "clinic", "C-1")
    by_debit(world, "C-1", 50_000)
    counter.arrive()
    one = counter.open(pieces(reason="defect"))
    world.at("2026-12-02 10:00:00")
    if counter.state(one) == "requested":
        counter.ask("returns:approve", one)
    counter.ask("returns:receive", one)
    counter.ask("returns:inspect", one, passes=True)
    counter.ask("returns:refund", one, reason="no other left")
    text = told(world, "return_finished")
    assert "2026年12月分のご請求から差し引きます" in text
    assert "ご返金の手続き" not in text
    assert bill_of(world, DECEMBER)["to_give_back"] == 55_000
