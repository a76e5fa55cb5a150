"""What can be stored: the limits of every door, and a copy to look at of what passes none."""

from __future__ import annotations

import math
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.values.storable import DEEPEST, GREATEST_INTEGER, LEAST_INTEGER, Unstorable, check, storable

ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(exclude_categories=[]))
    | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=[])), inner),
)


def nested(levels: int) -> Any:
    return [nested(levels - 1)] if levels else "deep"


@pytest.mark.parametrize("value", ["髙", "𠮷", GREATEST_INTEGER, LEAST_INTEGER, 1.5, None, True, {}, nested(DEEPEST)])
def test_what_can_be_stored(value: object) -> None:
    check(value)
    assert storable(value) == value


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("\x00", "u0000"),
        ({"a\x00": 1}, "u0000"),
        ("\ud800", "surrogate"),
        ([{"a": "\udfff"}], "surrogate"),
        (GREATEST_INTEGER + 1, "64 bits"),
        (10**5_000, "64 bits"),
        (LEAST_INTEGER - 1, "64 bits"),
        (math.nan, "none at all"),
        ([math.inf], "infinite"),
        (b"bytes", "bytes"),
        (nested(DEEPEST + 1), "32 levels"),
    ],
    ids=range(11),
)
def test_what_cannot(value: object, reason: str) -> None:
    with pytest.raises(Unstorable, match=reason):
        check(value)
    check(storable(value))


@given(ANYTHING)
def test_a_copy_can_always_be_stored_and_read(value: object) -> None:
    copy = storable(value)
    check(copy)
    assert orjson.loads(orjson.dumps(copy)) == copy
    assert storable(copy) == copy
