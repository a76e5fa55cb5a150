"""The one judgement of a return (返品の可否, A.12, A.16): who may return what, how many, until when, at whose cost and with which
remedies, and what it gives back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Final

from pipelines.errors import Problem
from pipelines.rules.explain import Because, says
from pipelines.rules.order import Line
from pipelines.rules.returns.case import AskedLine, Judgement, LineJudgement, Reason, Remedy, Sold, SoldLine
from pipelines.rules.returns.clocks import deadline, goods_by
from pipelines.rules.returns.settlement import KIND, return_fee, settle, with_tax
from pipelines.values.calendar import in_japan

if TYPE_CHECKING:
    from pipelines.shops import Shop
    from pipelines.shops.returning import ReturnTerms

_NOT_LEFT: Final = SoldLine(shipped=0)
#: What is cited where a shop has no terms for a reason.
_RULE: Final = "RET"


def judge(sold: Sold, shop: Shop, asked: Sequence[AskedLine], at: datetime) -> Judgement:
    """Who may return what of ``asked`` at ``at`` (aware), and what it gives back.

    A line is looked at beside those before it: together they cannot have more pieces than are with the customer. What is
    wrong with the request is a problem, and its line is not allowed; what the terms refuse is no problem, but a reason.
    """
    faults = dict(_faults(sold, shop, asked))
    known = {line.line: line for line in sold.order.lines}
    lines = tuple(
        _judged(sold, shop, known.get(one.line), one, at, faults.get(index)) for index, one in enumerate(asked)
    )
    allowed = [one for one in lines if one.allowed]
    return Judgement(lines, settle(sold, shop, allowed, at) if allowed else None, tuple(faults.values()))


def options(sold: Sold, shop: Shop, at: datetime) -> tuple[LineJudgement, ...]:
    """The answer for every line with pieces that may still be asked for, under every reason the shop accepts, of goods in the
    condition that it asks for."""
    return tuple(
        _judged(sold, shop, line, AskedLine(line.line, left, reason, tuple(terms.required_conditions)), at)
        for line in sold.order.lines
        if (left := sold.lines.get(line.line, _NOT_LEFT).left) > 0
        for reason in Reason
        if (terms := shop.returns.terms_for(reason)) is not None
    )


def _faults(sold: Sold, shop: Shop, asked: Sequence[AskedLine]) -> Iterator[tuple[int, Problem]]:
    """What is wrong with the request, by the place of the line in it."""
    known, so_far = {line.line for line in sold.order.lines}, Counter[str]()
    for index, one in enumerate(asked):
        left = max(0, sold.lines.get(one.line, _NOT_LEFT).left)
        terms = shop.returns.terms_for(one.reason)
        so_far[one.line] += one.quantity
        if one.line not in known:
            yield index, Problem(f"lines[{index}].line", f"The order has no line {one.line}.")
        elif one.quantity < 1:
            yield index, Problem(f"lines[{index}].quantity", "At least 1 piece.")
        elif so_far[one.line] > left:
            yield index, Problem(f"lines[{index}].quantity", says("return.fewer_left", sold.order.locale, left=left))
        elif one.remedy is not None and terms is not None and one.remedy not in terms.remedies:
            there_is = ", ".join(terms.remedies)
            yield index, Problem(f"lines[{index}].remedy", f"For this reason there is {there_is}.")


def _judged(
    sold: Sold, shop: Shop, line: Line | None, asked: AskedLine, at: datetime, fault: Problem | None = None
) -> LineJudgement:
    terms, where = shop.returns.terms_for(asked.reason), sold.lines.get(asked.line, _NOT_LEFT)
    if terms is None:
        return _not_accepted(sold, asked)
    if line is None:
        return _answer(asked, terms, [Because(terms.rule, fault.message)] if fault else [])
    if where.dispatched_on is None or not where.shipped or in_japan(at).date() < where.dispatched_on:
        return _answer(asked, terms, [_because(terms.rule, sold, "return.not_left")])
    until, back = deadline(sold, line, where, terms, shop), goods_by(sold, where, terms, shop)
    refusals = [until.too_late] if until.until is not None and in_japan(at).date() > until.until else []
    refusals += _refusals(sold, line, where, asked, terms)
    if fault is not None:
        refusals.append(Because(terms.rule, fault.message))
    goods = back[0] if back else None
    if refusals:
        return _answer(asked, terms, refusals, until.until, goods)
    remedy = asked.remedy or Remedy(terms.remedies[0])
    reasons = [until.in_time, *([back[1]] if back else []), *_says(sold, shop, line, asked, terms, remedy)]
    return _answer(asked, terms, reasons, until.until, goods, remedy)


def _not_accepted(sold: Sold, asked: AskedLine) -> LineJudgement:
    """A reason of which the shop has no terms."""
    because = (_because(_RULE, sold, "return.reason"),)
    return LineJudgement(
        asked.line, asked.quantity, asked.reason, False, None, None, (), None, "customer", "human", because
    )


def _answer(
    asked: AskedLine,
    terms: ReturnTerms,
    because: Sequence[Because],
    apply_by: date | None = None,
    goods_back_by: date | None = None,
    remedy: Remedy | None = None,
) -> LineJudgement:
    """What the terms say; it is allowed where there is a ``remedy``."""
    return LineJudgement(
        asked.line,
        asked.quantity,
        asked.reason,
        remedy is not None,
        apply_by,
        goods_back_by,
        tuple(Remedy(one) for one in terms.remedies),
        remedy,
        terms.cost_on,
        terms.approve,
        tuple(because),
    )


def _refusals(sold: Sold, line: Line, where: SoldLine, asked: AskedLine, terms: ReturnTerms) -> Iterator[Because]:
    """Why the terms refuse these goods, whatever the day."""
    locale = sold.order.locale
    if where.left <= 0:
        yield _because(terms.rule, sold, "return.none_left")
    for flag in sorted(line.flags & set(terms.refused_flags)):
        yield Because(terms.rule, says("return.flag", locale, flag=flag))
    for condition in [one for one in terms.refused_conditions if one in asked.condition]:
        yield Because(terms.rule, says("return.condition", locale, condition=says(f"return.is.{condition}", locale)))
    for condition in [one for one in terms.required_conditions if one not in asked.condition]:
        yield Because(terms.rule, says("return.required", locale, condition=says(f"return.is.{condition}", locale)))
    if terms.maximum_price is not None and line.unit_price > terms.maximum_price:
        yield Because(terms.rule, says("return.price", locale, most=terms.maximum_price))
    if terms.methods and sold.method not in terms.methods:
        yield _because(terms.rule, sold, "return.method")


def _says(
    sold: Sold,
    shop: Shop,
    line: Line,
    asked: AskedLine,
    terms: ReturnTerms,
    remedy: Remedy,
) -> Iterator[Because]:
    """What holds of a return that is allowed."""
    locale, kind = sold.order.locale, KIND[terms.cost_on]
    if not shop.returns.terms:
        yield _because(terms.rule, sold, "return.statutory")
    yield _because(terms.rule, sold, f"return.cost.{terms.cost_on}")
    if remedy != Remedy.REPLACEMENT and (fee := return_fee(shop, kind)):
        yield Because("TAX-05", says("return.fee", locale, fee=with_tax(sold, fee)))
    if remedy == Remedy.EXCHANGE and terms.exchange_for == "equal_or_higher":
        yield Because(terms.rule, says("return.exchange_for", locale, least=line.unit_price * asked.quantity))
    if remedy == Remedy.REFUND and sold.used_coupons and kind in sold.breakdown.rules.coupon_recovery:
        yield _because("CPN-04", sold, "return.coupon")


def _because(rule: str, sold: Sold, key: str) -> Because:
    return Because(rule, says(key, sold.order.locale))
