"""Migrations only add: the version before goes on working on the schema of the next one (docs/operations.md)."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from models import migrations

VERSIONS = sorted((Path(migrations.__file__).parent / "versions").glob("[0-9]*.py"))
#: The newest revision before that was promised.
PROMISED_AFTER = "0019"
TAKES_AWAY = {"drop_table", "drop_column", "rename_table"}
#: What an ``alter_column`` may say; anything else is another type, a new name, or NULL and defaults that were relied on.
HARMLESS = {"nullable": True, "existing_type": ..., "existing_nullable": ..., "comment": ...}
WORDS = ("DROP TABLE", "DROP COLUMN", "RENAME ", "SET NOT NULL", "DROP DEFAULT", "ALTER TYPE", "TRUNCATE")


def breaks(tree: ast.Module) -> Iterator[str]:
    """What a migration takes from a version that does not know it."""
    said = [one for one in tree.body if not (isinstance(one, ast.FunctionDef) and one.name == "downgrade")]
    for node in (node for one in said for node in ast.walk(one)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            name = node.func.attr
            if name in TAKES_AWAY:
                yield name
            elif name == "alter_column":
                yield from (f"alter_column {one.arg}" for one in node.keywords if not _is_harmless(one))
            elif name == "add_column" and _needs_a_value(node):
                yield "add_column that needs a value"
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from (word for word in WORDS if word in " ".join(node.value.upper().split()))


def _is_harmless(option: ast.keyword) -> bool:
    allowed = HARMLESS.get(option.arg or "")
    if option.arg == "server_default":
        return not (isinstance(option.value, ast.Constant) and option.value.value is None)
    return allowed is ... or (
        allowed is not None and isinstance(option.value, ast.Constant) and option.value.value is allowed
    )


def _needs_a_value(call: ast.Call) -> bool:
    """Whether a row that is written without the column is refused."""
    said = {
        one.arg: one.value for node in ast.walk(call) if isinstance(node, ast.Call) for one in node.keywords if one.arg
    }
    if any(getattr(node.func, "attr", "") == "Computed" for node in ast.walk(call) if isinstance(node, ast.Call)):
        return False  # the database works it out
    nullable = said.get("nullable")
    return isinstance(nullable, ast.Constant) and nullable.value is False and "server_default" not in said


@pytest.mark.parametrize("path", [one for one in VERSIONS if one.name[:4] > PROMISED_AFTER], ids=lambda one: one.stem)
def test_a_migration_takes_nothing_from_the_version_before(path: Path) -> None:
    """What is not needed any more goes with the version after the next one, when nobody reads it."""
    assert sorted(set(breaks(ast.parse(path.read_text("utf-8"))))) == []


@pytest.mark.parametrize(
    ("revision", "found"),
    [
        ("0005", {"alter_column server_default", "alter_column nullable"}),
        ("0008", {"drop_column"}),
        ("0018", set()),
        ("0019", set()),
    ],
)
def test_the_check_sees_what_older_migrations_took_away(revision: str, found: set[str]) -> None:
    (path,) = [one for one in VERSIONS if one.name.startswith(revision)]
    seen = set(breaks(ast.parse(path.read_text("utf-8"))))
    assert seen >= found if found else seen == set()


@pytest.mark.parametrize(
    "statement",
    [
        'op.add_column("work", sa.Column("x", sa.String(), nullable=False))',
        'op.execute("ALTER TABLE work  ALTER COLUMN what SET NOT NULL")',
        'op.alter_column("work", "what", new_column_name="which")',
        'op.drop_table("work")',
    ],
)
def test_the_check_sees(statement: str) -> None:
    assert list(breaks(ast.parse(f"def upgrade() -> None:\n    {statement}")))


def test_revisions_grow() -> None:
    """By which an older version tells a newer one's database from one that is behind."""
    revisions = [migrations.of(path.name[:4]) for path in VERSIONS]
    assert all(one.down_revision is None or one.down_revision < one.revision for one in revisions)
