"""Lines taken out and ranks over HTTP, and the monthly statement on the command line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import orjson
import pytest
from typer.testing import CliRunner

from pipelines import ranks
from pipelines.errors import Invalid
from tests.returns.counter import Counter
from tests.web.site import Site, fields, problem
from tests.world import World, a_line, document
from workers.cli.main import app

ONE_PIECE = {"lines": [{"line": "1", "quantity": 1}]}


@pytest.fixture
def site(world: World) -> Iterator[Site]:
    """The web interface, with one order released over two lines."""
    site = Site(world)
    world.take(document("S-1", a_line("1", 1, 6_000), a_line("2", 2, 2_000)))
    world.settle()
    yield site
    site.close()


def take_out(site: Site, *lines: tuple[str, int], number: str = "S-1", **options: Any) -> Any:
    body = {"lines": [{"line": line, "quantity": quantity} for line, quantity in lines], "reason": "out of stock"}
    return site.post(f"/v1/orders/salon/{number}/lines:cancel", body, **{"key": site.operator, **options})


def test_an_operator_takes_lines_out(site: Site) -> None:
    answer = take_out(site, ("2", 1))
    assert (answer.status_code, answer.json()["number"]) == (202, "S-1")
    site.world.settle()
    (change,) = site.get("/v1/orders/salon/S-1").json()["adjustments"]
    assert change["lines"] == [{"line": "2", "quantity": 1}]
    assert (change["kind"], change["refund"], change["money"], change["points_unearned"]) == ("short", 2_200, 2_200, 20)
    assert change["tax"] == [{"rate": 10, "base": 2_000, "tax": 200}]


def test_the_same_request_again_changes_nothing(site: Site) -> None:
    for _ in range(2):
        assert take_out(site, ("2", 2), headers={"idempotency-key": "k-1"}).status_code == 202
        site.world.settle()
    assert len(site.get("/v1/orders/salon/S-1").json()["adjustments"]) == 1


@pytest.mark.parametrize(
    ("lines", "field"),
    [
        ([("9", 1)], "lines[0].line"),
        ([("1", 1), ("2", 3)], "lines[1].quantity"),
        ([("1", 0)], "lines[0].quantity"),
        ([], "lines"),
        ([("1", 1), ("1", 1)], "lines[1].line"),
    ],
)
def test_a_wrong_line_is_named(site: Site, lines: list[tuple[str, int]], field: str) -> None:
    assert fields(take_out(site, *lines)) == [field]


def test_shipped_goods_are_a_conflict(site: Site) -> None:
    site.world.ship_all("S-1")
    problem(take_out(site, ("1", 1)), 409)
    assert site.get("/v1/orders/salon/S-1").json()["adjustments"] == []


def test_only_operators_and_only_what_is_there(site: Site) -> None:
    problem(take_out(site, ("1", 1), key=site.storefront), 404)
    problem(take_out(site, ("1", 1), number="S-9"), 404)
    problem(take_out(site, ("1", 1), key=None), 401)
    site.world.settle()
    assert site.get("/v1/orders/salon/S-1").json()["adjustments"] == []


def bring_back(site: Site, *lines: tuple[str, int], fault: str = "customer", **options: Any) -> Any:
    body = {"lines": [{"line": line, "quantity": quantity} for line, quantity in lines], "fault": fault}
    return site.post("/v1/orders/salon/S-1/lines:return", body, **{"key": site.operator, **options})


def test_an_operator_settles_goods_that_came_back(site: Site) -> None:
    """PTS-13, TAX-05: 8,000 yen and 80 points, less the fee of a customer's return."""
    site.world.ship_all("S-1")
    assert bring_back(site, ("1", 1), ("2", 1)).status_code == 202
    site.world.settle()
    shown = site.get("/v1/orders/salon/S-1").json()
    (change,) = shown["adjustments"]
    assert (change["kind"], change["money"], change["return_fee"], change["points_unearned"]) == (
        "return",
        8_800 - 1_650,
        1_500,
        80,
    )
    assert (shown["payment"]["state"], shown["payment"]["refunded"]) == ("partly_refunded", 7_150)
    assert shown["points"]["earned"] == 100  # as it was placed; the ledger has what became of it


