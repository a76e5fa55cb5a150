"""Amazon Pay: the customer agrees at Amazon, then it is held and taken like a card (PAY-03)."""

from pipelines.gateway import Capability
from pipelines.methods import Asks, Capture, Method, Receipt, Refund, Secured

METHOD = Method(
    name="amazon_pay",
    names={"ja": "Amazon Pay", "en": "Amazon Pay"},
    secured_by=Secured.AUTHORIZATION,
    asks=Asks.AUTHORIZE,
    needs=frozenset({Capability.AUTHORIZES, Capability.CAPTURES, Capability.VOIDS, Capability.LOOKS_UP}),
    capture=Capture.ON_DISPATCH,
    unpaid_rule="PAY-05",
    refund=Refund.GATEWAY,
    receipt=Receipt.SHOP,
)
