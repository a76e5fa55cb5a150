"""What a shop refuses in an order that is otherwise one (A.1, A.2, A.6, A.10): every problem, each with the way out."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from pipelines.errors import Problem
from pipelines.methods import METHODS, Asks, Method
from pipelines.rules.dates.cutoff import first_visit
from pipelines.rules.money.breakdown import Breakdown
from pipelines.rules.money.coupons import NO_CODES, MadeCode
from pipelines.rules.money.coupons import problems as coupon_problems
from pipelines.rules.order import TO_BE_NAMED, Order
from pipelines.rules.pull_in import problems as pull_in_problems
from pipelines.values.calendar import in_japan
from pipelines.values.card_number import find_card_number
from pipelines.values.mail_address import check as check_mail_address
from pipelines.values.moment import too_far_ahead
from pipelines.values.money import MOST_YEN
from pipelines.values.postal_code import postal_code
from pipelines.values.prefecture import prefecture

if TYPE_CHECKING:
    from pipelines.shops import Shop

#: Stands between texts that are looked through as one: digits on either side of a letter are two numbers.
_APART: Final = "x"


@dataclass(frozen=True, slots=True)
class _Case:
    order: Order
    shop: Shop
    breakdown: Breakdown
    now: datetime
    balance: int
    rank: str | None
    used_coupons: Collection[str]
    allowed_methods: Collection[str] | None
    withdrawn_at: datetime | None
    made_codes: Mapping[str, MadeCode]


def refusals(
    order: Order,
    shop: Shop,
    breakdown: Breakdown,
    *,
    now: datetime,
    balance: int = 0,
    rank: str | None = None,
    used_coupons: Collection[str] = (),
    allowed_methods: Collection[str] | None = None,
    withdrawn_at: datetime | None = None,
    made_codes: Mapping[str, MadeCode] = NO_CODES,
) -> tuple[Problem, ...]:
    """Every problem the shop has with ``order``; empty means it is taken.

    ``breakdown``: the order's own sum. ``now``: the time of the one clock, aware. ``balance``: the customer's valid
    points. ``rank``: the customer's, else the order's own. ``used_coupons``: keys of the codes that the customer used
    before. ``allowed_methods``: what the shop dictates for this customer, narrowing the account's methods (INT-15).
    ``withdrawn_at``: when the customer withdrew (CON-06). ``made_codes``: by key, those of the order's codes that the shop made
    itself (CUT-05).
    """
    case = _Case(order, shop, breakdown, now, balance, rank, used_coupons, allowed_methods, withdrawn_at, made_codes)
    return tuple(problem for check in _CHECKS for problem in check(case))


def _placed_at(case: _Case) -> Iterator[Problem]:
    """An order from the future is the slip of a clock; all that is promised would be counted from it."""
    allowed = timedelta(minutes=case.shop.intake.placed_ahead_minutes)
    if reason := too_far_ahead(case.order.placed_at, case.now, allowed):
        yield Problem("placed_at", reason)


def _channel(case: _Case) -> Iterator[Problem]:
    """INT-06."""
    channels = case.shop.intake.channels
    if case.order.channel not in channels:
        yield Problem("channel", f"This shop takes orders by {_listed(channels)} only.")


def _customer(case: _Case) -> Iterator[Problem]:
    """INT-02, INT-07 and a rank that the shop does not have."""
    who, shop = case.order.customer, case.shop
    if not who.id and not shop.intake.guest_orders:
        yield Problem("customer.id", "This shop takes orders of members only; send the customer number.")
    # under carrier_legacy an order is never dropped for its address; it is sent to in quotes (INT-02)
    if shop.intake.mail_syntax_policy == "strict" and (reason := check_mail_address(who.email, "strict")):
        yield Problem("customer.email", reason)
    if who.rank is not None and shop.rank_rates and who.rank not in shop.rank_rates:
        yield Problem("customer.rank", f"This shop has no such rank; its ranks are {_listed(shop.rank_rates)}.")


def _withdrawn(case: _Case) -> Iterator[Problem]:
    """CON-06: what was ordered before the customer withdrew goes on, without points; nothing is ordered afterwards."""
    at = case.withdrawn_at
    if at is None:
        return
    if case.order.placed_at >= at:
        day = in_japan(at).date().isoformat()
        yield Problem("customer.id", f"This customer withdrew on {day}; send the number of the new account (CON-06).")
    elif case.breakdown.points_used:
        yield Problem("points.use", "Must be 0: the customer withdrew, and the points are void (CON-06).")


def _ship_to(case: _Case) -> Iterator[Problem]:
    yield from ship_to_problems(case.order, case.shop)


def ship_to_problems(order: Order, shop: Shop) -> tuple[Problem, ...]:
    """Every problem the shop has with the address of ``order`` (INT-08); a postal code of another prefecture is no refusal
    (B.9.4)."""
    return tuple(_address(order, shop))


def _address(order: Order, shop: Shop) -> Iterator[Problem]:
    to = order.ship_to
    if not shop.intake.domestic_only or to == TO_BE_NAMED:  # a store that there is not is refused by name
        return
    if to.country != "JP":
        yield Problem("ship_to.country", "This shop ships within Japan only; the country must be JP.")
        return
    if postal_code(to.postal_code) is None:
        yield Problem("ship_to.postal_code", "Must be a Japanese postal code of seven digits such as 460-0008.")
    if prefecture(to.region) is None:
        yield Problem("ship_to.region", "Must be one of the 47 prefectures, such as 愛知県 or Aichi.")


def _lines(case: _Case) -> Iterator[Problem]:
    """INT-05; what one-of-a-kind items refuse is in `one_of_a_kind`."""
    prohibited = case.shop.intake.prohibited_flags
    for index, line in enumerate(case.order.lines):
        if line.flags and (barred := sorted(line.flags.intersection(prohibited))):
            yield Problem(
                f"lines[{index}].flags", f"This shop does not sell {_listed(barred)} products; remove the line."
            )


def _size(case: _Case) -> Iterator[Problem]:
    """More yen than an amount holds in the database are a slip of the storefront's."""
    most = max(case.breakdown.goods, case.breakdown.before_points)
    if most > MOST_YEN:
        yield Problem("lines", f"Come to {most:,} yen; an order may come to {MOST_YEN:,} at most: split it.")


