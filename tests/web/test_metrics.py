"""Metrics: documented, with bounded labels, and all that the board (docs/grafana.json) and the alerts (docs/alerts.yml) ask for; every
alert fires on what it is for, and is explained."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import socket
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from models.store.review import waiting
from pipelines.orders.intake import Ending
from pipelines.points.jobs import Period, PeriodicJob, Tools
from tests.web.site import Site
from tests.world import document
from workers import metrics
from workers.metrics import METRICS, MOST_WORKERS, count_statements, serve_worker_metrics, stage_seconds
from workers.metrics_page import page
from workers.pacemaker import timekeeper
from workers.periodic import Timekeeper
from workers.web.desk import Desk

DOCS = Path(__file__).parents[2] / "docs"
RULES: list[dict[str, Any]] = [
    rule for group in yaml.safe_load((DOCS / "alerts.yml").read_text("utf-8"))["groups"] for rule in group["rules"]
]
BOARD: dict[str, Any] = json.loads((DOCS / "grafana.json").read_text("utf-8"))
EXPRESSIONS = [rule["expr"] for rule in RULES] + [
    target["expr"] for panel in BOARD["panels"] for target in panel.get("targets", [])
]
#: By metric and label: the values that are listed; and the labels of which there are at most so many.
BOUNDS = {told.name: {one.name: {*one.values()} for one in told.labels if callable(one.values)} for told in METRICS}
UNLISTED = {told.name: {one.name for one in told.labels if not callable(one.values)} for told in METRICS}
SELECTOR = re.compile(r"(shukka_\w+)(?:\{([^}]*)\})?")
LABEL = re.compile(r'(\w+)=~?"([^"]*)"')


@pytest.fixture
def samples(site: Site) -> dict[str, list[dict[str, str]]]:
    """The labels of every sample by its name, where everything has happened that is counted."""
    world = site.world
    for role in ("decide", "effects"):
        count_statements(role, world.engine)
    site.order(document("S-1"))
    site.order(document("S-2", totals={"grand_total": 1}))
    site.hook({}, headers={"webhook-signature": "v1,none"})
    world.settle()
    site.order(document("S-3", customer="M-3"))
    world.decide("accept", "authorize")
    site.order(document("S-4", customer="M-4"))
    world.execute(
        "INSERT INTO circuit (kind, target, probe_at, failures, code) VALUES ('supplier.instruct', 'maker-a', now(), 7, 'x')"
    )
    world.execute(
        "INSERT INTO retention_mark (shop, what, accepted_at, order_id, gone) VALUES ('salon', 'mails', now(), 0, 2)"
    )
    return _samples(site)


def _base(name: str) -> str:
    return next(
        (
            told.name
            for told in METRICS
            if name in (told.name, *(f"{told.name}_{part}" for part in ("bucket", "count", "sum")))
        ),
        name,
    )


def _samples(site: Site) -> dict[str, list[dict[str, str]]]:
    stage_seconds("accept", "apply", 0.1)
    found: dict[str, list[dict[str, str]]] = {}
    for family in text_string_to_metric_families(site.get("/metrics", key=None).text):
        for sample in family.samples:
            found.setdefault(sample.name, []).append(sample.labels)
    return found


def test_what_alerts_and_the_board_ask_for_is_there(samples: dict[str, list[dict[str, str]]]) -> None:
    """Every metric and label, and of labels that have their values listed each value that is asked for."""
    for expression in EXPRESSIONS:
        asked = SELECTOR.findall(expression)
        assert asked, expression
        for name, selected in asked:
            assert name in samples, name
            for label, values in LABEL.findall(selected):
                assert all(label in labels for labels in samples[name]), (expression, label)
                if label in BOUNDS[_base(name)] and values != "4..":
                    assert {*values.split("|")} <= BOUNDS[_base(name)][label], expression
        for kept in re.findall(r"by \(([^)]*)\)", expression):
            labels = {label for name, _ in asked for one in samples[name] for label in one}
            assert {one.strip() for one in kept.split(",")} <= labels, expression


def test_every_label_is_bounded(samples: dict[str, list[dict[str, str]]]) -> None:
    """docs/metrics.md names every value that a label can have: nothing else occurs, and no label of anything is left out."""
    ours = {
        name: labelled
        for name, labelled in samples.items()
        if name.startswith("shukka_") and not name.endswith("_created")
    }
    assert {_base(name) for name in ours} == {told.name for told in METRICS}
    for name, labelled in ours.items():
        for labels in labelled:
            for label, value in labels.items():
                if label != "le" and label not in UNLISTED[_base(name)]:
                    assert value in BOUNDS[_base(name)][label], (name, label, value)
    assert {(name, label) for name, labels in UNLISTED.items() for label in labels} == {
        ("shukka_circuit_open", "target")
    }


def test_the_page_of_metrics_is_current() -> None:
    assert (DOCS / "metrics.md").read_text("utf-8") == page()


def test_every_alert_says_how_long_how_bad_and_what_to_do() -> None:
    """Its runbook is its part of docs/operations.md, in the same order, and there is no part without an alert."""
    explained = re.findall(r"^### (Shukka\w+)$", (DOCS / "operations.md").read_text("utf-8"), re.MULTILINE)
    assert explained == [rule["alert"] for rule in RULES]
    for rule in RULES:
        assert re.fullmatch(r"\d+[mh]", rule["for"])
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert rule["annotations"]["summary"]
        assert rule["annotations"]["runbook"] == f"operations.md#{rule['alert'].lower()}"


def test_every_alert_has_a_trouble_in_which_it_fires_and_a_time_when_it_does_not() -> None:
    cases = [
        case
        for test in yaml.safe_load((DOCS / "alerts_test.yml").read_text("utf-8"))["tests"]
        for case in test["alert_rule_test"]
    ]
    for fires in (True, False):
        assert {case["alertname"] for case in cases if bool(case["exp_alerts"]) is fires} == {
            rule["alert"] for rule in RULES
        }


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not here: Debian's package prometheus has it")
def test_the_alerts_fire_when_they_should() -> None:
    ran = subprocess.run(
        ["promtool", "test", "rules", "alerts_test.yml"],
        check=False,
        cwd=DOCS,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_each_worker_process_of_a_host_has_a_page() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        serve_worker_metrics("127.0.0.1", port)
        bodies = []
        for further in range(port + 1, port + MOST_WORKERS):
            with contextlib.suppress(httpx.TransportError):
                bodies.append(httpx.get(f"http://127.0.0.1:{further}/metrics", timeout=5).text)
                break
    assert "# TYPE shukka_effect_seconds histogram" in bodies[0]


def test_how_late_the_first_is_is_told(site: Site) -> None:
    world = site.world
    world.take(document("S-1"), document("S-2", customer="M-2"))
    world.clock.advance(minutes=10)
    text = site.get("/metrics", key=None).text
    assert 'shukka_work_late_seconds{stage="accept"} 600.0' in text
    assert "shukka_database_reachable 1.0" in text


def test_a_job_whose_setting_was_taken_out_is_behind_with_nothing(site: Site) -> None:
    """A mailbox of reports that refused the password, and is looked into no more: neither ShukkaJobBehind nor a person is called for it."""
    world = site.world

    def refused(tools: Tools, period: Period) -> None:
        raise OSError

    job = PeriodicJob("bounces", lambda now: now, refused)
    Timekeeper(world.engine, world.shops, world.runner.renderer, world.clock, jobs=[job]).look()
    world.execute("UPDATE job SET leased_until = now() WHERE name = 'bounces'")
    world.clock.advance(hours=2)
    assert 'shukka_job_behind_seconds{job="bounces"} 7200.0' in site.get("/metrics", key=None).text
    timekeeper(world.house).look()
    assert 'shukka_job_behind_seconds{job="bounces"} 0.0' in site.get("/metrics", key=None).text
    with world.engine.connect() as connection:
        assert [row.key for row in waiting(connection, world.clock.now()) if row.kind == "job"] == []


def test_a_web_process_counts_its_orders_from_zero(site: Site) -> None:
    """A counter that begins with its first order is none while no order comes, and its first order no increase: ShukkaNoOrders would be silent
    after a restart, and call out where one order came."""
    site.order(document("S-1"))
    metrics.INTAKE.clear()
    Desk(site.world.house).close()
    text = site.get("/metrics", key=None).text
    for ending in Ending:
        assert f'shukka_intake_total{{ending="{ending}"}} 0.0' in text


def test_a_database_that_answers_is_not_called_silent(site: Site) -> None:
    """A table that somebody has locked (VACUUM FULL), or a schema that is not migrated yet, is no PostgreSQL that is down."""
    metrics.DATABASE.set(0)
    metrics.WRITABLE.set(0)
    site.world.execute("ALTER TABLE mail RENAME TO elsewhere")
    text = site.get("/metrics", key=None).text
    site.world.execute("ALTER TABLE elsewhere RENAME TO mail")
    assert "shukka_database_reachable 1.0" in text
    assert "shukka_database_writable 1.0" in text


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
