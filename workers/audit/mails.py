"""Mails: what is called sent has arrived, once, where it should; which mails an order's history asks for is ``letters``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from workers.audit.journals import Record
from workers.audit.judge import Evidence, Judge
from workers.audit.letters import LETTERS, told
from workers.audit.suppliers import reported_parcels

#: To suppliers, or to the shop's operators in their place.
TO_SUPPLIERS = frozenset(
    {"supplier_instruction", "supplier_cancel", "supplier_return", "supplier_overdue", "store_notice"}
)


def repeats(sink: Sequence[Record], kills: Sequence[Record] = ()) -> Iterator[tuple[str, bool]]:
    """(Message-ID, whether its sender cannot know that it had arrived) of every mail that came again.

    That is so of a mail whose connection was cut after its final dot, and of those that were taken over that connection within
    a moment before it (``also``), whose sender may have died before its commit; each cut excuses one copy of each. And of
    those that a process held when it was killed, however long it had tried to record them; each kill excuses one copy of each.
    """
    seen: set[str] = set()
    doubtful: set[str] = set()
    held = Counter(message_id for kill in kills for message_id in kill["held"])
    for record in sink:
        message_id = record["message_id"]
        if record["kind"] == "cut":
            doubtful.update((message_id, *record.get("also", ())))
        elif record["kind"] == "mail":
            if message_id in seen:
                was_cut = message_id in doubtful
                yield message_id, was_cut or held[message_id] > 0
                doubtful.discard(message_id)
                held[message_id] -= not was_cut
            seen.add(message_id)


def repeated_mails(sink: Sequence[Record], kills: Sequence[Record] = ()) -> int:
    """How many mails came again because their sender was cut off after the final dot, or killed: allowed, and counted."""
    return sum(1 for _, excused in repeats(sink, kills) if excused)


def _once(evidence: Evidence) -> Iterator[str]:
    for message_id, excused in repeats(evidence.journals.sink, evidence.journals.kills):
        if not excused:
            yield f"{message_id} came again although nobody was cut off or killed"


def _arrived(evidence: Evidence) -> Iterator[str]:
    arrived = {record["message_id"] for record in evidence.journals.mails}
    for message_id, template in evidence.books.sent.items():
        if message_id not in arrived:
            yield f"{message_id} ({template}) is called sent and never arrived"


def _known(evidence: Evidence) -> Iterator[str]:
    for record in evidence.journals.mails:
        template = evidence.books.mails.get(record["message_id"])
        if template != record["template"]:
            yield f"{record['message_id']} ({record['template']}) arrived and is {template or 'nothing'} in the books"


def _addressed(evidence: Evidence) -> Iterator[str]:
    orders = {one.name: one for one in evidence.books.orders}
    for record in evidence.journals.mails:
        order = orders.get(record["order"] or "")
        if order is None or "to" not in record or record["message_id"] in evidence.books.copies:
            continue
        to = {_bare(one) for one in record["to"]}
        customers = {_bare(one) for one in order.emails}
        if record["template"] in TO_SUPPLIERS and to & customers:
            yield f"{record['message_id']} ({record['template']}) of {order.name} went to its customer"
        elif record["template"] not in TO_SUPPLIERS and not to <= customers:
            yield f"{record['message_id']} ({record['template']}) of {order.name} went to somebody else"


def _bare(address: str) -> str:
    """Without the quotes that a local part may need on the wire."""
    return address.replace('"', "").lower()


def _due(evidence: Evidence) -> Iterator[str]:
    """Each mail that the order's history asks for, by template."""
    arrived = told(evidence)
    for order in evidence.books.orders:
        for letter in LETTERS:
            least = letter.least_of(order, evidence.shops.get(order.key[0]))
            came = arrived[order.name, letter.template]
            if came < least:
                yield f"{order.name} was to be told {letter.template} {least} times and was {came} times"
    addressed: Counter[tuple[str, str]] = Counter()
    for record in evidence.journals.mails:
        if not record["order"]:
            addressed.update((_bare(one), record["template"]) for one in record.get("to", ()))
    for (email, template), least in evidence.books.members.items():
        if addressed and addressed[_bare(email), template] < least:
            yield f"{least} mails {template} were due to a customer and {addressed[_bare(email), template]} came"


def _beyond(evidence: Evidence) -> Iterator[str]:
    """No mail that nothing in the order's history asks for."""
    arrived = told(evidence)
    for order in evidence.books.orders:
        for letter in LETTERS:
            most, came = letter.most(order), arrived[order.name, letter.template]
            if most is not None and came > most:
                yield f"{order.name} was to be told {letter.template} {most} times at most and was {came} times"


def _parcels_told(evidence: Evidence) -> Iterator[str]:
    mails: dict[str, set[str]] = {}
    for record in evidence.journals.mails:
        if record["template"] == "shipment_shipped" and record["message_id"] not in evidence.books.copies:
            mails.setdefault(record["shipment"], set()).add(record["message_id"])
    kept = {one.shipment for order in evidence.books.orders for one in order.parcels if one.is_kept}
    for shipment, count in reported_parcels(evidence).items():
        if shipment not in kept and len(mails.get(shipment, ())) < count:
            yield f"{shipment} left in {count} parcels and {len(mails.get(shipment, ()))} were told to the customer"


JUDGES = (
    Judge("mails_arrived", "what the books call sent has arrived", _arrived),
    Judge(
        "mails_once", "no mail arrives twice", _once,
        "one copy of the very mail whose connection was cut after its final dot, and of those taken over that connection"
        " within the second before, which its sender may not have recorded; of what a process held when it was killed",
    ),
    Judge("mails_known", "no mail arrives that the books do not have", _known),
    Judge("mails_addressed", "what is for a customer goes to him, and what is for a supplier does not", _addressed),
    Judge(
        "mails_due", "every mail that an order's history asks for has come, of every template", _due,
        "not_offered, which is a matter of how the remarks are read: it comes once at most; points_expiring and rank_up, which"
        " are about no move of an order: nothing bounds them",
    ),
    Judge("mails_beyond", "no mail comes that the order's history does not ask for, and none more often", _beyond),
    Judge("departures_told", "every parcel that a supplier reported was told to the customer by a mail of its own", _parcels_told),
)  # fmt: skip
