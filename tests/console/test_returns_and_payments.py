"""Returns and money in the console: by state, acted upon through the order's own actions; transfers, closing, and whose they are."""

from __future__ import annotations

import pytest

from tests.console.browser import Browser, Console, text_of
from tests.returns.counter import Counter, pieces

RETURNS, PAYMENTS = "/console/returns", "/console/payments"


@pytest.fixture
def coming(console: Console) -> tuple[Counter, str]:
    """A return of an order of apparel whose goods are awaited."""
    counter = Counter(console.world, "apparel", "A-1").sell().arrive()
    return counter, counter.open(pieces())


def test_a_return_is_found_and_acted_upon_by_its_actions(
    console: Console, operator: Browser, coming: tuple[Counter, str]
) -> None:
    """From the list to the goods that came (RET-02): shown first, then done, by the return that it is about."""
    counter, one = coming
    assert one in operator.get(RETURNS).text
    assert one in operator.get(f"{RETURNS}?state=awaiting_goods&shop=apparel").text
    assert one not in operator.get(f"{RETURNS}?state=closed").text
    page = operator.get(f"{RETURNS}/{one}")
    path = f"/console/orders/apparel/A-1/act/returns:receive?about={one}"
    assert path in page.text
    preview = operator.send(operator.get(path), "/act/")
    assert preview.status_code == 200
    assert operator.send(preview, "/act/").status_code == 303
    console.world.settle()
    assert counter.state(one) == "received"
    assert operator.get("/console/orders/apparel/A-1").status_code == 200


def test_a_return_that_waits_for_a_decision_is_answered_from_the_queue(
    console: Console, operator: Browser, coming: tuple[Counter, str]
) -> None:
    counter, one = coming
    counter.ask("returns:receive", one)
    page = operator.get(f"/console/review/one?kind=return&key={one}")
    assert "returns:inspect" in page.text
    preview = operator.send(page, "/act/returns:inspect", passes="true")
    assert preview.status_code == 200, text_of(preview)
    assert operator.send(preview, "/act/").status_code == 303
    console.world.settle()
    assert counter.state(one) in ("inspected", "refunded")


def test_a_return_of_another_shop_is_like_none(console: Console, coming: tuple[Counter, str]) -> None:
    browser = console.signed_in("salon", {"salon": "admin"})
    assert coming[1] not in browser.get(RETURNS).text
    for path in (f"{RETURNS}/{coming[1]}", f"{RETURNS}/none", f"{RETURNS}?shop=apparel", f"{RETURNS}?state=none"):
        assert browser.get(path).status_code == 404, path
    viewer = console.signed_in("viewer", {"apparel": "viewer"})
    assert "/act/" not in viewer.get(f"{RETURNS}/{coming[1]}").text


def test_a_photo_is_a_picture_and_nothing_else(
    console: Console, operator: Browser, coming: tuple[Counter, str]
) -> None:
    """Of the right type, not to be guessed at, shown to who sees the shop's returns alone."""
    console.world.execute(
        "INSERT INTO return_photo SELECT id, 1, order_id, '\\xffd8ff'::bytea, now() FROM return_request"
    )
    path = f"{RETURNS}/{coming[1]}/photos/1"
    assert f'<img src="{path}"' in operator.get(f"{RETURNS}/{coming[1]}").text
    photo = operator.get(path)
    assert (photo.status_code, photo.headers["content-type"]) == (200, "image/jpeg")
    assert photo.headers["x-content-type-options"] == "nosniff"
    assert photo.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    stranger = console.signed_in("salon", {"salon": "admin"})
    for other in (path, f"{RETURNS}/none/photos/1"):
        assert stranger.get(other).status_code == 404
    for place in (0, 2, 99):
        assert operator.get(f"{RETURNS}/{coming[1]}/photos/{place}").status_code == 404


@pytest.fixture
def transfer(console: Console) -> int:
    """A transfer that no order has."""
    console.world.execute(
        """INSERT INTO inbox_event (source, event_id, type, body, at, state, reason) VALUES
           ('gateway:bank', 'statement:1', 'deposit.received', '{"amount": 330, "text": "<b>ﾋﾐﾂ"}', now(), 'quarantined', 'no number')"""
    )
    return int(console.world.value("SELECT id FROM inbox_event WHERE event_id = 'statement:1'"))


def state(console: Console, transfer: int) -> object:
    return console.world.value(f"SELECT state FROM inbox_event WHERE id = {transfer}")


