"""Mails in the console: every template as a sample that may do nothing, and addresses that are let go of."""

from __future__ import annotations

import re

import pytest

from tests.console.browser import Browser, Console, text_of
from workers.mail.samples import TEMPLATES

MAILS = "/console/mails"


def test_every_template_is_shown_in_both_languages(reader: Browser) -> None:
    page = reader.get(f"{MAILS}?shop=salon")
    for template in sorted(TEMPLATES):
        assert f"/mails/samples/salon/{template}/ja" in page.text
    for locale in ("ja", "en"):
        shown = reader.get(f"{MAILS}/samples/salon/order_accepted/{locale}?width=phone")
        assert 'class="mail phone" sandbox ' in shown.text
        assert len(shown.content) < 40_000
        html = reader.get(f"{MAILS}/samples/salon/order_accepted/{locale}/html")
        assert html.headers["content-security-policy"].startswith("sandbox; default-src 'none'")


def test_the_links_of_a_sample_open_nothing(console: Console, reader: Browser) -> None:
    """A sample names the order S-1001: what it links to must not be a real one's page."""
    links = console.world.house.links
    assert links is not None
    shown = [reader.get(f"{MAILS}/samples/salon/{template}/ja/html").text for template in sorted(TEMPLATES)]
    linked = re.findall(r'href="(https?://[^"]+)"', " ".join(shown))
    assert any(one.startswith("https://example.invalid/r/") for one in linked), "the form of refund_account_needed"
    assert not any(one.startswith(links.base) for one in linked)


@pytest.mark.parametrize("path", ["clinic/order_accepted/ja", "salon/nothing/ja", "salon/order_accepted/fr"])
def test_what_is_no_sample_of_the_visitors_is_like_none(shared: Console, path: str) -> None:
    browser = shared.signed_in("salon", {"salon": "admin"})
    for end in ("", "/html"):
        assert browser.get(f"{MAILS}/samples/{path}{end}").status_code == 404
    assert browser.get(f"{MAILS}?shop=clinic").status_code == 404


@pytest.fixture
def suppressed(console: Console) -> int:
    """The order's address at salon gets no more mail, since one did not arrive, which somebody has to see."""
    console.world.execute(
        """WITH m AS (SELECT id, order_id FROM mail WHERE order_id IS NOT NULL ORDER BY id LIMIT 1),
           box AS (SELECT sha256('x') AS box),
           b AS (INSERT INTO mail_bounce (mail_id, kind, reason, status, diagnostic, action, needs_human, at, order_id, shop, mailbox)
                 SELECT m.id, 'bounce', 'no_such_user', '5.1.1', '', 'suppress', true, now(), m.order_id, 'salon', box FROM m, box)
           INSERT INTO mail_suppression (shop, mailbox, scope, reason, since) SELECT 'salon', box, 'all', 'no_such_user', now() FROM box"""
    )
    return int(console.world.value("SELECT id FROM mail_suppression"))


def test_an_address_is_let_go_of(console: Console, operator: Browser, suppressed: int) -> None:
    page = operator.get(f"{MAILS}/addresses")
    assert "@example.jp" in page.text
    assert operator.send(page, f"/mails/addresses/{suppressed}").status_code == 303
    assert console.world.value("SELECT released_by FROM mail_suppression") == "sato"
    assert operator.send(page, f"/mails/addresses/{suppressed}").status_code == 404
    assert console.world.value("SELECT act FROM operator_act") == "mails.release"
    told = {"csrf": operator.form(page, "/sign-out").fields["csrf"]}
    assert operator.post(f"{MAILS}/addresses/{2**63}", told).status_code == 404


def test_a_mail_that_bounced_is_seen_to_from_the_queue(console: Console, operator: Browser, suppressed: int) -> None:
    key = console.world.value("SELECT id FROM mail_bounce")
    assert "salon/S-1" in text_of(operator.get("/console/review?kind=bounce"))
    page = operator.get(f"/console/review/one?kind=bounce&key={key}")
    assert operator.send(page, "/mails/bounces/").status_code == 303
    assert console.world.value("SELECT seen_by FROM mail_bounce") == "sato"
    assert operator.send(page, "/mails/bounces/").status_code == 404


@pytest.mark.parametrize(("roles", "status"), [({"salon": "viewer"}, 403), ({"clinic": "admin"}, 404)])
def test_lesser_roles_and_other_shops_release_nothing(
    console: Console, suppressed: int, roles: dict[str, str], status: int
) -> None:
    browser = console.signed_in("other", roles)
    page = browser.get(f"{MAILS}/addresses")
    assert ("@example.jp" in page.text) == ("salon" in roles)
    told = {"csrf": browser.form(page, "/sign-out").fields["csrf"]}
    bounce = console.world.value("SELECT id FROM mail_bounce")
    for path in (f"addresses/{suppressed}", f"bounces/{bounce}"):
        assert browser.post(f"{MAILS}/{path}", told).status_code == status
    assert console.world.value("SELECT released_at FROM mail_suppression") is None


def test_a_sample_is_sent_to_the_operator_alone(console: Console, operator: Browser) -> None:
    """Through the queue and the pool of any mail, once, written down; who has no address is sent nothing, and no form names one."""
    path = f"{MAILS}/samples/salon/shipment_shipped/ja"
    assert "shukka console mail" in operator.get(path).text
    csrf = operator.form(operator.get(path), "/sign-out").fields["csrf"]
    assert operator.post(path, {"csrf": csrf, "once": "1", "to": "x@example.jp"}).status_code == 404
    console.world.execute("UPDATE operator_account SET mail = 'sato@shop.example.jp' WHERE name = 'sato'")
    page = operator.get(path)
    for _ in range(2):
        assert operator.send(page, "/mails/samples/", to="x@example.jp").status_code == 303
    console.world.settle()
    assert console.world.postbox.recipients.count("sato@shop.example.jp") == 1
    assert "x@example.jp" not in console.world.postbox.recipients
    assert console.world.rows("SELECT act FROM operator_act")[0].act == "mails.sample"
    assert console.world.broken() == {}
