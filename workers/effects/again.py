"""What was given up of a kind at a target is put to it again, under its old keys, once it is known to answer."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Engine

from models.store import effects, given_up
from models.store.given_up import Which


def ask_again(engine: Engine, kinds: Sequence[str], target: str) -> int:
    """Make effects of ``kinds`` at ``target`` due that were given up with an unknown outcome; how many. Each is looked up
    before it is repeated."""
    with engine.begin() as connection:
        unknown = [row.id for kind in kinds for row in given_up.listed(connection, Which("effect", kind, target), [])]
        return len(effects.try_again(connection, unknown)) if unknown else 0
