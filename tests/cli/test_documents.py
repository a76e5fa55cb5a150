"""``shukka documents``: samples without a service; issuing, finding and saving for operators."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipelines.errors import Invalid
from tests.documents.orders import text_of
from tests.world import World, document
from workers.cli.main import app


@pytest.mark.parametrize("kind", ["receipt", "delivery_note", "pick_list", "quotation"])
def test_a_sample_needs_no_service(kind: str, tmp_path: Path) -> None:
    (tmp_path / "order.json").write_text(json.dumps(document("S-1")), "utf-8")
    out = tmp_path / "made.pdf"
    run = CliRunner().invoke(
        app, ["documents", "preview", str(tmp_path / "order.json"), "--kind", kind, "--out", str(out)]
    )
    assert run.exit_code == 0, run.output
    assert "見本" in text_of(out.read_bytes())


def test_a_sample_may_be_a_picture(tmp_path: Path) -> None:
    out = tmp_path / "made.png"
    told = ["documents", "preview", "-", "--kind", "receipt", "--out", str(out)]
    assert CliRunner().invoke(app, told, input=json.dumps(document("S-1"))).exit_code == 0
    assert out.read_bytes().startswith(b"\x89PNG")


def test_a_rule_that_refuses_is_named(tmp_path: Path) -> None:
    """DOC-04: salon is not registered."""
    told = ["documents", "preview", "-", "--kind", "invoice", "--out", str(tmp_path / "made.pdf")]
    run = CliRunner().invoke(app, told, input=json.dumps(document("S-1")))
    assert run.exit_code == 1
    assert "DOC-04" in run.stderr
    assert not (tmp_path / "made.pdf").exists()


def test_operators_issue_find_and_save(database: World, tmp_path: Path) -> None:
    """電子帳簿保存法: found by day, amount and partner, ranges, any of them together."""
    database.take(document("S-1"))
    database.settle()
    database.ship_all("S-1")
    out, run = tmp_path / "made.pdf", CliRunner().invoke
    told = ["--kind", "receipt", "--addressee", "株式会社見本", "--out", str(out)]
    made = run(app, ["documents", "issue", "salon/S-1", *told])
    assert made.exit_code == 0, made.output
    assert "SALON-R-000001" in made.stdout
    for asked, found in (
        (["salon"], 1),
        (["salon/S-1", "--since", "2026-11-20", "--until", "2026-11-20", "--least", "11000", "--most", "11000"], 1),
        (["salon", "--partner", "見本", "--least", "11000"], 1),
        (["salon", "--partner", "見本", "--least", "11001"], 0),
        (["salon", "--until", "2026-11-19"], 0),
        (["clinic"], 0),
    ):
        shown = run(app, ["documents", "list", *asked, "--json"])
        assert len(json.loads(shown.stdout)) == found, asked
    (listed,) = json.loads(run(app, ["documents", "list", "salon", "--json"]).stdout)
    again = tmp_path / "again.pdf"
    assert run(app, ["documents", "save", listed["public_id"], "--out", str(again)]).exit_code == 0
    assert again.read_bytes() == out.read_bytes()


def test_what_is_of_no_single_order_has_commands_of_its_own(database: World, tmp_path: Path) -> None:
    """TAX-02, DOC-06, SPL-01: each is found afterwards as any other."""
    out, run = ["--out", str(tmp_path / "made.pdf")], CliRunner().invoke
    debit = document("C-1", shop="clinic", placed_at="2026-10-20T09:00:00+09:00", payment={"method": "direct_debit"})
    debit["customer"]["account"] = "partner_web"
    database.take(debit, document("S-1"))
    database.settle()
    (tmp_path / "cart.json").write_text(json.dumps(document("Q-1")), "utf-8")
    for told, number in (
        (["issue", "salon/S-1", "--kind", "pick_list"], "SALON-P-000001"),
        (["statement", "clinic", "M-1", "--month", "2026-10"], "CLINIC-S-000001"),
        (["quotation", str(tmp_path / "cart.json"), "--addressee", "株式会社見本"], "SALON-Q-000001"),
    ):
        made = run(app, ["documents", *told, *out])
        assert made.exit_code == 0, made.output
        assert number in made.stdout
        assert number in text_of((tmp_path / "made.pdf").read_bytes())
    listed = json.loads(run(app, ["documents", "list", "salon", "--json"]).stdout)
    assert [(one["number"], one["order"]) for one in listed] == [("SALON-P-000001", "S-1"), ("SALON-Q-000001", "")]
    early = run(app, ["documents", "statement", "clinic", "M-1", "--month", "2026-11", *out])
    assert (early.exit_code, "TAX-02" in early.stderr) == (1, True)
    wrong = run(app, ["documents", "issue", "salon/S-1", "--kind", "statement", *out])
    assert isinstance(wrong.exception, Invalid)
