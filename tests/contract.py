"""The contract's example: the order that the README sends, and the plan that the contract prints for it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

EXAMPLE: dict[str, Any] = json.loads(
    (Path(__file__).parent.parent / "docs" / "examples" / "order.json").read_text(encoding="utf-8")
)

#: Without the reasons, which are sentences, and whatever an answer says beyond the contract.
PLAN: dict[str, Any] = {
    "shop": "salon",
    "currency": "JPY",
    "totals": {
        "goods": 13200,
        "member_discount": 0,
        "coupon_discount": 500,
        "shipping": 0,
        "fees": 0,
        "tax": [{"rate": 10, "base": 12700, "tax": 1270}],
        "tax_total": 1270,
        "before_points": 13970,
        "points_used": 0,
        "grand_total": 13970,
    },
    "points": {"earned": 127, "by_line": [{"line": "1", "rate": "0.01", "base": 12700, "points": 127}]},
    "payment": {
        "method": "card",
        "gateway": "sandbox",
        "fee": 0,
        "release_when": "authorized",
        "pay_by": None,
        "remind_at": None,
        "cancel_at": None,
    },
    "shipments": [
        {
            "supplier": "warehouse",
            "lines": [{"line": "1", "quantity": 4}],
            "dispatch_on": "2026-11-20",
            "arrive_on": "2026-11-21",
        }
    ],
    "holds": [],
    "mails": ["order_accepted"],
    "problems": [],
}
