"""Whether a process has traces, and their life beside it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module

from shared.tracing.holding import using


@dataclass(frozen=True, slots=True)
class TraceSettings:
    """Where spans go, and of which requests there are some."""

    endpoint: str
    """The receiver's address, without ``/v1/traces``."""
    sampler: str = "parentbased_always_on"
    """As ``OTEL_TRACES_SAMPLER`` names it."""
    sampler_arg: float = 1.0
    headers: str = field(default="", repr=False)
    """``name=value`` with commas, as ``OTEL_EXPORTER_OTLP_HEADERS`` has them; they may hold a token."""


@contextmanager
def traced(settings: TraceSettings | None, service: str, role: str, instance: str) -> Iterator[None]:
    """Make spans for the time of the block, as process ``role`` of ``service``; without ``settings`` nothing is loaded."""
    if settings is None:
        yield
        return
    # By name: who reads the imports, and a process without traces, must not find OpenTelemetry behind this module.
    make = import_module("shared.tracing.sending").make_tracer
    with using(make(settings, service, role, instance)):
        yield
