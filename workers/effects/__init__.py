"""Kinds of effect, one file each, found by name: what the stages ask of the world.

To add one, write a file with ``EFFECT = Effect(...)`` here, in the folder of plug-ins, or in another distribution that names
it under the entry points ``shukka.effects``: its actors, its bell and its queue are made from it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from pipelines.errors import Misconfigured
from pipelines.plugins import Registry
from workers.effects.effect import Effect

EFFECTS: Final[Registry[Effect[Any]]] = Registry("effects", Effect, "workers.effects", "effect")


def queues() -> Mapping[str, str]:
    """The queue of every kind of effect there is; raises Misconfigured if two effects claim one kind."""
    found: dict[str, str] = {}
    for effect in EFFECTS.values():
        if taken := found.keys() & set(effect.kinds):
            raise Misconfigured(f"effect {effect.name}", f"{min(taken)} is performed by another effect already")
        found |= dict.fromkeys(effect.kinds, effect.queue)
    return found


def check_performed(asked: Iterable[str]) -> None:
    """Refuse to start unless every kind of effect that is ``asked`` for is performed by something."""
    if missing := set(asked) - queues().keys():
        raise Misconfigured("workers.effects", f"nothing performs {', '.join(sorted(missing))}")
