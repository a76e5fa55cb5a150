"""Roles and shops: what each role may not do is refused, and another shop's order looks exactly like none."""

from __future__ import annotations

import pytest

from pipelines.orders.act import actions
from tests.console.browser import Browser, Console

ORDER = "/console/orders/salon/S-1"
ACTS = [one.name for one in actions() if "operator" in one.roles]
PAGES = [
    ORDER,
    f"{ORDER}/news?version=1",
    f"{ORDER}/mails/1",
    "/console/today/due?shop=salon",
    "/console/print/picks?shop=salon",
]


@pytest.fixture
def viewer(console: Console) -> Browser:
    return console.signed_in("viewer", {"salon": "viewer"})


@pytest.fixture
def stranger(console: Console) -> Browser:
    """An admin of another shop."""
    return console.signed_in("stranger", {"clinic": "admin"})


def test_a_viewer_acts_on_nothing(console: Console, viewer: Browser) -> None:
    csrf = viewer.form(viewer.get(ORDER), "/sign-out").fields["csrf"]
    answers = {name: viewer.get(f"{ORDER}/act/{name}").status_code for name in ACTS}
    for step in ("preview", "do"):
        told = {"csrf": csrf, "step": step, "key": "k"}
        answers |= {f"{name} {step}": viewer.post(f"{ORDER}/act/{name}", told).status_code for name in ACTS}
    assert set(answers.values()) == {403}, answers
    assert console.world.value("SELECT count(*) FROM inbox_event WHERE source LIKE 'operator:%'") == 0


def test_a_viewer_notes_nothing_and_is_shown_no_button(console: Console, viewer: Browser) -> None:
    page = viewer.get(ORDER)
    assert page.status_code == 200
    assert "/act/" not in page.text
    csrf = viewer.form(page, "/sign-out").fields["csrf"]
    assert viewer.post(f"{ORDER}/notes", {"csrf": csrf, "text": "x", "once": "1"}).status_code == 403
    assert console.world.value("SELECT count(*) FROM order_note") == 0


def test_another_shops_page_is_like_none(stranger: Browser) -> None:
    for path in (*PAGES, *(f"{ORDER}/act/{name}" for name in ACTS)):
        forbidden, absent = stranger.get(path), stranger.get(path.replace("salon", "nowhere"))
        assert (forbidden.status_code, absent.status_code) == (404, 404), path
        assert forbidden.text == absent.text


def test_another_shops_order_is_neither_found_nor_counted(stranger: Browser) -> None:
    assert "S-1" not in stranger.get("/console").text
    found = stranger.get("/console/search?q=S-1")
    assert (found.status_code, "/orders/salon" in found.text) == (200, False)
    assert stranger.get("/console/search?q=salon/S-1").status_code == 200


def test_another_shops_order_is_not_acted_on(console: Console, stranger: Browser) -> None:
    csrf = stranger.form(stranger.get("/console"), "/sign-out").fields["csrf"]
    told = {"csrf": csrf, "step": "do", "key": "k"}
    assert {name: stranger.post(f"{ORDER}/act/{name}", told).status_code for name in ACTS} == dict.fromkeys(ACTS, 404)
    assert console.world.value("SELECT count(*) FROM inbox_event WHERE source LIKE 'operator:%'") == 0


def test_a_mail_of_another_order_is_like_none(console: Console, operator: Browser) -> None:
    assert operator.get(f"{ORDER}/mails/999999").status_code == 404
