"""The house keeps its own rules: imports one way, everything complete, nothing unfinished."""

from __future__ import annotations

import ast
import importlib.metadata
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import dramatiq
import pytest
from dramatiq.brokers.stub import StubBroker

from models import states
from pipelines.errors import Misconfigured
from pipelines.route import ASKED, ROUTE, STAGES, WOKEN_BY
from pipelines.shops import load_shops
from templates_mail import TEMPLATES
from tests.world import World
from workers import actors
from workers.broker import effect_actor, middleware, stage_actor
from workers.draining import Drains
from workers.effects import queues
from workers.mail import samples

CHECKOUT = Path(__file__).parents[2]
PACKAGES = ("models", "pipelines", "templates_mail", "workers")
SOURCES = sorted(
    path for package in PACKAGES for path in (CHECKOUT / package).rglob("*.py") if path.parent.name != "versions"
)
OURS = [*SOURCES, *sorted((CHECKOUT / "tests").rglob("*.py")), *sorted((CHECKOUT / "benchmarks").rglob("*.py"))]
DOCUMENTS = [CHECKOUT / "README.md", *sorted((CHECKOUT / "docs").glob("*.md"))]


@cache
def nodes(path: Path) -> Sequence[ast.AST]:
    """Everything in a source file."""
    return list(ast.walk(ast.parse(path.read_text("utf-8"))))


def imports(path: Path) -> Iterator[str]:
    """Names of modules that ``path`` imports, wherever in the file."""
    for node in nodes(path):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_imports_go_one_way() -> None:
    """workers -> pipelines -> models, rules and states pure: the contracts of pyproject.toml."""
    lint = Path(sys.executable).with_name("lint-imports")
    checked = subprocess.run([str(lint), "--no-cache"], cwd=CHECKOUT, capture_output=True, check=False, text=True)
    assert checked.returncode == 0, checked.stdout


def test_every_stage_is_named_once_and_consumes_its_own_events() -> None:
    assert len(STAGES) == len(ROUTE)
    consumed = Counter(event for stage in ROUTE for event in stage.consumes)
    assert [event for event, times in consumed.items() if times > 1] == []
    assert set(WOKEN_BY) == set(consumed)


def test_a_stage_is_a_file_of_its_name() -> None:
    for stage in ROUTE:
        assert stage.decide.__module__ == f"pipelines.stages.{stage.name}"


@pytest.fixture
def broker(world: World) -> dramatiq.Broker:
    """A broker with every actor declared."""
    broker = StubBroker(middleware=middleware())
    actors.declare_stages(broker, actors.deciding(world.house.bell, world.runner, Drains()))
    actors.declare_effects(broker, actors.performing(lambda: world.loop))
    actors.declare_intake(broker, world.house)
    return broker


def test_every_stage_and_effect_has_its_actor(broker: dramatiq.Broker) -> None:
    actors.check_complete(broker)


@pytest.mark.parametrize("name", [stage_actor("reward"), effect_actor("mail.send"), "orders.accept"])
def test_a_missing_actor_is_named(broker: dramatiq.Broker, name: str) -> None:
    del broker.actors[name]
    with pytest.raises(Misconfigured, match=re.escape(f"no actor for {name}")):
        actors.check_complete(broker)


def test_every_kind_of_effect_is_asked_for_and_performed() -> None:
    """A stage that asks for a kind which it does not declare raises Undeclared, so what is declared is all there is."""
    assert set(queues()) == ASKED


def test_every_mail_in_the_code_has_its_templates_and_a_sample() -> None:
    """A mail is a folder; one that a stage names but nobody wrote would hold the orders that need it."""
    calls = ("customer_mail", "supplier_mail", "_mail")
    named = {
        argument.value
        for path in SOURCES
        for node in nodes(path)
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in calls
        for argument in node.args[:2]
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
    }
    assert len(named) >= 15
    assert named <= TEMPLATES
    assert named <= set(samples.TEMPLATES)


def test_every_profile_loads_and_names_what_there_is() -> None:
    shops = load_shops()
    assert {"apparel", "clinic", "reuse", "salon"} <= set(shops)


@pytest.mark.parametrize("entity", states.ALLOWED_MOVES)
def test_every_state_is_in_its_table(entity: str) -> None:
    enum = {
        "order": states.OrderState,
        "payment": states.PaymentState,
        "shipment": states.ShipmentState,
        "lot": states.LotState,
        "return": states.ReturnState,
    }[entity]
    table = states.ALLOWED_MOVES[entity]
    assert set(table) == set(enum)
    assert {new for targets in table.values() for new in targets} <= set(enum)
    stays = {"partly_refunded", "planned"}  # refunded once more; given to another supplier before the first was told
    assert all(old not in targets or old in stays for old, targets in table.items())


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(CHECKOUT).as_posix())
def test_a_file_has_one_subject(path: Path) -> None:
    assert len(path.read_text("utf-8").splitlines()) < 450
    assert path.stem not in {"utils", "helpers", "common", "manager", "misc"}


