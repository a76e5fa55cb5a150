"""Sent back (返送): the customer came and bought nothing, or does not come (STO-01)."""

from __future__ import annotations

from pipelines.orders.action import Action, Reason
from pipelines.orders.pickups import is_not_there
from pipelines.rules.explain import Sentence

ACTION = Action(
    name="pickup:sent_back",
    label=Sentence("購入なし・店舗から返送する", "Not bought: send back"),
    says=Sentence(
        "お客様は購入されませんでした。ご注文を終了して代金を全額お返しし、商品の返送を待ちます。",
        "Nothing is bought: the order ends, all of the money goes back, and the goods are waited for.",
    ),
    model=Reason,
    wakes="pickup.sent_back",
    stands=is_not_there,
)
