"""Nothing to pay: points paid everything (PAY-13)."""

from pipelines.methods import Capture, Method, Receipt, Refund, Secured

METHOD = Method(
    name="none",
    names={"ja": "お支払いの必要はございません", "en": "Nothing to pay"},
    secured_by=Secured.NOTHING,
    capture=Capture.NEVER,
    refund=Refund.BY_HAND,
    receipt=Receipt.NONE,
)