def test_a_transfer_is_settled_once(console: Console, operator: Browser, transfer: int) -> None:
    page = operator.get(PAYMENTS)
    assert "&lt;b&gt;ﾋﾐﾂ" in page.text
    path, csrf = f"{PAYMENTS}/transfers/{transfer}", operator.form(page, "/sign-out").fields["csrf"]
    assert operator.post(path, {"csrf": csrf, "act": "dismiss"}).status_code == 422
    nobody = operator.post(path, {"csrf": csrf, "act": "assign", "shop": "salon", "number": "none"})
    assert nobody.status_code == 409
    assert state(console, transfer) == "quarantined"
    told = {"csrf": csrf, "act": "dismiss", "reason": "利息"}
    assert operator.post(path, told).status_code == 303
    assert state(console, transfer) == "ignored"
    assert operator.post(path, told).status_code == 409
    acts = [one.act for one in console.world.rows("SELECT act FROM operator_act WHERE outcome = 'done'")]
    assert acts == ["payments.dismiss"]


def test_a_transfer_counts_for_the_order_that_is_named(console: Console, operator: Browser, transfer: int) -> None:
    csrf = operator.form(operator.get(PAYMENTS), "/sign-out").fields["csrf"]
    told = {"csrf": csrf, "act": "assign", "shop": "salon", "number": "S-1"}
    assert operator.post(f"{PAYMENTS}/transfers/{transfer}", told).status_code == 303
    assert state(console, transfer) == "pending"


@pytest.mark.parametrize(
    ("roles", "status"),
    [({"*": "viewer"}, 403), ({"salon": "admin"}, 404), ({"*": "viewer", "salon": "operator"}, 403)],
)
def test_a_transfer_is_for_operators_of_every_shop(
    console: Console, transfer: int, roles: dict[str, str], status: int
) -> None:
    browser = console.signed_in("other", roles)
    page = browser.get(PAYMENTS)
    assert ("ﾋﾐﾂ" in page.text) == ("*" in roles)
    told = {"csrf": browser.form(page, "/sign-out").fields["csrf"], "act": "dismiss", "reason": "x"}
    assert browser.post(f"{PAYMENTS}/transfers/{transfer}", told).status_code == status
    assert state(console, transfer) == "quarantined"


def test_the_closing_of_a_day_is_of_the_visitors_shops(console: Console, operator: Browser) -> None:
    console.world.ship_all("S-1")
    day = "2026-11-20"
    assert f"{day},salon," in operator.get(f"{PAYMENTS}/closing.csv?date={day}").text
    clinic = console.signed_in("clinic", {"clinic": "admin"})
    assert "salon" not in clinic.get(f"{PAYMENTS}/closing.csv?date={day}").text
    assert operator.get(f"{PAYMENTS}?date=today").status_code == 404


def test_an_exchange_for_one_thing_is_filled_in_in_one_row(console: Console, operator: Browser) -> None:
    """RET-02: rows that nobody touched say nothing, whatever their fields begin with."""
    counter = Counter(console.world, "apparel", "A-1").sell().arrive()
    one = counter.open(pieces(remedy="exchange"))
    counter.ask("returns:receive", one)
    counter.ask("returns:inspect", one, passes=True)
    form = operator.get(f"/console/orders/apparel/A-1/act/returns:exchange?about={one}")
    goods = {
        "line": "1",
        "sku": "RED-M",
        "name": "別色",
        "quantity": "1",
        "unit_price": "6000",
        "supplier": "warehouse",
    }
    preview = operator.send(form, "/act/", **{f"lines__0__{name}": value for name, value in goods.items()})
    assert preview.status_code == 200, text_of(preview)
    assert operator.send(preview, "/act/").status_code == 303
    console.world.settle()
    assert counter.state(one) == "exchanged"


def test_a_transfer_that_is_refused_keeps_what_was_typed(console: Console, operator: Browser, transfer: int) -> None:
    csrf = operator.form(operator.get(PAYMENTS), "/sign-out").fields["csrf"]
    told = {"csrf": csrf, "act": "assign", "shop": "salon", "number": "S-99"}
    answer = operator.post(f"{PAYMENTS}/transfers/{transfer}", told)
    assert operator.form(answer, f"/transfers/{transfer}").fields["number"] == "S-99"
    assert "<details open>" in answer.text
