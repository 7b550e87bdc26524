"""``python -m bench.peers [--quick] [--only PEER] [--scenario NAME] [--keep FILE] [--json] [--write]``.

Exit code 1 if nothing was measured.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from bench.harness import report_card
from bench.peers import peers
from bench.peers.environments import PeerMissingError
from bench.peers.ground import Stage, stage
from bench.peers.keeping import Kept, KeptError, missing, plan
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


async def compare(place: Stage, planned: Sequence[tuple[str, Peer]], size: Size, keep: Callable[[Found], None]) -> None:
    """Run what is planned; every finding is told and kept as it comes."""
    for name, peer in planned:
        scenario = rate if name == peers.RATE else SCENARIOS[name]
        keep(one := await run_one(scenario, name, place, peer, size))
        say(line(one))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.peers", description="Others on the same way, beside ours.")
    parser.add_argument("--quick", action="store_true", help="small: shows that it works")
    parser.add_argument("--only", action="append", choices=list(NAMES), help="one peer; may be given several times")
    parser.add_argument(
        "--scenario", action="append", choices=[peers.RATE, *SCENARIOS], help="one scenario; may be given several times"
    )
    parser.add_argument(
        "--keep", type=Path, metavar="FILE", help="keep what is found here, and go on with what is not there yet"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--write", action="store_true", help="write docs/peers.md")
    options = parser.parse_args()
    if options.write and (options.only or options.scenario) and not options.keep:
        parser.error("--write wants the whole run: the tables would hold a part of it")
    return options


def main() -> int:
    """Run what the command line says."""
    options = _options()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # asked to end is interrupted too: nothing is left behind
    chosen = [NAMES[name] for name in options.only or NAMES]
    scenarios, size = options.scenario or [peers.RATE, *SCENARIOS], QUICK if options.quick else FULL
    found: list[Found] = []
    keep = found.append
    skipped: dict[str, str] = {}
    ended = False
    try:
        if options.keep:
            kept = Kept(options.keep, size)
            found, keep = kept.found, kept.add
        with stage(say) as place:
            ready, skipped = prepare(place, chosen)
            asyncio.run(compare(place, missing(plan(ready, scenarios, size), found), size, keep))
            ended = True
    except KeyboardInterrupt:
        say(f"Interrupted: {len(found)} scenarios ran.")
    except (StackError, KeptError) as error:
        say(str(error))
    if options.json:
        sys.stdout.write(as_json(found, skipped, report_card()) + "\n")
    if options.write and ended:
        _write(options, found, skipped, size)
    return 0 if ended and any(one.failed is None for one in found) else 1


def _write(options: argparse.Namespace, found: Sequence[Found], skipped: dict[str, str], size: Size) -> None:
    """Write docs/peers.md, unless parts are missing that nobody tried."""
    tried = {(one.scenario, one.peer) for one in found}
    wanted = plan([peer for peer in PEERS if peer.name not in skipped], [peers.RATE, *SCENARIOS], size)
    if untried := {f"{peer.name}, {name}" for name, peer in wanted if (name, peer.name) not in tried}:
        say(f"Not written: {len(untried)} scenarios were not run yet, as {min(untried)}.")
        return
    command = f"python -m bench.peers --write{' --quick' if options.quick else ''}"
    DOCUMENT.write_text(document(found, skipped, report_card(), command), encoding="utf-8")


def _be_quiet() -> None:
    """Say nothing of brokers that are away: that is the point. For this process alone, so not where a test calls ``main``."""
    for name in ("aiokafka", "kafka"):
        logging.getLogger(name).setLevel(logging.CRITICAL)


if __name__ == "__main__":
    _be_quiet()
    sys.exit(main())
