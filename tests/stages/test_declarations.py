"""What stages declare is what they do: where they lead, and that they change and read an order through its draft alone."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from pipelines import route
from pipelines.engine.facts import GROUPS
from pipelines.engine.stage import Stage
from pipelines.route import ROUTE, STAGES

PIPELINES = Path(route.__file__).parent
ROOMS = ("stages", "changes")
SOURCES = [path for room in ROOMS for path in sorted((PIPELINES / room).rglob("*.py"))]

#: What changes of an order: its draft says how it stands.
_CHANGING = {"state", "condition", "hold", *GROUPS} - {
    *(
        "balance",
        "supplier_urls",
        "supplier_mails",
        "marks",
        "promotions",
        "coupons",
        "known",
        "purse",
        "load",
        "cancel",
        "taken_numbers",
        "followers",
        "visits",
    )
}


@cache
def symbols(module: str) -> dict[str, tuple[str, ast.AST]]:
    """What a name means in a module of stages or changes: the module that defines it, and its code."""
    path = PIPELINES.joinpath(*module.split(".")[1:])
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    found: dict[str, tuple[str, ast.AST]] = {}
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found[node.name] = (module, node)
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            found[node.targets[0].id] = (module, node.value)
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value:
            found[node.target.id] = (module, node.value)
        elif isinstance(node, ast.ImportFrom) and str(node.module).startswith("pipelines.changes."):
            found |= {alias.name: symbols(str(node.module))[alias.name] for alias in node.names}
    return found


def reached(stage: Stage) -> Iterator[ast.AST]:
    """All code that the decision of a stage may run through, in stages and changes."""
    waiting, seen = [symbols(stage.decide.__module__)["decide"]], set[int]()
    while waiting:
        module, code = waiting.pop()
        if id(code) not in seen:
            seen.add(id(code))
            for node in ast.walk(code):
                yield node
                if isinstance(node, ast.Name) and node.id in symbols(module):
                    waiting.append(symbols(module)[node.id])


def named(stage: Stage) -> set[str]:
    """Other stages that its code makes due (``next``) or that an effect it asks for wakes (``wakes``)."""
    found, looked_up, constants = set[str](), False, set[str]()
    for node in reached(stage):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            constants.add(node.value)
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "next":
            target = node.args[0]
            looked_up = looked_up or not isinstance(target, ast.Constant)
            found |= {str(target.value)} if isinstance(target, ast.Constant) else set()
        if isinstance(node, ast.keyword) and node.arg == "wakes" and isinstance(node.value, ast.Constant):
            found.add(str(node.value.value))
    return (found | (constants & STAGES.keys() if looked_up else set())) - {stage.name}


@pytest.mark.parametrize("stage", ROUTE, ids=lambda stage: stage.name)
def test_a_stage_leads_where_it_declares_and_nowhere_else(stage: Stage) -> None:
    assert set(stage.leads_to) == named(stage)
    assert len(set(stage.leads_to)) == len(stage.leads_to)
    assert set(stage.leads_to) <= STAGES.keys() - {stage.name}


def test_the_route_is_drawn_as_it_is() -> None:
    """The docstring of the route, line by line."""
    drawn = [
        (name.strip(), [other.strip() for other in others.split(",") if other.strip()])
        for name, _, others in (line.partition("->") for line in str(route.__doc__).splitlines())
        if name.strip() in STAGES
    ]
    assert drawn == [(stage.name, list(stage.leads_to)) for stage in ROUTE]


def test_what_the_route_says_in_words_has_an_edge() -> None:
    """Every stage but those that a customer, an operator, a supplier or a job wakes is led to."""
    led_to = {name for stage in ROUTE for name in stage.leads_to}
    assert STAGES.keys() - led_to == {
        "accept",
        "notify",
        "promote",
        "cancel",
        "reprice",
        "adjust",
        "amend",
        "returns",
        "attend",
        "resend",
    }


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_an_order_is_changed_and_read_through_its_draft(path: Path) -> None:
    """No attribute of anything is set, and how an order stands is never read from the facts, which say how it stood."""
    set_, past = [], []
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store | ast.Del):
            set_.append(f"{node.lineno}: {node.attr}")
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in {"setattr", "delattr", "Decision"}:
            set_.append(f"{node.lineno}: {ast.unparse(node.func)}")
        if isinstance(node, ast.Attribute) and node.attr in _CHANGING:
            of = node.value
            if getattr(of, "id", getattr(of, "attr", "")) == "facts":
                past.append(f"{node.lineno}: facts.{node.attr}")
    assert (set_, past) == ([], [])
