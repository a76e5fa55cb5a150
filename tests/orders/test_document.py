"""The order document: what is no order is refused by field, what is one survives the way to JSON and back."""

import copy
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.errors import Invalid
from pipelines.orders.document import content_of, order_from_json, order_to_json, parse_order, parse_preview
from tests.contract import EXAMPLE
from tests.rules.build import at

REQUIRED: dict[str, Any] = {
    "shop": "salon",
    "number": "S-1",
    "placed_at": "2026-11-20T05:59:30Z",
    "customer": {"id": None, "name": "客", "email": "a@example.jp"},
    "ship_to": {"name": "客", "postal_code": "1000001", "region": "東京都", "city": "千代田区", "line1": "1"},
    "lines": [{"line": "1", "sku": "A", "name": "A", "quantity": 1, "unit_price": 0}],
    "payment": {"method": "card"},
}

GONE = object()


def changed(path: str, value: object) -> dict[str, Any]:
    """The example with one field other, or gone; ``path`` as in ``lines.0.quantity``."""
    document = copy.deepcopy(EXAMPLE)
    *way, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    place: Any = document
    for step in way:
        place = place[step]
    if value is GONE:
        del place[last]
    else:
        place[last] = value
    return document


def refused(raw: object) -> dict[str, str]:
    with pytest.raises(Invalid) as caught:
        parse_order(raw)
    return {problem.field: problem.message for problem in caught.value.problems}


def test_the_contracts_example_is_an_order() -> None:
    order = parse_order(EXAMPLE)
    assert (order.placed_at, order.customer.name, order.shown_total) == (at("2026-11-20 14:59:30"), "髙橋 﨑子", 13_970)


def test_what_may_be_left_out_has_the_contracts_defaults() -> None:
    whole = parse_order({**EXAMPLE, "customer": {**EXAMPLE["customer"]}})
    order = parse_order(REQUIRED)
    assert (order.channel, order.locale, order.method) == (whole.channel, whole.locale, whole.method)
    assert (order.customer.id, order.customer.account, order.customer.rank) == ("", "local", None)
    assert (order.ship_to.kind, order.ship_to.country, order.ship_to.line2) == ("organisation", "JP", "")
    line = order.lines[0]
    assert (line.tax_rate, line.supplier, line.availability) == (10, "warehouse", "in_stock")
    assert (order.coupons, order.points_use, order.token, order.shown_total) == ((), 0, None, None)


