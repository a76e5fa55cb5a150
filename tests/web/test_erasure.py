"""DELETE of a customer: an operator's key alone, told how far it is."""

from __future__ import annotations

from tests.web.site import Site, problem
from tests.world import document

PATH = "/v1/customers/salon/M-1"


def test_a_customer_is_forgotten_as_soon_as_the_orders_have_ended(site: Site) -> None:
    site.order(document("S-1"))
    site.world.settle()
    delete = lambda **options: site.run(lambda: site.request("DELETE", PATH, **options))  # noqa: E731
    problem(delete(), 404)  # a stolen storefront's key destroys nothing
    problem(delete(key=None), 401)
    waiting = delete(key=site.operator)
    assert (waiting.status_code, waiting.json()["status"]) == (202, "waiting")
    assert [one["order"] for one in waiting.json()["waits_for"]] == ["S-1"]
    site.world.tell(site.world.ask("order.cancel", "S-1", reason="", operator=True))
    site.world.settle()
    erased = delete(key=site.operator)
    assert (erased.status_code, erased.json()["status"]) == (200, "erased")
    assert site.get(PATH).json()["email"] is None
    shown = site.get("/v1/orders/salon/S-1", key=site.operator)
    assert shown.status_code == 200
    assert (shown.json()["customer"]["name"], shown.json()["ship_to"]["line1"]) == ("", "")
    answer = site.put(PATH, json={"email": "takahashi@example.jp"})
    assert "was erased" in problem(answer, 409)["detail"]


def test_a_number_with_a_slash_is_a_customer_as_any_other(site: Site) -> None:
    """As an order may have it."""
    assert site.order(document("S-1", customer="2026/7")).status_code == 202
    site.world.settle()
    path = "/v1/customers/salon/2026%2F7"
    for of in ("", "/points", "/rank"):
        assert site.get(f"{path}{of}").json()["customer"] == "2026/7"
    assert site.put(path, json={"postal_stop": True}).status_code == 200
    forgotten = site.run(lambda: site.request("DELETE", path, key=site.operator))
    assert (forgotten.status_code, forgotten.json()["status"]) == (202, "waiting")


def test_what_names_nobody_is_nobody(site: Site) -> None:
    """Two names that are no UTF-8 would be one customer, and none is a guest."""
    for path in ("/v1/customers/salon/%FF", "/v1/customers/salon/"):
        problem(site.put(path, json={}), 404)
    problem(site.run(lambda: site.request("DELETE", "/v1/customers/salon/", key=site.operator)), 404)


def test_whoever_is_not_known_or_not_to_be_seen_is_404(site: Site) -> None:
    for path in ("/v1/customers/salon/M-404", "/v1/customers/nowhere/M-1"):
        problem(site.run(lambda path=path: site.request("DELETE", path, key=site.operator)), 404)
