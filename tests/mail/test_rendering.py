"""Every mail of the contract in both locales, rendered from its sample and read back."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

import templates_mail
from pipelines.errors import Invalid, Misconfigured
from pipelines.gateway import BuyerMust, BuyerStep
from pipelines.ports import MailIntent, RenderedMail
from templates_mail import LOCALES, TEMPLATES
from tests.mail.reading import body, parse
from workers.mail.rendering import CONTRACT_MAILS, SUPPLIER_MAILS, Renderer
from workers.mail.samples import sample

RENDERER = Renderer("orders@salon.example", "mail.salon.example")
EVERY_MAIL = [(template, locale) for template in CONTRACT_MAILS for locale in LOCALES]
every_mail = pytest.mark.parametrize(("template", "locale"), EVERY_MAIL)
BOTH_KINDS = ("plain", "html")
NO_WISH = {"delivery": {"date": None, "slot": None}, "instructions": []}

# B.7.4: an order mail that advertises becomes regulated advertising mail.
ADVERTISING = re.compile(
    r"セール|キャンペーン|おすすめ|お得|今なら|新商品|プレゼント|ぜひ|お買い物|"
    r"\b(sale|campaign|offers?|recommend|deals?|buy|shop now|new arrivals?|don't miss)\b",
    re.IGNORECASE,
)


def render(intent: MailIntent) -> RenderedMail:
    return RENDERER.render(intent, shop="salon", number="S-1001")


def changed(template: str, locale: str, **context: Any) -> RenderedMail:
    """The sample with some keys of its context replaced."""
    intent = sample(template, locale)
    return render(replace(intent, context={**intent.context, **context}))


def both(mail: RenderedMail) -> str:
    return body(mail, "plain") + body(mail, "html")


def test_the_folders_are_the_contract() -> None:
    assert set(CONTRACT_MAILS) == TEMPLATES
    assert len(CONTRACT_MAILS) == 28


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
    answered_by = "operations" if template in SUPPLIER_MAILS else "support"
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
    assert not parse(mail.raw).defects
    for kind in BOTH_KINDS:
        content = body(mail, kind)
        assert f"{'operations' if template in SUPPLIER_MAILS else 'support'}@salon.example" in content
        assert "salon.example からのメールを受信" in content or "allow mail from salon.example" in content
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


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("template", SUPPLIER_MAILS)
def test_a_supplier_reads_where_to_ship_but_no_money(template: str, locale: str) -> None:
    mail = changed(template, locale, collect=None)
    for kind in BOTH_KINDS:
        content = body(mail, kind)
        assert "SH-S-1001-1" in content
        assert "SHAMPOO-1L" in content
        assert not re.search(r"[¥円]", content)


@pytest.mark.parametrize(
    ("locale", "words"),
    [
        ("ja", ["ご希望日", "2026年11月22日", "14時～16時", "お客様からのご依頼"]),
        ("en", ["Requested date", "22 Nov 2026", "14:00–16:00", "The customer asks"]),
    ],
)
def test_a_supplier_reads_what_the_customer_wishes_for(locale: str, words: list[str]) -> None:
    """STO-02, DLV-02."""
    mail, plain = render(sample("supplier_instruction", locale)), changed("supplier_instruction", locale, **NO_WISH)
    for kind in BOTH_KINDS:
        assert all(word in body(mail, kind) for word in [*words, "コマ詰めをお願いします。手首周り 16cm"])
        assert not any(word in body(plain, kind) for word in words)


@pytest.mark.parametrize(("locale", "amount", "tax"), [("ja", "9,790円", "890円"), ("en", "¥9,790", "¥890")])
def test_a_supplier_reads_what_to_collect(locale: str, amount: str, tax: str) -> None:
    """PAY-09: the carrier's slip needs the amount and the tax in it."""
    mail = changed("supplier_instruction", locale, collect={"amount": 9790, "tax": 890})
    for kind in BOTH_KINDS:
        assert amount in body(mail, kind)
        assert tax in body(mail, kind)


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("template", SUPPLIER_MAILS)
def test_operators_are_asked_to_pass_it_on(template: str, locale: str) -> None:
    """The shop's own people are no 御中: a supplier without an address is told through them."""
    mail = changed(template, locale, passed_on=True)
    for kind in BOTH_KINDS:
        content = body(mail, kind)
        assert {"ja": "サロンサプライ ご担当者様", "en": "the operators of Salon Supply"}[locale] in content
        assert "みほん化粧品" in content
        assert "御中" not in content


