"""A disk of its own for the tables that grow, which can be full."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import psycopg
from psycopg import sql

from workers.process.engines.directory import engine_account

#: What a run needs, several times over; a file system in memory takes what is written alone.
_ROOMY = "4g"
#: Intake, decisions and mails write to these.
TABLES = ("shop_order", "order_document", "inbox_event", "transition", "mail", "effect")


class SmallDisk:
    """A file system in memory at ``place``, as large as is said."""

    def __init__(self, place: Path) -> None:
        self._place = place

    @classmethod
    @contextmanager
    def below(cls, root: Path) -> Iterator[Self | None]:
        """Mount one under ``root``; None where this account may not. It goes at the end."""
        place = root / "disk"
        place.mkdir(mode=0o711)
        if os.geteuid() != 0 or not _mounted("-t", "tmpfs", "-o", f"size={_ROOMY},mode=711", "tmpfs", str(place)):
            yield None
            return
        try:
            yield cls(place)
        finally:
            subprocess.run(["umount", "--lazy", str(place)], capture_output=True, check=False)

    def take_in(self, database_url: str) -> None:
        """Move ``TABLES`` of a database here."""
        tables, account = self._place / "tables", engine_account()
        tables.mkdir(mode=0o700)
        os.chown(tables, account.uid, account.gid)
        with psycopg.connect(database_url, autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE TABLESPACE small LOCATION {}").format(sql.Literal(str(tables))))
            for table in TABLES:
                connection.execute(sql.SQL("ALTER TABLE {} SET TABLESPACE small").format(sql.Identifier(table)))

    def give_back(self, database_url: str) -> None:
        """Move them back, for whoever looks into the database afterwards."""
        with psycopg.connect(database_url, autocommit=True) as connection:
            for table in TABLES:
                connection.execute(sql.SQL("ALTER TABLE {} SET TABLESPACE pg_default").format(sql.Identifier(table)))

    def fill(self) -> None:
        """Leave no byte free."""
        now = os.statvfs(self._place)
        self._resize(str((now.f_blocks - now.f_bfree) * now.f_frsize))

    def empty(self) -> None:
        """Let there be room again."""
        self._resize(_ROOMY)

    def _resize(self, size: str) -> None:
        _mounted("-o", f"remount,size={size}", str(self._place))


def _mounted(*options: str) -> bool:
    return subprocess.run(["mount", *options], capture_output=True, check=False).returncode == 0
