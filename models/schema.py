"""Every table, imported in one place: what migrations and ``shukka check`` look at."""

from __future__ import annotations

from models.adjustment import OrderAdjustment
from models.base import Base
from models.bounce import MailBounce, MailSuppression
from models.carrier_inquiry import CarrierInquiry
from models.coupon import CouponUse, PostedCoupon
from models.customer import Customer, CustomerMark
from models.document import DocumentCounter, StoredDocument
from models.effect import Circuit, Effect, EffectItem, EffectLease, EffectOutput, Mail
from models.erasure import Erasure
from models.hold import OrderHold
from models.inbox import IdempotencyKey, InboxEvent
from models.link import LinkGeneration
from models.operator import OperatorAccount, OperatorAct, OperatorFilter, OperatorLink, OperatorSession, OrderNote
from models.order import OrderDocument, OrderLine, RefusedOrder, ShopOrder, UniqueAllocation
from models.partner import Client
from models.payment import Payment
from models.points import PointBalance, PointHold, PointLot, PointRequest, PointTransfer
from models.rank import CustomerRank
from models.readdressing import OrderReaddressing
from models.refund_account import RefundAccount
from models.repricing import OrderRepricing
from models.retention import RetentionLate, RetentionMark
from models.return_photo import ReturnPhoto
from models.return_request import ReturnLine, ReturnRequest
from models.review import ReviewAssignment, ReviewNote
from models.search import OrderTerm
from models.shipment import Parcel, Shipment, ShipmentLine
from models.supplier_file import SupplierFile
from models.transition import Transition
from models.visit import VisitChange
from models.watermark import Watermark
from models.work import Job, Work

metadata = Base.metadata

__all__ = [
    "CarrierInquiry",
    "Circuit",
    "Client",
    "CouponUse",
    "Customer",
    "CustomerMark",
    "CustomerRank",
    "DocumentCounter",
    "Effect",
    "EffectItem",
    "EffectLease",
    "EffectOutput",
    "Erasure",
    "IdempotencyKey",
    "InboxEvent",
    "Job",
    "LinkGeneration",
    "Mail",
    "MailBounce",
    "MailSuppression",
    "OperatorAccount",
    "OperatorAct",
    "OperatorFilter",
    "OperatorLink",
    "OperatorSession",
    "OrderAdjustment",
    "OrderDocument",
    "OrderHold",
    "OrderLine",
    "OrderNote",
    "OrderReaddressing",
    "OrderRepricing",
    "OrderTerm",
    "Parcel",
    "Payment",
    "PointBalance",
    "PointHold",
    "PointLot",
    "PointRequest",
    "PointTransfer",
    "PostedCoupon",
    "RefundAccount",
    "RefusedOrder",
    "RetentionLate",
    "RetentionMark",
    "ReturnLine",
    "ReturnPhoto",
    "ReturnRequest",
    "ReviewAssignment",
    "ReviewNote",
    "Shipment",
    "ShipmentLine",
    "ShopOrder",
    "StoredDocument",
    "SupplierFile",
    "Transition",
    "UniqueAllocation",
    "VisitChange",
    "Watermark",
    "Work",
    "metadata",
]
