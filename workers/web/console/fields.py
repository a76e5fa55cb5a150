"""The form of an action, made from its request's model, and the request that a form says. Any action gets one."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from pipelines.carriers import CARRIERS
from pipelines.orders.action import Action
from pipelines.shops import Shop

Schema = Mapping[str, Any]

#: Rows of a list that is not one of the order's lines.
_ROWS: Final = 3
_LONG: Final = 120
_WHOLE: Final = re.compile(r"-?\d{1,12}", re.ASCII)
#: The place of a row, as in lines.0.quantity.
_INDEX: Final = re.compile(r"(\d{1,4})(?:\.|$)", re.ASCII)
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d")
_COMMA: Final = re.compile("[,、]")
_YES_OR_NO: Final = (("true", "yes"), ("false", "no"))
#: What the house writes of a moment that was typed in Japan.
_JAPAN: Final = ":00+09:00"


@dataclass(frozen=True, slots=True)
class Field:
    """One field: ``name`` as the request has it with dots (``lines.0.quantity``), ``word`` under which its label is found, ``kind``
    text, long, number, choice or moment; ``beside`` is what stands before it, such as the goods of a line."""

    name: str
    word: str
    kind: str
    value: str = ""
    hint: str = ""
    is_needed: bool = False
    longest: int | None = None
    most: int | None = None
    choices: Sequence[tuple[str, str]] = ()
    beside: str = ""
    is_fixed: bool = False


def fields_of(action: Action[Any], shop: Shop, shown: Mapping[str, Any], typed: Mapping[str, str]) -> list[Field]:
    """The fields of ``action`` for the order ``shown``, with what was ``typed`` in them, else what stands."""
    schema = action.model.model_json_schema()
    return [one for field in _fields(schema, schema, "", shop, shown, True) for one in (_filled(field, typed),)]


def request_of(action: Action[Any], typed: Mapping[str, str]) -> dict[str, Any]:
    """The request that a form says, as JSON would; what was left empty is left out."""
    schema = action.model.model_json_schema()
    told = _object(schema, schema, "", typed)
    return told if isinstance(told, dict) else {}


def field_at(action: Action[Any], typed: Mapping[str, str], name: str) -> str:
    """Where the form has what the request that it says has at ``name``, both with dots: rows that say nothing are no part of the request, and
    one of several words between commas is in the field of all."""
    schema = action.model.model_json_schema()
    root, _, rest = name.partition(".")
    place, _, inner = rest.partition(".")
    inner = inner.partition(".")[0] if inner.rpartition(".")[2].isdigit() else inner
    raw = _resolved(schema, schema["properties"].get(root, {}))
    if not place.isdigit() or raw.get("type") != "array":
        return name
    item = _resolved(schema, raw["items"])
    if "properties" not in item:
        return root
    rows = _filled_in(schema, item, root, typed)
    at = rows[int(place)][0] if int(place) < len(rows) else int(place)
    return f"{root}.{at}.{inner}" if inner else f"{root}.{at}"


def names_of(action: Action[Any], typed: Mapping[str, str]) -> dict[str, str]:
    """Those of the fields typed that are the request's: what a preview hands on."""
    roots = set(action.model.model_fields)
    return {name: text for name, text in typed.items() if name.partition(".")[0] in roots}


def number_of(text: str) -> int | str:
    """The whole number that a person typed, with full-width digits and commas between thousands or not; what is none stays as it was
    typed, for the request to refuse."""
    plain = unicodedata.normalize("NFKC", text).replace(",", "")
    return int(plain) if _WHOLE.fullmatch(plain) else text


def _fields(
    whole: Schema, schema: Schema, prefix: str, shop: Shop, shown: Mapping[str, Any], needed: bool
) -> Iterator[Field]:
    required = set(schema.get("required", ()))
    for name, raw in schema["properties"].items():
        inner, is_needed = _resolved(whole, raw), needed and name in required
        if inner.get("type") == "object":
            yield from _fields(whole, inner, f"{prefix}{name}.", shop, shown.get(name) or {}, is_needed)
        elif inner.get("type") == "array" and "properties" not in _resolved(whole, inner["items"]):
            # Several words of a list are typed with commas between them, or one is chosen.
            yield _field(f"{prefix}{name}", name, _resolved(whole, inner["items"]), raw, shop, shown, is_needed)
        elif inner.get("type") == "array":
            yield from _listed(whole, _resolved(whole, inner["items"]), f"{prefix}{name}", shop, shown)
        else:
            yield _field(f"{prefix}{name}", name, inner, raw, shop, shown, is_needed)


def _listed(whole: Schema, item: Schema, name: str, shop: Shop, shown: Mapping[str, Any]) -> Iterator[Field]:
    """Pieces of the order's lines get a field a line; anything else some rows that may stay empty."""
    if set(item["properties"]) == {"line", "quantity"}:
        for index, line in enumerate(shown.get("lines", ())):
            beside = f"{line['line']}: {line['name']} ({line['quantity']})"
            yield Field(f"{name}.{index}.line", "line", "fixed", value=str(line["line"]), is_fixed=True)
            yield Field(f"{name}.{index}.quantity", "quantity", "number", most=line["quantity"], beside=beside)
        return
    for index in range(_ROWS):
        for one in _fields(whole, item, f"{name}.{index}.", shop, {}, False):
            yield replace(one, beside=str(index + 1))


