"""Which order a transfer is for: number, else amount and name, else a human; never a guess (PAY-07, B.6.7, gateways.md 9: 36)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.rules.deposits import Awaiting, Finding, OrderName, Outcome, Transfer, match, number_key, numbers_in

MATCHED, MISMATCHED, UNKNOWN = Outcome


def awaiting(number: str, due: int = 11_000, *names: str, shop: str = "salon", paid: int = 0) -> Awaiting:
    return Awaiting(OrderName(shop, number), due, paid, names)


def transfer(text: str, amount: int = 11_000, payer: str | None = None) -> Transfer:
    return Transfer(amount, text, text if payer is None else payer)


WAITING = (
    awaiting("S-1001", 11_000, "ヤマダ ハナコ", "サロンヤマダ"),
    awaiting("S-1002", 5_500, "ヤマダ ハナコ"),
    awaiting("S-1003", 5_500, "鈴木 一郎", "株式会社スズキ"),
    awaiting("S-1004", 8_000, "サトウ ケン", paid=3_000),
    awaiting("20261120-0001", 700, "タナカ"),
    awaiting("4711", 900, "ミナミ"),
    awaiting("S-1005", 2_000, "ナカムラ"),
    awaiting("S-1006", 2_000, "ナカムラ"),
    awaiting("R-1", 3_300, "イトウ", shop="reuse"),
    awaiting("S-1001-2", 100, "ヤマダ ハナコ"),
)
OTHERS = (
    awaiting("S-900", 4_000, "コウノ"),
    awaiting("S-901", 4_000, shop="reuse"),
    awaiting("S-901", 4_000),
    Awaiting(OrderName("salon", "S-1007"), 600, account="7654321"),
)


def find(one: Transfer, tolerance: int = 0) -> tuple[str | None, Outcome]:
    (finding,) = match([one], WAITING, OTHERS, {"salon": tolerance})
    return finding.order.number if finding.order else None, finding.outcome


@pytest.mark.parametrize(
    ("text", "amount", "number", "outcome"),
    [
        ("S-1001 ﾔﾏﾀﾞ ﾊﾅｺ", 11_000, "S-1001", MATCHED),  # first
        ("ﾔﾏﾀﾞ ﾊﾅｺ S1001", 11_000, "S-1001", MATCHED),  # last, without its dash
        ("S 1001ﾔﾏﾀﾞ", 11_000, "S-1001", MATCHED),  # a blank for it
        ("ｓ‐１００１", 11_000, "S-1001", MATCHED),  # in full width and small letters
        ("振込＊Ｓ１００１　ヤマダ", 11_000, "S-1001", MATCHED),
        ("S-1001", 10_999, "S-1001", MISMATCHED),  # under
        ("S-1001", 11_001, "S-1001", MISMATCHED),  # over
        ("S-1001 ﾀﾆﾝ", 11_000, "S-1001", MATCHED),  # whoever paid
        ("S-1004", 5_000, "S-1004", MATCHED),  # the rest
        ("S-1004", 8_000, "S-1004", MISMATCHED),
        ("S-1001-2", 100, "S-1001-2", MATCHED),  # the longer number, not the one within
        ("S10012", 100, "S-1001-2", MATCHED),
        ("20261120-0001", 700, "20261120-0001", MATCHED),
        ("20261120 0001", 700, None, UNKNOWN),  # digits with a blank may be anything
        ("S-1001 S-1002", 16_500, None, UNKNOWN),  # two orders, one sum
        ("S-10011", 11_000, None, UNKNOWN),
        ("XS-1001X", 11_000, None, UNKNOWN),
        ("S/20 1001", 11_000, None, UNKNOWN),  # no number goes on beyond a sign that joins nothing
        ("4711 ﾐﾅﾐ", 900, "4711", MATCHED),
        ("4711 ﾐﾅﾐ", 800, None, UNKNOWN),  # so few digits may be a branch
        ("1001", 11_000, None, UNKNOWN),
        ("7654321 ﾊﾔｼ", 600, "S-1007", MISMATCHED),  # its gateway's virtual account: a human asks why it came here
        ("R1", 3_300, "R-1", MATCHED),
    ],
)  # fmt: skip
def test_by_the_number_that_the_payer_wrote(text: str, amount: int, number: str | None, outcome: Outcome) -> None:
    assert find(transfer(text, amount, payer="")) == (number, outcome)


@pytest.mark.parametrize(
    ("payer", "amount", "number", "outcome"),
    [
        ("ﾔﾏﾀﾞ ﾊﾅｺ", 11_000, "S-1001", MATCHED),
        ("ヤマダハナコ", 5_500, "S-1002", MATCHED),
        ("ｻﾛﾝﾔﾏﾀﾞ", 11_000, "S-1001", MATCHED),  # the company or the person
        ("ｶ)ｽｽﾞｷ", 5_500, "S-1003", MATCHED),
        ("鈴木　一郎", 5_500, "S-1003", MATCHED),  # a bank that writes it as it was written
        ("ﾔﾏﾀﾞ", 11_000, None, UNKNOWN),  # a surname is not enough
        ("ﾔﾏﾀﾞ ﾊﾅｺ", 10_999, None, UNKNOWN),  # a name without the amount is nobody's
        ("ｻﾄｳ ｹﾝ", 5_000, "S-1004", MATCHED),  # what is still due
        ("ｻﾄｳ ｹﾝ", 8_000, None, UNKNOWN),
        ("ﾅｶﾑﾗ", 2_000, None, UNKNOWN),  # two orders of this payer and amount
        ("ｺｳﾉ", 4_000, None, UNKNOWN),  # an order that awaits nothing is found by its number alone
        ("ｽｽﾞｷ ｲﾁﾛｳ", 5_500, None, UNKNOWN),  # nobody here reads kanji
    ],
)
def test_by_amount_and_name(payer: str, amount: int, number: str | None, outcome: Outcome) -> None:
    assert find(transfer(payer, amount)) == (number, outcome)


def test_an_order_that_awaits_nothing_gets_what_names_it() -> None:
    """Late money is never ignored: it is given back, or a human has it (PAY-07)."""
    (finding,) = match([transfer("S900", 4_000)], WAITING, OTHERS, {})
    assert finding == Finding(
        MISMATCHED, "the order awaits no transfer to this account", OrderName("salon", "S-900"), 0
    )
    assert find(transfer("S901", 4_000)) == (None, UNKNOWN), "two shops have that number"


@pytest.mark.parametrize(("amount", "tolerance", "outcome"), [(10_560, 440, MATCHED), (10_559, 440, MISMATCHED)])
def test_a_fee_that_the_profile_lets_pass(amount: int, tolerance: int, outcome: Outcome) -> None:
    """A payer who took the transfer fee off (B.6.7: ``transfer_tolerance``)."""
    assert find(transfer("S1001", amount, payer=""), tolerance) == ("S-1001", outcome)


def test_one_shops_tolerance_is_not_anothers() -> None:
    assert find(transfer("R1", 3_299, payer=""), tolerance=440) == ("R-1", MISMATCHED)


def test_a_doubt_is_for_a_human_whatever_it_names() -> None:
    doubted = replace(transfer("S1001"), doubt="it is a cheque")
    assert match([doubted], WAITING, OTHERS, {}) == [Finding(UNKNOWN, "it is a cheque")]


def test_two_equal_transfers_are_two_payments() -> None:
    """The second comes when nothing is due any more: by number it is too much, by name nobody's."""
    by_number = match([transfer("S1001", payer="")] * 2, WAITING, OTHERS, {})
    assert [(one.outcome, one.due) for one in by_number] == [(MATCHED, 11_000), (MISMATCHED, 0)]
    by_name = match([transfer("ﾔﾏﾀﾞ ﾊﾅｺ")] * 2, WAITING, OTHERS, {})
    assert [one.outcome for one in by_name] == [MATCHED, UNKNOWN]


