"""Enrolling of two hundred clients on one batch, beside the same inserts without a rule; and certificates as PDF."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import partial
from time import perf_counter, process_time
from uuid import UUID

from bench.harness import Result, Size, VoidRunError, by_turns, in_turn
from bench.rig import Rig
from services.training.commands import Enrol, OpenBatch, OpenCourse, OpenProgramme, Timing
from services.training.domain.models import Changed, Enrolment, Printed
from services.training.handlers import Saved, courses, enrolling, publish
from services.training.handlers.printing import Printer
from services.training.handlers.turnstile import Turnstile
from services.training.store import migrations
from shared.contracts.training import EnrolmentRegistered, EnrolmentState, Selection, SessionTime
from shared.database import Connection, Pool
from shared.identifiers import new_id
from shared.outbox import Cause, Change
from shared.wita import WITA

CLIENTS = 200
QUOTA = 50
PLACE = "64.71.01.1001"
FIRST = datetime(2030, 12, 3, 9, tzinfo=WITA)
PEOPLE = """
WITH told AS (
    INSERT INTO owner_copy (owner_id, version) SELECT id, 1 FROM unnest($1::uuid[]) AS id
)
INSERT INTO business_copy (business_id, owner_ids, kelurahan, kelas, status, version)
SELECT id, ARRAY[id], '64.71.01.1001', 'mikro', 'terverifikasi', 1 FROM unnest($1::uuid[]) AS id
"""
INSERT = """
INSERT INTO enrolment (id, version, batch_id, course_id, owner_id, business_id, state, priority, arrival, kelurahan,
                       enrolled_by, enrolled_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
"""
OVER = "SELECT count(*) FROM batch WHERE held > quota OR held <> least(quota, arrivals)"

Come = Callable[[Pool, Enrol, int], Awaitable[object]]


def _cause() -> Cause:
    return Cause("bench", None, "bench", "command", None, datetime.now(UTC))


async def _open_batch(pool: Pool, number: int) -> tuple[UUID, UUID]:
    """Return a course and a batch of it, with people who may come."""
    programme, course = OpenProgramme(new_id(), f"B{number:04}", "Bench"), new_id()
    day = FIRST.date()
    opened = OpenCourse(course, programme.programme_id, "Bench", "dinas", None, day, day, 80, None, ())
    sessions = (Timing(FIRST, FIRST + timedelta(hours=6)),)
    batch = OpenBatch(new_id(), course, "Aula", QUOTA, FIRST - timedelta(days=1), Selection.LANGSUNG, 48, sessions)
    async with pool.acquire() as connection, connection.transaction():
        await courses.open_programme(connection, programme, _cause())
        await courses.open_course(connection, opened, _cause())
        await courses.open_batch(connection, batch, _cause())
    return course, batch.batch_id


def _enrol() -> Come:
    """Return what enrols by the rules, at the door of the batch as in the API."""
    turnstile: Turnstile[enrolling.Wish, enrolling.Came] = Turnstile()

    async def enrol(pool: Pool, command: Enrol, _: int) -> object:
        async def together(wishes: Sequence[enrolling.Wish]) -> Sequence[enrolling.Came | None]:
            async with pool.acquire() as connection, connection.transaction():
                return await enrolling.enrol_together(connection, wishes)

        wish = enrolling.Wish(command, None, _cause(), None)
        async with turnstile.turn(command.batch_id, wish, {command.owner_id}, together) as came:
            if not isinstance(came, Saved):
                raise VoidRunError(f"somebody was not enrolled: {came}")
            return came

    return enrol


def _insert(course: UUID) -> Come:
    """Return what writes the same rows and the same fact, and asks nobody."""

    told = {"title": "Bench", "place": "Aula", "starts_at": FIRST}

    async def insert(pool: Pool, command: Enrol, arrival: int) -> object:
        async with pool.acquire() as connection, connection.transaction():
            return await write(connection, command, arrival)

    async def write(connection: Connection, command: Enrol, arrival: int) -> object:
        state = EnrolmentState.DITERIMA
        made = Enrolment(
            command.enrolment_id, 1, command.batch_id, course, command.owner_id, command.business_id, PLACE, state, 0,
            arrival, None, None, None,
        )  # fmt: skip
        fact = EnrolmentRegistered(**made.fact_fields(), **told, state=state, priority=0, arrival=arrival)
        cause = _cause()
        row = (
            made.id, 1, made.batch_id, course, made.owner_id, made.business_id, state, 0, arrival, PLACE, cause.actor, cause.now,
        )  # fmt: skip
        return await publish(connection, [Changed(made, (fact,))], cause, Change(INSERT, row))

    return insert


async def enrolling_crowd(rig: Rig, size: Size) -> Result:
    """Enrolments per second of 200 clients on one batch, over an API's 16 connections; nobody over the quota."""
    rounds = size.of(4_000) // CLIENTS

    async def measure(*, rule: bool) -> float:
        seconds = 0.0
        async with rig.database("training", migrations()) as (_, pool):
            for number in range(rounds):
                course, batch = await _open_batch(pool, number)
                people = [new_id() for _ in range(CLIENTS)]
                await pool.execute(PEOPLE, people)
                commands = [Enrol(new_id(), batch, person, person) for person in people]
                come = _enrol() if rule else _insert(course)
                started = perf_counter()
                await asyncio.gather(*(come(pool, command, number) for number, command in enumerate(commands, 1)))
                seconds += perf_counter() - started
            rows = await pool.fetchval("SELECT count(*) FROM enrolment")
            over = await pool.fetchval(OVER) if rule else 0
        if rows != rounds * CLIENTS or over:
            raise VoidRunError(f"{rows} enrolments, {over} batches with a wrong count of seats")
        return rounds * CLIENTS / seconds

    return await in_turn(
        Result("200 clients on one batch, by the rules ÷ the same inserts without", "enrolments/s", "≥ 0.3"),
        size,
        partial(measure, rule=True),
        partial(measure, rule=False),
    )


async def certificates(_: Rig, size: Size) -> Result:
    """Certificates with QR code, as PDF/A, in one thread; seconds of processor time count."""
    printer = Printer("https://naikkelas.example/training")
    session = SessionTime(number=1, starts_at=FIRST, ends_at=FIRST + timedelta(hours=6))
    printed = Printed(
        new_id(), 1, "0001/DIGI/DKUMKMP/2030", "7KQ2MHXA93PD", 1, 1, False, new_id(), None, date(2030, 12, 9),
        "Pemasaran Digital", "dinas", None, "Digitalisasi UMKM", 1, "Aula DKUMKMP", (session,), None, 1, PLACE,
    )  # fmt: skip
    count = size.of(1_000)

    async def measure() -> float:
        started = process_time()
        pages = [printer.render(printed, f"Peserta {number}") for number in range(count)]
        if not all(page.startswith(b"%PDF") for page in pages):
            raise VoidRunError("not every page is a PDF")
        return count / (process_time() - started)

    kept = await by_turns(size, {"product": measure})
    return Result("certificates as PDF", "a second of one core", "≥ 50", kept["product"])
