"""A return as it is looked at beforehand, and the answer: what the published schema shows, held true by a test."""

from __future__ import annotations

from typing import Any, Final

ASKED: Final[dict[str, Any]] = {
    "order": {
        "shop": "reuse",
        "number": "R-1001",
        "placed_at": "2026-11-01T10:00:00+09:00",
        "customer": {"id": "M-77", "name": "山田 花子", "email": "hanako@example.jp"},
        "ship_to": {
            "kind": "individual",
            "name": "山田 花子",
            "postal_code": "460-0008",
            "region": "愛知県",
            "city": "名古屋市中区",
            "line1": "栄1-2-3",
            "line2": "",
            "phone": "052-000-0000",
            "country": "JP",
        },
        "lines": [
            {
                "line": "1",
                "sku": "BAG-881",
                "name": "レザーバッグ",
                "quantity": 1,
                "unit_price": 298000,
                "tax_rate": 10,
            },
            {"line": "2", "sku": "RING-14", "name": "リング", "quantity": 1, "unit_price": 45000, "tax_rate": 10},
        ],
        "payment": {"method": "card", "token": "tok_sample"},
    },
    "dispatched_at": "2026-11-02T15:00:00+09:00",
    "delivered_at": "2026-11-03T11:20:00+09:00",
    "asked_at": "2026-11-12T23:59:59+09:00",
    "lines": [{"line": "1", "quantity": 1, "reason": "unwanted", "condition": ["unused"]}],
}

ANSWERED: Final[dict[str, Any]] = {
    "lines": [
        {
            "line": "1",
            "quantity": 1,
            "reason": "unwanted",
            "allowed": True,
            "apply_by": "2026-11-12",
            "goods_by": "2026-11-16",
            "remedies": ["refund"],
            "remedy": "refund",
            "cost_on": "customer",
            "approve": "automatic",
            "because": [
                {
                    "rule": "RET-03",
                    "says": "11月2日(月)(発送日)の翌日から10日以内の11月12日(木)まで、お申し込みを承ります。",
                },
                {
                    "rule": "RET-03",
                    "says": "商品は11月2日(月)(発送日)の翌日から14日以内の11月16日(月)までに、当店に到着するようご返送ください。",
                },
                {"rule": "RET-03", "says": "返送にかかる費用はお客様のご負担となります。"},
            ],
        }
    ],
    "refund": {"money": 298000, "points_returned": 0, "coupon_recovered": 0, "fee": 0, "points_taken_back": 0},
    "problems": [],
}
