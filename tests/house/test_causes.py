"""Whatever the pipelines give as a cause, or say of what came in, has its Japanese in the console.

Causes are read from the code: each argument for a parameter named ``cause``, and each reason for which an event was set aside.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import product
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from models.states import HoldReason, ShipmentState, TrackingState
from pipelines.changes.parcels import KINDS, KNOWN
from pipelines.changes.payment_books import _CAUSES as ANSWERED
from pipelines.documents.permission import _NOBODY as NO_RECEIPT
from pipelines.rules.money.adjustments import KINDS as ADJUSTMENTS
from workers.web.console.causes import is_known, worded

PIPELINES: Final = Path(__file__).parents[2] / "pipelines"
#: What sets an event aside, and what says why a document may be issued, by name and whether it is a method: with the place of the reason.
REASONS: Final = {
    ("ignored", True): 1,
    ("refused", True): 1,
    ("quarantined", True): 1,
    ("_yes", False): 2,
    ("_no", False): 2,
}
#: Other causes, with sources that programs read: of points in the ledger, of ranks, of what is erased; and who hands causes on.
ELSEWHERE: Final = (
    "changes/points.py",
    "customers/",
    "documents/issue",
    "engine/",
    "orders/admission.py",
    "points/",
    "ranks.py",
    "rules/purse.py",
    "rules/ranks.py",
    "rules/returns/",
)

STATES: Final = tuple(str(one) for one in (*ShipmentState, *TrackingState))
#: What an expression within a cause, or one that is a cause, may be.
MAY_BE: Final[Mapping[str, tuple[str, ...]]] = {
    "', '.join((hold.reason for hold in found))": ("needs_human", "quote_needed, coupons_in_remarks"),
    "', '.join(allowed)": ("yamato, sagawa",),
    "(told.outcome or {}).get('says')": ("instructed by mail", "instructed by file", "put into its list of work"),
    "UNPAID": ("not paid in time",),
    "_CAME_TO_NOTHING[why]": ("was cancelled", "never arrived", "came back"),
    "_NOBODY[method.receipt]": tuple(NO_RECEIPT.values()),
    "_CAUSES[effect.kind]": tuple(ANSWERED.values()),
    "KNOWN": (KNOWN,),
    "asked.fee": ("1200",),
    "asked.supplier": ("maker-b",),
    "asker(event)": ("sato", "an operator"),
    "by": ("yamato",),
    "effect.kind": ("payment.capture", "payment.refund", "payment.void", "payment.renew"),
    "effect.state": ("declined", "needs_review"),
    "event.body.get('return')": ("R-1",),
    "event.type": (*sorted(KINDS), "shipment.fetched"),
    "expected": ("2026-11-25",),
    "facts.method": ("card", "bank_transfer", "deferred", "none"),
    "hold.reason": tuple(str(one) for one in HoldReason),
    "keep.keep_until.isoformat()": ("2026-11-25",),
    "kept.change.kind": ADJUSTMENTS,
    "last_day(one.waits_until)": ("2026-11-25",),
    "left_on": ("2026-11-19",),
    "method.names['en']": ("Bank transfer",),
    "method.name": ("card", "konbini", "loan", "claims_offset", "deferred"),
    "method.unpaid_rule": ("PAY-05", "PAY-07", "PAY-08", "PAY-10"),
    "method.secured_by.release_when": ("authorized", "paid", "approved", "at_once"),
    "named": ("S-1-1",),
    "number": ("S-1",),
    "on.isoformat()": ("2026-12-01",),
    "owner": ("S-2-1",),
    "parcel.shipment": ("S-2-1",),
    "placed_on": ("2026-11-20",),
    "said_on": ("2026-11-24",),
    "shipment.state": STATES,
    "shipment.supplier": ("warehouse",),
    "shop.payment.cod_unclaimed_days": ("7",),
    "status": STATES,
    "supplier": ("warehouse",),
    "left": ("2026-11-25",),
    "rules.receipt_days - 1": ("13",),
    "until.isoformat()": ("2026-11-25",),
    "who": ("customer", "operator", "operator at the customer's wish"),
    "why": ("declined", "failed", "voided", "debit_card", "prepaid_card"),
    "word!r": ("'配達中？'",),
}
#: Expressions that are whole causes handed on, or said elsewhere in full: refusals have their Japanese where they are written.
HANDED_ON: Final = frozenset(
    {"cause", "why", "fault", "fault.message", "message", "'; '.join((_kept(one) for one in refused))"}
)


class Found(NamedTuple):
    """A cause as the code gives it."""

    place: str
    expression: ast.expr
    function: ast.AST


@cache
def trees() -> Mapping[str, ast.Module]:
    """The modules of the pipelines by their path."""
    return {str(one.relative_to(PIPELINES)): ast.parse(one.read_text("utf-8")) for one in PIPELINES.rglob("*.py")}


@cache
def takers() -> Mapping[tuple[str, bool], frozenset[int]]:
    """By the name of what is called, and whether it is a method, the places of parameters (fields) named ``cause``, ``self`` not
    counted."""
    places = defaultdict(set, {called: {place} for called, place in REASONS.items()})
    for node in (one for tree in trees().values() for one in ast.walk(tree)):
        named: list[str] = []
        is_method = False
        if isinstance(node, ast.FunctionDef):
            named = [one.arg for one in node.args.args]
            is_method = named[:1] == ["self"]
            named = named[is_method:]
            named += [one.arg for one in node.args.kwonlyargs]
        elif isinstance(node, ast.ClassDef):
            named = [
                one.target.id
                for one in node.body
                if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name)
            ]
        if "cause" in named:
            places[node.name, is_method].add(named.index("cause"))  # type: ignore[attr-defined]
    return {name: frozenset(found) for name, found in places.items()}


def causes() -> Iterator[Found]:
    """Every cause that the pipelines give."""
    for path, tree in trees().items():
        if path.startswith(ELSEWHERE):
            continue
        for function in (one for one in ast.walk(tree) if isinstance(one, ast.FunctionDef)):
            for call in (one for one in ast.walk(function) if isinstance(one, ast.Call)):
                name, is_method = _called(call)
                named = [one.value for one in call.keywords if one.arg == "cause"]
                placed = [one for one in sorted(takers().get((name, is_method), ())) if one < len(call.args)]
                for expression in named or [call.args[one] for one in placed[-1:]]:
                    yield Found(f"{path}:{call.lineno}", expression, function)


def _called(call: ast.Call) -> tuple[str, bool]:
    if isinstance(call.func, ast.Attribute):
        return call.func.attr, True
    return (call.func.id, False) if isinstance(call.func, ast.Name) else ("", False)


def sayings(found: Found) -> Iterator[str]:
    """What the cause may say; raises KeyError for an expression of which nobody says what it may be."""
    yield from _said(found.expression, found)


def _said(one: ast.expr, found: Found) -> Iterator[str]:
    if isinstance(one, ast.Constant):
        yield one.value
    elif isinstance(one, ast.IfExp):
        yield from (*_said(one.body, found), *_said(one.orelse, found))
    elif isinstance(one, ast.BoolOp):
        yield from (said for value in one.values for said in _said(value, found))
    elif isinstance(one, ast.BinOp):
        yield from ("".join(parts) for parts in product(_said(one.left, found), _said(one.right, found)))
    elif isinstance(one, ast.JoinedStr):
        yield from ("".join(parts) for parts in product(*(_part(part, found) for part in one.values)))
    elif isinstance(one, ast.Name) and (assigned := _assigned(one.id, found)):
        yield from (said for value in assigned for said in _said(value, found))
    elif ast.unparse(one) not in HANDED_ON:
        yield from MAY_BE[ast.unparse(one)]


def _part(part: ast.expr, found: Found) -> tuple[str, ...]:
    if isinstance(part, ast.FormattedValue):
        chosen = _assigned(part.value.id, found) if isinstance(part.value, ast.Name) else []
        if any(isinstance(one, ast.IfExp) and isinstance(one.body, ast.Constant) for one in chosen):
            return tuple(_said(part.value, found))
        return MAY_BE[ast.unparse(part.value) + ("!r" if part.conversion == ord("r") else "")]
    assert isinstance(part, ast.Constant)
    return (str(part.value),)


def _assigned(name: str, found: Found) -> list[ast.expr]:
    """What a name stands for in its function or module, one of several that are unpacked together too."""
    made: list[ast.expr] = []
    for node in (*ast.walk(found.function), *trees()[found.place.partition(":")[0]].body):
        if isinstance(node, ast.Assign):
            target, value = node.targets[0], node.value
            if isinstance(target, ast.Name) and target.id == name:
                made.append(value)
            elif isinstance(target, ast.Tuple):
                place = next((i for i, one in enumerate(target.elts) if getattr(one, "id", "") == name), None)
                sides = [value.body, value.orelse] if isinstance(value, ast.IfExp) else [value]
                made += [one.elts[place] for one in sides if place is not None and isinstance(one, ast.Tuple)]
        elif isinstance(node, ast.AnnAssign) and node.value and getattr(node.target, "id", "") == name:
            made.append(node.value)
    return made


def test_every_cause_of_the_pipelines_has_its_japanese() -> None:
    said = {(cause, found.place) for found in causes() for cause in sayings(found)}
    assert len(said) > 150
    assert sorted((cause, place) for cause, place in said if not is_known(cause)) == []


@pytest.mark.parametrize(
    ("cause", "japanese"),
    [
        ("cancelled by the operator", "担当者によるキャンセル"),
        ("accept: quote_needed, needs_human", "受付時の確認: 送料見積り、備考の確認"),
        ("bank_transfer: waits for the money", "銀行振込: 入金待ち"),
        ("not paid in time (PAY-07)", "期限までに入金なし(PAY-07)"),
        ("payment.refund: declined", "返金: 拒否"),
        ("address changed by 佐藤", "佐藤がお届け先を変更"),
        ("by an operator: moved to Osaka", "担当者: moved to Osaka"),
        (
            "Ordered by the 12:00 cutoff: planned for dispatch on the same day, Fri 20 Nov 2026.",
            "ご注文が締切時刻12:00までのため、当日11月20日(金)の出荷を予定しています。",
        ),
        ("CAN-02: The order is already cancelled or delivered.", "CAN-02: このご注文はすでに終了しています。"),
        ("製造終了のため", "製造終了のため"),
        ("No stock until spring", "No stock until spring"),
    ],
)
def test_causes_are_matched_whole_and_what_people_wrote_stays(cause: str, japanese: str) -> None:
    assert worded(cause, "ja") == japanese
    assert worded(cause, "en") == cause
