"""Direct debit (口座振替): released at once, collected on the month's bill with the plan's fee (PAY-01, PAY-12)."""

from pipelines.methods import Capture, Method, Receipt, Refund, Secured

METHOD = Method(
    name="direct_debit",
    names={"ja": "口座振替", "en": "Direct debit"},
    secured_by=Secured.BILL,
    capture=Capture.ON_BILL,
    refund=Refund.ON_BILL,
    receipt=Receipt.BILL,
)
