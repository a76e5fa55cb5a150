"""Bank statements come in (入金消込): each transfer becomes its order's deposit, once, or waits for a human to say whose it is.

A row is known by its fingerprint, so that the same file, or two that overlap, book nothing twice.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Engine

from models.store import deposits, inbox
from models.store.deposits import AwaitingRow
from pipelines.engine.inbox import Received, receive
from pipelines.errors import Invalid, Problem
from pipelines.gateway import DEPOSIT
from pipelines.methods import METHODS, LateMoney, Secured
from pipelines.ports import Clock
from pipelines.rules.deposits import Awaiting, Finding, OrderName, Outcome, Transfer, match, number_key, numbers_in
from pipelines.shops import Shop
from pipelines.statements.statement import Account, Movement, Statement, broken, fingerprints
from pipelines.values.calendar import JST
from pipelines.values.money import MOST_YEN
from pipelines.values.payer_name import payer_name

SOURCE: Final = "gateway:bank"
"""Who tells of them: the same as a bank that sends notices."""
#: How long after an order its number is still looked for in what a payer wrote.
_PAST: Final = timedelta(days=400)


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of a statement: ``rows`` in it, transfers that were ``known``, and what is found of each new one, in the order
    in which they were booked."""

    rows: int
    known: int
    found: tuple[tuple[Movement, Finding], ...]


def import_statement(
    engine: Engine,
    clock: Clock,
    shops: Mapping[str, Shop],
    statement: Statement,
    *,
    account: str | None = None,
    dry_run: bool = False,
) -> Imported:
    """Book a statement's transfers through the inbox, in one transaction; with ``dry_run`` only say what would become of them.

    ``account``: the number of the shop's account, for a file that names none. Raises Invalid for an account that no shop has.
    """
    ours = _Accounts.of(shops, account)
    told = ours.told(statement.rows)
    with engine.begin() as connection:
        if not dry_run:
            deposits.one_at_a_time(connection)
        known = inbox.known(connection, SOURCE, [name for one in told for name in one.names])
        new = [one for one in told if known.isdisjoint(one.names)]
        findings = _find(connection, shops, new)
        stored = [True] * len(new)
        if not dry_run:
            now = clock.now()
            events = [_event(one, finding, now) for one, finding in zip(new, findings, strict=True)]
            stored = receive(engine, clock, events)
    found = [(one.row, finding) for one, finding, kept in zip(new, findings, stored, strict=True) if kept]
    return Imported(len(statement.rows), len(told) - len(found), tuple(found))


@dataclass(frozen=True, slots=True)
class _Told:
    """A row that is asked about: the id of its event, all ids under which it may have come in, and the shops whose it can be."""

    row: Movement
    event_id: str
    names: frozenset[str]
    shops: frozenset[str]


def _is_asked(row: Movement) -> bool:
    """Whether it is money that came in, or something that a human must see; what the shop paid is its own affair."""
    return row.doubt is not None or (row.amount or 0) > 0


@dataclass(frozen=True, slots=True)
class _Accounts:
    """The shops' accounts for transfers; ``chosen`` is the number of the one that a file is of which names none, "" for any."""

    shops: Mapping[str, Shop]
    chosen: str

    @classmethod
    def of(cls, shops: Mapping[str, Shop], account: str | None) -> _Accounts:
        """The accounts of the profiles. Raises Invalid for an ``account`` that is none of them."""
        ours = {key: shop for key, shop in shops.items() if shop.payment.bank is not None}
        numbers = sorted({_number(shop) for shop in ours.values()})
        if account is not None and account not in numbers:
            raise Invalid(
                [Problem("--account", f"no shop has it; payment.bank.number of the profiles: {', '.join(numbers)}")]
            )
        return cls(ours, account or ("".join(numbers) if len(numbers) == 1 else ""))

    def told(self, rows: Sequence[Movement]) -> list[_Told]:
        """The rows that are asked about. One of a file that names no account may have been read without it before."""
        others = {""} if self.chosen else {_number(shop) for shop in self.shops.values()}
        names = zip(*(_event_ids(rows, account) for account in {self.chosen, *others}), strict=True)
        return [
            _Told(row, event_id, frozenset(all_), self.shops_of(row))
            for row, event_id, all_ in zip(rows, _event_ids(rows, self.chosen), names, strict=True)
            if _is_asked(row)
        ]

    def shops_of(self, row: Movement) -> frozenset[str]:
        """The shops whose orders the row may be for. Raises Invalid for an account that is none of theirs."""
        if row.account is None:
            return frozenset(key for key, shop in self.shops.items() if self.chosen in ("", _number(shop)))
        found = frozenset(key for key, shop in self.shops.items() if self._is_of(row.account, shop))
        if not found:
            raise broken(
                f"its account {row.account.branch}-{row.account.number} is no shop's (payment.bank of the profiles)"
            )
        return found

    def _is_of(self, account: Account, shop: Shop) -> bool:
        assert shop.payment.bank is not None
        branch = re.search(r"\d{3}", shop.payment.bank.branch)
        number = account.number.lstrip("0") == _number(shop).lstrip("0") and self.chosen in ("", _number(shop))
        return number and (branch is None or branch.group() == account.branch)


