"""The console script run in the test's own process."""

from __future__ import annotations

import sys

import pytest

from workers.cli.main import main


def in_process(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *arguments: str
) -> tuple[int, str, str]:
    """(exit code, output, errors)."""
    monkeypatch.setattr(sys, "argv", ["shukka", *arguments])
    code = 0
    try:
        main()
    except SystemExit as ended:
        code = int(ended.code or 0)
    said = capsys.readouterr()
    assert "Traceback" not in said.err
    return code, said.out, said.err
