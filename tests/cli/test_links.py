"""``shukka links revoke``: links that a supplier was sent open nothing any more."""

from __future__ import annotations

import pytest

from models.store.links import LinkHolder, generation_of
from pipelines.suppliers.links import PURPOSE
from tests.cli.console import in_process
from tests.world import World, document


def test_links_are_taken_back_of_one_supplier_at_one_shop(
    database: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for generation in (1, 2):
        assert in_process(capsys, monkeypatch, "links", "revoke", "salon", "maker-a")[0] == 0
        with database.engine.connect() as connection:
            assert generation_of(connection, LinkHolder(PURPOSE, "salon/maker-a")) == generation
            assert generation_of(connection, LinkHolder(PURPOSE, "clinic/maker-a")) == 0


def test_nothing_is_said_to_be_taken_back_of_nobody(
    database: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mistyped name leaves the links open. An order may name a supplier that no profile has: its links are taken back, too."""
    for told, says in (
        (("nowhere", "maker-a"), "SHOP: there is no shop nowhere"),
        (("salon", "atelier"), "SUPPLIER: no profile has a supplier atelier"),
    ):
        code, out, err = in_process(capsys, monkeypatch, "links", "revoke", *told)
        assert (code, out, says in err) == (2, "", True), err
    order = document("S-1")
    order["lines"][0]["supplier"] = "atelier"
    database.take(order)
    database.settle()
    assert in_process(capsys, monkeypatch, "links", "revoke", "salon", "atelier")[0] == 0
