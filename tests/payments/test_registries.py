"""Gateways are found by name; what is missing is one clear sentence at boot."""

from __future__ import annotations

import pytest

from pipelines.errors import Misconfigured
from workers import payments

GOOD = {"SANDBOX_GATEWAY_URL": "http://127.0.0.1:9000", "SANDBOX_GATEWAY_KEY": "k"}


def test_a_gateway_is_built_by_name() -> None:
    gateway = payments.build("sandbox", GOOD)
    assert gateway.name in payments.NAMES
    assert gateway.minimum_amount == 50  # PAY-13


@pytest.mark.parametrize(
    ("name", "settings", "where"),
    [
        ("gmo", GOOD, "payment.gateway"),
        ("../sandbox", GOOD, "payment.gateway"),
        ("sandbox", {}, "SANDBOX_GATEWAY_URL"),
        ("sandbox", {**GOOD, "SANDBOX_GATEWAY_URL": "localhost:9000"}, "SANDBOX_GATEWAY_URL"),
        ("sandbox", {**GOOD, "SANDBOX_GATEWAY_KEY": " "}, "SANDBOX_GATEWAY_KEY"),
    ],
)
def test_a_wrong_gateway_refuses_to_start_and_names_what_is_wrong(
    name: str, settings: dict[str, str], where: str
) -> None:
    with pytest.raises(Misconfigured) as refused:
        payments.build(name, settings)
    assert refused.value.where == where
