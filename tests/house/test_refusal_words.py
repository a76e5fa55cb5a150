"""What the console's forms refuse is said in Japanese on Japanese pages: each sentence about a field that a request's form, an action
of an order, a mail address or a day has."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from pipelines.doors import CARD_NUMBER
from pipelines.orders.document import _PATTERNS, _SENTENCES
from workers.web.console.causes import is_known, worded

PIPELINES: Final = Path(__file__).parents[2] / "pipelines"
#: Where sentences about fields that an operator fills in are written.
SPOKEN: Final = (
    *sorted((PIPELINES / "orders" / "actions").glob("*.py")),
    PIPELINES / "orders" / "pieces.py",
    PIPELINES / "rules" / "money" / "coupons.py",
    PIPELINES / "rules" / "money" / "repricing.py",
    PIPELINES / "rules" / "one_of_a_kind.py",
    PIPELINES / "rules" / "pull_in.py",
    PIPELINES / "rules" / "refusals.py",
    PIPELINES / "rules" / "returns" / "judge.py",
    PIPELINES / "values" / "mail_address.py",
    PIPELINES / "values" / "moment.py",
)
#: What is handed on from elsewhere, or of what no form of a person has: the loan of a shop, a shop's own parameters.
ELSEWHERE: Final = frozenset(
    {
        "why",
        "says",
        "reason",
        "message",
        "label",
        "_SEVERAL",
        "_ONE_OF_A_KIND",
        "_NOT_ALLOWED",
        "_UNKNOWN",
        "_USED",
        "NO_TIME",
        "NO_DATE",
    }
)


def sentences() -> Iterator[tuple[str, str]]:
    """Each sentence of a ``Problem`` or a ``ValueError``, with "7" for what is said in it, and where it stands."""
    for path in SPOKEN:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                placed = {"Problem": 1, "ValueError": 0}.get(node.func.id)
                if placed is not None and placed < len(node.args) and (text := _text(node.args[placed])):
                    yield text, f"{path.name}:{node.lineno}"


def _text(one: ast.expr) -> str:
    if isinstance(one, ast.Constant):
        return str(one.value)
    if isinstance(one, ast.JoinedStr):
        return "".join(_part(part) for part in one.values)
    if isinstance(one, ast.IfExp):  # the other names what a shop has, which anything may be
        return _text(one.orelse)
    assert ast.unparse(one) in ELSEWHERE or isinstance(one, ast.Call), ast.unparse(one)
    return ""


def _part(part: ast.expr) -> str:
    """What may stand in a sentence: nothing of what is said after its end, a method, else a number."""
    if isinstance(part, ast.FormattedValue):
        name = ast.unparse(part.value)
        return "" if name in ("label", "only") else "card" if "method" in name else "7"
    return _text(part)


def test_every_sentence_about_a_field_has_its_japanese() -> None:
    said = set(sentences())
    assert len(said) > 30
    assert sorted((text, place) for text, place in said if not is_known(text)) == []


def test_every_sentence_about_a_form_has_its_japanese() -> None:
    values = {"min_length": 1, "max_length": 500, "ge": 1, "le": 9_999, "expected": "'a', 'b' or 'c'"}
    told = [*(one.format(**values) for one in _SENTENCES.values()), *_PATTERNS.values(), CARD_NUMBER]
    assert [one for one in told if not is_known(one)] == []


@pytest.mark.parametrize(
    ("sentence", "japanese"),
    [
        ("Must have at most 500 characters.", "500文字以内にしてください。"),
        ("Must be 1000000 or less.", "1000000以下にしてください。"),
        ("Must be 'shop' or 'customer'.", "次のいずれかにしてください: 'shop' or 'customer'"),
        ("there is no order salon/S-9", "注文salon/S-9はありません。"),
        ("The order has no line 9.", "この注文に明細9はありません。"),
        (
            "This shop has no such coupon; correct the code or remove it.",
            "この店舗にないクーポンです。コードを直すか、外してください。",
        ),
        ("is one of a kind, and is not taken in exchange", "一点物は交換の対象になりません。"),
        (
            'Must be a share between 0 and 1 with at most four decimals, such as "0.01" for 1 %.',
            "0から1までの割合を小数4桁以内で、1%なら0.01のように入力してください。",
        ),
        ("Must be careful with it.", "Must be careful with it."),
    ],
)
def test_what_is_said_in_a_sentence_stays_in_it(sentence: str, japanese: str) -> None:
    assert worded(sentence, "ja") == japanese
    assert worded(sentence, "en") == sentence
