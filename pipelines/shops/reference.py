"""The reference of all profile parameters, written from the model itself so that it cannot fall behind."""

from __future__ import annotations

import types
from collections.abc import Iterator
from datetime import time
from decimal import Decimal
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from pipelines.methods import METHODS
from pipelines.shops.section import Section
from pipelines.shops.shop import Shop

_INTRODUCTION = """# Shop profiles

A shop is one file, `<shop>.toml`, in `SHOPS_DIR` (default: the profiles that come with Shukka, `pipelines/shops/`). Its
name is the shop's key. `shukka shops check [DIR]` validates every file and names each mistake with file, key and reason.
A file stays until the orders of its shop are over: nothing starts without it before.

Whatever a file leaves out has the default below. Money is whole yen; a share such as `0.01` is one percent; a time of day
is `"15:00"`. A payment method is one of {methods}. Ids such as CUT-01 name the rule a parameter belongs to. This page is written by
`python -m pipelines.shops`.
"""


def markdown() -> str:
    """The whole page."""
    introduction = _INTRODUCTION.format(methods=", ".join(f"`{name}`" for name in METHODS))
    parts = [introduction, "## The shop itself\n", *_table(Shop, top=True)]
    for name, field in Shop.model_fields.items():
        inner = _section(field.annotation)
        if inner is None:
            continue
        heading = {
            "remarks": "[[remarks]]",
            "suppliers": "[suppliers.NAME]",
            "pickups": "[pickups.CARRIER]",
            "stores": "[stores.NAME]",
        }.get(name, f"[{name}]")
        parts += ["", f"## `{heading}`", "", _first_sentence(inner), *_blank_lead(_table(inner))]
        for nested_name, nested in _nested(inner):
            parts += ["", f"### `{name}.{nested_name}`", "", _first_sentence(nested), *_blank_lead(_table(nested))]
    return "\n".join(parts) + "\n"


def _blank_lead(rows: Iterator[str]) -> Iterator[str]:
    yield ""
    yield from rows


def _table(model: type[BaseModel], *, top: bool = False) -> Iterator[str]:
    yield "| parameter | type | default | meaning |"
    yield "|---|---|---|---|"
    for name, field in model.model_fields.items():
        if top and (name == "key" or (_section(field.annotation) is not None and field.description is None)):
            continue
        cells = (f"`{name}`", _type(field.annotation), _default(field), field.description or "")
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _nested(model: type[BaseModel]) -> Iterator[tuple[str, type[Section]]]:
    """The tables within a section, and those within them, by their dotted names."""
    for name, field in model.model_fields.items():
        if (inner := _section(field.annotation)) is not None:
            yield name, inner
            yield from ((f"{name}.{deeper}", found) for deeper, found in _nested(inner))


def _section(annotation: Any) -> type[Section] | None:
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return annotation
    return next((found for one in get_args(annotation) if (found := _section(one)) is not None), None)


def _first_sentence(model: type[BaseModel]) -> str:
    return " ".join((model.__doc__ or "").split())


def _type(annotation: Any) -> str:
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        described = next((one.description for one in inner[1:] if isinstance(one, FieldInfo)), None)
        return described or _type(inner[0])
    if origin is Literal:
        return ", ".join(f"`{value}`" for value in inner)
    if origin in (Union, types.UnionType):
        return " or ".join(_type(one) for one in inner if one is not type(None))
    if origin is tuple:
        return f"list of {_type(inner[0])}"
    if origin is dict:
        return f"table of {_type(inner[1])}"
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return "table"
    words = {str: "text", int: "integer", bool: "true, false", Decimal: "share", time: "time of day"}
    return words.get(annotation, getattr(annotation, "__name__", str(annotation)))


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    return _toml(field.default)


def _toml(value: object) -> str:
    if value is None:
        return "unset"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, time):
        return f'`"{value:%H:%M}"`'
    if isinstance(value, str):
        return f'`"{value}"`'
    if isinstance(value, tuple):
        return "`[" + ", ".join(_toml(one).strip("`") for one in value) + "]`"
    if isinstance(value, dict):
        inner = ", ".join(f"{key} = {_toml(one).strip('`')}" for key, one in value.items())
        return "`{ " + inner + " }`" if inner else "`{}`"
    if isinstance(value, Section):
        return _toml(value.model_dump(exclude_defaults=True))
    return f"`{value}`"
