"""``shukka customers erase``."""

from __future__ import annotations

import json

import pytest

from tests.cli.console import in_process
from tests.world import World, document


def test_a_customer_is_erased_and_what_waits_is_said(
    database: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def shukka(*arguments: str) -> tuple[int, str, str]:
        return in_process(capsys, monkeypatch, "customers", "erase", *arguments)

    database.take(document("S-1"))
    code, out, _ = shukka("salon", "M-1")
    assert (code, "salon/M-1 waits for S-1 (it is running)" in out, "by itself" in out) == (0, True, True)
    assert json.loads(shukka("salon", "M-1", "--json")[1])["status"] == "waiting"
    database.settle()
    database.tell(database.ask("order.cancel", "S-1", reason="", operator=True))
    database.settle()
    code, out, _ = shukka("salon", "M-1")
    assert (code, "was erased at" in out, "1 orders" in out) == (0, True, True)
    code, _, err = shukka("nowhere", "M-1")
    assert (code, "SHOP: nowhere is unknown" in err) == (2, True)
    code, _, err = shukka("salon", "M-404")
    assert (code, "nobody knows M-404" in err) == (1, True)
