"""docs/alerts.yml: every alert asks for metrics and labels that there are, fires on what it is for, and is explained."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from pipelines.orders.intake import Ending
from tests.web.site import Site
from tests.world import document

DOCS = Path(__file__).parents[2] / "docs"
RULES: list[dict[str, Any]] = [
    rule for group in yaml.safe_load((DOCS / "alerts.yml").read_text("utf-8"))["groups"] for rule in group["rules"]
]
SELECTOR = re.compile(r"(shukka_\w+)(?:\{([^}]*)\})?")
LABEL = re.compile(r'(\w+)=~?"([^"]*)"')


@pytest.fixture
def samples(site: Site) -> dict[str, list[dict[str, str]]]:
    """The labels of every sample by its name, where everything has happened that is counted."""
    world = site.world
    site.order(document("S-1"))
    site.order(document("S-2", totals={"grand_total": 1}))
    site.hook({}, headers={"webhook-signature": "v1,none"})
    world.decide("accept", "authorize")
    site.order(document("S-3", customer="M-3"))
    world.execute(
        "INSERT INTO circuit (kind, target, probe_at, failures, code) VALUES ('supplier.instruct', 'maker-a', now(), 7, 'x')"
    )
    return _samples(site)


def _samples(site: Site) -> dict[str, list[dict[str, str]]]:
    from workers.metrics import stage_seconds

    stage_seconds("accept", "decide", 0.1)
    found: dict[str, list[dict[str, str]]] = {}
    for family in text_string_to_metric_families(site.get("/metrics", key=None).text):
        for sample in family.samples:
            found.setdefault(sample.name, []).append(sample.labels)
    return found


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_what_an_alert_asks_for_is_there(samples: dict[str, list[dict[str, str]]], rule: dict[str, Any]) -> None:
    asked = SELECTOR.findall(rule["expr"])
    assert asked
    for name, selected in asked:
        assert name in samples
        for label, values in LABEL.findall(selected):
            assert all(label in labels for labels in samples[name]), label
            if label != "status":
                known = {labels[label] for labels in samples[name]} | ({*Ending} if label == "ending" else set())
                assert {*values.split("|")} <= known
    for kept in re.findall(r"by \(([^)]*)\)", rule["expr"]):
        labels = {label for name, _ in asked for one in samples[name] for label in one}
        assert {one.strip() for one in kept.split(",")} <= labels


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_says_how_long_how_bad_and_what(rule: dict[str, Any]) -> None:
    assert re.fullmatch(r"\d+[mh]", rule["for"])
    assert rule["labels"]["severity"] in ("page", "ticket")
    assert rule["annotations"]["summary"]
    assert rule["expr"].count("(") == rule["expr"].count(")")
    assert f"| `{rule['alert']}` |" in (DOCS / "operations.md").read_text("utf-8")


def test_every_alert_that_is_explained_is_a_rule() -> None:
    explained = re.findall(r"^\| `(Shukka\w+)` \|", (DOCS / "operations.md").read_text("utf-8"), re.MULTILINE)
    assert explained == [rule["alert"] for rule in RULES]


def test_how_late_the_first_is_is_told(site: Site) -> None:
    world = site.world
    world.take(document("S-1"), document("S-2", customer="M-2"))
    world.clock.advance(minutes=10)
    text = site.get("/metrics", key=None).text
    assert 'shukka_work_late_seconds{stage="accept"} 600.0' in text
    assert "shukka_database_reachable 1.0" in text


def test_what_was_given_up_is_told(site: Site) -> None:
    world = site.world
    world.take(document("S-1"), document("S-2", customer="M-2"))
    world.settle()
    world.execute("UPDATE effect SET state = 'needs_review' WHERE kind = 'payment.authorize'")
    world.execute("UPDATE mail SET state = 'failed'")
    text = site.get("/metrics", key=None).text
    assert 'shukka_needs_attention{what="effects"} 2.0' in text
    assert f'shukka_needs_attention{{what="mails"}} {world.value("SELECT count(*) FROM mail")}.0' in text
    assert 'shukka_work_late_seconds{stage="accept"}' not in text
