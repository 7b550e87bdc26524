"""The text format of Prometheus, version 0.0.4: writing it, and reading what another process wrote.

https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from shared.metrics.declaring import Metric

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Sample(NamedTuple):
    """One figure under its full name."""

    name: str
    labels: tuple[tuple[str, str], ...]
    value: float


def render(metrics: Iterable[tuple[Metric, Iterable[Sample]]]) -> str:
    """Return the samples of each metric, under what it means; a metric without samples is left out."""
    lines: list[str] = []
    for metric, samples in metrics:
        found = [_line(sample) for sample in samples]
        if found:
            text = metric.help.replace("\\", r"\\").replace("\n", r"\n")
            lines += [f"# HELP {metric.name} {text}", f"# TYPE {metric.name} {metric.kind.value}", *found]
    return "".join(f"{line}\n" for line in lines)


def _line(sample: Sample) -> str:
    labels = ",".join(f'{name}="{_escaped(value)}"' for name, value in sample.labels)
    return f"{sample.name}{{{labels}}} {_number(sample.value)}" if labels else f"{sample.name} {_number(sample.value)}"


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() and abs(value) < 2**53 else repr(float(value))


_SAMPLE = re.compile(r"([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)")
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)",?')
_ESCAPE = re.compile(r"\\(.)")


def read_samples(text: str) -> Iterator[Sample]:
    """Yield the samples of a text that ``render`` wrote. Raises ``ValueError`` for a line that is none."""
    for line in text.split("\n"):
        if not line or line.startswith("#"):
            continue
        match = _SAMPLE.fullmatch(line)
        if match is None:
            raise ValueError(f"not a sample: {line[:80]!r}")
        name, labels, number = match.groups()
        yield Sample(
            name, tuple((key, _unescaped(value)) for key, value in _LABEL.findall(labels or "")), float(number)
        )


def _unescaped(value: str) -> str:
    return _ESCAPE.sub(lambda match: "\n" if match[1] == "n" else match[1], value)
