"""Every shop's every remedy to its end, the clock jumping over each deadline: the last second is in, the first one after it out (A.12,
B.10). All orders are bought, sent and delivered on Friday 2026-11-20."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest
from sqlalchemy import Engine

from pipelines.errors import Conflict
from pipelines.rules.dates.periods import end_of
from tests.returns.counter import Counter, pieces
from tests.world import World, a_line
from workers.mail.rendering import Renderer

EXCHANGED = {
    "lines": [a_line("1", 1, 6_500, sku="OTHER", name="別の商品")],
    "payment": {"method": "card", "token": "tok_ok"},
}
ASKS: dict[str, dict[str, Any]] = {"refund": {}, "replacement": {}, "exchange": EXCHANGED}
ACTS = {"refund": "returns:refund", "replacement": "returns:replace", "exchange": "returns:exchange"}
ENDS = {"refund": "refunded", "replacement": "replaced", "exchange": "exchanged"}


@dataclass
class Case:
    """A remedy for a reason: the last day to ask for it (None: any), the rule, the last day of the goods where there is one."""

    shop: str
    reason: str
    remedy: str
    last: str | None
    rule: str
    goods_by: str | None = None
    in_time: bool = True
    says: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The number of its order."""
        return f"{self.shop}-{self.reason}-{self.remedy}"


CASES = [
    Case("apparel", "defect", "refund", "2026-11-27", "RET-02", "2026-12-27"),
    Case("apparel", "wrong_item", "exchange", "2026-11-27", "RET-02"),
    Case("apparel", "unwanted", "refund", "2026-11-27", "RET-02"),
    Case("apparel", "unwanted", "exchange", "2026-11-27", "RET-02"),
    Case("salon", "defect", "exchange", "2026-11-27", "RET-06", "2026-12-27", in_time=False),
    Case("salon", "unwanted", "exchange", "2026-11-27", "RET-06"),
    Case("reuse", "damaged", "refund", "2026-11-27", "RET-04"),
    Case("clinic", "damaged", "replacement", "2026-11-28", "RET-01"),
    Case("reuse", "unwanted", "refund", "2026-11-30", "RET-03", "2026-12-04"),
    Case("reuse", "defect", "refund", "2026-11-30", "RET-03", "2026-12-04", in_time=False),
    Case("reuse", "not_authentic", "refund", None, "RET-05", says=("certificate",)),
]


@pytest.fixture
def world(engine: Engine, database_url: str, renderer: Renderer) -> Iterator[World]:
    with World(engine, database_url, renderer) as world:
        yield world


def sold(world: World, case: Case) -> Counter:
    """Two pieces, one for the last second, one for the first one after it."""
    kind = "unique" if case.shop == "reuse" else "in_stock"
    lines = [a_line(str(at), 1, 6_000, sku=f"{case.name}-{at}", availability=kind) for at in (1, 2)]
    return Counter(world, case.shop, case.name).sell(*lines, customer=f"M-{CASES.index(case)}").arrive()


def asked(counter: Counter, case: Case, line: str) -> str:
    return counter.open(pieces(line, 1, case.reason, *case.says, remedy=case.remedy))


def goes_on(counter: Counter, case: Case, one: str) -> None:
    """From the goods' arrival to what their customer gets for them."""
    counter.ask("returns:receive", one)
    counter.ask("returns:inspect", one, passes=True)
    counter.ask(ACTS[case.remedy], one, **ASKS[case.remedy])
    assert counter.state(one) == ENDS[case.remedy], case.name


def test_each_shops_each_remedy_over_every_deadline(world: World) -> None:
    counters = {case.name: sold(world, case) for case in CASES}
    opened: dict[str, str] = {}
    for last in sorted({case.last for case in CASES if case.last}):
        due = [case for case in CASES if case.last == last]
        world.at(f"{last} 23:59:59")
        for case in due:
            opened[case.name] = one = asked(counters[case.name], case, "1")
            if counters[case.name].state(one) == "requested":
                counters[case.name].ask("returns:approve", one)
            assert counters[case.name].state(one) == "awaiting_goods", case.name
            if case.goods_by:
                assert counters[case.name].shown(one)["goods_by"] == case.goods_by, case.name
            else:
                goes_on(counters[case.name], case, one)
        world.at(end_of(date.fromisoformat(last)))
        for case in due:
            with pytest.raises(Conflict) as refused:
                asked(counters[case.name], case, "2")
            assert refused.value.rule == case.rule, case.name

    for last in sorted({case.goods_by for case in CASES if case.goods_by}):
        bound = [case for case in CASES if case.goods_by == last]
        world.at(f"{last} 23:59:59")
        for case in bound:
            assert counters[case.name].state(opened[case.name]) == "awaiting_goods", case.name
            if case.in_time:
                goes_on(counters[case.name], case, opened[case.name])
        world.at(end_of(date.fromisoformat(last)))
        for case in bound:
            ended = ENDS[case.remedy] if case.in_time else "expired"
            assert counters[case.name].state(opened[case.name]) == ended, case.name
            assert counters[case.name].mails()[-1] == "return_finished", case.name

    world.at("2027-03-01 09:00:00")
    for case in (case for case in CASES if case.last is None):
        one = asked(counters[case.name], case, "1")
        counters[case.name].ask("returns:approve", one)
        goes_on(counters[case.name], case, one)
    assert settled(world) == {"refund": 5, "replacement": 1, "exchange": 3}
    assert world.broken() == {}


def settled(world: World) -> dict[str, Any]:
    """How many returns ended with each remedy."""
    found = dict(world.rows("SELECT state, count(*) FROM return_request GROUP BY 1"))
    return {remedy: found.get(end, 0) for remedy, end in ENDS.items()}
