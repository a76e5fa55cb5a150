"""Received messages and what they say, as files: ``NN_name.eml`` and ``NN_name.expected.json``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

FOLDER: Final = Path(__file__).parent / "samples"
NAMES: Final = sorted(path.stem for path in FOLDER.glob("*.eml"))
MESSAGE_ID: Final = "<5f0c6a1e-8d52-5c3b-9a1f-0123456789ab@salon.example.jp>"
"""Of the mail that the samples are about; it went to nobody@example.jp in most, as S-1001's order_accepted."""


def raw(name: str) -> bytes:
    """The message."""
    return (FOLDER / f"{name}.eml").read_bytes()


def expected(name: str) -> Any:
    """What it says: ``{"message_id", "recipients": [{"address", "kind", "reason", "status", "hard", "action"}]}``."""
    return json.loads((FOLDER / f"{name}.expected.json").read_text("utf-8"))


def about(name: str, message_id: str, address: str, was: str) -> bytes:
    """The message, as if it were about the mail ``message_id`` to ``address`` rather than to ``was``."""
    return raw(name).replace(MESSAGE_ID.encode(), message_id.encode()).replace(was.encode(), address.encode())
