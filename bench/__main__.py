"""``python -m bench [--quick] [--only NAME] [--json] [--write]``."""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import structlog
import uvloop

from bench import table
from bench.arriving import commit_to_webhook
from bench.auditing import audits
from bench.clustering import three_brokers
from bench.commanding import commands
from bench.consuming import consumer_layer
from bench.curation import curation
from bench.delivery import relay_backlog
from bench.fanout import announcement
from bench.flooding import beside_a_flood
from bench.following import following
from bench.harness import FULL, QUICK, Result, Size, VoidRunError, report_card
from bench.holding import held_transaction, relay_wal
from bench.importing import import_rows
from bench.latency import command_to_ack
from bench.measuring import metrics_cost
from bench.platform import platform, platform_large
from bench.posting import posts
from bench.projection import projections
from bench.reading import feed, long_polls
from bench.rebuilding import rebuilds
from bench.replaying import beside_a_replay
from bench.resting import resting
from bench.rig import Rig, servers
from bench.scaling import two_consumers
from bench.spreadsheet import check_spreadsheet
from bench.tracing import traces_cost
from bench.training import certificates, enrolling_crowd
from bench.webhooks import hung_endpoint, webhooks
from shared.process import tune_interpreter

Bench = Callable[[Rig, Size], Awaitable[Result | list[Result]]]
BENCHES: dict[str, Bench] = {
    "relay": relay_backlog,
    "latency": command_to_ack,
    "commands": commands,
    "consumer": consumer_layer,
    "scaling": two_consumers,
    "importing": import_rows,
    "xlsx": check_spreadsheet,
    "projection": projections,
    "following": following,
    "enrolling": enrolling_crowd,
    "printing": certificates,
    "curation": curation,
    "fanout": announcement,
    "rebuild": rebuilds,
    "wal": relay_wal,
    "held": held_transaction,
    "posts": posts,
    "flood": beside_a_flood,
    "metrics": metrics_cost,
    "traces": traces_cost,
    "webhooks": webhooks,
    "hung": hung_endpoint,
    "arriving": commit_to_webhook,
    "replaying": beside_a_replay,
    "feed": feed,
    "polls": long_polls,
    "audit": audits,
    "resting": resting,
    "brokers": three_brokers,
    "platform": platform,
    "large": platform_large,
}
HISTORY = Path(__file__).parent / "history.jsonl"
PROFILE = Path(__file__).parent / "profile.md"
"""What was seen to take the time, by hand; it goes below the table."""
TABLE = Path(__file__).parent.parent / "docs" / "speed.md"


async def run(rig: Rig, names: list[str], size: Size) -> tuple[list[Result], dict[str, str]]:
    """Run the benchmarks in order, telling each result as it comes; return the results, and why others are void.

    A void one takes nothing from the others: a whole run lasts the better part of an hour.
    """
    tune_interpreter()  # as in every process of a service
    found: list[Result] = []
    void: dict[str, str] = {}
    for name in names:
        try:
            result = await BENCHES[name](rig, size)
        except (VoidRunError, TimeoutError) as error:
            void[name] = str(error) or "it did not end in time"
            sys.stderr.write(f"{name} is void: {void[name]}\n")
            continue
        for line in result if isinstance(result, list) else [result]:
            sys.stderr.write(line.line() + "\n")
            found.append(line)
    return found, void


def main() -> int:
    """Run and report; exit code 1 if a run was void."""
    rows = [f"  {name:<12}{(measure.__doc__ or '').splitlines()[0]}" for name, measure in BENCHES.items()]
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description="Speed as ratios to the raw client or database.",
        epilog="\n".join(["benchmarks:", *rows]),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--quick", action="store_true", help="small, thrice and cold: shows that it works, not how fast"
    )
    parser.add_argument(
        "--only",
        action="append",
        choices=list(BENCHES),
        metavar="NAME",
        help="one of the benchmarks below; may be given several times",
    )
    parser.add_argument("--runs", type=int, metavar="N", help="measure so often, after one run to warm up")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument(
        "--write",
        action="store_true",
        help="write docs/speed.md (with --only the rows that were measured) and bench/history.jsonl",
    )
    options = parser.parse_args()
    if options.write and (options.quick or options.runs):
        parser.error("--write wants as many runs as are declared, warm: the table would hold figures of a smoke test")
    if options.runs is not None and options.runs < 1:
        parser.error("--runs wants at least 1")
    size = QUICK if options.quick else FULL
    size = replace(size, runs=options.runs or size.runs)
    card = report_card()
    with servers() as rig:
        results, void = uvloop.run(run(rig, options.only or list(BENCHES), size))
    told = [result.as_dict() for result in results]
    record = {"at": datetime.now(UTC).isoformat(), "card": card, "results": told, "void": void}
    if options.write:
        table.write(TABLE, PROFILE.read_text(encoding="utf-8"), card, results, void, whole=not options.only)
        with HISTORY.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")
    if options.json:
        sys.stdout.write(json.dumps(record, indent=1) + "\n")
    return 1 if void else 0


if __name__ == "__main__":
    # Standard output is for --json alone, and what goes well in a service is no news here.
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    sys.exit(main())
