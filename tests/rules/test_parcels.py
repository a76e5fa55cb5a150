"""Claims of parcels: whatever the order and repetition of events, one answer (contract: supplier webhooks)."""

from collections import Counter
from datetime import datetime, timedelta
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.rules.parcels import Claim, allocate
from tests.examples import examples
from tests.rules.build import at

T0 = at("2026-11-20 15:00:00")
LINE = st.sampled_from(["1", "2", "3", "unknown"])
LINES = st.tuples(*[st.integers(1, 5)] * 3).map(lambda pieces: dict(zip("123", pieces, strict=True)))


def later(minutes: int) -> datetime:
    return T0 + timedelta(minutes=minutes)


CLAIM = st.builds(
    Claim,
    st.sampled_from("abcd"),
    st.sampled_from([later(minutes) for minutes in range(4)]),
    st.none() | st.dictionaries(LINE, st.integers(0, 6), max_size=2),
)


def test_a_claim_without_lines_takes_all_open_lines() -> None:
    assert allocate({"1": 4, "2": 1}, [Claim("a", T0)]) == {"a": {"1": 4, "2": 1}}


def test_claims_with_lines_come_first_whenever_they_were_shipped() -> None:
    claims = [Claim("a", T0), Claim("b", later(5), {"1": 3})]
    assert allocate({"1": 4}, claims) == {"a": {"1": 1}, "b": {"1": 3}}


def test_a_second_claim_without_lines_is_a_further_box() -> None:
    assert allocate({"1": 4}, [Claim("b", later(5)), Claim("a", T0)]) == {"a": {"1": 4}, "b": {}}


def test_a_claim_beyond_what_is_open_is_cut_and_unknown_lines_are_left_out() -> None:
    claims = [Claim("a", T0, {"1": 3}), Claim("b", later(1), {"1": 3, "9": 1})]
    assert allocate({"1": 4}, claims) == {"a": {"1": 3}, "b": {"1": 1}}


@settings(max_examples=examples(2_000), deadline=None)
@given(LINES, st.lists(CLAIM, max_size=5), st.integers(0, 2**32))
def test_one_answer_whatever_the_sequence_and_the_repetition(
    lines: dict[str, int], claims: list[Claim], chance: int
) -> None:
    parcels = allocate(lines, claims)
    told = claims + Random(chance).sample(claims, len(claims) // 2)
    Random(chance).shuffle(told)
    assert allocate(lines, told) == parcels
    shipped: Counter[str] = Counter()
    for contents in parcels.values():
        shipped.update(contents)
    assert all(0 < shipped[line] <= lines[line] for line in shipped), "nothing is shipped twice"
    assert set(parcels) == {claim.key for claim in claims}
