"""Every action is declared whole: words in both languages, a stage that hears it, ways out that exist, a row in the documents."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from pipelines.orders.act import actions
from pipelines.orders.action import Action
from pipelines.orders.actions import (
    agree_fee,
    approve_return,
    ask_again,
    cancel,
    cancel_lines,
    change_address,
    close_return,
    collected,
    coupons,
    exchange_return,
    goodwill,
    inspect_return,
    open_return,
    pickup_arrived,
    pickup_bought,
    pickup_sent_back,
    pickup_visit,
    receive_return,
    refund_return,
    refunds,
    refuse_return,
    release,
    replace_return,
    reroute,
    resend_mail,
    return_lines,
    ship,
    withdraw_return,
)
from pipelines.route import WOKEN_BY
from pipelines.rules.explain import Refusal, Sentence

CHECKOUT = Path(__file__).parents[2]
JAPANESE = re.compile(r"[぀-ヿ一-鿿]")
MODULES = (
    approve_return,
    close_return,
    exchange_return,
    inspect_return,
    open_return,
    receive_return,
    refund_return,
    refuse_return,
    replace_return,
    withdraw_return,
    agree_fee,
    ask_again,
    cancel,
    cancel_lines,
    collected,
    change_address,
    coupons,
    goodwill,
    pickup_arrived,
    pickup_bought,
    pickup_sent_back,
    pickup_visit,
    refunds,
    release,
    resend_mail,
    reroute,
    return_lines,
    ship,
)


def names() -> set[str]:
    return {action.name for action in actions()}


def test_each_file_is_found_by_its_action() -> None:
    assert names() == {module.ACTION.name for module in MODULES}  # type: ignore[attr-defined]


@pytest.mark.parametrize("action", actions(), ids=lambda action: action.name)
def test_an_action_has_its_words_and_its_stage(action: Action[Any]) -> None:
    for sentence in (action.label, action.says):
        assert JAPANESE.search(sentence.ja)
        assert sentence.en
        assert not JAPANESE.search(sentence.en)
    assert action.wakes in WOKEN_BY
    assert "operator" in action.roles
    assert all(field.description for name, field in action.model.model_fields.items() if name not in {"lines"})


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__.rpartition(".")[2])
def test_a_refusal_has_both_languages(module: Any) -> None:
    """Whatever sentence an action's file has is in Japanese and in English, with the same values."""
    sentences = [value for value in vars(module).values() if isinstance(value, Sentence)]
    for one in sentences:
        assert JAPANESE.search(one.ja)
        assert not JAPANESE.search(one.en)
        assert set(re.findall(r"{(\w+)}", one.ja)) == set(re.findall(r"{(\w+)}", one.en))


def test_ways_out_name_actions() -> None:
    sources = [Path(module.__file__).read_text("utf-8") for module in MODULES]  # type: ignore[type-var, attr-defined]
    named = {
        name for text in sources for listed in re.findall(r"ways_out=\(([^)]*)\)", text) for name in listed.split(",")
    }
    assert {name.strip().strip('"') for name in named} - {""} <= names()


def test_the_documents_name_every_action() -> None:
    connecting = (CHECKOUT / "docs" / "connect.md").read_text("utf-8")
    paths = {action.path.removeprefix("/orders/{shop}/{number}") for action in actions()}
    assert {path for path in paths if f"{path}`" not in connecting} == set()


def test_a_refusal_is_written_in_its_language() -> None:
    refusal = Refusal(Sentence("{state}です。", "It is {state}."), {"state": "shipped"}, rule="CAN-06")
    assert (refusal.says("ja"), refusal.says("en"), refusal.says("fr")) == (
        "発送済みです。",
        "It is shipped.",
        "It is shipped.",
    )


WITH_A_REASON = [action for action in actions() if "reason" in action.model.model_fields]


@pytest.mark.parametrize("action", WITH_A_REASON, ids=lambda action: action.name)
def test_no_reason_carries_what_moves_a_terminal(action: Action[Any]) -> None:
    """It is shown to operators, in mails and in ``shukka show``: lines are its own, other control characters nobody's."""
    with pytest.raises(ValidationError) as refused:
        action.model.model_validate({"reason": "moved\x1b[2J"})
    assert ("reason",) in [one["loc"] for one in refused.value.errors()]
