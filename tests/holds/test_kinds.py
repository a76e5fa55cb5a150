"""Every reason to hold an order has its words in both languages, what answers it, and its row in the documents."""

from __future__ import annotations

import re
from pathlib import Path
from string import Formatter

import pytest

from models.states import HoldReason
from pipelines.orders.act import actions
from pipelines.rules.explain import Sentence
from pipelines.rules.hold_kinds import KINDS
from pipelines.rules.holds import Hold

CHECKOUT = Path(__file__).parents[2]
JAPANESE = re.compile(r"[぀-ヿ一-鿿]")


def names(sentence: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(sentence) if name}


def test_every_reason_is_a_kind_and_some_code_holds_for_it() -> None:
    assert list(KINDS) == list(HoldReason)
    code = [
        path.read_text("utf-8")
        for path in (CHECKOUT / "pipelines").rglob("*.py")
        if path.name not in {"hold_kinds.py", "states.py"}
    ]
    assert [one.name for one in HoldReason if not any(f"HoldReason.{one.name}" in text for text in code)] == []


@pytest.mark.parametrize("reason", HoldReason)
def test_a_kind_has_its_words_and_its_way_out(reason: HoldReason) -> None:
    kind = KINDS[reason]
    for sentence in (kind.says, kind.way_out):
        assert JAPANESE.search(sentence.ja)
        assert sentence.en
        assert not JAPANESE.search(sentence.en)
    assert names(kind.says.ja) == names(kind.says.en) == kind.names
    assert names(kind.way_out.ja) | names(kind.way_out.en) == set()
    assert kind.answered_by
    assert set(kind.answered_by) <= {action.name for action in actions()}


def test_a_hold_says_what_it_is_about() -> None:
    hold = Hold(HoldReason.SUPPLIER_SHORT, "SH-1", {"1": 2, "3": 1}, facts={"supplier": "maker-a"})
    assert hold.says("en") == "maker-a cannot supply 2 of line 1, 1 of line 3 of SH-1 (INT-13)."
    assert hold.says("ja") == "maker-aが出荷SH-1のうち明細1が2点、明細3が1点を手配できません(INT-13)。"
    assert Hold(HoldReason.REFUND_DUE, amount=2_200).says("en").startswith("Give 2200 yen back")


def test_what_a_hold_does_not_say_is_named() -> None:
    assert Hold(HoldReason.SUPPLIER_SHORT, "SH-1").lacks() == {"pieces", "supplier"}
    assert Hold(HoldReason.NEEDS_HUMAN).lacks() == {"words"}
    assert Hold(HoldReason.REQUEST_NOT_MET).lacks() == frozenset()


def test_two_holds_that_say_the_same_are_equal() -> None:
    stored = Hold(HoldReason.REFUND_DUE, amount=5, id=7)
    assert stored == Hold(HoldReason.REFUND_DUE, amount=5)
    assert stored != Hold(HoldReason.REFUND_DUE, amount=6)


def test_the_operators_document_has_the_table_of_kinds() -> None:
    """Rows of docs/operations.md are those of the table in the code, word for word."""
    document = (CHECKOUT / "docs" / "operations.md").read_text("utf-8")
    wanted = [row(reason) for reason in HoldReason]
    found = [line for line in document.splitlines() if line.startswith("| `") and line.split("`")[1] in set(HoldReason)]
    assert found == wanted, "\n".join(wanted)


def row(reason: HoldReason) -> str:
    kind = KINDS[reason]
    says = re.sub(r"{(\w+)}", r"*\1*", _plain(kind.says))
    answers = ", ".join(f"`{name}`" for name in kind.answered_by)
    return f"| `{reason}` | {kind.blocks} | {says} | {_plain(kind.way_out)} | {answers} |"


def _plain(sentence: Sentence) -> str:
    return sentence.en.replace("|", "\\|")
