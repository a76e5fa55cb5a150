"""The trace of an order, as a collector sees it: intake, every stage, every effect, every mail, all of one trace."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import dramatiq
import pytest
from dramatiq.brokers.stub import StubBroker
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from models.database import connect
from models.store.orders import OrderKey
from pipelines.ports import Verdict
from tests.test_logs import written
from tests.world import World, document
from workers import tracing
from workers.actors import declare_intake
from workers.broker import middleware
from workers.effects.loop import EffectLoop
from workers.tracing import Bells, Traces, root_id_of, trace_id_of, traces_of
from workers.web.desk import Desk

_TOLD = ("order_id", "stage", "batch", "kind", "target", "attempt", "outcome", "code", "actor", "waited")
__all__ = ["written"]  # the fixture of what is logged


@dataclass
class Collector:
    """An OTLP/HTTP collector; the spans that it was sent, and of which service."""

    spans: list[Span] = field(default_factory=list)
    services: set[str] = field(default_factory=set)
    url: str = ""

    def take(self, body: bytes) -> None:
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            self.services |= {a.value.string_value for a in resource.resource.attributes if a.key == "service.name"}
            self.spans += [span for scope in resource.scope_spans for span in scope.spans]

    def of_order(self, order: int) -> list[Span]:
        """The spans of the order's trace, in the order in which they began."""
        found = [one for one in self.spans if int.from_bytes(one.trace_id, "big") == trace_id_of(order)]
        return sorted(found, key=lambda one: one.start_time_unix_nano)


@pytest.fixture
def collector() -> Iterator[Collector]:
    collector = Collector()

    class Answers(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            collector.take(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in the library
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    Thread(target=server.serve_forever, daemon=True).start()
    collector.url = f"http://127.0.0.1:{server.server_port}"
    yield collector
    server.shutdown()


@pytest.fixture
def traces(collector: Collector, monkeypatch: pytest.MonkeyPatch) -> Traces:
    monkeypatch.setenv(tracing.ENDPOINT, collector.url)
    made = traces_of("test")
    assert made is not None
    return made


@pytest.fixture
def traced(world: World, traces: Traces) -> World:
    """A house whose every part records."""
    world.house = replace(world.house, traces=traces)
    world.runner = world.house.runner()
    performers = world.performers
    world.loop = EffectLoop(world.engine, world.clock, world.house.bell, performers, pause=0.0, traces=traces)
    return world


def hand_in(world: World, number: str = "S-1") -> int:
    """One order through the desk; its id."""
    from pipelines.orders.document import parse_order
    from pipelines.orders.intake import Submission

    desk = Desk(world.house)
    desk._take_orders([Submission(parse_order(document(number, customer=f"M-{number}")), 0, None)])
    desk.close()
    return int(world.value("SELECT id FROM shop_order WHERE number = :number", number=number))


def test_one_order_is_one_trace_from_intake_to_the_last_mail(
    traced: World, traces: Traces, collector: Collector
) -> None:
    order, other = hand_in(traced), hand_in(traced, "S-2")
    traced.settle()
    traced.ship_all("S-1", "S-2")
    traces.flush()
    spans = collector.of_order(order)
    names = [one.name for one in spans]
    assert names[0] == "intake"
    assert {"stage accept", "stage authorize", "stage dispatch", "stage notify", "effect payment.authorize"} <= set(
        names
    )
    assert names.count("effect mail.send") == traced.value("SELECT count(*) FROM mail WHERE order_id = :id", id=order)
    assert "effect supplier.instruct" in names
    assert {one.name for one in collector.of_order(other)} == set(names)
    (root,) = [one for one in spans if not one.parent_span_id]
    assert int.from_bytes(root.span_id, "big") == root_id_of(order)
    assert {one.parent_span_id for one in spans if one is not root} == {root.span_id}
    assert collector.services == {"shukka-test"}


def test_a_span_names_nobody(traced: World, traces: Traces, collector: Collector) -> None:
    hand_in(traced)
    traced.settle()
    traces.flush()
    told = [one for span in collector.spans for one in span.attributes]
    assert {one.key for one in told} <= {f"shukka.{name}" for name in _TOLD}
    said = " ".join([*(span.name for span in collector.spans), *(one.value.string_value for one in told)])
    for personal in ("takahashi", "@", "S-1", "052-000", "tok_ok", "M-S"):
        assert personal not in said


def test_what_fails_is_marked_with_its_outcome(traced: World, traces: Traces, collector: Collector) -> None:
    order = hand_in(traced)
    traced.postbox.answers = [Verdict.RETRY]
    traced.settle()
    traces.flush()
    failed = [one for one in collector.of_order(order) if one.status.code == one.status.STATUS_CODE_ERROR]
    assert [one.name for one in failed] == ["effect mail.send"]
    told = {one.key: one.value.string_value for one in failed[0].attributes}
    assert (told["shukka.outcome"], told["shukka.code"], told["shukka.target"]) == ("retry", "450", "example.jp")


def test_an_order_from_the_broker_has_its_trace_and_its_bell(
    world: World, traces: Traces, collector: Collector
) -> None:
    house = replace(world.house, traces=traces)
    broker = StubBroker(middleware=[*middleware(), Bells(traces)])
    declare_intake(broker, house)
    worker = dramatiq.Worker(broker, worker_timeout=10, worker_threads=1)
    worker.start()
    broker.get_actor("orders.accept").send(document("S-1"))
    broker.join("intake", timeout=20_000)
    worker.join()
    worker.stop()
    traces.flush()
    assert "bell orders.accept" in {one.name for one in collector.spans}
    assert [one.name for one in collector.of_order(world.value("SELECT id FROM shop_order"))] == ["intake"]


def test_a_stage_is_linked_to_the_bell_that_woke_it(traces: Traces, collector: Collector) -> None:
    with traces.bell("accept.decide", 0.2):
        traces.stage("accept", [7], 0.1)
    traces.flush()
    (bell,) = [one for one in collector.spans if one.name == "bell accept.decide"]
    (stage,) = collector.of_order(7)
    assert [link.span_id for link in stage.links] == [bell.span_id]
    assert stage.end_time_unix_nano - stage.start_time_unix_nano == 100_000_000


def test_a_refused_order_has_no_trace(world: World, traces: Traces, collector: Collector) -> None:
    traces.intake(world.engine, [OrderKey("salon", "none")], 0.1)
    traces.flush()
    assert collector.spans == []


def test_a_database_that_goes_away_after_the_commit_costs_no_answer(world: World, traces: Traces) -> None:
    """The order is kept: its trace alone lacks the intake."""
    world.take(document("S-1"))
    traces.intake(connect("postgresql://nobody@127.0.0.1:1/none"), [OrderKey("salon", "S-1")], 0.1)


def test_without_a_collector_nothing_is_recorded(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(tracing.ENDPOINT, raising=False)
    assert traces_of("test") is None
    assert world.house.runner().trace is None


def test_a_line_about_an_order_names_its_trace(written: io.StringIO) -> None:
    import structlog

    structlog.get_logger("x").error("decision.failed", order_id=7)
    (line,) = map(json.loads, written.getvalue().splitlines())
    assert line["trace_id"] == f"{trace_id_of(7):032x}"


def test_ids_are_never_nothing_and_never_the_same() -> None:
    ids = {trace_id_of(n) for n in range(1, 1000)} | {root_id_of(n) for n in range(1, 1000)}
    assert 0 not in ids
    assert len(ids) == 1998
