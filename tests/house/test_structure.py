"""The structure holds: no circle of imports, and nothing that nobody uses."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
PACKAGES = ("models", "pipelines", "templates_mail", "workers")
FILES = {
    ".".join(path.relative_to(CHECKOUT).with_suffix("").parts).removesuffix(".__init__"): path
    for package in PACKAGES
    for path in sorted((CHECKOUT / package).rglob("*.py"))
    if path.parent.name != "versions"
}
TREES = {name: ast.parse(path.read_text("utf-8")) for name, path in FILES.items()}

#: Called by a library through its base class or protocol, so that no line of ours names them.
CALLED_BY_LIBRARIES = {
    "before_process_message",
    "before_worker_boot",
    "after_skip_message",
    "after_worker_boot",
    "before_worker_shutdown",
    "buffer_updated",
    "connection_made",
    "data_received",
    "send_400_response",
    "dump",
    "get_buffer",
    "handle_async_request",
    "handle_data",
    "handle_starttag",
    "main_loop",
    "visit_Getattr",
}
CALLBACKS = "on_"
#: Rules with published vectors that nothing calls yet. The list may only get shorter: no rule is written before its use.
NOT_CALLED_YET = {"tax_per_rate"}


def imported(name: str, tree: ast.Module) -> set[str]:
    """Modules of ours that a module imports, at its head, inside a function, or only for its types."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                found.add(inner if inner in FILES else node.module)
    return (found & set(FILES)) - {name}


def circles(arrows: Mapping[str, set[str]]) -> Iterator[list[str]]:
    """Groups of modules that reach one another: what is left when those that nobody imports, or that import nobody, are
    taken away again and again."""
    left = {name: set(targets) for name, targets in arrows.items()}
    while True:
        targets = set().union(*left.values()) if left else set()
        ends = {name for name in left if name not in targets or not left[name]}
        if not ends:
            break
        left = {name: found - ends for name, found in left.items() if name not in ends}
    if left:
        yield sorted(left)


def test_imports_make_no_circle() -> None:
    """Not even for types: what two modules both need is a third one."""
    assert list(circles({name: imported(name, tree) for name, tree in TREES.items()})) == []


def test_a_circle_is_seen() -> None:
    arrows = {"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": {"a"}, "e": set()}
    assert list(circles(arrows)) == [["b", "c"]]


def definitions(name: str, tree: ast.Module) -> Iterator[tuple[str, str]]:
    """(where, name) of the functions, classes, constants and methods of a module that no decorator registers."""

    def of(body: list[ast.stmt], inside: bool) -> Iterator[tuple[str, str]]:
        for node in body:
            where = f"{name}:{node.lineno}"
            if isinstance(node, ast.ClassDef):
                yield where, node.name
                yield from of(node.body, True)
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not _registered(node):
                yield where, node.name
            elif isinstance(node, ast.Assign | ast.AnnAssign) and not inside:
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                yield from ((where, target.id) for target in targets if isinstance(target, ast.Name))

    return of(tree.body, False)


def _registered(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    ours = {"cache", "cached_property", "classmethod", "contextmanager", "lru_cache", "property", "staticmethod"}
    names = {
        getattr(one, "id", getattr(one, "attr", getattr(getattr(one, "func", one), "id", "")))
        for one in node.decorator_list
    }
    return bool(names - ours)


def uses(tree: ast.Module) -> Iterator[str]:
    """Names that a module reads, passes by keyword, or spells in a text that is a name or a dotted path."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.keyword) and node.arg:
            yield node.arg
        elif isinstance(node, ast.alias) and node.asname:
            yield node.name
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value) < 80:
            yield from node.value.replace(":", ".").split(".")


def test_nothing_is_unused() -> None:
    """What only tests call is no part of the product."""
    assert unused() == NOT_CALLED_YET


def unused() -> set[str]:
    """Names that the product defines and neither it nor a benchmark uses: the simulated world is there for both."""
    runs = [ast.parse(path.read_text("utf-8")) for path in sorted((CHECKOUT / "benchmarks").rglob("*.py"))]
    used = Counter(name for tree in (*TREES.values(), *runs) for name in uses(tree))
    return {
        name
        for module, tree in TREES.items()
        for _, name in definitions(module, tree)
        if not used[name] and not name.startswith(("__", CALLBACKS)) and name not in CALLED_BY_LIBRARIES
    }
