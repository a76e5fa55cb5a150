"""django-oscar: two processes, each of which carries one order after the other (https://django-oscar.readthedocs.io).

It has no queue: what its documentation calls order processing is called by whoever has a reason to, here a loop that takes the oldest accepted
order which no other process has locked. Tuned as Django's "Database access optimization" says: connections kept, rows created in bulk,
only the changed fields saved. ``prepare`` makes the tables and stores the orders that are waiting in Shukka's.
"""

from __future__ import annotations

import os
import sys
import time
from typing import Final

import django
from sqlalchemy import create_engine, text

from benchmarks.peers.partners import partners
from benchmarks.peers.place import House, Place

PREPARE: Final = "prepare"
_WAITING: Final = """
SELECT d.document, d.breakdown, o.grand_total FROM shop_order o JOIN order_document d ON d.order_id = o.id ORDER BY o.id"""

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "benchmarks.peers.programs.oscar_shop.settings")
django.setup()


def submit(order_id: int) -> None:
    """Let an order that is stored go: it has the place among them that it has in Shukka's tables."""
    from benchmarks.peers.programs.oscar_shop.stages import Order

    Order.objects.filter(id=order_id, status="waiting").update(status="accepted")


def main() -> None:
    """Be a worker, or prepare."""
    from django.core.management import call_command

    from benchmarks.peers.programs.oscar_shop.stages import SHIPPED, ShippingEventType, Shop

    place = Place.here()
    house = House(place)
    shop = Shop(house, partners(place, house.clock))
    if sys.argv[1:] == [PREPARE]:
        with create_engine(place.database).begin() as connection:
            connection.execute(text("CREATE SCHEMA oscar"))
        call_command("migrate", verbosity=0)
        call_command(
            "migrate", run_syncdb=True, verbosity=0
        )  # what is beside oscar has no migrations, and points to its tables
        ShippingEventType.objects.get_or_create(name=SHIPPED)
        with create_engine(place.database).connect() as connection:
            for document, breakdown, total in connection.execute(text(_WAITING)):
                shop.store(document, breakdown, total)
        return
    assert house.renderer
    while True:
        if not shop.carry():
            time.sleep(0.02)


if __name__ == "__main__":
    main()
