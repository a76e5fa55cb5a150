"""The worked examples of CONTRIBUTING.md work, and are what it shows."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from models.store import work
from models.store.work import of_order
from tests.contributing.inspect_stage import STAGE
from tests.world import World, document

CHECKOUT = Path(__file__).parents[2]
GUIDE = (CHECKOUT / "CONTRIBUTING.md").read_text("utf-8")
SHOWN = re.findall(r"```python\n# (tests/\S+\.py)\n(.*?)```", GUIDE, re.DOTALL)
MAIL = dict(re.findall(r"`(\w+\.(?:ja|en)\.\w+)`:\n\n```\n(.*?)```", GUIDE, re.DOTALL))


@pytest.mark.parametrize(("file", "shown"), SHOWN, ids=[file for file, _ in SHOWN])
def test_what_is_shown_is_in_the_file_that_is_tried(file: str, shown: str) -> None:
    """A method and a carrier are tried in ``tests/plugins``, the stage below."""
    assert shown.strip() in (CHECKOUT / file).read_text("utf-8")


def test_a_method_a_carrier_and_a_stage_are_shown() -> None:
    assert {Path(file).stem for file, _ in SHOWN} == {"postal_transfer", "neko_express", "inspect_stage"}


@pytest.mark.parametrize(
    ("remarks", "ends"), [("", ("accepted", "running")), ("ギフト包装でお願いします", ("accepted", "held"))]
)
def test_the_stage_decides(world: World, remarks: str, ends: tuple[str, str]) -> None:
    world.take(document("S-1", remarks=remarks))
    world.decide("accept")
    with world.engine.begin() as connection:
        order_id = world.value("SELECT id FROM shop_order")
        work.schedule(connection, [of_order("inspect", order_id, world.clock.now())])
    result = world.runner.run_batch(STAGE)
    assert result.decided == 1
    assert world.states()["S-1"] == ends
    assert ("authorize" in result.stages) is (ends[1] == "running")


def test_the_mail_is_found_by_its_folder(tmp_path: Path) -> None:
    """Six files in a folder of ``templates_mail``, and nothing else, are a mail that renders in both languages."""
    assert set(MAIL) == {
        f"{part}.{locale}.{kind}"
        for part, kind in (("subject", "txt"), ("text", "txt"), ("body", "mjml"))
        for locale in ("ja", "en")
    }
    shutil.copytree(CHECKOUT / "templates_mail", tmp_path / "templates_mail")
    (folder := tmp_path / "templates_mail" / "birthday_greeting").mkdir()
    for name, text in MAIL.items():
        (folder / name).write_text(text, "utf-8")
    code = """
from datetime import datetime, timezone
from pipelines.ports import MailIntent
from workers.mail.rendering import Renderer
from workers.mail.samples import sample
from templates_mail import TEMPLATES
assert "birthday_greeting" in TEMPLATES
renderer = Renderer("orders@salon.example", "salon.example")
for locale in ("ja", "en"):
    context = dict(sample("points_expiring", locale).context)
    intent = MailIntent("birthday_greeting", "takahashi@example.jp", context["customer"]["name"], locale, context)
    print(renderer.render(intent, shop="salon", number="").subject)
"""
    tried = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={"PYTHONPATH": f"{tmp_path}:{CHECKOUT}", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert tried.returncode == 0, tried.stderr
    assert [bool(line) for line in tried.stdout.splitlines()] == [True, True]
