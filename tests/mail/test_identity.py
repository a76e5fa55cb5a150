"""Message-IDs and addresses of mails, and what cannot be rendered at all."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

import templates_mail
from pipelines.errors import Invalid, Misconfigured
from templates_mail import LOCALES, TEMPLATES
from tests.mail.reading import RENDERER, changed, parse, render
from workers.mail.rendering import Renderer
from workers.mail.samples import sample


def test_the_same_mail_has_the_same_message_id_whenever_it_is_rendered() -> None:
    intent = sample("shipment_shipped", "ja")
    later = {**intent.context, "now": intent.context["now"] + timedelta(days=3)}
    assert render(intent).message_id == render(replace(intent, context=later)).message_id


def test_another_order_template_or_parcel_has_another_message_id() -> None:
    intent = sample("shipment_shipped", "ja")
    rendered = [
        RENDERER.render(intent, shop="salon", number="S-1001"),
        RENDERER.render(intent, shop="salon", number="S-1002"),
        RENDERER.render(intent, shop="clinic", number="S-1001"),
        RENDERER.render(replace(intent, template="tracking_corrected"), shop="salon", number="S-1001"),
        RENDERER.render(replace(intent, subject_key="SH-2"), shop="salon", number="S-1001"),
    ]
    assert len({mail.message_id for mail in rendered}) == len(rendered)


def test_an_order_number_beyond_ascii_is_percent_encoded_in_the_header() -> None:
    mail = RENDERER.render(sample("order_held", "ja"), shop="salon", number="注文-1\r\nBcc: x")
    assert parse(mail.raw)["X-Shukka-Order"] == "salon/%E6%B3%A8%E6%96%87-1%0D%0ABcc: x"


@pytest.mark.parametrize(
    ("address", "sent_to"),
    [
        ("user..name@docomo.ne.jp", '"user..name"@docomo.ne.jp'),
        (".user@ezweb.ne.jp", '".user"@ezweb.ne.jp'),
        ("user.@docomo.ne.jp", '"user."@docomo.ne.jp'),
        ('"user..name"@docomo.ne.jp', '"user..name"@docomo.ne.jp'),
        ("a_b__c@ezweb.ne.jp", "a_b__c@ezweb.ne.jp"),
        ("--x@docomo.ne.jp", "--x@docomo.ne.jp"),
        ("a/b?c@docomo.ne.jp", "a/b?c@docomo.ne.jp"),
        ("a+b@example.jp", "a+b@example.jp"),
        ("ｔａｒｏ＠example.jp.\u200b", "taro@example.jp"),
        ("taro@日本語.jp", "taro@xn--wgv71a119e.jp"),
    ],
)
def test_addresses_are_quoted_only_where_they_must_be(address: str, sent_to: str) -> None:
    """B.7.1, B.7.2: on the envelope and in To alike."""
    mail = render(replace(sample("order_accepted", "ja"), to=address))
    assert mail.envelope_to == sent_to
    assert f"<{sent_to}>\r\n".encode() in mail.raw


@pytest.mark.parametrize("address", ["nobody", "a@b\r\nBcc: x@example.jp", "", "a@x.jp,b@x.jp"])
def test_what_is_no_address_is_refused_without_repeating_it(address: str) -> None:
    with pytest.raises(Invalid) as refusal:
        render(replace(sample("order_accepted", "ja"), to=address))
    assert refusal.value.problems[0].field == "to"
    assert "Bcc" not in str(refusal.value)


def test_something_missing_from_the_context_is_named_with_template_and_locale() -> None:
    intent = sample("refund_done", "en")
    without = replace(intent, context={key: value for key, value in intent.context.items() if key != "refund"})
    with pytest.raises(Misconfigured, match=r"mail refund_done \(en\).*'refund' is undefined"):
        render(without)


def test_a_naive_now_is_refused() -> None:
    with pytest.raises(Misconfigured, match="aware datetime"):
        changed("order_held", "ja", now=datetime(2026, 11, 20))  # noqa: DTZ001


@pytest.mark.parametrize(
    ("template", "locale", "says"),
    [("order_lost", "ja", "the folder templates_mail/order_lost is missing"), ("order_held", "fr", "no locale 'fr'")],
)
def test_an_unknown_template_or_locale_is_named(template: str, locale: str, says: str) -> None:
    with pytest.raises(Misconfigured, match=says):
        render(replace(sample("order_held", "ja"), template=template, locale=locale))


@pytest.mark.parametrize(("mail_from", "domain"), [("orders", "shop.example"), ("orders@shop.example", "shop\r\nX: y")])
def test_a_sender_that_cannot_be_used_is_refused_at_boot(mail_from: str, domain: str) -> None:
    with pytest.raises(Misconfigured, match="MAIL_FROM"):
        Renderer(mail_from, domain)


def test_the_check_reads_every_mail_that_is_shipped_and_passes() -> None:
    read: set[str] = set()

    def load(template: str, name: str) -> str:
        read.add(f"{template}/{name}")
        return templates_mail.load(template, name)

    Renderer("orders@shop.example", "shop.example", load=load).check()
    bodies = {f"{template}/text.{locale}.txt" for template in TEMPLATES for locale in LOCALES}
    assert bodies <= read


@pytest.mark.parametrize(
    ("file", "source", "says"),
    [
        ("text.en.txt", None, "text.en.txt is missing"),
        ("body.en.mjml", "<mj-text>unclosed", ""),
        ("body.en.mjml", "<mj-text>{% if order %}</mj-text>", "Unexpected end of template"),
        ("text.en.txt", "{{ order.nmuber }}", "has no attribute 'nmuber'"),
        ("subject.en.txt", "[[no_such_word]]", r"fills \[\[no_such_word\]\]"),
    ],
)
def test_the_check_names_the_template_and_locale_that_cannot_be_used(file: str, source: str | None, says: str) -> None:
    def load(template: str, name: str) -> str:
        if (template, name) != ("rank_up", file):
            return templates_mail.load(template, name)
        if source is None:
            raise FileNotFoundError(name)
        return source

    with pytest.raises(Misconfigured, match=r"mail rank_up \(en\).*" + says):
        Renderer("orders@shop.example", "shop.example", load=load).check()
