"""Deferred payment (後払い): a provider checks the customer's credit, pays the shop once it knows the parcel's number, and sends
the customer an invoice after dispatch (B.6.9)."""

from pipelines.gateway import Capability
from pipelines.methods import Asks, Capture, Method, Receipt, Refund, Secured

METHOD = Method(
    name="deferred",
    names={"ja": "後払い", "en": "Pay after delivery"},
    secured_by=Secured.AUTHORIZATION,
    asks=Asks.AUTHORIZE,
    needs=frozenset(
        {
            Capability.AUTHORIZES,
            Capability.REPORTS_SHIPMENTS,
            Capability.VOIDS,
            Capability.LOOKS_UP,
            Capability.READS_NOTICES,
        }
    ),
    capture=Capture.BY_NOTICE,
    unpaid_rule="PAY-05",
    refund=Refund.GATEWAY,
    receipt=Receipt.PROVIDER,
    limit=lambda shop: shop.payment.deferred_maximum,
    too_much="Pay after delivery is possible up to {most:,} yen; choose another method.",
)
