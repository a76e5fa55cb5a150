"""One tracking number is one parcel's, in two batches at one moment too; and who lost it to a mistake is read again once that is
mended."""

from __future__ import annotations

import time
from dataclasses import replace
from threading import Thread

from pipelines.engine.inbox import try_again
from pipelines.route import STAGES
from tests.engine.slow import Slow
from tests.world import World, document, tracking_number

NUMBER = tracking_number(44_441_375_870)
_LOOK = 0.02


def test_one_number_is_one_parcels(world: World) -> None:
    """TRK-05: the second batch waits for the first, and sees what it made of the number."""
    world.take(document("S-1"), document("S-2", customer="M-2"))
    world.settle()
    world.tell(*(world.shipped(world.shipments(one)[0], tracking_number=NUMBER) for one in ("S-1", "S-2")))
    slow = Slow(world.runner.renderer)
    batches = [
        Thread(target=runner.run_batch, args=(STAGES["notify"], 1))
        for runner in (replace(world.runner, renderer=slow), world.runner)
    ]
    batches[0].start()
    assert slow.reached.wait(30)
    batches[1].start()
    while batches[1].is_alive() and not world.value("SELECT count(*) FROM pg_locks WHERE NOT granted"):
        time.sleep(_LOOK)
    slow.go.set()
    for batch in batches:
        batch.join(30)
    world.settle()
    states = [
        row.state for row in world.rows("SELECT state FROM inbox_event WHERE type = 'shipment.shipped' ORDER BY 1")
    ]
    assert states == ["applied", "quarantined"]
    assert world.value("SELECT count(*) FROM parcel WHERE tracking_number = :number", number=NUMBER) == 1
    assert world.broken() == {}


def test_a_quarantined_event_is_read_again_once_its_reason_is_mended(world: World) -> None:
    """TRK-05: S-1's supplier gave the number of S-2's parcel, and corrects it."""
    world.take(document("S-1"), document("S-2", customer="M-2"))
    world.settle()
    first, second = (world.shipments(one)[0] for one in ("S-1", "S-2"))
    for shipment in (first, second):
        world.tell(world.shipped(shipment, tracking_number=NUMBER))
        world.settle()
    event = world.value("SELECT id FROM inbox_event WHERE state = 'quarantined'")
    assert world.states()["S-2"] == ("released", "running")
    right = tracking_number(44_441_375_871)
    world.tell(world.news("shipment.tracking_corrected", first, tracking_number=right, previous_tracking_number=NUMBER))
    world.settle()
    with world.engine.begin() as connection:
        assert try_again(connection, [event], world.clock.now()) == ["shipment.shipped"]
        assert try_again(connection, [event], world.clock.now()) == []
    world.settle()
    assert world.states()["S-2"][0] == "shipped"
    assert world.broken() == {}
