"""Shop profiles: the four that come with Shukka, and how a wrong one is named."""

from pathlib import Path

import pytest

from pipelines.shops import PACKAGED, ProfileErrors, load_shops, parse_shop, returns_page
from pipelines.shops.reference import markdown
from tests.rules.build import day, shop_with


def mistakes(text: str) -> dict[str, str]:
    with pytest.raises(ProfileErrors) as caught:
        parse_shop("mine", text)
    return {key: reason for _, key, reason in caught.value.entries}


def test_the_packaged_shops() -> None:
    shops = load_shops()
    assert list(shops) == ["apparel", "clinic", "reuse", "salon"]
    assert [shop.key for shop in shops.values()] == list(shops)


@pytest.mark.parametrize(
    ("shop", "cutoff", "display", "rounding", "policy"),
    [
        ("clinic", "12:00", "ex_tax", "half_up", "never"),
        ("apparel", "15:00", "ex_tax", "floor", "until_released"),
        ("reuse", "15:00", "tax_included", "floor", "windows"),
        ("salon", "15:00", "ex_tax", "floor", "until_released"),
    ],
)
def test_the_shops_follow_the_parameter_table(shop: str, cutoff: str, display: str, rounding: str, policy: str) -> None:
    """A.0."""
    profile = load_shops()[shop]
    assert f"{profile.calendar.cutoff:%H:%M}" == cutoff
    assert (profile.price.display, profile.price.rounding, profile.cancel.policy) == (display, rounding, policy)


def test_a_name_is_all_a_shop_needs() -> None:
    shop = parse_shop("mine", 'name = "店"')
    assert shop.payment.methods == {"local": ("card",)}
    assert not shop.business_calendar.is_open(day("2026-11-23"))
    assert shop.supplier("anyone").lead_days == 0


