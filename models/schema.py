"""Every table, imported in one place: what migrations and ``shukka check`` look at."""

from __future__ import annotations

from models.base import Base
from models.effect import Effect, EffectLease, Mail
from models.inbox import IdempotencyKey, InboxEvent
from models.order import CustomerMark, OrderDocument, OrderLine, RefusedOrder, ShopOrder, UniqueAllocation
from models.partner import Client
from models.payment import Payment
from models.points import PointBalance, PointLot, PointTransfer
from models.shipment import Parcel, Shipment, ShipmentLine
from models.transition import Transition
from models.work import Job, Work

metadata = Base.metadata

__all__ = [
    "Client",
    "CustomerMark",
    "Effect",
    "EffectLease",
    "IdempotencyKey",
    "InboxEvent",
    "Job",
    "Mail",
    "OrderDocument",
    "OrderLine",
    "Parcel",
    "Payment",
    "PointBalance",
    "PointLot",
    "PointTransfer",
    "RefusedOrder",
    "Shipment",
    "ShipmentLine",
    "ShopOrder",
    "Transition",
    "UniqueAllocation",
    "Work",
    "metadata",
]
