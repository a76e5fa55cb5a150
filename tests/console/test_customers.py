"""A customer in the console: what is known, and changes through the doors that the interface has."""

from __future__ import annotations

import pytest

from tests.console.browser import Browser, Console, text_of

PAGE = "/console/customers/salon/M-1"


def test_the_page_tells_what_is_known(console: Console, operator: Browser) -> None:
    page = operator.get(PAGE, headers={"accept-language": "en"})
    told = text_of(page)
    for says in ("髙橋 﨑子", "S-1", "usable", "Lots", "Payment methods left"):
        assert says in told, says
    assert PAGE in operator.get("/console/orders/salon/S-1").text
    assert len(page.content) < 40_000
    found = operator.get("/console/customers?shop=salon&customer=M-1")
    assert found.headers["location"] == PAGE
    assert operator.get("/console/customers?shop=salon&customer=nobody").status_code == 200


def test_points_are_given_once(console: Console, operator: Browser) -> None:
    form = operator.form(operator.get(PAGE), "/points")
    for _ in range(2):
        told = {**form.fields, "amount": "300"}
        assert operator.post(form.action, told).status_code == 303
    assert console.world.value("SELECT sum(amount) FROM point_lot WHERE kind = 'manual'") == 300
    assert operator.post(form.action, {**form.fields, "once": "2", "amount": "many"}).status_code == 422
    assert console.world.value("SELECT count(*) FROM operator_act WHERE act = 'customers.points'") == 3


def test_methods_are_left_and_given_back(console: Console, operator: Browser) -> None:
    form = operator.form(operator.get(PAGE), "/methods")
    assert operator.post(form.action, {**form.fields, "method.card": "1"}).status_code == 303
    assert console.world.value("SELECT allowed_methods FROM customer WHERE id = 'M-1'") == ["card"]
    assert operator.post(form.action, form.fields).status_code == 303
    assert console.world.value("SELECT allowed_methods FROM customer WHERE id = 'M-1'") is None
    assert operator.post(form.action, {**form.fields, "method.gold": "1"}).status_code == 422


def test_an_admin_forgets_a_customer_by_the_number(console: Console) -> None:
    admin = console.signed_in("boss", {"salon": "admin"})
    page = admin.get(PAGE)
    assert admin.send(page, "/erase", customer="M-2").status_code == 409
    assert admin.send(page, "/erase", customer="M-1").status_code == 303
    assert console.world.value("SELECT count(*) FROM erasure WHERE customer_id = 'M-1'") == 1


@pytest.mark.parametrize(
    ("roles", "act", "status"),
    [
        ({"salon": "viewer"}, "points", 403),
        ({"salon": "viewer"}, "methods", 403),
        ({"salon": "operator"}, "erase", 403),
        ({"clinic": "admin"}, "points", 404),
        ({"clinic": "admin"}, "erase", 404),
    ],
)
def test_lesser_roles_and_other_shops_change_nothing(
    console: Console, roles: dict[str, str], act: str, status: int
) -> None:
    browser = console.signed_in("other", roles)
    csrf = browser.form(browser.get("/console"), "/sign-out").fields["csrf"]
    told = {"csrf": csrf, "amount": "1", "once": "1", "customer": "M-1"}
    assert browser.post(f"{PAGE}/{act}", told).status_code == status
    assert browser.get(PAGE).status_code == (404 if "clinic" in roles else 200)
    assert f"{PAGE}/erase" not in browser.get(PAGE).text