def _number(shop: Shop) -> str:
    return shop.payment.bank.number if shop.payment.bank else ""


def _event_ids(rows: Sequence[Movement], account: str) -> list[str]:
    return [f"statement:{one}" for one in fingerprints(rows, account)]


def _find(connection: Connection, shops: Mapping[str, Shop], new: Sequence[_Told]) -> list[Finding]:
    """What is found of each row; the orders are read at once for all of them."""
    if not new:
        return []
    asked = sorted(frozenset().union(*(one.shops for one in new)))
    waiting = [_awaiting(one) for one in deposits.waiting(connection, asked, _methods())]
    numbers = frozenset().union(*(numbers_in(one.row.text) for one in new))
    past = numbers - {number_key(one.order.number) for one in waiting}
    others = [_awaiting(one) for one in deposits.numbered(connection, asked, sorted(past), _since(new))]
    tolerance = {key: shop.payment.transfer_tolerance for key, shop in shops.items()}
    found: dict[int, Finding] = {}
    for scope in {one.shops for one in new}:
        places = [place for place, one in enumerate(new) if one.shops == scope]
        found |= zip(
            places,
            match(
                [_transfer(new[place].row) for place in places],
                [one for one in waiting if one.order.shop in scope],
                [one for one in others if one.order.shop in scope],
                tolerance,
            ),
            strict=True,
        )
    return [found[place] for place in range(len(new))]


def _methods() -> list[str]:
    """The methods whose money comes to the shop's own account."""
    return [
        one.name
        for one in METHODS.values()
        if one.secured_by is Secured.PAYMENT and one.late_money is not LateMoney.HUMAN and not one.needs_gateway
    ]


def _since(new: Sequence[_Told]) -> datetime:
    """From when on an order may be what a payer speaks of."""
    days = [one.row.booked_on for one in new if one.row.booked_on is not None]
    return datetime.combine(min(days, default=date.max) - _PAST, time(), JST)


def _awaiting(row: AwaitingRow) -> Awaiting:
    names = tuple(name for name in (row.customer, row.recipient) if name)
    return Awaiting(OrderName(row.shop, row.number), row.due, row.paid, names, row.account)


def _transfer(row: Movement) -> Transfer:
    doubt = row.doubt
    if doubt is None and (row.amount or 0) > MOST_YEN:
        doubt = "it is more than any order may come to"
    return Transfer(row.amount or 0, row.text, row.payer, doubt)


def _event(told: _Told, finding: Finding, now: datetime) -> Received:
    """The deposit for the inbox. Of who sent it only what no order has keeps something, for the operator who finds its order."""
    row = told.row
    body: dict[str, Any] = {"reference": row.reference}
    if row.amount is not None:
        body["amount" if row.amount > 0 else "taken_back"] = abs(row.amount)
    if row.booked_on is not None:
        body["booked_on"] = row.booked_on.isoformat()
    if finding.outcome is Outcome.UNKNOWN:
        body |= {"text": row.text, "payer": payer_name(row.payer), "numbers": sorted(numbers_in(row.text))}
    return Received(
        source=SOURCE,
        event_id=told.event_id,
        type=DEPOSIT,
        body=body,
        at=datetime.combine(row.booked_on, time(), JST) if row.booked_on else now,
        order=finding.order,
        fault=finding.because if finding.outcome is Outcome.UNKNOWN else None,
    )
