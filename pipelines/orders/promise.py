"""The contract's Promise: what may be asked, and the answer as JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeVar

from pydantic import ValidationError

from pipelines.errors import Invalid, Problem
from pipelines.orders.document import problems_of
from pipelines.orders.schema import CartDocument, ProductDocument, PromiseDocument
from pipelines.rules.dates.capacity import Load
from pipelines.rules.dates.promise import Promise, Wanted, promises
from pipelines.rules.explain import because
from pipelines.rules.one_of_a_kind import lines_as_sold
from pipelines.rules.order import Line, Pickup
from pipelines.rules.pull_in import first_visit_from, last_visit, takes_visit
from pipelines.shops import Shop
from pipelines.values.calendar import in_japan
from pipelines.values.prefecture import prefecture

LoadOf = Callable[[Shop], Load]
"""What leaves already at the suppliers of a shop that have a capacity."""

_Document = TypeVar("_Document", bound=PromiseDocument)


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered, and the promises it was made of."""

    shop: Shop
    at: datetime
    found: Sequence[Promise]
    document: Mapping[str, Any]


def asked_of(raw: object) -> ProductDocument:
    """The question of a product page; raises ``Invalid`` naming each wrong parameter."""
    return _validated(ProductDocument, raw)


def cart_of(raw: object) -> CartDocument:
    """The question of a cart; raises ``Invalid`` naming each wrong field."""
    return _validated(CartDocument, raw)


def promise(asked: ProductDocument, shops: Mapping[str, Shop], now: datetime, load_of: LoadOf) -> Answer:
    """The promise of one product at ``now`` (aware), or when it asks; raises ``Invalid`` for a shop, region or method that there
    is not."""
    shop, at = _shop(asked, shops), asked.at or now
    line = Line(
        "1", "", "", 1, 0, supplier=asked.supplier, availability=asked.availability, expected_on=asked.expected_on
    )
    found = promises(_wanted(asked, (line,), shop), shop, at, load_of(shop))
    return Answer(shop, at, found, {"shop": shop.key, **_shown(found[0]), "supplier": asked.supplier})


def cart_promise(asked: CartDocument, shops: Mapping[str, Shop], now: datetime, load_of: LoadOf) -> Answer:
    """One promise a parcel of a cart; raises ``Invalid`` as ``promise`` does."""
    shop, at = _shop(asked, shops), asked.at or now
    lines = tuple(
        Line(
            str(index),
            one.sku,
            "",
            one.quantity,
            0,
            supplier=one.supplier or "",
            availability=one.availability,
            expected_on=one.expected_on,
            flags=frozenset(one.flags),
            weight_g=one.weight_g,
            size_cm=one.size_cm,
        )
        for index, one in enumerate(asked.lines)
    )
    wanted = replace(_wanted(asked, lines, shop), pickup=_pickup(asked, shop, at))
    found = [_seen(one, asked, shop) for one in promises(wanted, shop, at, load_of(shop))]
    parcels = [{**_shown(one), "lines": _lines(one, asked)} for one in found]
    return Answer(
        shop,
        at,
        found,
        {"shop": shop.key, "at": parcels[0]["at"], "parcels": parcels, **_at_store(asked, shop, found, at)},
    )


def unloaded(shop: Shop) -> Load:
    """Nothing leaves yet: where no database is asked."""
    return Load()


def _validated(model: type[_Document], raw: object) -> _Document:
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        raise Invalid(problems_of(error)) from None


def _shop(asked: PromiseDocument, shops: Mapping[str, Shop]) -> Shop:
    shop = shops.get(asked.shop)
    if shop is None:
        raise Invalid([Problem("shop", "There is no shop of this name.")])
    return shop


def _wanted(asked: PromiseDocument, lines: tuple[Line, ...], shop: Shop) -> Wanted:
    wrong = []
    if asked.region and prefecture(asked.region) is None:
        wrong.append(Problem("region", "Is no prefecture; write it as 愛知県, Aichi, Aichi-ken or JP-23."))
    if "method" in asked.model_fields_set and asked.method not in shop.payment.allowed:
        wrong.append(Problem("method", f"This shop takes {', '.join(sorted(shop.payment.allowed))}."))
    if wrong:
        raise Invalid(wrong)
    return Wanted(lines_as_sold(lines, shop), asked.region, asked.method, asked.locale)


def _pickup(asked: CartDocument, shop: Shop, at: datetime) -> Pickup | None:
    """The store that is asked about; without a day, for the last on which it could be visited."""
    if asked.pickup is None:
        return None
    if asked.pickup.store not in shop.stores:
        there_are = ", ".join(shop.stores) or "none"
        raise Invalid([Problem("pickup.store", f"There is no such store; the stores are {there_are}.")])
    return Pickup(asked.pickup.store, asked.pickup.visit_on or last_visit(shop, in_japan(at).date()))


def _seen(one: Promise, asked: CartDocument, shop: Shop) -> Promise:
    """Where no visit was asked about, the reasons say from when the goods can be seen, and nothing of a visit."""
    if asked.pickup is None or asked.pickup.visit_on is not None or one.arrive_on is None:
        return one
    ready = first_visit_from(shop, asked.pickup.store, one.arrive_on)
    why = because("visit.from", asked.locale, ready=ready)
    return replace(one, because=tuple(why if each.rule == why.rule else each for each in one.because))


def _at_store(asked: CartDocument, shop: Shop, found: Sequence[Promise], at: datetime) -> dict[str, Any]:
    """From when the goods can be seen at the store, null where nobody knows, and whether the day that is asked about will do."""
    if asked.pickup is None:
        return {}
    store, visit = asked.pickup.store, asked.pickup.visit_on
    days = [one.arrive_on for one in found if one.arrive_on is not None]
    ready = first_visit_from(shop, store, max(days)) if len(days) == len(found) else None
    possible = None
    if visit is not None:
        possible = ready is not None and ready <= visit and takes_visit(shop, store, visit, in_japan(at).date())
    return {
        "pickup": {
            "store": store,
            "visit_on": visit.isoformat() if visit else None,
            "ready_on": ready.isoformat() if ready else None,
            "possible": possible,
        }
    }


def _shown(one: Promise) -> dict[str, Any]:
    return {
        "supplier": one.part.supplier,
        "at": one.at.isoformat(),
        "dispatch_on": one.dispatch_on.isoformat() if one.dispatch_on else None,
        "arrive_on": one.arrive_on.isoformat() if one.arrive_on else None,
        "order_by": one.order_by.isoformat() if one.order_by else None,
        "seconds_left": one.seconds_left,
        "same_day": one.same_day,
        "because": [{"rule": why.rule, "says": why.says} for why in one.because],
    }


def _lines(one: Promise, asked: CartDocument) -> list[dict[str, Any]]:
    return [
        {"line": int(line), "sku": asked.lines[int(line)].sku, "quantity": quantity}
        for line, quantity in one.part.lines
    ]
