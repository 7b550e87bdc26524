"""The steps of the demo. Each says what it did and what it saw; the first that does not hold ends it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from email import policy
from email.parser import BytesParser
from pathlib import Path
from random import Random
from typing import Any

from ops.demo.office import POLL_SECONDS, Office
from ops.generator import Planted, generate
from ops.stack import Stack
from shared.database import connected

Say = Callable[[str], None]
Tell = Callable[[str, int, int], None]
DONE = frozenset({"selesai", "ditolak", "gagal"})
PATIENCE_SECONDS = 300.0


class DemoFailedError(RuntimeError):
    """A step saw something else than it must; the text says what."""


@dataclass(slots=True)
class Outcome:
    """What was seen, for ``--json`` and for the last lines."""

    rows: int = 0
    refused: str = ""
    businesses: int = 0
    events: int = 0
    import_seconds: float = 0.0
    searchable_seconds: float = 0.0
    commands: int = 0
    mails: int = 0
    digests: int = 0
    largest_process_mb: dict[str, int] = field(default_factory=dict)
    all_processes_mb: int = 0


def until(what: str, condition: Callable[[], bool], seconds: float = PATIENCE_SECONDS) -> None:
    """Wait until a condition holds. Raises ``DemoFailedError``."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise DemoFailedError(f"{what}: did not happen within {seconds:.0f} s")
        time.sleep(POLL_SECONDS)