def _field(
    path: str, name: str, schema: Schema, raw: Schema, shop: Shop, shown: Mapping[str, Any], is_needed: bool
) -> Field:
    choices = _choices(name, schema, shop, shown)
    standing = shown.get(name) if "." in path else None
    value = standing if isinstance(standing, str | int) else schema.get("default", "")
    longest = schema.get("maxLength")
    kind = "text"
    if choices:
        kind = "choice"
    elif schema.get("type") == "integer":
        kind = "number"
    elif schema.get("format") == "date-time":
        kind = "moment"
    elif longest and longest > _LONG:
        kind = "long"
    return Field(
        path,
        name,
        kind,
        value="" if value is None else str(value),
        hint=str(raw.get("description") or schema.get("description") or ""),
        is_needed=is_needed,
        longest=longest,
        most=schema.get("maximum"),
        choices=choices,
    )


def _choices(name: str, schema: Schema, shop: Shop, shown: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
    """What may be chosen: the words of the model, or what the order and its shop have of it."""
    if schema.get("type") == "boolean":
        return _YES_OR_NO
    if "enum" in schema:
        return [(str(one), str(one)) for one in schema["enum"]]
    if name == "mail":
        return [(str(one["id"]), f"{one['template']} {one['at'][:16].replace('T', ' ')}") for one in shown["mails"]]
    if name == "shipment":
        return [(one["id"], f"{one['id']} {one['supplier']}") for one in shown["shipments"]]
    if name == "supplier":
        return [(one, one) for one in sorted(shop.suppliers)]
    if name == "carrier":
        return [(one.name, f"{one.japanese} {one.english}") for one in CARRIERS.values()]
    return ()


def _filled(field: Field, typed: Mapping[str, str]) -> Field:
    if field.name not in typed or field.is_fixed:
        return field
    return replace(field, value=typed[field.name])


def _resolved(whole: Schema, schema: Schema) -> Schema:
    """A schema without references, and without the null that an optional one may be."""
    if "$ref" in schema:
        return _resolved(whole, whole["$defs"][schema["$ref"].rpartition("/")[2]])
    if "anyOf" in schema:
        return _resolved(whole, next(one for one in schema["anyOf"] if one.get("type") != "null"))
    return schema


def _object(whole: Schema, schema: Schema, prefix: str, typed: Mapping[str, str]) -> dict[str, Any] | None:
    told = {
        name: value
        for name, raw in schema["properties"].items()
        if (value := _value(whole, _resolved(whole, raw), f"{prefix}{name}", typed)) is not None
    }
    return told or None


def _value(whole: Schema, schema: Schema, name: str, typed: Mapping[str, str]) -> Any:
    if schema.get("type") == "object":
        return _object(whole, schema, f"{name}.", typed)
    item = _resolved(whole, schema["items"]) if schema.get("type") == "array" else None
    if item is not None and "properties" in item:
        return _rows(whole, item, name, typed)
    text = typed.get(name, "").strip()
    if not text:
        return None
    if item is not None:
        return [word for one in _COMMA.split(text) if (word := one.strip())]
    if schema.get("type") == "boolean":
        return {"true": True, "false": False}.get(text, text)
    if schema.get("type") == "integer":
        return number_of(text)
    if schema.get("format") == "date-time" and _MOMENT.fullmatch(text):
        return text + _JAPAN
    return text


def _rows(whole: Schema, item: Schema, name: str, typed: Mapping[str, str]) -> list[Any] | None:
    """The rows that say more than which line they are of."""
    indexes = _indexes(name, typed)
    rows = [row for _, row in _filled_in(whole, item, name, typed)]
    return rows if rows or indexes else None


def _filled_in(whole: Schema, item: Schema, name: str, typed: Mapping[str, str]) -> list[tuple[int, Mapping[str, Any]]]:
    """Those rows, with the place of each in the form."""
    found = [(index, _object(whole, item, f"{name}.{index}.", typed)) for index in _indexes(name, typed)]
    return [(index, row) for index, row in found if row is not None and _is_filled_in(item, row)]


def _indexes(name: str, typed: Mapping[str, str]) -> list[int]:
    return sorted(
        {
            int(place[1])
            for one in typed
            if one.startswith(f"{name}.") and (place := _INDEX.match(one.removeprefix(f"{name}.")))
        }
    )


def _is_filled_in(item: Schema, row: Mapping[str, Any]) -> bool:
    """Whether a row says more than what stands in one that nobody touched."""
    shown = {name: raw.get("default") for name, raw in item["properties"].items()}
    told = {name for name, value in row.items() if value != shown[name]}
    return told not in (set(), {"line"}, {"kind"})
