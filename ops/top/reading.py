"""Asking the processes of the running stack and its broker, side by side."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection, HTTPException
from time import monotonic

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from ops.cli.lag import read_lag
from ops.stack import Stack
from ops.stack.processes import HOST
from ops.stack.services import MAILBOX, is_ready, is_service
from shared.metrics.exposition import Sample, read_samples
from shared.metrics.glancing import Glance, Told, causes_of

ASK_SECONDS = 5.0


def glance(stack: Stack, admin: AdminClient) -> Glance:
    """Look at everything once. Who does not answer is told of as such; nothing is raised for it."""
    processes = {
        name: started.port or 0
        for name, started in stack.record().processes.items()
        if is_service(name) and name != MAILBOX
    }
    with ThreadPoolExecutor(max_workers=len(processes) + 1) as hands:
        lags = hands.submit(_lags, admin)
        told = tuple(hands.map(_ask, processes, processes.values()))
        return Glance(monotonic(), told, lags.result())


def _lags(admin: AdminClient) -> dict[str, int] | None:
    try:
        found = read_lag(admin)
    except KafkaException:
        return None
    sums: Counter[str] = Counter()
    for item in found:
        sums[item.group] += item.lag
    return dict(sums)


def _ask(name: str, port: int) -> Told:
    samples = read_figures(port)
    ready, report = is_ready(port) if samples else (False, "")
    return Told(name, ready, samples, causes_of(report) or None)


def read_figures(port: int) -> tuple[Sample, ...]:
    """Return the figures of the process that listens on a port of this machine; none if it does not answer as it should."""
    connection = HTTPConnection(HOST, port, timeout=ASK_SECONDS)
    try:
        connection.request("GET", "/metrics")
        answer = connection.getresponse()
        text = answer.read().decode()
        return tuple(read_samples(text)) if answer.status == 200 else ()
    except (OSError, HTTPException, ValueError):
        return ()
    finally:
        connection.close()
