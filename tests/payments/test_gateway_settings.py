"""Settings of gateways that were copied wrong are refused at the start, in one sentence that names the variable and never its value."""

from __future__ import annotations

from typing import Any

import pytest

from pipelines.errors import Misconfigured
from workers.payments import GATEWAYS
from workers.settings import read

GOOD = {
    "STRIPE_SECRET_KEY": "sk_test_1",
    "STRIPE_WEBHOOK_SECRETS": "whsec_1",
    "STRIPE_RETURN_URL": "https://shop.example/back",
    "KOMOJU_SECRET_KEY": "sk_test_1",
    "KOMOJU_WEBHOOK_SECRET": "secret-token",
    "PAYJP_SECRET_KEY": "sk_test_1",
    "PAYJP_WEBHOOK_TOKEN": "whook_1",
    "PAYPAY_API_KEY": "key",
    "PAYPAY_API_SECRET": "secret",
    "PAYPAY_MERCHANT_ID": "1",
    "SANDBOX_GATEWAY_URL": "http://127.0.0.1:9000",
    "SANDBOX_GATEWAY_KEY": "key",
}


def settings(gateway: str, **changed: str) -> Any:
    return read(GATEWAYS[gateway].settings, GOOD | changed)


@pytest.mark.parametrize("gateway", ["stripe", "komoju", "payjp", "paypay", "sandbox"])
def test_what_is_written_as_it_should_be_is_taken(gateway: str) -> None:
    assert settings(gateway)


@pytest.mark.parametrize(
    ("gateway", "name", "value"),
    [
        ("stripe", "STRIPE_SECRET_KEY", "sk_test_あ"),
        ("stripe", "STRIPE_SECRET_KEY", "sk_test_1\nsk_test_2"),
        ("komoju", "KOMOJU_SECRET_KEY", "sk_live_１"),
        ("payjp", "PAYJP_SECRET_KEY", "sk_live_1 2"),
        ("paypay", "PAYPAY_API_KEY", "key\u30001"),
        ("paypay", "PAYPAY_MERCHANT_ID", "店舗"),
        ("sandbox", "SANDBOX_GATEWAY_KEY", "鍵"),
    ],
)
def test_a_key_that_no_header_carries_is_refused_before_a_payment_needs_it(gateway: str, name: str, value: str) -> None:
    with pytest.raises(Misconfigured, match=f"^{name}: is wrong; ") as refused:
        settings(gateway, **{name: value})
    assert value not in str(refused.value)


@pytest.mark.parametrize(("gateway", "name"), [("stripe", "STRIPE_WEBHOOK_SECRETS"), ("payjp", "PAYJP_WEBHOOK_TOKEN")])
def test_commas_with_nothing_between_them_are_no_secret(gateway: str, name: str) -> None:
    """Else every notice would be refused as one of nobody."""
    with pytest.raises(Misconfigured, match=f"^{name}: is wrong; set it to "):
        settings(gateway, **{name: " , "})


@pytest.mark.parametrize("url", ["https://", "https://komoju.com:x/api", "https://ko moju.com", "http://[::1"])
@pytest.mark.parametrize(
    ("gateway", "name"),
    [("komoju", "KOMOJU_URL"), ("paypay", "PAYPAY_URL"), ("sandbox", "SANDBOX_GATEWAY_URL"), ("stripe", "STRIPE_URL")],
)
def test_an_address_that_nothing_can_be_sent_to_is_refused(gateway: str, name: str, url: str) -> None:
    with pytest.raises(Misconfigured, match=f"^{name}: is wrong; "):
        settings(gateway, **{name: url})