@pytest.mark.parametrize("locale", LOCALES)
def test_a_wish_that_is_not_met_is_answered_in_the_customers_words(locale: str) -> None:
    """DLV-05, OTH-01."""
    wish = sample("not_offered", locale).context["wishes"][0]
    for kind in BOTH_KINDS:
        content = body(render(sample("not_offered", locale)), kind)
        assert wish["says"] in content
        assert wish["because"] in content
        assert {"ja": "3営業日以内", "en": "within 3 business day(s)"}[locale] in content


@pytest.mark.parametrize("locale", LOCALES)
def test_the_accepted_order_lists_lines_amounts_and_address(locale: str) -> None:
    """CON-01."""
    mail = render(sample("order_accepted", locale))
    for kind in BOTH_KINDS:
        content = body(mail, kind)
        for shown in (
            "S-1001",
            "シャンプー 1L",
            "13,200",
            "17,360",
            "−",
            "1,686",
            "18,246",
            "460-0008",
            "052-000-0000",
        ):
            assert shown in content
        assert {"ja": "出荷予定日", "en": "Planned dispatch"}[locale] in content


@pytest.mark.parametrize(
    ("locale", "subject", "says"),
    [
        ("ja", "ご注文の金額を改めました", "計算し直しました"),
        ("en", "The new total of your order", "calculated your order again"),
    ],
)
def test_an_order_that_was_priced_again_says_so(locale: str, subject: str, says: str) -> None:
    """CPN-03."""
    again, first = changed("order_accepted", locale, repriced=True), render(sample("order_accepted", locale))
    assert subject in again.subject
    assert all(says in body(again, kind) for kind in BOTH_KINDS)
    assert says not in both(first)


@pytest.mark.parametrize(("locale", "free", "fee"), [("ja", "無料", "770円"), ("en", "Free", "¥770")])
def test_totals_leave_out_what_is_nothing_and_say_free_shipping(locale: str, free: str, fee: str) -> None:
    totals = sample("order_accepted", locale).context["totals"]
    nothing = {**totals, "coupon_discount": 0, "points_used": 0}
    plain = body(changed("order_accepted", locale, totals=nothing), "plain")
    assert free in plain
    assert "−" not in plain
    assert not re.search(r"^[^*■].*: [¥−]*0円?$", plain, re.MULTILINE)

    assert fee in both(changed("order_accepted", locale, totals={**totals, "shipping": 770}))


def test_tax_reads_as_contained_where_prices_include_it() -> None:
    totals = {**sample("order_accepted", "ja").context["totals"], "price_display": "tax_included"}
    assert "内消費税（10%対象 16,860円）: 1,686円" in body(changed("order_accepted", "ja", totals=totals), "plain")
    assert "内消費税" not in both(render(sample("order_accepted", "ja")))


@pytest.mark.parametrize("locale", LOCALES)
def test_a_dispatch_mail_tells_this_parcel_from_earlier_and_later_ones(locale: str) -> None:
    """SPL-02: lines in this parcel, lines already sent, lines outstanding; TRK-01: the number as it was given."""
    before = [{"line": "9", "sku": "X", "name": "先に送った品", "quantity": 1}]
    mail = changed("shipment_shipped", locale, shipped_before=before)
    for kind in BOTH_KINDS:
        content = body(mail, kind)
        here, earlier, later = (content.index(n) for n in ("シャンプー 1L", "先に送った品", "業務用フェイスタオル"))
        assert here < earlier < later
        assert "444413758703" in content
        assert "https://tracking.example/444413758703" in content


@pytest.mark.parametrize("locale", LOCALES)
def test_a_parcel_without_a_number_is_explained(locale: str) -> None:
    """TRK-01."""
    parcel = {**sample("shipment_shipped", locale).context["parcel"], "tracking_number": None, "tracking_url": None}
    mail = changed("shipment_shipped", locale, parcel=parcel)
    for kind in BOTH_KINDS:
        explained = {"ja": "このお荷物にはお問い合わせ番号がございません", "en": "without a tracking number"}[locale]
        assert explained in body(mail, kind)


