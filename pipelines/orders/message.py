"""Orders as messages on a broker: the same door as over HTTP, with nobody there to hear the answer.

Nothing that was taken off the queue may be dropped: what is not accepted is kept with its reasons, and reported by
``order.refused``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

import orjson
from sqlalchemy import Engine

from models.store.orders import RefusedOrderRow
from pipelines.engine.admit import keep_refused
from pipelines.errors import Invalid, Problem, Raced
from pipelines.orders.document import parse_order, told_number
from pipelines.orders.intake import Ending, Submission, take_in
from pipelines.orders.schema import MOST_BYTES
from pipelines.ports import Clock
from pipelines.shops import Shop
from pipelines.values.card_number import masked
from pipelines.values.storable import Unstorable, check, storable

_LONGEST_NAME = 64


def take_in_or_keep(engine: Engine, shops: Mapping[str, Shop], clock: Clock, raw: object) -> tuple[Problem, ...]:
    """Accept an order, or keep it; the reasons it was refused for, none if it was accepted or is known.

    Raises what the database raises when it is away, and Raced where others are in the way: the same again will do. Nothing
    else, whatever ``raw`` is.
    """
    try:
        check(raw)
        if len(orjson.dumps(raw)) > MOST_BYTES:
            raise Unstorable(f"It is larger than {MOST_BYTES} bytes.")
        order = parse_order(raw)
    except Unstorable as why:
        problems: tuple[Problem, ...] = (Problem("order", str(why)),)
    except Invalid as refused:
        problems = refused.problems
    else:
        (answer,) = take_in(engine, shops, clock, [Submission(order)])
        if answer.ending in (Ending.ACCEPTED, Ending.REPEATED):
            return ()
        if answer.ending == Ending.BUSY:
            raise Raced
        field = "number" if answer.ending == Ending.CONFLICT else "order"
        problems = answer.problems or (Problem(field, answer.detail),)
    keep(engine, clock, raw, problems)
    return problems


def keep(engine: Engine, clock: Clock, raw: object, problems: Sequence[Problem]) -> None:
    """Keep what came as an order and was refused, once, without card numbers and the gateway's token, which nobody needs any
    more; of more than an order's bytes only its shop and number are kept."""
    shown = storable(raw)
    named: Mapping[str, Any] = shown if isinstance(shown, dict) else {}
    shop, number = _name(masked(named.get("shop"))), told_number(named.get("number"))
    written = orjson.dumps(shown, option=orjson.OPT_SORT_KEYS)
    document = masked(_without_tokens(shown)) if len(written) <= MOST_BYTES else {"shop": shop, "number": number}
    listed = [{"field": p.field, "message": p.message} for p in problems]
    with engine.begin() as connection:
        keep_refused(
            connection, RefusedOrderRow(sha256(written).digest(), shop, number, listed, document or {}, clock.now())
        )


def _without_tokens(shown: object) -> Any:
    """``shown`` without the gateway's tokens, wherever an order stands in it."""
    if isinstance(shown, list):
        return [_without_tokens(one) for one in shown]
    if isinstance(shown, dict):
        return {name: _without_tokens(held) for name, held in shown.items() if name != "token"}
    return shown


def _name(value: object) -> str | None:
    return value[:_LONGEST_NAME] if isinstance(value, str) else None
