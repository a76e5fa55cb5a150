"""A shop's own words: a pattern of its profile, and what is meant by it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from typing import Final

from pipelines.rules.remarks import desired_date
from pipelines.rules.remarks.claim import Claim, Reader
from pipelines.rules.remarks.recogniser import Remark

MEANS: Final[dict[str, tuple[str, Reader]]] = {
    "desired_date": ("desired_date", "supplier"),
    "receipt_request": ("receipt_request", "accounting"),
    "work_order": ("work_order", "supplier"),
    "coupons": ("coupon_codes", "operator"),
    "answer": ("not_offered", "customer"),
    "ignore": ("", "operator"),
}
"""The kind of instruction that a rule's action makes, and whom it is for."""


def recognise(remark: Remark) -> Iterator[Claim]:
    """What the pattern matches; a desired date only with exactly one day in it."""
    kind, _ = MEANS[remark.rule.action or "ignore"]
    for found in _compiled(remark.rule.pattern or "").finditer(remark.text):
        if remark.rule.action == "desired_date":
            days = [claim.value for claim in desired_date.recognise(replace(remark, text=found[0]))]
            if len(days) == 1:
                yield Claim(found.start(), found.end(), kind, days[0], whole=False)
        else:
            value = (found[0].strip(),) if kind == "coupon_codes" else None
            yield Claim(found.start(), found.end(), kind, value, whole=False)


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)
