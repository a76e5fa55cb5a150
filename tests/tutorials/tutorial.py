"""A tutorial as a program: its ``console`` blocks are commands (``$ ``), each with what it prints; ``...`` is anything."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_MARK = "=== command {} ==="


class Command(NamedTuple):
    """One command and what the page says that it prints."""

    command: str
    printed: str


def commands(page: str) -> list[Command]:
    """The commands of a page, in its order."""
    found = []
    for block in _BLOCK.findall(page):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, printed = part.partition("\n")
            found.append(Command(command, printed.rstrip()))
    return found


def run(asked: Sequence[Command], folder: Path, environment: Mapping[str, str]) -> list[str]:
    """What the commands print, one after the other in one shell."""
    script = "".join(f"echo '{_MARK.format(number)}'\n{one.command}\n" for number, one in enumerate(asked))
    ran = subprocess.run(
        ["bash", "-u"],
        input=script,
        cwd=folder,
        env={**environment, "COLUMNS": "120"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=450,
        check=False,
    )
    parts = re.split(r"=== command \d+ ===\n", ran.stdout)[1:]
    return ["\n".join(line.rstrip() for line in part.splitlines()).rstrip() for part in parts]


def is_as_shown(printed: str, shown: str) -> bool:
    """Whether a command printed what the page shows; ``...`` stands for anything."""
    return re.fullmatch(".*?".join(map(re.escape, shown.split("..."))), printed, re.DOTALL) is not None
