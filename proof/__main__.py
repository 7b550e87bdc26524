"""``python -m proof``: run the promises, print what came of each, write docs/reliability.md. Exit code 1 if one is broken."""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.harness import report_card
from ops.stack.errors import StackError
from proof.leftovers import place, sweep
from proof.model.spin import Search, missing, search
from proof.promises import PROMISES, BrokenError, Promise, prove
from proof.report import Row, as_json, document, model_lines, sentence
from proof.rig import FULL, MIDDLE, SHORT, Rig, Size

# What is searched of the model, and whether it must hold.
MODELS: dict[str, tuple[str, ...]] = {
    "as it is": (),
    "without the position check": ("NO_POSITION_CHECK", "RELAY_CRASHES=0", "CONSUMER_CRASHES=0"),
}
DOCUMENT = Path(__file__).parent.parent / "docs" / "reliability.md"
SIZES = {"short": SHORT, "middle": MIDDLE, "full": FULL}


def run(promises: Sequence[Promise], size: Size, seeds: Sequence[int], *, say: bool = True) -> list[Row]:
    """Run promises one after another, each with every seed, on one platform; a broken one leaves a fresh one to the next, and so does
    one that wants another number of brokers.

    What this machine lacks something for is skipped. Interrupted, returns what ran.
    """
    rows = {promise.number: Row(promise, skipped=promise.missing()) for promise in promises}
    waiting = [promise for promise in promises if rows[promise.number].skipped is None]
    for row in rows.values():
        if row.skipped is not None and say:
            sys.stderr.write(sentence(row) + "\n")
    try:
        while waiting:
            brokers = waiting[0].brokers
            with place() as folder, Rig(folder, brokers) as rig:
                while waiting and waiting[0].brokers == brokers:
                    promise = waiting[0]
                    rows[promise.number] = row = _run_one(rig, promise, size, seeds)
                    del waiting[0]
                    if say:
                        sys.stderr.write(sentence(row) + "\n")
                    if row.broken or promise.spoils or size.fresh:
                        break
    except KeyboardInterrupt:
        left = ", ".join(promise.number for promise in waiting)
        ran = ", ".join(row.promise.number for row in rows.values() if row.outcomes) or "none"
        sys.stderr.write(f"Interrupted. Ran: {ran}; did not run: {left}.\n")
        return [row for row in rows.values() if row.outcomes or row.skipped is not None]
    return list(rows.values())


def _run_one(rig: Rig, promise: Promise, size: Size, seeds: Sequence[int]) -> Row:
    row = Row(promise)
    for seed in seeds:
        row.seeds.append(seed)
        try:
            row.outcomes.append(asyncio.run(prove(rig, promise, size, seed)))
        except BrokenError as error:
            row.ended = str(error)
        if not row.ok:
            break
    return row


def search_model() -> dict[str, Search]:
    """Search every state of the model of delivery: as it is, and without what makes a stale relay harmless."""
    return {name: search(defines) for name, defines in MODELS.items()}


def model_holds(found: dict[str, Search]) -> bool:
    """Tell whether the model holds as it is, searched whole, and breaks without the position check."""
    whole, broken = found["as it is"], found["without the position check"]
    return not whole.errors and whole.exhaustive and broken.errors > 0


def _seed(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no seed: give a whole number from 0 on")
    return int(text)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m proof", description="Run the promises under real faults.")
    names = [promise.number for promise in PROMISES]
    parser.add_argument("--promise", action="append", choices=names, help="one promise; may be given several times")
    parser.add_argument(
        "--size", choices=list(SIZES), default="middle", help="commands and faults for each (default: middle)"
    )
    parser.add_argument(
        "--seed", type=_seed, action="append", help="one run with this seed; may be given several times (default: 1)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--write", action="store_true", help="write docs/reliability.md")
    parser.add_argument("--list", action="store_true", help="list the promises")
    options = parser.parse_args()
    if options.write and options.promise:
        parser.error("--write wants all promises: the table would hold a part of them")
    return options


def _model() -> dict[str, Search]:
    if (lack := missing()) is not None:
        sys.stderr.write(f"The model was not searched: {lack}.\n")
        return {}
    models = search_model()
    sys.stderr.write("".join(f"spin {line}\n" for line in model_lines(models)))
    return models


def main() -> int:
    """Run what the command line says."""
    options = _options()
    if options.list:
        for promise in PROMISES:
            sys.stdout.write(f"{promise.number:4} {promise.text}: {promise.what}\n")
        return 0
    for line in sweep():
        sys.stderr.write(f"{line}\n")
    chosen = [promise for promise in PROMISES if not options.promise or promise.number in options.promise]
    try:
        rows = run(chosen, SIZES[options.size], options.seed or [1])
    except StackError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    models = {} if options.promise else _model()
    if options.json:
        sys.stdout.write(as_json(rows, report_card()) + "\n")
    if options.write and len(rows) == len(chosen) and any(row.outcomes for row in rows):
        seeds = "".join(f" --seed {seed}" for seed in options.seed or ())
        DOCUMENT.write_text(
            document(rows, models, report_card(), f"python -m proof --write --size {options.size}{seeds}"),
            encoding="utf-8",
        )
    _say_skips(rows)
    held = len(rows) == len(chosen) and any(row.ok for row in rows) and not any(row.broken for row in rows)
    return 0 if held and (not models or model_holds(models)) else 1


def _say_skips(rows: Sequence[Row]) -> None:
    skipped = [row.promise.number for row in rows if row.skipped is not None]
    if skipped and len(skipped) == len(rows):
        sys.stderr.write("Nothing was proved: every promise that was asked for was skipped.\n")
    elif skipped:
        sys.stderr.write(
            f"{len(skipped)} of {len(rows)} promises were skipped and are not proved: {', '.join(skipped)}.\n"
        )


def _be_quiet() -> None:
    """Say nothing of brokers that are away: that is the point. For this process alone, so not where a test calls ``main``."""
    for name in ("aiokafka", "faststream"):
        logging.getLogger(name).setLevel(logging.CRITICAL)


if __name__ == "__main__":
    _be_quiet()
    sys.exit(main())
