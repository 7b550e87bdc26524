"""Logs: one JSON object a line on standard output, from structlog and from every library, with personal data masked.

``configure_logs(service, level)`` once per process; then ``structlog.get_logger(__name__).info("what happened", key=value)``.
What is bound with ``structlog.contextvars`` (request id, correlation id) goes into every line of that request.
"""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic
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


A_SECOND = 5
KINDS = 1_000
"""So many kinds of records are remembered at most."""


@dataclass(slots=True)
class _Told:
    """How often one kind of record came within a second."""

    since: float
    times: int = 1
    left_out: int = 0


class StdlibBridge(logging.Handler):
    """Hands records of the standard library's logging (uvicorn, faststream, aiokafka, asyncio) to structlog.

    What a library says again and again (aiokafka without a broker: thousands of times a second) is told five times a
    second; the next line that is told says in ``left_out`` how many were not.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._told: dict[tuple[str, str], _Told] = {}

    def _may_tell(self, record: logging.LogRecord) -> tuple[bool, int]:
        """Return whether to tell this record, and how many of its kind were left out before it."""
        kind, now = (record.name, str(record.msg)), self._clock()
        told = self._told.get(kind)
        if told is None or now - told.since >= 1.0:
            if len(self._told) >= KINDS:
                self._told.clear()
            self._told[kind] = _Told(now)
            return True, 0 if told is None else told.left_out
        told.times += 1
        if told.times <= A_SECOND:
            return True, 0
        told.left_out += 1
        return False, 0

    def emit(self, record: logging.LogRecord) -> None:
        """Log the record through the same processors; one that cannot be formatted is told of, not lost."""
        may_tell, left_out = self._may_tell(record)
        if not may_tell:
            return
        try:
            message = record.getMessage()
        except (TypeError, ValueError, KeyError):
            message = f"{record.msg} {record.args}"
        more = {"left_out": left_out} if left_out else {}
        structlog.get_logger(record.name).log(record.levelno, message, exc_info=record.exc_info or None, **more)


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
