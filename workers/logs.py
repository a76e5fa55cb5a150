"""Structured logs, one JSON line an event on standard error; no personal data goes in.

Libraries log too (dramatiq, uvicorn, pika, redis): their lines take the same shape. A message's arguments, which may be an
order, and the texts of exceptions, which may quote it, stay out; where it happened stays in. What repeats is counted.
Whatever is written all the same shows no card number (INT-17).
"""

from __future__ import annotations

import logging
import sys
import time
import traceback
from collections.abc import MutableMapping
from types import TracebackType
from typing import Any, Final

import structlog
from dramatiq import Message

from pipelines.values.card_number import mask
from workers.tracing import trace_id_of

#: Seconds for which the same line of a library, of a database that is away, or of a loop that fails, is counted instead of written.
QUIET = 10.0
#: Loggers that come with handlers of their own, and with a level that a server in this process may have set.
_OWN_HANDLERS: Final = ("uvicorn", "uvicorn.error", "uvicorn.access")

_Event = MutableMapping[str, Any]


def configure() -> None:
    """Log as JSON lines in production, readable on a terminal; libraries from WARNING on, ourselves from INFO."""
    renderer: structlog.types.Processor = (
        structlog.dev.ConsoleRenderer()
        if sys.stderr.isatty()
        else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    said: list[structlog.types.Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[CalmOutage(), _traced, *said, renderer, _masked],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(Calm())
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *said],
            processors=[
                _facts_of_record,
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                renderer,
                _masked,
            ],
        )
    )
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    for name in _OWN_HANDLERS:
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).setLevel(logging.NOTSET)
        logging.getLogger(name).propagate = True


class Calm(logging.Filter):
    """Lets a line through once in ``QUIET`` seconds; the next one says how often it was repeated meanwhile.

    A line is the same if its logger, its text before arguments, and the kind of its exception are. A message among the
    arguments is replaced by its actor and id.
    """

    def __init__(self) -> None:
        super().__init__()
        self._seen: dict[tuple[str, str, str], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether ``record`` is written; ``record.repeated`` says what was left out before it."""
        if isinstance(record.args, tuple):
            record.args = tuple(_named(argument) for argument in record.args)
        kind = record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else ""
        key = (record.name, str(record.msg), kind)
        since, repeated = self._seen.get(key, (float("-inf"), 0))
        if time.monotonic() - since < QUIET:
            self._seen[key] = (since, repeated + 1)
            return False
        self._seen[key] = (time.monotonic(), 0)
        record.repeated = repeated
        return True


class CalmOutage:
    """A processor: of a database that is away, or where others are in the way, and of a loop that fails whenever it looks, each of our own
    lines is written once in ``QUIET`` seconds and error; the next one says how often it was ``repeated`` meanwhile. All other lines pass."""

    about: Final = (
        "database_away",
        "database.away",
        "database.busy",
        "clock.failed",
        "jobs.failed",
        "lookout.failed",
    )

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str], tuple[float, int]] = {}

    def __call__(self, _logger: Any, _method: str, event: _Event) -> _Event:
        """The line; raises structlog.DropEvent for one that is counted instead."""
        if not str(event.get("event", "")).endswith(self.about):
            return event
        key = (str(event["event"]), str(event.get("error")))
        since, repeated = self._seen.get(key, (float("-inf"), 0))
        if time.monotonic() - since < QUIET:
            self._seen[key] = (since, repeated + 1)
            raise structlog.DropEvent
        self._seen[key] = (time.monotonic(), 0)
        if repeated:
            event["repeated"] = repeated
        return event


def _traced(_logger: Any, _method: str, event: _Event) -> _Event:
    """A line about an order names the order's trace, too; one of ``order_ids`` is said as ``order_id``, of several all traces."""
    several = event.get("order_ids")
    if several is not None and len(several) <= 1:
        del event["order_ids"]
        event.update(zip(("order_id",), several, strict=False))
    elif several:
        event["trace_ids"] = [f"{trace_id_of(order):032x}" for order in several]
    if isinstance(order := event.get("order_id"), int):
        event["trace_id"] = f"{trace_id_of(order):032x}"
    return event


def _named(argument: object) -> object:
    """A queued message without what it carries."""
    if isinstance(argument, Message):
        return f"{argument.actor_name} {argument.message_id}"
    inner = getattr(argument, "_message", None)  # what consumers hand out is a proxy
    return f"{inner.actor_name} {inner.message_id}" if isinstance(inner, Message) else argument


def _facts_of_record(_logger: Any, _method: str, event: _Event) -> _Event:
    """The exception of a library's line as its kind and the places it went through."""
    record: logging.LogRecord = event["_record"]
    if repeated := getattr(record, "repeated", 0):
        event["repeated"] = repeated
    raised = event.pop("exc_info", None)
    if isinstance(raised, tuple) and raised[0] is not None:
        event["error"] = raised[0].__name__
        event["at"] = _places(raised[2])
    return event


def _masked(_logger: Any, _method: str, line: Any) -> str:
    """The last of the processors: what the renderer made is text."""
    return mask(line)


def _places(trace: TracebackType | None) -> list[str]:
    """``file:line`` from the outermost call to the one that raised."""
    return [f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno}" for frame in traceback.extract_tb(trace)]
