"""Structured logs, one JSON line an event on standard error; no personal data and no card number goes in."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from typing import Any

import structlog

from pipelines.values.card_number import mask


def configure() -> None:
    """Log as JSON lines in production, readable on a terminal; libraries log warnings as plain lines.

    A library may log whatever came in, as dramatiq does with a message that failed: card numbers are masked (INT-17).
    """
    renderer: structlog.types.Processor = (
        structlog.dev.ConsoleRenderer()
        if sys.stderr.isatty()
        else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            renderer,
            _masked,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s %(message)s")
    for handler in _handlers():
        if not isinstance(handler.formatter, _MaskingFormatter):
            handler.setFormatter(_MaskingFormatter(handler.formatter))


def _masked(logger: object, method: str, line: Any) -> str:
    """The last of the processors: what the renderer made is text."""
    return mask(line)


class _MaskingFormatter(logging.Formatter):
    """Formats as ``inner`` does, and shows no card number, not in a traceback either."""

    def __init__(self, inner: logging.Formatter | None) -> None:
        super().__init__()
        self._inner = inner or logging.Formatter()

    def format(self, record: logging.LogRecord) -> str:
        return mask(self._inner.format(record))


def _handlers() -> Iterator[logging.Handler]:
    """Every handler there is by now: the root's, and those that a server hung on its own loggers before."""
    yield from logging.getLogger().handlers
    for logger in logging.getLogger().manager.loggerDict.values():
        if isinstance(logger, logging.Logger):
            yield from logger.handlers