def _card_numbers(case: _Case) -> Iterator[Problem]:
    """INT-17: a card number in any text refuses the order; which number is never said."""
    texts = _texts(case.order)
    if find_card_number(_APART.join(texts.values())):  # one scan for the usual case
        for field, text in texts.items():
            if find_card_number(text):
                yield Problem(field, "Looks like a card number; send the gateway's token instead, never the number.")


def _coupons(case: _Case) -> Iterator[Problem]:
    """A.10."""
    return coupon_problems(
        case.order, case.shop, case.breakdown, rank=case.rank, used=case.used_coupons, made=case.made_codes
    )


def _points(case: _Case) -> Iterator[Problem]:
    """PTS-06: a number beyond the valid balance cannot be used; "all" always can."""
    use = case.order.points_use
    if use in {"all", 0}:
        return
    if not case.order.customer.id:
        yield Problem("points.use", "Must be 0 for a guest, who has no points.")
    elif use != "all" and use > (usable := max(0, case.balance + case.breakdown.coupon_points)):
        yield Problem("points.use", f'Must be at most the {usable:,} valid points of the customer, or "all".')


def _method(case: _Case) -> Iterator[Problem]:
    """PAY-01, PAY-03, INT-15; `none` is the method of an order that points paid in full (PAY-13)."""
    order, total = case.order, case.breakdown.grand_total
    if order.method == "none":
        if total > 0:
            yield Problem("payment.method", f"There are {total:,} yen to pay; choose a payment method.")
        return
    account = order.customer.account
    allowed = case.shop.payment.allowed_to(account)
    if not allowed:
        yield Problem("customer.account", f"This shop has no {account} accounts.")
        return
    if case.allowed_methods is not None and order.method in allowed:
        left = [method for method in allowed if method in case.allowed_methods]
        if order.method not in left:
            choice = f"must be {_listed(left, 'or')}" if left else "no method is left; ask the shop"
            yield Problem(
                "payment.method",
                f"The shop does not take {order.method} from this customer any more; {choice} (INT-15).",
            )
    elif order.method not in allowed:
        choice = f"must be {_listed(allowed, 'or')}" if allowed else "no method is open to this customer; ask the shop"
        yield Problem("payment.method", f"{order.method} is not allowed for a {account} account here; {choice}.")


