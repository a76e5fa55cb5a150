"""How a page is written: templates and words of this folder, and headers that let it do nothing but show itself."""

from __future__ import annotations

import base64
import hashlib
import tomllib
from collections.abc import Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import Response

from pipelines.rules.explain import written
from pipelines.values.honorific import called
from workers.web.body import BadBody

LANGUAGES: Final = ("ja", "en")
_HERE: Final = Path(__file__).parent
_ENVIRONMENT: Final = Environment(
    loader=FileSystemLoader(_HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)
_ENVIRONMENT.filters["called"] = called
_STYLE: Final = (_HERE / "style.css").read_text("utf-8")
_SCRIPT: Final = (_HERE / "script.js").read_text("utf-8")


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


HEADERS: Final = {
    # The one style and the one script are those whose hashes stand here; nothing is loaded from anywhere else.
    "Content-Security-Policy": f"default-src 'none'; style-src {_hash(_STYLE)}; script-src {_hash(_SCRIPT)}; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    # The link is what opens the page: it is told to nobody.
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow",
}
"""The headers of every page."""


@cache
def words(language: str, book: str = "words") -> Mapping[str, str]:
    """What the pages of ``book`` say in ``language``, by name; the makers' if none is named."""
    with (_HERE / f"{book}.{language}.toml").open("rb") as file:
        return tomllib.load(file)


def page(template: str, language: str, status: int = 200, *, book: str = "words", **values: Any) -> Response:
    """The page that ``template`` makes of ``values`` in ``language``, with the words of ``book``."""
    says = words(language, book)
    html = _ENVIRONMENT.get_template(f"{template}.html").render(
        says=says, language=language, style=_STYLE, script=_SCRIPT, day=lambda one: _day(one, language), **values
    )
    return Response(html, status_code=status, media_type="text/html; charset=utf-8", headers=HEADERS)


def not_taken(bad: BadBody, language: str) -> Response:
    """The page for a form that is none, or too large."""
    return page("apology", language, bad.status, why="too_large" if bad.status == 413 else "unread")


def to(path: str) -> Response:
    """See ``path`` (of this server) after a form was taken, so that to load it again sends nothing again."""
    return Response(status_code=303, headers={**HEADERS, "Location": path})


def _day(day: date | str | None, language: str) -> str:
    if day is None:
        return ""
    return written(date.fromisoformat(day) if isinstance(day, str) else day, language)
