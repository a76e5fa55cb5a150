"""Every mail of the contract in both locales, rendered from its sample and read back: what all of them have in common."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from email.utils import parsedate_to_datetime
from typing import Any

import pytest

from templates_mail import LOCALES, TEMPLATES
from tests.mail.reading import BOTH_KINDS, body, both, changed, every_mail, parse, render
from workers.mail.rendering import CONTRACT_MAILS, STORE_MAILS, SUPPLIER_MAILS, Renderer
from workers.mail.samples import sample

LABEL = 'width:38%"'
"""The column of labels: a row of goods beside one would have no more room than it."""

# B.7.4: an order mail that advertises becomes regulated advertising mail.
ADVERTISING = re.compile(
    r"セール|キャンペーン|おすすめ|お得|今なら|新商品|プレゼント|ぜひ|お買い物|"
    r"\b(sale|campaign|offers?|recommend|deals?|buy|shop now|new arrivals?|don't miss)\b",
    re.IGNORECASE,
)


def test_the_folders_are_the_contract() -> None:
    assert set(CONTRACT_MAILS) == TEMPLATES


@every_mail
def test_every_mail_says_who_it_is(template: str, locale: str) -> None:
    intent = sample(template, locale)
    mail = render(intent)
    parsed = parse(mail.raw)
    sender, receiver = parsed["From"].addresses[0], parsed["To"].addresses[0]

    assert parsed["Subject"] == mail.subject != ""
    assert (sender.display_name, sender.addr_spec) == (
        {"ja": "サロンサプライ", "en": "Salon Supply"}[locale],
        "orders@salon.example",
    )
    answered_by = "operations" if template in (*SUPPLIER_MAILS, *STORE_MAILS) else "support"
    assert parsed["Reply-To"].addresses[0].addr_spec == f"{answered_by}@salon.example"
    assert (receiver.display_name, receiver.addr_spec) == (intent.to_name, intent.to)
    assert parsedate_to_datetime(parsed["Date"]) == intent.context["now"]
    assert parsed["Message-ID"] == mail.message_id
    assert parsed["X-Shukka-Template"] == mail.template == template
    assert parsed["X-Shukka-Order"] == "salon/S-1001"
    assert parsed["X-Shukka-Shipment"] == intent.shipment
    assert parsed["Auto-Submitted"] == "auto-generated"
    assert (mail.envelope_from, mail.envelope_to) == ("orders@salon.example", intent.to)


@every_mail
def test_every_mail_has_both_bodies_and_the_footer(template: str, locale: str) -> None:
    """CON-05: each mail asks to let the shop's domain through."""
    mail = render(sample(template, locale))
    asks = {"ja": "salon.example からのメールを受信", "en": "allow mail from salon.example"}[locale]
    assert not parse(mail.raw).defects
    for kind in BOTH_KINDS:
        content = body(mail, kind)
        assert f"{'operations' if template in (*SUPPLIER_MAILS, *STORE_MAILS) else 'support'}@salon.example" in content
        assert asks in content
        assert not re.search(r"\[\[|\{\{|\{%|\bNone\b|Undefined", content)
    assert f'lang="{locale}"' in body(mail, "html")
    assert "<" not in body(mail, "plain")


