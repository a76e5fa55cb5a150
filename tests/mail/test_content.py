"""What each mail says to the one who reads it, in both locales."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from pipelines.gateway import BuyerMust, BuyerStep
from templates_mail import LOCALES
from tests.mail.reading import BOTH_KINDS, NO_WISH, body, both, changed, render
from workers.mail.rendering import SUPPLIER_MAILS
from workers.mail.samples import sample


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


@pytest.mark.parametrize(
    ("kind", "name", "shown"),
    [
        ("organisation", "見本医院", "見本医院 御中"),
        ("individual", "見本 花子", "見本 花子 様"),
        ("organisation", "見本医院 御中", "見本医院 御中"),
        ("individual", "見本 花子様", "見本 花子様"),
    ],
)
@pytest.mark.parametrize("template", ["order_accepted", "supplier_instruction"])
def test_an_organisation_is_no_person_and_nobody_has_two_honorifics(
    template: str, kind: str, name: str, shown: str
) -> None:
    """As on the parcel's delivery note (documents.md 2); English has none."""
    for locale, expected in (("ja", shown), ("en", name)):
        to = sample(template, locale).context["ship_to"]
        mail = changed(template, locale, ship_to={**to, "kind": kind, "name": name})
        for medium in BOTH_KINDS:
            told = body(mail, medium)
            assert expected in told
            assert not any(f"{expected}{more}" in told for more in (" 様", " 御中"))


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("template", SUPPLIER_MAILS)
def test_operators_are_asked_to_pass_it_on(template: str, locale: str) -> None:
    """The shop's own people are no 御中: a supplier without an address is told through them."""
    mail = changed(template, locale, passed_on=True)
    for kind in BOTH_KINDS:
        content = body(mail, kind)
        assert {"ja": "サロンサプライ ご担当者様", "en": "the operators of Salon Supply"}[locale] in content
        assert "みほん化粧品" in content
        assert "みほん化粧品 御中" not in content


@pytest.mark.parametrize("locale", LOCALES)
def test_a_wish_that_is_not_met_is_answered_in_the_customers_words(locale: str) -> None:
    """DLV-05, OTH-01."""
    wish = sample("not_offered", locale).context["wishes"][0]
    for kind in BOTH_KINDS:
        content = body(render(sample("not_offered", locale)), kind)
        assert wish["says"] in content
        assert wish["because"] in content
        assert {"ja": "3営業日以内", "en": "within 3 business days."}[locale] in content


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


@pytest.mark.parametrize(
    ("locale", "subject", "says"),
    [
        ("ja", "クーポンを確認しました", "適用できるものはございませんでした"),
        ("en", "The coupons of your order", "none of them applies to this order"),
    ],
)
def test_an_order_to_which_no_code_applies_says_that_its_sum_stays(locale: str, subject: str, says: str) -> None:
    """CPN-03."""
    mail = changed("order_accepted", locale, repriced="no_coupons")
    assert subject in mail.subject
    assert all(says in body(mail, kind) for kind in BOTH_KINDS)
    assert not any(word in both(mail) for word in ("計算し直しました", "calculated your order again"))


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
        "pickup_expired",
        "not_bought",
        "out_of_stock",
        "transit_accident",
        "blocked_customer",
    ]
    reasons.append("shop_decision")
    mails = {body(changed("order_cancelled", locale, reason=reason, says=""), "plain") for reason in reasons}
    assert len(mails) == len(reasons)


def test_a_slot_in_the_customers_own_words_is_printed_as_it_is() -> None:
    """DLV-01: a wish may be free text."""
    request = {"date": None, "slot": "夕方ごろ"}
    assert "夕方ごろ" in body(changed("request_not_met", "ja", request=request), "plain")


BILLED = {
    "order_short": {},
    "order_cancelled": {"reason": "customer_request"},
    "refund_done": {"refund": {"amount": 55_000, "method": "direct_debit", "bill": date(2026, 12, 1)}},
    "return_finished": {
        "returned": {
            **sample("return_finished", "ja").context["returned"],
            "given": {"money": 55_000, "points": 0, "method": "direct_debit", "bill": date(2026, 12, 1)},
        }
    },
}


@pytest.mark.parametrize("template", BILLED)
@pytest.mark.parametrize(("locale", "month"), [("ja", "2026年12月分のご請求"), ("en", "bill of December 2026")])
@pytest.mark.parametrize("kind", BOTH_KINDS)
def test_what_is_taken_off_a_bill_names_it(template: str, locale: str, month: str, kind: str) -> None:
    """PAY-12; a mail that was asked for before there was a bill to name is rendered as it was."""
    assert month in body(changed(template, locale, bill=date(2026, 12, 1), **BILLED[template]), kind)
    without = sample(template, locale)
    context = {name: value for name, value in without.context.items() if name != "bill"}
    assert month not in body(render(replace(without, context=context)), kind)
