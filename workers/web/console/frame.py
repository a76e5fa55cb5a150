"""How a page of the console is written: templates and words of this folder, and headers that let it load its own files alone."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import Response

from pipelines.rules.explain import written
from pipelines.values.calendar import in_japan
from pipelines.values.honorific import called
from workers.operators import PATH

LANGUAGES: Final = ("ja", "en")
_HERE: Final = Path(__file__).parent
_ASSETS: Final = _HERE / "assets"
_TYPES: Final = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8"}
_TOKYO: Final = ZoneInfo("Asia/Tokyo")
_YEAR: Final = 31_536_000

HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    # A form's Origin is told to this server alone; a page of anybody else's learns nothing of where its reader came from.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow",
}
"""The headers of every page."""
FRAMED: Final = {
    **HEADERS,
    # What a mail says may do nothing at all: no script, no form, no picture from anywhere, and only the console shows it.
    "Content-Security-Policy": "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'",
}
"""The headers of a mail's own HTML."""


@cache
def words(language: str) -> Mapping[str, Any]:
    """What pages say in ``language``: by name, and tables of words for states, reasons and fields; of all files of the language."""
    told: dict[str, Any] = {"words": {}}
    for path in sorted(_HERE.glob(f"words.{language}*.toml")):
        says = tomllib.loads(path.read_text("utf-8"))
        for table, names in says.pop("words", {}).items():
            told["words"].setdefault(table, {}).update(names)
        told.update(says)
    return told


@cache
def asset_version() -> str:
    """What changes with any file that pages load, so that browsers may keep each for ever."""
    told = hashlib.sha256()
    for name in sorted(_assets()):
        told.update(_assets()[name])
    return told.hexdigest()[:12]


@cache
def _assets() -> Mapping[str, bytes]:
    return {path.name: path.read_bytes() for path in _ASSETS.iterdir() if path.suffix in _TYPES}


def asset(name: str) -> Response | None:
    """A file that pages load; None for none of them."""
    content = _assets().get(name)
    if content is None:
        return None
    headers = {"Cache-Control": f"public, max-age={_YEAR}, immutable", "X-Content-Type-Options": "nosniff"}
    return Response(content, media_type=_TYPES[Path(name).suffix], headers=headers)


def page(template: str, language: str, status: int = 200, **values: Any) -> Response:
    """The page that ``template`` makes of ``values`` in ``language``."""
    says = words(language)
    html = (
        _environment()
        .get_template(f"{template}.html")
        .render(
            says=says,
            language=language,
            switch=next(one for one in LANGUAGES if one != language),
            assets=asset_version(),
            root=PATH,
            word=lambda table, name: says["words"][table].get(name, name.replace("_", " ")) if name is not None else "",
            day=lambda one: (
                written(datetime.fromisoformat(one).date() if isinstance(one, str) else one, language) if one else ""
            ),
            **values,
        )
    )
    return Response(html, status_code=status, media_type="text/html; charset=utf-8", headers=HEADERS)


def see(path: str) -> Response:
    """See ``path`` (of this server) after a form was taken, so that to load it again sends nothing again."""
    return Response(status_code=303, headers={**HEADERS, "Location": path})


def _moment(at: datetime | str | None) -> str:
    """A moment in Japan, to the minute."""
    if at is None:
        return ""
    told = datetime.fromisoformat(at) if isinstance(at, str) else at
    return f"{in_japan(told):%Y-%m-%d %H:%M}"


def _number(value: int | None) -> str:
    return "" if value is None else f"{value:,}"


def _iso(at: datetime | str) -> str:
    return at if isinstance(at, str) else at.astimezone(_TOKYO).isoformat(timespec="seconds")


@cache
def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(_HERE / "pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(moment=_moment, number=_number, iso=_iso, called=called)
    return made
