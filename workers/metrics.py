"""Prometheus metrics, named ``shukka_...``, each with its unit and with labels whose values are bounded; ``docs/metrics.md`` is made
from them (``python -m workers.metrics_page``). The worker's own endpoint is bound to a host and port on request only."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from http import HTTPStatus
from typing import Any, Final, NamedTuple, TypeVar

import structlog
from prometheus_client import Counter, Gauge, Histogram, start_http_server
from sqlalchemy import Engine

from models.database import statements_sent
from models.invariants import LIVENESS
from models.store.attention import ATTENTION, MOST_CIRCUITS
from models.store.vitals import PROCESSES
from pipelines.orders.intake import Ending
from pipelines.ports import Verdict
from pipelines.retention import LET_GO
from pipelines.route import STAGES
from workers.effects import queues
from workers.periodic import ALL_JOBS

log = structlog.get_logger(__name__)

#: Worker processes of one host that serve their metrics, each on the next port.
MOST_WORKERS: Final = 32


class Label(NamedTuple):
    """A label: ``says`` what its values are; ``values`` all there can be, or how many at most where partners name them."""

    name: str
    says: str
    values: Callable[[], Collection[str]] | int


class Told(NamedTuple):
    """A metric as it is documented. ``where`` is the process whose page has it: web, or worker."""

    metric: Counter | Gauge | Histogram
    name: str
    kind: str
    unit: str
    says: str
    labels: Sequence[Label]
    where: str


#: Every metric there is, in the order of the page.
METRICS: Final[list[Told]] = []
_M = TypeVar("_M", Counter, Gauge, Histogram)

STAGE: Final = Label("stage", "a stage of the route", lambda: list(STAGES))
EFFECT_KIND: Final = Label("kind", "a kind of effect, mails among them", lambda: list(queues()))
_AREAS: Final = ("api", "webhooks", "pages", "console", "operations")


def _made(made: type[_M], name: str, says: str, *labels: Label, unit: str, where: str = "web", **options: Any) -> _M:
    metric = made(name, says, [label.name for label in labels], **options)
    METRICS.append(Told(metric, name, made.__name__.lower(), unit, says, labels, where))
    return metric


INTAKE = _made(
    Counter,
    "shukka_intake_total",
    "Orders by how they ended at intake",
    Label("ending", "how it ended", lambda: [*Ending]),
    unit="orders",
)
WEBHOOKS = _made(
    Counter,
    "shukka_webhooks_total",
    "Webhooks by kind and answer",
    Label("kind", "whose it is", lambda: ("supplier", "payment", "mail")),
    Label("status", "HTTP status of the answer", lambda: [str(int(status)) for status in HTTPStatus]),
    unit="webhooks",
)
REQUEST_SECONDS = _made(
    Histogram,
    "shukka_request_seconds",
    "Seconds from a request's head to the head of its answer",
    Label("area", "part of the interface", lambda: _AREAS),
    Label("status", "class of the answer's status", lambda: [f"{hundred}xx" for hundred in range(1, 6)]),
    unit="seconds",
    buckets=(0.005, 0.02, 0.1, 0.5, 1.0, 5.0, 25.0),
)
DATABASE = _made(
    Gauge, "shukka_database_reachable", "1 if the database answered when this page was asked for", unit="1 or 0"
)
WRITABLE = _made(
    Gauge,
    "shukka_database_writable",
    "0 while the database is read-only, or said in the last 30 s that its disk or memory is full",
    unit="1 or 0",
)
BROKER = _made(Gauge, "shukka_broker_reachable", "1 if the broker answered when this page was asked for", unit="1 or 0")
DATABASE_BYTES = _made(Gauge, "shukka_database_bytes", "Size of the database on its disk", unit="bytes")
CONNECTIONS = _made(
    Gauge,
    "shukka_connections",
    "Connections to the database by the process that holds them; 0: none of these processes is there; untold behind a pooler",
    Label("process", "a process of the house", lambda: PROCESSES),
    unit="connections",
)
CLOCK_AHEAD = _made(
    Gauge,
    "shukka_clock_ahead_seconds",
    "Seconds by which the machine's clock is ahead of the database's; below zero: behind",
    unit="seconds",
    where="web, worker",
)
JOB_BEHIND = _made(
    Gauge,
    "shukka_job_behind_seconds",
    "Seconds of the Clock since a periodic job was due and is not done; 0: it is done",
    Label(
        "job",
        "a periodic job, also `reconciliation`, `files.inbound`, `bounces` and `inquiries` where there are any",
        lambda: [job.name for job in ALL_JOBS],
    ),
    unit="seconds",
)
WORK_DUE = _made(
    Gauge, "shukka_work_due", "Work of a stage: what is due, and what waits for its moment", STAGE, unit="orders"
)
WORK_LATE = _made(
    Gauge,
    "shukka_work_late_seconds",
    "Seconds of the Clock for which the first of a stage has been due",
    STAGE,
    unit="seconds",
)
EFFECTS_WAITING = _made(Gauge, "shukka_effects_waiting", "Effects not ended yet", EFFECT_KIND, unit="effects")
EFFECTS_LATE = _made(
    Gauge,
    "shukka_effects_late_seconds",
    "Seconds for which the first of a kind has been due",
    EFFECT_KIND,
    unit="seconds",
)
CIRCUITS = _made(
    Gauge,
    "shukka_circuit_open",
    "1 for a target that is left alone since it failed again and again; partners first, domains of mail last",
    Label("target", "kind of effect and target", MOST_CIRCUITS),
    unit="1",
)
UNWATCHED = _made(
    Gauge,
    "shukka_unwatched",
    "What nothing will ever wake, by the invariant that it breaks; counted at most once a minute",
    Label("invariant", "an invariant of liveness (`shukka check`)", lambda: [one.name for one in LIVENESS]),
    unit="orders, shipments or parcels",
)
HELD = _made(
    Gauge,
    "shukka_needs_attention",
    "What waits for a human",
    Label("what", "what it is", lambda: ATTENTION),
    unit="pieces",
)
KEYS_ENDING = _made(
    Gauge,
    "shukka_keys_ending",
    "Clients whose replaced key or secret stops counting within a day, by the Clock",
    unit="clients",
)
GONE = _made(
    Gauge,
    "shukka_retention_gone",
    "Rows of which what is personal went, kept for as long as the profile says",
    Label("what", "what was let go of", lambda: LET_GO),
    unit="rows",
)
STAGE_SECONDS = _made(
    Histogram,
    "shukka_stage_seconds",
    "Seconds a batch spent in a phase of a stage",
    STAGE,
    Label("phase", "part of a batch", lambda: ("gather", "decide", "apply")),
    unit="seconds",
    where="worker",
    buckets=(0.001, 0.005, 0.02, 0.1, 0.5, 2.0, 10.0),
)
EFFECT_SECONDS = _made(
    Histogram,
    "shukka_effect_seconds",
    "Seconds an attempt at an effect took, by how it ended",
    EFFECT_KIND,
    Label("outcome", "how the attempt ended", lambda: [*Verdict]),
    unit="seconds",
    where="worker",
    buckets=(0.01, 0.05, 0.2, 1.0, 5.0, 20.0),
)
STATEMENTS = _made(
    Gauge,
    "shukka_database_statements",
    "Statements sent to the database since the process began",
    Label("role", "what they are for", lambda: ("decide", "effects")),
    unit="statements",
    where="worker",
)


def count_statements(role: str, engine: Engine) -> None:
    """From now on the page tells how many statements the engine's connections have sent."""
    STATEMENTS.labels(role).set_function(lambda: float(statements_sent(engine)))


def stage_seconds(stage: str, phase: str, seconds: float) -> None:
    """Observe one phase of one batch."""
    STAGE_SECONDS.labels(stage, phase).observe(seconds)


def area_of(path: str) -> str:
    """The part of the interface that a path is of."""
    if path.startswith("/v1/webhooks/"):
        return "webhooks"
    if path.startswith("/v1/"):
        return "api"
    if path == "/console" or path.startswith("/console/"):
        return "console"
    return "pages" if path.count("/") > 1 else "operations"


def serve_worker_metrics(host: str, first: int) -> None:
    """Serve this worker's metrics on ``host``, each process of it on the first free port from ``first`` on; 0: not at all."""
    for port in range(first, first + MOST_WORKERS) if first else ():
        try:
            start_http_server(port, addr=host)
        except OSError as fault:
            refused = fault
            continue
        return
    if first:
        log.error("metrics.not_served", host=host, port=first, error=refused.strerror)
