"""What each method is, in one table: A.2, A.13."""

import pytest

from pipelines.gateway import Capability
from pipelines.methods import METHODS, Asks, Capture, Receipt, Refund, agreed
from workers.payments import GATEWAYS


@pytest.mark.parametrize(
    ("name", "release_when", "asks", "capture", "refund", "receipt"),
    [
        ("card", "authorized", "authorize", "on_dispatch", "gateway", "shop"),  # PAY-06, DOC-02
        ("paypay", "authorized", "authorize", "on_dispatch", "gateway", "shop"),
        ("amazon_pay", "authorized", "authorize", "on_dispatch", "gateway", "shop"),
        ("konbini", "paid", "register", "by_notice", "by_hand", "store"),  # PAY-08
        ("bank_transfer", "paid", "register", "by_notice", "by_hand", "shop"),  # PAY-07
        ("loan", "approved", "register", "by_notice", "by_hand", "lender"),  # PAY-10
        ("cod", "at_once", "nothing", "on_delivery", "by_hand", "carrier"),  # PAY-09
        ("direct_debit", "at_once", "nothing", "on_bill", "on_bill", "bill"),  # PAY-12
        ("claims_offset", "at_once", "nothing", "on_bill", "on_bill", "bill"),  # PAY-12
        ("none", "at_once", "nothing", "never", "by_hand", "none"),  # PAY-13
    ],
)
def test_what_a_method_is(
    name: str, release_when: str, asks: Asks, capture: Capture, refund: Refund, receipt: Receipt
) -> None:
    method = METHODS[name]
    assert (
        method.secured_by.release_when,
        method.asks,
        method.capture,
        method.refund,
        method.receipt,
    ) == (release_when, asks, capture, refund, receipt)


def test_there_are_no_others() -> None:
    assert len(METHODS) == 10


def test_an_order_without_anything_to_pay_has_the_method_none() -> None:
    """PAY-13."""
    assert (agreed("konbini", 0).name, agreed("konbini", 1).name) == ("none", "konbini")


def test_a_transfer_goes_to_the_shops_account_where_no_gateway_opens_one() -> None:
    """B.6.7: a gateway is asked only where it can open an account for the order."""
    transfer = METHODS["bank_transfer"]
    assert (transfer.asked(GATEWAYS["bank"]), transfer.misses(GATEWAYS["bank"])) == (Asks.NOTHING, frozenset())


@pytest.mark.parametrize(
    ("method", "gateway", "missed"),
    [
        ("card", "sandbox", set()),
        ("card", "bank", {Capability.AUTHORIZES, Capability.CAPTURES, Capability.VOIDS, Capability.LOOKS_UP}),
        ("konbini", "sandbox", set()),
        ("cod", None, set()),
        ("konbini", None, {Capability.REGISTERS_SLIPS, Capability.READS_NOTICES}),
        ("bank_transfer", None, {Capability.READS_NOTICES}),
    ],
)
def test_what_a_gateway_lacks_for_a_method(method: str, gateway: str | None, missed: set[Capability]) -> None:
    assert METHODS[method].misses(GATEWAYS[gateway] if gateway else None) == missed
