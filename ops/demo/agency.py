"""The demo of agencies: clients nobody here wrote read by each way, an agreement is suspended and resumed, and all is counted."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from ops.demo.bureau import GRANTS, Bureau, granted_of_case, make_example, published
from ops.demo.examples import READERS, RECEIVERS, Access, Example, Seen
from ops.demo.office import POLL_SECONDS, Office
from ops.demo.scenario import DemoFailedError, Say, Tell, until
from ops.stack import Stack
from shared.contracts.registry import BUSINESS_TOPIC

AGENCY = "dpmptsp"
PROCESSES = ("registry-api", "registry-relay", "partners-api", "partners-relay", "partners-worker")
STOPS_SECONDS = 5.0
"""How soon a suspension must have stopped every way."""
WATCHED_SECONDS = 10.0
"""How long is looked after a suspension whether anything still comes."""
OFFICERS = 2

Key = tuple[str, str, int]
"""Id, subject and sequence of an event."""


@dataclass(slots=True)
class Result:
    """What came of one client. ``lacks``: why it was not tried; then nothing else counts."""

    name: str
    way: str
    client: str = ""
    lacks: str = ""
    first_seconds: float | None = None
    """From its start to the first event that it kept."""
    events: int = 0
    missing: int = 0
    repeated: int = 0
    disordered: int = 0
    ungranted: int = 0
    stopped_seconds: float = 0.0
    """From the suspension to the last event that it kept before the resumption."""
    held_back: int = 0
    """Granted events of the time of the suspension, that it was not given before the resumption."""

    @property
    def tried(self) -> bool:
        """Whether it ran at all."""
        return not self.lacks

    @property
    def ok(self) -> bool:
        """Whether it ran, and everything was as it must be."""
        wrong = self.missing + self.repeated + self.disordered + self.ungranted
        return (
            self.tried
            and self.events > 0
            and not wrong
            and self.stopped_seconds <= STOPS_SECONDS
            and self.held_back > 0
        )


def judge(result: Result, seen: Sequence[Seen], wanted: Sequence[Key]) -> None:
    """Compare what a client kept with what Kafka holds of what is granted; fill in the counts."""
    known, had = set(wanted), set[Key]()
    last: dict[str, int] = {}
    result.repeated = result.disordered = result.ungranted = 0
    for item in seen:
        key = (item.id, item.subject, item.sequence)
        result.repeated += key in had
        result.disordered += key not in had and item.sequence <= last.get(item.subject, 0)
        result.ungranted += key not in known or item.type not in GRANTS or set(item.data) != set(GRANTS[item.type])
        had.add(key)
        last[item.subject] = max(item.sequence, last.get(item.subject, 0))
    result.events, result.missing = len(had), len(known - had)


@dataclass(slots=True)
class _Client:
    example: Example
    result: Result
    began: float = field(default=0.0)

    def start(self) -> None:
        """Start it, unless it runs."""
        if not self.example.alive:
            self.began = self.began or time.monotonic()
            self.example.start()


class AgencyDemo:
    """One run over a stack that is up. ``close`` it at the end, however it ends."""

    def __init__(self, stack: Stack, folder: Path, say: Say, tell: Tell) -> None:
        self._stack, self._folder, self._say, self._tell = stack, folder, say, tell
        self._bureau, self._office = Bureau(stack), Office(stack, ["registry"])
        self._clients: list[_Client] = []
        self._cases = 0
        self._wanted = 0
        self.results: list[Result] = []

    def close(self) -> None:
        """End the clients and close the connections."""
        for client in self._clients:
            client.example.stop()
        self._bureau.close()
        self._office.close()

    def run(self, cases: int) -> list[Result]:
        """Play it and return what came of each client. Raises ``DemoFailedError``, ``httpx2.HTTPError``, ``StackError``."""
        agreement = self._bureau.agree(AGENCY, GRANTS)
        self._say(f"agreement with {AGENCY}: signed by two officers; {len(GRANTS)} types, three ways")
        self._equip()
        self._see_first()
        with ThreadPoolExecutor(OFFICERS) as officers:
            self._follow("live", self._work(officers, cases - cases // 3))
            self._suspend(agreement, self._work(officers, cases // 3))
        self._bureau.resume(agreement)
        self._say("resumed; each goes on where it stopped")
        for client in self._clients:
            client.start()
        self._follow("after the resumption", [])
        return self.results

    def _equip(self) -> None:
        """Make each client ready, or note what it lacks."""
        self._folder.mkdir(parents=True, exist_ok=True)
        for name in (*RECEIVERS, *READERS):
            made = make_example(name, self._stack, self._bureau, Access(AGENCY, self._folder), self._say)
            if isinstance(made, str):
                self.results.append(Result(name, name.partition("-")[0], lacks=made))
                self._say(f"{name} is not tried: {made}")
                continue
            self.results.append(Result(name, made.way, made.client))
            self._clients.append(_Client(made, self.results[-1]))

    def _see_first(self) -> None:
        """Start the clients, give one case, and note when each has its first event."""
        self._work_one()
        for client in self._clients:
            client.start()

        def all_have() -> bool:
            for client in self._clients:
                if client.result.first_seconds is None and client.example.seen():
                    client.result.first_seconds = round(time.monotonic() - client.began, 1)
            have = sum(client.result.first_seconds is not None for client in self._clients)
            self._tell("clients with a first event", have, len(self._clients))
            return have == len(self._clients)

        self._until("every client has its first event", all_have)

    def _until(self, what: str, condition: Callable[[], bool]) -> None:
        """Wait as ``until`` does; where it is in vain, say what the clients printed."""
        try:
            until(what, condition)
        except DemoFailedError as error:
            said = "; ".join(f"{client.example.name}: {client.example.said()}" for client in self._clients)
            raise DemoFailedError(f"{error}. {said}") from error

    # -- commands ------------------------------------------------------------------------------------------------------

    def _work_one(self) -> None:
        self._cases += 1
        self._wanted += granted_of_case(self._cases)
        self._office.case(self._cases)

    def _work(self, officers: ThreadPoolExecutor, cases: int) -> list[Future[int]]:
        """Let officers work through so many cases; come back at once."""
        numbers = range(self._cases + 1, self._cases + cases + 1)
        self._cases += cases
        self._wanted += sum(map(granted_of_case, numbers))
        return [officers.submit(self._office.case, number) for number in numbers]

    # -- looking -------------------------------------------------------------------------------------------------------

    def _published(self) -> list[Key]:
        return asyncio.run(published(self._stack.credentials("operator"), BUSINESS_TOPIC, list(GRANTS)))

    def _follow(self, stage: str, cases: Sequence[Future[int]]) -> None:
        """Wait until every client has all that is granted, then judge what each kept."""

        def all_there() -> bool:
            counts = [len(client.example.seen()) for client in self._clients]
            for client, count in zip(self._clients, counts, strict=True):
                self._tell(f"{stage}: {client.result.name}", min(count, self._wanted), self._wanted)
            return all(count >= self._wanted for count in counts)

        for case in cases:
            self._tell(f"{stage}: cases", sum(item.done() for item in cases), len(cases))
            case.result()
        with suppress(DemoFailedError):  # what is missing is counted, by client
            until("every client has all", all_there, 60.0)
        wanted = self._published()
        if len(wanted) != self._wanted:
            raise DemoFailedError(f"Kafka holds {len(wanted)} granted events, of {self._wanted} that the commands made")
        for client in self._clients:
            judge(client.result, client.example.seen(), wanted)

    def _suspend(self, agreement: str, cases: Sequence[Future[int]]) -> None:
        """Suspend the agreement while commands go on, and note until when each client was still given something."""
        self._bureau.suspend(agreement)
        began = time.monotonic()
        self._say("suspended, while officers work on")
        had = {client.result.name: len(client.example.seen()) for client in self._clients}
        while (passed := time.monotonic() - began) < WATCHED_SECONDS or not all(case.done() for case in cases):
            for client in self._clients:
                count = len(client.example.seen())
                if count > had[client.result.name]:
                    had[client.result.name], client.result.stopped_seconds = count, round(passed, 1)
            self._tell("suspended: seconds watched", min(int(passed), int(WATCHED_SECONDS)), int(WATCHED_SECONDS))
            time.sleep(POLL_SECONDS)
        for case in cases:
            case.result()
        until("Kafka holds all", lambda: len(self._published()) >= self._wanted, 60.0)
        for client in self._clients:
            client.result.held_back = self._wanted - len(client.example.seen())
        self._tell("suspended: seconds watched", int(WATCHED_SECONDS), int(WATCHED_SECONDS))