def test_parts_add_up() -> None:
    found = match([transfer("S1001", part, payer="") for part in (6_000, 5_000)], WAITING, OTHERS, {})
    assert [(one.outcome, one.due) for one in found] == [(MISMATCHED, 11_000), (MATCHED, 5_000)]


@pytest.mark.parametrize(
    ("number", "key"),
    [
        ("S-1001", "S1001"),
        ("s_10.01", "S1001"),
        ("Ｓ１", "S1"),
        ("A-B", None),
        ("7", None),
        ("注文-12", None),
        ("12", "12"),
    ],
)
def test_what_of_a_number_is_looked_for(number: str, key: str | None) -> None:
    assert number_key(number) == key
    if key is not None and not key.isdecimal():
        assert key in numbers_in(f"ﾔﾏﾀﾞ {key}ﾊﾅｺ")


orders = st.lists(
    st.builds(
        awaiting,
        st.sampled_from(["S-1", "S-2", "S-11", "1-1", "22"]),
        st.sampled_from([500, 700]),
        st.sampled_from(["サトウ", "タナカ", "佐藤"]),
        shop=st.sampled_from(["salon", "reuse"]),
    ),
    max_size=8,
    unique_by=lambda one: one.order,
)
texts = st.lists(
    st.sampled_from(["S1", "S-2", "11", "1-1", "22", "ｻﾄｳ", "ﾀﾅｶ", "S 11", "佐藤"]), min_size=1, max_size=3
)
transfers = st.lists(st.builds(transfer, texts.map(" ".join), st.sampled_from([500, 700, 1_200])), max_size=6)


@given(transfers, orders, st.randoms())
def test_an_answer_does_not_hang_on_the_order_in_which_orders_were_read(
    told: list[Transfer], waiting: list[Awaiting], chance: object
) -> None:
    shuffled = list(waiting)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    assert match(told, waiting, [], {}) == match(told, shuffled, [], {})


@given(transfers, orders)
def test_no_money_is_lost_or_counted_twice_and_what_matches_is_due(
    told: list[Transfer], waiting: list[Awaiting]
) -> None:
    """Each transfer has one answer; what is matched brings its order exactly to what it comes to."""
    found = match(told, waiting, [], {})
    assert len(found) == len(told)
    due = {one.order: one.due for one in waiting}
    for one, finding in zip(told, found, strict=True):
        assert (finding.order is None) == (finding.outcome is UNKNOWN)
        if finding.order is not None:
            left = max(0, due[finding.order])
            assert finding.due == left
            assert (finding.outcome is MATCHED) == (one.amount == left)
            due[finding.order] -= one.amount
