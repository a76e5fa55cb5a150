"""Money: the gateway's journal and the bank's against what each order owes, yen for yen and both ways."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import accumulate

from models.states import ALL_LEFT
from workers.audit.books import OrderBook
from workers.audit.journals import Key, Record, name_of
from workers.audit.judge import Evidence, Judge

#: While a human has one of these, what the gateway did and what is due may differ.
_OPEN_QUESTIONS = frozenset(
    {
        "payment_unknown", "payment_differs", "refund_due", "refund_failed", "capture_failed", "void_failed",
        "authorization_ends", "authorization_lost", "unexpected_deposit",
    }
)  # fmt: skip
#: In the cause of a move of money that was seen to at the gateway by hand.
_BY_HAND = "says the operator"


@dataclass
class Card:
    """What the gateway did for one order: yen of each authorization, capture and refund that it made, and what the customer,
    or his lender, ``paid`` it for a slip."""

    authorized: list[int] = field(default_factory=list)
    captured: list[int] = field(default_factory=list)
    paid: list[int] = field(default_factory=list)
    refunded: list[int] = field(default_factory=list)
    is_voided: bool = False
    is_slip: bool = False
    expires_at: str | None = None

    @property
    def taken(self) -> int:
        """Yen that the shop got in all."""
        return sum(self.captured) + sum(self.paid)


def cards(gateway: Sequence[Record]) -> dict[str, Card]:
    """``<shop>/<number>`` -> what was done, from the gateway's journal."""
    found: dict[str, Card] = defaultdict(Card)
    begun: dict[str, Record] = {}
    for record in _operations(gateway):
        answer = record["answer"]
        if record["status"] >= 400:
            continue
        if record["operation"] in ("authorize", "register"):
            begun[answer["id"]] = answer
            card = found[answer["order"]]
            card.is_slip, card.expires_at = record["operation"] == "register", answer.get("expires_at")
            if answer["status"] == "authorized":
                card.authorized.append(answer["amount"])
            continue
        first = begun[answer["authorization"]]
        _follow(found[first["order"]], record["operation"], answer, first["amount"])
    return dict(found)


def _follow(card: Card, operation: str, answer: Record, asked: int) -> None:
    """Enter what happened to a payment over ``asked`` yen."""
    if operation == "void":
        card.is_voided = True
    elif operation == "act":
        if answer["becomes"] == "authorized":
            card.authorized.append(asked)
        elif answer["becomes"] == "captured":
            card.paid.append(answer["amount"])
    else:
        (card.captured if operation == "capture" else card.refunded).append(answer["amount"])


def _operations(gateway: Sequence[Record]) -> list[Record]:
    return [record for record in gateway if record["kind"] == "operation"]


def _once(evidence: Evidence) -> Iterator[str]:
    for key, count in Counter(record["key"] for record in _operations(evidence.journals.gateway)).items():
        if count > 1:
            yield f"{key} was performed {count} times"
    for order, card in cards(evidence.journals.gateway).items():
        if len(card.authorized) > 1:
            yield f"{order} was authorized {len(card.authorized)} times"
        if len(card.captured) > 1:
            yield f"{order} was captured {len(card.captured)} times"


def _earned(evidence: Evidence) -> Iterator[str]:
    shipped = _shipped(evidence.journals.suppliers, evidence.until)
    early = {one.name for one in evidence.books.orders if one.is_early}
    for order, card in cards(evidence.journals.gateway).items():
        if sum(card.captured) > sum(card.authorized):
            yield f"{order} was captured for {sum(card.captured)} yen and authorized for {sum(card.authorized)}"
        if card.captured and order not in shipped and order not in early:
            yield f"{order} was captured and nothing was ever shipped"


def _shipped(suppliers: Sequence[Record], until: datetime) -> set[str]:
    """``<shop>/<number>`` of the orders that a supplier has reported a parcel of, or was about to at ``until``."""
    return {
        f"{record['shop']}/{record['order']}"
        for record in suppliers
        if record["kind"] == "instruction"
        for sending in record.get("plan", ())
        if sending["event"]["type"] == "shipment.shipped" and datetime.fromisoformat(sending["at"]) <= until
    }


def _by_card(evidence: Evidence) -> Iterator[tuple[OrderBook, Card]]:
    """Orders with their cards whose money is settled by now, as far as anybody can say."""
    found = cards(evidence.journals.gateway)
    for order in evidence.books.orders:
        is_open = order.is_busy or order.reasons & _OPEN_QUESTIONS
        if (
            order.name in found
            and not is_open
            and not any(
                _BY_HAND in move.cause for move in order.moved("payment", "captured") + order.moved("payment", "voided")
            )
        ):
            yield order, found[order.name]


