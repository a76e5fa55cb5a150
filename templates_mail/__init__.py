"""The mails: one folder a mail, found by name; ``_layout`` holds what they share (docs/mails.md).

A folder holds, for each of ``LOCALES``, ``subject.<locale>.txt``, ``text.<locale>.txt`` and ``body.<locale>.mjml``.
They are read through importlib.resources, so a wheel serves as well as a checkout.
"""

from __future__ import annotations

from importlib.resources import files
from typing import Final

LOCALES: Final = ("ja", "en")
LAYOUT: Final = "_layout"
_HERE: Final = files(__name__)

TEMPLATES: Final[frozenset[str]] = frozenset(
    folder.name for folder in _HERE.iterdir() if folder.is_dir() and not folder.name.startswith(("_", "."))
)


def load(template: str, file: str) -> str:
    """The source of one file of a mail, such as ``load("order_accepted", "subject.ja.txt")``.

    ``template`` may be ``_layout``. Raises FileNotFoundError if there is no such file.
    """
    return _HERE.joinpath(template, file).read_text(encoding="utf-8")


def names(template: str) -> list[str]:
    """The files of one mail, or of ``_layout``, sorted."""
    return sorted(file.name for file in _HERE.joinpath(template).iterdir() if file.is_file())