def _choice(case: _Case) -> Iterator[Problem]:
    """PAY-03, PAY-08: a store chain or a lender that the shop has; without one the gateway's own is taken."""
    chosen, offered = case.order.token, METHODS[case.order.method].choices(case.shop)
    if chosen and offered and chosen not in offered:
        yield Problem("payment.token", f"Must be {_listed(offered, 'or')} for {case.order.method}.")


def _amount(case: _Case) -> Iterator[Problem]:
    """PAY-09, PAY-13, B.6.5: amounts that a method cannot carry."""
    method, total, shop = METHODS[case.order.method], case.breakdown.grand_total, case.shop
    most = method.limit(shop)
    if most is not None and total > most:
        yield Problem("payment.method", method.too_much.format(most=most))
    least = _least(method, shop)
    if 0 < total < least:
        if case.breakdown.points_used:
            message = f"Leaves {total} yen to pay, less than the {least} yen a payment needs; use fewer points."
            yield Problem("points.use", message)
        else:
            yield Problem(
                "payment.method", f"A {method.name} payment needs at least {least} yen; choose another method."
            )


def _least(method: Method, shop: Shop) -> int:
    """The least yen that a gateway is asked for; 0 where none is asked."""
    gateway = shop.gateway_for(method.name)
    if method.asked(gateway) is Asks.NOTHING and not method.needs_gateway:
        return 0
    return shop.least(gateway)


def _delivery(case: _Case) -> Iterator[Problem]:
    """DLV-02; a date too early to be met is no refusal (DLV-04)."""
    order, rules, slots = case.order, case.shop.delivery, case.shop.slots
    if order.delivery_slot is not None and slots is not None and order.delivery_slot not in slots:
        yield Problem("delivery.slot", f"Must be {_listed(slots, 'or')}." if slots else "Must be left out.")
    if order.delivery_date is not None and rules.max_days_ahead:
        last = in_japan(order.placed_at).date() + timedelta(days=rules.max_days_ahead)
        if order.delivery_date > last:
            yield Problem("delivery.date", f"Must not be later than {last.isoformat()}.")


def _pull_in(case: _Case) -> Iterator[Problem]:
    """STO-01."""
    if case.order.pickup is not None:
        yield from pull_in_problems(case.order, case.shop, first_visit(case.order, case.shop, case.now))


def _shown_total(case: _Case) -> Iterator[Problem]:
    """The customer pays what they were shown, or the order is refused."""
    shown, total = case.order.shown_total, case.breakdown.grand_total
    if shown is not None and shown != total:
        yield Problem(
            "totals.grand_total", f"The order comes to {total:,} yen, but the customer was shown {shown:,} yen."
        )


_CHECKS: Final[tuple[Callable[[_Case], Iterator[Problem]], ...]] = (
    _placed_at,
    _channel,
    _customer,
    _withdrawn,
    _ship_to,
    _lines,
    _size,
    _card_numbers,
    _coupons,
    _points,
    _method,
    _choice,
    _amount,
    _delivery,
    _pull_in,
    _shown_total,
)


def _texts(order: Order) -> dict[str, str]:
    """Every text that a storefront, and so a customer, writes freely, by field; the order's own number is not free."""
    who, to = order.customer, order.ship_to
    texts = {
        "channel": order.channel,
        "customer.id": who.id,
        "customer.name": who.name,
        "customer.email": who.email,
        "customer.rank": who.rank or "",
        "ship_to.name": to.name,
        "ship_to.postal_code": to.postal_code,
        "ship_to.region": to.region,
        "ship_to.city": to.city,
        "ship_to.line1": to.line1,
        "ship_to.line2": to.line2,
        "ship_to.phone": to.phone,
        "pickup.store": order.pickup.store if order.pickup else "",
        "payment.token": order.token or "",
        "delivery.slot": order.delivery_slot or "",
        "remarks": order.remarks,
    }
    for index, line in enumerate(order.lines):
        texts[f"lines[{index}].line"] = line.line
        texts[f"lines[{index}].sku"] = line.sku
        texts[f"lines[{index}].name"] = line.name
        texts[f"lines[{index}].supplier"] = line.supplier
        if line.product:
            texts[f"lines[{index}].product"] = line.product
        if line.flags:
            texts[f"lines[{index}].flags"] = _APART.join(line.flags)
    for index, coupon in enumerate(order.coupons):
        texts[f"coupons[{index}].code"] = coupon.code
    return texts


def _listed(words: Collection[str], last: str = "and") -> str:
    *head, tail = words
    return f"{', '.join(head)} {last} {tail}" if head else tail
