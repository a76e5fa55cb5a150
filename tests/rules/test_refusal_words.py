"""Refusals in Japanese name where something stands in Japanese: whoever reads them sees no codes of ours."""

from __future__ import annotations

import re

import pytest

from models.states import Condition, OrderState, ReturnState, ShipmentState
from pipelines.rules.explain import Sentence

_CODES = [*OrderState, *Condition, *ShipmentState, *ReturnState]


@pytest.mark.parametrize("code", _CODES)
def test_every_state_has_a_word_in_a_sentence(code: str) -> None:
    said = Sentence("現在は{state}です。", "Now it is {state}.")
    assert not re.search("[a-z_]", said.says("ja", state=code))
    assert said.says("en", state=code) == f"Now it is {code}."


def test_several_states_are_named_beside_each_other() -> None:
    said = Sentence("{needed}に限ります。", "One of {needed}.")
    assert said.says("ja", needed="received, inspected") == "到着・検品済みに限ります。"


def test_a_name_that_is_spelt_like_a_state_is_a_name() -> None:
    assert Sentence("{supplier}が断りました。", "").says("ja", supplier="held") == "heldが断りました。"
