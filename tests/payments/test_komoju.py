"""KOMOJU: its adapter on a fake of it (gateways.md 3). Assumptions of the fake stand in its docstring."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from models.states import PaymentState
from pipelines.errors import Misconfigured, Unreachable
from pipelines.gateway import Answer, BuyerStep, CodeClass, Listed, Notice
from pipelines.ports import Verdict
from tests.payments.gateway_bench import AMOUNT, PAYER, Bench, Signed, change, new_key, new_order, stands, sums
from tests.payments.gateway_conformance import conformance_of
from tests.payments.gateway_matrix import matrix_of
from tests.payments.providers import Fake, served
from workers.payments.komoju import GATEWAY, KomojuGateway, Settings
from workers.payments.komoju_notices import read_notices
from workers.sandbox.gateways.komoju import SECRET_KEY, TOKENS, WEBHOOK_SECRET, Komoju
from workers.sandbox.gateways.ledger import Kind
from workers.settings import read

_P = PaymentState
UNTIL = datetime(2026, 11, 28, tzinfo=UTC)
NOW = datetime(2026, 11, 25, 1, 2, 3, tzinfo=UTC)


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[Fake]:
    with served(Komoju(), tmp_path / "journal", faults={"slow": 0.3}) as one:
        yield one
    assert komoju(one).misused == [], "a key was used again for something else"


def komoju(fake: Fake) -> Komoju:
    assert isinstance(fake.provider, Komoju)
    return fake.provider


def connect(url: str, **more: object) -> KomojuGateway:
    given = {"komoju_secret_key": SECRET_KEY, "komoju_webhook_secret": WEBHOOK_SECRET, "komoju_url": f"{url}/api/v1"}
    return KomojuGateway(Settings.model_validate({**given, "komoju_timeout": 0.4, **more}))


@pytest.fixture
def bench(fake: Fake) -> Bench:
    return Bench(
        gateway=GATEWAY,
        connect=lambda: connect(fake.url),
        accepted="tok_test_ok",
        declined={
            "tok_test_insufficient_funds": "insufficient_funds",
            "tok_test_card_declined": "card_declined",
            "tok_test_card_expired": "card_expired",
            "tok_test_fraudulent": "fraudulent",
            "tok_test_other_error": "other_error",
        },
        debit="tok_test_ok",
        notice=lambda: notice(fake),
        fake=fake,
        slips=lambda order: sum(one["external_order_num"] == order for one in komoju(fake).payments.values()),
        tells_funding=False,
        tells_age=False,
    )


def notice(fake: Fake) -> Signed:
    """The first notice of a slip that was paid."""
    order = new_order()
    Bench(gateway=GATEWAY, connect=lambda: connect(fake.url)).run(
        lambda one: one.register(
            key=new_key("slip"), order=order, method="konbini", amount=1_000, payer=PAYER, until=None
        )
    )
    headers, body = fake.notices(0)[-1]
    return Signed(order, headers, body, WEBHOOK_SECRET)


class TestKomoju(conformance_of(GATEWAY)):  # type: ignore[misc]
    """Everything it declares to be able to do."""

    def test_the_same_key_for_another_amount_is_refused(self, bench: Bench, fake: Fake) -> None:
        super().test_the_same_key_for_another_amount_is_refused(bench)
        assert len(komoju(fake).misused) == 1, "the suite did it, and the fake saw it"
        komoju(fake).misused.clear()


class TestKomojuFails(matrix_of(GATEWAY)):  # type: ignore[misc]
    """Whatever fails, it happens once."""


# Slips, pages and the buyer's acts


async def slip(adapter: KomojuGateway, order: str, method: str = "konbini") -> Answer:
    return await adapter.register(
        key=f"{order}:register", order=order, method=method, amount=5_500, payer=PAYER, until=UNTIL
    )


@pytest.mark.parametrize(
    ("choice", "store"), [("", "seven-eleven"), ("lawson", "lawson"), ("corner-shop", "seven-eleven")]
)
def test_a_slip_is_of_the_chain_that_the_customer_chose(bench: Bench, fake: Fake, choice: str, store: str) -> None:
    """PAY-08: what KOMOJU does not know is the shop's setting."""
    order = new_order()
    asked = {"key": f"{order}:register", "order": order, "method": "konbini", "amount": 5_500, "payer": PAYER}
    stands(bench.run(lambda one: one.register(**asked, until=UNTIL, choice=choice)))
    (made,) = [one for one in komoju(fake).payments.values() if one["external_order_num"] == order]
    assert made["payment_details"]["store"] == store


