"""What a running service tells the commands of its data directory, which find its database there too: the time on its Clock, where
people reach it, and where the sandbox gateway listens that it started."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from pipelines.errors import Misconfigured
from workers.process.embedded import running_engines
from workers.process.engines.directory import DataDirectory, engine_account

CLOCK: Final = ("SHUKKA_CLOCK", "SHUKKA_CLOCK_RATE", "SHUKKA_CLOCK_ANCHOR")
"""Settings that mean nothing but together."""
_GATEWAY: Final = ("SANDBOX_GATEWAY_URL", "SANDBOX_GATEWAY_KEY")
_PUBLIC: Final = ("SHUKKA_PUBLIC_URL",)
_TOGETHER: Final = (CLOCK, _GATEWAY, _PUBLIC)
_FILE: Final = "service.json"


def tell(data: Path, environment: Mapping[str, str]) -> None:
    """Leave what commands need of the processes' ``environment`` beside the sockets of ``data``, with which it goes; for our user alone.
    Does nothing where no database of ours runs: commands find another one by DATABASE_URL, and name the rest as they name that."""
    if running_engines(data).database_url is None:
        return
    path = _path(data)
    part = path.with_suffix(".part")
    part.touch(mode=0o600)
    part.write_text(json.dumps(_left(environment)))
    os.replace(part, path)


def told(data: Path) -> Mapping[str, str]:
    """What the service that runs in ``data`` left there, by the names of settings; nothing where none runs."""
    with suppress(Misconfigured, OSError, ValueError):
        if running_engines(data).database_url is not None:
            return _left(json.loads(_path(data).read_text()))
    return {}


def beneath(environment: Mapping[str, str], left: Mapping[str, str]) -> Mapping[str, str]:
    """``environment`` and, where it names no Clock, sandbox gateway or public address of its own, those of the service."""
    added = {
        name: left[name]
        for together in _TOGETHER
        if not any(environment.get(name) for name in together)
        for name in together
        if name in left
    }
    return {**environment, **added} if added else environment


def _left(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: environment[name] for together in _TOGETHER for name in together if name in environment}


def _path(data: Path) -> Path:
    return DataDirectory(data, engine_account()).run / _FILE
