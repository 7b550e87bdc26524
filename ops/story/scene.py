"""What every chapter is given: clients of the services, the plan, who takes part; and where it writes what it found."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import Any, TypeVar

from ops.clients import AnswerError, Clients, Json
from ops.report import Report
from ops.story.plan import Plan

T = TypeVar("T")

CLERK, CHECKER = "petugas-cerita", "pemeriksa-cerita"
CURATORS = ("kurator-cerita-1", "kurator-cerita-2")
MENTORS = ("pendamping-cerita-1", "pendamping-cerita-2", "pendamping-cerita-3")
SIDE_BY_SIDE = 8

Tell = Callable[[str, int, int], None]
"""Told what is going on, how much of it is done, and of how much."""
Settle = Callable[[], Awaitable[None]]
"""Waits until every service has heard what the others told."""


class StoryStoppedError(RuntimeError):
    """The story cannot go on; the text says why."""


@dataclass(frozen=True, slots=True)
class Check:
    """What a chapter planned, and what the APIs say."""

    what: str
    expected: object
    found: object

    @property
    def ok(self) -> bool:
        """Whether they are the same."""
        return self.expected == self.found


@dataclass(slots=True)
class Member:
    """A business that takes part, with its principal owner."""

    owner_id: str
    business_id: str
    kelurahan: str
    kelas: str
    trained: int = 0
    """Trainings passed in this story."""
    licensed: bool = False
    """Has the licences that the bazaar asks for."""

    def form(self) -> dict[str, str]:
        """Return the body of an enrolment or an application."""
        return {"owner_id": self.owner_id, "business_id": self.business_id}


@dataclass(slots=True)
class Expected:
    """What the year must come to, counted by the chapters as they plan; the report is held against it."""

    trained: set[str] = field(default_factory=set)
    """Businesses that passed a training of the year that is told."""
    placed: set[str] = field(default_factory=set)
    """Businesses that had a place at an exhibition of that year."""
    turnover: int = 0
    """Rupiah that were reported."""
    sold: set[str] = field(default_factory=set)
    """Businesses that reported."""
    risen: set[str] = field(default_factory=set)
    gained: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Business → men and women that it gave work between its first count and its last of that year."""
    mails: dict[str, int] = field(default_factory=dict)
    """Template → messages that must have been sent."""

    def mail(self, template: str, count: int) -> None:
        """Expect more messages of a template."""
        self.mails[template] = self.mails.get(template, 0) + count


@dataclass(slots=True)
class Scene:
    """The stage. ``cast`` is filled by the first chapter."""

    clients: Clients
    plan: Plan
    tell: Tell
    settle: Settle
    dice: Random
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    cast: list[Member] = field(default_factory=list)
    partners: dict[str, str] = field(default_factory=dict)
    """Name → id of the organisations that hold something; filled before the cast."""
    expected: Expected = field(default_factory=Expected)
    report: Report | None = None
    """Read by the last chapter."""


class Notes:
    """What one chapter writes down: its checks, in order."""

    def __init__(self) -> None:
        self.checks: list[Check] = []

    def check(self, what: str, expected: object, found: object) -> None:
        """Write down what was planned and what was found."""
        self.checks.append(Check(what, expected, found))

    async def refused(self, what: str, slug: str, deed: Awaitable[Any]) -> None:
        """Do what must be refused, and write down by which rule it was."""
        try:
            await deed
        except AnswerError as error:
            self.check(what, slug, error.slug)
        else:
            self.check(what, slug, "tidak ditolak")


async def each(
    scene: Scene, stage: str, items: Sequence[T], deed: Callable[[T], Coroutine[Any, Any, Any]]
) -> list[Any]:
    """Do a deed for each of several things, some side by side, and return what came of each, in order.

    The first that fails ends the others. Only a few at a time, so that another lane with a deadline does not wait behind all.
    """
    done, turns = 0, asyncio.Semaphore(SIDE_BY_SIDE)

    async def one(item: T) -> Any:
        nonlocal done
        async with turns:
            result = await deed(item)
        done += 1
        scene.tell(stage, done, len(items))
        return result

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(item)) for item in items]
    return [task.result() for task in tasks]


async def gathered(pages: Any) -> list[Json]:
    """Return all items of a list with pages."""
    return [item async for item in pages]


async def until(moment: datetime, now: Callable[[], datetime]) -> None:
    """Wait until a moment has passed; a second more, because the services ask the clock of their database."""
    await asyncio.sleep(max(0.0, (moment - now()).total_seconds() + 1.0))
