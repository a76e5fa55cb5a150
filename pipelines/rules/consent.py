"""What a customer may be sent (A.14): what an order asks for always is; the rest as the customer wishes.

Mails of orders go whatever the customer thinks of others (CON-02). Those of jobs, about points and ranks, do not go to a
customer who refused them or withdrew (CON-06); `models.store.point_jobs` and `models.store.ranks` leave these out.
"""

from __future__ import annotations

from typing import Literal

Way = Literal["post", "mail"]


def way_of_coupon(*, postal_stop: bool, withdrawn: bool) -> Way | None:
    """How the thank-you coupon's code reaches the customer (CUT-05): by post, by mail where the customer wants nothing posted
    (CON-04); None to one who withdrew (CON-06)."""
    if withdrawn:
        return None
    return "mail" if postal_stop else "post"