@pytest.mark.parametrize(
    "path",
    [
        *("shop", "number", "placed_at", "customer", "ship_to", "lines", "payment"),
        *("customer.id", "customer.name", "customer.email"),
        *("ship_to.name", "ship_to.postal_code", "ship_to.region", "ship_to.city", "ship_to.line1"),
        *("lines.0.line", "lines.0.sku", "lines.0.name", "lines.0.quantity", "lines.0.unit_price"),
        "payment.method",
    ],
)
def test_required_fields(path: str) -> None:
    field = path.replace(".0.", "[0].")
    assert refused(changed(path, GONE)) == {field: "This field is required."}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("lines.0.quantity", 0),
        ("lines.0.quantity", 10_000),
        ("lines.0.quantity", "4"),
        ("lines.0.quantity", 4.0),
        ("lines.0.quantity", True),
        ("lines.0.quantity", None),
        ("lines.0.unit_price", -1),
        ("lines.0.unit_price", 10_000_000),
        ("lines.0.tax_rate", 5),
        ("lines.0.tax_rate", False),
        ("lines.0.tax_rate", 10.0),
        ("lines.0.availability", "soon"),
        ("lines.0.expected_on", "2026-02-30"),
        ("lines.0.expected_on", "20261120"),
        ("lines.0.points_rate", "1.5"),
        ("lines.0.points_rate", "0.00001"),
        ("lines.0.points_rate", True),
        ("lines.0.points_rate", "NaN"),
        ("lines.0.name", ""),
        ("lines.0.name", "x" * 201),
        ("lines.0.name", "a\x00b"),
        ("lines.0.name", "a\nb"),
        ("lines.0.name", "a\ud800b"),
        ("lines.0.colour", "red"),
        ("coupons.0.kind", "gift"),
        ("coupons.0.value", -1),
        ("payment.method", "cash"),
        ("customer.account", "guest"),
        ("customer.email", "no address"),
        ("customer.email", "a@b@c"),
        ("ship_to.country", "Japan"),
        ("placed_at", "2026-11-20T14:59:30"),
        ("placed_at", "2026-11-20"),
        ("placed_at", "2026-11-31T14:59:30+09:00"),
        ("placed_at", "2026-11-20T14:59:60+09:00"),
        ("placed_at", "0001-01-01T00:00:00+14:00"),
        ("placed_at", 1_763_618_370),
        ("delivery.date", "tomorrow"),
        ("points.use", -1),
        ("points.use", "some"),
        ("points.use", True),
        ("totals.grand_total", "13970"),
        ("totals.grand_total", 1_000_000_000),
        ("totals.grand_total", 2**64),
        ("customer.email", "a@x.jp,b@x.jp"),
        ("customer.email", "mailto:a@x.jp"),
        ("placed_at", "9999-12-31T23:59:59-14:00"),
        ("number", "S 1"),
        ("number", "S/1"),
        ("number", ".."),
        ("shop", 7),
        ("locale", "fr"),
        ("remarks", "\x1b[2J"),
        ("remarks", "x" * 2_001),
        ("lines", []),
        ("lines", "1"),
        ("points", None),
    ],
)
def test_wrong_values_are_refused_by_field(path: str, value: object) -> None:
    field = path.replace(".0.", "[0].")
    problems = refused(changed(path, value))
    assert list(problems) == [field]
    assert problems[field].endswith(".")


@pytest.mark.parametrize("points", [-1, 10_000_000, 1.5, "some"])
def test_points_are_refused_with_what_they_may_be(points: object) -> None:
    """More than an order may name are a whole number, 0 or more; the sentence says the most."""
    says = 'Must be a whole number of points from 0 to 9999999, or "all".'
    assert refused(changed("points.use", points)) == {"points.use": says}


SAME = object()


@pytest.mark.parametrize(
    ("path", "value", "kept"),
    [
        ("lines.0.quantity", 9_999, SAME),
        ("lines.0.unit_price", 9_999_999, SAME),
        ("lines.0.tax_rate", 0, SAME),
        ("lines.0.points_rate", "0.025", SAME),
        ("lines.0.points_rate", 0.01, "0.01"),
        ("lines.0.name", "𠮷野家 👩‍⚕️ ①㈱", SAME),
        ("remarks", "一行目\r\n\t二行目", SAME),
        ("customer.email", "user..name@docomo.ne.jp", SAME),  # never dropped (INT-02)
        ("customer.email", "ｔａｒｏ@example.jp\u200b", SAME),  # the mail goes to taro@example.jp (B.7)
        ("customer.email", "taro@日本語.jp.", SAME),
        ("ship_to.postal_code", "〒460 0008", SAME),
        ("ship_to.region", "Tōkyō", SAME),
        ("customer.id", None, ""),
        ("points.use", "all", SAME),
        ("placed_at", "2026-11-20t05:59:30.123456z", "2026-11-20T14:59:30.123456+09:00"),
        ("number", "#1001", SAME),
    ],
)
def test_odd_but_right_values_are_taken_as_they_are(path: str, value: object, kept: object) -> None:
    found: Any = order_to_json(parse_order(changed(path, value)))
    for step in path.split("."):
        found = found[int(step) if step.isdigit() else step]
    assert found == (value if kept is SAME else kept)


def test_line_ids_are_unique() -> None:
    line = EXAMPLE["lines"][0]
    assert list(refused({**EXAMPLE, "lines": [line, {**line, "line": "2"}, line]})) == ["lines[2].line"]


