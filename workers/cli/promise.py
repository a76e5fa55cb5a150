"""``shukka promise``: which day goods leave that are ordered at a moment, until when, and why."""

from __future__ import annotations

import sys
from typing import Annotated

import orjson
import typer

from pipelines.orders.promise import asked_of, unloaded
from pipelines.orders.promise import promise as promise_of
from pipelines.shops import load_shops
from workers.installation import INSTALLATION
from workers.settings import load


def promise(
    shop: Annotated[str, typer.Option(help="The shop.")],
    supplier: Annotated[str | None, typer.Option(help="Who sends it; warehouse unless given.")] = None,
    availability: Annotated[str | None, typer.Option(help="in_stock, backorder, made_to_order or unique.")] = None,
    expected_on: Annotated[str | None, typer.Option(help="The day on which a back-order is expected.")] = None,
    region: Annotated[str | None, typer.Option(help="Prefecture it goes to, as 愛知県 or Aichi.")] = None,
    method: Annotated[str | None, typer.Option(help="Payment method; card unless given.")] = None,
    at: Annotated[str | None, typer.Option(help="Moment of the order, as 2026-11-20T13:37:00+09:00; else now.")] = None,
    locale: Annotated[str | None, typer.Option(help="Language of the reasons: ja or en.")] = None,
) -> None:
    """Print the dispatch promise as JSON; needs no running service, so a supplier with a capacity counts as having room."""
    told = {
        "shop": shop,
        "supplier": supplier,
        "availability": availability,
        "expected_on": expected_on,
        "region": region,
        "method": method,
        "at": at,
        "locale": locale,
    }
    asked = asked_of({name: value for name, value in told.items() if value is not None})
    settings = load()
    shops = load_shops(settings.shops_dir, INSTALLATION)
    answer = promise_of(asked, shops, settings.clock.now(), unloaded)
    sys.stdout.buffer.write(orjson.dumps(answer.document, option=orjson.OPT_INDENT_2) + b"\n")
