"""``naikkelas audit``: every aggregate from its source over the log to each consumer's position, effects and messages, and agencies."""

from __future__ import annotations

import asyncio
import json as jsonlib
from collections.abc import Sequence
from typing import Annotated

import asyncpg
import typer
from aiokafka.errors import KafkaError
from confluent_kafka import KafkaException

from ops.audit import RefusedError, Report, audit, audit_since, scope_of
from ops.cli.actor import By, actor
from ops.cli.databases import OTHER_SCHEMA
from ops.cli.output import Json, fail, print_json, print_line, print_table, say
from ops.cli.progress import stages
from ops.stack import Stack
from ops.stack.databases import SERVICES
from ops.stack.errors import StackError
from shared.broker import KafkaSettings
from shared.database import SERVER_ERRORS, connected, is_infrastructure_error

app = typer.Typer(add_completion=False, rich_markup_mode=None)
FINDINGS_SHOWN = 20


@app.command("audit")
def audit_command(
    wait: Annotated[float, typer.Option(min=0, help="Seconds to wait for what is under way.")] = 30.0,
    service: Annotated[
        list[str] | None,
        typer.Option(help=f"Look at what this service owns alone; may be given several times: {', '.join(SERVICES)}."),
    ] = None,
    incremental: Annotated[
        bool, typer.Option("--incremental", help="Continue from the last green audit of all services.")
    ] = False,
    by: By = None,
    json: Json = False,
) -> None:
    """Compare sources, topics, positions, effects, messages and what agencies were given. Exit code 0: nothing found; 1: something is wrong; 2: nothing could be compared."""
    services, stack = service or [], Stack()
    try:
        scope_of(services)
        databases, kafka = {name: stack.dsn(name, "audit") for name in SERVICES}, stack.credentials("operator")
    except (StackError, ValueError) as error:
        fail(str(error), as_json=json, code=2)  # 1 says that the audit found something
    report = run_audit(databases, kafka, wait, services, incremental=incremental, keep=True, as_json=json)
    keep_run(databases["projections"], actor(by), report)
    if json:
        print_json(report.as_dict())
    else:
        print_report(report)
    raise typer.Exit(0 if report.ok else 1)


def run_audit(
    databases: dict[str, str],
    kafka: KafkaSettings,
    wait: float,
    services: Sequence[str] = (),
    *,
    incremental: bool = False,
    keep: bool = False,
    as_json: bool = False,
) -> Report:
    """Run the audit with progress; end with one sentence if a server cannot be reached, or there is nothing to continue from."""
    try:
        with stages() as tell:
            if incremental:
                return asyncio.run(audit_since(databases, kafka, wait, tell, services))
            return asyncio.run(audit(databases, kafka, wait, tell, services, keep=keep))
    except RefusedError as error:
        fail(str(error), as_json=as_json, code=2)
    except OTHER_SCHEMA as error:
        fail(
            f"A schema is not that of this release ({error}): `naikkelas migrate` brings it up to date, or the containers *-migrate.",
            as_json=as_json,
            code=2,
        )
    except (KafkaError, KafkaException, *SERVER_ERRORS) as error:
        if isinstance(error, asyncpg.PostgresError) and not is_infrastructure_error(error):
            fail(f"A database refuses the audit ({error}): `naikkelas doctor` tells more.", as_json=as_json, code=2)
        fail(f"The audit cannot reach a server ({type(error).__name__}); is the stack up?", as_json=as_json, code=2)


def keep_run(dsn: str, by: str, report: Report) -> None:
    """Keep what an audit came to for the page of operations, in the projections' database: counts, no ids."""
    counts = (report.ok, report.events, report.aggregates, report.seconds, jsonlib.dumps(dict(report.total_findings)))

    async def keep() -> None:
        async with connected(dsn) as connection:
            await connection.execute(
                "SELECT audit.keep_run($1, $2, $3, $4, $5, $6::text::jsonb, $7)",
                by,
                *counts,
                "; ".join(report.left_out),
            )

    try:
        asyncio.run(keep())
    except (asyncpg.UndefinedFunctionError, *SERVER_ERRORS) as error:
        say(f"The result could not be kept for the page of operations ({type(error).__name__}).")


def print_report(report: Report) -> None:
    """Print a report for people."""
    print_line(
        f"{report.events:,} events of {report.aggregates:,} aggregates: lost {report.lost}, doubled {report.doubled}, "
        f"reordered {report.reordered}, gaps {report.gaps}, parked {report.parked} ({report.seconds:.1f} s)"
    )
    rows = [
        (name, f"{state.aggregates:,}", state.behind, state.ahead, state.parked, ", ".join(state.effects) or "-")
        for name, state in sorted(report.consumers.items())
    ]
    print_table(("consumer", "aggregates", "behind", "ahead", "parked", "effects compared"), rows)
    if ways := [(code, way) for code, state in sorted(report.agencies.items()) for way in state.ways]:
        told = [
            (code, way.endpoint or way.way, f"{way.delivered:,}", f"{way.waiting:,}", way.reason or "-")
            for code, way in ways
        ]
        print_table(("agency", "way", "delivered", "waiting", "why"), told)
    if report.public:
        public = [
            (name, f"{state.delivered:,}", f"{state.waiting:,}", state.reason or "-")
            for name, state in sorted(report.public.items())
        ]
        print_table(("public topic", "published", "waiting", "why"), public)
    for finding in report.findings[:FINDINGS_SHOWN]:
        print_line(
            f"{finding.kind}: {finding.where} {finding.aggregate_id or ''}: expected {finding.expected}, "
            f"found {finding.found} ({finding.detail})"
        )
    left = sum(report.total_findings.values()) - FINDINGS_SHOWN
    if left > 0:
        print_line(f"and {left:,} more findings")
    _print_scope(report)


def _print_scope(report: Report) -> None:
    """Say what was looked at, what was not, and what that comes to."""
    if report.fell_back is not None:
        print_line(f"It could not continue, so all was read: {report.fell_back}.")
    elif report.since is not None:
        print_line(
            f"It continued from {report.since['at']}, the {report.since['links'] + 1}. time since all was read at {report.since['whole_at']}."
        )
    if report.quiet is False:
        print_line("Facts kept coming, or were not applied: it did not find the platform at rest.")
    if report.under_way:
        print_line(f"{report.under_way:,} came while it read; they were asked for again, and are where they belong.")
    for line in report.left_out:
        print_line(f"left out: {line}")
    if report.left_out:
        print_line(
            "What was looked at is green. This was no audit of the whole."
            if report.ok
            else "The audit found faults in what it looked at."
        )
    else:
        print_line("The audit is green." if report.ok else "The audit found faults.")
