"""The preview of a return: what may come back of an order that is only a document, by the rules that judge a real one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from pydantic import ValidationError

from pipelines.errors import Invalid, Problem
from pipelines.orders.document import AssumeDocument, parse_preview, problems_of
from pipelines.returns.schema import ReturnLineDocument, ReturnPreviewDocument
from pipelines.rules.dates.transit import arrives_on
from pipelines.rules.lots import Lot
from pipelines.rules.money.breakdown import Breakdown
from pipelines.rules.money.pricing import price
from pipelines.rules.one_of_a_kind import as_sold
from pipelines.rules.order import Order
from pipelines.rules.returns.case import AskedLine, Judgement, LineJudgement, Reason, Remedy, Settlement, Sold, SoldLine
from pipelines.rules.returns.judge import judge
from pipelines.shops import Shop
from pipelines.values.calendar import in_japan
from pipelines.values.card_number import masked

_NOTHING: Final = Settlement(money=0, points_returned=0, coupon_recovered=0, fee=0, points_taken_back=0)


def preview(raw: object, shops: Mapping[str, Shop], now: datetime) -> dict[str, Any]:
    """The contract's answer to a decoded request at ``now`` (aware), or when it says; raises ``Invalid`` naming each wrong field.

    Nothing is looked up. The order used the points that it says; the points that it earned are still there.
    """
    asked, order, assume = _parsed(raw)
    shop = shops.get(order.shop)
    if shop is None:
        raise Invalid([Problem("order.shop", "There is no shop of this name.")])
    if wrong := [*_out_of_sequence(asked, order)]:
        raise Invalid(wrong)
    judgement = judge(
        _sold(order, asked, assume, shop), shop, [asked_line(one) for one in asked.lines], asked.asked_at or now
    )
    return masked(judgement_json(judgement))  # the problems quote what was sent (INT-17)


def asked_line(document: ReturnLineDocument) -> AskedLine:
    """A line of a request as the rules take it."""
    remedy = None if document.remedy is None else Remedy(document.remedy)
    return AskedLine(document.line, document.quantity, Reason(document.reason), tuple(document.condition), remedy)


def judgement_json(judgement: Judgement) -> dict[str, Any]:
    """The contract's answer; where nothing is allowed, nothing is refunded."""
    gives = judgement.settlement or _NOTHING
    return {
        "lines": [_line_json(one) for one in judgement.lines],
        "refund": {
            "money": gives.money,
            "points_returned": gives.points_returned,
            "coupon_recovered": gives.coupon_recovered,
            "fee": gives.fee,
            "points_taken_back": gives.points_taken_back,
        },
        "problems": [{"field": one.field, "message": one.message} for one in judgement.problems],
    }


def _line_json(one: LineJudgement) -> dict[str, Any]:
    return {
        "line": one.line,
        "quantity": one.quantity,
        "reason": one.reason,
        "allowed": one.allowed,
        "apply_by": one.apply_by.isoformat() if one.apply_by else None,
        "goods_by": one.goods_by.isoformat() if one.goods_by else None,
        "remedies": list(one.remedies),
        "remedy": one.remedy,
        "cost_on": one.cost_on,
        "approve": one.approve,
        "because": [{"rule": reason.rule, "says": reason.says} for reason in one.because],
    }


def _parsed(raw: object) -> tuple[ReturnPreviewDocument, Order, AssumeDocument]:
    """The request and its order, the problems of both named at once."""
    if not isinstance(raw, dict):
        raise Invalid([Problem("return", "Must be an object.")])
    problems: list[Problem] = []
    asked: ReturnPreviewDocument | None = None
    parsed: tuple[Order, AssumeDocument] | None = None
    try:
        asked = ReturnPreviewDocument.model_validate(raw)
    except ValidationError as error:
        problems += problems_of(error)
    if isinstance(raw.get("order"), dict):
        try:
            parsed = parse_preview(raw["order"])
        except Invalid as invalid:
            problems += [_of_order(one) for one in invalid.problems]
    if asked is None or parsed is None or problems:
        raise Invalid(problems)
    return asked, *parsed


def _of_order(problem: Problem) -> Problem:
    return problem if problem.field == "order" else Problem(f"order.{problem.field}", problem.message)


def _out_of_sequence(asked: ReturnPreviewDocument, order: Order) -> Iterator[Problem]:
    """An order is placed, leaves, and arrives."""
    if asked.dispatched_at is None and asked.delivered_at is not None:
        yield Problem("dispatched_at", "What was delivered has left; say when.")
    if asked.dispatched_at is not None and asked.dispatched_at < order.placed_at:
        yield Problem("dispatched_at", "Must not be before the order's placed_at.")
    if asked.dispatched_at is not None and asked.delivered_at is not None and asked.delivered_at < asked.dispatched_at:
        yield Problem("delivered_at", "Must not be before dispatched_at.")


def _sold(order: Order, asked: ReturnPreviewDocument, assume: AssumeDocument, shop: Shop) -> Sold:
    """The order as it was sold, all of it in one parcel."""
    order = as_sold(order, shop)
    used = order.points_use if isinstance(order.points_use, int) else 0
    breakdown = price(order, shop, balance=max(used, assume.points_balance), rank=assume.rank)
    lines = {line.line: _sold_line(line.quantity, order, asked, shop) for line in order.lines}
    return Sold(order, breakdown, order.placed_at, order.method, lines, lots=_earned(breakdown, order.placed_at))


def _sold_line(quantity: int, order: Order, asked: ReturnPreviewDocument, shop: Shop) -> SoldLine:
    if asked.dispatched_at is None:
        return SoldLine(shipped=0)
    left_on = in_japan(asked.dispatched_at).date()
    return SoldLine(
        shipped=quantity,
        dispatched_on=left_on,
        delivered_on=in_japan(asked.delivered_at).date() if asked.delivered_at else None,
        arrives_on=arrives_on(left_on, order.ship_to.region, shop, order.delivery_date),
    )


def _earned(breakdown: Breakdown, at: datetime) -> tuple[Lot, ...]:
    """One lot of all that the order earned, not spent."""
    points = breakdown.points_earned
    return (Lot(1, None, "purchase", None, 0, False, points, points, 0, 0, 0, "valid", None, at),)