async def wallet(adapter: KomojuGateway, order: str) -> Answer:
    return await adapter.authorize(key=f"{order}:authorize", order=order, amount=5_500, token="", method="paypay")


def told(fake: Fake) -> list[Notice]:
    """Every notice so far, read."""
    return [one for headers, body in fake.notices(0) for one in read_notices(headers, body, [WEBHOOK_SECRET], NOW)]


def states(fake: Fake, order: str) -> list[PaymentState]:
    return [one.snapshot.state for one in told(fake) if one.snapshot and one.order == tuple(order.split("/"))]


def test_cash_at_a_till_is_captured_without_the_fee(fake: Fake, bench: Bench) -> None:  # PAY-08
    order = new_order()
    first = stands(bench.run(lambda adapter: slip(adapter, order)))
    assert first.buyer is not None
    assert (first.state, first.buyer.step) == (_P.PENDING, BuyerStep.PAY_AT_STORE)
    assert fake.buyer("pay", order=order)["total"] == 5_690
    assert states(fake, order) == [_P.PENDING, _P.CAPTURED]
    found = stands(bench.run(lambda adapter: adapter.lookup(order=order, reference=first.reference)))
    assert sums(found) == (_P.CAPTURED, 5_500, 5_500, 0)


def test_the_store_and_the_days_are_the_shops(fake: Fake) -> None:
    bench = Bench(
        gateway=GATEWAY, connect=lambda: connect(fake.url, komoju_konbini_store="lawson", komoju_konbini_days=7)
    )
    begun = stands(bench.run(lambda adapter: slip(adapter, new_order())))
    assert begun.buyer is not None
    assert begun.buyer.until == begun.as_of + timedelta(days=7)
    (payment,) = komoju(fake).payments.values()
    assert payment["payment_details"]["store"] == "lawson"


def test_a_slip_that_nobody_pays_expires(fake: Fake, bench: Bench) -> None:
    order = new_order()
    begun = stands(bench.run(lambda adapter: slip(adapter, order)))
    assert begun.buyer is not None
    assert begun.buyer.until is not None
    fake.clock(begun.buyer.until)
    assert stands(bench.run(lambda adapter: adapter.lookup(order=order))).state is _P.EXPIRED
    assert states(fake, order)[-1] is _P.EXPIRED


def test_cash_that_comes_after_a_cancel_is_never_ignored(fake: Fake, bench: Bench) -> None:  # PAY-08
    async def scenario(adapter: KomojuGateway) -> Answer:
        begun = stands(await slip(adapter, order))
        return await adapter.void(key=new_key("void"), order=order, reference=begun.reference)

    order = new_order()
    voided = stands(bench.run(scenario))
    assert voided.state is _P.VOIDED
    fake.buyer("pay", order=order, late=True)
    late = stands(bench.run(lambda adapter: adapter.lookup(order=order)))
    assert sums(late) == (_P.CAPTURED, 5_500, 5_500, 0)
    assert late.as_of > voided.as_of, "the books must hear it as news"


def test_cash_goes_back_by_hand_and_never_as_if_it_had_gone(fake: Fake, bench: Bench) -> None:
    order = new_order()
    begun = stands(bench.run(lambda adapter: slip(adapter, order)))
    fake.buyer("pay", order=order)
    answer = bench.run(lambda adapter: change(adapter, "refund", begun.reference, 5_500))
    assert (answer.verdict, answer.code) == (Verdict.DECLINED, "manual_transfer")
    assert fake.moves(order, Kind.GIVE_BACK) == []


def test_a_transfer_gets_an_account_of_its_own_on_the_page(fake: Fake, bench: Bench) -> None:  # PAY-07
    order = new_order()
    begun = stands(bench.run(lambda adapter: slip(adapter, order, "bank_transfer")))
    assert begun.buyer is not None
    assert (begun.state, begun.buyer.step) == (_P.PENDING, BuyerStep.VISIT)
    assert begun.reference.startswith("sessions/")
    fake.buyer("choose", order=order)
    chosen = stands(bench.run(lambda adapter: adapter.lookup(order=order, reference=begun.reference)))
    assert chosen.buyer is not None
    assert chosen.buyer.account is not None
    assert (chosen.state, chosen.buyer.step, chosen.buyer.account["number"]) == (_P.PENDING, "transfer", "1234567")
    fake.buyer("pay", order=order)
    assert states(fake, order) == [_P.PENDING, _P.CAPTURED]


