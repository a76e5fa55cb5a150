"""Every parameter of a shop's profile does what its line says: it is read where the rules, stages and adapters are."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

from pipelines.shops import Shop
from pipelines.shops.section import Section

CHECKOUT = Path(__file__).parents[2]

#: Parameters that a profile accepts and nothing reads yet. The list may only get shorter: who adds a parameter reads it,
#: and who makes one of these work takes it out.
NOT_READ_YET = {
    "Documents.receipt_methods",
    "Documents.receipt_once",
    "Documents.receipt_days",
    "Documents.mark_reissue",
}

#: What code calls a section beyond the name of the field that holds it.
ALSO_CALLED = {
    "CouponOffer": "_offer",
    "FeeStep": "cod_steps",
    "RemarkRule": "rule",
    "ReturnTerms": "published",
    **dict.fromkeys(("Calendar", "Supplier", "Pickup"), "schedule"),
}
#: Read by the profile itself, which refuses another parameter by it.
REFUSES_ANOTHER = {"Shop.registration_kind"}


def sections(annotation: object) -> Iterator[type[Section]]:
    """The section classes that a field's type names, however deep."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        yield annotation
    for part in get_args(annotation):
        yield from sections(part)


def parameters() -> dict[str, tuple[str, ...]]:
    """``Class.field`` of every parameter that holds a value, and what code calls the section that holds it."""
    names: dict[type[Section], set[str]] = {Shop: {"shop"}}
    todo: list[type[Section]] = [Shop]
    while todo:
        model = todo.pop()
        for field, info in model.model_fields.items():
            for inner in sections(info.annotation):
                if inner not in names:
                    todo.append(inner)
                names.setdefault(inner, set()).update({field, field.removesuffix("s"), inner.__name__.lower()})
    for model, called in names.items():
        called.add(ALSO_CALLED.get(model.__name__, model.__name__.lower()))
    return {
        f"{model.__name__}.{field}": tuple(sorted(called))
        for model, called in names.items()
        for field, info in model.model_fields.items()
        if not any(sections(info.annotation))
    }


class _Reads(ast.NodeVisitor):
    """(what the section is called, attribute) of every read; a local name or parameter stands for what it was given."""

    def __init__(self) -> None:
        self.found: set[tuple[str, str]] = set()
        self._meaning: dict[str, str] = {}

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        outer = dict(self._meaning)
        for argument in (*node.args.args, *node.args.kwonlyargs):
            if argument.annotation is not None:
                self._meaning[argument.arg] = ast.unparse(argument.annotation).strip("'\"").rpartition(".")[2].lower()
        self.generic_visit(node)
        self._meaning = outer

    def visit_Assign(self, node: ast.Assign) -> None:
        for target in node.targets:
            if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                for name, value in zip(target.elts, node.value.elts, strict=False):
                    self._bind(name, value)
            else:
                self._bind(target, node.value)
        self.generic_visit(node)

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        self._bind(node.target, node.value)
        self.generic_visit(node)

    def visit_For(self, node: ast.For) -> None:
        self._bind(node.target, node.iter)
        self.generic_visit(node)

    def visit_comprehension(self, node: ast.comprehension) -> None:
        self._bind(node.target, node.iter)
        self.generic_visit(node)

    def visit_ListComp(self, node: ast.ListComp) -> None:
        self._comprehended(node)

    def visit_SetComp(self, node: ast.SetComp) -> None:
        self._comprehended(node)

    def visit_DictComp(self, node: ast.DictComp) -> None:
        self._comprehended(node)

    def visit_GeneratorExp(self, node: ast.GeneratorExp) -> None:
        self._comprehended(node)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        self.found.add((self._called(node.value), node.attr))
        self.generic_visit(node)

    def _comprehended(self, node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp) -> None:
        for generator in node.generators:
            self.visit(generator)
        self.generic_visit(node)

    def _bind(self, target: ast.expr, source: ast.expr) -> None:
        for name in [target, *getattr(target, "elts", ())]:
            if isinstance(name, ast.Name):
                self._meaning[name.id] = self._called(source)

    def _called(self, node: ast.expr) -> str:
        """The last name of an expression: ``payment`` of ``shop.payment``, ``supplier`` of ``shop.supplier(key)``."""
        if isinstance(node, ast.Name):
            return self._meaning.get(node.id, node.id)
        if isinstance(node, ast.Attribute):
            if node.attr in {"items", "values", "get"}:
                return self._called(node.value)
            return node.attr
        if isinstance(node, ast.Call):
            if getattr(node.func, "id", "") in {"enumerate", "reversed", "sorted", "next"} and node.args:
                return self._called(node.args[0])
            return self._called(node.func)
        if isinstance(node, ast.Subscript):
            return self._called(node.value)
        return ""


def reads() -> set[tuple[str, str]]:
    """What is read of profiles outside of them; of their own files, in the properties and methods that rules call."""
    reader = _Reads()
    for package in ("pipelines", "workers", "templates_mail"):
        for path in sorted((CHECKOUT / package).rglob("*.py")):
            tree = ast.parse(path.read_text("utf-8"))
            if path.parent == CHECKOUT / "pipelines" / "shops":
                tree.body = list(_used_by_rules(tree))
            reader.visit(tree)
    return reader.found


def _used_by_rules(tree: ast.Module) -> Iterator[ast.stmt]:
    """A section's properties and methods, ``self`` by its name; a validator looks at a field only to refuse it."""
    for section in (node for node in tree.body if isinstance(node, ast.ClassDef)):
        for part in section.body:
            if isinstance(part, ast.FunctionDef) and (not part.decorator_list or _is_property(part)):
                part.args.args[0].annotation = ast.Name(section.name)
                yield part


def _is_property(function: ast.FunctionDef) -> bool:
    return any(getattr(one, "id", "") in {"property", "cached_property"} for one in function.decorator_list)


READ = reads()


@pytest.mark.parametrize("parameter", sorted(parameters()))
def test_a_parameter_is_read_where_things_are_decided(parameter: str) -> None:
    field = parameter.partition(".")[2]
    is_read = parameter in REFUSES_ANOTHER or any(
        (called, read) in READ for called in parameters()[parameter] for read in (field, "model_dump")
    )
    assert is_read or parameter in NOT_READ_YET, f"{parameter} is accepted and documented, and nothing reads it"
    assert not (is_read and parameter in NOT_READ_YET), f"{parameter} is read now: take it out of NOT_READ_YET"


def test_what_waits_is_there() -> None:
    assert set(parameters()) >= NOT_READ_YET
