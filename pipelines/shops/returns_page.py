"""docs/returns.md: how returns are judged, with the terms of the packaged shops drawn from their profiles."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from pipelines.shops.returning import STATUTORY, ReturnTerms, ReturnWindow
from pipelines.shops.shop import Shop

_BEFORE: Final = """# Returns and exchanges

Who may return what, how many, until when, at whose cost, for which remedy, and what it gives back: one pure function answers,
`judge` in `pipelines/rules/returns/judge.py`, and every answer cites the rule it comes from. This page is written by
`python -m pipelines.shops returns`; a test compares.

## The terms of the shops

A shop publishes its terms as data: one `[[returns.terms]]` for each group of reasons ([parameters](shops.md)). A reason that stands in none is
not accepted.

| shop | reasons | to be asked for | goods back | remedies | cost on | approved | not |
|---|---|---|---|---|---|---|---|
"""

_AFTER: Final = """
`defect`, `wrong_item`, `damaged` (on the way), `unwanted` and `not_authentic` are what a customer may say. What the published words leave open is
decided once, in the profile: 300,000 yen and less, one item's price and not the order's; "card" without Amazon Pay and PayPay (A.16.1); at salon
the earliest of purchase and dispatch for the customer's reason, arrival for a defect (A.16.2).

## Days

- The day a window follows is not counted; its last day counts to the end, 24:00 in Japan (B.10). Of several windows the earliest
  ends it; a discontinued product ends it too (`returns.discontinued`, `discontinued_months`).
- Arrival is the day that tracking says. Without, it is the planned day and `delivery.delivered_after_days` more, and the answer says
  that this day was taken for it; goods that left without a plan, as a back-order without a date may, are planned by the days of their
  way (A.16.9).
- A line whose pieces left in several parcels goes by the last of them.
- `apply_by` and `goods_by` are the last days that still count; null is no limit.

## Without terms (RET-09)

A profile without `returns.terms` shows none, and the law's hold: eight days from delivery, the day of delivery counted, which are seven
after it. The buyer bears the cost of sending back what is right; the shop answers for what is not.

## What it gives back

| `cost_on` | change | coupon | fee |
|---|---|---|---|
| `customer` | `return` | its whole discount is recovered once (CPN-04, `coupons.recover_on`) | `returns.customer_fee` with tax, once a request (TAX-05) |
| `shop` | `fault` | stays; the piece gives back what it cost | none |

Only a `refund` gives money and points, by the order's stored spread ([money.md](money.md)): points used go back to their lots (PTS-12), points earned
are taken back, or kept back from the money where they were spent (PTS-13). An `exchange` is an
order of its own for what other goods are dearer, with the fee at the customer's cost; where goods of less value may be taken, what is over is given
in points, never in money. A `replacement` is free. Pieces of one that come back in a return of its own and are refunded, or that cannot leave after
all or were settled undelivered, are `inspected` again in the first order, with each remedy open: what was paid for those goods is that order's money. They are a return of their own
(`RT-...-2`) while others stand replaced. The goods of an exchange are so once nothing of them is left. A request with reasons of both sides is two changes, the shop's fault first.

## Looking at it beforehand

`POST /v1/returns/preview`, and `shukka returns preview FILE` without a service, take an order as in `POST /v1/orders`, when it left and
arrived, and what is asked:

```json
{"order": {"shop": "reuse", "...": "..."}, "dispatched_at": "2026-11-01T15:00:00+09:00", "delivered_at": null,
 "asked_at": "2026-11-11T23:59:59+09:00", "lines": [{"line": "1", "quantity": 1, "reason": "unwanted", "condition": ["unused"]}]}
```

Each line is answered with `allowed`, the days, `remedies`, `cost_on` and `because`; `refund` is what the allowed ones give back together. What the terms
refuse is no error: `because` says why. `problems` names what the order does not have: a line, so many pieces, a remedy of the terms. Nothing is
looked up: the order used the points that it says, and what it earned is still there. `order.assume` is the one of `POST /v1/preview`.
"""


def markdown(shops: Mapping[str, Shop]) -> str:
    """The whole page."""
    rows = [row for key in sorted(shops) for row in _rows(key, shops[key].returns.terms, shops[key])]
    return _BEFORE + "\n".join([*rows, *_rows("(no terms)", STATUTORY, None)]) + "\n" + _AFTER


def _rows(name: str, listed: tuple[ReturnTerms, ...], shop: Shop | None) -> Iterator[str]:
    for one in listed:
        cells = (
            f"{name}, {one.rule}",
            _listed(one.reasons),
            "; ".join(map(_window, one.windows)) + (", the earliest" if len(one.windows) > 1 else "") or "any time",
            _window(one.goods_back) if one.goods_back else "",
            _listed(one.remedies) + (" for equal or higher value" if one.exchange_for == "equal_or_higher" else ""),
            _cost(one, shop),
            "by a person" if one.approve == "human" else "at once",
            "; ".join(_refused(one)),
        )
        yield "| " + " | ".join(cells) + " |"


def _window(window: ReturnWindow) -> str:
    return f"{window.days} days after {window.since}"


def _cost(one: ReturnTerms, shop: Shop | None) -> str:
    fee = shop.returns.customer_fee if shop is not None and one.cost_on == "customer" else 0
    return f"{one.cost_on}, {fee:,} yen ex tax" if fee else one.cost_on


def _refused(one: ReturnTerms) -> Iterator[str]:
    if one.refused_conditions:
        yield f"goods that are {_listed(one.refused_conditions)}"
    if one.required_conditions:
        yield f"goods without {_listed(one.required_conditions)}"
    if one.refused_flags:
        yield f"lines marked {_listed(one.refused_flags)}"
    if one.discontinued_months is not None:
        yield f"{one.discontinued_months} month after it was announced to end"
    if one.maximum_price is not None:
        yield f"above {one.maximum_price:,} yen a piece"
    if one.methods:
        yield f"paid otherwise than by {_listed(one.methods)}"


def _listed(words: tuple[str, ...]) -> str:
    return ", ".join(f"`{word}`" for word in words)
