"""Bank statements (銀行明細), one format a file, found by name.

To add one, write ``<name>.py`` with ``STATEMENT = Format(...)`` here, in the folder of plug-ins, or in another distribution that
names it under the entry points ``shukka.statements``. Readers are pure: bytes in, rows out.
"""

from __future__ import annotations

from typing import Final

from pipelines.plugins import Registry
from pipelines.statements.statement import Format

FORMATS: Final[Registry[Format]] = Registry("statements", Format, __name__, "statement format")
"""Every format by name."""
