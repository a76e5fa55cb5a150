"""What the previews of the command line have in common: a JSON file in, JSON out, a problem document and exit 2 for what cannot
be taken."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, NoReturn

import orjson
import typer

from pipelines.errors import Invalid
from workers.cli.given_file import read_given


def show(file: str, preview_of: Callable[[object], dict[str, Any]], refused: str) -> None:
    """Print what ``preview_of`` makes of the JSON in ``file`` (``-``: standard input); ``refused`` is the detail of a refusal."""
    from workers.web.body import BadBody, parse_json

    try:
        raw = read_given(file)
    except OSError as fault:
        _refuse(400, "Bad file", f"{file}: {fault.strerror or fault}")
    try:
        answer = preview_of(parse_json(raw))
    except BadBody as bad:
        _refuse(400, "Bad body", bad.detail)
    except Invalid as invalid:
        _refuse(422, "Refused", refused, invalid)
    sys.stdout.buffer.write(orjson.dumps(answer, option=orjson.OPT_INDENT_2) + b"\n")


def _refuse(status: int, title: str, detail: str, invalid: Invalid | None = None) -> NoReturn:
    """A problem document on standard error, exit 2."""
    document: dict[str, object] = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    if invalid is not None:
        document["errors"] = [{"field": p.field, "message": p.message} for p in invalid.problems]
    sys.stderr.buffer.write(orjson.dumps(document, option=orjson.OPT_INDENT_2) + b"\n")
    raise typer.Exit(2)
