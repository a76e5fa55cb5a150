"""``shukka returns preview``: what may come back of an order that is a file, without a service."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from pipelines.returns.examples import ANSWERED, ASKED
from workers.cli.main import app


def run(argument: str, given: str | None = None) -> Any:
    return CliRunner().invoke(app, ["returns", "preview", argument], input=given)


def test_the_published_example_from_a_file_and_from_standard_input(tmp_path: Path) -> None:
    file = tmp_path / "return.json"
    file.write_text(json.dumps(ASKED), "utf-8")
    for shown in (run(str(file)), run("-", json.dumps(ASKED))):
        assert shown.exit_code == 0
        assert json.loads(shown.stdout) == ANSWERED


@pytest.mark.parametrize(
    ("given", "status", "fields"),
    [
        (json.dumps({**ASKED, "order": {**ASKED["order"], "shop": "nowhere"}}), 422, ["order.shop"]),
        (json.dumps({**ASKED, "lines": [{"line": "1", "quantity": 0, "reason": "bored"}]}), 422, ["lines[0].quantity", "lines[0].reason"]),
        ("{", 400, None),
        ("[]", 422, ["return"]),
    ],
)  # fmt: skip
def test_what_cannot_be_taken_is_a_problem_document_and_exit_2(
    given: str, status: int, fields: list[str] | None
) -> None:
    shown = run("-", given)
    document = json.loads(shown.stderr)
    assert (shown.exit_code, shown.stdout, document["status"]) == (2, "", status)
    assert [one["field"] for one in document.get("errors", [])] == (fields or [])


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    shown = run(str(tmp_path / "nothing.json"))
    assert (shown.exit_code, json.loads(shown.stderr)["title"]) == (2, "Bad file")