def test_a_page_that_nobody_opens_is_the_same_page_again_and_ends(fake: Fake, bench: Bench) -> None:
    order = new_order()
    first, again = (stands(bench.run(lambda adapter: wallet(adapter, order))) for _ in range(2))
    assert (first.reference, first.state) == (again.reference, _P.PENDING)
    fake.clock(datetime.now(UTC) + timedelta(hours=25))
    ended = bench.run(lambda adapter: adapter.lookup(order=order, reference=first.reference))
    assert stands(ended).state is _P.EXPIRED


def test_a_wallet_that_said_no_may_say_yes_on_the_same_page(fake: Fake, bench: Bench) -> None:
    """``failed`` is not final: the attempt ends with its page."""
    order = new_order()
    begun = stands(bench.run(lambda adapter: wallet(adapter, order)))
    fake.buyer("refuse", order=order)
    for named in ({"reference": begun.reference}, {}):
        refused = stands(bench.run(lambda adapter, named=named: adapter.lookup(order=order, **named)))
        assert refused.state is _P.PENDING
    fake.buyer("choose", order=order)
    assert states(fake, order) == [_P.PENDING, _P.AUTHORIZED]
    held = stands(bench.run(lambda adapter: adapter.lookup(order=order, reference=begun.reference)))
    assert (held.state, held.authorized) == (_P.AUTHORIZED, 5_500)
    taken = bench.run(lambda adapter: change(adapter, "capture", begun.reference, 5_000))
    assert sums(stands(taken)) == (_P.CAPTURED, 5_500, 5_000, 0), "captured by the page's reference too"


@pytest.mark.parametrize("act", [None, "refuse", "choose"])
def test_a_page_can_be_called_off_whatever_was_done_on_it(fake: Fake, bench: Bench, act: str | None) -> None:
    order = new_order()
    begun = stands(bench.run(lambda adapter: wallet(adapter, order)))
    if act is not None:
        fake.buyer(act, order=order)
    fake.strike("void", "after", "cut")
    assert stands(bench.run(lambda adapter: change(adapter, "void", begun.reference))).state is _P.VOIDED


@pytest.mark.parametrize(
    ("secure", "verdict", "code"),
    [
        ("passed", Verdict.OK, None),
        ("refused", Verdict.DECLINED, "invalid_token"),
        ("never", Verdict.DECLINED, "invalid_token"),
    ],
)
def test_three_d_secure_is_done_before_the_token_comes(
    fake: Fake, bench: Bench, secure: str, verdict: Verdict, code: str | None
) -> None:
    token = fake.buyer("tokenize", secure=secure)["id"]

    async def scenario(adapter: KomojuGateway) -> list[Answer]:
        return [
            await adapter.authorize(key=new_key("auth"), order=new_order(), amount=5_500, token=token, method="card")
            for _ in range(2)
        ]

    first, second = bench.run(scenario)
    assert (first.verdict, first.code) == (verdict, code)
    assert (second.verdict, second.code) == (Verdict.DECLINED, "invalid_token"), "a token works once"


def test_a_hold_that_nobody_captures_ends_where_it_said(fake: Fake, bench: Bench) -> None:
    order = new_order()

    async def scenario(adapter: KomojuGateway) -> Answer:
        return await adapter.authorize(
            key=new_key("auth"), order=order, amount=5_500, token="tok_test_ok", method="card"
        )

    held = stands(bench.run(scenario))
    assert held.expires_at is not None
    fake.clock(held.expires_at)
    assert stands(bench.run(lambda adapter: adapter.lookup(order=order))).state is _P.EXPIRED
    late = bench.run(lambda adapter: change(adapter, "capture", held.reference, 5_500))
    assert (late.verdict, late.code_class) == (Verdict.DECLINED, CodeClass.STATE)


# Keys, and what happens after they are forgotten


