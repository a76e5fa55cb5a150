"""The gateway's books: built again from the operations they are the same, and money is never made up."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.errors import Invalid, NotFound
from workers.sandbox.payment_ledger import LIFETIME, Operation, PaymentLedger

NOW = datetime.fromisoformat("2026-11-20T10:00:00+09:00")
ORDER: dict[str, Any] = {"order": "salon/S-1", "amount": 13_970, "token": "tok_ok"}


def do(ledger: PaymentLedger, operation: str, subject: str, key: str, now: datetime = NOW, **asked: Any) -> Operation:
    return ledger.perform(operation, subject, asked, key=key, fingerprint=key, now=now)


@given(
    steps=st.lists(
        st.tuples(st.sampled_from(["capture", "void", "refund"]), st.integers(1, 20_000)), min_size=1, max_size=12
    )
)
def test_whatever_is_asked_refunds_stay_within_the_capture_and_the_capture_within_the_authorization(
    steps: list[tuple[str, int]],
) -> None:
    ledger = PaymentLedger()
    subject = do(ledger, "authorize", "", "a", **ORDER).answer["id"]
    taken = {"capture": 0, "refund": 0, "void": 0}
    for n, (operation, amount) in enumerate(steps):
        asked: dict[str, Any] = {} if operation == "void" else {"amount": amount}
        done = do(ledger, operation, subject, f"k{n}", **asked)
        if done.status == 200:
            taken[operation] += amount
    assert taken["refund"] <= taken["capture"] <= ORDER["amount"]
    assert not (taken["capture"] and taken["void"])

    again = PaymentLedger()
    for done in ledger.operations.values():
        again.remember(Operation.of_record(done.record()))
    assert do(again, "refund", subject, "z", amount=5_000) == do(ledger, "refund", subject, "z", amount=5_000)


def test_an_authorization_lives_thirty_days_and_cannot_be_captured_after() -> None:  # formats.md B.6.2
    ledger = PaymentLedger()
    made = do(ledger, "authorize", "", "a", **ORDER).answer
    assert datetime.fromisoformat(made["expires_at"]) == NOW + LIFETIME
    late = do(ledger, "capture", made["id"], "c", NOW + LIFETIME, amount=13_970)
    assert (late.status, late.answer["error"]["info"]) == (402, "E11010003")
    in_time = do(ledger, "capture", made["id"], "d", NOW + LIFETIME - timedelta(seconds=1), amount=13_970)
    assert in_time.status == 200


def test_one_capture_releases_the_rest() -> None:
    ledger = PaymentLedger()
    subject = do(ledger, "authorize", "", "a", **ORDER).answer["id"]
    assert do(ledger, "capture", subject, "c", amount=10_000).answer["released"] == 3_970


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({**ORDER, "amount": 49}, "amount"),
        ({**ORDER, "amount": 10_000_000}, "amount"),
        ({**ORDER, "amount": "13970"}, "amount"),
        ({**ORDER, "amount": True}, "amount"),
        ({**ORDER, "token": "tok_of_another_gateway"}, "token"),
        ({**ORDER, "order": ""}, "order"),
        ({**ORDER, "currency": "JPY"}, "currency"),
    ],
)
def test_what_is_no_operation_is_refused_by_field_and_its_key_stays_free(asked: dict[str, Any], field: str) -> None:
    ledger = PaymentLedger()
    with pytest.raises(Invalid) as refused:
        do(ledger, "authorize", "", "a", **asked)
    assert [problem.field for problem in refused.value.problems] == [field]
    assert do(ledger, "authorize", "", "a", **ORDER).status == 201


def test_an_authorization_that_does_not_exist_is_not_found() -> None:
    with pytest.raises(NotFound):
        do(PaymentLedger(), "void", "auth_none", "v")
