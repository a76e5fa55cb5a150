"""How the orders of a crowd stand, read at once: what an input may speak of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from tests.world import World


class Standing(NamedTuple):
    """One order; ``shipments`` have id, supplier, state and lines, ``parcels`` shipment and number, ``mails`` are ids,
    ``holds`` reasons."""

    shop: str
    number: str
    customer: str
    state: str
    condition: str
    method: str
    total: int
    money: str
    captured: int
    refunded: int
    lines: Mapping[str, int]
    shipments: Sequence[Mapping[str, Any]]
    parcels: Sequence[Mapping[str, Any]]
    mails: Sequence[int]
    holds: Sequence[str]

    @property
    def key(self) -> str:
        """``shop/number``, as gateways call it."""
        return f"{self.shop}/{self.number}"


_ALL = """
SELECT o.shop, o.number, o.customer_id, o.state, o.condition, o.method, o.grand_total, p.state, p.captured, p.refunded,
  (SELECT json_object_agg(l.line, l.quantity) FROM order_line l WHERE l.order_id = o.id),
  coalesce((SELECT json_agg(json_build_object('id', s.id, 'supplier', s.supplier, 'state', s.state, 'lines',
     (SELECT json_object_agg(l.line, l.quantity) FROM shipment_line l WHERE l.shipment_id = s.id)) ORDER BY s.id)
     FROM shipment s WHERE s.order_id = o.id), '[]'),
  coalesce((SELECT json_agg(json_build_object('shipment', k.shipment_id, 'number', k.tracking_number))
     FROM parcel k WHERE k.order_id = o.id), '[]'),
  coalesce((SELECT json_agg(m.id ORDER BY m.id) FROM mail m WHERE m.order_id = o.id), '[]'),
  coalesce((SELECT json_agg(h.reason ORDER BY h.id) FROM order_hold h WHERE h.order_id = o.id AND h.closed_at IS NULL), '[]')
FROM shop_order o JOIN payment p ON p.order_id = o.id ORDER BY o.id
"""


def standings(world: World) -> list[Standing]:
    """Every order of the house."""
    return [Standing(*row) for row in world.rows(_ALL)]
