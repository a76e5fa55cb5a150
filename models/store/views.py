"""Reads for one order as the interface shows it, and for what waits for a human."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from models.database import rows


def order(connection: Connection, shop: str, number: str) -> Any | None:
    """The order's row in the shape that ``claim`` brings, or None."""
    found = rows(
        connection,
        """SELECT id, shop, number, customer_id, locale, state, condition, hold, method, grand_total, placed_at,
                  accepted_at, d.document::text, d.breakdown::text, version, sequence
           FROM shop_order JOIN order_document d ON d.order_id = id WHERE shop = %(shop)s AND number = %(number)s""",
        {"shop": shop, "number": number},
    )
    return found[0] if found else None


def timeline(connection: Connection, order_id: int) -> list[Any]:
    """(entity, entity id, from, to, cause, at), as it happened."""
    return rows(
        connection,
        """SELECT entity, entity_id, from_state, to_state, cause, at FROM transition
           WHERE order_id = %(id)s ORDER BY id""",
        {"id": order_id},
    )


def mails(connection: Connection, order_id: int) -> list[Any]:
    """(template, envelope to, state, at, sent_at, shipment)."""
    return rows(
        connection,
        """SELECT template, envelope_to, state, at, sent_at, shipment_id FROM mail
           WHERE order_id = %(id)s ORDER BY id""",
        {"id": order_id},
    )


def adjustments(connection: Connection, order_id: int) -> list[Any]:
    """(kind, reason, amounts, at) of the order's changes, first to last."""
    return rows(
        connection,
        "SELECT kind, reason, amounts, at FROM order_adjustment WHERE order_id = %(id)s ORDER BY sequence",
        {"id": order_id},
    )


def repricings(connection: Connection, order_id: int) -> list[Any]:
    """(reason, at, grand total before) of each time the order was priced again, first to last."""
    return rows(
        connection,
        """SELECT reason, at, (before->>'grand_total')::int FROM order_repricing
           WHERE order_id = %(id)s ORDER BY sequence""",
        {"id": order_id},
    )


def event_body(connection: Connection, source: str, event_id: str) -> Any | None:
    """What an event that was received under this id says; None if there is none."""
    found = rows(
        connection,
        "SELECT body FROM inbox_event WHERE source = %(source)s AND event_id = %(id)s",
        {"source": source, "id": event_id},
    )
    return found[0][0] if found else None


def client_by_key(connection: Connection, key_hash: bytes) -> Any | None:
    """(id, kind, name, shops) of a client that was not revoked."""
    found = rows(
        connection,
        "SELECT id, kind, name, shops FROM client WHERE key_hash = %(hash)s AND revoked_at IS NULL",
        {"hash": key_hash},
    )
    return found[0] if found else None


def client_by_name(connection: Connection, kind: str, name: str) -> Any | None:
    """(id, shops, webhook secrets) of a client that was not revoked."""
    found = rows(
        connection,
        """SELECT id, shops, webhook_secrets FROM client
           WHERE kind = %(kind)s AND name = %(name)s AND revoked_at IS NULL""",
        {"kind": kind, "name": name},
    )
    return found[0] if found else None


def waiting(connection: Connection) -> list[Any]:
    """(what, name, count) of due work, effects not ended, and what needs a human."""
    return rows(
        connection,
        """SELECT 'work', stage, count(*) FROM work GROUP BY 2
           UNION ALL SELECT 'effect', kind, count(*) FROM effect_lease GROUP BY 2
           UNION ALL SELECT 'attention', 'quarantined', count(*) FROM inbox_event WHERE state = 'quarantined'""",
        {},
    )
