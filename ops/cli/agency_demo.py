"""``naikkelas demo --agency``: clients nobody here wrote read under an agreement by each of the three ways."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import httpx2
from confluent_kafka import KafkaException

from ops.cli.output import fail, print_line, print_table, say
from ops.cli.progress import stages
from ops.demo.agency import AgencyDemo, Result
from ops.demo.bureau import ALL_WAYS
from ops.demo.scenario import DemoFailedError
from ops.kafka_admin.agencies import AgencyUserError
from ops.kafka_admin.quotas import QuotaError
from ops.stack import Stack

STOPS = (DemoFailedError, ConnectionError, httpx2.HTTPError, KafkaException, AgencyUserError, QuotaError)
HEADINGS = ("way", "client", "first s", "events", "missing", "twice", "order", "ungranted", "stopped s", "held", "")


def play_agency(stack: Stack, cases: int, *, as_json: bool) -> dict[str, Any]:
    """Play it over a stack that is up, print the table, and return the summary for ``--json``.

    ``ok`` needs every client that was tried to be right, and one of each way to be tried.
    """
    with stages() as tell:
        demo = AgencyDemo(stack, stack.home.path / "agency", say, tell)
        try:
            results = demo.run(cases)
        except STOPS as error:
            fail(f"The demo stopped: {error}", as_json=as_json)
        finally:
            demo.close()
    tried = [result for result in results if result.tried]
    if not as_json:
        print_table(HEADINGS, [_row(result) for result in results])
        if len(tried) < len(results):
            print_line(
                f"{len(results) - len(tried)} of {len(results)} clients were not tried; nothing is said of them."
            )
    return {
        "ok": all(result.ok for result in tried) and {result.way for result in tried} == set(ALL_WAYS),
        "tried": len(tried),
        "not_tried": {result.name: result.lacks for result in results if not result.tried},
        "clients": [asdict(result) | {"ok": result.ok} for result in tried],
    }


def _row(result: Result) -> tuple[object, ...]:
    if not result.tried:
        return (result.way, result.name, *("-" for _ in HEADINGS[2:-1]), f"not tried: {result.lacks}")
    counts = (result.events, result.missing, result.repeated, result.disordered, result.ungranted)
    stopped = (f"{result.stopped_seconds:.1f}", result.held_back)
    return (
        result.way,
        result.client,
        f"{result.first_seconds:.1f}",
        *counts,
        *stopped,
        "held" if result.ok else "WRONG",
    )
