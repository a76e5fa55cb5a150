"""A gateway is a file: found by name, its settings read from the environment, what it can do told by its adapter."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from pipelines.errors import Misconfigured
from pipelines.gateway import Capability
from pipelines.shops import ProfileErrors, load_shops, parse_shop
from workers.installation import INSTALLATION
from workers.payments import GATEWAYS, asked, used
from workers.payments.sandbox import Settings
from workers.settings import read

GOOD = {"SANDBOX_GATEWAY_URL": "http://127.0.0.1:9000", "SANDBOX_GATEWAY_KEY": "k"}


COMES: Mapping[str, tuple[frozenset[Capability], int]] = {
    "amazon_pay": (frozenset({Capability.REPORTS_SHIPMENTS, Capability.REGISTERS_SLIPS, Capability.LISTS}), 1),
    "bank": (frozenset(Capability) - {Capability.READS_NOTICES}, 1),
    "komoju": (frozenset({Capability.REPORTS_SHIPMENTS, Capability.RENEWS}), 1),
    "paypay": (frozenset({Capability.REPORTS_SHIPMENTS, Capability.REGISTERS_SLIPS, Capability.LISTS}), 1),
    "gmo_pg": (frozenset({Capability.REPORTS_SHIPMENTS, Capability.LISTS}), 1),
    "payjp": (frozenset({Capability.REPORTS_SHIPMENTS, Capability.REGISTERS_SLIPS}), 50),
    "sandbox": (frozenset({Capability.RENEWS}), 50),
    "stripe": (frozenset({Capability.REPORTS_SHIPMENTS, Capability.RENEWS}), 50),
}
"""By name: what it cannot do, and the least that it takes in yen (PAY-13)."""


def test_those_that_come_with_shukka() -> None:
    found = {name: (frozenset(Capability) - one.capabilities, one.least) for name, one in GATEWAYS.items()}
    assert found == COMES


def test_settings_are_the_variables_of_their_names() -> None:
    settings = read(Settings, {**GOOD, "SANDBOX_GATEWAY_TIMEOUT": " 2.5 "})
    assert settings.sandbox_gateway_key.get_secret_value() == "k"
    assert settings.sandbox_gateway_timeout == 2.5


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        ({}, "SANDBOX_GATEWAY_URL: is missing; set it to the gateway's address, such as http://127.0.0.1:9000"),
        ({**GOOD, "SANDBOX_GATEWAY_KEY": " "}, "SANDBOX_GATEWAY_KEY: is missing; set it to the key the gateway issued"),
        (
            {**GOOD, "SANDBOX_GATEWAY_URL": "secret-host:9000"},
            "SANDBOX_GATEWAY_URL: is wrong; set it to the gateway's address, such as http://127.0.0.1:9000",
        ),
    ],
)
def test_a_setting_that_is_missing_or_wrong_is_named_and_never_repeated(environment: dict[str, str], says: str) -> None:
    with pytest.raises(Misconfigured) as refused:
        read(Settings, environment)
    assert str(refused.value) == says


def test_only_what_is_asked_needs_its_settings() -> None:
    """A bank is asked nothing, and a shop without cards needs no card gateway."""
    by_transfer = parse_shop("mine", 'name = "店"\n[payment]\nmethods.local = ["cod"]', INSTALLATION)
    assert (set(used([by_transfer])), set(asked([by_transfer]))) == (set(), set())
    shops = load_shops(None, INSTALLATION).values()
    assert (set(used(shops)), set(asked(shops))) == ({"bank", "sandbox"}, {"sandbox"})


@pytest.mark.parametrize(
    ("text", "key", "reason"),
    [
        ('gateways.card = "nobody"', "payment.gateways.card", "'nobody' is no gateway; there is amazon_pay, bank, "),
        ('gateways.cheque = "bank"', "payment.gateways.cheque", "must be 'amazon_pay', 'bank_transfer'"),
        ('gateways.card = "bank"', "payment.gateways.card", "needs a gateway that authorizes and captures and looks"),
        ('gateways.konbini = "bank"', "payment.gateways.konbini", "needs a gateway that registers payment slips"),
        (
            'gateways.amazon_pay = "gmo_pg"',
            "payment.gateways.amazon_pay",
            "gmo_pg serves card, konbini, paypay and nothing",
        ),
        ('capture_policy = "per_shipment"', "payment.capture_policy", "sandbox does not (SPL-04)"),
        ('gateway = "stripe"', "payment.gateway", 'write [payment.gateways] card = "stripe"'),
        ('gateway_methods = ["card"]', "payment.gateway_methods", "leave it out"),
    ],
)
def test_a_profile_whose_gateway_cannot_do_what_is_needed_is_refused(text: str, key: str, reason: str) -> None:
    with pytest.raises(ProfileErrors) as refused:
        parse_shop("mine", f'name = "店"\n[payment]\n{text}', INSTALLATION)
    ((_, named, why),) = refused.value.entries
    assert named == key
    assert reason in why


def test_a_profile_may_name_a_gateway_a_method() -> None:
    shop = parse_shop("mine", 'name = "店"\n[payment]\ngateways.paypay = "sandbox"', INSTALLATION)
    assert {
        method: gateway.name
        for method in ("card", "paypay", "konbini", "bank_transfer")
        if (gateway := shop.gateway_for(method))
    } == {"card": "sandbox", "paypay": "sandbox", "bank_transfer": "bank"}