@pytest.mark.parametrize("locale", LOCALES)
def test_a_failed_payment_names_no_cause(locale: str) -> None:
    """PAY-04: the customer is sent to the card's issuer, no reason is guessed."""
    content = both(changed("payment_failed", locale, reason="G12", code="42G120000"))
    assert "G12" not in content
    assert {"ja": "カード発行会社", "en": "the company that issued it"}[locale] in content


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("card", [None, "debit", "prepaid"])
def test_a_failed_payment_says_that_the_order_is_cancelled_and_what_can_be_done(card: str | None, locale: str) -> None:
    """PAY-02: a card that the shop itself refuses is no matter of its issuer."""
    mail = changed("payment_failed", locale, refused_card=card)
    refused = {
        "debit": {"ja": "デビットカード", "en": "debit cards"},
        "prepaid": {"ja": "プリペイド", "en": "prepaid cards"},
    }
    assert {"ja": "キャンセル", "en": "cancelled"}[locale] in mail.subject
    for kind in BOTH_KINDS:
        content = body(mail, kind)
        assert {"ja": "ご注文をキャンセルいたしました", "en": "your order has been cancelled"}[locale] in content
        assert {"ja": "あらためてご注文ください", "en": "please order again"}[locale] in content
        assert ({"ja": "カード発行会社へお問い合わせ", "en": "please ask the company"}[locale] in content) == (
            card is None
        )
        assert [kind for kind, words in refused.items() if words[locale] in content] == ([card] if card else [])


@pytest.mark.parametrize(
    ("locale", "change", "subject", "sorry"),
    [
        ("ja", "later", "出荷遅延のお詫び", True),
        ("ja", "dated", "出荷予定日のお知らせ", False),
        ("ja", "sooner", "出荷予定日の変更", False),
        ("en", "later", "Your order is delayed", True),
        ("en", "dated", "We have a date", False),
        ("en", "sooner", "leaves sooner", False),
    ],
)
def test_only_a_delay_is_apologised_for(locale: str, change: str, subject: str, sorry: bool) -> None:
    """CUT-01: a back-order that gets its first date is good news."""
    mail = changed("dispatch_delayed", locale, change=change)
    assert subject in mail.subject
    for kind in BOTH_KINDS:
        content = body(mail, kind)
        assert ("申し訳" in content or "sorry" in content) == sorry
        assert {"ja": "2026年11月27日(金)", "en": "Fri, 27 Nov 2026"}[locale] in content  # the arrival, anew


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("template", ["order_accepted", "dispatch_planned", "shipment_shipped"])
def test_the_slot_and_the_day_are_repeated_where_delivery_is_told(template: str, locale: str) -> None:
    """DLV-02."""
    for kind in BOTH_KINDS:
        content = body(render(sample(template, locale)), kind)
        assert {"ja": "14時～16時", "en": "14:00–16:00"}[locale] in content
        assert re.search({"ja": "11月22日", "en": "22 Nov"}[locale], content)


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("template", ["order_accepted", "shipment_shipped"])
def test_cash_on_delivery_says_how_much_to_have_ready_and_for_how_long(template: str, locale: str) -> None:
    """PAY-09."""
    by_cash, by_card = (
        changed(template, locale, collect={"amount": 9790, "days": 7}),
        changed(template, locale, collect=None),
    )
    for kind in BOTH_KINDS:
        assert {"ja": "9,790円", "en": "¥9,790"}[locale] in body(by_cash, kind)
        assert {"ja": "7日以内", "en": "within 7 days"}[locale] in body(by_cash, kind)
        assert {"ja": "現金のご用意", "en": "Cash needed"}[locale] not in body(by_card, kind)


@pytest.mark.parametrize("locale", LOCALES)
def test_a_refund_tells_what_is_left_and_asks_for_nothing(locale: str) -> None:
    for kind in BOTH_KINDS:
        content = body(render(sample("refund_done", locale)), kind)
        assert {"ja": "お支払い合計", "en": "Total to pay"}[locale] not in content
        assert {"ja": "ご返金後の合計", "en": "Total after the refund"}[locale] in content