_UNFINISHED = re.compile(r"\b(?:TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b")


def test_nothing_is_left_to_be_done() -> None:
    found = [
        f"{path.relative_to(CHECKOUT)}:{number}"
        for path in [*OURS, *DOCUMENTS]
        if path.exists()
        for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1)
        if _UNFINISHED.search(line)
    ]
    assert found == []


def test_the_project_knows_no_machine_but_its_own() -> None:
    """No path of somebody's computer and no registry's address goes out with it."""
    foreign = re.compile(r"(?<![\w.])/(?:work|root)/\w|pypi\.org/simple|--index-url|--extra-index-url")
    files = [*OURS, *DOCUMENTS, *(CHECKOUT / name for name in ("Makefile", "Procfile", "requirements.lock", ".ci/run"))]
    here = Path(__file__)
    found = [path for path in files if path != here and path.exists() and foreign.search(path.read_text("utf-8"))]
    assert found == []


_MAKES_FLOATS = (ast.Div, ast.Pow)


def floats(tree: ast.AST) -> Iterator[int]:
    """Lines on which a float comes to be: a literal, ``float(...)``, or ``/`` between what is no Decimal."""
    for node in ast.walk(tree):
        if (
            (isinstance(node, ast.Call) and getattr(node.func, "id", "") == "float")
            or (isinstance(node, ast.Constant) and isinstance(node.value, float))
            or (isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, _MAKES_FLOATS) and not _exact(node))
        ):
            yield node.lineno  # type: ignore[attr-defined]


def _exact(node: ast.BinOp | ast.AugAssign) -> bool:
    """Whether an operand says that it is a Decimal, so that the quotient is one."""
    sides = (node.left, node.right) if isinstance(node, ast.BinOp) else (node.target, node.value)
    return any(getattr(getattr(side, "func", None), "id", "") == "Decimal" for side in sides)


def test_money_is_never_a_float() -> None:
    """``/`` makes floats; amounts are divided with ``//``, or as Decimal. The engine counts seconds and no money."""
    found = [
        f"{path.relative_to(CHECKOUT)}:{line}"
        for path in sorted((CHECKOUT / "pipelines").rglob("*.py"))
        if path.parent.name != "engine"
        for line in floats(ast.parse(path.read_text("utf-8")))
    ]
    assert found == []


@pytest.mark.parametrize("line", ["return amount / 2", "total /= 2", "half = 0.5", "x = float(total)", "y = 2 ** -1"])
def test_a_float_is_seen(line: str) -> None:
    """The check itself: what would have passed once."""
    assert list(floats(ast.parse(f"def f(amount, total):\n    {line}")))


def test_no_rule_and_no_stage_asks_for_the_time() -> None:
    """``now`` is handed in, so that a day can be played again."""
    pure = [*(CHECKOUT / "pipelines" / "rules").rglob("*.py"), *(CHECKOUT / "pipelines" / "stages").glob("*.py")]
    askers = [
        f"{path.name}:{node.lineno}"
        for path in pure
        for node in nodes(path)
        if isinstance(node, ast.Attribute)
        and node.attr in {"now", "today", "utcnow"}
        and getattr(node.value, "id", "") in {"datetime", "date", "time"}
    ]
    assert askers == []


def test_every_command_in_the_documents_exists() -> None:
    from typer.main import get_command

    from workers.cli.main import app

    known: dict[str, set[str]] = {
        name: set(getattr(command, "commands", ()))
        for name, command in get_command(app).commands.items()  # type: ignore[attr-defined]
    }
    shown = [
        match
        for path in DOCUMENTS
        for block in re.findall(r"`{1,3}[^`]+`{1,3}", path.read_text("utf-8"))
        for match in re.findall(r"\bshukka ([a-z]+)(?: ([a-z]+))?", block)
    ]
    assert shown
    unknown = [
        f"shukka {one} {two}"
        for one, two in shown
        if one not in known or (known[one] and two and two not in known[one])
    ]
    assert unknown == []


def test_every_make_target_in_the_documents_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (CHECKOUT / "Makefile").read_text("utf-8"), re.MULTILINE))
    shown = {m for path in DOCUMENTS for m in re.findall(r"`make ([a-z]+)`", path.read_text("utf-8"))}
    assert shown <= targets


def test_every_link_in_the_documents_leads_somewhere() -> None:
    broken = [
        f"{path.name}: {target}"
        for path in DOCUMENTS
        for target in re.findall(r"\]\(([^)#\s]+)", path.read_text("utf-8"))
        if "://" not in target and not (path.parent / target).exists()
    ]
    assert broken == []


def test_the_wheel_installs_the_command() -> None:
    (entry,) = [e for e in importlib.metadata.entry_points(group="console_scripts") if e.name == "shukka"]
    assert entry.value == "workers.cli.start:main"