def _captures(evidence: Evidence) -> Iterator[str]:
    for order, card in _by_card(evidence):
        # Changes before the capture lessen it, those after it are given back: it is one of these sums.
        sums = {order.money.amount - gone for gone in accumulate((one.money for one in order.changes), initial=0)}
        if order.state in ALL_LEFT and order.due > 0 and not card.taken and not card.is_slip:  # a lender pays later
            yield f"{order.name} has left, and its {order.due} yen were never captured"
        elif card.taken and card.taken not in sums:
            yield f"{order.name} was captured for {card.taken} yen, and {sorted(sums)} is what it came to"


def _says_a_human(order: OrderBook, *states: str) -> bool:
    """Whether an operator had the payment moved to one of ``states`` on his word, whatever the gateway did."""
    return any(_BY_HAND in one.cause for state in states for one in order.moved("payment", state))


def _refunds(evidence: Evidence) -> Iterator[str]:
    for order, card in _by_card(evidence):
        kept = card.taken - sum(card.refunded) - order.money.refunded_by_hand
        if _says_a_human(order, "refunded", "partly_refunded"):
            continue
        if card.taken and order.state in (*ALL_LEFT, "cancelled") and kept != order.due:
            yield f"{order.name}: {kept} yen were kept and {order.due} are the shop's"


def _voids(evidence: Evidence) -> Iterator[str]:
    for order, card in _by_card(evidence):
        has_ended = card.expires_at is not None and datetime.fromisoformat(card.expires_at) <= evidence.until
        is_held = card.authorized and not card.taken and not card.is_voided
        if order.state == "cancelled" and is_held and not has_ended:
            yield f"{order.name} is cancelled, and {sum(card.authorized)} yen are still held on its card"


def _agree(evidence: Evidence) -> Iterator[str]:
    found = cards(evidence.journals.gateway)
    for order in evidence.books.orders:
        money = order.money
        if money.gateway != "sandbox" or order.is_busy or "payment_unknown" in order.reasons:
            continue
        if _says_a_human(order, "captured", "refunded", "partly_refunded"):
            continue
        card = found.get(order.name, Card())
        theirs, ours = (
            (card.taken, sum(card.refunded)),
            (money.captured, money.refunded - money.refunded_by_hand),
        )
        if theirs != ours:
            yield f"{order.name}: the gateway took and gave back {theirs}, and the books say {ours}"


def _deposits(evidence: Evidence) -> Iterator[str]:
    bank, books = evidence.journals.bank, evidence.books.by_key
    delivered = {record["id"] for record in bank if record["kind"] == "delivered"}
    paid: Counter[Key] = Counter()
    for record in bank:
        if record["kind"] == "transfer" and f"deposit:{record['reference']}" in delivered:
            transfer = record["transfer"]
            paid[transfer["shop"], transfer["number"]] += transfer["amount"]
    for key, amount in paid.items():
        if key in books and books[key].held["unexpected_deposit"]:
            continue
        booked = books[key].money.captured if key in books else 0
        if booked != amount:
            yield f"{name_of(key)} paid {amount} yen and the books say {booked}"
    for order in evidence.books.orders:
        if bank and order.method == "bank_transfer" and order.money.captured and order.key not in paid:
            yield f"{order.name}: the books say {order.money.captured} yen, and nobody paid them"


_SETTLING = (
    "orders with an effect or a decision under way, held for a question of money, or settled at the gateway by hand"
)

JUDGES = (
    Judge("gateway_once", "no key is performed twice; an order has one authorization and one capture", _once),
    Judge(
        "captures_earned", "nothing is captured beyond what was authorized, or before goods left", _earned,
        "money that was taken early because its authorization was ending (SPL-04)",
    ),
    Judge("captures_whole", "what has left is captured, for exactly what it came to (PAY-06)", _captures, _SETTLING),
    Judge("refunds_exact", "of what was captured the shop keeps what is due, to the yen", _refunds, _SETTLING),
    Judge("voids_made", "a cancelled order holds nothing on a card (CAN-04)", _voids, _SETTLING),
    Judge("gateway_agrees", "the books say of a payment what its gateway did", _agree, _SETTLING),
    Judge(
        "deposits_booked", "money that the bank told of is in the books, once, and no other is", _deposits,
        "what came in although none was awaited: a human has it or had it (`unexpected_deposit`)",
    ),
)  # fmt: skip
