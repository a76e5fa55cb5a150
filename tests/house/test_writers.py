"""State is written in one place: the statements that change it are called by ``pipelines.engine`` alone."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from types import CodeType, FunctionType, ModuleType

import models.store

CHECKOUT = Path(__file__).parents[2]
ENGINE = "pipelines/engine/"
#: Tables of what has a state, and of its history.
STATE = {
    *("shop_order", "order_line", "payment", "shipment", "shipment_line", "parcel", "transition"),
    *("point_lot", "point_transfer", "point_balance"),
}
#: Rows that come into being with an order, in the transaction that takes it in.
ELSEWHERE = {"pipelines/orders/admission.py": {"order_line", "payment"}}

_WRITES = re.compile(r"\b(?:INSERT INTO|UPDATE|DELETE FROM)\s+([a-z_]+)")


def statements(function: Callable[..., object], module: ModuleType) -> Iterator[str]:
    """All SQL that a function of the store may run: its own, its module's constants, those of what it calls there."""
    yield inspect.getsource(function)
    closed = [cell.cell_contents for cell in function.__closure__ or ()] if isinstance(function, FunctionType) else []
    yield from (value for value in closed if isinstance(value, str))
    for name in _names(function.__code__) if isinstance(function, FunctionType) else ():
        value = vars(module).get(name)
        if isinstance(value, str):
            yield value
        elif isinstance(value, FunctionType) and value is not function and name.startswith("_"):
            yield from statements(value, module)


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _names(inner)


@cache
def writers() -> Mapping[tuple[str, str], set[str]]:
    """(module, function) of the store -> the tables of state that it writes."""
    found = {}
    for info in pkgutil.iter_modules(models.store.__path__, "models.store."):
        module = importlib.import_module(info.name)
        for name, value in vars(module).items():
            if isinstance(value, FunctionType):
                tables = {table for sql in statements(value, module) for table in _WRITES.findall(sql)}
                if tables & STATE:
                    found[info.name, name] = tables & STATE
    return found


def store_names(tree: ast.Module) -> tuple[dict[str, str], dict[str, tuple[str, str]]]:
    """What a source calls modules of the store, and functions of them."""
    modules, functions = {}, {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "models.store":
            modules.update({alias.asname or alias.name: f"models.store.{alias.name}" for alias in node.names})
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("models.store."):
            functions.update({alias.asname or alias.name: (node.module or "", alias.name) for alias in node.names})
        elif isinstance(node, ast.Import):
            assert not any(alias.name.startswith("models.store") for alias in node.names), "import it by its name"
    return modules, functions


def mentioned(
    tree: ast.AST, modules: Mapping[str, str], functions: Mapping[str, tuple[str, str]]
) -> set[tuple[str, str]]:
    """(module, function) of the store that a source mentions."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in modules:
            found.add((modules[node.value.id], node.attr))
        elif isinstance(node, ast.Name) and node.id in functions:
            found.add(functions[node.id])
    return found


def sources() -> Iterator[tuple[str, ast.Module]]:
    for package in ("pipelines", "workers", "templates_mail"):
        for path in sorted((CHECKOUT / package).rglob("*.py")):
            yield path.relative_to(CHECKOUT).as_posix(), ast.parse(path.read_text("utf-8"))


def test_the_engine_alone_writes_state() -> None:
    outside: dict[str, set[str]] = defaultdict(set)
    inside: set[tuple[str, str]] = set()
    for path, tree in sources():
        called = mentioned(tree, *store_names(tree)) & writers().keys()
        if path.startswith(ENGINE):
            inside |= called
        else:
            for one in called:
                outside[path] |= writers()[one]
    assert {path: tables for path, tables in outside.items() if tables} == ELSEWHERE
    assert {table for one in inside for table in writers()[one]} == STATE, "and it writes all of it"


def test_no_name_lends_a_statement_to_others() -> None:
    """An alias in the engine would let everybody write past what the engine enforces."""
    lent = [
        f"{path}:{node.lineno}"
        for path, tree in sources()
        for node in tree.body
        if isinstance(node, ast.Assign) and mentioned(node.value, *store_names(tree)) & writers().keys()
    ]
    assert lent == []


def test_the_one_door_of_lots_is_the_ledger() -> None:
    """Within the engine too."""
    lots = {one for one, tables in writers().items() if "point_lot" in tables or "point_balance" in tables}
    callers = {path for path, tree in sources() if mentioned(tree, *store_names(tree)) & lots}
    assert callers == {f"{ENGINE}ledger.py"}