@pytest.mark.parametrize(
    ("text", "key", "reason"),
    [
        ("", "name", "required"),
        ('registration_number = "T6120001113619"', "registration_number", "check digit"),
        ('registration_number = "6120001113618"', "registration_number", "T and 13 digits"),
        ('support_mail = "nobody"', "support_mail", "mail address"),
        ('mail_from = "nobody"', "mail_from", "mail address"),
        ('mail_reply_to = "a@x.jp,b@x.jp"', "mail_reply_to", "mail address"),
        ('mail_from = "a@evilshop.jp"\nmail_domain = "shop.jp"', "mail_domain", "come from evilshop.jp"),
        ('brand_colour = "blue"', "brand_colour", "#rrggbb"),
        ('brand_colour = "#ffd700"', "brand_colour", "too light under white letters"),
        ('logo_url = "http://shop.jp/logo.png"', "logo_url", "must begin with https://"),
        ('order_url = "https://shop.jp/orders"', "order_url", "must hold {number} once"),
        ('order_url = "https://shop.jp/{number}/{token}"', "order_url", "must hold {number} once"),
        ('registration_kind = "club"', "registration_kind", "must be 'corporation' or 'individual'"),
        ('colour = "red"', "colour", "no such parameter"),
        ('key = "other"', "key", "leave it out"),
        ('[calendar]\ncutoff = "24:00"', "calendar.cutoff", "time of day"),
        ("[calendar]\ncutoff = 15", "calendar.cutoff", "time of day"),
        ('[calendar]\nclosed_weekdays = ["sunday"]', "calendar.closed_weekdays[0]", "must be 'mon'"),
        (
            '[calendar]\nclosed_weekdays = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]',
            "calendar.closed_weekdays",
            "leave at least one",
        ),
        ('[calendar]\nclosed_dates = ["12-29"]', "calendar.closed_dates[0]", "a date such as"),
        ("[calendar]\nclosed_dates = [9999-12-31]", "calendar.closed_dates[0]", "between the years 2001 and 2098"),
        (
            "[calendar]\nclosed_ranges = [{ first = 2098-12-31, last = 2099-01-03 }]",
            "calendar.closed_ranges[0].last",
            "between the years 2001 and 2098",
        ),
        (
            "[returns]\ndiscontinued = { S-1 = 9999-12-31 }",
            "returns.discontinued.S-1",
            "between the years 2001 and 2098",
        ),
        (
            "[calendar]\nclosed_dates = [2026-12-29]\nopen_dates = [2026-12-29]",
            "calendar",
            "2026-12-29 is in closed_dates and in open_dates",
        ),
        ('[payment]\nmethods.local = ["cash"]', "payment.methods.local[0]", "must be 'amazon_pay'"),
        ('[payment]\nmethods.local = ["bank_transfer"]', "payment.bank", "account is needed"),
        ("[payment]\nmethods.local = []", "payment.methods", "at least one"),
        ("[payment]\nminimum_gateway_amount = 49.5", "payment.minimum_gateway_amount", "whole number"),
        ("[payment]\nminimum_gateway_amount = -1", "payment.minimum_gateway_amount", "0 or more"),
        ("[points]\nrate = 1.5", "points.rate", "1 or less"),
        ('[points]\nrate = "1%"', "points.rate", "a number such as 0.05"),
        ('[calendar]\ncutof = "15:00"', "calendar.cutof", "did you mean cutoff?"),
        ('[calendar]\ncutoff = "9:00"', "calendar.cutoff", 'such as "09:00"'),
        ('site_url = "shop.example"', "site_url", "must begin with https://"),
        (
            '[payment.bank]\nbank = "b"\nbranch = "c"\nnumber = "123456"\nholder = "h"',
            "payment.bank.number",
            "Seven digits",
        ),
        (
            '[payment.bank]\nbank = ""\nbranch = "c"\nnumber = "1234567"\nholder = "h"',
            "payment.bank.bank",
            "at least 1",
        ),
        (
            '[payment.bank]\nbank = "b"\nbranch = "c"\nnumber = "1234567"\nholder = "h\\nBcc: x"',
            "payment.bank.holder",
            "Account holder",
        ),
        ('[[ranks.levels]]\nname = "GOLD\\u0000"\nrate = 0.01', "ranks.levels[0].name", "U+0000"),
        ('[documents]\nseal = ["too long a column"]', "documents.seal[0]", "does not fit; it is: "),
        ("[points]\nrate = nan", "points.rate", "a number such as 0.05"),
        ('[suppliers.maker]\ncarrier = "pigeon"', "suppliers.maker.carrier", "no carrier; there is ems"),
        ('[suppliers.maker]\nchannel = "mail"', "suppliers.maker.mail", "address is needed"),
        ('[suppliers.warehouse.files]\ncontents = "\u3000"', "suppliers.warehouse.files.contents", "must not be blank"),
        ('[suppliers.warehouse]\nships_via = "hub"', "suppliers.warehouse.ships_via", "no supplier hub"),
        ("[suppliers.maker]", "split.home", "no supplier warehouse"),
        ('[delivery.transit_days]\n"Aichi" = 1', "delivery.transit_days.Aichi", "no prefecture"),
        ('[shipping.individual_surcharge]\n"愛知" = 1', "shipping.individual_surcharge.愛知", "no prefecture"),
        ("[returns]\nwindow_days = 7", "returns.window_days", "write [[returns.terms]]"),
        ("[[returns.terms]]\nreasons = []", "returns.terms[0].reasons", "at least 1"),
        ('[[returns.terms]]\nreasons = ["bored"]', "returns.terms[0].reasons[0]", "must be 'defect'"),
        (
            '[[returns.terms]]\nreasons = ["defect"]\nwindows = [{ days = 7, since = "monday" }]',
            "returns.terms[0].windows[0].since",
            "must be 'arrival'",
        ),
        ('[[returns.terms]]\nreasons = ["defect"]\nremedies = []', "returns.terms[0].remedies", "at least 1"),
        (
            '[[returns.terms]]\nreasons = ["defect"]\nexchange_for = "equal_or_higher"',
            "returns.terms[0].exchange_for",
            "there is no exchange",
        ),
        (
            '[[returns.terms]]\nreasons = ["defect"]\nrefused_conditions = ["haunted"]',
            "returns.terms[0].refused_conditions[0]",
            "must be 'unopened'",
        ),
        (
            '[[returns.terms]]\nreasons = ["defect"]\nrefused_conditions = ["opened"]\nrequired_conditions = ["opened"]',
            "returns.terms[0].required_conditions",
            "opened is in refused_conditions too",
        ),
        (
            '[[returns.terms]]\nreasons = ["defect"]\nmethods = ["cash"]',
            "returns.terms[0].methods[0]",
            "must be 'amazon_pay'",
        ),
        (
            '[[returns.terms]]\nreasons = ["defect"]\n[[returns.terms]]\nreasons = ["defect"]\n',
            "returns.terms",
            "defect stands in two tables",
        ),
        (
            '[[returns.terms]]\nreasons = ["defect"]\ncost_on = "shop"\n[returns]\ncustomer_fee = 1_500',
            "returns.customer_fee",
            "nobody pays it",
        ),
        ('[returns.discontinued]\nPOMADE = "soon"', "returns.discontinued.POMADE", "a date such as"),
        ('[[remarks]]\npattern = "("\naction = "ignore"', "remarks[0].pattern", "no regular expression"),
        ('[[remarks]]\npattern = ".*"\naction = "ignore"', "remarks[0].pattern", "empty text"),
        (
            '[[ranks.levels]]\nname = "A"\nrate = 0.01\n[[ranks.levels]]\nname = "A"\nrate = 0.02\nfrom_spend = 1',
            "ranks.levels",
            "the same name",
        ),
        (
            "[[price.cod_fee]]\nup_to = 2\nfee = 1\n[[price.cod_fee]]\nup_to = 1\nfee = 1",
            "price.cod_fee",
            "rising",
        ),
    ],
)
def test_a_mistake_is_named_with_key_and_reason(text: str, key: str, reason: str) -> None:
    found = mistakes(text if key == "name" else 'name = "店"\n' + text)
    assert list(found) == [key]
    assert reason in found[key]