def test_a_key_older_than_a_day_takes_nothing_twice(fake: Fake, bench: Bench) -> None:
    """KOMOJU keeps a key for 24 hours: after that what was done is seen by the payment itself."""
    order = new_order()

    async def begin(adapter: KomojuGateway) -> Answer:
        return await adapter.authorize(
            key=f"{order}:authorize", order=order, amount=AMOUNT, token="tok_test_ok", method="card"
        )

    async def take(adapter: KomojuGateway) -> Answer:
        return await adapter.capture(key=f"{order}:capture", order=order, reference=reference, amount=5_500)

    async def give(adapter: KomojuGateway) -> Answer:
        return await adapter.refund(key=f"{order}:refund:1", order=order, reference=reference, amount=1_000)

    reference = stands(bench.run(begin)).reference
    first = bench.run(take), bench.run(give)
    fake.clock(datetime.now(UTC) + timedelta(hours=25))
    assert bench.run(lambda adapter: adapter.lookup(order=order, key=f"{order}:authorize")) == first[1]
    assert bench.run(take) == first[1], "it is captured, and stands as the refund left it"
    known = bench.run(lambda adapter: adapter.lookup(order=order, key=f"{order}:refund:1", reference=reference))
    assert known == first[1], "the effect loop looks before it asks again"
    assert [len(fake.moves(order, kind)) for kind in (Kind.HOLD, Kind.TAKE, Kind.GIVE_BACK)] == [1, 1, 1]


def test_a_capture_is_not_taken_for_done_because_its_payment_is_known(fake: Fake, bench: Bench) -> None:
    order = new_order()
    bench.run(lambda adapter: wallet(adapter, order))
    fake.buyer("choose", order=order)
    reference = stands(bench.run(lambda adapter: adapter.lookup(order=order))).reference
    asked = {"order": order, "key": f"{order}:capture", "reference": reference}
    assert bench.run(lambda adapter: adapter.lookup(**asked)) is None


def test_the_name_of_the_keys_header_and_its_letters_are_komojus(fake: Fake, bench: Bench) -> None:
    """``Idempotency-Key`` would be passed over in silence, and two refunds under one id would be one."""
    order = new_order()
    bench.run(lambda adapter: slip(adapter, order))
    sent = fake.requests[-1]
    assert sent.headers["x-komoju-idempotency"].isascii()
    assert len(sent.headers["x-komoju-idempotency"]) <= 100
    assert "idempotency-key" not in sent.headers


def test_a_key_that_another_account_holds_is_said_to_be_wrong(fake: Fake) -> None:
    stranger = Bench(gateway=GATEWAY, connect=lambda: connect(fake.url, komoju_secret_key="sk_test_another"))
    answer = stranger.run(lambda adapter: slip(adapter, new_order()))
    assert (answer.verdict, answer.code, answer.code_class) == (Verdict.RETRY, "auth", CodeClass.CONFIGURATION)


def test_another_sum_than_was_asked_for_goes_before_a_human(fake: Fake, bench: Bench) -> None:
    order = new_order()
    begun = stands(bench.run(lambda adapter: slip(adapter, order)))
    komoju(fake).payments[begun.reference]["total"] = 9_999
    assert stands(bench.run(lambda adapter: slip(adapter, order))).state is _P.PENDING, "a repetition says the same"
    # Whoever hears no answer finds the payment by the order's number.
    fake.strike("register", "before", "500", times=3)
    assert stands(bench.run(lambda adapter: slip(adapter, order))).state is _P.NEEDS_REVIEW


# Notices


def test_notices_in_any_order_and_twice_say_how_the_payment_stands(fake: Fake, bench: Bench) -> None:
    order = new_order()

    async def scenario(adapter: KomojuGateway) -> None:
        held = await adapter.authorize(
            key=new_key("auth"), order=order, amount=AMOUNT, token="tok_test_ok", method="card"
        )
        reference = stands(held).reference
        stands(await change(adapter, "capture", reference, 10_000))
        stands(await change(adapter, "refund", reference, 1_000))
        stands(await change(adapter, "refund", reference, 9_000))

    bench.run(scenario)
    snapshots = [one.snapshot for one in told(fake) if one.snapshot]
    assert [sums(one) for one in snapshots] == [
        (_P.AUTHORIZED, AMOUNT, 0, 0),
        (_P.CAPTURED, AMOUNT, 10_000, 0),
        (_P.PARTLY_REFUNDED, AMOUNT, 10_000, 1_000),
        (_P.REFUNDED, AMOUNT, 10_000, 10_000),
        (_P.REFUNDED, AMOUNT, 10_000, 10_000),
    ]
    assert snapshots == sorted(snapshots, key=lambda one: one.as_of), "age tells which of two is the newer"
    assert len({one.id for one in told(fake)}) == 5


