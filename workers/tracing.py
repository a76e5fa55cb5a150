"""Traces of orders for an OpenTelemetry collector, where ``OTEL_EXPORTER_OTLP_ENDPOINT`` names one; elsewhere there are none, and
nothing is loaded.

All that happens to an order is one trace: its id is made from the order's, so that no row and no message has to carry it, and
whoever knows an order finds its trace. The first span is its intake; stages, effects and mails are beneath it. The batch in
which a stage was decided is linked to the bell that woke it. A span names the order by its id, and nobody.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from hashlib import blake2s
from typing import TYPE_CHECKING, Any, Final

import dramatiq
import structlog
from dramatiq.common import current_millis
from dramatiq.middleware import Middleware
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from models.database import glance
from models.store import orders as orders_stored
from models.store.orders import OrderKey
from pipelines.engine.run import describe
from pipelines.errors import Misconfigured
from pipelines.ports import Outcome, Verdict

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span

log = structlog.get_logger(__name__)

ENDPOINT: Final = "OTEL_EXPORTER_OTLP_ENDPOINT"
_BILLION: Final = 1_000_000_000


def trace_id_of(order: int) -> int:
    """The 128 bits of the order's trace, never 0."""
    return int.from_bytes(blake2s(f"shukka order {order}".encode(), digest_size=16).digest(), "big") or 1


def root_id_of(order: int) -> int:
    """The 64 bits of the first span in it, never 0."""
    return int.from_bytes(blake2s(f"shukka intake {order}".encode(), digest_size=8).digest(), "big") or 1


def traces_of(application: str) -> Traces | None:
    """What records spans of this process, named ``shukka-<application>`` unless OTEL_SERVICE_NAME says otherwise; None without an
    endpoint. Raises Misconfigured where the extra is missing."""
    if not os.environ.get(ENDPOINT):
        return None
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        raise Misconfigured(ENDPOINT, "needs OpenTelemetry: run pip install 'shukka[tracing]', or unset it") from None
    name = os.environ.get("OTEL_SERVICE_NAME") or f"shukka-{application}"
    provider = TracerProvider(resource=Resource.create({"service.name": name}), id_generator=_ids())
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return Traces(provider)


#: The ids that the next span without a parent gets; None: any.
_NEXT: ContextVar[int | None] = ContextVar("order whose intake is traced", default=None)


def _ids() -> Any:
    """Makes ids at random, and those of an order's intake from the order."""
    from opentelemetry.sdk.trace.id_generator import RandomIdGenerator

    class Ids(RandomIdGenerator):
        """The SDK's own, but for intakes."""

        def generate_trace_id(self) -> int:
            order = _NEXT.get()
            return super().generate_trace_id() if order is None else trace_id_of(order)

        def generate_span_id(self) -> int:
            order = _NEXT.get()
            return super().generate_span_id() if order is None else root_id_of(order)

    return Ids()


class Traces:
    """Records spans; safe to use from several threads. Times are real ones, whatever the Clock shows."""

    def __init__(self, provider: TracerProvider) -> None:
        self._provider = provider
        self._tracer = provider.get_tracer("shukka")

    def intake(self, engine: Engine, taken: Sequence[OrderKey], seconds: float) -> None:
        """Orders were taken in, in one transaction that took so long. Never raises for a database that is away: they are kept, and
        whoever handed them in is to hear that."""
        ended = time.time_ns()
        try:
            with glance(engine) as connection:
                ids = [row.id for row in orders_stored.ids_by_number(connection, taken)]
        except SQLAlchemyError as error:
            log.warning("trace.intake_lost", orders=len(taken), error=describe(error))
            return
        for order in ids:
            token = _NEXT.set(order)
            try:
                span = self._tracer.start_span(
                    "intake",
                    context=_nothing(),
                    attributes={"shukka.order_id": order},
                    start_time=_start(ended, seconds),
                )
            finally:
                _NEXT.reset(token)
            span.end(ended)

    def stage(self, stage: str, orders: Sequence[int], seconds: float) -> None:
        """A batch of orders was decided at ``stage``, in one transaction that took so long."""
        from opentelemetry.trace import Link, get_current_span

        bell = get_current_span().get_span_context()
        ended = time.time_ns()
        for order in orders:
            span = self._tracer.start_span(
                f"stage {stage}",
                context=_under(order),
                attributes={"shukka.order_id": order, "shukka.stage": stage, "shukka.batch": len(orders)},
                links=[Link(bell)] if bell.is_valid else None,
                start_time=_start(ended, seconds),
            )
            span.end(ended)

    def effect(
        self, kind: str, orders: Sequence[int], target: str, attempt: int, outcome: Outcome, seconds: float
    ) -> None:
        """An effect of ``kind`` about ``orders`` was attempted. Of a mail the target is the domain, of others the partner."""
        from opentelemetry.trace import SpanKind, StatusCode

        ended = time.time_ns()
        told: dict[str, str | int] = {
            "shukka.kind": kind,
            "shukka.target": target,
            "shukka.attempt": attempt,
            "shukka.outcome": str(outcome.verdict),
        }
        if outcome.code:
            told["shukka.code"] = outcome.code
        for order in orders:
            span = self._tracer.start_span(
                f"effect {kind}",
                context=_under(order),
                kind=SpanKind.CLIENT,
                attributes={**told, "shukka.order_id": order},
                start_time=_start(ended, seconds),
            )
            if outcome.verdict is not Verdict.OK:
                span.set_status(StatusCode.ERROR, outcome.code)
            span.end(ended)

    @contextmanager
    def bell(self, name: str, waited: float) -> Iterator[None]:
        """A message of the broker is being processed, which ``waited`` seconds for it; a trace of its own."""
        with self._tracer.start_as_current_span(
            f"bell {name}", context=_nothing(), attributes={"shukka.actor": name, "shukka.waited": waited}
        ):
            yield

    def flush(self) -> None:
        """Hand everything to the collector now."""
        self._provider.force_flush()


def _start(ended: int, seconds: float) -> int:
    return ended - int(seconds * _BILLION)


def _nothing() -> Any:
    """No parent."""
    from opentelemetry.context import Context

    return Context()


def _under(order: int) -> Any:
    """Beneath the order's intake, wherever that was recorded."""
    from opentelemetry.context import Context
    from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context

    sampled = TraceFlags(TraceFlags.SAMPLED)
    root: Span = NonRecordingSpan(
        SpanContext(trace_id_of(order), root_id_of(order), is_remote=True, trace_flags=sampled)
    )
    return set_span_in_context(root, Context())


class Bells(Middleware):
    """Traces each message from its ring: how long it waited, and how long its actor took."""

    def __init__(self, traces: Traces) -> None:
        self._traces = traces
        self._open: dict[str, Any] = {}

    def before_process_message(self, broker: dramatiq.Broker, message: dramatiq.MessageProxy) -> None:
        """Begin."""
        waited = max(0, current_millis() - message.message_timestamp) / 1000
        span = self._open[message.message_id] = self._traces.bell(message.actor_name, waited)
        span.__enter__()

    def after_process_message(
        self,
        broker: dramatiq.Broker,
        message: dramatiq.MessageProxy,
        *,
        result: Any = None,
        exception: BaseException | None = None,
    ) -> None:
        """End."""
        if (span := self._open.pop(message.message_id, None)) is not None:
            span.__exit__(None, None, None)

    def after_skip_message(self, broker: dramatiq.Broker, message: dramatiq.MessageProxy) -> None:
        """End of one that was stale."""
        self.after_process_message(broker, message)
