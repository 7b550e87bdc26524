"""Those who wait at the door of one batch are enrolled in one transaction, and none of them feels the others (decision 42).

Somebody else holds the batch while they come: the first waits in the database for it, the others at the door, as one group.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import UUID, uuid4

import asyncpg
import httpx2

from services.training.store import courses
from shared.auth import Role
from shared.idempotency import REPLAYED, StoredAnswer, canonical, claim, request_key, store
from tests.desk import Caller, Member, rule_of
from tests.kernel.locks import until_waiting
from tests.training.office import Office


@dataclass
class Crowd:
    """Those who come to one batch while it is held."""

    office: Office
    clerk: Caller
    batch: UUID
    tasks: list[asyncio.Task[httpx2.Response]] = field(default_factory=list)

    async def comes(self, member: Member, key: str | None = None, *, position: int | None = None) -> None:
        """Let one more come, and wait until they stand in the queue."""
        position = len(self.tasks) if position is None else position
        path = f"/batches/{self.batch}/enrolments"
        self.tasks.append(asyncio.create_task(self.clerk.post(path, member.form(), key=key)))
        doors = self.office.app.state.turnstile._doors
        async with asyncio.timeout(20):
            while self.batch not in doors or len(doors[self.batch].queue) < position:
                await asyncio.sleep(0.005)
        if not position:
            await until_waiting(self.office.pool)

    async def answers(self) -> list[httpx2.Response]:
        """Return the answers of those who queued behind the first."""
        return (await asyncio.gather(*self.tasks))[1:]


@asynccontextmanager
async def held(office: Office, batch: UUID) -> AsyncIterator[Crowd]:
    """Hold a batch while the block lasts; its first guest is inside, and waits."""
    crowd = Crowd(office, office.caller(Role.PETUGAS_DINAS), batch)
    async with office.pool.acquire() as connection, connection.transaction():
        await courses.lock_batch(connection, batch)
        await crowd.comes(await office.member())
        yield crowd


async def transactions(office: Office, ids: Sequence[str]) -> int:
    """Return in how many transactions these enrolments were made."""
    return int(await office.pool.fetchval("SELECT count(DISTINCT xmin::text) FROM enrolment WHERE id = ANY ($1)", ids))


def ids_of(answers: Sequence[httpx2.Response]) -> list[str]:
    return [answer.json()["id"] for answer in answers if answer.status_code == 201]


async def arrivals(office: Office, batch: UUID) -> dict[str, int]:
    rows = await office.pool.fetch("SELECT owner_id, arrival FROM enrolment WHERE batch_id = $1", batch)
    return {str(row["owner_id"]): row["arrival"] for row in rows}


async def test_who_is_refused_harms_nobody_who_came_with_them(office: Office) -> None:
    batch = await office.batch(3)
    members = await office.members(6)
    enrolled = members[1]
    first = await office.enrol(batch, enrolled)
    strangers = Member(members[3].owner_id, members[0].business_id)
    comers = [members[0], enrolled, members[2], strangers, members[4], Member(uuid4(), uuid4()), members[5]]
    async with held(office, batch) as crowd:
        for comer in comers:
            await crowd.comes(comer)
    answers = await crowd.answers()
    assert [answer.status_code for answer in answers] == [201, 409, 201, 422, 201, 409, 201]
    assert [rule_of(answers[place])[1] for place in (1, 3, 5)] == [
        "sudah-terdaftar",
        "bukan-pemilik",
        "usaha-belum-dikenal",
    ]
    assert await transactions(office, ids_of(answers)) == 1
    came = await arrivals(office, batch)
    assert [came[str(members[number].owner_id)] for number in (1, 0, 2, 4, 5)] == [1, 3, 4, 5, 6]
    states = [(await office.enrolment(UUID(one))).state for one in [str(first), *ids_of(answers)]]
    assert states == ["diterima", "diterima", *["daftar_tunggu"] * 3]
    await office.check_whole()


async def test_each_fact_has_the_cause_of_its_own_request(office: Office) -> None:
    batch, members = await office.batch(5), await office.members(3)
    async with held(office, batch) as crowd:
        for member in members:
            await crowd.comes(member)
    answers = await crowd.answers()
    rows = await office.pool.fetch(
        "SELECT correlation_id, data FROM outbox WHERE partition_key = ANY ($1) ORDER BY id", ids_of(answers)
    )
    assert [row["correlation_id"] for row in rows] == [answer.headers["x-request-id"] for answer in answers]
    for row, member in zip(rows, members, strict=True):
        assert str(member.owner_id) in row["data"]


async def test_a_key_twice_at_one_door_is_one_enrolment_and_one_answer(office: Office) -> None:
    batch, (one, other) = await office.batch(5), await office.members(2)
    async with held(office, batch) as crowd:
        await crowd.comes(one, "kunci-a")
        await crowd.comes(one, "kunci-a")
        await crowd.comes(other, "kunci-b")
    first, again, neighbour = await crowd.answers()
    assert [first.status_code, again.status_code, neighbour.status_code] == [201, 201, 201]
    assert again.content == first.content
    assert (first.headers.get(REPLAYED), again.headers[REPLAYED]) == (None, "true")
    assert await transactions(office, ids_of([first, neighbour])) == 1
    assert len(await arrivals(office, batch)) == 3
    await office.check_whole()


async def test_a_key_with_another_body_is_refused_and_leaves_the_first_as_it_is(office: Office) -> None:
    batch, (one, other, third) = await office.batch(5), await office.members(3)
    async with held(office, batch) as crowd:
        await crowd.comes(one, "kunci-a")
        await crowd.comes(other, "kunci-a")
        await crowd.comes(third, "kunci-c")
    first, reused, neighbour = await crowd.answers()
    assert [first.status_code, neighbour.status_code] == [201, 201]
    assert rule_of(reused) == (422, "kunci-terpakai")
    assert str(other.owner_id) not in await arrivals(office, batch)
    repeated = await office.caller(Role.PETUGAS_DINAS).post(f"/batches/{batch}/enrolments", one.form(), key="kunci-a")
    assert (repeated.status_code, repeated.content, repeated.headers[REPLAYED]) == (201, first.content, "true")
    await office.check_whole()


async def test_answers_of_a_group_are_given_again_refusals_too(office: Office) -> None:
    batch, members = await office.batch(2), await office.members(3)
    await office.enrol(batch, members[1])

    async def all_come(crowd: Crowd) -> None:
        for number, member in enumerate(members):
            await crowd.comes(member, f"kunci-{number}")

    async with held(office, batch) as crowd:
        await all_come(crowd)
    answers = await crowd.answers()
    async with held(office, batch) as later:
        await all_come(later)
    again = await later.answers()
    assert [answer.status_code for answer in answers] == [201, 409, 201]
    assert [answer.status_code for answer in again] == [201, 409, 201]
    assert [answer.content for answer in again] == [answer.content for answer in answers]
    assert {answer.headers[REPLAYED] for answer in again} == {"true"}
    await office.check_whole()


async def test_a_key_that_another_process_is_at_work_on_gets_the_answer_of_that(office: Office) -> None:
    batch, members = await office.batch(5), await office.members(3)
    path, body = f"/batches/{batch}/enrolments", canonical(json.dumps(members[1].form()).encode(), "application/json")
    key = request_key("petugas-a", "kunci-1", b"POST", path.encode(), b"", b"", body)
    async with office.pool.acquire() as elsewhere, elsewhere.transaction():
        assert await claim(elsewhere, key) is None
        async with held(office, batch) as crowd:
            for number, member in enumerate(members):
                await crowd.comes(member, f"kunci-{number}")
        await crowd.tasks[0]
        await until_waiting(office.pool)
        await store(elsewhere, key, StoredAnswer(201, (), b"elsewhere"))
    answers = await crowd.answers()
    assert [answer.status_code for answer in answers] == [201] * 3
    assert (answers[1].content, answers[1].headers[REPLAYED]) == (b"elsewhere", "true")
    assert await transactions(office, ids_of([answers[0], answers[2]])) == 1
    assert str(members[1].owner_id) not in await arrivals(office, batch)
    await office.check_whole()


async def test_an_owner_who_is_held_elsewhere_holds_up_nobody(office: Office) -> None:
    batch, (busy, *others) = await office.batch(9), await office.members(4)
    async with office.pool.acquire() as connection, connection.transaction():
        await connection.execute("SELECT FROM owner_copy WHERE owner_id = $1 FOR UPDATE", busy.owner_id)
        async with held(office, batch) as crowd:
            for member in (busy, *others):
                await crowd.comes(member)
        async with asyncio.timeout(4):  # less than anybody waits for a lock
            answers = await asyncio.gather(*crowd.tasks[2:])
        assert [answer.status_code for answer in answers] == [201] * 3
        assert not crowd.tasks[1].done()
    assert (await crowd.tasks[1]).status_code == 201
    assert (await arrivals(office, batch))[str(busy.owner_id)] == 5
    await office.check_whole()


FAILS_ON = """
CREATE FUNCTION fail_on() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'planted' USING ERRCODE = 'XX000'; END $$;
CREATE TRIGGER planted BEFORE INSERT ON enrolment FOR EACH ROW WHEN (NEW.owner_id = '{}') EXECUTE FUNCTION fail_on()
"""


async def test_an_unforeseen_error_fails_whose_it_is_alone_and_leaves_nothing_half(office: Office) -> None:
    batch, members = await office.batch(2), await office.members(5)
    superuser = await asyncpg.connect(office.database.superuser_dsn)
    await superuser.execute(FAILS_ON.format(members[2].owner_id))
    await superuser.close()
    async with held(office, batch) as crowd:
        for number, member in enumerate(members):
            await crowd.comes(member, f"kunci-{number}")
    answers = await crowd.answers()
    assert [answer.status_code for answer in answers] == [201, 201, 500, 201, 201]
    came = await arrivals(office, batch)
    assert [came.get(str(member.owner_id)) for member in members] == [2, 3, None, 4, 5]
    assert await office.pool.fetchval("SELECT count(*) FROM idempotency_key WHERE status IS NULL") == 0
    assert await office.pool.fetchval("SELECT count(*) FROM idempotency_key") == 5  # the failure has no answer to keep
    await office.check_whole()


STOPS_AT = """
CREATE FUNCTION stop_here() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_advisory_xact_lock(77); RETURN NEW; END $$;
CREATE TRIGGER planted AFTER INSERT ON enrolment FOR EACH ROW WHEN (NEW.owner_id = '{}') EXECUTE FUNCTION stop_here()
"""
KILL = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'advisory'
"""


async def test_a_connection_that_dies_in_the_middle_leaves_nothing_half_and_everybody_gets_in(office: Office) -> None:
    batch, members = await office.batch(3), await office.members(6)
    superuser = await asyncpg.connect(office.database.superuser_dsn)
    await superuser.execute(STOPS_AT.format(members[-1].owner_id))  # when seats and enrolments of the group are written
    await superuser.execute("SELECT pg_advisory_lock(77)")
    async with held(office, batch) as crowd:
        for number, member in enumerate(members):
            await crowd.comes(member, f"kunci-{number}")
    async with asyncio.timeout(10):
        while not await superuser.fetch(KILL):
            await asyncio.sleep(0.005)
        assert not any(task.done() for task in crowd.tasks[1:])
    assert len(await arrivals(office, batch)) == 1
    await superuser.close()
    answers = await crowd.answers()
    assert [answer.status_code for answer in answers] == [201] * 6
    came = await arrivals(office, batch)
    assert [came[str(member.owner_id)] for member in members] == [2, 3, 4, 5, 6, 7]
    await office.check_whole()
