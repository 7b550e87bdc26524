"""The order of the chapters, the time that each took, and what was found."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from functools import partial
from time import monotonic
from typing import Any

from ops.story import (
    bazaar,
    casting,
    classes,
    fair,
    licences,
    mails,
    mentors,
    office_trainings,
    outlets,
    partner_trainings,
    partners,
    progress,
    yearbook,
)
from ops.story.mails import CountMails
from ops.story.scene import Check, Notes, Scene

Play = Callable[[Scene, Notes], Coroutine[Any, Any, None]]
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Chapter:
    """One chapter: its name for programs, its title for people, and what it does."""

    name: str
    title: str
    play: Play


Act = tuple[tuple[Chapter, ...], ...]
"""Lanes that are played side by side, each with its chapters one after the other."""


@dataclass(frozen=True, slots=True)
class Told:
    """What came of one chapter."""

    chapter: str
    title: str
    seconds: float
    checks: tuple[Check, ...]

    @property
    def ok(self) -> bool:
        """Whether everything was found as planned."""
        return all(check.ok for check in self.checks)

    def as_dict(self) -> Mapping[str, Any]:
        """Return it for ``--json``."""
        checks = [
            {"what": check.what, "expected": check.expected, "found": check.found, "ok": check.ok}
            for check in self.checks
        ]
        return {
            "chapter": self.chapter,
            "title": self.title,
            "seconds": round(self.seconds, 1),
            "ok": self.ok,
            "checks": checks,
        }


def acts(count_mails: CountMails) -> tuple[Act, ...]:
    """Return the whole story. Chapters of one lane touch the same things, those of different lanes do not."""
    return (
        # Whoever comes first in an act is heard of by all services before the next: the casting waits for that.
        ((Chapter("partners", partners.TITLE, partners.play), Chapter("casting", casting.TITLE, casting.play)),),
        (
            (Chapter("office_trainings", office_trainings.TITLE, office_trainings.play),),
            (Chapter("partner_trainings", partner_trainings.TITLE, partner_trainings.play),),
            (Chapter("fair", fair.TITLE, fair.play),),
            (Chapter("outlets", outlets.TITLE, outlets.play),),
            (
                Chapter("licences", licences.TITLE, licences.play),
                Chapter("mentors", mentors.TITLE, mentors.play),
                Chapter("progress", progress.TITLE, progress.play),
                Chapter("classes", classes.TITLE, classes.play),
            ),
        ),
        ((Chapter("bazaar", bazaar.TITLE, bazaar.play),),),
        ((Chapter("mails", mails.TITLE, partial(mails.play, count_mails=count_mails)),),),
        ((Chapter("yearbook", yearbook.TITLE, yearbook.play),),),
    )


class Story:
    """One telling. Raises ``AnswerError`` and ``StoryStoppedError`` where it cannot go on."""

    def __init__(self, scene: Scene, count_mails: CountMails, say: Say) -> None:
        self._scene = scene
        self._acts = acts(count_mails)
        self._say = say
        self.told: list[Told] = []

    async def play(self) -> list[Told]:
        """Play all acts and return what came of each chapter, in the order of their ends."""
        try:
            for act in self._acts:
                async with asyncio.TaskGroup() as lanes:
                    for lane in act:
                        lanes.create_task(self._play_lane(lane))
        except ExceptionGroup as errors:
            raise _first(errors) from errors
        return self.told

    async def _play_lane(self, lane: tuple[Chapter, ...]) -> None:
        for chapter in lane:
            began, notes = monotonic(), Notes()
            await chapter.play(self._scene, notes)
            told = Told(chapter.name, chapter.title, monotonic() - began, tuple(notes.checks))
            self.told.append(told)
            self._tell(told)

    def _tell(self, told: Told) -> None:
        right = sum(check.ok for check in told.checks)
        self._say(f"{told.title}: {right} of {len(told.checks)} as planned ({told.seconds:.1f} s)")
        for check in told.checks:
            if not check.ok:
                self._say(f"  {check.what}: planned {check.expected}, found {check.found}")


def _first(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the first error of a group, however deep it lies: what came of the others came of it."""
    found: BaseException = errors
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    return found
