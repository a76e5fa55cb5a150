"""What was there before orders came in, looked up for a whole group of them: points, ranks, coupons, items."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Self

from sqlalchemy import Connection

from models.store import coupons, customers, items, orders, posted_coupons
from models.store.coupons import CouponKey
from models.store.customers import AccountRow, CustomerKey, MailboxRow
from models.store.items import ItemKey
from models.store.orders import OrderKey
from models.store.posted_coupons import CodeKey, CodeRow
from pipelines.engine.gather import loads_of, with_capacity
from pipelines.engine.ledger import Ledger
from pipelines.orders.document import AssumeDocument, content_of
from pipelines.orders.judgement import Judgement, Known
from pipelines.orders.plan import Assume
from pipelines.ranks import stored_ranks
from pipelines.rules.dates.capacity import Load
from pipelines.rules.marks import KEPT, Mark
from pipelines.rules.money.coupons import MadeCode, is_made_here
from pipelines.rules.one_of_a_kind import as_sold, items_of
from pipelines.rules.order import Order
from pipelines.shops import Shop
from pipelines.values.calendar import JST
from pipelines.values.coupon_key import coupon_key
from pipelines.values.mail_address import mailbox_key


@dataclass(slots=True)
class Before:
    """What was there before; the orders that are taken are added, so that later ones of the group see them.

    ``usable`` are points by customer, ``ranks`` by (shop, customer, day of purchase), ``owners`` the accounts by mailbox where a
    mailbox is one account's.
    """

    usable: dict[CustomerKey, int]
    ranks: dict[tuple[str, str, date], str]
    taken_items: set[ItemKey]
    used_coupons: set[CouponKey]
    accounts: dict[CustomerKey, AccountRow]
    owners: dict[MailboxRow, str]
    made_codes: dict[CodeKey, MadeCode]

    @classmethod
    def of(
        cls, connection: Connection, shops: Mapping[str, Shop], group: Sequence[Order], usable: dict[CustomerKey, int]
    ) -> Self:
        """Look up what concerns ``group``; ``usable`` has the points of those in `spending`."""
        known = [order for order in group if order.shop in shops]
        wanted = {ItemKey(o.shop, sku) for o in known for sku in items_of(as_sold(o, shops[o.shop]))}
        used = {coupon for order in known for coupon in _coupons_of(order)}
        members = [CustomerKey(o.shop, o.customer.id) for o in known if o.customer.id]
        owned = customers.owners(connection, mailboxes_of(known, shops))
        return cls(
            usable,
            stored_ranks(connection, shops, [(o.shop, o.customer.id, o.placed_at) for o in known]),
            set(items.taken(connection, sorted(wanted))),
            set(coupons.used(connection, sorted(used))),
            {CustomerKey(one.shop, one.customer_id): one for one in customers.accounts(connection, members)},
            {MailboxRow(one.shop, one.mailbox): one.customer_id for one in reversed(owned)},
            {CodeKey(one.shop, one.code_key): _made(one) for one in posted_coupons.known(connection, _made_here(used))},
        )

    def known(self, order: Order, now: datetime) -> Known:
        """What is known beside ``order``.

        RNK-06: the rank of the day of purchase; the storefront's word counts only for a customer without a history.
        """
        customer = CustomerKey(order.shop, order.customer.id)
        account = self.accounts.get(customer)
        owner = self.owners.get(_mailbox_of(order), order.customer.id) if self.owners else order.customer.id
        return Known(
            now,
            self.usable.get(customer, 0),
            self.ranks.get((order.shop, order.customer.id, order.placed_at.astimezone(JST).date())),
            {coupon.code_key for coupon in _coupons_of(order) & self.used_coupons},
            {line.sku for line in order.lines if (order.shop, line.sku) in self.taken_items},
            account.allowed_methods if account else None,
            account.withdrawn_at if account else None,
            account is None and owner != order.customer.id,
            self._made_codes(order) if self.made_codes else {},
        )

    def _made_codes(self, order: Order) -> dict[str, MadeCode]:
        keys = {coupon_key(coupon.code) for coupon in order.coupons}
        return {key: made for key in keys if (made := self.made_codes.get(CodeKey(order.shop, key)))}

    def add(self, judged: Judgement, shop: Shop) -> None:
        """An order is taken."""
        order, sums = judged.order, judged.breakdown
        customer = CustomerKey(order.shop, order.customer.id)
        self.accounts.setdefault(customer, AccountRow(*customer, None, None))
        for mailbox in mailboxes_of([order], {shop.key: shop}):
            self.owners.setdefault(mailbox, order.customer.id)
        self.used_coupons |= _coupons_of(order)
        for key in _made_here(_coupons_of(order)):
            self.made_codes[key] = replace(self.made_codes[key], is_used=True)
        self.taken_items |= {ItemKey(order.shop, sku) for sku in items_of(order)}
        self.usable[customer] = self.usable.get(customer, 0) + sums.coupon_points - sums.points_used


def mailboxes_of(group: Iterable[Order], shops: Mapping[str, Shop]) -> list[MailboxRow]:
    """The mailboxes of members at shops where a mailbox is one account's (INT-01)."""
    return sorted(
        {
            _mailbox_of(order)
            for order in group
            if order.customer.id and order.shop in shops and shops[order.shop].intake.one_account_per_mailbox
        }
    )


