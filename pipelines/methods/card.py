"""Credit card (クレジットカード): held when the order comes in, taken when the goods leave (PAY-06)."""

from pipelines.gateway import Capability
from pipelines.methods import Asks, Capture, Method, Receipt, Refund, Secured

METHOD = Method(
    name="card",
    names={"ja": "クレジットカード", "en": "Credit card"},
    secured_by=Secured.AUTHORIZATION,
    asks=Asks.AUTHORIZE,
    needs=frozenset({Capability.AUTHORIZES, Capability.CAPTURES, Capability.VOIDS, Capability.LOOKS_UP}),
    needs_token=True,
    capture=Capture.ON_DISPATCH,
    unpaid_rule="PAY-05",
    refund=Refund.GATEWAY,
    receipt=Receipt.SHOP,
)
