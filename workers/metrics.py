"""Prometheus metrics, named ``shukka_...``; the worker's own endpoint is bound to a host and port on request only."""

from __future__ import annotations

import os

from prometheus_client import Counter, Gauge, Histogram, start_http_server

STAGE_SECONDS = Histogram(
    "shukka_stage_seconds",
    "Seconds a batch spent in a phase of a stage",
    ["stage", "phase"],
    buckets=(0.001, 0.005, 0.02, 0.1, 0.5, 2.0, 10.0),
)
INTAKE = Counter("shukka_intake_total", "Orders by how they ended at intake", ["ending"])
WEBHOOKS = Counter("shukka_webhooks_total", "Webhooks by kind and answer", ["kind", "status"])
WORK_DUE = Gauge("shukka_work_due", "Orders due and not decided yet", ["stage"])
EFFECTS_WAITING = Gauge("shukka_effects_waiting", "Effects not ended yet", ["kind"])
WORK_LATE = Gauge(
    "shukka_work_late_seconds", "Seconds of the Clock for which the first of a stage has been due", ["stage"]
)
EFFECTS_LATE = Gauge("shukka_effects_late_seconds", "Seconds for which the first of a kind has been due", ["kind"])
DATABASE = Gauge("shukka_database_reachable", "1 if the database answered when this page was asked for")
CIRCUITS = Gauge("shukka_circuit_open", "1 for a target that is left alone since it failed again and again", ["target"])
GONE = Gauge(
    "shukka_retention_gone", "Rows of which what is personal went, kept for as long as the profile says", ["what"]
)
HELD = Gauge("shukka_needs_attention", "What waits for a human", ["what"])


def stage_seconds(stage: str, phase: str, seconds: float) -> None:
    """Observe one phase of one batch."""
    STAGE_SECONDS.labels(stage, phase).observe(seconds)


def serve_worker_metrics() -> None:
    """Serve this worker's metrics if SHUKKA_WORKER_METRICS_PORT is set; only the first process of a host gets it."""
    port = os.environ.get("SHUKKA_WORKER_METRICS_PORT")
    if port:
        try:
            start_http_server(int(port), addr=os.environ.get("SHUKKA_WORKER_METRICS_HOST", "127.0.0.1"))
        except OSError:
            return
