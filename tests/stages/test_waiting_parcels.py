"""B.4.3, B.4.5: what a carrier says before it has handed a parcel over reaches the customer where the shop wants it."""

from __future__ import annotations

from datetime import date

import pytest

from pipelines.stages.notify import STAGE
from tests.rules.build import SHOPS, shop_with
from tests.stages.build import decide, mails
from tests.stages.news import NUMBER, news, on_its_way

TELLS = shop_with(
    "salon", **{"[returns]": '[delivery]\ntells = ["out_for_delivery", "attempt_failed", "held"]\n[returns]'}
)


def told(status: str, shop: object = TELLS) -> list[str]:
    known = on_its_way(news("tracking_updated", status=status, tracking_number=NUMBER))
    return mails(decide(STAGE, known, shop=shop))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("status", "last_day"),
    [("out_for_delivery", None), ("attempt_failed", date(2026, 11, 26)), ("held", date(2026, 11, 26))],
)
def test_the_customer_hears_of_it_with_the_last_day(status: str, last_day: date | None) -> None:
    known = on_its_way(news("tracking_updated", status=status, tracking_number=NUMBER))
    (mail,) = decide(STAGE, known, shop=TELLS).mails
    assert (mail.template, mail.context["waiting"], mail.context["receive_by"]) == ("parcel_waiting", status, last_day)
    assert mail.subject_key == f"SH-1:{NUMBER}:{status}"


@pytest.mark.parametrize("status", ["in_transit", "accepted"])
def test_of_the_rest_of_the_way_nobody_hears(status: str) -> None:
    assert told(status) == []


def test_only_where_the_shop_wants_it() -> None:
    assert told("held", SHOPS["salon"]) == []
