"""Typesetting: a document's data in, the bytes of a PDF out, the same for the same data (PDF/A-3a, PDF/UA-1).

Data goes to typst as one JSON string and is never part of the source, so no text is ever markup.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import orjson

from pipelines.errors import ShukkaError
from workers.documents.fonts import FAMILY, characters, paths, printable

_TEMPLATES: Final = Path(str(files("workers.documents"))) / "templates"
_STANDARDS: Final[list[Any]] = ["a-3a", "ua-1"]
_LAYOUTS: Final = frozenset({"receipt", "letter", "list", "label"})


class Unprintable(ShukkaError):
    """A document could not be set; nothing of it was kept."""


@cache
def typesetter() -> Typesetter:
    """The one of this process, ready: its fonts and what characters they have take a second to read, once."""
    characters()
    return Typesetter()


class Typesetter:
    """One kept compiler, whose fonts are read once; calls from several threads wait for each other."""

    def __init__(self) -> None:
        import typst  # seven megabytes of machine code: only for who sets something

        folders = sorted({str(path.parent) for path in paths()})
        fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=folders)
        self._compiler = typst.Compiler(root=str(_TEMPLATES), font_paths=fonts, ignore_system_fonts=True)
        self._refusal = typst.TypstError
        self._lock = threading.Lock()

    def pdf(self, content: Mapping[str, Any]) -> bytes:
        """The PDF of a numbered document (``pipelines.documents.paper.issued``). Raises Unprintable."""
        return self._set(content, format="pdf", pdf_standards=_STANDARDS)[0]

    def pictures(self, content: Mapping[str, Any], ppi: int = 96) -> list[bytes]:
        """Its pages as PNG, for looking."""
        return self._set(content, format="png", ppi=ppi)

    def _set(self, content: Mapping[str, Any], **how: Any) -> list[bytes]:
        layout = content["layout"]
        if layout not in _LAYOUTS:
            raise Unprintable(f"there is no layout {layout!r}")
        inputs = {"data": orjson.dumps(_printable(content)).decode()}
        try:
            with self._lock:
                made = self._compiler.compile(input=str(_TEMPLATES / f"{layout}.typ"), sys_inputs=inputs, **how)
        except self._refusal as fault:
            raise Unprintable(f"{content['kind']} {content['number']}: {fault.message}") from fault
        assert made is not None
        return made if isinstance(made, list) else [made]


def _printable(content: Mapping[str, Any]) -> dict[str, Any]:
    """The data as the templates take it: texts that the font can print, the seal drawn, a note where a character is missing."""
    from workers.documents.seal import seal  # it draws with fontTools, as only who prints does

    issuer = content["issuer"]
    drawn = {"logo": issuer["logo"], "seal": seal(tuple(issuer["seal"])) if issuer["seal"] else ""}
    missing: list[bool] = []
    texts = {name: _texts(value, missing) for name, value in content.items() if name != "words"}
    texts["issuer"] = {**texts["issuer"], **drawn}
    notes = [*texts["notes"], content["words"]["missing"]] if any(missing) else texts["notes"]
    return {**texts, "notes": notes, "words": dict(content["words"]), "font": FAMILY}


def _texts(value: Any, missing: list[bool]) -> Any:
    if isinstance(value, str):
        said, replaced = printable(value)
        missing.append(replaced)
        return said
    if isinstance(value, Mapping):
        return {name: _texts(one, missing) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_texts(one, missing) for one in value]
    return value
