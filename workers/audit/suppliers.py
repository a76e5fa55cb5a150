"""Suppliers: told once and right, and what they report is known."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from itertools import accumulate

from pipelines.orders.actions.cancel import ACTION as CANCEL
from pipelines.shops import Shop
from pipelines.shops.fulfilling import AUTO
from pipelines.suppliers.instructions import MAIL, WEBHOOK
from pipelines.values.calendar import in_japan
from workers.audit.books import OrderBook
from workers.audit.journals import Record, key_of
from workers.audit.judge import Evidence, Judge
from workers.sandbox.contradictions import is_contradiction

_TOLD = ("instructed", "acknowledged", "shipped")


def _once(evidence: Evidence) -> Iterator[str]:
    asked: Counter[tuple[str, str]] = Counter()
    acted: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    for record in evidence.journals.instructions:
        asked[record["supplier"], record["id"]] += 1
        # One that was called off, or given to another supplier, is asked for instead of what was asked before.
        acted[record["shipment"]] += bool(record.get("plan")) and not record.get("instead", False)
        types = {sending["event"]["type"] for sending in record.get("plan", ())}
        refused[record["shipment"]] += "shipment.refused" in types
    for (supplier, identity), count in asked.items():
        if count > 1:
            yield f"{supplier} acted {count} times on {identity}"
    for shipment, count in acted.items():
        if count > 1 + refused[shipment]:
            yield f"{shipment} was sent out {count} times"
    again = {one.id: one.again for order in evidence.books.orders for one in order.shipments}
    # One that was found after a reminder by mail came before.
    told = Counter(one["shipment"] for one in evidence.journals.instructions if not one.get("reminded"))
    for shipment, count in told.items():
        if shipment in again and count > 1 + again[shipment]:
            yield f"{shipment} was asked for {count} times, and anew {again[shipment]} times"


def _sent(evidence: Evidence) -> Iterator[str]:
    told = {record["shipment"] for record in evidence.journals.instructions}
    for order in evidence.books.orders:
        for shipment in order.shipments:
            if shipment.state in _TOLD and shipment.id not in told and not order.mailed_instructions and told:
                yield f"{order.name}: {shipment.id} is {shipment.state}, and {shipment.supplier} was never told"


def _right(evidence: Evidence) -> Iterator[str]:
    books = evidence.books.by_key
    for record in evidence.journals.instructions:
        order = books.get((record["shop"], record["order"]))
        planned = next((one for one in order.shipments if one.id == record["shipment"]), None) if order else None
        if order is None or planned is None:
            yield f"{record['supplier']} was told of {record['shipment']}, which nobody knows"
            continue
        told = {line["line"]: line["quantity"] for line in record.get("lines", ())}
        skus = {line["line"]: line["sku"] for line in record.get("lines", ()) if "sku" in line}
        wrong = {line for line, sku in skus.items() if line not in order.lines or order.lines[line].sku != sku}
        beyond = {line for line, pieces in told.items() if pieces > planned.lines.get(line, 0)}
        # Pieces that were taken out since, or had left when it was asked for anew, may be missing.
        may_lack = record["id"] != f"{planned.id}:requested" or any(
            one.kind in ("cancel", "short") for one in order.changes
        )
        if told and (wrong or beyond or (told != planned.lines and not may_lack)):
            yield f"{order.name}: {planned.id} is {dict(planned.lines)}, and {record['supplier']} was told {told}"


def _cash(evidence: Evidence) -> Iterator[str]:
    told: dict[tuple[str, str], list[Record]] = defaultdict(list)
    for record in evidence.journals.instructions:
        told[record["shop"], record["order"]].append(record)
    for order in evidence.books.orders:
        records = [one for one in told[order.key] if "collect" in one]
        asked = {one["shipment"]: one["collect"]["amount"] for one in records if one["collect"]}
        sums = set(_sums(order)) - {0}
        if order.method != "cod" and asked:
            yield f"{order.name} is not paid on delivery, and {asked} was to be collected"
        elif order.method == "cod" and any(one not in sums for one in asked.values()):
            yield f"{order.name} comes to {sorted(sums)}, and {asked} was to be collected"
        elif order.method == "cod" and records and not asked and sums and _all_told(order, records):
            yield f"{order.name} is paid on delivery, and nobody was told to collect {sorted(sums)}"


def _sums(order: OrderBook) -> Iterator[int]:
    """What the order came to at first, and after each of its changes."""
    return (order.money.amount - gone for gone in accumulate((one.money for one in order.changes), initial=0))


def _all_told(order: OrderBook, records: list[Record]) -> bool:
    return {one.id for one in order.shipments} <= {one["shipment"] for one in records}


def _parcels(evidence: Evidence) -> Iterator[str]:
    known: Counter[str] = Counter()
    for order in evidence.books.orders:
        known.update(one.shipment for one in order.parcels)
    for shipment, count in reported_parcels(evidence).items():
        if known[shipment] != count:
            yield f"{shipment} left in {count} parcels and {known[shipment]} are known"


def reported_parcels(evidence: Evidence) -> Counter[str]:
    """Shipment -> parcels that its supplier has reported and been answered for."""
    departures = {
        record["id"]
        for record in evidence.journals.suppliers
        if record["kind"] == "delivered" and record["type"] == "shipment.shipped" and not is_contradiction(record["id"])
    }
    return Counter(identity.split(":")[0] for identity in departures)


def _fared(evidence: Evidence) -> Iterator[str]:
    """Of each shipment whose supplier, or carrier, said once and in one sentence how it fared: the numbers and the arrival that it named."""
    reported = reported_parcels(evidence)
    said: dict[str, set[str]] = defaultdict(set)
    for record in evidence.journals.suppliers:
        if record["kind"] in ("delivered", "scanned") and not is_contradiction(record["id"]):
            said[record["id"].split(":")[0]].add(record["type"])
    numbers = _numbers(evidence)
    for order in evidence.books.orders:
        for shipment in {one.shipment for one in order.parcels} & reported.keys():
            parcels = [one for one in order.parcels if one.shipment == shipment]
            known = {one.number for one in parcels} - {None}
            if strange := sorted(str(one) for one in known - numbers[shipment]):
                yield f"{order.name}: {shipment} has the tracking numbers {strange}, which its supplier never gave"
            has_arrived = any(one.status == "delivered" for one in parcels)
            if has_arrived and known and not said[shipment] & _FARED:
                yield f"{order.name}: {shipment} counts as delivered, and nobody said so"
            applied = any(
                (one.type, one.state) == ("shipment.delivered", "applied")
                for one in order.news
                if one.event_id.startswith(shipment)
            )
            is_at_store = order.is_pickup and any(one.status in _AT_STORE for one in parcels)
            if applied and not (has_arrived or is_at_store) and said[shipment].isdisjoint(_OTHERWISE):
                yield f"{order.name}: {shipment} has arrived, and is {sorted(str(one.status) for one in parcels)}"


#: How a parcel fares that a store has, or has sent back (STO-01).
_AT_STORE = {"at_store", "returning", "returned"}
_OTHERWISE = {"shipment.returned", "shipment.lost", "shipment.damaged"}
_FARED = {"shipment.delivered", "shipment.tracking_updated"}


def _numbers(evidence: Evidence) -> dict[str, set[str | None]]:
    """Shipment -> the tracking numbers that its suppliers' plans give it."""
    found: dict[str, set[str | None]] = defaultdict(set)
    for record in evidence.journals.instructions:
        for sending in record.get("plan", ()):
            found[record["shipment"]].add(sending["event"].get("data", {}).get("tracking_number"))
    return found


