"""Erasing a person (個人情報の消去): what the rows of one customer say of a person is replaced; money, points and history stay.

The books know a customer by the storefront's own number, which stays: it leads to nobody here any more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import orjson
from sqlalchemy import Connection

from models.mail_packing import unpack
from models.store import customers, deposits, erasures
from models.store.customers import CustomerKey
from models.store.erasures import ExchangedRow, FactsRow, MailIdRow, OrderOfRow, PieceRow
from pipelines.engine.ledger import Ledger
from pipelines.rules.deposits import number_key
from pipelines.values.payer_name import payer_name

#: What names a person, or where they live, of an order's ``customer`` and ``ship_to``.
_NAMES: Final = ("name", "email")
_PLACES: Final = ("name", "city", "line1", "line2", "phone")
#: Shorter ones stand in texts by chance.
_SHORTEST: Final = 2
_GONE: Final = "…"


def erase(ledger: Ledger, key: CustomerKey, orders: Sequence[OrderOfRow]) -> Counter[str]:
    """Replace what is personal of a customer, all of whose ``orders`` have ended and are locked; how many rows of what.

    The balance is opened and closed: whoever is forgotten has withdrawn (CON-06).
    """
    connection, ids = ledger.connection, [order.id for order in orders]
    ledger.open([key], opening=True)
    known = customers.customer(connection, key.shop, key.customer_id, lock=True)
    before = erasures.former_addresses(connection, ids)
    people = [*(order.customer for order in orders), *([known._asdict()] if known else [])]
    emails = sorted({one["email"] for one in people if one["email"]})
    held, reached = erasures.facts_of(connection, ids), erasures.mailed_to(connection, ids)
    pieces = pieces_of(
        people, [*(order.ship_to for order in orders), *before], [order.remarks for order in orders], held
    )
    found = Counter(erasures.erase_orders(connection, ids, emails))
    for piece in pieces:
        found["texts"] += erasures.replace_in_reasons(connection, key, piece)
    found.update(take_out(connection, dict.fromkeys(ids, pieces), held))
    strays = erasures.stray_mails(connection, sorted({*emails, *reached}))
    found["mails"] += erasures.erase_mails(connection, _of_shop(strays, key.shop))
    phones = {one["phone"] for one in (*(order.ship_to for order in orders), *before) if one.get("phone")}
    found.update(erasures.erase_strays(connection, key, [_in_json(one) for one in (*emails, *sorted(phones))]))
    found["payers"] += deposits.erase_payers(connection, _payers(people, orders), _numbers(orders))
    if known is not None and known.withdrawn_at is None:
        ledger.close(key)
    found.update(erasures.erase_account(connection, key, ledger.now))
    ledger.write()
    return +found


def take_out(
    connection: Connection, pieces: Mapping[int, Sequence[str]], held: Iterable[FactsRow]
) -> Mapping[str, int]:
    """Take out of what is said of orders, by id, the pieces that name a person (the longest first) and the words of remarks, which
    ``held``, their holds, quote; how many rows of what."""
    texts = 0
    for rank in range(max(map(len, pieces.values()), default=0)):
        rows = [PieceRow(order, listed[rank]) for order, listed in pieces.items() if rank < len(listed)]
        texts += erasures.replace_in_texts(connection, rows)
    return {
        "texts": texts,
        "holds": erasures.change_facts(connection, list(_facts(held, pieces))),
        "effects": erasures.change_exchanged(
            connection, list(_exchanged(erasures.exchanged(connection, list(pieces)), pieces))
        ),
    }


def pieces_of(
    people: Iterable[Mapping[str, Any]],
    places: Iterable[Mapping[str, Any]],
    remarks: Iterable[str | None],
    held: Iterable[FactsRow],
) -> list[str]:
    """All that names the person or was written by them, the longest first, so that none is left in halves."""
    told = [one.get(name) for one in people for name in _NAMES] + [one.get(name) for one in places for name in _PLACES]
    told += [*remarks, *(word for hold in held for word in _words(hold.facts))]
    return sorted({one for one in told if one and len(one) >= _SHORTEST}, key=lambda one: (-len(one), one))


def _payers(people: Iterable[Mapping[str, Any]], orders: Iterable[OrderOfRow]) -> list[str]:
    """The names under which the customer may have sent money, as they are compared with a bank's."""
    told = [*(one["name"] for one in people), *(order.ship_to.get("name") for order in orders)]
    return sorted({payer_name(name) for name in told if name})


def _numbers(orders: Iterable[OrderOfRow]) -> list[str]:
    return sorted({key for order in orders if (key := number_key(order.number))})


def _words(facts: Mapping[str, Any]) -> Sequence[str]:
    """What a hold says of the remarks."""
    words = facts.get("words", ())
    return [words] if isinstance(words, str) else words


def _in_json(text: str) -> str:
    """``text`` as it stands within JSON, in small letters."""
    return orjson.dumps(text).decode().removeprefix('"').removesuffix('"').lower()


def _of_shop(mails: Iterable[erasures.StrayMailRow], shop: str) -> list[MailIdRow]:
    """Those mails that this shop sent: another's customer may have the same mailbox."""
    header = f"\r\nX-Shukka-Shop: {shop}\r\n".encode()
    return [MailIdRow(mail.id) for mail in mails if header in unpack(mail.packed)]


def _facts(holds: Iterable[FactsRow], pieces: Mapping[int, Sequence[str]]) -> Iterator[FactsRow]:
    """Holds without the words of remarks, and without the person."""
    for hold in holds:
        words = {"words": _blank(hold.facts["words"])} if "words" in hold.facts else {}
        facts = _without({**hold.facts, **words}, pieces[hold.order_id])
        if facts != hold.facts:
            yield FactsRow(hold.id, hold.order_id, facts)


def _blank(words: Any) -> Any:
    return [_GONE] * len(words) if isinstance(words, list) else _GONE


def _exchanged(effects: Iterable[ExchangedRow], pieces: Mapping[int, Sequence[str]]) -> Iterator[ExchangedRow]:
    for one in effects:
        named = pieces[one.order_id]
        changed = ExchangedRow(one.id, one.order_id, _without(one.payload, named), _without(one.outcome, named))
        if changed != one:
            yield changed


def _without(value: Any, pieces: Sequence[str]) -> Any:
    """``value``, as JSON has it, with the pieces taken out of its texts; names of fields stay."""
    if isinstance(value, str):
        for piece in pieces:
            value = value.replace(piece, _GONE)
        return value
    if isinstance(value, Mapping):
        return {name: _without(held, pieces) for name, held in value.items()}
    if isinstance(value, list):
        return [_without(held, pieces) for held in value]
    return value
