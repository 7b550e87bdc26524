"""``python -m bench.peers [--quick] [--only PEER] [--scenario NAME] [--json] [--write]``. Exit code 1 if nothing was measured."""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.harness import report_card
from bench.peers import peers
from bench.peers.environments import PeerMissingError
from bench.peers.ground import Stage, stage
from bench.peers.peers import PEERS, Peer
from bench.peers.report import as_json, document, line
from bench.peers.scenarios import FULL, QUICK, SCENARIOS, Found, Size, rate, run_one
from ops.stack.errors import StackError

DOCUMENT = Path(__file__).parents[2] / "docs" / "peers.md"
NAMES = {peer.name: peer for peer in PEERS}


def say(text: str) -> None:
    """Tell who waits."""
    sys.stderr.write(text + "\n")


def prepare(place: Stage, chosen: Sequence[Peer]) -> tuple[list[Peer], dict[str, str]]:
    """Fetch what the peers need; return who can run, and why the others cannot."""
    ready: list[Peer] = []
    skipped: dict[str, str] = {}
    for peer in chosen:
        try:
            place.prepare(peer)
        except PeerMissingError as error:
            say(f"{peer.name} is skipped: {error}")
            skipped[peer.name] = str(error)
        else:
            ready.append(peer)
    return ready, skipped


async def compare(
    place: Stage, chosen: Sequence[Peer], scenarios: Sequence[str], size: Size, found: list[Found]
) -> None:
    """Run the scenarios, in each the peers in turn; every finding is told and kept as it comes."""
    plan = [
        (name, peer) for name in scenarios for _ in range(size.runs if name == peers.RATE else 1) for peer in chosen
    ]
    for name, peer in plan:
        if name in peer.scenarios:
            scenario = rate if name == peers.RATE else SCENARIOS[name]
            found.append(one := await run_one(scenario, name, place, peer, size))
            say(line(one))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.peers", description="Others on the same way, beside ours.")
    parser.add_argument("--quick", action="store_true", help="small: shows that it works")
    parser.add_argument("--only", action="append", choices=list(NAMES), help="one peer; may be given several times")
    parser.add_argument(
        "--scenario", action="append", choices=[peers.RATE, *SCENARIOS], help="one scenario; may be given several times"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--write", action="store_true", help="write docs/peers.md")
    options = parser.parse_args()
    if options.write and (options.only or options.scenario):
        parser.error("--write wants the whole run: the tables would hold a part of it")
    return options


def main() -> int:
    """Run what the command line says."""
    options = _options()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # asked to end is interrupted too: nothing is left behind
    chosen = [NAMES[name] for name in options.only or NAMES]
    scenarios = options.scenario or [peers.RATE, *SCENARIOS]
    found: list[Found] = []
    skipped: dict[str, str] = {}
    whole = False
    try:
        with stage(say) as place:
            ready, skipped = prepare(place, chosen)
            asyncio.run(compare(place, ready, scenarios, QUICK if options.quick else FULL, found))
            whole = True
    except KeyboardInterrupt:
        say(f"Interrupted: {len(found)} scenarios ran.")
    except StackError as error:
        say(str(error))
    if options.json:
        sys.stdout.write(as_json(found, skipped, report_card()) + "\n")
    if options.write and whole:
        command = f"python -m bench.peers --write{' --quick' if options.quick else ''}"
        DOCUMENT.write_text(document(found, skipped, report_card(), command), encoding="utf-8")
    return 0 if whole and any(one.failed is None for one in found) else 1


def _be_quiet() -> None:
    """Say nothing of brokers that are away: that is the point. For this process alone, so not where a test calls ``main``."""
    for name in ("aiokafka", "kafka"):
        logging.getLogger(name).setLevel(logging.CRITICAL)


if __name__ == "__main__":
    _be_quiet()
    sys.exit(main())
