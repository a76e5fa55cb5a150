"""What docs/demo-world.md says of the simulated world is what its processes know."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest

from workers.demo import storefront
from workers.sandbox import bank, carriers, gateway, listener, shipping_plan, sink

CHECKOUT: Final = Path(__file__).parents[2]
PAGE: Final = (CHECKOUT / "docs" / "demo-world.md").read_text("utf-8")
SWITCHES: Final[Mapping[str, Mapping[str, float]]] = {
    "gateway": gateway.FAULTS,
    "supplier": shipping_plan.FAULTS,
    "bank": bank.FAULTS,
    "sink": sink.FAULTS,
    "carriers": carriers.FAULTS,
    "listener": listener.FAULTS,
    "storefront, flags only": storefront.FAULTS,
}


@pytest.mark.parametrize("process", SWITCHES)
def test_every_switch_of_a_fault_is_told(process: str) -> None:
    section = PAGE.partition("## Faults")[2].partition("## Journals")[0]
    row = next((one for one in section.splitlines() if one.startswith(f"| {process} |")), "")
    assert set(re.findall(r"`([a-z_]+)`", row)) == {*SWITCHES[process]}


def test_a_secret_that_may_come_from_the_environment_is_read_from_it() -> None:
    named = set(re.findall(r"`([A-Z_]+_(?:KEY|SECRET))`", PAGE))
    source = "".join(path.read_text("utf-8") for path in (CHECKOUT / "workers" / "sandbox").glob("*.py"))
    assert named == set(re.findall(r"environ\.get\(\"([A-Z_]+)\"", source))
