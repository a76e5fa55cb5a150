"""Files of label programs and warehouses (送り状ソフト), one format a file, found by name: what goes out, and what comes back.

To add one, write ``<name>.py`` with ``FILE_FORMAT = FileFormat(...)`` here, in the folder of plug-ins, or in another
distribution that names it under the entry points ``shukka.files``. All of it is pure: labels in and bytes out, bytes in and
rows out.
"""

from __future__ import annotations

from typing import Final

from pipelines.files.file_format import FileFormat
from pipelines.plugins import Registry

FORMATS: Final[Registry[FileFormat]] = Registry("files", FileFormat, __name__, "file format")
"""Every format by name."""
