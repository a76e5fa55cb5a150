"""Authorize, of an order that is looked at late: nobody worked meanwhile, and days to pay went by."""

from __future__ import annotations

from typing import Any

import pytest

from pipelines.engine.facts import Facts
from pipelines.gateway import BuyerMust, BuyerStep
from pipelines.stages.authorize import STAGE
from tests.rules.build import an_order, at
from tests.stages.build import but, decide, effect, facts, mails, payment, stands


def by_slip(**changes: Any) -> Facts:
    """A konbini order placed on 2026-11-20: payable until 11-23, and waited for six hours more."""
    known = facts(an_order("reuse", method="konbini"), **changes)
    return but(known, payment=payment("pending", known.grand_total, method="konbini", gateway="sandbox"))


@pytest.mark.parametrize(("now", "reminded"), [("2026-11-23 23:59:59", True), ("2026-11-24 00:00:00", False)])
def test_nobody_is_reminded_to_pay_by_a_day_that_has_passed(now: str, reminded: bool) -> None:
    """PAY-08: in the hours for late notices there is nothing to pay any more; the cancel is waited for."""
    told = stands("pending", 0, buyer=BuyerMust(BuyerStep.PAY_AT_STORE, confirmation="12345678901"))
    slip = effect("payment.register", "reuse/N-1:register", "done", told)
    decision = decide(STAGE, by_slip(state="awaiting_payment", effects={slip.key: slip}), now=at(now))
    assert mails(decision) == (["payment_reminder"] if reminded else [])
    assert [(one.what, one.due_at, one.then) for one in decision.work] == [
        ("customer.money", at("2026-11-24 06:00:00"), "cancel")
    ]