def test_a_sole_proprietors_number_has_no_check_digit() -> None:
    """B.2."""
    text = 'name = "店"\nregistration_kind = "individual"\nregistration_number = "Ｔ6120001113619"'
    assert parse_shop("mine", text).registration_number == "T6120001113619"


def test_every_mistake_of_every_file_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "one.toml").write_text('registration_kind = "club"', "utf-8")
    (tmp_path / "two.toml").write_text("name = ", "utf-8")
    (tmp_path / "three.toml").write_bytes('name = "店"'.encode("cp932"))
    (tmp_path / "Four!.toml").write_text('name = "店"', "utf-8")
    (tmp_path / "five.toml").write_text('name = "店"', "utf-8")
    with pytest.raises(ProfileErrors) as caught:
        load_shops(tmp_path)
    found = sorted((Path(file).name, key) for file, key, _ in caught.value.entries)
    assert found == [
        ("Four!.toml", ""),
        ("one.toml", "name"),
        ("one.toml", "registration_kind"),
        ("three.toml", ""),
        ("two.toml", ""),
    ]


def test_a_place_without_profiles_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ProfileErrors, match=r"holds no <shop>\.toml"):
        load_shops(tmp_path)
    with pytest.raises(ProfileErrors, match="is no directory"):
        load_shops(tmp_path / "nowhere")


def test_the_reference_of_all_parameters_is_up_to_date() -> None:
    page = Path(__file__).parents[2] / "docs" / "shops.md"
    assert page.read_text("utf-8") == markdown(), "run: python -m pipelines.shops > docs/shops.md"


def test_the_page_of_returns_is_up_to_date() -> None:
    """A.12, A.16: the terms of the four shops as they are published, drawn from their profiles."""
    page = Path(__file__).parents[2] / "docs" / "returns.md"
    assert page.read_text("utf-8") == returns_page.markdown(load_shops()), (
        "run: python -m pipelines.shops returns > docs/returns.md"
    )


@pytest.mark.parametrize("file", sorted(PACKAGED.glob("*.toml")), ids=lambda file: file.stem)
def test_the_packaged_files_are_public(file: Path) -> None:
    """Mail goes to example domains only, so that a demo never writes to anyone."""
    shop = parse_shop(file.stem, file.read_text("utf-8"))
    assert {shop.support_mail.rpartition(".")[2], shop.operator_mail.rpartition(".")[2]} == {"jp"}
    assert all(".example." in address for address in (shop.support_mail, shop.operator_mail, shop.site_url))


def test_a_code_that_nobody_could_enter_is_not_promised() -> None:
    """CUT-05, PTS-15: a thank-you coupon needs coupons of points."""
    with pytest.raises(ProfileErrors) as raised:
        shop_with("clinic", **{'kinds = ["points"]': "kinds = []"})
    assert "points.first_order_coupon_points" in str(raised.value)
