"""Offset against the remittance (相殺): released at once, set off on the month's bill (PAY-01, PAY-12)."""

from pipelines.methods import Capture, Method, Receipt, Refund, Secured

METHOD = Method(
    name="claims_offset",
    names={"ja": "お振込額との相殺", "en": "Offset against your remittance"},
    secured_by=Secured.BILL,
    capture=Capture.ON_BILL,
    refund=Refund.ON_BILL,
    receipt=Receipt.BILL,
)
