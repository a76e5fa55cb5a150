"""The file that a command is given as FILE."""

from __future__ import annotations

import errno
import sys
from pathlib import Path
from typing import Final

from pipelines.errors import Invalid, Problem

#: Neither a bank nor a label program writes more, and no order, request or profile is as large.
_MOST_BYTES: Final = 64 * 1024 * 1024


def read_given(file: str) -> bytes:
    """What the file holds, or standard input where it is ``-``. Raises OSError for one that cannot be read, or has no end."""
    if file == "-":
        raw = sys.stdin.buffer.read(_MOST_BYTES + 1)
    else:
        with Path(file).open("rb") as opened_file:
            raw = opened_file.read(_MOST_BYTES + 1)
    if len(raw) > _MOST_BYTES:
        raise OSError(errno.EFBIG, "is larger than what is read here, 64 MiB")
    return raw


def read_whole(file: Path, what: str) -> bytes:
    """What the file holds. Raises Invalid for one that cannot be read, or is larger than any ``what`` ("statement")."""
    try:
        with file.open("rb") as opened_file:
            raw = opened_file.read(_MOST_BYTES + 1)
    except OSError as fault:
        raise Invalid([Problem("FILE", f"{file}: {fault.strerror or fault}")]) from None
    if len(raw) > _MOST_BYTES:
        raise Invalid([Problem("FILE", f"{file}: is larger than any {what}")])
    return raw