def test_two_hundred_lines_are_the_most() -> None:
    line = EXAMPLE["lines"][0]
    lines = [{**line, "line": str(number)} for number in range(201)]
    assert len(parse_order({**EXAMPLE, "lines": lines[:200]}).lines) == 200
    assert refused({**EXAMPLE, "lines": lines}) == {"lines": "Must have at most 200 items."}


def test_every_problem_is_told_at_once() -> None:
    raw = {**EXAMPLE, "shop": 1, "lines": [{"line": "1"}], "colour": "red"}
    assert set(refused(raw)) == {
        *("shop", "colour"),
        *("lines[0].sku", "lines[0].name", "lines[0].quantity", "lines[0].unit_price"),
    }


@pytest.mark.parametrize("raw", [None, [], "order", 7, True])
def test_what_is_no_object_is_no_order(raw: object) -> None:
    assert refused(raw) == {"order": "Must be an object."}


def test_messages_never_repeat_what_was_sent() -> None:
    secret = "4111111111111111"
    for path in ("payment.method", "locale", "placed_at", "delivery.date", "points.use", "customer.email"):
        assert secret not in str(refused(changed(path, secret)))


@pytest.mark.parametrize("name", ["x4111111111111111", "x 4111-1111-1111-1111"])
def test_a_card_number_for_a_name_is_not_repeated(name: str) -> None:
    """INT-17: an unknown field is named, and its name may be anything."""
    shown = name.partition("4")[0] + "*" * 16
    assert list(refused({**EXAMPLE, name: 1})) == [shown]
    assert list(refused(changed(f"customer.{name}", 1))) == [f"customer.{shown}"]


def test_an_order_survives_the_way_to_json_and_back() -> None:
    order = parse_order(EXAMPLE)
    assert order_to_json(order) == EXAMPLE
    assert order_from_json(order_to_json(order)) == order


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("placed_at", "2026-11-20T05:59:30Z"),
        ("lines.0.flags", []),
        ("remarks", GONE),
        ("channel", GONE),
        ("delivery", GONE),
    ],
)
def test_the_same_content_has_the_same_hash(path: str, value: object) -> None:
    """INT-18: another spelling of the same order is the same order."""
    assert content_of(parse_order(changed(path, value))).hash == content_of(parse_order(EXAMPLE)).hash


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("lines.0.quantity", 5),
        ("payment.token", "tok_other"),
        ("remarks", "x"),
        ("placed_at", "2026-11-20T14:59:31+09:00"),
    ],
)
def test_other_content_has_another_hash(path: str, value: object) -> None:
    assert content_of(parse_order(changed(path, value))).hash != content_of(parse_order(EXAMPLE)).hash


def test_a_preview_takes_assumptions_and_an_order_does_not() -> None:
    raw = {**EXAMPLE, "assume": {"paid_at": "2026-11-21T10:00:00+09:00", "points_balance": -5, "rank": "GOLD"}}
    order, assume = parse_preview(raw)
    assert order == parse_order(EXAMPLE)
    assert (assume.paid_at, assume.points_balance, assume.rank, assume.now) == (
        at("2026-11-21 10:00:00"),
        -5,
        "GOLD",
        None,
    )
    assert list(refused(raw)) == ["assume"]
    with pytest.raises(Invalid, match=r"assume\.balance"):
        parse_preview({**EXAMPLE, "assume": {"balance": 1}})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
PATHS = st.sampled_from(
    [
        *("shop", "number", "placed_at", "customer", "ship_to", "lines", "lines.0", "lines.0.flags", "lines.0.line"),
        *("lines.0.points_rate", "coupons", "points", "points.use", "payment", "payment.method", "delivery", "totals"),
        *("customer.email", "lines.0.tax_rate", "delivery.date", "remarks"),
    ]
)


@given(PATHS, JSON)
def test_whatever_comes_in_is_an_order_or_invalid(path: str, value: object) -> None:
    raw = changed(path, value)
    with suppress(Invalid):  # anything else that is raised fails the test
        order = parse_order(raw)
        assert order_from_json(order_to_json(order)) == order
