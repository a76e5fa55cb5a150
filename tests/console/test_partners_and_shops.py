"""Partners and shops in the console: keys are shown once to an admin of every shop; a profile is shown as it was read."""

from __future__ import annotations

import json

import pytest

from tests.console.browser import Browser, Console, text_of
from tests.world import document
from workers.enrolment import Credentials, create_client
from workers.web.console.frame import FRAMED

PARTNERS, SHOP = "/console/partners", "/console/shops/salon"


@pytest.fixture
def maker(console: Console) -> Credentials:
    """A supplier that registered."""
    world = console.world
    return create_client(world.engine, "supplier", "maker-a", known_shops=world.shops, url="https://maker.example/in")


def test_a_new_key_is_shown_once(console: Console, maker: Credentials) -> None:
    boss = console.signed_in("boss", {"*": "admin"})
    page = boss.get(PARTNERS)
    assert "maker-a" in page.text
    assert maker.key not in page.text
    assert maker.webhook_secret not in page.text
    made = boss.send(page, "/supplier/maker-a/rotate")
    assert "shk_" in made.text
    assert "shk_" not in boss.get(PARTNERS).text
    assert console.world.value("SELECT act FROM operator_act") == "partners.rotate"


def test_a_client_is_revoked_by_its_name(console: Console, maker: Credentials) -> None:
    boss = console.signed_in("boss", {"*": "admin"})
    page = boss.get(PARTNERS)
    assert boss.send(page, "/supplier/maker-a/revoke", again="maker-b").status_code == 422
    assert console.world.value("SELECT count(*) FROM client WHERE revoked_at IS NULL AND name = 'maker-a'") == 1
    assert boss.send(page, "/supplier/maker-a/revoke", again="maker-a").status_code == 303
    assert "maker-a/revoke" not in boss.get(PARTNERS).text
    assert boss.send(page, "/supplier/maker-a/rotate").status_code == 404


@pytest.mark.parametrize(
    ("roles", "read", "act"),
    [({"*": "operator"}, 200, 403), ({"*": "viewer", "salon": "admin"}, 200, 403), ({"salon": "admin"}, 404, 404)],
)
def test_keys_are_for_admins_of_every_shop(
    console: Console, maker: Credentials, roles: dict[str, str], read: int, act: int
) -> None:
    browser = console.signed_in("other", roles)
    page = browser.get(PARTNERS)
    assert page.status_code == read
    assert "/rotate" not in page.text
    told = {"csrf": browser.form(browser.get("/console"), "/sign-out").fields["csrf"], "again": "maker-a"}
    for what in ("rotate", "revoke"):
        assert browser.post(f"{PARTNERS}/supplier/maker-a/{what}", told).status_code == act
    assert console.world.value("SELECT old_until FROM client WHERE name = 'maker-a'") is None


def test_what_suppliers_told_last_is_shown(console: Console, operator: Browser) -> None:
    console.world.ship_all("S-1")
    assert "supplier:" in text_of(operator.get(PARTNERS))


def test_a_profile_is_shown_with_what_each_parameter_means(reader: Browser) -> None:
    assert SHOP in reader.get("/console/shops").text
    page = reader.get(f"{SHOP}?section=payment")
    assert "payment.cod_maximum = 300000" in text_of(page)
    assert len(page.content) < 40_000


def test_a_promise_is_tried_out(reader: Browser) -> None:
    page = reader.get(f"{SHOP}?supplier=warehouse&method=card&availability=in_stock&region=東京都&at=2026-11-20T10:00")
    assert page.status_code == 200
    assert "2026-11-20" in text_of(page)
    assert reader.get(f"{SHOP}?supplier=warehouse&region=nowhere").status_code == 422


def test_the_year_is_a_picture_that_may_do_nothing(reader: Browser) -> None:
    answer = reader.get(f"{SHOP}/years/warehouse/2026.svg")
    assert answer.headers["content-security-policy"] == FRAMED["Content-Security-Policy"]
    assert "<svg" in answer.text
    for path in (f"{SHOP}/years/nobody/2026.svg", f"{SHOP}/years/warehouse/99999.svg", "/console/shops/nowhere"):
        assert reader.get(path).status_code == 404


def test_another_shops_profile_is_like_none(shared: Console) -> None:
    clinic = shared.signed_in("clinic", {"clinic": "admin"})
    for path in (SHOP, f"{SHOP}/years/warehouse/2026.svg"):
        assert clinic.get(path).status_code == 404
    assert SHOP not in clinic.get("/console/shops").text


def test_a_shop_is_tried_out_and_nothing_is_kept(shared: Console, reader: Browser) -> None:
    """An order as it would be taken, a stored one otherwise, and past orders by another cutoff; what is wrong is said by name."""
    page = reader.get(f"{SHOP}/try?number=S-1&at=2026-11-20T16:00")
    assert "11月24日(火)" in text_of(page), "after the cutoff of a Friday, before a holiday"
    assert reader.get(f"{SHOP}/try?number=none").status_code == 404
    assert reader.get(f"{SHOP}/try?number=S-1&region=nowhere").status_code == 422
    made = reader.send(page, "/try/preview", document=json.dumps(document("S-9")))
    assert (made.status_code, "11,000円" in text_of(made)) == (200, True)
    for wrong in ("{", json.dumps(document("C-9", shop="clinic"))):
        assert reader.send(page, "/try/preview", document=wrong).status_code == 422
    tested = reader.send(page, "/try/backtest", parameters='[calendar]\ncutoff = "08:00"')
    assert tested.status_code == 200, tested.text
    assert "遅くなる 1" in text_of(tested)
    assert "<svg" in tested.text
    for wrong in ("[calendar", "[calendar]\ncutof = 1", 'key = "clinic"'):
        assert reader.send(page, "/try/backtest", parameters=wrong).status_code == 422
    viewer = shared.signed_in("viewer", {"salon": "viewer"})
    told = {"csrf": viewer.form(viewer.get(f"{SHOP}/try"), "/sign-out").fields["csrf"], "parameters": "x = 1"}
    assert viewer.post(f"{SHOP}/try/backtest", told).status_code == 403
    assert set(shared.world.states()) == {"S-1"}