@pytest.mark.parametrize(
    ("said", "sender", "name", "reply_to", "allowed"),
    [
        ({}, "orders@salon.example", "サロンサプライ", "support@salon.example", "salon.example"),
        ({"mail_from": "shop@a.example", "mail_domain": ""}, "shop@a.example", "サロンサプライ", None, "a.example"),
        ({"mail_from": "shop@m.a.example", "mail_domain": "a.example"}, "shop@m.a.example", None, None, "a.example"),
        ({"mail_from": "", "mail_domain": ""}, "orders@house.example", None, None, "house.example"),
        ({"mail_from": "", "mail_domain": "a.example"}, "orders@house.example", None, None, "house.example"),
        ({"mail_from_name": "サロン 受注係", "reply_to": "r@a.example"}, None, "サロン 受注係", "r@a.example", None),
    ],
)
def test_each_shop_has_its_own_sender(
    said: dict[str, str], sender: str | None, name: str | None, reply_to: str | None, allowed: str | None
) -> None:
    """CON-05: customers are asked to let through the domain that the mail really comes from."""
    intent = sample("order_held", "ja")
    shop = {**intent.context["shop"], **said}
    renderer = Renderer("orders@house.example", "house.example")
    mail = renderer.render(replace(intent, context={**intent.context, "shop": shop}), shop="salon", number="S-1")
    parsed = parse(mail.raw)
    assert mail.envelope_from == parsed["From"].addresses[0].addr_spec == (sender or "orders@salon.example")
    assert parsed["From"].addresses[0].display_name == (name or "サロンサプライ")
    assert parsed["Reply-To"].addresses[0].addr_spec == (reply_to or "support@salon.example")
    assert mail.message_id.endswith("@house.example>")
    for kind in BOTH_KINDS:
        assert f"{allowed or 'salon.example'} からのメール" in body(mail, kind)


def test_a_shops_brand_is_on_its_mails() -> None:
    intent = sample("shipment_shipped", "en")
    shop = {**intent.context["shop"], "colour": "#8a2f55", "logo_url": "https://salon.example/logo.png"}
    content = body(changed("shipment_shipped", "en", shop=shop), "html")
    assert 'src="https://salon.example/logo.png" alt="Salon Supply"' in content
    assert "background:#8a2f55" in content
    assert "border-top:4px solid #8a2f55" in content
    assert "<img" not in body(render(intent), "html")


@every_mail
def test_every_mail_is_made_for_lists_of_mails_and_for_dark_screens(template: str, locale: str) -> None:
    content = body(render(sample(template, locale)), "html")
    assert '<meta name="color-scheme" content="light dark"' in content
    assert "prefers-color-scheme:dark" in content
    assert 'href="tel:0120000000"' in content
    assert re.search(r"display:none[^>]*>[^<]{8,}</div>", content), "no preheader"


@pytest.mark.parametrize("locale", LOCALES)
def test_an_order_mail_links_to_the_order_where_the_shop_says_where(locale: str) -> None:
    linked, plain = render(sample("order_held", locale)), changed("order_held", locale, order_url="")
    for kind in BOTH_KINDS:
        assert "https://salon.example/orders/S-1001" in body(linked, kind)
        assert {"ja": "ご注文内容を確認する", "en": "See your order"}[locale] not in body(plain, kind)


@every_mail
def test_no_mail_advertises(template: str, locale: str) -> None:
    mail = render(sample(template, locale))
    assert not ADVERTISING.search(mail.subject + both(mail))


@every_mail
def test_every_mail_is_light(template: str, locale: str) -> None:
    assert len(body(render(sample(template, locale)), "html").encode()) < 14_336


@every_mail
def test_what_people_typed_is_escaped_in_html(template: str, locale: str) -> None:
    attack = '<script>alert("1")</script>'
    mail = render(replace(sample(template, locale), context=_with_names(sample(template, locale).context, attack)))
    assert "<script" not in body(mail, "html")
    assert "&lt;script&gt;" in body(mail, "html")
    assert attack in body(mail, "plain")


def _with_names(value: Any, name: str) -> Any:
    """``value`` with every name in it, of persons, shops, suppliers and products, replaced."""
    if isinstance(value, Mapping):
        return {key: name if key in ("name", "supplier") else _with_names(v, name) for key, v in value.items()}
    if isinstance(value, list | tuple):
        return [_with_names(item, name) for item in value]
    return value


@every_mail
def test_links_have_the_colour_of_links_and_goods_their_own_width(template: str, locale: str) -> None:
    """No link in a reader's own blue, and the name of goods in no column of labels, which is a third of a telephone's width."""
    html = body(render(sample(template, locale)), "html")
    assert re.findall(r"<a (?![^>]*style=)[^>]*>", html) == []
    for table in re.findall(r"<table(?:(?!<table).)*?</table>", html, re.DOTALL):
        assert not (LABEL in table and "border-bottom:1px solid #e8e8e4" in table), table
