"""A row has names: what the database brought is never read by the position of its columns outside ``models.store``."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house.test_house import CHECKOUT, imports, nodes

#: Names that hold many of one kind, or a text: their first, their last, their beginning may be meant.
SEQUENCES = frozenset(
    {
        "argv",
        "kind",
        "lines",
        "parcels",
        "parents",
        "problems",
        "proper",
        "refused",
        "rows",
        "slowest",
        "twice",
        "unknown",
        "value",
        "workers",
    }
)
#: Methods whose answer is a sequence of text.
TEXT = frozenset({"encode", "partition", "rpartition", "rsplit", "split", "splitlines"})


def sees_rows(path: Path) -> bool:
    """Whether a file asks the database, or names a shape of rows; who only opens a connection for others sees none."""
    asks = any(name.startswith(("models.store", "sqlalchemy")) for name in imports(path))
    return asks or any(isinstance(node, ast.Name) and node.id.endswith("Row") for node in nodes(path))


def is_number(index: ast.expr | None) -> bool:
    """Whether an index is a number that stands in the code."""
    plain = index.operand if isinstance(index, ast.UnaryOp) else index
    return isinstance(plain, ast.Constant) and isinstance(plain.value, int)


def by_position(tree: ast.AST) -> Iterator[ast.Subscript]:
    """Subscripts by a number, or by a slice that a number bounds, of anything that is not a known sequence."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Subscript):
            continue
        index, of = node.slice, node.value
        bounds = (index.lower, index.upper) if isinstance(index, ast.Slice) else (index,)
        if not any(map(is_number, bounds)):
            continue
        if isinstance(of, ast.Call) and isinstance(of.func, ast.Attribute) and of.func.attr in TEXT:
            continue
        name = of.id if isinstance(of, ast.Name) else of.attr if isinstance(of, ast.Attribute) else ""
        if name not in SEQUENCES:
            yield node


FILES = sorted(
    path
    for package in ("pipelines", "workers", "benchmarks")
    for path in (CHECKOUT / package).rglob("*.py")
    if sees_rows(path)
)


def test_no_row_is_read_by_position() -> None:
    found = {
        path.relative_to(CHECKOUT).as_posix(): [f"line {n.lineno}: {ast.unparse(n)}" for n in by_position(tree)]
        for path in FILES
        for tree in [ast.parse(path.read_text("utf-8"))]
    }
    assert {name: lines for name, lines in found.items() if lines} == {}


@pytest.mark.parametrize(
    "code",
    [
        "row[0]",
        "[r[-1] for r in store.payments(connection, ids)]",
        "columns[2:11]",
        "orders.by_number(connection, shop, number)[3]",
        "self.row[4]",
        "found[0][1]",
    ],
)
def test_a_column_by_position_is_seen(code: str) -> None:
    assert list(by_position(ast.parse(code)))


@pytest.mark.parametrize("code", ["rows[0]", "by_id[row.id]", "found[shop, customer]", "name.split('/')[0]", "all[n:]"])
def test_what_is_no_column_is_left_alone(code: str) -> None:
    assert not list(by_position(ast.parse(code)))


#: Who stays, and reads for somebody; commands end, and the sandbox and the demo are not what they show.
_STAYS = [
    path
    for package in ("pipelines", "workers")
    for path in sorted((CHECKOUT / package).rglob("*.py"))
    if not {"cli", "sandbox", "demo"} & set(path.relative_to(CHECKOUT).parts)
]


def test_who_only_reads_begins_no_transaction() -> None:
    """It would be rolled back, and the driver forget with it what the connection has prepared: `models.database.glance`."""
    begun = [
        f"{path.relative_to(CHECKOUT).as_posix()}:{node.lineno}"
        for path in _STAYS
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node).endswith("engine.connect()")
    ]
    assert begun == []