def test_a_return_is_asked_for_once(site: Site) -> None:
    site.world.ship_all("S-1")
    for _ in range(2):
        assert bring_back(site, ("2", 1), headers={"idempotency-key": "k-1"}).status_code == 202
        site.world.settle()
    assert len(site.get("/v1/orders/salon/S-1").json()["adjustments"]) == 1


def test_a_key_stands_for_one_request(site: Site) -> None:
    """Nothing that an operator says is dropped in silence."""
    site.world.ship_all("S-1")
    assert bring_back(site, ("2", 1), headers={"idempotency-key": "k-1"}).status_code == 202
    problem(bring_back(site, ("1", 1), headers={"idempotency-key": "k-1"}), 409)


def test_what_cannot_come_back_is_named(site: Site) -> None:
    problem(bring_back(site, ("1", 1)), 409)
    site.world.ship_all("S-1")
    assert fields(bring_back(site, ("1", 1), ("2", 3))) == ["lines[1].quantity"]
    assert fields(bring_back(site, ("1", 1), fault="nobody")) == ["fault"]
    problem(bring_back(site, ("1", 1), key=site.storefront), 404)


def gave_back(site: Site, amount: Any, **options: Any) -> Any:
    body = {"amount": amount, "reference": "T-1"}
    return site.post("/v1/orders/salon/S-2/refunds", body, **{"key": site.operator, **options})


def test_an_operator_records_money_given_back_by_hand(site: Site) -> None:
    """A transfer of 11,000 yen, of which a line of 2,200 was taken out."""
    world = site.world
    world.take(document("S-2", a_line("1", 1, 8_000), a_line("2", 1, 2_000), payment={"method": "bank_transfer"}))
    world.settle()
    world.tell(world.deposit("S-2", 11_000))
    world.settle()
    problem(gave_back(site, 2_200), 409)
    assert take_out(site, ("2", 1), number="S-2").status_code == 202
    world.settle()
    assert fields(gave_back(site, 2_201)) == ["amount"]
    assert fields(gave_back(site, 0)) == ["amount"]
    problem(gave_back(site, 2_200, key=site.storefront), 404)
    for _ in range(2):
        assert gave_back(site, 2_200, headers={"idempotency-key": "k-1"}).status_code == 202
        world.settle()
    shown = site.get("/v1/orders/salon/S-2").json()
    assert (shown["payment"]["refunded"], shown["payment"]["refunded_by_hand"], shown["hold"]) == (2_200, 2_200, [])


@pytest.mark.parametrize(
    "asked",
    [
        lambda site: take_out(site, ("1", 1), number="%00"),
        lambda site: site.post("/v1/orders/salon/%00/lines:return", ONE_PIECE, key=site.operator),
        lambda site: site.post("/v1/orders/%00/S-1/refunds", {"amount": 1}, key=site.operator),
        lambda site: site.get("/v1/customers/salon/%00/rank"),
    ],
    ids=["lines:cancel", "lines:return", "refunds", "rank"],
)
def test_a_name_that_nothing_can_have_is_not_found(site: Site, asked: Callable[[Site], Any]) -> None:
    problem(asked(site), 404)


def test_a_reason_keeps_no_control_characters(site: Site) -> None:
    """Suppliers read it in a mail."""
    body = {**ONE_PIECE, "reason": "out\x1b[2J"}
    assert fields(site.post("/v1/orders/salon/S-1/lines:cancel", body, key=site.operator)) == ["reason"]


