"""``shukka links revoke``: links that a supplier was sent open nothing any more."""

from __future__ import annotations

import pytest

from models.store.links import LinkHolder, generation_of
from pipelines.suppliers.links import PURPOSE
from tests.cli.console import in_process
from tests.world import World


def test_links_are_taken_back_of_one_supplier_at_one_shop(
    database: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for generation in (1, 2):
        assert in_process(capsys, monkeypatch, "links", "revoke", "salon", "maker-a")[0] == 0
        with database.engine.connect() as connection:
            assert generation_of(connection, LinkHolder(PURPOSE, "salon/maker-a")) == generation
            assert generation_of(connection, LinkHolder(PURPOSE, "clinic/maker-a")) == 0
    code, _, err = in_process(capsys, monkeypatch, "links", "revoke", "nowhere", "maker-a")
    assert code == 2
    assert "SHOP: nowhere is unknown" in err
