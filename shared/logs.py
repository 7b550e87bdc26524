"""Logs: one JSON object a line on standard output, from structlog and from every library, with personal data masked.

``configure_logs(service, level)`` once per process; then ``structlog.get_logger(__name__).info("what happened", key=value)``.
What is bound with ``structlog.contextvars`` (request id, correlation id) goes into every line of that request.
"""

from __future__ import annotations

import logging
import sys
import threading
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, BinaryIO

import orjson
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from shared.masking import mask_event

_QUIET = ("uvicorn.access", "aiokafka.consumer.fetcher", "httpx2", "httpcore2", "asyncio")
_APART = ("faststream",)
"""Libraries that give their logger a handler of its own when they are imported, past the root and its masking."""


def _mask(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    return mask_event(event)


class _NamedLogger(structlog.BytesLogger):
    """Writes lines, and knows the name that its module asked for."""

    def __init__(self, name: str | None, stream: BinaryIO) -> None:
        super().__init__(stream)
        self.name = name


def _add_name(logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    if logger.name is not None:
        event.setdefault("logger", logger.name)
    return event


def _stamp(service: str, instance: str | None) -> Processor:
    fixed = {"service": service} | ({"instance": instance} if instance else {})

    def add(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        return {"timestamp": datetime.now(UTC).isoformat(timespec="milliseconds"), **fixed, **event}

    return add


def _render(_logger: WrappedLogger, _method: str, event: EventDict) -> bytes:
    return orjson.dumps(event, default=str, option=orjson.OPT_NON_STR_KEYS)


class StdlibBridge(logging.Handler):
    """Hands records of the standard library's logging (uvicorn, faststream, aiokafka, asyncio) to structlog."""

    def emit(self, record: logging.LogRecord) -> None:
        """Log the record through the same processors; one that cannot be formatted is told of, not lost."""
        try:
            message = record.getMessage()
        except (TypeError, ValueError, KeyError):
            message = f"{record.msg} {record.args}"
        structlog.get_logger(record.name).log(record.levelno, message, exc_info=record.exc_info or None)


def configure_logs(
    service: str, level: str = "INFO", *, instance: str | None = None, stream: BinaryIO | None = None
) -> None:
    """Send all logs of this process to ``stream`` (default: standard output) as masked JSON lines.

    ``level`` is a name of the standard library (``INFO``). Uncaught exceptions go the same way.
    """
    number = logging.getLevelNamesMapping()[level]
    out = stream or sys.stdout.buffer
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            _add_name,
            structlog.processors.StackInfoRenderer(),
            structlog.processors.format_exc_info,
            _mask,
            _stamp(service, instance),
            _render,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=lambda name=None, *_: _NamedLogger(name, out),
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    root.handlers[:] = [StdlibBridge()]
    root.setLevel(number)
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(number, logging.WARNING))
    for name in _APART:
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
    logging.captureWarnings(True)
    sys.excepthook = _log_uncaught
    threading.excepthook = _log_uncaught_in_thread


def _log_uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    structlog.get_logger("uncaught").critical("process failed", exc_info=(kind, error, trace))


def _log_uncaught_in_thread(arguments: threading.ExceptHookArgs) -> None:
    error = arguments.exc_value
    if error is not None:
        _log_uncaught(arguments.exc_type, error, arguments.exc_traceback)


def bound(**values: Any) -> Any:
    """Return a context in which every log line carries ``values`` (correlation id, import id …)."""
    return structlog.contextvars.bound_contextvars(**values)
