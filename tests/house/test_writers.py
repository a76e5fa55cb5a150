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
from models.schema import metadata

CHECKOUT = Path(__file__).parents[2]
ENGINE = "pipelines/engine/"
#: Rooms outside the engine that write tables of their own subject: outcomes of effects, what became of mails, who a customer is,
#: keys of requests, ranks, leases of jobs, operators with their acts and notes. None of them is an order's or a lot's.
ELSEWHERE = {
    "carrier_inquiry": {"workers/inquiries/"},
    "circuit": {"workers/effects/", "workers/inquiries/"},
    "client": {"workers/enrolment.py"},
    "customer": {"pipelines/customers/", "pipelines/orders/"},
    "customer_mark": {"pipelines/customers/", "pipelines/orders/"},
    "customer_rank": {"pipelines/ranks.py"},
    "document": {"pipelines/documents/"},
    "document_counter": {"pipelines/documents/"},
    "erasure": {"pipelines/customers/"},
    "inbox_event": {"pipelines/bounces/"},
    "mail_bounce": {
        "pipelines/bounces/",
        "workers/cli/",
        "workers/effects/",
        "workers/web/api/",
        "workers/web/console/",
    },
    "mail_suppression": {"pipelines/bounces/", "workers/cli/", "workers/web/api/", "workers/web/console/"},
    "effect": {"workers/effects/"},
    "effect_item": {"workers/effects/"},
    "effect_lease": {"pipelines/bounces/", "workers/effects/"},
    "effect_output": {"workers/effects/"},
    "job": {"workers/periodic.py"},
    "link_generation": {"workers/cli/"},
    "mail": {"pipelines/bounces/", "workers/effects/"},
    "operator_account": {"workers/cli/", "workers/operators.py", "workers/web/console/"},
    "operator_act": {"workers/web/console/"},
    "operator_filter": {"workers/web/console/"},
    "operator_link": {"workers/cli/", "workers/operators.py"},
    "operator_session": {"workers/cli/", "workers/operators.py"},
    "order_note": {"workers/web/console/"},
    "return_photo": {"workers/web/pages/"},
    "point_hold": {"pipelines/points/"},
    "point_request": {"pipelines/points/"},
    "posted_coupon": {"pipelines/points/"},
    "refund_account": {"workers/web/pages/"},
    "review_assignment": {"pipelines/review/"},
    "review_note": {"pipelines/review/"},
    "supplier_file": {"pipelines/suppliers/"},
    "work": {"pipelines/ranks.py", "workers/effects/"},
}

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
    """(module, function) of the store -> the tables that it writes."""
    found = {}
    for info in pkgutil.iter_modules(models.store.__path__, "models.store."):
        module = importlib.import_module(info.name)
        for name, value in vars(module).items():
            if isinstance(value, FunctionType):
                tables = {table for sql in statements(value, module) for table in _WRITES.findall(sql)}
                tables &= set(metadata.tables)  # a docstring may speak of an UPDATE, too
                if tables:
                    found[info.name, name] = tables
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


def room(path: str) -> str:
    """The folder of a file that has neighbours, else the file."""
    return path if path.count("/") == 1 else path.rpartition("/")[0] + "/"


def test_the_engine_alone_writes_state() -> None:
    """Whatever table is not listed here is written by the engine alone."""
    outside: dict[str, set[str]] = defaultdict(set)
    for path, tree in sources():
        for one in mentioned(tree, *store_names(tree)) & writers().keys():
            for table in writers()[one] if not path.startswith(ENGINE) else ():
                outside[table].add(room(path))
    assert outside == ELSEWHERE


def test_every_table_of_orders_and_points_is_seen_to_be_written() -> None:
    """So that the test above cannot be blind."""
    written = {table for tables in writers().values() for table in tables}
    assert {
        name for name in metadata.tables if name.startswith(("order_", "shop_order", "point_", "shipment"))
    } <= written
    assert {"payment", "parcel", "transition", "inbox_event", "unique_allocation"} <= written


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