def _days(evidence: Evidence) -> Iterator[str]:
    """The day that a supplier is told: open, and by the cutoff where nothing else has a say (CUT-01, CUT-02)."""
    placed = {key_of(one): one["ordered"] for one in evidence.journals.storefront if one.get("ordered")}
    books = evidence.books.by_key
    for record in evidence.journals.instructions:
        key = (record["shop"], record["order"])
        shop, order, ordered = evidence.shops.get(record["shop"]), books.get(key), placed.get(key)
        if shop is None or order is None or not record["dispatch_on"]:
            continue
        day = date.fromisoformat(record["dispatch_on"])
        if not shop.dispatch_days(record["supplier"]).calendar.is_open(day):
            yield f"{order.name}: {record['supplier']} was told to dispatch on {day}, when it is closed"
        elif ordered and record["id"].endswith(":requested") and _is_plain(order, ordered, shop, record["supplier"]):
            expected = _first_day(order, datetime.fromisoformat(ordered["placed_at"]), shop, record["supplier"])
            if day != expected:
                yield f"{order.name}: {record['supplier']} was told to dispatch on {day}, and {expected} is its day"


def _is_plain(order: OrderBook, ordered: Record, shop: Shop, supplier: str) -> bool:
    """Whether the cutoff alone decides: no wish, no wait for goods, money or a human, and no lead time."""
    waits = order.held or order.repriced or order.readdressed or order.method not in ("card", "cod")
    sources = {supplier, *(one.supplier for one in order.shipments), *ordered.get("sources", ())}
    return (
        bool(ordered.get("is_plain"))
        and not waits
        and shop.supplier(supplier).capacity is None
        and not any(_takes_days(shop, one) for one in sources)
    )


def _takes_days(shop: Shop, supplier: str) -> bool:
    profile = shop.supplier(supplier)
    return bool(profile.lead_days or profile.transfer_days)


def _first_day(order: OrderBook, placed_at: datetime, shop: Shop, supplier: str) -> date:
    placed_at, calendar = in_japan(placed_at), shop.dispatch_days(supplier).calendar
    cutoff = shop.dispatch_days(supplier).cutoff_on(placed_at.date())
    moment = placed_at.time().replace(microsecond=0)  # the cutoff's second is one (CUT-01)
    in_time = moment < cutoff or (shop.calendar.cutoff_inclusive and moment == cutoff)
    missed = calendar.is_open(placed_at.date()) and not in_time
    day = calendar.next_open(placed_at.date() + timedelta(days=missed))
    planned = [in_japan(move.at).date() for move in order.moves if move.entity == "shipment" and move.old is None]
    return max([day, *(calendar.next_open(one) for one in planned)])