def test_a_customers_rank(site: Site) -> None:
    site.world.take(document("S-2", a_line("1", 1, 90_000)))
    with site.world.engine.begin() as connection:
        ranks.evaluate(connection, site.world.shops, site.world.clock.now())
    site.world.clock.advance(days=1)
    shown = site.get("/v1/customers/salon/M-1/rank").json()
    assert (shown["rank"], shown["rate"], shown["since"], shown["spend"]) == ("SILVER", "0.02", "2026-11-21", 100_000)
    assert shown["next"] == {"rank": "GOLD", "missing": 200_000}
    assert shown["window"] == {"kind": "calendar_year", "from": "2026-01-01", "to": "2026-12-31"}
    assert [entry["cause"] for entry in shown["history"]] == ["spend"]
    newcomer = site.get("/v1/customers/salon/M-2/rank").json()
    assert (newcomer["rank"], newcomer["since"], newcomer["history"]) == ("REGULAR", None, [])


@pytest.mark.parametrize("shop", ["reuse", "clinic", "nowhere"])
def test_a_shop_without_ranks_or_rights_has_none_to_show(site: Site, shop: str) -> None:
    problem(site.get(f"/v1/customers/{shop}/M-1/rank"), 404)


@pytest.fixture
def billing(world: World, database_url: str, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    """Orders of clinic on a monthly direct debit: three of November, one of the month before."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    clinic = document("C-0")
    clinic["shop"], clinic["payment"] = "clinic", {"method": "direct_debit"}
    clinic["customer"] |= {"account": "partner_web"}
    clinic["lines"] = [a_line("1", 1, 1_005)]
    for number, placed_at in (
        ("C-1", "2026-11-20"),
        ("C-2", "2026-11-19"),
        ("C-3", "2026-11-01"),
        ("C-4", "2026-10-31"),
    ):
        world.take({**clinic, "number": number, "placed_at": f"{placed_at}T09:00:00+09:00"})
    return CliRunner()


def test_a_statement_of_the_month(billing: CliRunner) -> None:
    """TAX-02, DOC-04."""
    done = billing.invoke(app, ["billing", "statement", "clinic", "M-1", "--month", "2026-11", "--json"])
    shown = orjson.loads(done.stdout)
    assert [order["number"] for order in shown["orders"]] == ["C-3", "C-2", "C-1"]
    assert (shown["tax_total"], shown["shown_tax"], shown["due"]) == (302, 303, 3_317)
    assert shown["registration_number"] == "T6120001113618"


def test_it_reads_well(billing: CliRunner) -> None:
    done = billing.invoke(app, ["billing", "statement", "clinic", "M-1", "--month", "2026-11"])
    assert "T6120001113618" in done.stdout
    assert "due 3,317" in done.stdout
    assert "303 yen of tax" in done.stdout


def test_what_was_given_back_of_an_earlier_month_reads_well(billing: CliRunner, world: World) -> None:
    """PAY-12."""
    world.settle()
    world.ship_all("C-4", shop="clinic")
    Counter(world, "clinic", "C-4").ask(
        "lines:return", lines=[{"line": "1", "quantity": 1}], fault="shop", reason="broken"
    )
    done = billing.invoke(app, ["billing", "statement", "clinic", "M-1", "--month", "2026-11"])
    assert "given back 10%  ex tax 1,005  tax 101" in done.stdout
    assert "total 3,317  points used 0  given back 1,106  due 2,211" in done.stdout
    world.at("2026-12-01 09:00:00")
    Counter(world, "clinic", "C-1")
    before = billing.invoke(app, ["billing", "statement", "clinic", "M-1", "--month", "2026-10"])
    assert "due 1,106" in before.stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["clinic", "M-1", "--month", "2026-13"], "--month: Must be a month written YYYY-MM, such as 2026-11."),
        (["nowhere", "M-1", "--month", "2026-11"], "there is no shop nowhere"),
    ],
)
def test_a_mistake_is_one_sentence(billing: CliRunner, arguments: list[str], says: str) -> None:
    done = billing.invoke(app, ["billing", "statement", *arguments])
    assert isinstance(done.exception, Invalid)
    assert says in str(done.exception)
