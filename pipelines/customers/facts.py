"""What is told of a customer (会員情報), whichever door it comes through: checked, and kept beside what orders say."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection

from models.store import customers
from models.store.customers import CustomerRow, MailboxRow, MarkRow, MemberRow
from pipelines.customers.schema import CustomerFactsDocument
from pipelines.errors import Conflict, Problem
from pipelines.rules.marks import DECIDED
from pipelines.shops import Shop
from pipelines.values.calendar import in_japan
from pipelines.values.mail_address import addr_spec, check, mailbox_key

#: Facts that are kept as they are told.
_PLAIN: Final = ("name", "locale", "birth_date", "mail_consent", "postal_stop", "allowed_methods")
#: What is known of a customer of whom they were forgotten; None of every other one.
_FORGOTTEN: Final[Mapping[str, str | bool]] = {"name": "", "locale": "ja", "postal_stop": False}


def problems(told: CustomerFactsDocument, shop: Shop, now: datetime, *, by_operator: bool = False) -> list[Problem]:
    """Everything that the shop cannot take as it is told."""
    found = []
    if told.email and (reason := _unsendable(told.email, shop)):
        found.append(Problem("email", reason))
    if told.email == "":
        found.append(Problem("email", "Must be a mail address, or null to forget the one that is known."))
    if told.birth_date is not None and told.birth_date > in_japan(now).date():
        found.append(Problem("birth_date", "lies in the future"))
    if "allowed_methods" in told.model_fields_set and not by_operator:
        found.append(Problem("allowed_methods", "is the shop's to decide: send it with an operator's key (INT-15)"))
    if unknown := sorted(set(told.allowed_methods or ()) - shop.payment.allowed):
        listed = ", ".join(sorted(shop.payment.allowed))
        found.append(Problem("allowed_methods", f"{', '.join(unknown)}: this shop takes {listed}"))
    return found


def _unsendable(email: str, shop: Shop) -> str | None:
    """INT-02: asked as it is of orders."""
    if shop.intake.mail_syntax_policy == "strict":
        return check(email, "strict")
    try:
        addr_spec(email)
    except ValueError as refusal:
        return str(refusal)
    return None


def lock_mailbox(connection: Connection, shop: Shop, customer: str, told: CustomerFactsDocument) -> None:
    """Keep others from giving away the mailbox that the customer will have; before any balance is locked (INT-01)."""
    if shop.intake.one_account_per_mailbox:
        known = customers.customer(connection, shop.key, customer)
        email = told.email or (known.email if known else "")
        customers.lock_mailboxes(connection, [MailboxRow(shop.key, mailbox_key(email))] if email else [])


def keep_facts(
    connection: Connection, shop: Shop, customer: str, told: CustomerFactsDocument, now: datetime
) -> tuple[CustomerRow | None, CustomerRow]:
    """Keep what is told; how the customer stood before (None: nobody knew them), and stands now.

    The customer's balance is locked, and `lock_mailbox` was called. Raises Conflict for a mailbox of another's (INT-01).
    """
    before = customers.customer(connection, shop.key, customer, lock=True)
    if before is None:
        new = MemberRow(shop.key, customer, email="", mailbox="", name="", locale="ja", known_since=now)
        customers.remember(connection, [new])
    stood = before or customers.customer(connection, shop.key, customer, lock=True)
    assert stood is not None, "an order or this very request made the customer known"
    stands = stood._replace(**_changes(stood, told, now))
    _owned(connection, shop, stands)
    if stands != stood:
        customers.change(connection, stands)
    if stands.allowed_methods != stood.allowed_methods:
        source = f"{shop.key}:{customer}:{now.isoformat()}"
        customers.add_marks(connection, [MarkRow(shop.key, customer, DECIDED, source, now)])
    return before, stands


def _changes(stood: CustomerRow, told: CustomerFactsDocument, now: datetime) -> dict[str, Any]:
    given = told.model_fields_set
    changes: dict[str, Any] = {name: _kept(name, getattr(told, name)) for name in _PLAIN if name in given}
    if "email" in given:
        email = told.email or ""
        since = now if email != stood.email or stood.email_told_at is None else stood.email_told_at
        changes |= {"email": email, "mailbox": mailbox_key(email) if email else "", "email_told_at": since}
    if "registered" in given:
        changes["registered_at"] = stood.registered_at or now
    if "withdrawn" in given:
        changes["withdrawn_at"] = (stood.withdrawn_at or now) if told.withdrawn else None
    return changes


def _kept(name: str, told: Any) -> Any:
    return _FORGOTTEN.get(name) if told is None else told


def _owned(connection: Connection, shop: Shop, stands: CustomerRow) -> None:
    """Raise Conflict if another account has the mailbox."""
    if not shop.intake.one_account_per_mailbox or not stands.mailbox or stands.withdrawn_at is not None:
        return
    owners = customers.owners(connection, [MailboxRow(shop.key, stands.mailbox)])
    if any(one.customer_id != stands.id for one in owners):
        says = "Another account has this mail address; let it be withdrawn first, or tell another address."
        raise Conflict(says, rule="INT-01")