def _cancelled(evidence: Evidence) -> Iterator[str]:
    for order in evidence.books.orders:
        if any((one.type, one.state) == (CANCEL.wakes, "applied") for one in order.news) and not order.moved(
            "order", "cancelled"
        ):
            yield f"{order.name}: its cancel was granted, and it is {order.state}"


def _contradictions(evidence: Evidence) -> Iterator[str]:
    delivered = {one["id"] for one in evidence.journals.suppliers if one["kind"] == "delivered"}
    for identity in sorted(filter(is_contradiction, delivered)):
        became = evidence.books.news.get(identity)
        if became not in ("quarantined", "ignored"):
            yield f"{identity} contradicts what is known, and is {became or 'lost'}"


def _heard(evidence: Evidence) -> Iterator[str]:
    by_form: Counter[tuple[str, str]] = Counter()
    for record in evidence.journals.suppliers:
        if record["kind"] != "delivered":
            continue
        if record.get("via") in _NAMED_BY_US:
            by_form[record["id"].split(":")[0], record["type"]] += 1
        elif record["id"] not in evidence.books.news:
            yield f"{record['id']} was acknowledged and is lost"
    for (shipment, kind), times in by_form.items():
        if (kept := evidence.books.said.get((shipment, kind), 0)) < times:
            yield f"{kind} of {shipment} was acknowledged {times} times by page or file, and is kept {kept} times"


#: Ways to answer by which it is we who name the news.
_NAMED_BY_US = ("page", "files")


def _channels(evidence: Evidence) -> Iterator[str]:
    """By which ways each supplier was told: its profile's, and never by two where that leaves the choice to us."""
    used: dict[tuple[str, str], set[str]] = defaultdict(set)
    read_by_mail: set[str] = set()
    for record in evidence.journals.instructions:
        channel = record.get("channel", WEBHOOK)
        used[record["shop"], record["supplier"]].add(channel)
        if channel in _BY_MAIL:
            read_by_mail.add(record["shipment"])
        if channel == _PORTAL and record.get("tells_address"):
            yield f"{record['shipment']}: its mail to {record['supplier']} tells an address that only the page may show"
    by_key = evidence.books.by_key.items()
    suppliers = {one.id: (shop, one) for (shop, _), order in by_key for one in order.shipments}
    for mail in evidence.journals.mails:
        if mail["template"] == "supplier_instruction" and mail["shipment"] in suppliers.keys() - read_by_mail:
            shop, shipment = suppliers[mail["shipment"]]
            if not shipment.again and _named(evidence, shop, shipment.supplier) not in _BY_MAIL:
                used[shop, shipment.supplier].add(MAIL)
    for (shop, supplier), channels in sorted(used.items()):
        named = _named(evidence, shop, supplier)
        if (named == AUTO and len(channels) > 1) or (named != AUTO and channels != {named}):
            yield f"{supplier} is to be told by {named}, and was told by {', '.join(sorted(channels))}"


def _named(evidence: Evidence, shop: str, supplier: str) -> str:
    profile = evidence.shops.get(shop)
    return AUTO if profile is None else profile.supplier(supplier).channel


_PORTAL = "portal"
_BY_MAIL = (MAIL, _PORTAL)


JUDGES = (
    Judge(
        "instructions_once", "a supplier acts once on an instruction, and is asked once for a shipment", _once,
        "what is asked for anew, by an operator or after a refusal, as often as the books say",
    ),
    Judge(
        "instructions_sent", "who counts as told was told", _sent, "suppliers that are told by mail: mails_due has them"
    ),
    Judge(
        "instructions_right", "an instruction names the lines of its shipment, with their goods and pieces", _right,
        "pieces that were taken out, or had left, before the supplier was told",
    ),
    Judge("channels_kept", "a supplier is told by the channel that its profile names, and by portal of no address", _channels,
        "`auto`: by webhook or by mail, but not by both"),
    Judge("cash_told", "one supplier is told to collect what an order comes to that is paid on delivery (PAY-09)", _cash),
    Judge("parcels_known", "every parcel that a supplier reported is known, and no other of that shipment", _parcels),
    Judge("parcels_right", "a parcel has the number that its supplier gave, and fares as its supplier said", _fared,
        "shipments of which something else was said too"),
    Judge("days_right", "a supplier dispatches on an open day, by the cutoff (CUT-01, CUT-02)", _days,
        "the cutoff: where a wish, a lead time, a back-order, a hold or money that is waited for has a say"),
    Judge("cancels_granted", "a cancel that was granted ends its order (CAN-03)", _cancelled),
    Judge("news_kept", "what a supplier said and was thanked for is stored", _heard),
    Judge("contradictions_refused", "what cannot be so changes nothing: an operator has it, or it says nothing new", _contradictions),
)  # fmt: skip
