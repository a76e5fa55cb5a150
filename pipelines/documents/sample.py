"""A sample (見本) of a document, of an order that is only a file: as if it were paid and had left as planned."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time
from typing import Any, Final

from pipelines.billing import bill_json
from pipelines.documents.facts import Change, ParcelSent, SaleFacts, ToPick, receipt_request
from pipelines.documents.kinds import Kind
from pipelines.documents.paper import Document, issued
from pipelines.documents.parcel_papers import pick_list
from pipelines.documents.parties import addressee_of
from pipelines.documents.permission import may_issue
from pipelines.documents.quoting import quoted
from pipelines.documents.statement_paper import statement
from pipelines.documents.writing import Wish, locale_of, write
from pipelines.errors import Invalid
from pipelines.orders.plan import Plan, planned_of
from pipelines.rules.billing import bill, billed
from pipelines.rules.money.adjustments import RETURN, adjust
from pipelines.shops import Shop
from pipelines.values.calendar import JST

NUMBER: Final = "SAMPLE"
_AFTERNOON: Final = time(16)


def sample(raw: object, shops: Mapping[str, Shop], wish: Wish) -> dict[str, Any]:
    """What is printed of a sample; raises Invalid for what is no order, Conflict where the rules refuse the document."""
    planned, shop = planned_of(raw, shops)
    if planned.problems:
        raise Invalid(planned.problems)
    sent_on = _sent_on(planned)
    document = _document(planned, shop, wish, datetime.combine(sent_on, _AFTERNOON, JST))
    return issued(document.to_json(), NUMBER, sent_on, "sample")


def _sent_on(planned: Plan) -> date:
    """The day on which the last parcel is to leave, else that of the order."""
    days = [one.dispatch.dispatch_on for one in planned.shipments if one.dispatch.dispatch_on is not None]
    return max(days, default=planned.order.placed_at.astimezone(JST).date())


def _document(planned: Plan, shop: Shop, wish: Wish, at: datetime) -> Document:
    order = planned.order
    if wish.kind == Kind.QUOTATION:
        return quoted(planned, shop, wish, order.placed_at.astimezone(JST).date())
    if wish.kind == Kind.PICK_LIST:
        return _pick_list(planned, shop, locale_of(wish, order))
    if wish.kind == Kind.STATEMENT:
        return _statement(planned, shop, wish, locale_of(wish, order))
    facts = as_if_sent(planned, shop, at, returned=wish.kind == Kind.RETURN_INVOICE)
    answer = may_issue(wish.kind, facts, shop, at, wish.subject)
    if not answer.allowed:
        raise answer.refusal()
    return write(wish, facts, shop, at)


def as_if_sent(planned: Plan, shop: Shop, at: datetime, *, returned: bool = False) -> SaleFacts:
    """The facts of a planned order as if all had left at ``at`` and was paid then; ``returned``: its first line came back."""
    order, sums = planned.order, planned.breakdown
    parcels = [
        ParcelSent(place, order.number, str(place), one.part.supplier, at, dict(one.part.lines), None, None)
        for place, one in enumerate(planned.shipments, start=1)
    ]
    first = order.lines[0]
    changes = [Change(1, at, adjust(sums, (), RETURN, [(first.line, first.quantity)]))] if returned else []
    return SaleFacts(
        order=order,
        breakdown=sums,
        method=planned.method.name,
        captured=sums.grand_total,
        refunded=0,
        captured_at=at,
        changes=changes,
        parcels=parcels,
        receipt_request=receipt_request(order, shop),
    )


def _pick_list(planned: Plan, shop: Shop, locale: str) -> Document:
    order, first = planned.order, planned.shipments[0]
    remarks = [one["says"] for one in planned.instructions if one["for"] == "supplier"]
    on = first.dispatch.dispatch_on
    meant = ToPick(f"{order.number}-1", first.part.supplier, on, dict(first.part.lines), remarks)
    return pick_list(order, meant, shop, locale, on or order.placed_at.astimezone(JST).date())


def _statement(planned: Plan, shop: Shop, wish: Wish, locale: str) -> Document:
    order, rules = planned.order, shop.price
    placed = order.placed_at.astimezone(JST).date()
    made = bill(
        [billed(order.number, placed, order.method, planned.breakdown, ())],
        display=rules.display,
        rounding=rules.rounding,
        points_treatment=rules.points_treatment,
        tax_unit=rules.tax_unit,
    )
    return statement(
        bill_json(made, shop, order.customer.id, placed.replace(day=1)),
        shop,
        addressee_of(order, locale, wish.addressee, with_address=True),
        locale,
    )
