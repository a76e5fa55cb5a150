"""A shop's own words and layout: files beside its profile that stand for those of ``templates_mail``.

``SHOPS_DIR/<shop>/mails/<template>/<file>``, ``_layout`` among the templates. Words (``words.<locale>.toml``) and styles are
laid over the shared ones, name by name; any other file replaces its namesake.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import templates_mail
from pipelines.errors import Misconfigured
from pipelines.shops import PACKAGED
from templates_mail import LAYOUT, TEMPLATES

_TABLE: Final = ".toml"
#: The table whose names are the shop's own: its delivery slots.
_FREE: Final = "slots"


class Overrides:
    """The files of one shop, by (template, name), read once; ``load`` and ``tables`` are what ``Sources`` asks."""

    def __init__(self, files: Mapping[tuple[str, str], Path]) -> None:
        self._files = files
        self._texts = {name: _text(path) for name, path in files.items()}
        self._tables = {name: _table(path, *name) for name, path in files.items() if path.suffix == _TABLE}

    def load(self, template: str, file: str) -> str:
        """The shop's file, else the shared one. Raises FileNotFoundError if there is neither."""
        own = self._texts.get((template, file))
        return templates_mail.load(template, file) if own is None or file.endswith(_TABLE) else own

    def table(self, file: str) -> Mapping[str, Any]:
        """What the shop lays over the shared table ``_layout/<file>``."""
        return self._tables.get((LAYOUT, file), {})

    def of(self, template: str) -> list[Path]:
        """The files that a mail may be made of, its own first."""
        named = [path for (folder, _), path in self._files.items() if folder == template]
        return named + [path for (folder, _), path in self._files.items() if folder == LAYOUT]


def read(directory: Path | None, shops: Iterable[str]) -> dict[str, Overrides]:
    """The overrides of those ``shops`` that have some, from the directory of the profiles (None: the packaged one).

    Raises Misconfigured naming a file that stands for none, is not UTF-8 or no TOML.
    """
    found: dict[str, Overrides] = {}
    for shop in shops:
        place = (PACKAGED if directory is None else directory) / shop / "mails"
        paths = [path for path in sorted(place.rglob("*")) if path.is_file() and not path.name.startswith(".")]
        if paths:
            found[shop] = Overrides({_name(place, path): path for path in paths})
    return found


def _name(place: Path, path: Path) -> tuple[str, str]:
    """(template, file) of ``path``; only what is there can be overridden, so that a misspelt name is found."""
    folder, *rest = path.relative_to(place).parts
    if folder not in (LAYOUT, *TEMPLATES):
        raise Misconfigured(
            str(path), f"there is no mail {folder}; there is {', '.join(sorted(TEMPLATES))} and {LAYOUT}"
        )
    if rest != [path.name] or path.name not in templates_mail.names(folder):
        there_is = ", ".join(templates_mail.names(folder))
        raise Misconfigured(str(path), f"stands for no file of templates_mail/{folder}; there is {there_is}")
    return folder, path.name


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Misconfigured(str(path), "is not UTF-8 text; save it as UTF-8") from None
    except OSError as fault:
        raise Misconfigured(str(path), f"cannot be read: {fault.strerror}") from None


def _table(path: Path, template: str, file: str) -> Mapping[str, Any]:
    """A table whose names are all in the shared one; a shop's own slots may be more."""
    try:
        own = tomllib.loads(_text(path))
    except tomllib.TOMLDecodeError as fault:
        raise Misconfigured(str(path), f"is not valid TOML: {fault}") from None
    shared = tomllib.loads(templates_mail.load(template, file))
    for name, value in own.items():
        known = shared.get(name)
        if known is None or isinstance(known, dict) != isinstance(value, dict):
            raise Misconfigured(str(path), f"{name} is no name of templates_mail/{template}/{file}")
        if isinstance(value, dict) and name != _FREE and (unknown := value.keys() - known.keys()):
            raise Misconfigured(str(path), f"{name}.{min(unknown)} is no name of templates_mail/{template}/{file}")
    return own
