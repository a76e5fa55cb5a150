"""Plug-ins: a payment method, gateway, carrier, channel, effect kind, action, statement, file format, mail provider or
carrier's inquiry service is one file, found by name.

A file says what it is by the name under which it declares it (``METHOD = Method(...)``). It is found in three places:
the package of its group, the entry points ``shukka.<group>`` of installed distributions, and the folder that the
environment names in SHUKKA_PLUGINS, where each file is a plug-in of whatever it declares.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import pkgutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import entry_points
from pathlib import Path
from threading import RLock
from types import ModuleType
from typing import Any, Final, Protocol, TypeVar
from weakref import WeakSet

from pipelines.errors import Misconfigured, ShukkaError

FOLDER: Final = "SHUKKA_PLUGINS"
"""The environment variable that names a folder of plug-ins; unset: there is none."""

GROUPS: Final[Mapping[str, str]] = {
    "methods": "METHOD",
    "gateways": "GATEWAY",
    "carriers": "CARRIER",
    "channels": "CHANNEL",
    "effects": "EFFECT",
    "actions": "ACTION",
    "statements": "STATEMENT",
    "files": "FILE_FORMAT",
    "mail_providers": "MAIL_PROVIDER",
    "inquiries": "INQUIRY",
}
"""Every group of plug-ins, and the name under which a module declares one."""


class Named(Protocol):
    """What a plug-in declares: anything that has a name of its own in its group."""

    @property
    def name(self) -> str:
        """The word by which orders, profiles, URLs and commands call it."""
        ...


T = TypeVar("T", bound=Named)


class Registry(Mapping[str, T]):
    """The plug-ins of one group by name, in the order of their names; read when they are first asked for, and kept.

    ``declared`` is the type of what a module declares, ``package`` the dotted name of the package that is scanned, ``word``
    what one is called in a sentence ("payment method"). Modules of the package without a declaration are passed over. Every
    look-up raises Misconfigured for a plug-in that cannot be imported, declares another type, or takes a name that is taken.
    """

    def __init__(self, group: str, declared: type[T], package: str, word: str) -> None:
        self._group = group
        self._mark = GROUPS[group]
        self._declared = declared
        self._package = package
        self._word = word
        self._known: dict[str, T] | None
        self._every: tuple[T, ...] | None
        self.forget()
        REGISTRIES.add(self)

    def __getitem__(self, name: str) -> T:
        return (self._known or self._found())[name]

    def get(self, name: str, default: Any = None) -> Any:
        """As of any Mapping, without an exception for a name that is not there: stages ask for each order."""
        return (self._known or self._found()).get(name, default)

    def __iter__(self) -> Iterator[str]:
        return iter(self._found())

    def __len__(self) -> int:
        return len(self._found())

    def every(self) -> tuple[T, ...]:
        """All of them, the same tuple until they are forgotten: what is made of them can be kept by it."""
        every = self._every
        if every is None:
            with _LOCK:  # of threads that ask first at one moment, one makes it for all
                every = self._every = self._every or tuple(self._found().values())
        return every

    __hash__ = object.__hash__

    def choice(self) -> str:
        """The names as a sentence offers them: ``'card', 'cod' or 'none'``."""
        *others, last = map(repr, self)
        return f"{', '.join(others)} or {last}" if others else last

    def forget(self) -> None:
        """Read the plug-ins anew when they are next asked for."""
        self._known = self._every = None

    def _found(self) -> dict[str, T]:
        known = self._known
        if known is None:
            with _LOCK:
                known = self._known = self._known or self._scan(os.environ.get(FOLDER) or None)
        return known

    def _scan(self, folder: str | None) -> dict[str, T]:
        places: dict[str, str] = {}
        found: dict[str, T] = {}
        for where, declaration in self._declarations(folder):
            if not isinstance(declaration, self._declared):
                raise Misconfigured(where, f"{self._mark} must be a {self._declared.__name__}")
            if (taken := places.get(declaration.name)) is not None:
                raise Misconfigured(where, f"the {self._word} {declaration.name!r} is declared by {taken} already")
            places[declaration.name] = where
            found[declaration.name] = declaration
        return {name: found[name] for name in sorted(found)}

    def _declarations(self, folder: str | None) -> Iterator[tuple[str, object]]:
        """Where each plug-in stands, and what it declares."""
        package = importlib.import_module(self._package)
        for module in pkgutil.iter_modules(package.__path__, f"{self._package}."):
            if hasattr(loaded := importlib.import_module(module.name), self._mark):
                yield module.name, getattr(loaded, self._mark)
        for point in entry_points(group=f"shukka.{self._group}"):
            where = f"entry point {point.name!r} of shukka.{self._group}"
            with _imported(where):
                target = point.load()
            yield where, getattr(target, self._mark, None) if isinstance(target, ModuleType) else target
        for path in _files(folder):
            if hasattr(loaded := _module(path), self._mark):
                yield str(path), getattr(loaded, self._mark)


_LOCK = RLock()
REGISTRIES: Final[WeakSet[Registry[Any]]] = WeakSet()
"""All there are in this process."""
_MODULES: dict[Path, ModuleType] = {}


def _files(folder: str | None) -> list[Path]:
    if folder is None:
        return []
    if not Path(folder).is_dir():
        raise Misconfigured(FOLDER, f"{folder} is no folder; unset it or make it")
    return sorted(path.resolve() for path in Path(folder).glob("*.py") if not path.name.startswith("_"))


def _module(path: Path) -> ModuleType:
    """The file, imported once a process; raises Misconfigured if it cannot be or if it declares nothing."""
    if (known := _MODULES.get(path)) is not None:
        return known
    spec = importlib.util.spec_from_file_location(f"shukka_plugin_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    with _imported(str(path)):
        spec.loader.exec_module(module)
    if not any(hasattr(module, mark) for mark in GROUPS.values()):
        raise Misconfigured(str(path), f"declares no plug-in; it must have one of {', '.join(GROUPS.values())}")
    _MODULES[path] = module
    return module


@contextmanager
def _imported(where: str) -> Iterator[None]:
    """A plug-in's own code runs here: whatever it raises is told with its place."""
    try:
        yield
    except ShukkaError:
        raise
    except Exception as error:
        raise Misconfigured(where, f"cannot be imported: {error!r}") from error
