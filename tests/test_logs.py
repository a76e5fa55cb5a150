"""Logs: one JSON line an event, whoever writes it, and nothing of what a message carries."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog
from dramatiq import Message
from dramatiq.broker import MessageProxy

from workers import logs


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What is written to standard error under the product's own configuration."""
    stream = io.StringIO()
    monkeypatch.setattr("sys.stderr", stream)
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    logs.configure()
    structlog.configure(cache_logger_on_first_use=False)  # loggers of the product outlive the test
    yield stream
    structlog.reset_defaults()
    root.handlers[:], root.level = before


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_librarys_line_is_json_like_ours(written: io.StringIO) -> None:
    logging.getLogger("pika.connection").warning("closed by %s", "the peer")
    (line,) = lines(written)
    assert (line["event"], line["logger"], line["level"]) == ("closed by the peer", "pika.connection", "warning")
    assert str(line["timestamp"]).endswith("Z")


@pytest.mark.parametrize("wrapped", [True, False], ids=["as consumers hand it out", "plain"])
def test_a_failed_message_is_named_without_what_it_carries(written: io.StringIO, wrapped: bool) -> None:
    """dramatiq logs the whole message: an order with its name, address and whatever was typed into it."""
    order = {"customer": {"name": "髙橋 﨑子"}, "remarks": "4111 1111 1111 1111"}
    message: Message[None] = Message("intake", "orders.accept", (order,), {}, {})
    try:
        raise ValueError(f"cannot store {order}")
    except ValueError:
        logging.getLogger("dramatiq.worker").exception(
            "Failed to process message %s with unhandled exception.", MessageProxy(message) if wrapped else message
        )
    (line,) = lines(written)
    assert "orders.accept" in str(line["event"])
    assert line["error"] == "ValueError"
    assert str(line["at"]).count("test_logs.py:") == 1
    assert "髙橋" not in written.getvalue()
    assert "4111" not in written.getvalue()


def test_no_line_shows_a_card_number(written: io.StringIO) -> None:
    """INT-17: whoever writes it, and wherever in the line it stands."""
    card = "4111-1111-1111-1111"
    structlog.get_logger().bind().warning("ours", order={"remarks": card, card: 1})
    logging.getLogger("uvicorn.access").warning("GET /v1/orders/salon/%s", card)
    ours, theirs = lines(written)
    assert ours["order"] == {"remarks": "*" * 16, "*" * 16: 1}
    assert theirs["event"] == f"GET /v1/orders/salon/{'*' * 16}"


def test_what_repeats_is_counted(written: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twelve seconds without a broker left nearly nine thousand lines of tracebacks."""
    monkeypatch.setattr(logs, "QUIET", 60.0)
    library = logging.getLogger("dramatiq.worker.ConsumerThread(default)")
    for attempt in range(1_000):
        library.critical("Consumer encountered a connection error: %s", attempt)
    assert len(lines(written)) == 1
    monkeypatch.setattr(logs, "QUIET", 0.0)
    library.critical("Consumer encountered a connection error: %s", 1_000)
    library.critical("another thing")
    assert [line.get("repeated") for line in lines(written)] == [None, 999, None]


def test_a_database_that_is_away_is_one_line_and_a_count(written: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    """By place and error; whatever else is said passes."""
    log = structlog.get_logger().bind()
    for _ in range(5):
        log.error("clock.failed", error="UndefinedTable")  # twice a second, before the migrations
    assert len(lines(written)) == 1
    written.seek(0)
    written.truncate()
    for _ in range(5):
        log.warning("database.away", error="DatabaseSilent")
        log.warning("order.refused", fields=[])
    log.warning("database.away", error="DiskFull")
    said = [(line["event"], line.get("error")) for line in lines(written)]
    assert said == [("database.away", "DatabaseSilent"), *[("order.refused", None)] * 5, ("database.away", "DiskFull")]
    monkeypatch.setattr(logs, "QUIET", 0.0)
    log.warning("database.away", error="DatabaseSilent")
    assert lines(written)[-1]["repeated"] == 4