@pytest.mark.parametrize("locale", LOCALES)
def test_a_deposit_that_differs_names_what_is_missing_or_too_much(locale: str) -> None:
    """B.6.7."""
    over = {"amount": 20000, "due": 18246, "missing": 0, "beyond": 1754}
    short, much = render(sample("deposit_differs", locale)), changed("deposit_differs", locale, deposit=over)
    for kind in BOTH_KINDS:
        assert {"ja": "246円", "en": "¥246"}[locale] in body(short, kind)
        assert "みほん銀行" in body(short, kind)
        assert {"ja": "1,754円", "en": "¥1,754"}[locale] in body(much, kind)
        assert "みほん銀行" not in body(much, kind)


@pytest.mark.parametrize("asks", [False, True])
def test_a_wish_not_met_says_whether_anything_is_asked(asks: bool) -> None:
    """DLV-04: a strict shop asks first, another sends as soon as it can."""
    content = body(changed("request_not_met", "ja", asks=asks), "plain")
    assert ("担当者よりご連絡いたします" in content, "最短の日程で" in content) == (asks, not asks)


@pytest.mark.parametrize("locale", LOCALES)
def test_a_transfer_is_told_account_amount_and_day(locale: str) -> None:
    for template in ("payment_instructions", "payment_reminder"):
        plain = body(render(sample(template, locale)), "plain")
        for shown in (
            "みほん銀行",
            "普通 0123456",
            "18,246",
            {"ja": "2026年11月27日(金)", "en": "Fri, 27 Nov 2026"}[locale],
        ):
            assert shown in plain


UNTIL = datetime(2026, 11, 23, 23, 59, tzinfo=ZoneInfo("Asia/Tokyo"))


@pytest.mark.parametrize("template", ["payment_instructions", "payment_reminder"])
@pytest.mark.parametrize(
    ("must", "shown"),
    [
        (
            BuyerMust(BuyerStep.PAY_AT_STORE, number="370-123-4567", confirmation="4321", until=UNTIL),
            {"ja": ["370-123-4567", "4321", "2026年11月23日(月) 23:59"], "en": ["convenience store", "370-123-4567"]},
        ),
        (
            BuyerMust(BuyerStep.VISIT, url="https://pay.example/3ds?a=1&b=2"),
            {"ja": ["https://pay.example/3ds?a=1&b=2", "お支払いページ"], "en": ["https://pay.example/3ds?a=1&b=2"]},
        ),
        (
            BuyerMust(BuyerStep.OPEN_FORM, url="https://lender.example/apply", until=UNTIL),
            {"ja": ["https://lender.example/apply", "お申込みページ"], "en": ["Mon, 23 Nov 2026 23:59"]},
        ),
    ],
    ids=["pay_at_store", "visit", "open_form"],
)
@pytest.mark.parametrize("locale", LOCALES)
def test_the_customer_reads_what_to_do_and_of_no_other_way(
    template: str, must: BuyerMust, shown: dict[str, list[str]], locale: str
) -> None:
    """PAY-08, PAY-10: a store's number, a page, a form; the shop's account is for transfers alone."""
    mail = changed(template, locale, buyer=must.to_mail(), payment={"method": "konbini", "amount": 1, "pay_by": None})
    for kind in BOTH_KINDS:
        content = html.unescape(body(mail, kind))
        for words in shown[locale]:
            assert words in content
        assert {"ja": "銀行名", "en": "Account holder"}[locale] not in content


@pytest.mark.parametrize("locale", LOCALES)
def test_each_reason_of_a_cancel_has_its_own_words(locale: str) -> None:
    """CAN-05."""
    reasons = [
        "customer_request",
        "unpaid",
        "payment_failed",
        "loan_timeout",
        "cod_unclaimed",
        "out_of_stock",
        "transit_accident",
    ]
    reasons.append("shop_decision")
    mails = {body(changed("order_cancelled", locale, reason=reason, says=""), "plain") for reason in reasons}
    assert len(mails) == len(reasons)


def test_a_slot_in_the_customers_own_words_is_printed_as_it_is() -> None:
    """DLV-01: a wish may be free text."""
    request = {"date": None, "slot": "夕方ごろ"}
    assert "夕方ごろ" in body(changed("request_not_met", "ja", request=request), "plain")


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