def test_a_refund_in_the_dashboard_is_told(fake: Fake, bench: Bench) -> None:
    order = new_order()

    async def scenario(adapter: KomojuGateway) -> None:
        held = await adapter.authorize(
            key=new_key("auth"), order=order, amount=AMOUNT, token="tok_test_ok", method="card"
        )
        stands(await change(adapter, "capture", stands(held).reference, AMOUNT))

    bench.run(scenario)
    fake.buyer("dashboard_refund", order=order, amount=500)
    assert states(fake, order)[-1] is _P.PARTLY_REFUNDED


# The list, the settings, and a restart


async def listed(adapter: KomojuGateway, since: datetime, until: datetime) -> list[Listed]:
    return [one async for one in adapter.payments(since=since, until=until)]


def test_the_list_is_read_page_by_page(fake: Fake, bench: Bench) -> None:
    begun = datetime.now(UTC)
    orders = [new_order() for _ in range(7)]

    async def scenario(adapter: KomojuGateway) -> None:
        for order in orders:
            stands(await slip(adapter, order))

    bench.run(scenario)
    fake.buyer("pay", order=orders[3])
    komoju(fake).most_a_page = 3
    until = datetime.now(UTC) + timedelta(seconds=1)
    found = bench.run(lambda adapter: listed(adapter, begun, until))
    assert sorted(one.order or ("", "") for one in found) == sorted(tuple(order.split("/")) for order in orders)
    paid = {one.order: one.snapshot.captured for one in found}
    assert {order: amount for order, amount in paid.items() if amount} == {tuple(orders[3].split("/")): 5_500}
    assert all(one.begun_at is not None and begun <= one.begun_at < until for one in found)
    assert bench.run(lambda adapter: listed(adapter, until, until + timedelta(days=1))) == []
    fake.strike("list", "before", "502")
    with pytest.raises(Unreachable):
        bench.run(lambda adapter: listed(adapter, begun, until))


def test_only_a_secret_key_is_taken_and_it_tells_whether_it_is_a_test() -> None:
    given = {"KOMOJU_SECRET_KEY": "sk_test_1", "KOMOJU_WEBHOOK_SECRET": "newer-token older-token"}
    settings = read(Settings, given)
    assert GATEWAY.test_mode(settings)
    assert not GATEWAY.test_mode(read(Settings, {**given, "KOMOJU_SECRET_KEY": "sk_live_1"}))
    assert GATEWAY.secrets is not None
    assert GATEWAY.secrets(settings) == ["newer-token", "older-token"]
    assert settings.komoju_url == "https://komoju.com/api/v1"
    with pytest.raises(Misconfigured, match="KOMOJU_SECRET_KEY: is wrong; set it to the secret key"):
        read(Settings, {**given, "KOMOJU_SECRET_KEY": "pk_live_1"})


def test_a_fake_that_restarts_from_its_journal_stands_the_same(tmp_path: Path) -> None:
    def bench(one: Fake) -> Bench:
        return Bench(gateway=GATEWAY, connect=lambda: connect(one.url))

    paid, held = new_order(), new_order()

    async def take(adapter: KomojuGateway) -> Answer:
        begun = await adapter.authorize(key="auth", order=held, amount=AMOUNT, token="tok_test_ok", method="card")
        return await adapter.capture(key="take", order=held, reference=stands(begun).reference, amount=10_000)

    with served(Komoju(), tmp_path / "journal") as first:
        stands(bench(first).run(lambda adapter: slip(adapter, paid)))
        first.buyer("pay", order=paid)
        before = bench(first).run(take)
    with served(Komoju(), tmp_path / "journal") as second:
        assert (komoju(second).payments, second.provider.ledger.moves) == (
            komoju(first).payments,
            first.provider.ledger.moves,
        )
        assert bench(second).run(take) == before, "its keys are known too"


def test_every_magic_token_is_in_one_table(fake: Fake, bench: Bench) -> None:
    declined = {token: code for token, code in TOKENS.items() if code}
    assert declined == bench.declined
    assert replace(bench, fake=None).gateway.name == "komoju"
