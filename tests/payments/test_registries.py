"""Channels are found by name; what is missing is one clear sentence at boot."""

from __future__ import annotations

import pytest

from pipelines.errors import Misconfigured
from workers import channels as suppliers


def test_a_channel_is_built_by_name() -> None:
    assert suppliers.build("webhook", {}).name in suppliers.NAMES


def test_an_unknown_channel_refuses_to_start() -> None:
    with pytest.raises(Misconfigured, match="webhook"):
        suppliers.build("fax", {})
