"""How gateways that sign by Standard Webhooks are answered."""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from pipelines.gateway import Acknowledgement, Notice


def stored_or_known(notices: Sequence[Notice], is_new: bool) -> Acknowledgement:
    """202 once it is stored, 200 for one that was known."""
    said = {"id": notices[0].id, "status": "stored" if is_new else "known"}
    return Acknowledgement(202 if is_new else 200, orjson.dumps(said), "application/json")