class Demo:
    """One run over a stack that is up."""

    def __init__(self, stack: Stack, folder: Path, say: Say, tell: Tell, seed: int) -> None:
        self._stack = stack
        self._folder = folder
        self._say = say
        self._tell = tell
        self._dice = Random(seed)
        self._seed = seed
        self.office = Office(stack)
        self.outcome = Outcome()

    def found_city(self, rows: int) -> Planted:
        """Make the spreadsheets, import them and see them on the dashboard. Raises ``DemoFailedError``."""
        planted = self._generate(rows)
        self._import(planted)
        self._see_dashboard(planted)
        return planted

    def run(self, rows: int, commands: int) -> Outcome:
        """Play everything but the audit, which the caller runs. Raises ``DemoFailedError``."""
        planted = self.found_city(rows)
        self._repeat(planted)
        self._work(commands)
        self._see_mails(planted)
        self.measure()
        return self.outcome

    def _generate(self, rows: int) -> Planted:
        planted = generate(self._folder, rows, self._seed, lambda done, total: self._tell("spreadsheets", done, total))
        shapes = ", ".join(sorted({file.encoding for file in planted.files}))
        self._say(f"34 spreadsheets with {planted.total('rows'):,} rows ({shapes}) are in {self._folder}")
        return planted

    def _import(self, planted: Planted) -> None:
        started = time.monotonic()
        jobs = [(file, self.office.send_file(self._folder / file.name, file.kelurahan)) for file in planted.files]
        reports = self._wait_for([job for _, job in jobs], "imports")
        self.outcome.import_seconds = time.monotonic() - started
        refused = sum(report["totals"]["refused"] for report in reports)
        same = sum(report["totals"]["same"] for report in reports)
        self.outcome.rows = sum(report["totals"]["rows"] for report in reports)
        self.outcome.events = sum(report["facts"] for report in reports)
        self.outcome.refused = f"{refused:,} of {planted.total('refused'):,}"
        self._expect("data rows", self.outcome.rows, planted.total("rows"))
        self._expect("rows refused", refused, planted.total("refused"))
        if same < planted.total("repeated"):
            raise DemoFailedError(f"repeated rows: planted {planted.total('repeated')}, found {same}")
        self._say(
            f"imported {self.outcome.rows:,} rows in {self.outcome.import_seconds:.1f} s, {self.outcome.events:,} facts; "
            f"bad rows: found {refused:,} of {planted.total('refused'):,} planted"
        )
        self._wait_searchable(started)

    def _wait_searchable(self, started: float) -> None:
        total = self._registered()
        until("the dashboard counts every business", lambda: self._counted() == total)
        self.outcome.businesses = total
        self.outcome.searchable_seconds = time.monotonic() - started
        self._say(
            f"{total:,} businesses are on the dashboard {self.outcome.searchable_seconds:.1f} s after the first upload"
        )

    def _wait_for(self, jobs: list[str], what: str) -> list[dict[str, Any]]:
        done: dict[str, dict[str, Any]] = {}

        def all_done() -> bool:
            for job in jobs:
                if job not in done:
                    report = self.office.get("registry", f"/imports/{job}")
                    if report["state"] not in DONE:
                        break
                    done[job] = report
            self._tell(what, len(done), len(jobs))
            return len(done) == len(jobs)

        until(what, all_done)
        for report in done.values():
            if report["state"] != "selesai":
                raise DemoFailedError(f"{report['file_name']}: {report['state']}: {report['reason']}")
        return [done[job] for job in jobs]

    def _registered(self) -> int:
        """Return how many businesses the source holds, by the view that the audit reads too."""
        return asyncio.run(_count(self._stack.dsn("registry", "audit")))

    def _counted(self) -> int:
        return int(self.office.get("projections", "/dashboard?by=class")["total"])

    def _expect(self, what: str, found: object, planted: object) -> None:
        if found != planted:
            raise DemoFailedError(f"{what}: expected {planted}, found {found}")

    def _see_dashboard(self, planted: Planted) -> None:
        board = self.office.get("projections", "/dashboard?by=kecamatan")
        unknown = board["unknown"]["businesses"]
        known = sum(bucket["businesses"] for bucket in board["buckets"])
        self._expect("kecamatan buckets with unknown", known + unknown, board["total"])
        self._expect("businesses whose place is unknown", unknown, planted.total("unknown_places"))
        for bucket in board["buckets"]:
            self._say(f"  {bucket['label']:<22} {bucket['businesses']:>7,}")
        self._say(f"  {board['unknown']['label']:<22} {unknown:>7,}")
        self._say(f"  {'total':<22} {board['total']:>7,}  ({board['unit']}, {board['source']})")

    def _repeat(self, planted: Planted) -> None:
        """Hand in a file once more: nothing changes, no fact is published."""
        before = self._registered()
        file = planted.files[1]
        report = self._wait_for(
            [self.office.send_file(self._folder / file.name, file.kelurahan)], "the same file again"
        )[0]
        self._expect("facts of a file that was sent twice", report["facts"], 0)
        self._expect("rows changed by it", report["totals"]["new"] + report["totals"]["changed"], 0)
        self._expect("businesses after it", self._registered(), before)
        self._say(f"{file.name} sent again: 0 rows changed, 0 facts")

    def _work(self, count: int) -> None:
        """Give live commands, while a relay and a projection worker die and come back."""
        with ThreadPoolExecutor(4) as officers:
            cases = [officers.submit(self.office.case, number) for number in range(count)]
            until("the first cases", lambda: sum(case.done() for case in cases) > count // 4)
            for name in ("registry-relay", "projections-worker"):
                self._stack.kill(name)
                self._say(f"killed {name} (SIGKILL) in the middle of it")
                self._stack.start(name)
            for number, case in enumerate(cases, 1):
                self.outcome.commands += case.result()
                self._tell("cases", number, len(cases))
        self._say(f"{self.outcome.commands:,} live commands in {count} cases, none failed; both processes are back")

    def _see_mails(self, planted: Planted) -> None:
        until("messages are settled", self._settled)
        counts = self.office.get("notifications", "/messages/counts")["counts"]
        self._expect("messages that failed or are unknown", counts.get("failed", 0) + counts.get("unknown", 0), 0)
        self._expect("mails in the mailbox", len(self._mails()), counts.get("sent", 0) + counts.get("delivered", 0))
        self.outcome.mails = len(self._mails())
        self.outcome.digests = sum(1 for mail in self._mails() if "petugas" in mail["To"])
        self._expect("digests to the officer, one per import", self.outcome.digests, len(planted.files))
        spoken = ", ".join(f"{name} {number:,}" for name, number in sorted(counts.items()) if number)
        self._say(
            f"messages: {spoken}; {self.outcome.mails:,} mails arrived, {self.outcome.digests} digests among them"
        )

    def _settled(self) -> bool:
        counts = self.office.get("notifications", "/messages/counts")["counts"]
        return not sum(counts.get(state, 0) for state in ("waiting", "queued", "sending"))

    def _mails(self) -> list[Any]:
        parser = BytesParser(policy=policy.default)
        return [parser.parsebytes(path.read_bytes(), headersonly=True) for path in self._stack.home.mail.glob("*.eml")]

    def measure(self) -> None:
        """Note how much memory each process holds now."""
        for name, started in self._stack.record().processes.items():
            if started.alive:
                self.outcome.largest_process_mb[name] = round(started.memory() / 1e6)
        self.outcome.all_processes_mb = sum(self.outcome.largest_process_mb.values())
        self._say(f"memory of all processes together: {self.outcome.all_processes_mb:,} MB")


async def _count(dsn: str) -> int:
    async with connected(dsn) as connection:
        return int(await connection.fetchval("SELECT count(*) FROM audit.source WHERE topic = 'umkm.business'"))