def _mailbox_of(order: Order) -> MailboxRow:
    return MailboxRow(order.shop, mailbox_key(order.customer.email))


def spending(group: Iterable[Order]) -> set[CustomerKey]:
    """The customers who want to use points, or bring a coupon of points."""
    return {
        CustomerKey(order.shop, order.customer.id)
        for order in group
        if order.customer.id and (order.points_use or any(coupon.kind == "points" for coupon in order.coupons))
    }


def usable_points(ledger: Ledger, customers: Iterable[CustomerKey]) -> dict[CustomerKey, int]:
    """What customers whose purses ``ledger`` has read can spend now."""
    return {one: ledger.purse(one.shop, one.customer_id).usable(ledger.now) for one in customers}


def _coupons_of(order: Order) -> set[CouponKey]:
    """A member's coupons; a guest's are nobody's (A.10)."""
    customer = order.customer.id
    return {CouponKey(order.shop, customer, coupon_key(coupon.code)) for coupon in order.coupons} if customer else set()


def _made_here(used: Iterable[CouponKey]) -> list[CodeKey]:
    """Those of the codes that have the form of the shops' own."""
    return sorted({CodeKey(one.shop, one.code_key) for one in used if is_made_here(one.code_key)})


def _made(row: CodeRow) -> MadeCode:
    return MadeCode(row.customer_id, row.points, row.expires_at, row.is_used)


def as_it_stands(connection: Connection, shops: Mapping[str, Shop], order: Order, told: AssumeDocument) -> Assume:
    """What a plan of ``order`` takes for granted: what the request tells, else what intake would find. Locks nothing."""
    now = told.now or order.placed_at
    wanted, ledger = spending([order]), Ledger(connection, now)
    ledger.read(wanted)
    known = Before.of(connection, shops, [order], usable_points(ledger, wanted)).known(order, now)
    given = told.model_fields_set
    return Assume(
        told.paid_at,
        told.points_balance if "points_balance" in given else known.balance,
        told.rank if told.rank is not None else known.rank,
        told.now,
        tuple(told.used_coupons if "used_coupons" in given else known.used_coupons),
        tuple(known.taken_items),
        _number_taken(connection, order),
        known.allowed_methods,
        known.withdrawn_at,
        known.shares_mailbox,
        tuple(_marks(connection, order, now)),
        known.made_codes,
        _load(connection, shops, order, now),
    )


def _load(connection: Connection, shops: Mapping[str, Shop], order: Order, now: datetime) -> Load:
    """What leaves already at those of the shop's suppliers that have a capacity; for the others nothing is asked."""
    limited = with_capacity({order.shop: shops[order.shop]})
    return loads_of(connection, limited, now).get(order.shop, Load())


def _marks(connection: Connection, order: Order, now: datetime) -> Iterator[Mark]:
    """What is counted of the order's customer (INT-14)."""
    asked = [CustomerKey(order.shop, order.customer.id)] if order.customer.id else []
    for row in customers.marks(connection, asked, since=now - KEPT):
        yield Mark(row.kind, row.at, row.source)


def _number_taken(connection: Connection, order: Order) -> str | None:
    """Why no new order can come under the number (INT-18)."""
    stands = next(iter(orders.known(connection, [OrderKey(order.shop, order.number)])), None)
    if stands is None:
        return None
    if stands.content_hash == content_of(order).hash:
        return "This very order is accepted already; sending it again changes nothing."
    return "An order of this number is accepted already, with other content; use a new number."
