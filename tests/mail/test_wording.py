"""Money, numbers, days and times as a reader of each locale writes them."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from jinja2 import TemplateRuntimeError

from workers.mail.wording import filters

FRIDAY = date(2026, 11, 20)


@pytest.mark.parametrize(
    ("locale", "name", "value", "reads"),
    [
        ("ja", "yen", 13970, "13,970円"),
        ("en", "yen", 13970, "¥13,970"),
        ("ja", "yen", 0, "0円"),
        ("ja", "number", 1270, "1,270"),
        ("ja", "points", 1270, "1,270ポイント"),
        ("en", "points", 1270, "1,270 points"),
        ("en", "points", 1, "1 point"),
        ("ja", "day", FRIDAY, "2026年11月20日(金)"),
        ("en", "day", FRIDAY, "Fri, 20 Nov 2026"),
        ("ja", "moment", datetime(2026, 11, 20, 15, 30, tzinfo=UTC), "2026年11月21日(土) 00:30"),
        ("en", "moment", datetime(2026, 11, 20, 5, 59, tzinfo=UTC), "Fri, 20 Nov 2026 14:59"),
    ],
)
def test_how_a_value_reads(locale: str, name: str, value: object, reads: str) -> None:
    assert filters(locale)[name](value) == reads


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("yen", 13970.0),
        ("yen", "13970"),
        ("yen", True),
        ("points", 1.5),
        ("day", "2026-11-20"),
        ("day", datetime(2026, 11, 20, 15, 30, tzinfo=UTC)),
        ("moment", FRIDAY),
        ("moment", datetime(2026, 11, 20, 15, 30)),  # noqa: DTZ001
    ],
)
def test_a_value_of_another_type_is_refused(name: str, value: object) -> None:
    with pytest.raises(TemplateRuntimeError, match=f"the filter .* takes .*, not {type(value).__name__}"):
        filters("ja")[name](value)
