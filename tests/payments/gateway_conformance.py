"""What every gateway must do, whichever provider is behind it: one suite a capability.

A gateway's test module subclasses ``conformance_of(GATEWAY)``, all the suites of what that gateway can do, and gives the
fixture ``bench``: how to connect, and the test tokens with which the provider's test system behaves as each case needs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest

from models.states import PaymentState
from pipelines.gateway import Answer, BuyerStep, Capability, CodeClass, Gateway, Listed, Snapshot, key_of
from pipelines.ports import Verdict
from tests.payments.gateway_answers import AnswersConformance
from tests.payments.gateway_bench import (
    AMOUNT,
    PAYER,
    Bench,
    Signed,
    apart_from_when,
    authorize,
    authorized,
    captured,
    change,
    new_key,
    new_order,
    stands,
    sums,
)
from workers.http.signing import SignatureRefused


class AuthorizesConformance:
    def test_an_authorization_tells_its_amount_expiry_and_funding(self, bench: Bench) -> None:
        snapshot = stands(bench.run(lambda adapter: authorize(adapter, bench)))
        assert sums(snapshot) == (PaymentState.AUTHORIZED, AMOUNT, 0, 0)
        assert snapshot.reference
        assert snapshot.expires_at is not None
        assert snapshot.expires_at.tzinfo is not None
        assert snapshot.funding == ("credit" if bench.tells_funding else None)

    def test_debit_funding_is_reported_so_that_a_shop_can_refuse_it(self, bench: Bench) -> None:  # PAY-02
        told = stands(bench.run(lambda adapter: authorize(adapter, bench, token=bench.debit))).funding
        assert told == ("debit" if bench.tells_funding else None)

    def test_an_issuers_decline_is_final_and_carries_its_code(self, bench: Bench) -> None:  # PAY-04
        async def scenario(adapter: Any) -> dict[str, str | None]:
            codes: dict[str, str | None] = {}
            for token in bench.declined or {}:
                answer = await authorize(adapter, bench, token=token)
                assert answer.verdict is Verdict.DECLINED
                assert answer.code_class in (CodeClass.ISSUER_DECLINE, CodeClass.BUYER_INPUT)
                codes[token] = answer.code
            return codes

        assert bench.declined
        assert bench.run(scenario) == bench.declined

    def test_the_same_key_again_does_nothing_and_gets_the_same_answer(self, bench: Bench) -> None:
        async def scenario(adapter: Any) -> list[Answer]:
            key, order = new_key("auth"), new_order()
            asked = {"key": key, "order": order, "amount": AMOUNT, "token": bench.token()}
            return [await adapter.authorize(**asked, method=bench.pays_by) for _ in range(2)]

        first, second = bench.run(scenario)
        assert stands(first)
        assert apart_from_when(first) == apart_from_when(second)

    def test_the_same_key_at_the_same_time_makes_one_authorization(self, bench: Bench) -> None:
        async def scenario(adapter: Any) -> list[Answer]:
            asked = {"key": new_key("auth"), "order": new_order(), "amount": AMOUNT, "token": bench.token()}
            return list(await asyncio.gather(*(adapter.authorize(**asked, method=bench.pays_by) for _ in range(5))))

        answers = bench.run(scenario)
        assert len({stands(one).reference for one in answers if one.verdict is Verdict.OK}) == 1
        assert {one.verdict for one in answers} <= {Verdict.OK, Verdict.UNKNOWN}

    def test_the_same_key_for_another_amount_is_refused(self, bench: Bench) -> None:
        async def scenario(adapter: Any) -> list[Verdict]:
            asked = {"key": new_key("auth"), "order": new_order()}
            return [(await authorize(adapter, bench, amount=one, **asked)).verdict for one in (AMOUNT, AMOUNT + 1)]

        assert bench.run(scenario) == [Verdict.OK, bench.to_another_amount]

    def test_an_amount_below_the_gateways_least_is_refused(self, bench: Bench) -> None:  # PAY-13
        async def scenario(adapter: Any) -> list[Verdict]:
            least = bench.gateway.least
            return [(await authorize(adapter, bench, amount=amount)).verdict for amount in (least - 1, least)]

        assert bench.run(scenario) == [Verdict.DECLINED, Verdict.OK]

    def test_an_answer_that_fails_or_gets_lost_in_passing_ends_as_done_once(self, bench: Bench) -> None:
        async def scenario(adapter: Any) -> None:
            for token in bench.passing_faults:
                key = new_key("auth")
                answer = await authorize(adapter, bench, token=token, key=key)
                assert answer.verdict is Verdict.OK, token
                assert apart_from_when(await adapter.lookup(order="", key=key)) == apart_from_when(answer)

        bench.run(scenario)


class CapturesConformance:
    def test_a_capture_takes_what_it_asks_for_and_ends_the_authorization(self, bench: Bench) -> None:
        async def scenario(adapter: Any) -> tuple[Answer, Answer]:
            reference = await authorized(adapter, bench)
            part = await change(adapter, "capture", reference, 10_000)
            return part, await change(adapter, "capture", reference, 3_970)

        part, again = bench.run(scenario)
        assert sums(stands(part)) == (PaymentState.CAPTURED, AMOUNT, 10_000, 0)
        assert bench.gateway.captures.partial
        assert again.verdict is (Verdict.OK if bench.gateway.captures.several else Verdict.DECLINED)

    def test_the_same_capture_again_takes_nothing_more(self, bench: Bench) -> None:
        async def scenario(adapter: Any) -> list[Snapshot]:
            reference, key = await authorized(adapter, bench), new_key("capture")
            return [stands(await change(adapter, "capture", reference, AMOUNT, key)) for _ in range(2)]

        first, second = bench.run(scenario)
        assert sums(first) == sums(second) == (PaymentState.CAPTURED, AMOUNT, AMOUNT, 0)

    def test_no_more_can_be_captured_than_was_authorized(self, bench: Bench) -> None:
        async def scenario(adapter: Any) -> Answer:
            return await change(adapter, "capture", await authorized(adapter, bench), AMOUNT + 1)

        assert bench.run(scenario).verdict is Verdict.DECLINED

    def test_an_unknown_payment_is_refused(self, bench: Bench) -> None:
        answer = bench.run(lambda adapter: change(adapter, "capture", "auth_of/another?", AMOUNT))
        assert answer.verdict is Verdict.DECLINED


class VoidsConformance:
    def test_a_void_releases_what_was_not_captured(self, bench: Bench) -> None:
        async def scenario(adapter: Any) -> tuple[Answer, Answer]:
            reference = await authorized(adapter, bench)
            voided = await change(adapter, "void", reference)
            return voided, await change(adapter, "capture", reference, AMOUNT)

        voided, late = bench.run(scenario)
        assert sums(stands(voided)) == (PaymentState.VOIDED, AMOUNT, 0, 0)
        assert late.verdict is Verdict.DECLINED

    def test_a_capture_cannot_be_voided(self, bench: Bench) -> None:
        async def scenario(adapter: Any) -> Answer:
            return await change(adapter, "void", await captured(adapter, bench))

        assert bench.run(scenario).verdict is Verdict.DECLINED


class RefundsConformance:
    def test_refunds_add_up_to_the_capture_at_most(self, bench: Bench) -> None:
        async def scenario(adapter: Any) -> list[tuple[Verdict, PaymentState | None, int]]:
            reference = await captured(adapter, bench)
            answers = [await change(adapter, "refund", reference, amount) for amount in (10_000, 3_971, 3_970, 1)]
            return [
                (one.verdict, *((one.snapshot.state, one.snapshot.refunded) if one.snapshot else (None, 0)))
                for one in answers
            ]

        once = not bench.gateway.refunds.several
        assert bench.run(scenario) == [
            (Verdict.OK, PaymentState.PARTLY_REFUNDED, 10_000),
            (Verdict.DECLINED, None, 0),
            (Verdict.DECLINED, None, 0) if once else (Verdict.OK, PaymentState.REFUNDED, AMOUNT),
            (Verdict.DECLINED, None, 0),
        ]

    def test_two_refunds_of_the_same_amount_are_two(self, bench: Bench) -> None:
        async def scenario(adapter: Any) -> list[Answer]:
            reference = await captured(adapter, bench)
            return [await change(adapter, "refund", reference, 1_000) for _ in range(2)]

        first, second = bench.run(scenario)
        assert stands(first).refunded == 1_000
        if bench.gateway.refunds.several:
            assert stands(second).refunded == 2_000
        else:
            assert second.verdict is Verdict.DECLINED

    def test_nothing_can_be_refunded_before_a_capture(self, bench: Bench) -> None:
        async def scenario(adapter: Any) -> Answer:
            return await change(adapter, "refund", await authorized(adapter, bench), 1)

        assert bench.run(scenario).verdict is Verdict.DECLINED


class LooksUpConformance:
    def test_a_key_never_used_finds_nothing(self, bench: Bench) -> None:
        assert bench.run(lambda adapter: adapter.lookup(order=new_order(), key=new_key("auth"))) is None

    def test_an_order_never_seen_finds_nothing(self, bench: Bench) -> None:
        by_order = bench.run(lambda adapter: adapter.lookup(order=new_order()))
        if "order" in bench.finds_by:
            assert by_order is None
        else:
            assert by_order.verdict is Verdict.UNKNOWN
        assert bench.run(lambda adapter: adapter.lookup(order=new_order(), reference="auth_none")) is None

    def test_it_tells_what_became_of_a_key_and_how_the_payment_stands(self, bench: Bench) -> None:
        async def scenario(adapter: Any) -> None:
            order = new_order()
            key = key_of(order, "authorize" if Capability.AUTHORIZES in bench.gateway.capabilities else "register")
            made = await begin(adapter, bench, key, order)
            by_key = await adapter.lookup(order=order, key=key)
            if "key" not in bench.finds_by:
                assert by_key is None
                by_key = await begin(adapter, bench, key, order)
            assert apart_from_when(by_key) == apart_from_when(made)
            ways: list[dict[str, str]] = [{"reference": stands(made).reference}]
            for named in [*ways, {}] if "order" in bench.finds_by else ways:
                found = stands(await adapter.lookup(order=order, **named))
                assert (sums(found), found.reference) == (sums(stands(made)), stands(made).reference)
                assert found.as_of >= stands(made).as_of

        bench.run(scenario)


async def begin(adapter: Any, bench: Bench, key: str, order: str) -> Answer:
    """What this gateway is asked when an order comes in."""
    if Capability.AUTHORIZES in bench.gateway.capabilities:
        held: Answer = await adapter.authorize(
            key=key, order=order, amount=AMOUNT, token=bench.token(), method=bench.pays_by
        )
        return held
    return await register(adapter, bench, key, order)


async def register(adapter: Any, bench: Bench, key: str, order: str) -> Answer:
    """Register a slip."""
    slip: Answer = await adapter.register(
        key=key, order=order, method=bench.slip_method, amount=AMOUNT, payer=PAYER, until=bench.until
    )
    return slip


class RegistersSlipsConformance:
    def test_a_slip_tells_the_customer_what_to_do_and_takes_nothing(self, bench: Bench) -> None:
        snapshot = stands(bench.run(lambda adapter: register(adapter, bench, new_key("slip"), new_order())))
        assert sums(snapshot) == (PaymentState.PENDING, AMOUNT, 0, 0)
        assert snapshot.buyer is not None
        assert snapshot.buyer.step in BuyerStep
        assert snapshot.buyer.number or snapshot.buyer.url or snapshot.buyer.account
        assert snapshot.buyer.until is not None

    def test_the_same_key_again_is_the_same_slip(self, bench: Bench) -> None:
        async def scenario(adapter: Any) -> list[Answer]:
            key, order = new_key("slip"), new_order()
            return [await register(adapter, bench, key, order) for _ in range(2)]

        first, second = bench.run(scenario)
        assert apart_from_when(first) == apart_from_when(second)


class ListsConformance:
    def test_its_list_has_every_payment_as_it_stands_and_of_which_order(self, bench: Bench) -> None:
        async def scenario(adapter: Any) -> tuple[dict[str, Snapshot], dict[str, Listed]]:
            begun = {}
            for _ in range(3):
                order = new_order()
                begun[order] = stands(await begin(adapter, bench, new_key("pay"), order))
            now = datetime.now(UTC)
            since, until = now - timedelta(hours=1), now + timedelta(hours=1)
            listed = [one async for one in adapter.payments(since=since, until=until)]
            return begun, {"/".join(one.order): one for one in listed if one.order}

        begun, listed = bench.run(scenario)
        for order, snapshot in begun.items():
            assert (listed[order].snapshot.reference, sums(listed[order].snapshot)) == (
                snapshot.reference,
                sums(snapshot),
            )

    def test_it_lists_nothing_that_was_begun_at_another_time(self, bench: Bench) -> None:
        async def scenario(adapter: Any) -> list[Listed]:
            await begin(adapter, bench, new_key("pay"), new_order())
            long_ago = datetime(2020, 1, 1, tzinfo=UTC)
            return [one async for one in adapter.payments(since=long_ago, until=long_ago + timedelta(days=1))]

        assert bench.run(scenario) == []


class RenewsConformance:
    def test_a_renewal_holds_the_amount_at_least_as_long_and_can_be_captured_once(self, bench: Bench) -> None:
        async def scenario(adapter: Any) -> tuple[Snapshot, list[Answer], Answer]:
            key, order = new_key("renew"), new_order()
            old = stands(await begin(adapter, bench, new_key("pay"), order))
            asked = {"key": key, "order": order, "reference": old.reference, "amount": AMOUNT}
            renewed = [await adapter.renew(**asked) for _ in range(2)]
            return old, renewed, await change(adapter, "capture", stands(renewed[-1]).reference, AMOUNT)

        old, (first, again), taken = bench.run(scenario)
        assert sums(stands(first)) == sums(stands(again)) == (PaymentState.AUTHORIZED, AMOUNT, 0, 0)
        assert stands(first).reference == stands(again).reference
        ends = stands(again).expires_at
        assert ends is not None
        assert old.expires_at is not None
        assert ends >= old.expires_at
        assert sums(stands(taken)) == (PaymentState.CAPTURED, AMOUNT, AMOUNT, 0)


class ReadsNoticesConformance:
    def read(self, bench: Bench, notice: Signed, **changed: Any) -> Sequence[Any]:
        assert bench.gateway.read_notices is not None
        given: dict[str, Any] = {
            "headers": notice.headers,
            "body": notice.body,
            "secrets": [notice.secret],
            "now": datetime.now(UTC),
        }
        given |= changed
        return bench.gateway.read_notices(given["headers"], given["body"], given["secrets"], given["now"])

    def test_a_notice_names_its_order_and_has_an_id_of_its_own(self, bench: Bench) -> None:
        assert bench.notice
        notice = bench.notice()
        (first,), (again,) = self.read(bench, notice), self.read(bench, notice)
        assert first.fault is None
        assert first.order == (tuple(notice.order.split("/")) if bench.tells_order else None)
        assert bench.tells_order or first.reference == notice.reference != ""
        assert first.id == again.id != ""

    def test_either_secret_is_taken_during_a_rotation(self, bench: Bench) -> None:
        assert bench.notice
        notice = bench.notice()
        other = bench.notice().secret[:-8] + "AAAAAAA="
        assert self.read(bench, notice, secrets=[other, notice.secret])

    def test_what_is_not_proven_is_refused(self, bench: Bench) -> None:
        assert bench.notice
        notice = bench.notice()
        if not bench.signs:
            assert [one.snapshot for one in self.read(bench, notice)] == [None], "it is only a reason to look"
            return
        assert notice.secret
        wrongs: list[dict[str, Any]] = [
            dict(bench.forged(notice)),
            {"secrets": []},
        ]
        if bench.is_proven_by_headers:
            wrongs.append({"headers": {}})
        if bench.tells_age:
            wrongs += [{"now": datetime.now(UTC) + timedelta(hours=hours)} for hours in (1, -1)]
        for wrong in wrongs:
            with pytest.raises(SignatureRefused):
                self.read(bench, notice, **wrong)


async def reported(adapter: Any, reference: str, number: str = "444413750002", key: str = "") -> Answer:
    """Tell of a parcel."""
    told: Answer = await adapter.report(
        key=key or new_key("report"),
        order="salon/S-1",
        reference=reference,
        carrier="yamato",
        tracking_number=number,
        shipped_at=datetime.now(UTC),
    )
    return told


async def deferred(adapter: Any) -> str:
    """The reference of a payment that is paid after delivery."""
    asked = {"key": new_key("auth"), "order": new_order(), "amount": AMOUNT, "token": "", "method": "deferred"}
    held = stands(await adapter.authorize(**asked))
    assert sums(held) == (PaymentState.AUTHORIZED, AMOUNT, 0, 0)
    return held.reference


class ReportsShipmentsConformance:
    def test_the_shop_is_paid_once_the_shipment_is_known_and_a_correction_pays_nothing_more(self, bench: Bench) -> None:
        async def scenario(adapter: Any) -> list[Answer]:
            reference = await deferred(adapter)
            return [await reported(adapter, reference, number) for number in ("444413750002", "444413750013")]

        for answer in bench.run(scenario):
            assert sums(stands(answer)) == (PaymentState.CAPTURED, AMOUNT, AMOUNT, 0)

    def test_a_payment_that_was_let_go_is_not_paid(self, bench: Bench) -> None:
        async def scenario(adapter: Any) -> Answer:
            reference = await deferred(adapter)
            stands(await change(adapter, "void", reference))
            return await reported(adapter, reference)

        assert bench.run(scenario).verdict is Verdict.DECLINED

    def test_what_is_not_paid_after_delivery_is_not_paid_by_a_report(self, bench: Bench) -> None:
        async def scenario(adapter: Any) -> Answer:
            return await reported(adapter, await authorized(adapter, bench))

        assert bench.run(scenario).verdict is Verdict.DECLINED

    def test_the_shop_itself_takes_nothing(self, bench: Bench) -> None:
        async def scenario(adapter: Any) -> Answer:
            return await change(adapter, "capture", await deferred(adapter), AMOUNT)

        assert bench.run(scenario).verdict is Verdict.DECLINED


_SUITES: Final[Mapping[Capability, type]] = {
    Capability.AUTHORIZES: AuthorizesConformance,
    Capability.REGISTERS_SLIPS: RegistersSlipsConformance,
    Capability.CAPTURES: CapturesConformance,
    Capability.VOIDS: VoidsConformance,
    Capability.REFUNDS: RefundsConformance,
    Capability.LOOKS_UP: LooksUpConformance,
    Capability.RENEWS: RenewsConformance,
    Capability.LISTS: ListsConformance,
    Capability.READS_NOTICES: ReadsNoticesConformance,
    Capability.REPORTS_SHIPMENTS: ReportsShipmentsConformance,
}


def conformance_of(gateway: Gateway[Any], *, is_asked_over_http: bool = True) -> type:
    """The suites of everything that ``gateway`` can do, as one class to subclass; those of odd answers for one whose adapter asks over
    HTTP."""
    suites = [_SUITES[one] for one in sorted(gateway.capabilities)]
    if is_asked_over_http and {Capability.CAPTURES, Capability.LOOKS_UP} <= gateway.capabilities:
        suites.append(AnswersConformance)
    return type("Conformance", tuple(suites), {})
